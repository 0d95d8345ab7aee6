//! What should happen to a StreamJob: facts and `now` in, a [`Decision`] out.
//!
//! [`decide()`] is the whole interface to the life of a job; [`build`] makes the Kubernetes objects that a decision asks for. This crate
//! never talks to a cluster or to an engine, never reads a clock, draws no random numbers and knows no async runtime: the same facts give
//! the same decision, so a log of them replays any decision as a test.
//!
//! | module | owns |
//! |---|---|
//! | [`observed`] | the facts, as the controller saw them |
//! | `situation` | whose children are whose, what the spec wants that does not run |
//! | [`decide`](mod@decide) | the table of transitions; a file for each kind of step |
//! | `plan` | what a change does to state, and how the running job may be stopped for it |
//! | `ended` | how a coordinator ended, beyond its pod |
//! | `origin` | what the running deployment began from and what it owns |
//! | `phase` | the phase and the conditions |
//! | `status` | the next status, its seal, when it is worth a write |
//! | [`diff`], [`fields`] | what changed, and how deep it goes; revisions |
//! | [`schedule`] | when a savepoint is due |
//! | [`snapshot`] | the life of a StreamSnapshot |
//! | [`build`], [`names`] | objects and their names |
//! | [`certificates`] | when certificates are due, and the order of steps in which they come |
//!
//! Example: a new job gives "no finalizer: add finalizer", then "write intent: Create Start to attempt 1 from Newest", then "ensure
//! ConfigMap/j-config-1 ...", and nothing more once records flow and the job is stable.
//!
//! This crate never chooses, deletes or guesses state: what a deployment restores from is the engine's decision, at or above the floor that
//! the intent carries.

mod action;
pub mod build;
pub mod certificates;
pub mod decide;
pub mod diff;
mod ended;
pub mod fields;
pub mod names;
pub mod observed;
mod origin;
mod phase;
mod plan;
pub mod schedule;
mod situation;
pub mod snapshot;
mod status;
pub mod time;

pub use action::{Action, ChildRef, Grace};
pub use decide::{Decision, decide};
pub use observed::Observed;
pub use snapshot::{SnapshotAction, SnapshotDecision, decide_snapshot};
