//! What every connector must do, as checks that its tests call. Panics name the promise that was broken.

pub mod source;
pub mod staged_sink;
