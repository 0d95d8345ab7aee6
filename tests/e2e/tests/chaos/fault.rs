//! What may go wrong, drawn from a seed and done to a cluster.

use std::fmt;
use std::thread;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::cluster::Cluster;
use crate::harness::{Proxy, Weather};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    KillWorker,
    KillCoordinator,
    /// Short, or past the heartbeat's timeout.
    FreezeWorker,
    FreezeCoordinator,
    /// Connections break and come back.
    CutCoordinator,
    CutRows,
    /// Nothing comes through for a while, and nobody is told.
    HoldCoordinator,
    HoldRows,
    /// Everything comes late for a while.
    SlowCoordinator,
    SlowRows,
    /// The storage answers with 500 and 503. This and the next two last while other faults happen.
    RefusingStorage,
    SlowStorage,
    /// The storage does what it is asked and says that it failed, or nothing at all.
    LosingStorage,
    /// What a worker keeps on its disk has no room any more.
    FullDisk,
}

impl Fault {
    pub(super) const ALL: [Self; 14] = [
        Self::KillWorker,
        Self::KillCoordinator,
        Self::FreezeWorker,
        Self::FreezeCoordinator,
        Self::CutCoordinator,
        Self::CutRows,
        Self::HoldCoordinator,
        Self::HoldRows,
        Self::SlowCoordinator,
        Self::SlowRows,
        Self::RefusingStorage,
        Self::SlowStorage,
        Self::LosingStorage,
        Self::FullDisk,
    ];

    fn is_of_storage(self) -> bool {
        matches!(self, Self::RefusingStorage | Self::SlowStorage | Self::LosingStorage)
    }
}

/// A fault with its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) fault: Fault,
    worker: usize,
    /// How long it lasts.
    pause: Duration,
    /// Which part of the requests it hits, or how slow a slow one is.
    share: f64,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, worker, pause, share } = self;
        write!(f, "{fault:?}")?;
        match fault {
            Fault::KillWorker => write!(f, " {worker}"),
            Fault::KillCoordinator => Ok(()),
            Fault::FreezeWorker | Fault::CutRows | Fault::HoldRows | Fault::SlowRows | Fault::FullDisk => {
                write!(f, " of worker {worker} for {pause:?}")
            }
            fault if fault.is_of_storage() => write!(f, " for {pause:?}, {:.0} %", share * 100.0),
            _ => write!(f, " for {pause:?}"),
        }
    }
}

impl Planned {
    /// The next one. Kinds that this cluster cannot have are passed over.
    pub(super) fn draw(random: &mut StdRng, cluster: &Cluster<'_>) -> Self {
        let has_disks = cluster.workers.iter().all(|worker| worker.disk.is_some());
        let fault = loop {
            let fault = Fault::ALL[random.random_range(0..Fault::ALL.len())];
            let is_possible = match fault {
                Fault::FullDisk => has_disks,
                fault => !fault.is_of_storage() || cluster.s3.is_some(),
            };
            if is_possible {
                break fault;
            }
        };
        let pause = if random.random_bool(0.3) { 2_500..4_000 } else { 50..800 };
        Self {
            fault,
            worker: random.random_range(0..cluster.workers.len()),
            pause: Duration::from_millis(random.random_range(pause)),
            share: random.random_range(0.2..0.9),
        }
    }

    pub(super) fn inject(self, cluster: &mut Cluster<'_>) {
        let Self { fault, worker, pause, share } = self;
        let late = Duration::from_millis(40).mul_f64(share);
        let meanwhile = |begin: &dyn Fn(&Proxy), door: &Proxy| {
            begin(door);
            thread::sleep(pause);
            door.open();
        };
        match fault {
            Fault::KillWorker => {
                let killed = cluster.workers.remove(worker).process.kill();
                cluster.note(&killed);
                cluster.start_worker();
            }
            Fault::KillCoordinator => {
                // Its successor may be there first, as on a cluster that was wrong about a death.
                if let Some(older) = cluster.start_coordinator() {
                    thread::sleep(pause / 4);
                    let killed = older.kill();
                    cluster.note(&killed);
                }
            }
            Fault::FreezeWorker => {
                let process = &mut cluster.workers[worker].process;
                if process.is_running() {
                    process.signal("STOP");
                    thread::sleep(pause);
                    process.signal("CONT");
                }
            }
            Fault::FreezeCoordinator => {
                let coordinator = cluster.coordinator.as_mut().unwrap();
                if coordinator.is_running() {
                    coordinator.signal("STOP");
                    thread::sleep(pause);
                    coordinator.signal("CONT");
                }
            }
            Fault::CutCoordinator => meanwhile(&Proxy::shut, &cluster.door),
            Fault::CutRows => meanwhile(&Proxy::shut, &cluster.workers[worker].rows),
            Fault::HoldCoordinator => meanwhile(&Proxy::hold, &cluster.door),
            Fault::HoldRows => meanwhile(&Proxy::hold, &cluster.workers[worker].rows),
            Fault::SlowCoordinator => meanwhile(&|door| door.slow_down(late), &cluster.door),
            Fault::SlowRows => meanwhile(&|door| door.slow_down(late), &cluster.workers[worker].rows),
            Fault::RefusingStorage => weather(cluster, Weather::Refusing(share), pause),
            Fault::LosingStorage => weather(cluster, Weather::Losing(share), pause),
            Fault::SlowStorage => {
                weather(cluster, Weather::Slow(Duration::from_secs(1).mul_f64(share)), pause);
            }
            Fault::FullDisk => {
                let disk = cluster.workers[worker].disk.as_ref().unwrap();
                disk.fill();
                thread::sleep(pause);
                disk.make_room();
            }
        }
    }
}

fn weather(cluster: &Cluster<'_>, weather: Weather, time: Duration) {
    if let Some(door) = &cluster.s3 {
        door.set_for(weather, time);
    }
}
