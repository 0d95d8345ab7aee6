//! From what Kubernetes and the engine say to the facts that decisions are made from.
//!
//! Pure: objects and documents in, facts out. What cannot be read is not known, and is never guessed.

mod child;
mod ending;
mod engine;
mod job;
mod planner;
mod pod;
mod tool;

pub(crate) use child::{MANAGED_BY, MANAGER};
pub use child::{Seen, certificates, child};
pub use engine::answer;
pub use job::{Job, job};
pub use tool::{ToolSeen, tool};
