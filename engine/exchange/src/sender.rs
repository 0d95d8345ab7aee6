//! The sending end of a channel, whose receiver is in this process or in another one.

use crate::element::Element;
use crate::error::ExchangeError;
use crate::inbox::Entry;
use crate::remote::RemoteChannel;

/// The sending end of a channel.
#[derive(Debug)]
pub struct ChannelSender {
    end: End,
}

#[derive(Debug)]
enum End {
    Local(Entry),
    Remote(RemoteChannel),
}

impl ChannelSender {
    pub(crate) const fn local(entry: Entry) -> Self {
        Self { end: End::Local(entry) }
    }

    pub(crate) const fn remote(channel: RemoteChannel) -> Self {
        Self { end: End::Remote(channel) }
    }

    /// Whether data may be sent now.
    #[must_use]
    pub fn has_credit(&self) -> bool {
        match &self.end {
            End::Local(entry) => entry.has_credit(),
            End::Remote(channel) => channel.has_credit(),
        }
    }

    /// Waits until data may be sent, or will never arrive.
    pub async fn credit(&self) {
        match &self.end {
            End::Local(entry) => entry.credit().await,
            End::Remote(channel) => channel.credit().await,
        }
    }

    /// Appends an element, whatever the credit. Queued watermarks coalesce: only the newest counts. What is sent after a
    /// [`Self::failure`] goes nowhere.
    pub fn send(&mut self, element: Element) {
        let charge = element.credit_bytes();
        match &mut self.end {
            End::Local(entry) => entry.push(element, charge),
            End::Remote(channel) => channel.push(element, charge),
        }
    }

    /// Why nothing arrives any more.
    #[must_use]
    pub fn failure(&self) -> Option<ExchangeError> {
        match &self.end {
            End::Local(_) => None,
            End::Remote(channel) => channel.failure(),
        }
    }
}
