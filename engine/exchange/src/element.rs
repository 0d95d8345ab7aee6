//! What travels through a channel.

use millstream_batch::StreamBatch;
use millstream_model::control::Barrier;
use millstream_model::{Attempt, Watermark};

/// One thing in a channel.
#[derive(Clone, Debug)]
pub enum Element {
    /// Rows.
    Batch(StreamBatch),
    /// Progress of event time on this channel.
    Watermark(Watermark),
    /// Whether the channel is excluded from the minimum of watermarks.
    Idle(bool),
    /// Marker of a checkpoint.
    Barrier(Barrier),
    /// No more rows will come; barriers still may.
    End,
}

impl Element {
    /// Bytes that the element takes of the channel's credit; control elements take none.
    pub(crate) fn credit_bytes(&self) -> usize {
        match self {
            // At least 1, so that a batch without columns counts.
            Self::Batch(batch) => batch.queued_bytes().max(1),
            _ => 0,
        }
    }
}

/// An element with the numbers that fence it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The deployment that sent it.
    pub attempt: Attempt,
    /// Position in its channel: 0, 1, 2, ...
    pub sequence: u64,
    /// What it takes of the channel's credit.
    pub(crate) charge: usize,
    /// The load.
    pub element: Element,
}
