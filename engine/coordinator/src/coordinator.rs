//! Wiring: a job's parts become a running driver, in the order of a take-over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use millstream_checkpoint_store::{JobStore, Restored, StoreError, TakeOver};
use millstream_connectors::sink::Sink;
use millstream_connectors::source::Source;
use millstream_jobmaster::{JobPhase, JobSpec, OwnedEpoch, Takeover};
use millstream_model::{CheckpointId, ErrorKind, JobError, OperatorUid};
use tokio::sync::Notify;

use crate::JobOutcome;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::handle::{Asked, JobHandle, QUEUE, Request};
use crate::links::Transport;
use crate::metadata_io::MetadataIo;
use crate::progress::{self, Expected};
use crate::publishers::Publishers;
use crate::settings::CoordinatorSettings;
use crate::status::JobStatus;

/// What a job consists of, for its coordinator.
pub struct JobParts {
    /// The graph, the settings, and who the job is.
    pub spec: JobSpec,
    /// Its folder.
    pub store: JobStore,
    /// Every source of the graph, by its operator's uid.
    pub sources: BTreeMap<OperatorUid, Arc<dyn Source>>,
    /// Every staged sink of the graph, by its operator's uid. A sink that is not in the graph any more may stay here: output
    /// that an earlier run left for it is then published.
    pub sinks: BTreeMap<OperatorUid, Arc<dyn Sink>>,
}

/// What a standby says to orders for the job.
const STANDBY: &str = "this coordinator is a standby: ask the one that has the job, or activate it first";

/// The coordinator of a job that has not begun.
#[derive(Debug)]
pub struct Coordinator {
    parts: JobParts,
    transport: Transport,
    settings: CoordinatorSettings,
    asked: Asked,
}

impl Coordinator {
    /// Wires a job. Nothing is read, written or sent before [`Self::run`].
    #[must_use]
    pub fn new(parts: JobParts, transport: Transport, settings: CoordinatorSettings) -> (Self, JobHandle) {
        let status = before_the_job(&parts, &settings);
        let (handle, asked) = JobHandle::new(status);
        (Self { parts, transport, settings, asked }, handle)
    }

    /// Takes the job over and runs it until it is finished, stopped, failed or fenced. By then all output of owned epochs is
    /// visible unless the outcome is `Failed`, `Fenced`, or a cancel, and the workers are told to end.
    ///
    /// Cancellation: dropping the future is like a crash of the coordinator; the next one goes on from what is owned.
    pub async fn run(self) -> JobOutcome {
        let Self { parts, transport, settings, mut asked } = self;
        let clock = Clock::new(settings.clock.clone());
        let mut waiting = Vec::new();
        let activated = Notify::new();
        let mut is_standby = settings.is_standby;
        if is_standby {
            tracing::info!("standing by: nothing is claimed before `millstream activate`");
        } else {
            activated.notify_one();
        }
        let taken = {
            let taking_over = async {
                activated.notified().await;
                take_over(&parts, &settings).await
            };
            tokio::pin!(taking_over);
            loop {
                tokio::select! {
                    taken = &mut taking_over => break taken,
                    Some(request) = asked.requests.recv() => match request {
                        Request::Cancel => return JobOutcome::Stopped { epoch: None },
                        Request::Activate => {
                            is_standby = false;
                            asked.status.send_modify(|status| {
                                (status.phase, status.is_standby) = (JobPhase::TakingOver, false);
                                status.next = None;
                            });
                            activated.notify_one();
                        }
                        Request::Stop if is_standby => return JobOutcome::Stopped { epoch: None },
                        Request::Savepoint(order) if is_standby => {
                            let _ = order.answer.send(Err(JobError::new(ErrorKind::User, STANDBY)));
                        }
                        Request::Rescale(order) if is_standby => {
                            let _ = order.answer.send(Err(JobError::new(ErrorKind::User, STANDBY)));
                        }
                        Request::Savepoint(order) if waiting.len() >= QUEUE => {
                            let message = "too many requests wait for the job to begin";
                            let _ = order.answer.send(Err(JobError::new(ErrorKind::Transient, message)));
                        }
                        Request::Stop if waiting.iter().any(|w| matches!(w, Request::Stop)) => {}
                        request => waiting.push(request),
                    },
                }
            }
        };
        let (takeover, metadata) = match taken {
            Ok(taken) => taken,
            Err(outcome) => {
                tracing::error!(target: crate::OUTCOME, "the job could not be taken over: {outcome}");
                return outcome;
            }
        };
        let driver = Driver::new(parts.spec, parts.sources, metadata, settings, clock, asked.status);
        driver.run(takeover, waiting, transport, asked.requests).await
    }
}

/// What is shown until the job master says more.
fn before_the_job(parts: &JobParts, settings: &CoordinatorSettings) -> JobStatus {
    let JobSpec { job, graph, parallelism, .. } = &parts.spec;
    let is_standby = settings.is_standby;
    let phase = if is_standby { JobPhase::Standby } else { JobPhase::TakingOver };
    let next = "take the job over when it is activated: this coordinator is a standby";
    let now_ms = Clock::new(settings.clock.clone()).now_ms();
    JobStatus {
        is_standby,
        next: is_standby.then(|| next.to_owned()),
        ..JobStatus::before_the_job(&job.to_string(), (graph, *parallelism), phase, now_ms)
    }
}

/// Steps 1 to 3 of a take-over, and the look at the targets; the job master orders the rest.
async fn take_over(
    parts: &JobParts,
    settings: &CoordinatorSettings,
) -> Result<(Takeover, MetadataIo), JobOutcome> {
    let JobParts { spec, store, sinks, .. } = parts;
    if settings.probe {
        store.probe().await.map_err(outcome)?;
    }
    let taken = store.take_over(&settings.take_over).await.map_err(outcome)?;
    announce(store, &taken);
    if let Err(error) = millstream_savepoint::clean_up(store, &taken.incarnation).await {
        // It only takes space, and the next start tries again.
        tracing::warn!("what unfinished savepoints left is still there: {}", JobError::from(error));
    }
    let owner = store.lineage().await.map_err(outcome)?;
    let publishers =
        Arc::new(Publishers::new(owner, sinks.clone(), store.objects(), settings.publish_deadline));
    let TakeOver { incarnation, start, restore, to_publish, discarded, .. } = taken;
    let restored = restore.map(owned);
    let unpublished: Vec<_> = to_publish.into_iter().map(owned).collect();
    let expected = progress::expected(restored.as_ref(), &unpublished, &discarded);
    check_targets(&publishers, &expected, spec).await.map_err(JobOutcome::Failed)?;
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

fn outcome(error: StoreError) -> JobOutcome {
    match error {
        StoreError::Fenced { by, .. } => JobOutcome::Fenced { by },
        error => JobOutcome::Failed(error.into()),
    }
}

impl fmt::Debug for JobParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JobParts { spec, store, sources, sinks } = self;
        f.debug_struct("JobParts")
            .field("job", &spec.job)
            .field("store", store)
            .field("sources", &sources.keys())
            .field("sinks", &sinks.keys())
            .finish()
    }
}
