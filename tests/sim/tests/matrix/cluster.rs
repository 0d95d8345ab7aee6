//! A coordinator and three workers in this process, and the life of one cell.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_coordinator::{
    Coordinator, CoordinatorSettings, JobHandle, JobOutcome, Transport, WorkerLink,
};
use millstream_exchange::{Membership, Network};
use millstream_jobmaster::{CheckpointSettings, RestartStrategy, Settings};
use millstream_model::Generation;
use millstream_model::control::FromWorker;
use millstream_storage::fault::{FaultPlan, FaultStorage};
use millstream_tls::Security;
use millstream_worker::{OperatorFactory, WorkerNetwork, WorkerSettings};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::cell::{Cell, Fault, Role};
use super::connection::{Ends, carry};
use super::member::{Condition, Guarded, Member, Post};
use super::rows::door;
use super::stage::Stage;
use super::time::Time;
use crate::harness::life::{Process, identity};
use crate::harness::{Orders, Planted, World, checks};

/// How long somebody may be silent before connections to it end, in the cluster's time.
const SILENCE_MS: u64 = 2_000;
/// Epochs that the others make visible before the one that suffered goes on.
const EPOCHS_MEANWHILE: u64 = 2;
/// A cell takes some 200 ms; one that takes this long hangs.
const LONGEST: Duration = Duration::from_secs(60);
const QUEUE: usize = 1_024;

/// Where workers report.
#[derive(Debug)]
struct Desk {
    member: Arc<Member>,
    joining: mpsc::Sender<WorkerLink>,
    incoming: mpsc::Sender<FromWorker>,
    handle: JobHandle,
    next: AtomicU32,
}

struct CoordinatorProcess {
    member: Arc<Member>,
    process: Arc<Process>,
    desk: Arc<Desk>,
    outcome: JoinHandle<JobOutcome>,
}

/// Everything that the processes of one cell share.
struct Shared {
    world: World,
    planted: Planted,
    stage: Arc<Stage>,
    time: Time,
    /// Ends of connections, with the two that they join.
    connections: Mutex<Vec<(u64, u64, watch::Sender<bool>)>>,
    members: Mutex<Vec<Arc<Member>>>,
}

impl Shared {
    fn member(&self, role: Role) -> (Arc<Member>, Arc<Process>) {
        let faults = Arc::new(FaultStorage::new(self.world.bucket.clone(), FaultPlan::none()));
        let member = {
            let mut members = self.members.lock().unwrap();
            let member = Arc::new(Member::new(members.len() as u64 + 1, role, faults.clone()));
            members.push(member.clone());
            member
        };
        self.stage.enter(&member);
        let post = Arc::new(Post { member: member.clone(), stage: self.stage.clone() });
        let storage = Arc::new(Guarded(post.clone()));
        (member, self.world.process(faults, storage, None, None, Some(post)))
    }

    /// Ends every connection of a process.
    fn silence(&self, member: &Member) {
        for (one, other, broken) in self.connections.lock().unwrap().iter() {
            if [*one, *other].contains(&member.number) {
                broken.send_replace(true);
            }
        }
    }
}

struct Cluster {
    shared: Arc<Shared>,
    /// The coordinator that workers find.
    found: watch::Sender<Option<Arc<Desk>>>,
    tasks: JoinSet<()>,
}

/// Plays a cell.
///
/// # Errors
/// What does not hold.
pub(crate) async fn play(cell: Cell, planted: &Planted) -> Result<(), String> {
    let shared = Arc::new(Shared {
        world: World::new(cell.shape()),
        planted: planted.clone(),
        stage: Arc::new(Stage::new(cell)),
        time: Time::new(),
        connections: Mutex::default(),
        members: Mutex::default(),
    });
    let mut cluster =
        Cluster { shared: shared.clone(), found: watch::Sender::new(None), tasks: JoinSet::new() };
    let mut coordinators = Vec::new();
    let played = {
        let playing = cluster.play(cell, &mut coordinators);
        tokio::select! {
            played = playing => played,
            () = shared.time.pass(&shared.stage) => Err("time ended".into()),
            () = tokio::time::sleep(LONGEST) => {
                Err(if shared.stage.has_fired() { "it hangs" } else { "the phase never came" }.into())
            }
        }
    };
    for coordinator in &coordinators {
        coordinator.outcome.abort();
        shared.world.note_published(coordinator.member.number, &coordinator.process);
        if played.is_err() {
            let status = coordinator.desk.handle.status().borrow().clone();
            let events = coordinator.process.events();
            eprintln!("{cell}: coordinator {}: {status:?}; {events:?}", coordinator.member.number);
        }
    }
    let ended = cluster.end().await;
    played.and(ended)?;
    shared.world.target.deliver_commits();
    checks::log_is_sound(&shared.world).await?;
    checks::kept_is_complete(&shared.world).await?;
    checks::output_is_right(&shared.world, true).await?;
    checks::counts_are_right(&shared.world).await?;
    checks::nothing_is_left(&shared.world).await?;
    checks::output_is_right(&shared.world, true).await
}

impl Cluster {
    async fn play(&mut self, cell: Cell, coordinators: &mut Vec<CoordinatorProcess>) -> Result<(), String> {
        let shared = self.shared.clone();
        coordinators.push(self.start_coordinator()?);
        let mut workers = Vec::new();
        for role in Role::WORKERS {
            workers.push(self.start_worker(role).await?);
        }
        shared.stage.fired().await;
        if cell.role == Role::Coordinator {
            let first = coordinators[0].member.clone();
            if cell.fault == Fault::Kill {
                coordinators[0].outcome.abort();
            } else {
                shared.time.sleep(SILENCE_MS).await;
                shared.silence(&first);
            }
            coordinators.push(self.start_coordinator()?);
            if cell.fault != Fault::Kill {
                shared.stage.marked(&coordinators[1].member, EPOCHS_MEANWHILE).await;
                self.wake(&first);
                self.find_out(&mut coordinators[0], cell.fault).await?;
            }
        } else {
            let victim = workers.iter().find(|worker| worker.role == cell.role);
            let victim = victim.ok_or("nobody has this role")?.clone();
            if cell.fault != Fault::Kill {
                shared.time.sleep(SILENCE_MS).await;
                shared.silence(&victim);
            }
            self.start_worker(cell.role).await?;
            let coordinator = coordinators[0].member.clone();
            let before = shared.stage.marks_of(&coordinator);
            shared.stage.marked(&coordinator, before + EPOCHS_MEANWHILE).await;
            self.wake(&victim);
        }
        shared.stage.may_end();
        let Some(last) = coordinators.last_mut() else { return Err("nobody coordinates".into()) };
        match (&mut last.outcome).await {
            Ok(JobOutcome::Finished { .. }) => Ok(()),
            other => Err(format!("the job ended with {other:?}")),
        }
    }

    fn wake(&self, member: &Member) {
        member.becomes(Condition::Up);
        self.shared.time.show();
    }

    /// A coordinator that was away must find out that it is not in charge any more, also where it gets workers of its own again.
    async fn find_out(&mut self, older: &mut CoordinatorProcess, fault: Fault) -> Result<(), String> {
        if fault == Fault::CutOff {
            let (_, found) = watch::channel(Some(older.desk.clone()));
            for role in Role::WORKERS {
                self.start_worker_for(role, found.clone());
            }
        }
        match (&mut older.outcome).await {
            Ok(JobOutcome::Fenced { .. }) => Ok(()),
            other => Err(format!("the older coordinator ended with {other:?}")),
        }
    }

    fn start_coordinator(&mut self) -> Result<CoordinatorProcess, String> {
        let (member, process) = self.shared.member(Role::Coordinator);
        let mut job = self.shared.world.job_of(&process, &Orders::new(&self.shared.planted));
        job.settings = settings(job.settings);
        let clock = Some(self.shared.time.clock(&member));
        let settings = CoordinatorSettings { clock, ..job.coordinator.clone() };
        let halves = job.halves(self.shared.planted.worker, OperatorFactory::default());
        let (parts, _) = halves.map_err(|e| e.to_string())?;
        let (joining, joined) = mpsc::channel(QUEUE);
        let (reports, incoming) = mpsc::channel(QUEUE);
        let (coordinator, handle) =
            Coordinator::new(parts, Transport { joining: joined, incoming }, settings);
        let next = AtomicU32::new(1);
        let desk = Arc::new(Desk { member: member.clone(), joining, incoming: reports, handle, next });
        self.found.send_replace(Some(desk.clone()));
        Ok(CoordinatorProcess { member, process, desk, outcome: tokio::spawn(coordinator.run()) })
    }

    /// Starts a worker and waits until a coordinator has taken it.
    async fn start_worker(&mut self, role: Role) -> Result<Arc<Member>, String> {
        let (member, joined) = self.start_worker_for(role, self.found.subscribe());
        joined.await.map_err(|_| "a worker ended at once")?;
        Ok(member)
    }

    fn start_worker_for(
        &mut self,
        role: Role,
        found: watch::Receiver<Option<Arc<Desk>>>,
    ) -> (Arc<Member>, oneshot::Receiver<()>) {
        let (member, process) = self.shared.member(role);
        let (join, joined) = oneshot::channel();
        let worker = WorkerProcess { member: member.clone(), process, shared: self.shared.clone(), found };
        self.tasks.spawn(async move {
            if let Err(error) = worker.work(join).await {
                eprintln!("a worker ended: {error}");
            }
        });
        (member, joined)
    }

    /// Ends what is left. Workers end by themselves, since to drop one would block the runtime.
    async fn end(self) -> Result<(), String> {
        let Self { shared, found, mut tasks } = self;
        drop(found);
        shared.members.lock().unwrap().iter().for_each(|member| member.becomes(Condition::Dead));
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(LONGEST, all).await.map_err(|_| "a worker does not end".into())
    }
}

/// In the cluster's time.
fn settings(usual: Settings) -> Settings {
    Settings {
        checkpoint: CheckpointSettings { interval_ms: Some(100), timeout_ms: 60_000, ..usual.checkpoint },
        restart: RestartStrategy::FixedDelay { attempts: 1_000, delay_ms: 50, reset_after_ms: u64::MAX },
        sweep_interval_ms: 100,
        ..usual
    }
}

struct WorkerProcess {
    member: Arc<Member>,
    process: Arc<Process>,
    shared: Arc<Shared>,
    found: watch::Receiver<Option<Arc<Desk>>>,
}

impl WorkerProcess {
    /// Joins whatever coordinator is found, again and again.
    async fn work(mut self, join: oneshot::Sender<()>) -> Result<(), String> {
        let stage = self.shared.stage.clone();
        let text = |e: std::io::Error| e.to_string();
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.map_err(text)?);
        let listening = listener.local_addr().map_err(text)?.to_string();
        let mut doors = JoinSet::new();
        let address = door(listening, self.member.clone(), stage.clone(), &mut doors).await.map_err(text)?;
        let mut join = Some(join);
        loop {
            self.member.reachable().await;
            if self.member.is(Condition::Dead) {
                return Ok(());
            }
            let Ok(desk) = self.found.wait_for(Option::is_some).await.map(|desk| desk.clone()) else {
                return Ok(());
            };
            let Some(desk) = desk else { continue };
            let mut status = desk.handle.status();
            let claimed = status.wait_for(|status| status.generation > Generation(0)).await;
            let Some(generation) = claimed.ok().map(|status| status.generation) else {
                // That coordinator is gone: another one will be found.
                if self.found.changed().await.is_err() {
                    return Ok(());
                }
                continue;
            };
            let id = desk.next.fetch_add(1, Ordering::Relaxed);
            let (orders, to_worker, settings) = self.settings(id, generation, &listener, &address)?;
            let (reports, said) = mpsc::channel(QUEUE);
            let (link, waiting) = mpsc::channel(QUEUE);
            if desk.joining.send(WorkerLink { worker: id, sender: link }).await.is_err() {
                if self.found.changed().await.is_err() {
                    return Ok(());
                }
                continue;
            }
            let broken = watch::Sender::new(false);
            let ends =
                Ends { orders: waiting, to_worker, reports: said, to_coordinator: desk.incoming.clone() };
            let carrying =
                carry(ends, desk.member.clone(), self.member.clone(), stage.clone(), broken.subscribe());
            self.shared.connections.lock().unwrap().push((desk.member.number, self.member.number, broken));
            // It may outlive this connection's worker: a coordinator that stands still learns of its end later.
            tokio::spawn(carrying);
            stage.stirs();
            if let Some(join) = join.take() {
                let _ = join.send(());
            }
            millstream_worker::run(settings, orders, reports).await.map_err(|e| e.to_string())?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn settings(
        &self,
        id: u32,
        generation: Generation,
        listener: &Arc<TcpListener>,
        address: &str,
    ) -> Result<Taken, String> {
        let job = self.shared.world.job_of(&self.process, &Orders::new(&self.shared.planted));
        let halves = job.halves(self.shared.planted.worker, OperatorFactory::default());
        let (_, settings) = halves.map_err(|e| e.to_string())?;
        let me = Membership { job: identity().to_string(), generation, worker: id };
        let network = WorkerNetwork {
            connections: Network::start(listener.clone(), me, Security::Plaintext),
            address: address.to_owned(),
        };
        let (to_worker, orders) = mpsc::channel(QUEUE);
        Ok((orders, to_worker, WorkerSettings { id, slots: 1, network: Some(network), ..settings }))
    }
}

type Taken = (
    mpsc::Receiver<millstream_model::control::ToWorker>,
    mpsc::Sender<millstream_model::control::ToWorker>,
    WorkerSettings,
);
