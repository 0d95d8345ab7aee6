//! How a coordinator makes a job its own, also when the storage does not answer at once.
//!
//! A generation is claimed once. What fails behind the claim is repeated as that generation: whoever takes the job over meanwhile
//! is newer, and fences this coordinator instead of being fenced by it.

use std::sync::Arc;
use std::time::Duration;

use millstream_checkpoint_store::{JobStore, Restored, StoreError, TakeOver};
use millstream_jobmaster::{JobSpec, OwnedEpoch, Takeover};
use millstream_model::{CheckpointId, ErrorKind, JobError};
use tokio::sync::{Notify, watch};

use crate::JobOutcome;
use crate::clock::Clock;
use crate::coordinator::JobParts;
use crate::metadata_io::MetadataIo;
use crate::outage::Outage;
use crate::progress::{self, Expected};
use crate::publishers::Publishers;
use crate::settings::CoordinatorSettings;
use crate::status::{JobStatus, one_line};

/// Steps 1 to 3 of a take-over, and the look at the targets; the job master orders the rest. What passes is waited for, until
/// `stopped` says that nobody wants the job any more; `status` says what is waited for.
///
/// # Errors
/// `Fenced`; `Failed`, of the kind `Unavailable` if only the storage or a target did not answer.
pub(crate) async fn take_over(
    parts: &JobParts,
    settings: &CoordinatorSettings,
    status: &watch::Sender<JobStatus>,
    stopped: &Notify,
) -> Result<(Takeover, MetadataIo), JobOutcome> {
    let JobParts { spec, store, sinks, .. } = parts;
    let clock = Clock::new(settings.clock.clone());
    let mut steps = Steps { outage: Outage::new(settings.start_patience), clock, status, stopped };
    if settings.probe {
        steps.repeat(|| store.probe()).await?;
    }
    let generation = steps.repeat(|| store.claim(&settings.take_over)).await?;
    let taken = steps.repeat(|| store.take_over_as(generation, &settings.take_over)).await?;
    announce(store, &taken);
    if let Err(error) = millstream_savepoint::clean_up(store, &taken.incarnation).await {
        // It only takes space, and the next start tries again.
        tracing::warn!("what unfinished savepoints left is still there: {}", JobError::from(error));
    }
    let owner = steps.repeat(|| store.lineage()).await?;
    let publishers =
        Arc::new(Publishers::new(owner, sinks.clone(), store.objects(), settings.publish_deadline));
    let TakeOver { incarnation, start, restore, to_publish, discarded, .. } = taken;
    let restored = restore.map(owned);
    let unpublished: Vec<_> = to_publish.into_iter().map(owned).collect();
    let expected = progress::expected(restored.as_ref(), &unpublished, &discarded);
    check_targets(&publishers, &expected, spec).await.map_err(failed)?;
    let used = restored.iter().chain(&unpublished).map(|o| o.manifest.checkpoint).max();
    let takeover = Takeover {
        generation: incarnation.generation(),
        start,
        next_checkpoint: used.map_or(CheckpointId(1), CheckpointId::next),
        restored,
        unpublished,
        discarded,
    };
    Ok((takeover, MetadataIo::new(store.clone(), incarnation, publishers)))
}

/// Carries the steps out, each until it is done or given up. The patience is one for all of them.
struct Steps<'a> {
    outage: Outage,
    clock: Clock,
    status: &'a watch::Sender<JobStatus>,
    stopped: &'a Notify,
}

impl Steps<'_> {
    async fn repeat<T, F>(&mut self, step: impl Fn() -> F) -> Result<T, JobOutcome>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            let error = match step().await {
                Ok(done) => return Ok(done),
                Err(StoreError::Fenced { by, .. }) => return Err(JobOutcome::Fenced { by }),
                Err(error) => JobError::from(error),
            };
            let now_ms = self.clock.now_ms();
            let pause_ms = self.outage.failed(now_ms).filter(|_| error.kind == ErrorKind::Transient);
            let Some(pause_ms) = pause_ms else { return Err(failed(error)) };
            let next = format!("take the job over again in {pause_ms} ms");
            tracing::warn!("the job cannot be taken over yet: {error}; next: {next}");
            self.status.send_modify(|status| {
                (status.last_error, status.next) = (Some(one_line(&error.message)), Some(next));
            });
            tokio::select! {
                () = self.clock.sleep_until(now_ms.saturating_add(pause_ms)) => {}
                () = self.stopped.notified() => return Err(failed(error)),
            }
            self.status.send_modify(|status| status.next = None);
        }
    }
}

/// Looks at the progress records, patiently: a target that cannot be asked gives no permission to go on.
async fn check_targets(
    publishers: &Publishers,
    expected: &[Expected],
    spec: &JobSpec,
) -> Result<(), JobError> {
    let patience = spec.settings.publish;
    let mut failed = 0;
    loop {
        match publishers.check(expected, &spec.graph).await {
            Err(error) if error.kind == ErrorKind::Transient && failed + 1 < patience.attempts => {
                failed += 1;
                let pause_ms = patience.backoff_ms(failed);
                tracing::warn!("cannot read what is published, again in {pause_ms} ms: {error}");
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            answer => return answer,
        }
    }
}

fn announce(store: &JobStore, taken: &TakeOver) {
    let from = match &taken.restore {
        Some(restored) => format!("epoch {}", restored.owned.epoch),
        None => "the beginning".into(),
    };
    let generation = taken.incarnation.generation();
    tracing::info!(
        "took over {} as generation {generation} at epoch {}, going on from {from}",
        store.location(),
        taken.start
    );
    for passed in &taken.passed_over {
        tracing::warn!("epoch {} is damaged and passed over: {}", passed.epoch, passed.reason);
    }
    if let Some((first, last)) = taken.repeats {
        tracing::warn!("output of epochs {first} to {last} will be written again");
    }
}

fn owned(restored: Restored) -> OwnedEpoch {
    OwnedEpoch { epoch: restored.owned.epoch, manifest: restored.manifest }
}

/// The end of a job that could not be taken over. What would pass is not waited for any more.
fn failed(error: JobError) -> JobOutcome {
    let kind = match error.kind {
        ErrorKind::Transient => ErrorKind::Unavailable,
        kind => kind,
    };
    JobOutcome::Failed(JobError::new(kind, error.message))
}
