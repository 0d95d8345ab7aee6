//! Lives of snapshots, against a world with a job, an engine and pods.

mod adopting_test;
mod deleting_test;
mod taking_test;
mod world;
