//! How long it takes until rows flow again when a process is killed: a worker where there is a spare slot, and the coordinator.
//!
//! The figures are printed beside the bounds of the design and not asserted, since the machine may do much else. In `make chaos` each
//! is the largest of 30.

use std::time::Duration;

use crate::chaos::minutes;
use crate::cluster::{Cluster, Setup};
use crate::harness::{LIMIT, now};
use crate::kill::query::Query;

/// What the status says: who runs, and how many rows were read.
type Figures = (u64, u64, u64);

fn figures(cluster: &mut Cluster<'_>) -> Option<Figures> {
    let status = cluster.status()?;
    let number = |name: &str| status[name].as_u64();
    let is_running = status["phase"] == "Running";
    is_running.then_some(())?;
    Some((number("generation")?, number("attempt")?, number("rows_in")?))
}

/// Waits until a later attempt than this one has read rows that none before it had shown.
fn flows_again(cluster: &mut Cluster<'_>, before: Figures) {
    let begin = now();
    let mut first = None;
    loop {
        assert!(begin.elapsed() < LIMIT, "no rows within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
        let Some(figures) = figures(cluster) else { continue };
        if (figures.0, figures.1) <= (before.0, before.1) {
            continue;
        }
        if *first.get_or_insert(figures.2) < figures.2 {
            return;
        }
    }
}

/// Whether the attempt ends soon: a broken connection is noticed at once.
fn fails(cluster: &mut Cluster<'_>, before: Figures) -> bool {
    let begin = now();
    while begin.elapsed() < Duration::from_secs(3) {
        let is_over = |status: serde_json::Value| {
            status["phase"] != "Running" || status["attempt"].as_u64() != Some(before.1)
        };
        if cluster.status().is_some_and(is_over) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn rows_flow_again_after_a_kill() {
    let kills: usize = if minutes() > 0 { 30 } else { 2 };
    let mut cluster = Cluster::new(Setup {
        query: Query::Windows,
        rows: 200_000,
        files: 4,
        // Longer than all of it takes on any machine: the job does not read everything, and is left alone in the end.
        reading: Duration::from_secs(1_200 + 60 * kills as u64),
        parallelism: 4,
        interval_ms: 200,
        server: None,
        more: Vec::new(),
        seed: 77,
        pauses: None,
        disk: None,
    });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    let (mut of_workers, mut of_coordinators) = (Vec::new(), Vec::new());
    while of_coordinators.len() < kills {
        cluster.wait_for_epochs(2);
        let before = figures(&mut cluster).unwrap_or_default();
        let begin = now();
        cluster.workers.remove(0).process.kill();
        if !fails(&mut cluster, before) {
            // It was the spare one: the others have a part of the job.
            cluster.start_worker();
            continue;
        }
        flows_again(&mut cluster, before);
        of_workers.push(begin.elapsed());
        cluster.start_worker();
        cluster.wait_for_epochs(2);
        let before = figures(&mut cluster).unwrap_or_default();
        let begin = now();
        cluster.coordinator.take().unwrap().kill();
        cluster.start_coordinator();
        flows_again(&mut cluster, before);
        of_coordinators.push(begin.elapsed());
        println!("recovery: worker {:?}, coordinator {:?}", of_workers.last(), of_coordinators.last());
    }
    for (what, bound, mut times) in
        [("a worker, with a spare slot", 3, of_workers), ("the coordinator", 5, of_coordinators)]
    {
        times.sort();
        println!(
            "recovery: rows flow again after SIGKILL of {what}: median {:.2} s, largest {:.2} s of {kills} (bound {bound} s)",
            times[times.len() / 2].as_secs_f64(),
            times[times.len() - 1].as_secs_f64()
        );
    }
}
