//! A world that outlives processes, and the life of one process in it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use millstream_checkpoint_store::{JobStore, Nonces, StoreSettings};
use millstream_connectors::ConnectorRegistry;
use millstream_coordinator::{CoordinatorSettings, JobOutcome};
use millstream_jobmaster::{
    CheckpointSettings, PublishSettings, RestartStrategy, Sabotage as MasterSabotage, Settings,
};
use millstream_model::{Epoch, JobIdentity};
use millstream_node::local::{LocalJob, Running};
use millstream_state::MemorySpills;
use millstream_storage::fault::{FaultPlan, FaultStorage};
use millstream_storage::{MemoryStorage, ObjectStorage, Patience};
use millstream_test_testkit::mock_sink::{Gate, MockFaults, MockTarget, Session};
use millstream_worker::SpillSettings;

use super::job::Shape;
use super::numbers::Numbers;
use super::sinks::{Files, Transactions};
use super::storage::Freezer;

/// Checkpoints that are kept.
pub(crate) const RETAINED: usize = 2;
/// A life takes some 150 ms; one that takes this long hangs.
const LONGEST_LIFE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(1);

/// What is there whoever lives.
pub(crate) struct World {
    pub(crate) shape: Shape,
    pub(crate) bucket: Arc<MemoryStorage>,
    pub(crate) target: MockTarget,
    lives: AtomicU64,
    connecting: Arc<Mutex<()>>,
    /// All that was published, by whomever.
    pub(crate) published: Mutex<Vec<(u64, String, Epoch)>>,
}

/// What one process is told to suffer.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) faults: FaultPlan,
    pub(crate) mock: Option<MockFaults>,
    pub(crate) freeze_at: Option<u64>,
    pub(crate) checkpoint_timeout_ms: u64,
    pub(crate) planted: Planted,
}

/// Bugs, in whichever part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planted {
    pub(crate) store: BTreeSet<millstream_checkpoint_store::Sabotage>,
    pub(crate) master: MasterSabotage,
    pub(crate) worker: millstream_worker::Sabotage,
}

/// What is known of a process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) faults: Arc<FaultStorage>,
    /// The faulty storage, behind the freezer if there is one.
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) freezer: Option<Arc<Freezer>>,
    /// Faults of the first publisher that it makes.
    mock: Mutex<Option<MockFaults>>,
    /// The target hands faults to whoever connects next, so processes connect one at a time.
    connecting: Arc<Mutex<()>>,
    /// Where a suite watches what the process does and stops it.
    pub(crate) watched: Option<Arc<dyn Watch>>,
    events: Mutex<Vec<Event>>,
}

/// Who sees what a process does, and may stop it there.
#[async_trait]
pub(crate) trait Watch: Gate {
    /// It happened.
    fn saw(&self, event: &Event);

    /// Rows of each split that may be read so far.
    fn places(&self) -> u64;

    /// Returns when the process may go on.
    async fn may_go_on(&self);

    fn as_gate(self: Arc<Self>) -> Arc<dyn Gate>;
}

/// What a process did, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A split was opened.
    ReadingBegan,
    PublishBegan(String, Epoch),
    Published(String, Epoch),
}

/// How a life ended.
#[derive(Debug)]
pub(crate) enum End {
    /// At a fault.
    Died,
    /// With the job's own word.
    Ended(JobOutcome),
    /// It did not.
    Hung(String),
}

/// One process.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: u64,
    pub(crate) process: Arc<Process>,
    running: Running,
}

pub(crate) fn identity() -> JobIdentity {
    JobIdentity { namespace: "default".into(), name: "simulated".into(), uid: "local".into() }
}

impl Orders {
    pub(crate) fn new(planted: &Planted) -> Self {
        Self {
            faults: FaultPlan::none(),
            mock: None,
            freeze_at: None,
            checkpoint_timeout_ms: 10_000,
            planted: planted.clone(),
        }
    }

    pub(crate) fn faults(mut self, faults: FaultPlan) -> Self {
        self.faults = faults;
        self
    }
}

impl Process {
    pub(crate) fn happened(&self, event: Event) {
        if let Some(watch) = &self.watched {
            watch.saw(&event);
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// A connection to the target, with the faults that this process was told to suffer.
    pub(crate) fn connect(&self, target: &MockTarget) -> Session {
        let _guard = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mock) = self.mock.lock().unwrap_or_else(PoisonError::into_inner).take() {
            target.plan(mock);
        }
        let session = target.connect();
        match &self.watched {
            Some(watch) => session.behind(watch.clone().as_gate()),
            None => session,
        }
    }

    /// Returns at once unless a suite has stopped the process.
    pub(crate) async fn may_go_on(&self) {
        if let Some(watch) = &self.watched {
            watch.may_go_on().await;
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl World {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            bucket: Arc::new(MemoryStorage::new()),
            target: MockTarget::new(),
            lives: AtomicU64::new(0),
            connecting: Arc::default(),
            published: Mutex::default(),
        }
    }

    /// The job's store without any fault, for checks and for people who do something to the job.
    pub(crate) fn store(&self, planted: &Planted) -> JobStore {
        self.store_over(self.bucket.clone(), planted)
    }

    fn store_over(&self, storage: Arc<dyn ObjectStorage>, planted: &Planted) -> JobStore {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        let settings = StoreSettings {
            coordinator: format!("life-{life}"),
            claim_patience: Duration::ZERO,
            patience: Patience {
                attempts: 6,
                call_deadline: Duration::from_secs(30),
                first_pause: Duration::from_millis(1),
                longest_pause: Duration::from_millis(8),
            },
            retained: RETAINED,
            min_garbage_age_ms: 0,
            nonces: Nonces::counted_from((life + 1) * 1_000_000),
            sabotage: planted.store.clone(),
        };
        JobStore::open(storage, identity(), settings)
    }

    /// Starts a process.
    pub(crate) fn live(&self, orders: Orders) -> Life {
        let faults = Arc::new(FaultStorage::new(self.bucket.clone(), orders.faults.clone()));
        let freezer = orders.freeze_at.map(|at| Arc::new(Freezer::new(faults.clone(), at)));
        let storage: Arc<dyn ObjectStorage> = match &freezer {
            Some(freezer) => freezer.clone(),
            None => faults.clone(),
        };
        let process = self.process(faults, storage, freezer, orders.mock.clone(), None);
        let number = self.lives.load(Ordering::Relaxed);
        let local = self.job_of(&process, &orders);
        let running = local.start_sabotaged(orders.planted.worker).unwrap();
        Life { number, process, running }
    }

    /// What is known of a process that starts now.
    pub(crate) fn process(
        &self,
        faults: Arc<FaultStorage>,
        storage: Arc<dyn ObjectStorage>,
        freezer: Option<Arc<Freezer>>,
        mock: Option<MockFaults>,
        watched: Option<Arc<dyn Watch>>,
    ) -> Arc<Process> {
        Arc::new(Process {
            faults,
            storage,
            freezer,
            mock: Mutex::new(mock),
            connecting: self.connecting.clone(),
            watched,
            events: Mutex::default(),
        })
    }

    /// The job, as a process has it.
    pub(crate) fn job_of(&self, process: &Arc<Process>, orders: &Orders) -> LocalJob {
        let mut connectors = ConnectorRegistry::new();
        connectors.register(Arc::new(Numbers(process.clone())));
        connectors.register(Arc::new(Files(process.clone())));
        connectors.register(Arc::new(Transactions(process.clone(), self.target.clone())));
        let job = self.shape.job(&connectors);
        let number = self.lives.load(Ordering::Relaxed);
        LocalJob {
            identity: identity(),
            job,
            connectors,
            collect: None,
            store: self.store_over(process.storage.clone(), &orders.planted),
            settings: settings(orders.checkpoint_timeout_ms, orders.planted.master),
            coordinator: CoordinatorSettings {
                probe: false,
                status_interval: Duration::from_millis(50),
                ..CoordinatorSettings::default()
            },
            droppable: BTreeSet::new(),
            batch_rows: 8,
            // Every second life keeps hardly anything in memory, so that state goes back and forth between the two ways.
            slot_bytes: None,
            local_copies: None,
            connected: None,
            spill: (number % 2 == 1)
                .then(|| SpillSettings { stores: Arc::new(MemorySpills), table_bytes: 200 }),
        }
    }

    /// Notes what a process published.
    pub(crate) fn note_published(&self, number: u64, process: &Process) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        for event in process.events() {
            if let Event::Published(table, epoch) = event {
                published.push((number, table, epoch));
            }
        }
    }
}

fn settings(timeout_ms: u64, sabotage: MasterSabotage) -> Settings {
    Settings {
        checkpoint: CheckpointSettings {
            interval_ms: Some(8),
            timeout_ms,
            tolerable_failures: 1_000,
            ..CheckpointSettings::default()
        },
        restart: RestartStrategy::FixedDelay { attempts: 20, delay_ms: 3, reset_after_ms: u64::MAX },
        publish: PublishSettings { attempts: 12, initial_backoff_ms: 2, max_backoff_ms: 20 },
        sweep_interval_ms: 8,
        sabotage,
        ..Settings::default()
    }
}

impl Life {
    /// Waits until the process dies of a fault or the job ends, and notes what it published.
    pub(crate) async fn finish(mut self, world: &World) -> (End, Arc<Process>) {
        let until = tokio::time::Instant::now() + LONGEST_LIFE;
        let end = loop {
            tokio::select! {
                outcome = &mut self.running.outcome => break match outcome {
                    _ if self.process.faults.is_dead() => End::Died,
                    Ok(outcome) => End::Ended(outcome),
                    Err(error) => End::Hung(error.to_string()),
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.process.faults.is_dead() {
                break End::Died;
            }
            if tokio::time::Instant::now() > until {
                break End::Hung(format!("{:?}", *self.running.handle.status().borrow()));
            }
        };
        self.die();
        if !self.running.outcome.is_finished() {
            self.running.outcome.abort();
            let _ = (&mut self.running.outcome).await;
        }
        world.note_published(self.number, &self.process);
        (end, self.process.clone())
    }

    /// Whether the job has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.running.outcome.is_finished()
    }

    /// Waits until `condition` holds of the process, or the job is over.
    pub(crate) async fn until(&self, condition: impl Fn(&Process) -> bool) -> bool {
        let until = tokio::time::Instant::now() + LONGEST_LIFE;
        while !self.running.outcome.is_finished() && tokio::time::Instant::now() < until {
            if condition(&self.process) {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }
}

impl Life {
    /// Nothing of the process reaches the world any more, and nothing of it waits for the world.
    fn die(&self) {
        self.process.faults.kill();
        if let Some(freezer) = &self.process.freezer {
            freezer.thaw();
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.die();
        self.running.outcome.abort();
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died => f.write_str("died"),
            Self::Ended(outcome) => write!(f, "ended: {outcome}"),
            Self::Hung(state) => write!(f, "hung: {state}"),
        }
    }
}
