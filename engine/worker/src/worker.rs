//! A worker: takes the coordinator's messages, runs subtasks in its slots, reports.

mod attempt;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use millstream_batch::MAX_BATCH_ROWS;
use millstream_connectors::ConnectorRegistry;
use millstream_connectors::sink::Sink;
use millstream_model::control::{FromWorker, HeldSlots, ToWorker, WorkerId};
use millstream_model::snapshot::SubtaskRestore;
use millstream_model::{Attempt, ErrorKind, Generation, JobError, SubtaskId};
use millstream_plan::CompiledJob;
use tokio::sync::mpsc;

use crate::held::HeldRecord;
use crate::memory::SlotMemory;
use crate::operator_factory::OperatorFactory;
use crate::sabotage::Sabotage;
use crate::slot::{Slot, SlotTask};
use crate::spill::SpillSettings;
use crate::store::SnapshotStore;
use crate::task::deploy::{Blueprint, Deployment};
use crate::task::run::{Control, SharedProgress};
use attempt::{RunningAttempt, RunningTask};
use millstream_exchange::Network;

/// Control messages that may wait for one task. A task takes them between batches; a few checkpoints and one assignment
/// wait at most, unless it hangs, and then it is better to fail than to queue.
const CONTROL_QUEUE: usize = 1_024;

/// How often progress is reported.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// The job at some parallelism, from the text that a worker has.
pub type CompileAt = Arc<dyn Fn(u32) -> Result<CompiledJob, JobError> + Send + Sync>;

/// What a worker is made of.
#[derive(Clone)]
pub struct WorkerSettings {
    /// Its identity within the job.
    pub id: WorkerId,
    /// How many pipeline slices it runs, each on a thread of its own.
    pub slots: u32,
    /// The job, compiled from the same text as everywhere.
    pub job: Arc<CompiledJob>,
    /// Compiles it for another parallelism; without, the job stays at the one that it has.
    pub compile: Option<CompileAt>,
    /// The connectors.
    pub connectors: ConnectorRegistry,
    /// Takes the rows of a bare SELECT.
    pub collect: Option<Arc<dyn Sink>>,
    /// The job's bucket.
    pub store: Arc<dyn SnapshotStore>,
    /// Rows that a reader gives at most at once, usually [`millstream_batch::MAX_BATCH_ROWS`]. No result depends on it.
    pub batch_rows: usize,
    /// Planted bugs, for the suite that must find them.
    pub sabotage: Sabotage,
    /// Where operators come from; usually the default.
    pub operators: OperatorFactory,
    /// Where state goes beyond a budget; `None` keeps all of it in memory.
    pub spill: Option<SpillSettings>,
    /// Bytes that all state of one slot may take in memory before the job ends for it; `None`: nobody looks.
    pub slot_bytes: Option<usize>,
    /// Connections to other workers; `None` when this is the only one.
    pub network: Option<WorkerNetwork>,
    /// What was run here. The next coordinator is told, and lets the worker have it again if it can.
    pub held: Arc<HeldRecord>,
    /// How long tasks may take to end once they are cancelled, usually [`CANCELLATION_TIMEOUT`].
    pub cancellation_timeout: Duration,
}

/// A task that has not ended after so long never will: a call into a library hangs, or a disk.
pub const CANCELLATION_TIMEOUT: Duration = Duration::from_secs(180);

/// Why a worker ended before its coordinator wanted it to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The system has no thread left.
    #[error("its threads cannot be started")]
    Threads(#[from] std::io::Error),
    /// A slot is lost. Only another process has one in its place, so this one should end.
    #[error(
        "{task} has not ended {seconds} s after it was cancelled, and keeps its slot: this process has to start again",
        seconds = timeout.as_secs_f64()
    )]
    Stuck {
        /// Which task.
        task: String,
        /// How long that was waited for.
        timeout: Duration,
    },
}

/// How a worker reaches others and is reached by them.
#[derive(Clone, Debug)]
pub struct WorkerNetwork {
    /// Its connections.
    pub connections: Network,
    /// Host and port at which the others find them.
    pub address: String,
}

impl fmt::Debug for WorkerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerSettings")
            .field("id", &self.id)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

/// Runs a worker until the coordinator's queue closes.
///
/// # Errors
/// When its threads cannot be started, or tasks do not end. In the latter case their threads go on.
pub async fn run(
    settings: WorkerSettings,
    incoming: mpsc::Receiver<ToWorker>,
    reports: mpsc::Sender<FromWorker>,
) -> Result<(), WorkerError> {
    let slots = (0..settings.slots).map(Slot::start).collect::<std::io::Result<Vec<_>>>()?;
    let registered = FromWorker::Registered {
        worker: settings.id,
        slots: settings.slots,
        fingerprint: settings.job.graph.fingerprint.clone(),
        address: settings.network.as_ref().map(|network| network.address.clone()),
        held: settings.held.get(),
    };
    let account = |_| SlotMemory::new(settings.slot_bytes, settings.spill.is_some());
    let accounts = (0..settings.slots).map(account).collect();
    let mut worker = Worker {
        id: settings.id,
        blueprint: Arc::new(Blueprint {
            job: settings.job,
            connectors: settings.connectors,
            collect: settings.collect,
            store: settings.store,
            batch_rows: settings.batch_rows.clamp(1, MAX_BATCH_ROWS),
            sabotage: settings.sabotage,
            operators: settings.operators,
            spill: settings.spill,
            slots: accounts,
        }),
        compile: settings.compile,
        slots,
        reports,
        attempt: None,
        unprepared: None,
        network: settings.network.map(|network| network.connections),
        held: settings.held,
        cancellation_timeout: settings.cancellation_timeout,
    };
    if worker.reports.send(registered).await.is_err() {
        return Ok(());
    }
    worker.obey(incoming).await?;
    // Joining the slots' threads would block this runtime.
    let slots = std::mem::take(&mut worker.slots);
    let joined = tokio::task::spawn_blocking(move || slots.into_iter().for_each(Slot::join));
    let timeout = worker.cancellation_timeout;
    let stuck = |_| WorkerError::Stuck { task: "a task of an earlier attempt".into(), timeout };
    let _ = tokio::time::timeout(timeout, joined).await.map_err(stuck)?;
    Ok(())
}

struct Worker {
    id: WorkerId,
    blueprint: Arc<Blueprint>,
    compile: Option<CompileAt>,
    /// The attempt that cannot run here, and why: the first subtask that is to be deployed reports it.
    unprepared: Option<(Attempt, JobError)>,
    reports: mpsc::Sender<FromWorker>,
    /// Dropping it cancels the tasks.
    attempt: Option<RunningAttempt>,
    slots: Vec<Slot>,
    network: Option<Network>,
    held: Arc<HeldRecord>,
    cancellation_timeout: Duration,
}

impl Worker {
    /// Does what the coordinator wants until it wants nothing more, and ends the tasks.
    async fn obey(&mut self, mut incoming: mpsc::Receiver<ToWorker>) -> Result<(), WorkerError> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                message = incoming.recv() => match message {
                    Some(message) => self.accept(message).await?,
                    None => break,
                },
                _ = heartbeat.tick() => self.heartbeat(),
            }
        }
        match self.attempt.take() {
            Some(running) => running.end(self.cancellation_timeout).await,
            None => Ok(()),
        }
    }

    async fn accept(&mut self, message: ToWorker) -> Result<(), WorkerError> {
        match message {
            ToWorker::Prepare { attempt, placement, addresses, parallelism, fingerprint } => {
                match self.compile(parallelism, &fingerprint) {
                    Ok(()) => self.prepare(attempt, placement, addresses),
                    Err(error) => self.unprepared = Some((attempt, error)),
                }
            }
            ToWorker::Deploy { attempt, generation, subtask, restore } => {
                self.deploy(attempt, generation, subtask, restore);
            }
            ToWorker::Start { attempt } => self.tell_all(attempt, || Control::Start),
            ToWorker::AssignSplits { attempt, subtask, splits, no_more } => {
                self.tell(attempt, subtask, Control::AssignSplits { splits, no_more });
            }
            ToWorker::TriggerBarrier { attempt, subtask, barrier } => {
                self.tell(attempt, subtask, Control::TriggerBarrier(barrier));
            }
            ToWorker::EpochOwned { attempt, checkpoint, .. } => {
                self.tell_all(attempt, || Control::EpochOwned(checkpoint));
                // Behind the last epoch the job may end before the next tick, and its figures must be the last ones.
                self.heartbeat();
            }
            ToWorker::CheckpointAborted { attempt, checkpoint } => {
                self.tell_all(attempt, || Control::Aborted(checkpoint));
            }
            ToWorker::Shutdown { attempt } => {
                self.heartbeat();
                self.tell_all(attempt, || Control::Shutdown);
            }
            ToWorker::Cancel { attempt } => return self.cancel(attempt).await,
        }
        Ok(())
    }

    /// Sees to it that the job is the one that the coordinator has.
    fn compile(&mut self, parallelism: Option<u32>, fingerprint: &str) -> Result<(), JobError> {
        let is_it = |job: &CompiledJob| job.graph.fingerprint == fingerprint;
        if is_it(&self.blueprint.job) {
            return Ok(());
        }
        let (Some(parallelism), Some(compile)) = (parallelism, &self.compile) else {
            return Err(JobError::new(ErrorKind::Bug, "this worker has another job than the coordinator"));
        };
        let job = compile(parallelism)?;
        if !is_it(&job) {
            let message =
                format!("at parallelism {parallelism} this worker has another job than the coordinator");
            return Err(JobError::new(ErrorKind::Bug, message));
        }
        self.blueprint = Arc::new(Blueprint { job: Arc::new(job), ..Blueprint::clone(&self.blueprint) });
        Ok(())
    }

    fn prepare(
        &mut self,
        attempt: Attempt,
        placement: Vec<(SubtaskId, WorkerId)>,
        addresses: Vec<(WorkerId, String)>,
    ) {
        if self.attempt.as_ref().is_some_and(|running| running.attempt >= attempt) {
            return;
        }
        let held = HeldSlots::of(placement.iter().copied(), self.id);
        let running = RunningAttempt::new(attempt, self.id, placement, addresses, &self.blueprint.job.graph);
        if let Some(network) = &self.network {
            network.deploy(attempt, running.inboxes.clone());
        }
        self.held.set(held);
        self.attempt = Some(running);
    }

    fn deploy(
        &mut self,
        attempt: Attempt,
        generation: Generation,
        subtask: SubtaskId,
        restore: SubtaskRestore,
    ) {
        if let Some((_, error)) = self.unprepared.take_if(|(unprepared, _)| *unprepared == attempt) {
            return self.report_error(attempt, subtask, error);
        }
        let Some(running) = self.attempt.as_ref().filter(|running| running.attempt == attempt) else {
            // An older attempt, whose end is on its way.
            return;
        };
        let (inbox, outboxes) = match running.edges(subtask, &self.blueprint.job.graph, self.network.as_ref())
        {
            Ok(edges) => edges,
            Err(cause) => {
                self.report_failure(attempt, subtask, &cause);
                return;
            }
        };
        let slot = running.slot_of(subtask, self.id) % self.slots.len().max(1);
        let (control, controls) = mpsc::channel(CONTROL_QUEUE);
        let progress = SharedProgress::default();
        let (ended_sender, ended) = tokio::sync::oneshot::channel();
        let deployment = Deployment {
            attempt,
            generation,
            subtask,
            slot,
            restore,
            inbox,
            outboxes,
            control: controls,
            reports: self.reports.clone(),
            progress: progress.clone(),
        };
        let cancelled = running.cancelled.clone();
        let blueprint = self.blueprint.clone();
        let reports = self.reports.clone();
        let task = SlotTask {
            build: Box::new(move || async move { blueprint.run(deployment).await }.boxed_local()),
            cancelled,
            done: Box::new(move |outcome| {
                if let Some(Err(error)) = outcome {
                    // Runs on the slot's thread inside its runtime, where waiting for the queue needs a task.
                    tokio::task::spawn_local(async move {
                        let _ = reports.send(FromWorker::SubtaskFailed { attempt, subtask, error }).await;
                    });
                }
                let _ = ended_sender.send(());
            }),
        };
        if let Some(slot) = self.slots.get(slot) {
            slot.spawn(task);
        }
        if let Some(running) = &mut self.attempt {
            running.tasks.insert(subtask, RunningTask { control, progress, ended });
        }
    }

    fn current(&self, attempt: Attempt) -> Option<&RunningAttempt> {
        self.attempt.as_ref().filter(|a| a.attempt == attempt)
    }

    fn tell(&self, attempt: Attempt, subtask: SubtaskId, message: Control) {
        let Some(task) = self.current(attempt).and_then(|a| a.tasks.get(&subtask)) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = task.control.try_send(message) {
            self.report_failure(attempt, subtask, "the task does not take its control messages");
        }
    }

    fn tell_all(&self, attempt: Attempt, message: impl Fn() -> Control) {
        let Some(running) = self.current(attempt) else { return };
        for subtask in running.tasks.keys() {
            self.tell(attempt, *subtask, message());
        }
    }

    fn report_failure(&self, attempt: Attempt, subtask: SubtaskId, cause: &str) {
        let error =
            JobError::new(ErrorKind::Bug, format!("subtask {subtask}: {cause}; this is a bug in Millstream"));
        self.report_error(attempt, subtask, error);
    }

    fn report_error(&self, attempt: Attempt, subtask: SubtaskId, error: JobError) {
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let _ = reports.send(FromWorker::SubtaskFailed { attempt, subtask, error }).await;
        });
    }

    async fn cancel(&mut self, attempt: Attempt) -> Result<(), WorkerError> {
        if let Some(running) = self.attempt.take_if(|a| a.attempt <= attempt) {
            running.end(self.cancellation_timeout).await?;
        }
        let _ = self.reports.send(FromWorker::Cancelled { attempt, worker: self.id }).await;
        Ok(())
    }

    fn heartbeat(&self) {
        let Some(running) = &self.attempt else { return };
        let progress = running.progress();
        // Figures are for display: when the queue is full the next heartbeat brings newer ones.
        let _ = self.reports.try_send(FromWorker::Heartbeat {
            attempt: running.attempt,
            worker: self.id,
            progress,
        });
    }
}

#[cfg(test)]
mod worker_test;
