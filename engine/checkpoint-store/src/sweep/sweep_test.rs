//! What sweeps leave and what they take, on a real folder of objects.

use std::sync::Arc;

use millstream_checkpoint::StartFrom;
use millstream_model::ErrorKind;
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage, ObjectStorage};

use super::*;
use crate::take_over::TakeOverRequest;
use crate::testing::{Counter, Life, back_to, check};

const RUNNING: Writers = Writers::Running(Attempt(1));

async fn begun(inner: &MemoryStorage) -> Counter {
    Life::default().begin(Arc::new(inner.clone())).await.unwrap()
}

async fn advance(counter: &mut Counter, checkpoints: usize) {
    for _ in 0..checkpoints {
        counter.checkpoint().await.unwrap();
    }
    counter.publish_down_to(0).await.unwrap();
}

async fn count(inner: &MemoryStorage, folder: &str) -> usize {
    inner.list(&format!("default.count.local/{folder}/")).await.unwrap().len()
}

#[tokio::test]
async fn two_sweeps_leave_what_is_retained() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 5).await;
    let first = counter.incarnation.sweep(RUNNING).await.unwrap();
    assert_eq!((first.deleted, first.suspects), (0, 12), "3 checkpoints of 4 objects");
    assert_eq!(first.kept.iter().map(|e| e.0).collect::<Vec<_>>(), [5, 6]);
    let second = counter.incarnation.sweep(RUNNING).await.unwrap();
    assert_eq!((second.deleted, second.suspects), (12, 0));
    assert_eq!(counter.incarnation.sweep(RUNNING).await.unwrap().deleted, 0);
    assert_eq!((count(&inner, "state").await, count(&inner, "checkpoint").await), (2, 4));
    assert_eq!((count(&inner, "epoch").await, count(&inner, "generation").await), (6, 1));
    check(&inner).await.unwrap();
}

#[tokio::test]
async fn what_is_not_published_stays() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    for _ in 0..5 {
        counter.checkpoint().await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(counter.incarnation.sweep(RUNNING).await.unwrap().deleted, 0);
    }
}

#[tokio::test]
async fn uploads_of_running_tasks_stay_until_they_have_ended() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 1).await;
    // A checkpoint that was aborted after its manifest was written.
    let aborted = counter.manifest().await.unwrap();
    counter.incarnation.write_manifest(&aborted).await.unwrap();
    for _ in 0..3 {
        assert_eq!(counter.incarnation.sweep(RUNNING).await.unwrap().deleted, 0);
    }
    for _ in 0..2 {
        counter.incarnation.sweep(Writers::Running(Attempt(2))).await.unwrap();
    }
    assert_eq!(count(&inner, "state").await, 1, "what an older attempt left is garbage");
    assert_eq!(count(&inner, "checkpoint").await, 3, "a manifest above the newest owned may be under way");
    for _ in 0..2 {
        counter.incarnation.sweep(Writers::Ended).await.unwrap();
    }
    assert_eq!(count(&inner, "checkpoint").await, 2);
}

#[tokio::test]
async fn pins_hold_until_they_are_removed() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 1).await;
    counter.incarnation.pin("keep me", Epoch(2), "test").await.unwrap();
    counter.incarnation.pin("keep me", Epoch(2), "test").await.unwrap();
    let error = counter.incarnation.pin("keep me", Epoch(2), "another reason").await.unwrap_err();
    assert_eq!(error.to_string(), "there is a pin keep me already");
    advance(&mut counter, 4).await;
    for _ in 0..2 {
        counter.incarnation.sweep(RUNNING).await.unwrap();
    }
    counter.store.read_manifest(Epoch(2)).await.unwrap();
    counter.incarnation.unpin("keep me").await.unwrap();
    for _ in 0..2 {
        counter.incarnation.sweep(RUNNING).await.unwrap();
    }
    assert!(counter.store.read_manifest(Epoch(2)).await.unwrap_err().is_damage());
    let error = counter.incarnation.pin("too late", Epoch(2), "test").await.unwrap_err();
    assert!(error.is_damage());
    assert_eq!(count(&inner, "pin").await, 0, "a pin that holds nothing is removed again");
}

#[tokio::test]
async fn a_pin_that_appears_during_a_sweep_stops_it() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 5).await;
    counter.incarnation.sweep(RUNNING).await.unwrap();
    // The second listing of the pins in the next sweep is the one before its first batch.
    let held = Arc::new(FaultStorage::new(Arc::new(inner.clone()), FaultPlan::at(6, Fault::Hold)));
    let mut sweeping = counter.incarnation.clone();
    sweeping.folder.storage = held.clone();
    let sweep = tokio::spawn(async move { sweeping.sweep(RUNNING).await });
    held.wait_until_held().await;
    counter.incarnation.pin("late", Epoch(2), "test").await.unwrap();
    held.release();
    let report = sweep.await.unwrap().unwrap();
    assert_eq!(report.deleted, 0);
    let (_, manifest) = counter.store.read_manifest(Epoch(2)).await.unwrap();
    for object in manifest.objects() {
        counter.store.objects().fetch(object).await.unwrap();
    }
}

#[tokio::test]
async fn a_fenced_coordinator_deletes_nothing() {
    let inner = MemoryStorage::new();
    let mut old = begun(&inner).await;
    advance(&mut old, 5).await;
    old.incarnation.sweep(RUNNING).await.unwrap();
    let new = begun(&inner).await;
    let objects = inner.list("").await.unwrap().len();
    assert_eq!(old.incarnation.sweep(RUNNING).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(inner.list("").await.unwrap().len(), objects);
    drop(new);
}

#[tokio::test]
async fn nothing_is_deleted_when_something_cannot_be_read() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 5).await;
    counter.incarnation.sweep(RUNNING).await.unwrap();
    let objects = inner.list("").await.unwrap();
    let reads = [
        (Action::List, "local/"),
        (Action::Get, "manifest"),
        (Action::List, "pin/"),
        (Action::Get, "generation"),
    ];
    for (action, part) in reads {
        let plan = (0..20).fold(FaultPlan::none(), |p, _| p.and_on(action, part, Fault::NotApplied));
        let mut sweeping = counter.incarnation.clone();
        sweeping.folder.storage = Arc::new(FaultStorage::new(Arc::new(inner.clone()), plan));
        let error = sweeping.sweep(RUNNING).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient, "{part}");
        assert_eq!(inner.list("").await.unwrap(), objects, "{part}");
    }
    let (owned, _) = counter.store.read_manifest(Epoch(6)).await.unwrap();
    inner.damage(&owned.manifest.key, Some("x".into()));
    assert!(counter.incarnation.sweep(RUNNING).await.unwrap_err().is_damage());
    assert_eq!(inner.list("").await.unwrap().len(), objects.len());
}

#[tokio::test]
async fn ancestors_that_an_earlier_sweep_deleted_do_not_stop_later_ones() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 5).await;
    for _ in 0..2 {
        counter.incarnation.sweep(RUNNING).await.unwrap();
    }
    // 5 and 6 are kept; going back to 5 makes its deleted parent 4 the second of the retained.
    counter.incarnation.restart_from(&back_to(5, &[])).await.unwrap();
    let report = counter.incarnation.sweep(RUNNING).await.unwrap();
    assert!(report.kept.contains(&Epoch(5)));
    counter.incarnation.sweep(RUNNING).await.unwrap();
    counter.store.read_manifest(Epoch(5)).await.unwrap();
    assert!(counter.store.read_manifest(Epoch(6)).await.is_err(), "the branch that was left is garbage");
}

#[tokio::test]
async fn the_pin_of_a_restore_goes_with_its_reason() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 2).await;
    let mut counter = begun(&inner).await;
    assert_eq!(count(&inner, "pin").await, 1);
    counter.incarnation.sweep(RUNNING).await.unwrap();
    assert_eq!(count(&inner, "pin").await, 1, "tasks may still be reading");
    advance(&mut counter, 1).await;
    counter.incarnation.sweep(RUNNING).await.unwrap();
    assert_eq!(count(&inner, "pin").await, 0);
}

/// A target takes nothing for so long that everything published before leaves the retained checkpoints.
#[tokio::test]
async fn what_is_visible_is_still_known_when_all_that_is_retained_waits() {
    let inner = MemoryStorage::new();
    let mut counter = begun(&inner).await;
    advance(&mut counter, 2).await;
    for _ in 0..3 {
        counter.checkpoint().await.unwrap();
    }
    for _ in 0..3 {
        counter.incarnation.sweep(RUNNING).await.unwrap();
    }
    assert!(
        counter.store.read_manifest(Epoch(3)).await.unwrap_err().is_damage(),
        "published and not retained"
    );
    drop(counter);
    let mut next = begun(&inner).await;
    assert_eq!(next.rows, 50);
    advance(&mut next, 1).await;
    crate::testing::check_end(&inner).await.unwrap_err();
    for _ in 0..2 {
        next.incarnation.sweep(Writers::Ended).await.unwrap();
    }
    crate::testing::check_end(&inner).await.unwrap();
}

/// A job that began anew or went back owns nothing newer than what it left; the sweeps take all of that but the marker.
#[tokio::test]
async fn what_is_visible_is_still_known_after_going_back() {
    for request in [back_to(5, &[]), TakeOverRequest { from: StartFrom::Empty, ..TakeOverRequest::default() }]
    {
        let inner = MemoryStorage::new();
        let mut counter = begun(&inner).await;
        advance(&mut counter, 5).await;
        counter.incarnation.restart_from(&request).await.unwrap();
        for _ in 0..3 {
            counter.incarnation.sweep(Writers::Ended).await.unwrap();
        }
        assert!(counter.store.read_manifest(Epoch(6)).await.unwrap_err().is_damage(), "{request:?}");
        drop(counter);
        begun(&inner).await;
    }
}
