//! Wiring: a job's parts become a running driver, in the order of a take-over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use millstream_checkpoint_store::JobStore;
use millstream_connectors::sink::Sink;
use millstream_connectors::source::Source;
use millstream_jobmaster::{AfterSavepoint, JobPhase, JobSpec};
use millstream_model::{ErrorKind, JobError, OperatorUid};
use tokio::sync::Notify;

use crate::JobOutcome;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::handle::{Asked, JobHandle, QUEUE, Request};
use crate::links::Transport;
use crate::settings::CoordinatorSettings;
use crate::status::JobStatus;
use crate::take_over::take_over;

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
        let Self { parts, transport, settings, asked } = self;
        let Asked { mut requests, status } = asked;
        let clock = Clock::new(settings.clock.clone());
        let mut waiting = Vec::new();
        let (activated, stopped) = (Notify::new(), Notify::new());
        let mut is_standby = settings.is_standby;
        if is_standby {
            tracing::info!("standing by: nothing is claimed before `millstream activate`");
        } else {
            activated.notify_one();
        }
        let taken = {
            let taking_over = async {
                activated.notified().await;
                take_over(&parts, &settings, &status, &stopped).await
            };
            tokio::pin!(taking_over);
            loop {
                tokio::select! {
                    taken = &mut taking_over => break taken,
                    Some(request) = requests.recv() => match request {
                        Request::Cancel => return JobOutcome::Stopped { epoch: None },
                        Request::Activate if is_standby => {
                            is_standby = false;
                            status.send_modify(|status| {
                                (status.phase, status.is_standby) = (JobPhase::TakingOver, false);
                                status.next = None;
                            });
                            activated.notify_one();
                        }
                        Request::Activate => {}
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
                        request => {
                            if is_to_end(&request) {
                                stopped.notify_one();
                            }
                            waiting.push(request);
                        }
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
        let driver = Driver::new(parts.spec, parts.sources, metadata, settings, clock, status);
        driver.run(takeover, waiting, transport, requests).await
    }
}

/// Whether nobody wants the job to go on behind this.
fn is_to_end(request: &Request) -> bool {
    match request {
        Request::Stop | Request::Cancel => true,
        Request::Savepoint(order) => order.then != AfterSavepoint::GoOn,
        Request::Rescale(_) | Request::Activate => false,
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
