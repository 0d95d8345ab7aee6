//! A whole job in one process: the coordinator and one worker, joined by queues.

mod connected;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use millstream_checkpoint_store::JobStore;
use millstream_connectors::ConnectorRegistry;
use millstream_connectors::sink::Sink;
use millstream_coordinator::{
    Coordinator, CoordinatorSettings, JobHandle, JobOutcome, JobParts, Transport, WorkerLink,
};
use millstream_jobmaster::{JobSpec, Settings};
use millstream_model::error::with_causes;
use millstream_model::{ErrorKind, JobError, JobIdentity, OperatorUid};
use millstream_plan::CompiledJob;
use millstream_worker::{OperatorFactory, Sabotage, SpillSettings, WorkerError, WorkerSettings};
use tokio::sync::mpsc;
use tokio::task::JoinError;

pub use connected::Connected;

use crate::endpoints::endpoints;
use crate::objects::snapshot_store;

/// The only worker of the process.
const WORKER: u32 = 1;

/// Messages that may wait between the two halves. Each side takes them at once; the number only covers bursts at
/// deployment: subtasks of a job with 16 chains at parallelism 64.
const QUEUE: usize = 1_024;

/// A job that is ready to run here.
pub struct LocalJob {
    /// Who it is.
    pub identity: JobIdentity,
    /// What it computes.
    pub job: Arc<CompiledJob>,
    /// The connectors.
    pub connectors: ConnectorRegistry,
    /// Takes the rows of a bare SELECT.
    pub collect: Option<Arc<dyn Sink>>,
    /// Its folder in object storage.
    pub store: JobStore,
    /// Checkpoints, restarts, publishing.
    pub settings: Settings,
    /// Where to start from, and how to watch.
    pub coordinator: CoordinatorSettings,
    /// Operators whose state may be lost.
    pub droppable: BTreeSet<OperatorUid>,
    /// Rows that a reader gives at most at once; no result depends on it.
    pub batch_rows: usize,
    /// Where state goes beyond a budget; `None` keeps all of it in memory.
    pub spill: Option<SpillSettings>,
    /// Bytes that all state of one slot may take in memory before the job ends for it; `None`: nobody looks.
    pub slot_bytes: Option<usize>,
    /// Folder for copies of state segments, so that a restart on this machine need not fetch them; `None` keeps none.
    pub local_copies: Option<PathBuf>,
    /// Several workers instead of one, joined by connections instead of queues.
    pub connected: Option<Connected>,
}

impl fmt::Debug for LocalJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalJob").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// A job under way: a handle to it, and what to wait for.
#[derive(Debug)]
pub struct Running {
    /// Asks and watches.
    pub handle: JobHandle,
    /// Ends with the job.
    pub outcome: tokio::task::JoinHandle<JobOutcome>,
}

impl LocalJob {
    /// Starts the job on the current runtime. Dropping what comes back leaves it running; aborting its task is like a
    /// crash.
    ///
    /// # Errors
    /// When a table's connector refuses its options.
    pub fn start(self) -> Result<Running, JobError> {
        self.start_sabotaged(Sabotage::default())
    }

    /// The same with bugs planted in the worker, for the suite that must find them.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_sabotaged(self, sabotage: Sabotage) -> Result<Running, JobError> {
        self.start_with(sabotage, OperatorFactory::default())
    }

    /// The same with other operators.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(self, sabotage: Sabotage, operators: OperatorFactory) -> Result<Running, JobError> {
        let (settings, connected) = (self.coordinator.clone(), self.connected);
        let (parts, worker) = self.halves(sabotage, operators)?;
        if let Some(connected) = connected {
            return connected::start(parts, settings, &worker, connected);
        }
        let (to_worker, messages) = mpsc::channel(QUEUE);
        let (reports, incoming) = mpsc::channel(QUEUE);
        let (join, joining) = mpsc::channel(1);
        let link = WorkerLink { worker: WORKER, sender: to_worker };
        let has_room = join.try_send(link);
        debug_assert!(has_room.is_ok(), "a new queue is empty");
        let transport = Transport { joining, incoming };
        let (coordinator, handle) = Coordinator::new(parts, transport, settings);
        let mut worker = tokio::spawn(millstream_worker::run(worker, messages, reports));
        let outcome = tokio::spawn(async move {
            let mut coordinator = pin!(coordinator.run());
            let failure = tokio::select! {
                outcome = &mut coordinator => {
                    // The coordinator closed its queue; the worker ends its tasks and threads.
                    if let Some(failure) = failure_of(worker.await) {
                        tracing::error!("{failure}");
                    }
                    return outcome;
                }
                ended = &mut worker => failure_of(ended),
            };
            match failure {
                // Nobody runs this job any more, and no other worker can come.
                Some(failure) => JobOutcome::Failed(JobError::new(ErrorKind::Transient, failure)),
                None => coordinator.await,
            }
        });
        Ok(Running { handle, outcome })
    }

    /// What its coordinator and its worker need, for suites that join them in a way of their own.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn halves(
        self,
        sabotage: Sabotage,
        operators: OperatorFactory,
    ) -> Result<(JobParts, WorkerSettings), JobError> {
        let (sources, sinks) = endpoints(&self.job, &self.connectors)?;
        let worker = WorkerSettings {
            id: WORKER,
            slots: self.job.slots(),
            job: self.job.clone(),
            compile: None,
            connectors: self.connectors,
            collect: self.collect,
            store: snapshot_store(&self.store, self.local_copies),
            batch_rows: self.batch_rows,
            sabotage,
            operators,
            spill: self.spill,
            slot_bytes: self.slot_bytes,
            network: None,
            held: Arc::default(),
            cancellation_timeout: millstream_worker::CANCELLATION_TIMEOUT,
        };
        let parts = JobParts {
            spec: JobSpec {
                job: self.identity,
                graph: self.job.graph.clone(),
                parallelism: self.job.parallelism,
                sql: self.job.sql.clone(),
                engine_version: env!("CARGO_PKG_VERSION").into(),
                droppable: self.droppable,
                settings: self.settings,
            },
            store: self.store,
            sources,
            sinks,
        };
        Ok((parts, worker))
    }
}

/// Why a worker ended before its coordinator did.
fn failure_of(ended: Result<Result<(), WorkerError>, JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("the worker ended: {}", with_causes(&error))),
        Err(error) => Some(format!("the worker ended in disorder: {error}")),
    }
}
