//! jobmaster
