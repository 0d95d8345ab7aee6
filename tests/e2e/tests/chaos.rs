//! Faults from a seed, on a cluster of processes: killed, frozen, cut off, with a storage and a disk that fail. At the end every
//! row is there once, those of a key in their order.
//!
//! `MILLSTREAM_CHAOS_MINUTES` goes on with new seeds for so long, `MILLSTREAM_CHAOS_SEED` is the first one. Each run prints its log of
//! faults; a failure names its seed.

mod fault;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::cluster::{Cluster, Setup};
use crate::harness::{S3Server, now, with_enough_time};
use crate::kill::query::Query;
use fault::{Fault, Planned};

const RUNS: u64 = 4;
/// Runs at a time.
const AT_ONCE: u64 = 2;
const READING: Duration = Duration::from_secs(20);
const WORKERS: usize = 3;
/// Room for what RocksDB writes ahead, which the small state of these jobs never fills by itself.
const DISK_MEGABYTES: u32 = 128;

pub(crate) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |v| v.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}

/// How long it is to go on.
pub(crate) fn minutes() -> u64 {
    number("MILLSTREAM_CHAOS_MINUTES", 0)
}

/// How often each fault happened, and what ended by itself.
#[derive(Default)]
struct Tally {
    runs: u64,
    faults: BTreeMap<Fault, u64>,
    ended: u64,
}

#[test]
fn faults_lose_no_row_double_none_and_keep_their_order() {
    let first = number("MILLSTREAM_CHAOS_SEED", 0);
    let server = S3Server::start();
    let begin = now();
    let (next, tally) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + RUNS && begin.elapsed() >= Duration::from_secs(60 * minutes()) {
                        return;
                    }
                    with_enough_time(READING, |reading| run(seed, reading, &server, &tally));
                }
            });
        }
    });
    let Tally { runs, faults, ended } = tally.into_inner().unwrap();
    let all: u64 = faults.values().sum();
    println!("chaos: {runs} runs from seed {first} on, {all} faults, 0 rows lost, doubled or out of order");
    for (fault, count) in &faults {
        println!("  {count:>5} {fault:?}");
    }
    println!("  {ended:>5} processes that ended by themselves and were started again");
    assert!(all >= 3 * runs, "too few faults");
    if all > 40 * Fault::ALL.len() as u64 {
        let missing: Vec<_> = Fault::ALL.iter().filter(|fault| !faults.contains_key(fault)).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}

fn run(seed: u64, reading: Duration, server: &S3Server, tally: &Mutex<Tally>) {
    let mut random = StdRng::seed_from_u64(seed);
    let query = Query::ALL[random.random_range(0..Query::ALL.len())];
    let rocksdb = ["state.backend.type=rocksdb", "state.backend.rocksdb.memory.fixed-per-slot=1kb"];
    let is_rocksdb = random.random_bool(0.5);
    let on_s3 = random.random_bool(0.7);
    let parallelism = random.random_range(2..=4);
    let mut cluster = Cluster::new(Setup {
        query,
        rows: 100_000,
        files: 4,
        reading,
        parallelism,
        interval_ms: random.random_range(50..400),
        server: on_s3.then_some(server),
        more: if is_rocksdb { rocksdb.map(String::from).to_vec() } else { Vec::new() },
        seed,
        pauses: Some(("200ms", "1s")),
        disk: Some(DISK_MEGABYTES),
    });
    cluster.start_coordinator();
    for _ in 0..WORKERS {
        cluster.start_worker();
    }
    let mut log = format!(
        "seed {seed}: {query:?} at {parallelism}, {}, state in {}",
        if on_s3 { "S3" } else { "a folder" },
        if is_rocksdb { "RocksDB" } else { "memory" }
    );
    cluster.wait_for_epochs(1);
    let begin = now();
    let mut faults = Vec::new();
    while begin.elapsed() < READING * 6 / 10 {
        thread::sleep(Duration::from_millis(random.random_range(100..2_500)));
        let planned = Planned::draw(&mut random, &cluster);
        let _ = write!(log, "\n  {:>6} ms {planned}", begin.elapsed().as_millis());
        planned.inject(&mut cluster);
        faults.push(planned.fault);
        for ended in cluster.start_what_ended() {
            let _ = write!(log, "\n  {:>6} ms {ended}", begin.elapsed().as_millis());
            tally.lock().unwrap().ended += 1;
        }
    }
    println!("{log}");
    cluster.finish();
    println!("seed {seed}: every row once and in order after {:.1} s", begin.elapsed().as_secs_f64());
    let mut tally = tally.lock().unwrap();
    tally.runs += 1;
    for fault in faults {
        *tally.faults.entry(fault).or_default() += 1;
    }
}
