//! Stores that lie, one lie each.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use millstream_model::{ErrorKind, JobError};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{LocalStorage, MemoryStorage, ObjectInfo};

use super::*;
use crate::testing::store;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Overwrites,
    EverythingExists,
    CannotReadBack,
    EveryRacerWins,
    NobodyWins,
    KeepsTheLoser,
    ListsLate,
    RefusesAndOverwrites,
}

#[derive(Debug)]
struct Liar(MemoryStorage, Lie);

#[async_trait]
impl ObjectStorage for Liar {
    fn location(&self) -> &str {
        "liar://"
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        match self.1 {
            Lie::CannotReadBack => self.0.get("nothing").await,
            Lie::KeepsTheLoser if key.ends_with("race") => Ok("racer 9".into()),
            _ => self.0.get(key).await,
        }
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.0.get_range(key, range).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.0.head(key).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        let is_race = key.ends_with("race");
        match self.1 {
            Lie::Overwrites | Lie::RefusesAndOverwrites => {
                let was_there = self.0.head(key).await?.is_some();
                self.0.damage(key, Some(body));
                let refuses = was_there && self.1 == Lie::RefusesAndOverwrites;
                Ok(if refuses { PutOutcome::AlreadyExists } else { PutOutcome::Created })
            }
            Lie::EverythingExists => Ok(PutOutcome::AlreadyExists),
            Lie::NobodyWins if is_race => Ok(PutOutcome::AlreadyExists),
            Lie::EveryRacerWins if is_race => {
                self.0.damage(key, Some(body));
                Ok(PutOutcome::Created)
            }
            _ => self.0.put_if_absent(key, body).await,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        let mut listed = self.0.list(prefix).await?;
        if self.1 == Lie::ListsLate {
            listed.pop();
        }
        Ok(listed)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.0.delete(key).await
    }
}

#[tokio::test]
async fn each_lie_is_named() {
    let table = [
        (Lie::Overwrites, "creating an object that exists (If-None-Match: *) overwrote it"),
        (Lie::RefusesAndOverwrites, "a refused create changed the object"),
        (Lie::EverythingExists, "it says that a new object already exists"),
        (Lie::CannotReadBack, "an object that was just created cannot be read"),
        (Lie::EveryRacerWins, "of 8 creates of one object at the same time 8 succeeded"),
        (Lie::NobodyWins, "of 8 creates of one object at the same time 0 succeeded"),
        (Lie::KeepsTheLoser, "the object has the body of a create that was refused"),
        (Lie::ListsLate, "a listing right after two creates shows [\"create\"]"),
    ];
    for (lie, message) in table {
        let inner = MemoryStorage::new();
        let error = store(Arc::new(Liar(inner.clone(), lie))).probe().await.unwrap_err();
        let error = JobError::from(error);
        assert_eq!(error.message, format!("liar:// cannot be used for exactly-once: {message}"), "{lie:?}");
        assert_eq!(error.kind, ErrorKind::User, "{lie:?}");
        assert!(inner.list("").await.unwrap().is_empty(), "{lie:?}: the probe cleans up");
    }
}

#[tokio::test]
async fn honest_stores_pass_and_stay_clean() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn ObjectStorage>; 2] =
        [Arc::new(MemoryStorage::new()), Arc::new(LocalStorage::new(folder.path()))];
    for honest in stores {
        for _ in 0..2 {
            store(honest.clone()).probe().await.unwrap();
        }
        assert!(honest.list("").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_no_liar() {
    let storage = FaultStorage::new(Arc::new(MemoryStorage::new()), FaultPlan::at(2, Fault::NotApplied));
    let error = JobError::from(store(Arc::new(storage)).probe().await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.message.starts_with("could not probe the store: no definite answer to create"), "{error}");
}
