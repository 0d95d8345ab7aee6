//! What should happen to a StreamJob: facts and `now` in, a decision out.

pub mod build;
pub mod diff;
pub mod fields;
pub mod names;
pub mod observed;
pub mod time;
