//! Looking for what a job starts from, for as long as its storage does not answer.

use std::time::Duration;

use millstream_coordinator::http::Pages;
use millstream_coordinator::{Outage, StartPatience};

use super::signals::Signals;
use super::start::Start;
use crate::cli::failure::Failure;
use crate::clock;

/// Tries until there is an answer, or patience or a signal ends it. `pages` say what is waited for.
///
/// # Errors
/// That of the last try: `Unavailable` if it was given up.
pub(in crate::cli) async fn with_patience(
    patience: StartPatience,
    pages: Option<&Pages>,
    signals: &mut Signals,
    prepare: impl AsyncFn() -> Result<Start, Failure>,
) -> Result<Start, Failure> {
    let mut outage = Outage::new(patience);
    loop {
        let why = match prepare().await {
            Err(Failure::Unavailable(why)) => why,
            prepared => return prepared,
        };
        let Some(pause_ms) = outage.failed(clock::unix_ms()) else { return Err(Failure::Unavailable(why)) };
        let next = format!("look at the storage again in {pause_ms} ms");
        tracing::warn!("the job cannot be started yet: {why}; next: {next}");
        if let Some(pages) = pages {
            pages.note(next, &why, clock::unix_ms());
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
            () = signals.next() => return Err(Failure::Unavailable(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use millstream_model::Epoch;

    use super::*;

    /// Tries so often, with pauses of a millisecond, of which each try but the last fails in this way.
    async fn tried(tries: u32, patience_ms: u64, failure: fn() -> Failure) -> (u32, Result<Epoch, Failure>) {
        let patience = StartPatience {
            give_up_after: Duration::from_millis(patience_ms),
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(1),
        };
        let (tried, mut signals) = (Cell::new(0), Signals::catch().unwrap());
        let found = with_patience(patience, None, &mut signals, async || {
            tried.set(tried.get() + 1);
            if tried.get() < tries { Err(failure()) } else { Ok(Start::Finished(Epoch(7))) }
        });
        let found = match found.await {
            Ok(Start::Finished(epoch)) => Ok(epoch),
            Ok(Start::Go(_)) => panic!("nothing is to be run"),
            Err(failure) => Err(failure),
        };
        (tried.get(), found)
    }

    #[tokio::test]
    async fn only_what_may_pass_is_waited_for() {
        let away = || Failure::Unavailable("no answer".into());
        let refused = || Failure::Mistake("no such bucket".into());
        assert!(matches!(tried(3, 3_600_000, away).await, (3, Ok(Epoch(7)))));
        assert!(matches!(tried(3, 0, away).await, (1, Err(Failure::Unavailable(_)))));
        assert!(matches!(tried(3, 3_600_000, refused).await, (1, Err(Failure::Mistake(_)))));
    }
}
