//! Deadlines that count only time in which this process ran.
//!
//! A process that is stopped, or gets no processor for 12 s, finds all its deadlines of 10 s past when it goes on, before it has
//! looked at what the other side sent meanwhile and before it has sent anything itself. So a deadline of 10 s is ten waits of
//! 1 s: however long the process was away, it used up one of them.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

/// Waits in a deadline.
const STEPS: u32 = 10;

/// Waits for `what`; `None` when this process ran for `limit` and it was not there.
pub(super) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    let mut what = pin!(what);
    for _ in 0..STEPS {
        if let Ok(done) = timeout(limit / STEPS, &mut what).await {
            return Some(done);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_never_comes_is_not_waited_for() {
        let limit = Duration::from_millis(20);
        assert_eq!(within(limit, std::future::pending::<()>()).await, None);
        assert_eq!(within(limit, std::future::ready(7)).await, Some(7));
    }

    /// Nothing of this process runs for five times the limit. What the other side would have said is there at the next look.
    #[tokio::test]
    async fn a_process_that_was_away_looks_again() {
        let (said, heard) = tokio::sync::oneshot::channel();
        let limit = Duration::from_millis(200);
        let waiting = tokio::spawn(within(limit, heard));
        tokio::task::yield_now().await;
        tokio::spawn(async move {
            // Due during the time away, and behind the deadline.
            tokio::time::sleep(limit * 3).await;
            let _ = said.send(7);
        });
        tokio::task::yield_now().await;
        std::thread::sleep(limit * 5);
        assert_eq!(waiting.await.unwrap(), Some(Ok(7)));
    }
}
