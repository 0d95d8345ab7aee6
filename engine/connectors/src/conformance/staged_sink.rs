//! Promises of a staged sink.
