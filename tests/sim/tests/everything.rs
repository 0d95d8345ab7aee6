//! The engine as it is: nothing breaks.

use millstream_storage::fault::Fault;

use crate::harness::Planted;
use crate::harness::job::SHAPES;
use crate::loops::{LOOPS, Loop, all, crashes, play, runs, usual_calls};

/// Prints what broke, and fails if anything did.
fn judge(broken: &[String], of: usize) {
    assert!(broken.is_empty(), "{} of {of} runs broke:\n{}", broken.len(), broken.join("\n"));
}

async fn hold(what: Loop, usual: u64) {
    let runs = runs(usual);
    let broken = all((0..runs).map(|seed| async move { play(what, seed, &Planted::default()).await })).await;
    judge(&broken, usize::try_from(runs).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_change_nothing() {
    hold(LOOPS[0], 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_change_nothing() {
    hold(LOOPS[1], 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aborted_checkpoints_change_nothing() {
    hold(LOOPS[2], 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_coordinators_change_nothing() {
    hold(LOOPS[3], 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zombies_change_nothing() {
    hold(LOOPS[4], 16).await;
}

/// Every call, before and after, both targets, parallelism 1 and 2; without `MILLSTREAM_SIM_RUNS` every so-manieth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_every_call_changes_nothing() {
    let mut runs_to_come = Vec::new();
    for shape in SHAPES {
        let calls = usual_calls(shape).await;
        let step = usize::try_from(calls.div_ceil(runs(6)).max(1)).unwrap();
        for (place, call) in (1..=calls).step_by(step).enumerate() {
            let both = [Fault::CrashBefore, Fault::CrashAfter];
            let faults = if step == 1 { &both[..] } else { &both[place % 2..=place % 2] };
            runs_to_come.extend(faults.iter().cloned().map(|fault| crashes::at(shape, call, fault)));
        }
    }
    let count = runs_to_come.len();
    judge(&all(runs_to_come).await, count);
}
