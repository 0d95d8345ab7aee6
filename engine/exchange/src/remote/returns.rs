//! Credit on its way back to the sender.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::inbox::CHANNEL_CREDIT_BYTES;

/// Credit goes back in portions of a quarter, so that the sender is told before it has to wait.
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

    /// So many bytes were taken out of the channel, which may be empty now.
    pub(crate) fn give(&mut self, bytes: usize, is_empty: bool) {
        self.owed += bytes;
        if self.owed == 0 || (self.owed < PORTION && !is_empty) {
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
    fn credit_goes_back_in_portions_and_when_nothing_waits() {
        let returns = Arc::new(Returns::default());
        let mut credit = CreditReturn::new(returns.clone(), 7);
        credit.give(0, true);
        credit.give(10, false);
        assert!(returns.take().is_empty());
        credit.give(1, true);
        credit.give(PORTION, false);
        assert_eq!(returns.take(), [(7, 11), (7, PORTION)]);
    }
}
