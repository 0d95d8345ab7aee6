//! Faults from a seed, on a cluster of processes: killed, frozen, cut off. At the end every row is there once.
//!
//! `MILLSTREAM_CHAOS_MINUTES` goes on with new seeds for so long, `MILLSTREAM_CHAOS_SEED` is the first one. Each run prints its log of
//! faults; a failure names its seed.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::cluster::{Cluster, Setup};
use crate::harness::{S3Server, now};
use crate::kill::query::Query;

const RUNS: u64 = 4;
/// Runs at a time.
const AT_ONCE: u64 = 2;
const READING: Duration = Duration::from_secs(20);
const WORKERS: usize = 3;

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
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
}

const FAULTS: [Fault; 8] = [
    Fault::KillWorker,
    Fault::KillCoordinator,
    Fault::FreezeWorker,
    Fault::FreezeCoordinator,
    Fault::CutCoordinator,
    Fault::CutRows,
    Fault::HoldCoordinator,
    Fault::HoldRows,
];

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |v| v.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}

#[test]
fn faults_lose_no_row_and_double_none() {
    let (minutes, first) = (number("MILLSTREAM_CHAOS_MINUTES", 0), number("MILLSTREAM_CHAOS_SEED", 0));
    let server = S3Server::start();
    let begin = now();
    let (next, faults) = (AtomicU64::new(first), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + RUNS && begin.elapsed() >= Duration::from_secs(60 * minutes) {
                        return;
                    }
                    faults.fetch_add(run(seed, &server), Ordering::Relaxed);
                }
            });
        }
    });
    let (runs, faults) = (next.into_inner() - first - AT_ONCE, faults.into_inner());
    println!("{runs} runs, {faults} faults, no row lost or doubled");
    assert!(faults as u64 >= 3 * runs, "too few faults");
}

/// Gives the number of faults.
fn run(seed: u64, server: &S3Server) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let query = Query::ALL[random.random_range(0..Query::ALL.len())];
    let rocksdb = ["state.backend.type=rocksdb", "state.backend.rocksdb.memory.fixed-per-slot=1kb"];
    let more = if random.random_bool(0.5) { rocksdb.map(String::from).to_vec() } else { Vec::new() };
    let on_s3 = random.random_bool(0.5);
    let mut cluster = Cluster::new(Setup {
        query,
        rows: 100_000,
        files: 4,
        reading: READING,
        parallelism: random.random_range(2..=4),
        interval_ms: random.random_range(50..400),
        server: on_s3.then_some(server),
        more,
        seed,
    });
    cluster.start_coordinator();
    for _ in 0..WORKERS {
        cluster.start_worker();
    }
    let mut log = format!("seed {seed}: {query:?}, S3 {on_s3}");
    cluster.wait_for_epochs(1);
    let begin = now();
    let mut faults = 0;
    while begin.elapsed() < READING * 6 / 10 {
        thread::sleep(Duration::from_millis(random.random_range(100..2_500)));
        let fault = FAULTS[random.random_range(0..FAULTS.len())];
        let worker = random.random_range(0..cluster.workers.len());
        let pause = Duration::from_millis(if random.random_bool(0.3) {
            random.random_range(2_500..4_000)
        } else {
            random.random_range(50..800)
        });
        let _ =
            write!(log, "\n  {:>6} ms {fault:?} (worker {worker}, {pause:?})", begin.elapsed().as_millis());
        inject(&mut cluster, fault, worker, pause);
        faults += 1;
    }
    println!("{log}");
    cluster.finish();
    faults
}

fn inject(cluster: &mut Cluster<'_>, fault: Fault, worker: usize, pause: Duration) {
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
            cluster.workers[worker].process.signal("STOP");
            thread::sleep(pause);
            cluster.workers[worker].process.signal("CONT");
        }
        Fault::FreezeCoordinator => {
            let coordinator = cluster.coordinator.as_mut().unwrap();
            if coordinator.is_running() {
                coordinator.signal("STOP");
                thread::sleep(pause);
                coordinator.signal("CONT");
            }
        }
        Fault::CutCoordinator => {
            cluster.door.shut();
            thread::sleep(pause);
            cluster.door.open();
        }
        Fault::CutRows => {
            cluster.workers[worker].rows.shut();
            thread::sleep(pause);
            cluster.workers[worker].rows.open();
        }
        Fault::HoldCoordinator => {
            cluster.door.hold();
            thread::sleep(pause);
            cluster.door.open();
        }
        Fault::HoldRows => {
            cluster.workers[worker].rows.hold();
            thread::sleep(pause);
            cluster.workers[worker].rows.open();
        }
    }
}
