//! What is sent, and its bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_model::control::BarrierKind;
use millstream_model::{Attempt, SubtaskId, Watermark};

use super::chunks::Chunks;
use super::codec::{BatchEncoder, Compression};
use super::frame::{Header, Kind, MAX_BODY_BYTES};
use crate::element::Element;

/// Where a channel ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) subtask: SubtaskId,
    pub(super) channel: u32,
}

/// The newest watermark of a channel that is still to be written.
pub(super) type Slot = Arc<Mutex<Option<Watermark>>>;

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) attempt: Attempt,
    pub(super) channel: u32,
    pub(super) sequence: u64,
    pub(super) load: Load,
}

#[derive(Debug)]
pub(super) enum Load {
    Open(Target),
    Element { element: Element, charge: usize },
    Watermark(Slot),
    Close,
    Ping,
}

/// Writes frames. Each channel has an encoder of its own, because its schema is only sent with its first rows.
#[derive(Default)]
pub(super) struct FrameEncoder {
    compression: Compression,
    of_channels: HashMap<u32, BatchEncoder>,
}

impl FrameEncoder {
    pub(super) fn new(compression: Compression) -> Self {
        Self { compression, of_channels: HashMap::new() }
    }

    /// Adds a frame to `out`, or none: an earlier frame may have carried the watermark.
    ///
    /// # Errors
    /// Rows that cannot be written as they are.
    pub(super) fn encode(&mut self, outgoing: Outgoing, out: &mut Chunks) -> Result<(), String> {
        let Outgoing { attempt, channel, sequence, load } = outgoing;
        let header = |kind| Header { sequence, ..Header::new(kind, attempt, channel) };
        let header = match load {
            Load::Open(Target { subtask, channel }) => {
                let body = postcard::to_stdvec(&(subtask, channel)).map_err(|e| e.to_string())?;
                let header = Header { body: length(body.len())?, ..header(Kind::Open) };
                out.small(|out| {
                    header.write(out);
                    out.extend_from_slice(&body);
                });
                return Ok(());
            }
            Load::Element { element: Element::Batch(batch), charge } => {
                let new = || BatchEncoder::new(self.compression);
                let encoder = self.of_channels.entry(channel).or_insert_with(new);
                let (flags, body) =
                    encoder.encode(&batch).map_err(|e| format!("rows cannot be sent: {e}"))?;
                let length = length(body.iter().map(arrow::buffer::Buffer::len).sum())?;
                let header = Header { body: length, flags, argument: charge as u64, ..header(Kind::Batch) };
                out.small(|out| header.write(out));
                body.into_iter().for_each(|part| out.push(part));
                return Ok(());
            }
            Load::Watermark(slot) => match slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(watermark) => {
                    Header { argument: watermark.0.cast_unsigned(), ..header(Kind::Watermark) }
                }
                None => return Ok(()),
            },
            Load::Element { element: Element::Watermark(watermark), .. } => {
                Header { argument: watermark.0.cast_unsigned(), ..header(Kind::Watermark) }
            }
            Load::Element { element: Element::Idle(is_idle), .. } => {
                Header { flags: u8::from(is_idle), ..header(Kind::Idle) }
            }
            Load::Element { element: Element::Barrier(barrier), .. } => {
                let flags = match barrier.kind {
                    BarrierKind::Checkpoint => 0,
                    BarrierKind::Savepoint => 1,
                    BarrierKind::Stop => 2,
                    BarrierKind::Drain => 3,
                };
                Header { flags, argument: barrier.checkpoint.0, ..header(Kind::Barrier) }
            }
            Load::Element { element: Element::End, .. } => header(Kind::End),
            Load::Ping => header(Kind::Ping),
            Load::Close => {
                self.of_channels.remove(&channel);
                header(Kind::Close)
            }
        };
        out.small(|out| header.write(out));
        Ok(())
    }
}

fn length(bytes: usize) -> Result<u32, String> {
    let fits = u32::try_from(bytes).ok().filter(|length| *length <= MAX_BODY_BYTES);
    fits.ok_or_else(|| format!("a batch of {bytes} bytes is more than {MAX_BODY_BYTES}: make rows smaller"))
}
