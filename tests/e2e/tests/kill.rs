//! `kill -9` at seeded random times, again and again: the output must be what it would have been without.
//!
//! Each run has input of 100,000 numbered rows in several files, replayed at a pace, so that it is certain when the last row
//! is read. Every kill lands after the first owned epoch and before the last row. At the end the output files are read as
//! they lie there and compared with rows computed here.
//!
//! `MILLSTREAM_KILL_RUNS` sets the number of runs, `MILLSTREAM_KILL_SEED` the first seed; a failure names its seed, and
//! `MILLSTREAM_KILL_RUNS=1 MILLSTREAM_KILL_SEED=<seed>` repeats its plan.

mod plan;
pub(crate) mod query;
mod run;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::harness::S3Server;
use plan::{Disturbance, KillPlan, Storage};
use run::Report;

/// Runs of the test suite. Two of each combination of storage, parallelism and disturbance that matters.
const RUNS: u64 = 32;
/// Runs at a time. Their input is paced, so that each of an unoptimized build takes one and a half processors.
const AT_ONCE: usize = 4;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |v| v.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}

#[test]
fn killed_jobs_end_with_the_output_of_jobs_that_were_not() {
    let (runs, first) = (number("MILLSTREAM_KILL_RUNS", RUNS), number("MILLSTREAM_KILL_SEED", 0));
    let server = S3Server::start();
    let next = AtomicU64::new(first);
    let reports = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + runs {
                        return;
                    }
                    let plan = KillPlan::of(seed);
                    let report = run::run(&plan, &server);
                    println!("{plan}: {report}");
                    reports.lock().unwrap().push((plan, report));
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap();
    let wrong: Vec<String> = reports
        .iter()
        .filter_map(|(plan, report)| report.wrong.as_ref().map(|w| format!("{plan}: {report}\n{w}")))
        .collect();
    assert!(wrong.is_empty(), "{} of {runs} runs are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let total = |count: fn(&Report) -> u64| reports.iter().map(|(_, r)| count(r)).sum::<u64>();
    println!(
        "{runs} runs, {} kills, {} aborted checkpoints, {} restores from older epochs, {} rows written again",
        total(|r| r.kills),
        total(|r| r.aborted),
        total(|r| r.went_back),
        total(|r| r.repeated)
    );
    if runs >= RUNS {
        assert!(2 * total(|r| r.kills) >= 3 * runs, "too few kills");
        assert!(total(|r| r.aborted) >= 3, "no checkpoint was aborted");
        assert!(total(|r| r.went_back) >= 3, "nothing was restored from an older epoch");
        assert!(total(|r| r.repeated) > 0, "going back repeated nothing");
        assert!(reports.iter().any(|(p, _)| p.storage == Storage::S3), "S3 was left out");
        assert!(
            (1..=4).all(|n| reports.iter().any(|(p, _)| p.parallelism == n)),
            "a parallelism was left out"
        );
        assert!(reports.iter().any(|(p, _)| p.disturbance == Disturbance::None));
    }
}
