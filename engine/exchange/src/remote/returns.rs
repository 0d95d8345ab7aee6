//! Credit on its way back to the sender.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::inbox::CHANNEL_CREDIT_BYTES;

/// Credit goes back in portions of a quarter, so that the sender is told before it has to wait. Less than a portion stays owed: it
/// keeps nobody from sending, and telling of every small batch would cost as much as the batch.
const PORTION: usize = CHANNEL_CREDIT_BYTES / 4;

/// What all channels of a connection give back, until it is written.
#[derive(Debug, Default)]
pub(super) struct Returns {
    given: Mutex<Vec<(u32, usize)>>,
    ready: Notify,
}

impl Returns {
    /// Takes what was given: channels and bytes.
    pub(super) fn take(&self) -> Vec<(u32, usize)> {
        std::mem::take(&mut *self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something was given. What is given between `take` and this call is not missed.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }
}

/// Gives the credit of one channel back.
#[derive(Debug)]
pub(crate) struct CreditReturn {
    connection: Arc<Returns>,
    channel: u32,
    owed: usize,
}

impl CreditReturn {
    pub(super) const fn new(connection: Arc<Returns>, channel: u32) -> Self {
        Self { connection, channel, owed: 0 }
    }

    /// So many bytes were taken out of the channel.
    pub(crate) fn give(&mut self, bytes: usize) {
        self.owed += bytes;
        if self.owed < PORTION {
            return;
        }
        let portion = (self.channel, std::mem::take(&mut self.owed));
        self.connection.given.lock().unwrap_or_else(PoisonError::into_inner).push(portion);
        self.connection.ready.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_goes_back_in_portions() {
        let returns = Arc::new(Returns::default());
        let mut credit = CreditReturn::new(returns.clone(), 7);
        credit.give(0);
        credit.give(PORTION - 1);
        assert!(returns.take().is_empty());
        credit.give(3);
        credit.give(2 * PORTION);
        assert_eq!(returns.take(), [(7, PORTION + 2), (7, 2 * PORTION)]);
    }
}
