//! The crash matrix with real processes: a checkpoint stands still at one of its requests to the S3 server, and there the
//! coordinator or a worker is killed, frozen past every timeout, or cut off; then the request goes on, however late.
//!
//! Here a worker is source, middle and sink at once, since a slot has a subtask of every chain; the matrix by roles is in tests/sim. A
//! sample from `MILLSTREAM_CHAOS_SEED` in the suite, every cell in `make chaos`; `MILLSTREAM_CHAOS_CELL="Claim x Worker"` runs those that
//! are called so.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::chaos::{minutes, number};
use crate::cluster::{Cluster, Setup};
use crate::harness::{At, LIMIT, S3Server, Trap, now, with_enough_time};
use crate::kill::query::Query;

/// Cells of the test suite.
const SAMPLE: usize = 4;
const AT_ONCE: usize = 2;
const READING: Duration = Duration::from_secs(12);
/// Longer than the heartbeat's timeout.
const LONG: Duration = Duration::from_secs(3);

const fn trap(method: &'static str, part: &'static str, at: At) -> Trap {
    Trap { method, part, at }
}

/// A phase of a checkpoint and the request that it is seen by. Sweeps delete what is a minute old, which no job here becomes.
const PHASES: [(&str, Trap); 11] = [
    ("Upload", trap("PUT", "/staged/", At::Request)),
    ("Uploaded", trap("PUT", "/staged/", At::Answer)),
    ("Manifest", trap("PUT", "/manifest", At::Request)),
    ("ManifestWritten", trap("PUT", "/manifest", At::Answer)),
    ("Claim", trap("PUT", "/epoch/", At::Request)),
    ("Claimed", trap("PUT", "/epoch/", At::Answer)),
    ("Publish", trap("PUT", "/part-", At::Request)),
    ("Commit", trap("PUT", "/_millstream/", At::Request)),
    ("Published", trap("PUT", "/_millstream/", At::Answer)),
    ("Mark", trap("PUT", "/published", At::Request)),
    ("Marked", trap("PUT", "/published", At::Answer)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Coordinator,
    Worker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Kill,
    Freeze,
    CutOff,
}

const FAULTS: [Fault; 3] = [Fault::Kill, Fault::Freeze, Fault::CutOff];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    phase: usize,
    role: Role,
    fault: Fault,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {:?} x {:?}", PHASES[self.phase].0, self.role, self.fault)
    }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for phase in 0..PHASES.len() {
        for role in [Role::Coordinator, Role::Worker] {
            cells.extend(FAULTS.map(|fault| Cell { phase, role, fault }));
        }
    }
    cells
}

#[test]
fn a_fault_of_a_process_at_a_phase_changes_nothing() {
    let seed = number("MILLSTREAM_CHAOS_SEED", 0);
    let only = std::env::var("MILLSTREAM_CHAOS_CELL").unwrap_or_default();
    let mut wanted: Vec<Cell> = cells().into_iter().filter(|cell| cell.to_string().contains(&only)).collect();
    if minutes() == 0 && only.is_empty() {
        wanted.shuffle(&mut StdRng::seed_from_u64(seed));
        wanted.truncate(SAMPLE);
    }
    let server = S3Server::start();
    let (next, ran) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(cell) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = now();
                    println!("matrix: {cell}");
                    with_enough_time(READING, |reading| play(*cell, seed, &server, reading));
                    let seconds = begin.elapsed().as_secs_f64();
                    println!("matrix: {cell}: every row once and in order after {seconds:.1} s");
                    *ran.lock().unwrap().entry(*cell).or_insert(0) += 1;
                }
            });
        }
    });
    let ran = ran.into_inner().unwrap();
    println!("matrix with processes: {} of {} cells, 0 violations", ran.len(), cells().len());
    for (phase, (name, _)) in PHASES.iter().enumerate() {
        let count = |role, fault| ran.get(&Cell { phase, role, fault }).copied().unwrap_or(0);
        let [coordinator, worker] =
            [Role::Coordinator, Role::Worker].map(|role| FAULTS.map(|fault| count(role, fault)));
        println!("  {name:<16} coordinator {coordinator:?}, worker {worker:?} (kill, freeze, cut off)");
    }
    assert!(wanted.iter().all(|cell| ran.contains_key(cell)));
}

fn play(cell: Cell, seed: u64, server: &S3Server, reading: Duration) {
    let mut random = StdRng::seed_from_u64(seed ^ ((cell.phase as u64) << 8));
    let mut cluster = Cluster::new(Setup {
        query: Query::ALL[random.random_range(0..Query::ALL.len())],
        rows: 60_000,
        files: 4,
        reading,
        parallelism: 4,
        interval_ms: 200,
        server: Some(server),
        more: Vec::new(),
        seed,
        pauses: Some(("200ms", "1s")),
        disk: None,
    });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_epochs(2);
    let door = cluster.s3.as_ref().unwrap();
    door.trap(PHASES[cell.phase].1);
    cluster.coordinator.as_mut().unwrap().wait_amid(|_| door.is_holding());
    match cell.role {
        Role::Coordinator => of_the_coordinator(&mut cluster, cell.fault),
        Role::Worker => of_a_worker(&mut cluster, cell.fault, random.random_range(0..3)),
    }
    cluster.finish();
}

fn of_the_coordinator(cluster: &mut Cluster<'_>, fault: Fault) {
    if fault == Fault::Kill {
        let killed = cluster.coordinator.take().unwrap().kill();
        cluster.note(&killed);
        cluster.s3.as_ref().unwrap().release();
        cluster.start_coordinator();
        return;
    }
    if fault == Fault::Freeze {
        cluster.coordinator.as_ref().unwrap().signal("STOP");
    }
    cluster.door.shut();
    let older = cluster.start_coordinator().unwrap();
    cluster.door.open();
    cluster.wait_for_epochs(1);
    cluster.s3.as_ref().unwrap().release();
    if fault == Fault::Freeze {
        older.signal("CONT");
    }
    let ended = older.end(LIMIT);
    ended.code(1).says("fenced: generation 2");
    cluster.note(&ended);
}

fn of_a_worker(cluster: &mut Cluster<'_>, fault: Fault, worker: usize) {
    let release = |cluster: &Cluster<'_>| cluster.s3.as_ref().unwrap().release();
    match fault {
        Fault::Kill => {
            let killed = cluster.workers.remove(worker).process.kill();
            cluster.note(&killed);
            release(cluster);
            cluster.start_worker();
        }
        Fault::Freeze => {
            cluster.workers[worker].process.signal("STOP");
            thread::sleep(LONG);
            release(cluster);
            cluster.workers[worker].process.signal("CONT");
        }
        Fault::CutOff => {
            cluster.workers[worker].rows.hold();
            cluster.workers[worker].coordinator.hold();
            thread::sleep(LONG);
            release(cluster);
            cluster.workers[worker].rows.open();
            cluster.workers[worker].coordinator.open();
        }
    }
}
