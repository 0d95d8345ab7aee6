//! Damaged files: 12 kinds, each cut off, emptied, with a flipped bit, swapped with another, and gone.
//!
//! Half of them are read when a savepoint is made, half when it is used. Each time there is an error that names the file, what
//! was expected and found, and what to do; never a panic, never a savepoint or a job without a part of its state.

use std::sync::Arc;

use bytes::Bytes;
use millstream_savepoint::{
    ImportRequest, SavepointError, SavepointLocation, SavepointReader, clean_up, delete, import, list,
};
use millstream_storage::fault::{FaultPlan, FaultStorage};
use millstream_storage::{MemoryStorage, ObjectStorage};

use crate::fixture::{self, NOW_MS, copy, job, keys, location, settings, store_of, take_over};

#[derive(Clone, Copy, Debug)]
enum Damage {
    Truncated,
    Empty,
    FlippedBit,
    Swapped,
    Missing,
}

const DAMAGE: [Damage; 5] =
    [Damage::Truncated, Damage::Empty, Damage::FlippedBit, Damage::Swapped, Damage::Missing];

impl Damage {
    /// Every place of a flipped bit would take long; these are in the header, the middle and the end.
    async fn apply(self, storage: &MemoryStorage, key: &str, other: &str) {
        let body = storage.get(key).await.unwrap();
        let damaged: Option<Bytes> = match self {
            Self::Truncated => Some(body.slice(..body.len() - 1)),
            Self::Empty => Some(Bytes::new()),
            Self::FlippedBit => {
                let mut flipped = body.to_vec();
                flipped[body.len() / 2] ^= 4;
                Some(flipped.into())
            }
            Self::Swapped => Some(storage.get(other).await.unwrap()),
            Self::Missing => None,
        };
        storage.damage(key, damaged);
    }
}

/// The job with two epochs, and savepoints `s` and `other` of it.
async fn prepared() -> MemoryStorage {
    let storage = fixture::populated().await;
    fixture::save(Arc::new(storage.clone()), "s", 0xa1).await.unwrap();
    fixture::save(Arc::new(storage.clone()), "other", 0xb2).await.unwrap();
    storage
}

/// The first key that contains all parts.
async fn find(storage: &MemoryStorage, parts: &[&str]) -> String {
    let all = keys(storage, "").await;
    let found = all.iter().find(|key| parts.iter().all(|part| key.contains(part)));
    found.unwrap_or_else(|| panic!("{parts:?} is not in {all:?}")).clone()
}

/// The message names the file, what was expected and found, and what to do.
fn assert_helps(error: &SavepointError, key: &str, case: &str) {
    let message = error.to_string();
    let name = key.rsplit('/').next().unwrap();
    assert!(message.contains(name), "{case}: {message}");
    for part in ["expected ", ", found ", "; "] {
        assert!(message.contains(part), "{case}: `{part}` is not in: {message}");
    }
    let advice = ["another epoch", "another copy", "take it again", "wait until it is"];
    assert!(advice.iter().any(|a| message.contains(a)), "{case}: {message}");
}

#[tokio::test]
async fn in_the_checkpoint_that_is_saved() {
    let prepared = fixture::populated().await;
    let state = "default.flights.local/state";
    // Of epoch 3, which is checkpoint 2: the base and the delta of subtask 0, the base of subtask 1, and the records.
    let store = store_of(Arc::new(prepared.clone()), fixture::job());
    let (_, manifest) = store.look().await.unwrap().restorable.unwrap();
    let main = |n: usize| {
        let of_main = manifest.operators[1].segments.iter().filter(|s| s.table == "main");
        of_main.map(|s| s.object.key.clone()).nth(n).unwrap()
    };
    let map = manifest.operators[1].segments.iter().find(|s| s.table == "call4").unwrap().object.key.clone();
    assert!(main(0).starts_with(state));
    let kinds: [(&str, String, String); 6] = [
        (
            "epoch record",
            find(&prepared, &["/epoch/0000000003"]).await,
            find(&prepared, &["/epoch/0000000002"]).await,
        ),
        (
            "checkpoint manifest",
            find(&prepared, &["checkpoint/0000000002", "manifest"]).await,
            find(&prepared, &["checkpoint/0000000001", "manifest"]).await,
        ),
        (
            "published marker",
            find(&prepared, &["checkpoint/0000000002", "published"]).await,
            find(&prepared, &["checkpoint/0000000001", "published"]).await,
        ),
        ("base", main(0), main(2)),
        ("delta", main(1), main(0)),
        ("map", map, main(1)),
    ];
    for (kind, key, other) in kinds {
        for damage in DAMAGE {
            let case = format!("{kind} {damage:?}");
            let storage = prepared.snapshot();
            let store = store_of(Arc::new(storage.clone()), fixture::job());
            // Taken over before the damage: a take-over looks at these files too.
            let taken = take_over(&store).await.unwrap();
            let epoch = millstream_model::Epoch(3);
            damage.apply(&storage, &key, &other).await;
            let place = location(Arc::new(storage.clone()), "s");
            let request = fixture::request(epoch);
            let written =
                millstream_savepoint::write(&store, &taken.incarnation, &place, &request, &settings(1)).await;
            let error = written.unwrap_err();
            match (kind, damage, &error) {
                // Without its marker an epoch is simply not published.
                ("published marker", Damage::Missing, SavepointError::Unpublished { .. }) => {}
                // The record of another checkpoint: its marker says so.
                ("epoch record", Damage::Swapped, SavepointError::Damaged { .. }) => {
                    assert_helps(&error, "published", &case);
                }
                _ => assert_helps(&error, &key, &case),
            }
            assert!(SavepointReader::open(&place).await.unwrap_err().is_not_there(), "{case}");
            let left = keys(&storage, "default.flights.local/savepoint/").await;
            assert!(left.is_empty(), "{case}: {left:?}");
        }
    }
}

#[tokio::test]
async fn in_the_savepoint_that_is_used() {
    let prepared = prepared().await;
    let (s, other) = ("savepoint/s/", "savepoint/other/");
    let of = async |parts: &[&str]| find(&prepared, parts).await;
    let kinds: [(&str, String, String); 6] = [
        ("claim", of(&[s, "claim"]).await, of(&[other, "claim"]).await),
        ("savepoint manifest", of(&[s, "a1/manifest"]).await, of(&[other, "b2/manifest"]).await),
        ("first file", of(&[s, "main/00000-"]).await, of(&[s, "main/00004-"]).await),
        ("last file", of(&[s, "main/00012-"]).await, of(&[s, "main/00008-"]).await),
        ("middle file", of(&[s, "main/00008-"]).await, of(&[s, "main/00012-"]).await),
        ("file of a map", of(&[s, "call4/00000-"]).await, of(&[s, "main/00000-"]).await),
    ];
    for (kind, key, swapped) in kinds {
        for damage in DAMAGE {
            let case = format!("{kind} {damage:?}");
            let storage = prepared.snapshot();
            damage.apply(&storage, &key, &swapped).await;
            let place = location(Arc::new(storage.clone()), "s");
            let store = store_of(Arc::new(storage.clone()), copy());
            let taken = take_over(&store).await.unwrap();
            let error = match SavepointReader::open(&place).await {
                Err(error) => {
                    assert!(matches!(kind, "claim" | "savepoint manifest"), "{case}: {error}");
                    error
                }
                Ok(reader) => {
                    let read = reader.check_contents().await.unwrap_err();
                    assert_helps(&read, &key, &case);
                    let request = ImportRequest { expected: None, now_ms: NOW_MS };
                    import(&reader, &store, &taken, &request, &settings(1)).await.unwrap_err()
                }
            };
            match (kind, damage) {
                // The claim of another savepoint leads to a manifest that is not there.
                ("claim", Damage::Swapped) => assert_helps(&error, "manifest", &case),
                _ => assert_helps(&error, &key, &case),
            }
            assert!(store.look().await.unwrap().restorable.is_none(), "{case}");
            // Nobody takes the name of something that might be repaired, except where there is no manifest.
            let again = fixture::save(Arc::new(storage.clone()), "s", 0xc3).await;
            let may_be_taken = matches!(
                (kind, damage),
                ("claim", Damage::Missing | Damage::Swapped) | ("savepoint manifest", Damage::Missing)
            );
            assert_eq!(again.is_ok(), may_be_taken, "{case}: {again:?}");
        }
    }
}

#[tokio::test]
async fn every_flipped_bit_of_a_claim_and_a_file_is_found() {
    let prepared = prepared().await;
    let claim = find(&prepared, &["savepoint/s/", "claim"]).await;
    let file = find(&prepared, &["savepoint/s/", "call4/00000-"]).await;
    for key in [claim, file] {
        let body = prepared.get(&key).await.unwrap();
        // Every bit of the small one, every 97th of the file.
        let step = if body.len() < 100 { 1 } else { 97 };
        for bit in (0..body.len() * 8).step_by(step) {
            let mut flipped = body.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let storage = prepared.snapshot();
            storage.damage(&key, Some(flipped.into()));
            let opened = SavepointReader::open(&location(Arc::new(storage), "s")).await;
            let error = match opened {
                Ok(reader) => reader.check_contents().await.unwrap_err(),
                Err(error) => error,
            };
            assert!(matches!(error, SavepointError::Damaged { .. }), "{key} bit {bit}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_deleted() {
    let storage = MemoryStorage::new();
    storage.put_if_absent("photos/claim", "an insurance claim".into()).await.unwrap();
    let folder = |name: &str| {
        SavepointLocation::in_folder(Arc::new(storage.clone()), name, fixture::PATIENCE).unwrap()
    };
    assert!(!delete(&folder("photos")).await.unwrap());
    assert_eq!(keys(&storage, "").await, ["photos/claim"]);
    // Damage beside an attempt is a savepoint's.
    storage.put_if_absent("s/claim", "not readable".into()).await.unwrap();
    storage.put_if_absent("s/00000000c0ffee00/manifest", "neither".into()).await.unwrap();
    assert!(delete(&folder("s")).await.unwrap());
    assert_eq!(keys(&storage, "").await, ["photos/claim"]);
}

#[tokio::test]
async fn one_bad_savepoint_does_not_keep_the_others_from_being_cleaned() {
    let storage = prepared().await;
    let place = "default.flights.local/savepoint/";
    let parquet = find(&storage, &["savepoint/s/", "parquet"]).await;
    for name in ["bad", "s2", "s3"] {
        storage.put_if_absent(&parquet.replace("/s/", &format!("/{name}/")), "".into()).await.unwrap();
    }
    storage.put_if_absent(&format!("{place}bad/claim"), "no claim".into()).await.unwrap();
    storage.put_if_absent(&format!("{place}zürich/claim"), "of nobody".into()).await.unwrap();
    let store = store_of(Arc::new(storage.clone()), job());
    let taken = take_over(&store).await.unwrap();
    let error = clean_up(&store, &taken.incarnation).await.unwrap_err();
    assert!(matches!(error, SavepointError::Damaged { .. }), "{error}");
    let names = list(&storage, &job(), &fixture::PATIENCE).await.unwrap();
    assert_eq!(names, ["bad", "other", "s"]);
    for name in ["s", "other"] {
        SavepointReader::open(&location(Arc::new(storage.clone()), name)).await.unwrap();
    }
}

#[tokio::test]
async fn complete_savepoints_do_not_hold_up_a_start() {
    let storage = prepared().await;
    let counting = Arc::new(FaultStorage::new(Arc::new(storage), FaultPlan::none()));
    let store = store_of(counting.clone(), job());
    let taken = take_over(&store).await.unwrap();
    let before = counting.trace().len();
    clean_up(&store, &taken.incarnation).await.unwrap();
    let calls = counting.trace().split_off(before);
    let of_savepoints: Vec<_> = calls.iter().filter(|call| call.key.contains("/savepoint/")).collect();
    assert_eq!(of_savepoints.len(), 1, "one listing: {of_savepoints:?}");
}
