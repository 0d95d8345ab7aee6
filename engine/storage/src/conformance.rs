//! What every implementation, and every wrapper around one, must do. Tests call [`run`] on an empty store.
//!
//! The checks mirror the promises of [`ObjectStorage`], one function each, and panic with what was promised.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use crate::error::{Remedy, StorageError};
use crate::object_storage::{ObjectStorage, PutOutcome};

/// Runs every check, each below a prefix of its own.
///
/// # Panics
/// When a promise is broken, with the promise.
pub async fn run(storage: Arc<dyn ObjectStorage>) {
    let s = storage.as_ref();
    create_then_read(s).await;
    create_keeps_the_first(s).await;
    one_of_many_creates_wins(&storage).await;
    one_of_many_large_creates_wins(&storage).await;
    absence_is_definite(s).await;
    ranges_are_cut(s).await;
    listing_is_complete_and_sorted(s).await;
    deleting_is_idempotent(s).await;
    names_are_checked(s).await;
    large_and_empty_bodies_survive(s).await;
}

async fn create(storage: &dyn ObjectStorage, key: &str, body: &'static str) -> PutOutcome {
    storage.put_if_absent(key, Bytes::from_static(body.as_bytes())).await.expect("create answers")
}

async fn keys(storage: &dyn ObjectStorage, prefix: &str) -> Vec<String> {
    let listed = storage.list(prefix).await.expect("list answers");
    listed.into_iter().map(|o| o.key).collect()
}

async fn create_then_read(storage: &dyn ObjectStorage) {
    assert_eq!(create(storage, "read/a", "one").await, PutOutcome::Created, "a free key is created");
    assert_eq!(
        storage.get("read/a").await.expect("get answers"),
        "one",
        "what was created can be read at once"
    );
    let head = storage.head("read/a").await.expect("head answers").expect("what was created is there");
    assert_eq!((head.key.as_str(), head.length), ("read/a", 3), "head describes the object");
    let listed = storage.list("read/").await.expect("list answers");
    assert_eq!(listed.len(), 1, "what was created is listed at once");
    assert_eq!((listed[0].key.as_str(), listed[0].length), ("read/a", 3), "a listing describes the object");
}

async fn create_keeps_the_first(storage: &dyn ObjectStorage) {
    assert_eq!(create(storage, "first/a", "one").await, PutOutcome::Created);
    assert_eq!(create(storage, "first/a", "two").await, PutOutcome::AlreadyExists, "a taken key is refused");
    assert_eq!(create(storage, "first/a", "one").await, PutOutcome::AlreadyExists, "also for the same body");
    assert_eq!(storage.get("first/a").await.expect("get answers"), "one", "the first body stays");
}

async fn one_of_many_creates_wins(storage: &Arc<dyn ObjectStorage>) {
    for round in 0..20 {
        let key = format!("race/{round}");
        let tasks = (0..8_u8).map(|writer| {
            let (storage, key) = (storage.clone(), key.clone());
            tokio::spawn(async move { storage.put_if_absent(&key, Bytes::from(vec![writer; 100])).await })
        });
        let outcomes: Vec<PutOutcome> = join_all(tasks)
            .await
            .into_iter()
            .map(|t| t.expect("no panic").expect("create answers"))
            .collect();
        let winners: Vec<usize> = (0..8).filter(|w| outcomes[*w] == PutOutcome::Created).collect();
        assert_eq!(winners.len(), 1, "exactly one of 8 concurrent creates wins: {outcomes:?}");
        let body = storage.get(&key).await.expect("get answers");
        assert_eq!(body, vec![winners[0] as u8; 100], "the winner's body is there, whole");
    }
}

async fn absence_is_definite(storage: &dyn ObjectStorage) {
    assert!(create(storage, "absent/a/b", "x").await == PutOutcome::Created);
    for key in ["absent/none", "absent/a", "absent/a/b/c", "nowhere/at/all"] {
        let error = storage.get(key).await.expect_err("there is no such object");
        assert_eq!(error.remedy(), Remedy::Absent, "{key}: reading nothing is NotFound, got {error}");
        let error = storage.get_range(key, 0..1).await.expect_err("there is no such object");
        assert_eq!(
            error.remedy(),
            Remedy::Absent,
            "{key}: reading a part of nothing is NotFound, got {error}"
        );
        assert!(storage.head(key).await.expect("head answers").is_none(), "{key}: head of nothing is None");
    }
    assert!(keys(storage, "nowhere/").await.is_empty(), "a prefix without objects lists nothing");
}

async fn ranges_are_cut(storage: &dyn ObjectStorage) {
    create(storage, "range/a", "0123456789").await;
    for (range, expected) in
        [(0..10, "0123456789"), (3..5, "34"), (8..20, "89"), (10..12, ""), (50..60, ""), (4..4, "")]
    {
        let found = storage.get_range("range/a", range.clone()).await.expect("get_range answers");
        assert_eq!(found, expected, "bytes {range:?} of 10");
    }
}

async fn listing_is_complete_and_sorted(storage: &dyn ObjectStorage) {
    let wanted = ["list/a/1", "list/a/2", "list/a-b/1", "list/b", "list/c=1/d e.csv"];
    for key in wanted.iter().rev() {
        create(storage, key, "x").await;
    }
    create(storage, "listed/not", "x").await;
    let mut sorted = wanted.map(str::to_owned);
    sorted.sort();
    assert_eq!(keys(storage, "list/").await, sorted, "everything below the prefix, sorted, nothing else");
    assert_eq!(keys(storage, "list/a/").await, ["list/a/1", "list/a/2"], "a prefix ends at a part");
    let all = keys(storage, "").await;
    assert!(wanted.iter().all(|k| all.iter().any(|a| a == k)), "the empty prefix lists everything");
    assert!(all.is_sorted(), "sorted by key");
    for i in 0..1_100 {
        storage.put_if_absent(&format!("many/{i:04}"), Bytes::new()).await.expect("create answers");
    }
    assert_eq!(keys(storage, "many/").await.len(), 1_100, "a listing has all of its pages");
}

async fn deleting_is_idempotent(storage: &dyn ObjectStorage) {
    create(storage, "delete/a", "one").await;
    create(storage, "delete/b", "two").await;
    for _ in 0..2 {
        storage.delete("delete/a").await.expect("deleting, also what is not there, is no error");
        assert!(storage.head("delete/a").await.expect("head answers").is_none(), "what was deleted is gone");
    }
    assert_eq!(keys(storage, "delete/").await, ["delete/b"], "only what was named is deleted");
    assert_eq!(create(storage, "delete/a", "new").await, PutOutcome::Created, "a deleted key is free again");
    assert_eq!(storage.get("delete/a").await.expect("get answers"), "new");
}

async fn names_are_checked(storage: &dyn ObjectStorage) {
    for key in ["", "/a", "a//b", "a/../b", "a\nb", "a/.millstream-tmp.x"] {
        let answers: [Result<(), StorageError>; 4] = [
            storage.get(key).await.map(drop),
            storage.head(key).await.map(drop),
            storage.put_if_absent(key, Bytes::new()).await.map(drop),
            storage.delete(key).await,
        ];
        for answer in answers {
            assert!(
                matches!(answer, Err(StorageError::InvalidKey { .. })),
                "{key:?} is not a key: {answer:?}"
            );
        }
    }
    assert!(matches!(storage.list("a").await, Err(StorageError::InvalidKey { .. })), "a prefix is a folder");
}

async fn large_and_empty_bodies_survive(storage: &dyn ObjectStorage) {
    storage.put_if_absent("size/empty", Bytes::new()).await.expect("create answers");
    assert!(storage.get("size/empty").await.expect("get answers").is_empty(), "an empty object is an object");
    let large: Bytes = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    storage.put_if_absent("size/large", large.clone()).await.expect("create answers");
    assert!(storage.get("size/large").await.expect("get answers") == large, "3 MB come back as they were");
    let huge: Bytes = (0..70_000_000_u32).map(|i| (i % 249) as u8).collect();
    let put = async |body: Bytes| storage.put_if_absent("size/huge", body).await.expect("create answers");
    assert_eq!(put(huge.clone()).await, PutOutcome::Created);
    assert!(storage.get("size/huge").await.expect("get answers") == huge, "70 MB come back as they were");
    assert_eq!(
        put(huge.slice(1..)).await,
        PutOutcome::AlreadyExists,
        "the key of a large object is taken, too"
    );
    assert!(storage.get("size/huge").await.expect("get answers") == huge, "and the first body stays");
}

async fn one_of_many_large_creates_wins(storage: &Arc<dyn ObjectStorage>) {
    let bodies: Vec<Bytes> = (0..3_u8).map(|writer| Bytes::from(vec![writer; 40_000_000])).collect();
    let tasks = bodies.iter().map(|body| {
        let (storage, body) = (storage.clone(), body.clone());
        tokio::spawn(async move { storage.put_if_absent("large-race", body).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|t| t.expect("no panic")).collect();
    // Two that end at the same moment may both be told to come again.
    let winners: Vec<usize> = (0..3).filter(|w| matches!(outcomes[*w], Ok(PutOutcome::Created))).collect();
    assert!(winners.len() <= 1, "at most one of the creates of a large object wins: {outcomes:?}");
    for winner in winners {
        let found = storage.get("large-race").await.expect("get answers");
        assert!(found == bodies[winner], "the winner's body is there, whole");
    }
}
