//! How far each target's progress record must have got before a job goes on.
//!
//! Output becomes visible in the order of the epochs, so everything older than the oldest unpublished epoch is. Example: epoch
//! 7 published to `a` and `b`, 8 to `b`, and 9 waits. The manifest of 9 says that `a` had output in 7 and `b` in 8 last, and
//! that is what their records have to say, or more if the publishing of 9 got some of the way.

use std::collections::BTreeSet;

use millstream_checkpoint::SinkState;
use millstream_jobmaster::OwnedEpoch;
use millstream_model::{Epoch, OperatorUid};

/// What is known of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) sink: OperatorUid,
    /// The newest epoch whose output is visible there.
    pub(crate) epoch: Epoch,
    /// What the sink meant when it wrote that.
    pub(crate) meaning: Option<String>,
}

/// What the targets must know, given what the job goes on from and what is still to be published, oldest first.
pub(crate) fn expected(
    restored: Option<&OwnedEpoch>,
    unpublished: &[OwnedEpoch],
    discarded: &BTreeSet<Epoch>,
) -> Vec<Expected> {
    let (owned, is_published) = match (unpublished.first(), restored) {
        (Some(oldest), _) => (oldest, false),
        (None, Some(restored)) => (restored, true),
        (None, None) => return Vec::new(),
    };
    let newest_output = |sink: &SinkState| match is_published && !sink.publications.is_empty() {
        true => Some(owned.epoch),
        false => sink.last_output,
    };
    let known = |sink: &SinkState| {
        Some(Expected {
            sink: sink.uid.clone(),
            epoch: newest_output(sink).filter(|epoch| !discarded.contains(epoch))?,
            meaning: owned.manifest.operator(&sink.uid).map(|o| o.meaning.clone()),
        })
    };
    owned.manifest.sinks.iter().filter_map(known).collect()
}
