//! The rate of RocksDB itself with our settings, when it is used as well as it can be: batches of sorted keys, read and then
//! written. It is what a stateful operator on this store is measured against, since it can hardly be faster.
//!
//! ```sh
//! cargo build --release --workspace --example raw_rate    # with --package, cargo would compile RocksDB a second time
//! $CARGO_TARGET_DIR/release/examples/raw_rate keys=20000000 memory_mib=256
//! ```
//!
//! Prints one line of JSON. `keys` entries of 8 + 24 bytes are written in order; then batches of 8,192 random keys are sorted,
//! read and written back, `events` keys in all. CPU is that of the whole process, so that flushes and compactions count.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints its result, or has none"
)]

use std::fs;
use std::path::PathBuf;

use millstream_state::{Spill, SpillFactory};
use millstream_state_rocksdb::{RocksSettings, RocksSpills};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Keys of a batch, as in the engine.
const BATCH: u64 = 8_192;

struct Plan {
    keys: u64,
    events: u64,
    memory_mib: usize,
    directory: Option<PathBuf>,
}

/// What a phase cost.
struct Cost {
    events: u64,
    wall_seconds: f64,
    /// Of all threads.
    cpu_seconds: f64,
    /// Of the thread that calls the store.
    caller_cpu_seconds: f64,
}

fn main() {
    let plan = plan();
    let temporary = tempfile::tempdir().unwrap();
    let directory = plan.directory.clone().unwrap_or_else(|| temporary.path().to_owned());
    let settings = RocksSettings { directory, memory_bytes: plan.memory_mib * 1024 * 1024 };
    let spills = RocksSpills::new(settings).unwrap();
    let store = spills.open("raw-rate").unwrap();
    let load = timed(|| load(&*store, plan.keys));
    let update = timed(|| update(&*store, plan.keys, plan.events));
    let result = format!(
        "{{\"keys\": {}, \"memory_mib\": {}, \"build\": \"{}\", \"load\": {}, \"update\": {}, \
         \"accounted_mib\": {}, \"peak_rss_mib\": {}, \"disk_mib\": {}}}",
        plan.keys,
        plan.memory_mib,
        if cfg!(debug_assertions) { "debug" } else { "release" },
        json(&load),
        json(&update),
        spills.memory_bytes() >> 20,
        peak_rss_kib() >> 10,
        store.disk_bytes() >> 20,
    );
    println!("{result}");
}

fn plan() -> Plan {
    let mut plan = Plan { keys: 1_000_000, events: 0, memory_mib: 256, directory: None };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("keys", value)) => plan.keys = value.parse().unwrap(),
            Some(("events", value)) => plan.events = value.parse().unwrap(),
            Some(("memory_mib", value)) => plan.memory_mib = value.parse().unwrap(),
            Some(("directory", value)) => plan.directory = Some(value.into()),
            _ => panic!("{argument}: expected keys=, events=, memory_mib= or directory="),
        }
    }
    if plan.events == 0 {
        plan.events = (plan.keys * 2).max(BATCH);
    }
    plan
}

/// All keys in order.
fn load(store: &dyn Spill, keys: u64) -> u64 {
    for first in (0..keys).step_by(BATCH as usize) {
        let batch: Vec<_> = (first..keys.min(first + BATCH)).map(u64::to_be_bytes).collect();
        let changes: Vec<_> = batch.iter().map(|key| (key.as_slice(), Some([0; 24].as_slice()))).collect();
        store.write(&changes).unwrap();
    }
    keys
}

/// Adds one to three numbers of random keys, as a COUNT, a SUM and a MAX do. Returns how many keys were read and written:
/// a key that is drawn twice in a batch counts once.
fn update(store: &dyn Spill, keys: u64, events: u64) -> u64 {
    let mut random = StdRng::seed_from_u64(1);
    let mut done = 0;
    while done < events {
        let mut drawn: Vec<_> = (0..BATCH).map(|_| random.random_range(0..keys).to_be_bytes()).collect();
        drawn.sort_unstable();
        drawn.dedup();
        let borrowed: Vec<&[u8]> = drawn.iter().map(<[u8; 8]>::as_slice).collect();
        let mut values = vec![[0_u8; 24]; drawn.len()];
        let mut found = 0;
        let mut keep = |at: usize, value: &[u8]| {
            values[at].copy_from_slice(value);
            found += 1;
        };
        store.get(&borrowed, &mut keep).unwrap();
        assert_eq!(found, drawn.len(), "every key was loaded");
        for number in values.iter_mut().flat_map(|value| value.as_chunks_mut::<8>().0) {
            *number = (u64::from_le_bytes(*number) + 1).to_le_bytes();
        }
        let changes: Vec<_> =
            borrowed.iter().zip(&values).map(|(key, value)| (*key, Some(&value[..]))).collect();
        store.write(&changes).unwrap();
        done += drawn.len() as u64;
    }
    done
}

#[expect(clippy::disallowed_methods, reason = "this is a measurement of time")]
fn timed(work: impl FnOnce() -> u64) -> Cost {
    let (started, all, caller) = (std::time::Instant::now(), cpu_seconds("self"), cpu_seconds("thread-self"));
    let events = work();
    Cost {
        events,
        wall_seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds("self") - all,
        caller_cpu_seconds: cpu_seconds("thread-self") - caller,
    }
}

fn json(cost: &Cost) -> String {
    let per_cpu_second = cost.events as f64 / cost.cpu_seconds.max(0.01);
    format!(
        "{{\"events\": {}, \"wall_seconds\": {:.2}, \"cpu_seconds\": {:.2}, \"caller_cpu_seconds\": {:.2}, \
         \"events_per_cpu_second\": {per_cpu_second:.0}}}",
        cost.events, cost.wall_seconds, cost.cpu_seconds, cost.caller_cpu_seconds
    )
}

/// User and system time in the kernel's ticks of 10 ms: the 14th and 15th words, of which the 2nd is in brackets.
fn cpu_seconds(of: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{of}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

fn peak_rss_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
