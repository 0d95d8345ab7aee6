//! End-to-end tests of the built binary. They live in `tests/`; this library is empty, so that the crate has a target that
//! every cargo command accepts.
