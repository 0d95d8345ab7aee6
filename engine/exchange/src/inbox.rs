//! The receiving end of a subtask: one queue a channel, with credit in bytes.
//!
//! A sender may send while its channel holds less than the credit, and so overdraws it by at most one element: with
//! 512 KiB of credit and batches of at most about 1 MB a channel never holds more than about 1.5 MB. A channel that nobody
//! reads (it waits for alignment) blocks only its own sender.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use millstream_model::Attempt;
use tokio::sync::Notify;

use crate::element::{Element, Frame};
use crate::error::ExchangeError;
use crate::remote::CreditReturn;
use crate::sender::ChannelSender;

/// Credit of one channel: eight exchange batches of 64 KiB, of which a sender in another process may be owed two, enough to keep a
/// receiver busy while the sender is woken.
pub(crate) const CHANNEL_CREDIT_BYTES: usize = 512 * 1024;

#[derive(Debug, Default)]
struct Channel {
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// Where credit goes when the sender is in another process.
    returns: Option<CreditReturn>,
}

#[derive(Debug)]
struct Shared {
    channels: Mutex<Vec<Channel>>,
    readable: Notify,
    /// One per channel: credit came back.
    writable: Vec<Notify>,
    /// Why nothing can be trusted to come any more.
    failure: OnceLock<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Channel>> {
        // A poisoned lock means that another task panicked; its attempt is being cancelled and the queues are still whole.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queues of one receiving subtask.
#[derive(Clone, Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

impl Inbox {
    /// Queues for so many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels: Mutex::new((0..channels).map(|_| Channel::default()).collect()),
                readable: Notify::new(),
                writable: (0..channels).map(|_| Notify::new()).collect(),
                failure: OnceLock::new(),
            }),
        }
    }

    /// How many channels there are.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shared.writable.len()
    }

    /// The sending end of one channel.
    #[must_use]
    pub fn sender(&self, channel: usize, attempt: Attempt) -> ChannelSender {
        ChannelSender::local(self.entry(channel, attempt))
    }

    /// The way into one channel.
    pub(crate) fn entry(&self, channel: usize, attempt: Attempt) -> Entry {
        Entry { shared: self.shared.clone(), channel, attempt, next_sequence: 0 }
    }

    /// Takes the next frame of the first channel, from `from` on in a circle, that is not excluded and not empty.
    #[must_use]
    pub fn poll(&self, from: usize, is_excluded: impl Fn(usize) -> bool) -> Option<(usize, Frame)> {
        let mut channels = self.shared.lock();
        let count = channels.len();
        for channel in (0..count).map(|i| (from + i) % count) {
            if is_excluded(channel) {
                continue;
            }
            let Some(state) = channels.get_mut(channel) else { continue };
            if let Some(frame) = state.queue.pop_front() {
                let had_credit = state.queued_bytes < CHANNEL_CREDIT_BYTES;
                state.queued_bytes = state.queued_bytes.saturating_sub(frame.charge);
                if !had_credit && state.queued_bytes < CHANNEL_CREDIT_BYTES {
                    self.shared.writable[channel].notify_one();
                }
                if let Some(returns) = &mut state.returns {
                    returns.give(frame.charge);
                }
                return Some((channel, frame));
            }
        }
        None
    }

    /// Waits until something may have arrived. A notice given between `poll` and this call is not lost.
    pub async fn readable(&self) {
        self.shared.readable.notified().await;
    }

    /// Bytes that wait in all channels.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.shared.lock().iter().map(|c| c.queued_bytes).sum()
    }

    /// Why the inbox is of no use any more.
    pub(crate) fn failure(&self) -> Option<ExchangeError> {
        let reason = self.shared.failure.get()?.clone();
        Some(ExchangeError::ConnectionLost { reason })
    }
}

/// The way into one channel: whoever holds it sees to it that elements come in their order.
#[derive(Debug)]
pub(crate) struct Entry {
    shared: Arc<Shared>,
    channel: usize,
    attempt: Attempt,
    next_sequence: u64,
}

impl Entry {
    pub(crate) fn has_credit(&self) -> bool {
        self.shared.lock()[self.channel].queued_bytes < CHANNEL_CREDIT_BYTES
    }

    pub(crate) async fn credit(&self) {
        while !self.has_credit() {
            self.shared.writable[self.channel].notified().await;
        }
    }

    /// Appends an element that takes so much of the credit. Queued watermarks coalesce: only the newest counts.
    pub(crate) fn push(&mut self, element: Element, charge: usize) {
        let mut channels = self.shared.lock();
        let state = &mut channels[self.channel];
        if let (Element::Watermark(_), Some(Frame { element: last @ Element::Watermark(_), .. })) =
            (&element, state.queue.back_mut())
        {
            *last = element;
        } else {
            state.queued_bytes += charge;
            let (attempt, sequence) = (self.attempt, self.next_sequence);
            state.queue.push_back(Frame { attempt, sequence, charge, element });
            self.next_sequence += 1;
        }
        drop(channels);
        self.shared.readable.notify_one();
    }

    /// Gives the credit of this channel to a sender in another process from now on.
    pub(crate) fn return_credit_to(&self, returns: CreditReturn) {
        self.shared.lock()[self.channel].returns = Some(returns);
    }

    /// Nothing more comes, although it should: the receiving subtask has to fail.
    pub(crate) fn fail(&self, reason: &str) {
        // The first reason is the one that counts.
        let _ = self.shared.failure.set(reason.to_owned());
        self.shared.readable.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use millstream_model::Watermark;

    use super::*;
    use crate::test_rows::batch;

    #[test]
    fn watermarks_coalesce_and_order_is_kept() {
        let inbox = Inbox::new(1);
        let mut sender = inbox.sender(0, Attempt(1));
        sender.send(Element::Watermark(Watermark(1)));
        sender.send(Element::Watermark(Watermark(2)));
        sender.send(Element::Batch(batch(&[7])));
        sender.send(Element::Watermark(Watermark(3)));
        let mut seen = Vec::new();
        while let Some((_, frame)) = inbox.poll(0, |_| false) {
            seen.push((frame.sequence, matches!(frame.element, Element::Batch(_))));
        }
        assert_eq!(seen, [(0, false), (1, true), (2, false)]);
        assert_eq!(inbox.queued_bytes(), 0);
    }

    #[tokio::test]
    async fn credit_overdraws_by_one_batch_and_comes_back() {
        let inbox = Inbox::new(2);
        let mut sender = inbox.sender(0, Attempt(1));
        let big = batch(&vec![1; CHANNEL_CREDIT_BYTES / 8 + 1]);
        assert!(sender.has_credit());
        sender.send(Element::Batch(big));
        assert!(!sender.has_credit());
        assert!(inbox.sender(1, Attempt(1)).has_credit(), "a full channel does not stall its sibling");
        sender.send(Element::End);
        let waiting = tokio::spawn(async move { sender.credit().await });
        tokio::task::yield_now().await;
        assert!(inbox.poll(0, |_| false).is_some());
        waiting.await.unwrap();
    }

    #[test]
    fn excluded_channels_keep_their_frames() {
        let inbox = Inbox::new(2);
        inbox.sender(0, Attempt(1)).send(Element::End);
        assert!(inbox.poll(0, |c| c == 0).is_none());
        assert!(inbox.poll(1, |_| false).is_some());
    }
}
