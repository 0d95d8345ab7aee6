//! Tables of events and expected commands: what happens, when, and the lines that the job master answers with.

mod bench;
mod checkpoints;
mod deploy;
mod endings;
mod failures;
mod outputs;
mod rescale;
mod savepoints;
mod world;
