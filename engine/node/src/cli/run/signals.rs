//! What SIGINT and SIGTERM do to a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millstream_checkpoint_store::JobStore;
use millstream_coordinator::{AfterSavepoint, JobHandle, Request};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::AtSignal;
use crate::clock;
use crate::control::write_savepoint;

/// The first signal stops the job in this way; the second ends it where it is. `is_writing` is set while a savepoint is written for
/// it, of which something is still to be said when the job is over.
pub(super) async fn stop_on_signal(
    handle: JobHandle,
    how: AtSignal,
    store: JobStore,
    is_writing: Arc<AtomicBool>,
) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals cannot be caught; ending the process loses nothing that was published");
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    let then = match how {
        AtSignal::Checkpoint => None,
        AtSignal::Savepoint => Some(AfterSavepoint::Stop),
        AtSignal::Drain => Some(AfterSavepoint::Drain),
    };
    let what = match how {
        AtSignal::Checkpoint => "stopping behind a final checkpoint",
        AtSignal::Savepoint => "stopping behind a savepoint",
        AtSignal::Drain => "ending the input, and stopping behind a savepoint",
    };
    tracing::info!("{what}; a second signal stops at once");
    if let Some(then) = then {
        is_writing.store(true, Ordering::Relaxed);
        let name = clock::as_name(clock::unix_ms());
        tokio::select! {
            saved = write_savepoint(&handle, &store, None, name, then) => match saved {
                Ok(report) => {
                    tracing::info!("savepoint {} of epoch {}", report.location, report.epoch);
                    return;
                }
                Err(error) => {
                    tracing::error!("no savepoint: {error}; stopping behind a final checkpoint instead");
                    is_writing.store(false, Ordering::Relaxed);
                    handle.ask(Request::Stop);
                }
            },
            () = next() => {
                handle.ask(Request::Cancel);
                return;
            }
        }
    } else {
        handle.ask(Request::Stop);
    }
    next().await;
    handle.ask(Request::Cancel);
}
