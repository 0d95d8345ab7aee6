//! The engine with a bug planted: the loops find it, with no check written for it.
//!
//! Every bug meets the same loops in the same order of seeds. Not planted, because nothing can have it yet: evicting before
//! the hard link (what is in RocksDB is never part of a checkpoint). Sweeping the newest published marker is left to the store's
//! scenarios, which call sweeps one by one: whole jobs sweep once for each epoch that they publish, so it shows too rarely.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use millstream_checkpoint_store::Sabotage as Store;
use millstream_jobmaster::Sabotage as Master;
use millstream_worker::Sabotage as Worker;

use crate::harness::Planted;
use crate::loops::{LOOPS, play, runs};

/// Runs in which a bug must be found. Most show within fifty; "read before Start" needs two coordinators at one moment, and on a
/// busy machine once took more than a thousand.
const BOUND: u64 = 5_000;
const CONCURRENT: usize = 8;

fn store(bugs: &[Store]) -> Planted {
    Planted { store: BTreeSet::from_iter(bugs.iter().copied()), ..Planted::default() }
}

fn master(change: fn(&mut Master)) -> Planted {
    let mut planted = Planted::default();
    change(&mut planted.master);
    planted
}

fn worker(change: fn(&mut Worker)) -> Planted {
    let mut planted = Planted::default();
    change(&mut planted.worker);
    planted
}

fn bugs() -> Vec<(&'static str, Planted)> {
    let mut publish_before_owned = master(|m| m.publish_before_owned = true);
    publish_before_owned.store.insert(Store::PublishBeforeOwned);
    vec![
        ("ack before upload", store(&[Store::AckBeforeUpload])),
        ("publish before the epoch is owned", publish_before_owned),
        ("skip the generation check", store(&[Store::SkipGenerationCheck])),
        ("read before Start", store(&[Store::ReadBeforeStart])),
        ("sweep ignoring pins", store(&[Store::SweepIgnoresPins])),
        ("treat an ambiguous PUT as lost", store(&[Store::AmbiguousPutIsLost])),
        ("leave a gap in epoch numbers", store(&[Store::LeaveEpochGap])),
        ("complete without the last ack", master(|m| m.complete_without_last_ack = true)),
        ("start before publishing", master(|m| m.start_before_publishing = true)),
        ("own aborted checkpoints", master(|m| m.own_aborted_checkpoints = true)),
        ("late snapshot of the enumerators", master(|m| m.late_enumerator_snapshot = true)),
        ("drop rows buffered during alignment", worker(|w| w.drop_buffered_rows = true)),
        ("clear dirty marks when a checkpoint is aborted", worker(|w| w.forget_aborted = true)),
        ("take positions after the barrier", worker(|w| w.positions_after_barrier = true)),
    ]
}

/// The first run that finds the bug, and what it says.
async fn find(planted: &Planted, bound: u64) -> Option<(u64, String)> {
    let runs = (0..bound).map(|seed| {
        let planted = planted.clone();
        let what = LOOPS[usize::try_from(seed).unwrap() % LOOPS.len()];
        async move {
            let run = tokio::spawn(async move { play(what, 1_000 + seed, &planted).await });
            let found = run.await.unwrap_or_else(|panic| Err(panic.to_string())).err();
            found.map(|story| (seed + 1, story))
        }
    });
    let found = futures::stream::iter(runs).buffered(CONCURRENT).filter_map(|found| async { found });
    std::pin::pin!(found).next().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_found() {
    let only = std::env::var("MILLSTREAM_SIM_BUG").ok();
    let mut missed = Vec::new();
    for (name, planted) in bugs() {
        if only.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        match find(&planted, runs(BOUND).max(BOUND)).await {
            Some((run, story)) => eprintln!("{name}: found in run {run}: {story}"),
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
