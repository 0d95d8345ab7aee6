//! Fakes that the tests of this crate run against: a source, a transactional target, a worker.

mod job;
mod sink;
mod source;
mod worker;

use millstream_model::OperatorUid;
use millstream_model::snapshot::SplitState;

pub(crate) use job::{Job, graph};
pub(crate) use sink::{FakeSink, Target};
pub(crate) use source::FakeSource;
pub(crate) use worker::{FakeWorker, Trouble};

pub(crate) fn uid(name: &str) -> OperatorUid {
    OperatorUid(name.into())
}

/// The splits' names, joined by commas.
pub(crate) fn names(splits: &[SplitState]) -> String {
    splits.iter().map(|s| s.split.0.as_str()).collect::<Vec<_>>().join(",")
}
