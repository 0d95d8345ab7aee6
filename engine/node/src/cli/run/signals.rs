//! What SIGINT and SIGTERM do to a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millstream_checkpoint_store::JobStore;
use millstream_coordinator::{AfterSavepoint, JobHandle, Request};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::args::AtSignal;
use crate::cli::failure::Failure;
use crate::clock;
use crate::control::write_savepoint;

/// The signals that end a job, from the moment that they are caught. One that comes before the job runs is acted on when it does.
pub(in crate::cli) struct Signals {
    interrupt: Option<Signal>,
    terminate: Signal,
}

impl Signals {
    /// Catches SIGTERM, and leaves SIGINT alone: Ctrl-C at a question ends the command. To be called before anything that takes time: as
    /// the first process of a container, one that does not catch SIGTERM never sees it.
    pub(in crate::cli) fn catch() -> Result<Self, Failure> {
        Ok(Self { interrupt: None, terminate: caught(SignalKind::terminate())? })
    }

    /// Catches SIGINT, too: from here on there is a job to stop.
    pub(super) fn catch_all(&mut self) -> Result<(), Failure> {
        self.interrupt = Some(caught(SignalKind::interrupt())?);
        Ok(())
    }

    /// Waits for one.
    pub(in crate::cli) async fn next(&mut self) {
        let Self { interrupt, terminate } = self;
        tokio::select! {
            Some(_) = async { interrupt.as_mut()?.recv().await } => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Catches one kind of signal.
pub(in crate::cli) fn caught(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|e| Failure::Job(format!("signals cannot be caught: {e}")))
}

/// The first signal stops the job in this way; the second ends it where it is. `is_writing` is set while a savepoint is written for
/// it, of which something is still to be said when the job is over.
pub(super) async fn stop_on_signal(
    mut signals: Signals,
    handle: JobHandle,
    how: AtSignal,
    store: JobStore,
    is_writing: Arc<AtomicBool>,
) {
    signals.next().await;
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
            () = signals.next() => {
                handle.ask(Request::Cancel);
                return;
            }
        }
    } else {
        handle.ask(Request::Stop);
    }
    signals.next().await;
    handle.ask(Request::Cancel);
}
