//! The start-up probe: a store that lies about conditional writes is refused before it can cost data.

use bytes::Bytes;
use futures::future::join_all;
use millstream_storage::{ObjectStorage, PutOutcome, StorageError};

use crate::error::StoreError;
use crate::io::Folder;

/// Creates that race for one key.
const RACERS: usize = 8;

/// Folder of the probe's objects, beside the jobs' folders; a job's folder has two dots in its name.
const PROBES: &str = "probe";

/// Whether an object belongs to a probe, by its key in the store. One that was cut short leaves some, which anybody may delete.
#[must_use]
pub fn is_probe(key: &str) -> bool {
    key.strip_prefix(PROBES).is_some_and(|rest| rest.starts_with('/'))
}

/// See [`crate::JobStore::probe`].
pub(crate) async fn probe(folder: &Folder) -> Result<(), StoreError> {
    let storage = folder.storage.as_ref();
    let prefix = format!("{PROBES}/{:016x}/", folder.settings.nonces.draw());
    let result = checks(storage, &prefix).await;
    // Objects that cannot be removed now are harmless: the next probe has a folder of its own.
    for name in ["create", "race"] {
        let _ = storage.delete(&format!("{prefix}{name}")).await;
    }
    match result {
        Ok(None) => Ok(()),
        Ok(Some(lie)) => Err(StoreError::LyingStore { location: storage.location().to_owned(), lie }),
        Err(source) => Err(StoreError::Storage { action: "probe the store", source }),
    }
}

/// What the store does wrong, if anything.
async fn checks(storage: &dyn ObjectStorage, prefix: &str) -> Result<Option<String>, StorageError> {
    let key = format!("{prefix}create");
    if storage.put_if_absent(&key, "first".into()).await? == PutOutcome::AlreadyExists {
        return Ok(Some("it says that a new object already exists".to_owned()));
    }
    if storage.put_if_absent(&key, "second".into()).await? == PutOutcome::Created {
        return Ok(Some("creating an object that exists (If-None-Match: *) overwrote it".to_owned()));
    }
    match storage.get(&key).await {
        Ok(body) if body == "first" => {}
        Ok(_) => return Ok(Some("a refused create changed the object".to_owned())),
        Err(error) if error.is_not_found() => {
            return Ok(Some("an object that was just created cannot be read".to_owned()));
        }
        Err(error) => return Err(error),
    }

    let race = format!("{prefix}race");
    let body = |racer: usize| Bytes::from(format!("racer {racer}"));
    let race = &race;
    let outcomes = join_all((0..RACERS).map(|racer| storage.put_if_absent(race, body(racer)))).await;
    let outcomes: Vec<PutOutcome> = outcomes.into_iter().collect::<Result<_, _>>()?;
    let winners: Vec<usize> =
        (0..).zip(&outcomes).filter(|(_, o)| **o == PutOutcome::Created).map(|(i, _)| i).collect();
    let [winner] = *winners.as_slice() else {
        return Ok(Some(format!(
            "of {RACERS} creates of one object at the same time {} succeeded",
            winners.len()
        )));
    };
    if storage.get(race).await? != body(winner) {
        return Ok(Some("the object has the body of a create that was refused".to_owned()));
    }

    let listed = storage.list(prefix).await?;
    let names: Vec<&str> = listed.iter().filter_map(|o| o.key.strip_prefix(prefix)).collect();
    if names != ["create", "race"] {
        return Ok(Some(format!("a listing right after two creates shows {names:?}")));
    }
    Ok(None)
}

#[cfg(test)]
#[path = "probe/probe_test.rs"]
mod probe_test;
