//! A job's checkpoints in object storage: taking over, claiming epochs, permits to publish, retention.
//!
//! The rules are `millstream-checkpoint`'s; this crate does what they say over [`millstream_storage`]. It never overwrites an
//! object, never acts on an ambiguous answer, never deletes without having looked at the fence and the pins, and holds no
//! opinion on when checkpoints happen: that is the job master's.
//!
//! [`JobStore`] looks; [`JobStore::take_over`] makes it an [`Incarnation`], which alone can claim, permit and delete;
//! [`JobObjects`] is what workers use to upload and read segments.

mod error;
mod incarnation;
mod io;
mod job_store;
mod log;
mod look;
mod objects;
mod probe;
mod settings;
mod sweep;
mod take_over;

#[cfg(test)]
mod scenarios_test;
#[cfg(test)]
mod testing;

pub use error::StoreError;
pub use incarnation::{ClaimOutcome, Incarnation, PublishPermit, StoredManifest};
pub use job_store::JobStore;
pub use look::Overview;
pub use objects::{JobObjects, fetch, verify};
pub use probe::is_probe;
pub use settings::{Nonces, Sabotage, StoreSettings};
pub use sweep::{SweepReport, Writers};
pub use take_over::{OnDamage, PassedOver, Restored, TakeOver, TakeOverRequest};
