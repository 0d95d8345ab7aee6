//! A subtask's merged inputs: takes channels in turn, keeps the minimum watermark, aligns barriers.
//!
//! The minimum is over channels that are neither idle nor ended. Example: watermarks 5, 9 and an idle channel give 5; when
//! the first channel ends, 9; when all are idle nothing is emitted but `Idle`.

use millstream_model::control::Barrier;
use millstream_model::{Attempt, Watermark};

use crate::align::{Aligned, Alignment};
use crate::element::{Element, Frame};
use crate::error::ExchangeError;
use crate::inbox::Inbox;
use millstream_batch::StreamBatch;

/// What a gate hands to its task.
#[derive(Debug)]
pub enum GateEvent {
    /// Rows from one channel.
    Batch(StreamBatch),
    /// The minimum watermark advanced.
    Watermark(Watermark),
    /// All channels became idle, or one became active again.
    Idle(bool),
    /// A barrier arrived on all channels.
    Barrier(Barrier),
    /// All channels ended. Only barriers follow.
    End,
}

#[derive(Clone, Copy, Debug)]
struct ChannelProgress {
    watermark: Watermark,
    is_idle: bool,
    has_ended: bool,
    next_sequence: u64,
}

/// Merges the channels of an inbox.
#[derive(Debug)]
pub struct Gate {
    inbox: Inbox,
    attempt: Attempt,
    channels: Vec<ChannelProgress>,
    alignment: Alignment,
    /// The minimum that was handed out; never goes back.
    watermark: Watermark,
    is_idle: bool,
    /// Channel to look at first.
    turn: usize,
    /// Only with a bug planted.
    drops_buffered: bool,
}

impl Gate {
    /// A gate whose watermark starts at `watermark`, the one stored in the checkpoint.
    #[must_use]
    pub fn new(inbox: Inbox, attempt: Attempt, watermark: Watermark) -> Self {
        let count = inbox.channels();
        let fresh =
            ChannelProgress { watermark: Watermark::MIN, is_idle: false, has_ended: false, next_sequence: 0 };
        Self {
            inbox,
            attempt,
            channels: vec![fresh; count],
            alignment: Alignment::new(count),
            watermark,
            is_idle: false,
            turn: 0,
            drops_buffered: false,
        }
    }

    /// What must not be done to rows behind a barrier, for tests of the tests.
    #[must_use]
    pub const fn dropping_buffered(mut self, is_planted: bool) -> Self {
        self.drops_buffered = is_planted;
        self
    }

    /// The minimum that was handed out last.
    #[must_use]
    pub const fn watermark(&self) -> Watermark {
        self.watermark
    }

    /// The next event that is there already.
    ///
    /// # Errors
    /// When a channel's sequence has a gap, or a connection broke: rows were lost on the way.
    pub fn poll(&mut self) -> Result<Option<GateEvent>, ExchangeError> {
        if let Some(failure) = self.inbox.failure() {
            return Err(failure);
        }
        loop {
            let (alignment, drops) = (&self.alignment, self.drops_buffered);
            let is_excluded = |c: usize| alignment.is_blocked(c) && !drops;
            let Some((channel, frame)) = self.inbox.poll(self.turn, is_excluded) else {
                return Ok(None);
            };
            self.turn = (channel + 1) % self.channels.len();
            if let Some(event) = self.accept(channel, frame)? {
                return Ok(Some(event));
            }
        }
    }

    /// Waits until [`Self::poll`] may have something.
    pub async fn readable(&self) {
        self.inbox.readable().await;
    }

    fn accept(&mut self, channel: usize, frame: Frame) -> Result<Option<GateEvent>, ExchangeError> {
        if frame.attempt != self.attempt {
            // A frame of an older deployment that was still on its way.
            return Ok(None);
        }
        let progress = &mut self.channels[channel];
        if frame.sequence != progress.next_sequence {
            return Err(ExchangeError::SequenceGap {
                channel,
                expected: progress.next_sequence,
                found: frame.sequence,
            });
        }
        progress.next_sequence += 1;
        match frame.element {
            Element::Batch(_) if self.alignment.is_blocked(channel) => Ok(None),
            Element::Batch(batch) => {
                // Rows make a channel active even if its status has not caught up.
                progress.is_idle = false;
                Ok(Some(GateEvent::Batch(batch)))
            }
            Element::Watermark(watermark) => {
                progress.watermark = progress.watermark.max(watermark);
                progress.is_idle = false;
                Ok(self.progressed())
            }
            Element::Idle(is_idle) => {
                progress.is_idle = is_idle;
                Ok(self.progressed())
            }
            Element::Barrier(barrier) => Ok(match self.alignment.deliver(channel, barrier) {
                Aligned::Complete(barrier) => Some(GateEvent::Barrier(barrier)),
                Aligned::Waiting | Aligned::Stale => None,
            }),
            Element::End => {
                progress.has_ended = true;
                progress.watermark = Watermark::MAX;
                if self.channels.iter().all(|c| c.has_ended) {
                    Ok(Some(GateEvent::End))
                } else {
                    Ok(self.progressed())
                }
            }
        }
    }

    /// What a change of one channel's progress means for all of them.
    fn progressed(&mut self) -> Option<GateEvent> {
        let active = self.channels.iter().filter(|c| !c.is_idle && !c.has_ended);
        match active.map(|c| c.watermark).min() {
            Some(minimum) if minimum > self.watermark => {
                self.watermark = minimum;
                self.is_idle = false;
                Some(GateEvent::Watermark(minimum))
            }
            Some(_) if self.is_idle => {
                self.is_idle = false;
                Some(GateEvent::Idle(false))
            }
            None if !self.is_idle => {
                self.is_idle = true;
                Some(GateEvent::Idle(true))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use millstream_model::CheckpointId;
    use millstream_model::control::BarrierKind;

    use super::*;
    use crate::sender::ChannelSender;
    use crate::test_rows::batch;

    fn gate(channels: usize) -> (Gate, Vec<ChannelSender>) {
        let inbox = Inbox::new(channels);
        let senders = (0..channels).map(|c| inbox.sender(c, Attempt(1))).collect();
        (Gate::new(inbox, Attempt(1), Watermark::MIN), senders)
    }

    fn drain(gate: &mut Gate) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(event) = gate.poll().unwrap() {
            out.push(match event {
                GateEvent::Batch(b) => format!("rows {}", b.num_rows()),
                GateEvent::Watermark(w) => format!("wm {}", w.0),
                GateEvent::Idle(i) => format!("idle {i}"),
                GateEvent::Barrier(b) => format!("barrier {}", b.checkpoint),
                GateEvent::End => "end".into(),
            });
        }
        out
    }

    fn barrier(number: u64) -> Element {
        Element::Barrier(Barrier { checkpoint: CheckpointId(number), kind: BarrierKind::Checkpoint })
    }

    #[test]
    fn the_watermark_is_the_minimum_over_active_channels() {
        let (mut gate, mut senders) = gate(3);
        senders[0].send(Element::Watermark(Watermark(5)));
        senders[1].send(Element::Watermark(Watermark(9)));
        assert!(drain(&mut gate).is_empty(), "channel 2 has promised nothing");
        senders[2].send(Element::Idle(true));
        assert_eq!(drain(&mut gate), ["wm 5"]);
        senders[0].send(Element::End);
        assert_eq!(drain(&mut gate), ["wm 9"]);
        senders[1].send(Element::Idle(true));
        assert_eq!(drain(&mut gate), ["idle true"]);
        senders[2].send(Element::Watermark(Watermark(3)));
        assert_eq!(drain(&mut gate), ["idle false"], "a watermark behind the minimum does not take it back");
        senders[1].send(Element::End);
        senders[2].send(Element::End);
        assert_eq!(drain(&mut gate), ["end"]);
    }

    #[test]
    fn rows_behind_a_barrier_wait_for_the_other_channels() {
        let (mut gate, mut senders) = gate(2);
        senders[0].send(Element::Batch(batch(&[1])));
        senders[0].send(barrier(1));
        senders[0].send(Element::Batch(batch(&[2, 3])));
        assert_eq!(drain(&mut gate), ["rows 1"]);
        senders[1].send(Element::Batch(batch(&[4, 5, 6])));
        senders[1].send(barrier(1));
        assert_eq!(drain(&mut gate), ["rows 3", "barrier 1", "rows 2"]);
    }

    #[test]
    fn the_planted_bug_drops_them() {
        let (gate, mut senders) = gate(2);
        let mut gate = gate.dropping_buffered(true);
        senders[0].send(barrier(1));
        senders[0].send(Element::Batch(batch(&[2, 3])));
        senders[1].send(Element::Batch(batch(&[4, 5, 6])));
        senders[1].send(barrier(1));
        senders[0].send(Element::Batch(batch(&[7])));
        assert_eq!(drain(&mut gate), ["rows 3", "barrier 1", "rows 1"]);
    }

    #[test]
    fn barriers_still_pass_after_the_end() {
        let (mut gate, mut senders) = gate(2);
        for sender in &mut senders {
            sender.send(Element::End);
            sender.send(barrier(1));
        }
        assert_eq!(drain(&mut gate), ["end", "barrier 1"]);
    }

    #[test]
    fn frames_of_another_attempt_are_dropped_and_gaps_fail() {
        let inbox = Inbox::new(1);
        let mut gate = Gate::new(inbox.clone(), Attempt(2), Watermark::MIN);
        inbox.sender(0, Attempt(1)).send(Element::End);
        assert!(drain(&mut gate).is_empty());
        let mut sender = inbox.sender(0, Attempt(2));
        sender.send(Element::End);
        let _ = inbox.poll(0, |_| false);
        sender.send(barrier(1));
        assert!(matches!(gate.poll(), Err(ExchangeError::SequenceGap { expected: 0, found: 1, .. })));
    }

    #[test]
    fn a_restored_watermark_is_a_lower_bound() {
        let inbox = Inbox::new(1);
        let mut gate = Gate::new(inbox.clone(), Attempt(1), Watermark(100));
        let mut sender = inbox.sender(0, Attempt(1));
        sender.send(Element::Watermark(Watermark(50)));
        assert!(drain(&mut gate).is_empty());
        sender.send(Element::Watermark(Watermark(150)));
        assert_eq!(drain(&mut gate), ["wm 150"]);
        assert_eq!(gate.watermark(), Watermark(150));
    }
}
