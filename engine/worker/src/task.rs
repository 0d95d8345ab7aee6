//! Tasks: one subtask of a chain each, driven on its slot's thread.

pub(crate) mod chain;
pub(crate) mod deploy;
pub(crate) mod fetch;
pub(crate) mod pipeline;
pub(crate) mod run;
pub(crate) mod sink;
pub(crate) mod snapshot;
pub(crate) mod source;
pub(crate) mod split_clock;
