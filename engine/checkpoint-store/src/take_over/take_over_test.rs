//! What a take-over restores, publishes, refuses and records.

use std::sync::Arc;

use millstream_model::{CheckpointId, ErrorKind, JobError};
use millstream_storage::{MemoryStorage, ObjectStorage};

use super::*;
use crate::testing::{Counter, Life, back_to, check, job, store};

/// A job with these many owned checkpoints at epochs 2, 3, ..., all but the last `unpublished` of them published.
async fn with_checkpoints(count: u64, unpublished: usize) -> (MemoryStorage, Counter) {
    let inner = MemoryStorage::new();
    let mut counter = Life::default().begin(Arc::new(inner.clone())).await.unwrap();
    for _ in 0..count {
        counter.checkpoint().await.unwrap();
    }
    counter.publish_down_to(unpublished).await.unwrap();
    (inner, counter)
}

async fn take_over(inner: &MemoryStorage, request: TakeOverRequest) -> Result<TakeOver, JobError> {
    Ok(store(Arc::new(inner.clone())).take_over(&request).await?)
}

fn fall_back() -> TakeOverRequest {
    TakeOverRequest { on_damage: OnDamage::FallBack, ..TakeOverRequest::default() }
}

fn epoch_of(restored: &Restored) -> u64 {
    restored.owned.epoch.0
}

/// `start: restored | to publish | repeats`.
fn summary(taken: &TakeOver) -> String {
    let restored = taken.restore.as_ref().map_or_else(|| "nothing".to_owned(), |r| epoch_of(r).to_string());
    let publish: Vec<_> = taken.to_publish.iter().map(|r| epoch_of(r).to_string()).collect();
    let repeats = taken.repeats.map_or_else(String::new, |(from, to)| format!("{from}-{to}"));
    format!("{}: {restored} | {} | {repeats}", taken.start, publish.join(" "))
}

async fn flip(inner: &MemoryStorage, key: &str) {
    let mut body = inner.get(key).await.unwrap().to_vec();
    let middle = body.len() / 2;
    body[middle] ^= 1;
    inner.damage(key, Some(body.into()));
}

#[tokio::test]
async fn the_first_coordinator_begins_anew() {
    let taken = take_over(&MemoryStorage::new(), TakeOverRequest::default()).await.unwrap();
    assert_eq!(summary(&taken), "1: nothing |  | ");
    assert_eq!(taken.incarnation.generation(), Generation(1));
}

#[tokio::test]
async fn nothing_older_than_the_floor_is_continued_from() {
    let at_least = |epoch| TakeOverRequest { at_least: Some(Epoch(epoch)), ..TakeOverRequest::default() };
    let (inner, running) = with_checkpoints(3, 0).await;
    let empty = MemoryStorage::new();
    for (storage, floor, found) in [(&inner, 5, "4"), (&empty, 1, "none")] {
        let error = take_over(storage, at_least(floor)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::State);
        let expected =
            format!("has to go on from epoch {floor} or a later one, and its newest here is {found};");
        assert!(error.message.contains(&expected), "{error}");
    }
    running.incarnation.check_fence().await.unwrap();
    let taken = take_over(&inner, at_least(4)).await.unwrap();
    assert_eq!(summary(&taken), "5: 4 |  | ");
    // What is damaged is passed over where that is allowed, but not to below the floor.
    let damaged = taken.restore.unwrap().owned.manifest.key;
    let whole = inner.get(&damaged).await.unwrap();
    flip(&inner, &damaged).await;
    let error =
        take_over(&inner, TakeOverRequest { at_least: Some(Epoch(4)), ..fall_back() }).await.unwrap_err();
    assert!(error.message.contains("epoch 4 cannot be used; the newest one before it is epoch 3"), "{error}");
    inner.damage(&damaged, Some(whole));
    assert_eq!(take_over(&inner, at_least(4)).await.unwrap().restore.map(|r| epoch_of(&r)), Some(4));
    flip(&inner, &damaged).await;
    assert_eq!(
        take_over(&inner, TakeOverRequest { at_least: Some(Epoch(3)), ..fall_back() })
            .await
            .unwrap()
            .restore
            .map(|r| epoch_of(&r)),
        Some(3)
    );
}

#[tokio::test]
async fn the_next_one_restores_the_newest_and_publishes_the_rest() {
    for (unpublished, publish) in [(0, ""), (1, "4"), (3, "2 3 4")] {
        let (inner, _) = with_checkpoints(3, unpublished).await;
        let taken = take_over(&inner, TakeOverRequest::default()).await.unwrap();
        assert_eq!(summary(&taken), format!("5: 4 | {publish} | "));
        assert_eq!(taken.restore.unwrap().manifest.checkpoint, CheckpointId(3));
        assert_eq!(taken.incarnation.generation(), Generation(2));
    }
}

#[tokio::test]
async fn going_back_says_what_will_be_written_again() {
    let empty = || TakeOverRequest { from: StartFrom::Empty, ..TakeOverRequest::default() };
    let table = [
        (back_to(4, &[]), "5: 4 | 4 | "),
        (back_to(2, &[]), "5: 2 | 4 | 3-4"),
        (back_to(2, &[4]), "5: 2 |  | 3-4"),
        (empty(), "5: nothing | 4 | 1-4"),
        (TakeOverRequest { discard: vec![Epoch(4)], ..empty() }, "5: nothing |  | 1-4"),
    ];
    for (request, expected) in table {
        let (inner, _) = with_checkpoints(3, 1).await;
        let taken = take_over(&inner, request.clone()).await.unwrap();
        assert_eq!(summary(&taken), expected, "{request:?}");
        drop(taken);
        let again = take_over(&inner, TakeOverRequest::default()).await.unwrap();
        assert_eq!(
            again.restore.as_ref().map(epoch_of),
            expected.chars().nth(3).and_then(|c| c.to_digit(10)).map(u64::from),
            "{request:?}: the log remembers"
        );
        assert_eq!(again.repeats, None);
    }
}

#[tokio::test]
async fn a_target_that_cannot_be_restored_never_gets_into_the_log() {
    let (inner, counter) = with_checkpoints(3, 0).await;
    let (_, manifest) = counter.store.read_manifest(Epoch(2)).await.unwrap();
    inner.damage(&manifest.operators[0].segments[0].object.key, None);
    let table = [
        (1, "epoch 1 is no checkpoint of default.count.local"),
        (9, "epoch 9 is no checkpoint of default.count.local"),
        (2, "the checkpoint of epoch 2 cannot be used: default.count.local/state/agg/main/"),
    ];
    for (epoch, message) in table {
        let error = take_over(&inner, back_to(epoch, &[])).await.unwrap_err();
        assert!(error.message.starts_with(message), "{epoch}: {error}");
        assert_eq!(error.kind, ErrorKind::State);
    }
    assert_eq!(inner.list("default.count.local/epoch/").await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_damaged_checkpoint_is_refused_by_name_or_passed_over_on_request() {
    type Damage = fn(&Restored) -> (String, bool);
    let damages: [(&str, Damage, &str); 4] = [
        ("a flipped bit in the manifest", |r| (r.owned.manifest.key.clone(), true), "is damaged: expected"),
        ("no manifest", |r| (r.owned.manifest.key.clone(), false), "found nothing"),
        (
            "a missing segment",
            |r| (r.manifest.operators[0].segments[0].object.key.clone(), false),
            "found nothing",
        ),
        (
            "missing staged output",
            |r| (r.manifest.sinks[0].publications[0].segments[0].object.key.clone(), false),
            "found nothing",
        ),
    ];
    for (name, damage, message) in damages {
        let (inner, counter) = with_checkpoints(3, 1).await;
        let (owned, manifest) = counter.store.read_manifest(Epoch(4)).await.unwrap();
        let (key, is_flip) = damage(&Restored { owned, manifest });
        if is_flip {
            flip(&inner, &key).await;
        } else {
            inner.damage(&key, None);
        }

        let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::State, "{name}");
        assert!(
            error.message.starts_with(
                "the checkpoint of epoch 4 cannot be used; the newest one before it is epoch 3, and output of the epochs \
                 after 3 would be written again: "
            ) && error.message.contains(&key)
                && error.message.contains(message),
            "{name}: {error}"
        );

        // Whoever brings other state may take over, and does not make the damage forgotten.
        let inner_again = inner.snapshot();
        let is_of_state = !name.contains("staged") && !name.contains("manifest");
        if is_of_state {
            let bring = TakeOverRequest { on_damage: OnDamage::RestoreNothing, ..TakeOverRequest::default() };
            let taken = take_over(&inner_again, bring).await.unwrap();
            assert_eq!((taken.restore.is_none(), taken.to_publish.len()), (true, 1), "{name}");
            drop(taken);
            let error = take_over(&inner_again, TakeOverRequest::default()).await.unwrap_err();
            assert!(error.message.contains(&key), "{name}: {error}");
        }

        let taken = take_over(&inner, fall_back()).await.unwrap();
        assert_eq!(summary(&taken), "7: 3 |  | 4-4", "{name}");
        assert_eq!(taken.passed_over.len(), 1);
        assert_eq!(taken.passed_over[0].epoch, Epoch(4));
        drop(taken);
        // 4 was not visible, so nothing is written twice, and the job can end.
        Life::default().run(Arc::new(inner.clone())).await.unwrap();
        check(&inner).await.unwrap();
        let again = take_over(&inner, TakeOverRequest::default()).await.unwrap();
        assert!(again.passed_over.is_empty(), "{name}: the way back is in the log");
    }
}

#[tokio::test]
async fn damage_in_the_middle_of_what_waits_takes_the_rest_along() {
    let (inner, counter) = with_checkpoints(4, 3).await;
    let (owned, _) = counter.store.read_manifest(Epoch(4)).await.unwrap();
    flip(&inner, &owned.manifest.key).await;
    let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
    assert!(
        error
            .message
            .starts_with("the checkpoint of epoch 4 cannot be used; the newest one before it is epoch 3")
    );
    let taken = take_over(&inner, fall_back()).await.unwrap();
    assert_eq!(
        summary(&taken),
        "8: 3 | 3 | 4-5",
        "5 descends from 4, whose output is lost; 3 is still published"
    );
}

#[tokio::test]
async fn when_nothing_is_left_to_fall_back_to_the_job_holds() {
    let (inner, counter) = with_checkpoints(2, 0).await;
    for epoch in [2, 3] {
        let (owned, _) = counter.store.read_manifest(Epoch(epoch)).await.unwrap();
        inner.damage(&owned.manifest.key, None);
    }
    let error = take_over(&inner, fall_back()).await.unwrap_err();
    assert!(error.message.starts_with("the checkpoint of epoch 2 cannot be used: "), "{error}");
    assert_eq!(error.kind, ErrorKind::State);
}

#[tokio::test]
async fn a_damaged_log_is_never_read_as_an_empty_one() {
    for epoch in 1..=4 {
        let (inner, _) = with_checkpoints(3, 0).await;
        flip(&inner, &format!("default.count.local/epoch/{epoch:010}")).await;
        let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::State, "{error}");
        assert!(
            error.message.contains(&format!("epoch/{epoch:010}: the epoch record is damaged")),
            "{error}"
        );
    }
    let (inner, _) = with_checkpoints(3, 0).await;
    inner.damage("default.count.local/epoch/0000000003", None);
    let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
    assert!(error.message.contains("the epoch log has a gap: epoch 2 is followed by 4"), "{error}");
}

#[tokio::test]
async fn a_closed_job_stays_closed() {
    let (inner, counter) = with_checkpoints(2, 0).await;
    assert_eq!(counter.incarnation.close().await.unwrap(), Epoch(4));
    let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
    assert!(error.message.contains("was deleted"), "{error}");
    assert!(store(Arc::new(inner)).look().await.unwrap().is_closed);
}

#[tokio::test]
async fn a_long_log_is_read_from_its_end() {
    let inner = MemoryStorage::new();
    for _ in 0..150 {
        take_over(&inner, TakeOverRequest::default()).await.unwrap();
    }
    let mut counter = Life::default().begin(Arc::new(inner.clone())).await.unwrap();
    counter.checkpoint().await.unwrap();
    counter.publish_down_to(0).await.unwrap();
    for _ in 0..100 {
        take_over(&inner, TakeOverRequest::default()).await.unwrap();
    }
    let taken = take_over(&inner, TakeOverRequest::default()).await.unwrap();
    assert_eq!(summary(&taken), "253: 152 |  | ");
}

#[tokio::test]
async fn looking_changes_nothing() {
    let (inner, _) = with_checkpoints(3, 2).await;
    let before = inner.list("").await.unwrap();
    let overview = store(Arc::new(inner.clone())).look().await.unwrap();
    assert_eq!(inner.list("").await.unwrap(), before);
    assert_eq!((overview.newest, overview.generation), (Some(Epoch(4)), Generation(1)));
    assert_eq!(overview.restorable.map(|(o, _)| o.epoch), Some(Epoch(4)));
    assert_eq!(overview.unpublished, [Epoch(3), Epoch(4)]);
    assert_eq!(overview.ancestors.iter().map(|o| o.epoch.0).collect::<Vec<_>>(), [3]);
    let nothing = store(Arc::new(MemoryStorage::new())).look().await.unwrap();
    assert_eq!((nothing.newest, nothing.restorable), (None, None));
}

#[tokio::test]
async fn jobs_in_one_bucket_do_not_meet() {
    let (inner, _) = with_checkpoints(2, 0).await;
    let other = millstream_model::JobIdentity { name: "count2".to_owned(), ..job() };
    let other = JobStore::open(Arc::new(inner), other, crate::testing::settings(None));
    assert_eq!(summary(&other.take_over(&TakeOverRequest::default()).await.unwrap()), "1: nothing |  | ");
}

#[tokio::test]
async fn a_folder_that_lost_its_generations_is_not_started() {
    for (lost, expected) in [(1, "generation/1 of"), (2, "")] {
        let (inner, _) = with_checkpoints(2, 0).await;
        drop(take_over(&inner, TakeOverRequest::default()).await.unwrap());
        inner.damage(&format!("default.count.local/generation/{lost:010}"), None);
        let answer = take_over(&inner, TakeOverRequest::default()).await;
        let store = store(Arc::new(inner.clone()));
        let lineage = store.lineage().await.map_err(JobError::from);
        if expected.is_empty() {
            assert_eq!(answer.unwrap().incarnation.generation(), Generation(3), "the log knows of 2");
            lineage.unwrap();
        } else {
            let error = lineage.unwrap_err();
            assert!(error.kind == ErrorKind::State && error.message.starts_with(expected), "{error}");
        }
    }
    let (inner, _) = with_checkpoints(2, 0).await;
    inner.damage("default.count.local/generation/0000000001", None);
    let error = take_over(&inner, TakeOverRequest::default()).await.unwrap_err();
    assert!(error.message.contains("is gone, although the epoch log was written"), "{error}");
    assert_eq!(inner.list("default.count.local/epoch/").await.unwrap().len(), 3, "nothing was appended");
}
