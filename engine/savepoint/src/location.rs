//! Where a savepoint is: a folder in a store. Keys here are relative to the folder.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use millstream_checkpoint::envelope::check_size;
use millstream_checkpoint::{RecordKind, layout};
use millstream_model::JobIdentity;
use millstream_storage::{CreateOutcome, ObjectInfo, ObjectStorage, Patience, StorageError, retry};

use crate::claim::SavepointClaim;
use crate::error::{OTHER_COPY, SavepointError};
use crate::manifest::SavepointManifest;

/// Folder of a job's own savepoints, within its folder.
const SAVEPOINTS: &str = "savepoint/";
/// The object that a reader starts at.
pub(crate) const CLAIM: &str = "claim";
/// Longest name.
const LONGEST_NAME: usize = 100;

/// The folder of one savepoint.
#[derive(Clone, Debug)]
pub struct SavepointLocation {
    storage: Arc<dyn ObjectStorage>,
    prefix: String,
    name: String,
    patience: Patience,
}

/// What is where a manifest should be.
pub(crate) enum Found {
    /// A manifest.
    Manifest(Box<SavepointManifest>),
    /// The mark that the attempt was given up.
    GivenUp,
    /// Nothing.
    Nothing,
}

impl SavepointLocation {
    /// The savepoint of this name in the folder of its job.
    ///
    /// # Errors
    /// `Name`: 1 to 100 ASCII letters, digits, `.`, `_` and `-`, not beginning with a dot.
    pub fn of_job(
        storage: Arc<dyn ObjectStorage>,
        job: &JobIdentity,
        name: &str,
        patience: Patience,
    ) -> Result<Self, SavepointError> {
        let folder = format!("{}{SAVEPOINTS}{}", layout::job_folder(job), checked(name)?);
        Ok(Self { storage, prefix: format!("{folder}/"), name: name.to_owned(), patience })
    }

    /// The savepoint in this folder, relative to the store's root; empty: the root itself, as when a user names the savepoint's
    /// own URI. It should hold nothing else.
    ///
    /// # Errors
    /// `Name` if the last part of a folder that is not empty cannot be a name.
    pub fn in_folder(
        storage: Arc<dyn ObjectStorage>,
        folder: &str,
        patience: Patience,
    ) -> Result<Self, SavepointError> {
        let folder = folder.trim_matches('/');
        let whole = format!("{}/{folder}", storage.location());
        let last = whole.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = if folder.is_empty() { last.to_owned() } else { checked(last)?.to_owned() };
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Ok(Self { storage, prefix, name, patience })
    }

    /// Where its objects are.
    #[must_use]
    pub const fn storage(&self) -> &Arc<dyn ObjectStorage> {
        &self.storage
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key of this folder, for people.
    pub(crate) fn path(&self, key: &str) -> String {
        format!("{}/{}{key}", self.storage.location(), self.prefix)
    }

    pub(crate) async fn get(&self, action: &'static str, key: &str) -> Result<Option<Bytes>, SavepointError> {
        let answer = retry::get(self.storage.as_ref(), &self.full(key), &self.patience).await;
        match answer {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(source) => Err(SavepointError::Storage { action, source }),
        }
    }

    pub(crate) async fn length(&self, key: &str) -> Result<Option<u64>, SavepointError> {
        let answer = retry::head(self.storage.as_ref(), &self.full(key), &self.patience).await;
        let found = answer.map_err(SavepointError::storage("look for a file of a savepoint"))?;
        Ok(found.map(|info| info.length))
    }

    pub(crate) async fn create(&self, key: &str, body: Bytes) -> Result<CreateOutcome, StorageError> {
        retry::create(self.storage.as_ref(), &self.full(key), body, &self.patience).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), SavepointError> {
        let answer = retry::delete(self.storage.as_ref(), &self.full(key), &self.patience).await;
        answer.map_err(SavepointError::storage("delete a file of a savepoint"))
    }

    /// Keys of everything below the folder.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, SavepointError> {
        let listed = list(self.storage.as_ref(), &self.prefix, &self.patience).await?;
        let relative = listed.into_iter().filter_map(|o| o.key.strip_prefix(&self.prefix).map(str::to_owned));
        Ok(relative.collect())
    }

    /// Whose attempt the name belongs to; `None` if it is free.
    pub(crate) async fn claim(&self) -> Result<Option<SavepointClaim>, SavepointError> {
        let Some(bytes) = self.get("read the claim of a savepoint", CLAIM).await? else { return Ok(None) };
        let decoded = check_size(RecordKind::SavepointClaim, bytes.len() as u64)
            .and_then(|()| SavepointClaim::decode(&bytes));
        decoded.map(Some).map_err(|reason| self.damaged(CLAIM, "a savepoint claim", reason.to_string()))
    }

    /// What an attempt has come to.
    pub(crate) async fn manifest(&self, attempt: u64) -> Result<Found, SavepointError> {
        let key = manifest_key(attempt);
        let Some(bytes) = self.get("read the manifest of a savepoint", &key).await? else {
            return Ok(Found::Nothing);
        };
        let expected = || format!("the manifest of attempt {attempt:016x}");
        let reason = match SavepointManifest::decode(&bytes) {
            Ok(manifest) if manifest.attempt == attempt => return Ok(Found::Manifest(Box::new(manifest))),
            Ok(other) => format!("that of attempt {:016x}", other.attempt),
            Err(_) if SavepointClaim::decode(&bytes).is_ok_and(|c| c.attempt == attempt) => {
                return Ok(Found::GivenUp);
            }
            Err(reason) => reason.to_string(),
        };
        Err(self.damaged(&key, expected(), reason))
    }

    pub(crate) fn damaged(
        &self,
        key: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> SavepointError {
        SavepointError::Damaged {
            file: self.path(key),
            expected: expected.into(),
            found: found.into(),
            advice: OTHER_COPY,
        }
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl fmt::Display for SavepointLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path("").trim_end_matches('/'))
    }
}

/// The folder of an attempt.
pub(crate) fn attempt_folder(attempt: u64) -> String {
    format!("{attempt:016x}/")
}

/// The manifest of an attempt.
pub(crate) fn manifest_key(attempt: u64) -> String {
    format!("{}manifest", attempt_folder(attempt))
}

/// The attempt that a key belongs to. `None` for the claim, and for what is not ours: such an object is left alone.
pub(crate) fn attempt_of(key: &str) -> Option<u64> {
    let (folder, _) = key.split_once('/')?;
    let attempt = u64::from_str_radix(folder, 16).ok()?;
    (format!("{attempt:016x}") == folder).then_some(attempt)
}

/// Everything in a job's folder that may be a savepoint, by name, with its objects under their keys below it. A folder whose
/// name cannot be one is not ours.
pub(crate) async fn of_all(
    storage: &dyn ObjectStorage,
    job: &JobIdentity,
    patience: &Patience,
) -> Result<BTreeMap<String, Vec<ObjectInfo>>, SavepointError> {
    let prefix = format!("{}{SAVEPOINTS}", layout::job_folder(job));
    let mut found: BTreeMap<String, Vec<ObjectInfo>> = BTreeMap::new();
    for object in list(storage, &prefix, patience).await? {
        let Some((name, key)) = object.key.strip_prefix(&prefix).and_then(|k| k.split_once('/')) else {
            continue;
        };
        if checked(name).is_ok() {
            let key = key.to_owned();
            found.entry(name.to_owned()).or_default().push(ObjectInfo { key, ..object.clone() });
        }
    }
    Ok(found)
}

async fn list(
    storage: &dyn ObjectStorage,
    prefix: &str,
    patience: &Patience,
) -> Result<Vec<ObjectInfo>, SavepointError> {
    let answer = retry::list(storage, prefix, patience).await;
    answer.map_err(SavepointError::storage("list the files of a savepoint"))
}

fn checked(name: &str) -> Result<&str, SavepointError> {
    let refuse = |reason| Err(SavepointError::Name { name: name.to_owned(), reason });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return refuse("it is longer than 100 characters");
    }
    if name.starts_with('.') {
        return refuse("it begins with a dot");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return refuse("write letters, digits, `.`, `_` and `-`, as in before-upgrade.2");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use millstream_storage::MemoryStorage;

    use super::*;

    #[test]
    fn names_are_plain() {
        let long = "x".repeat(101);
        let table = [
            ("", "it is empty"),
            (&long, "longer than 100"),
            (".hidden", "begins with a dot"),
            ("..", "begins with a dot"),
            ("a/b", "write letters"),
            ("a b", "write letters"),
            ("zürich", "write letters"),
        ];
        for (name, reason) in table {
            let error = checked(name).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
        for name in ["a", "before-upgrade.2", "2024-01-01", "A_b"] {
            assert_eq!(checked(name).unwrap(), name);
        }
    }

    #[test]
    fn places_are_written_as_people_do() {
        let storage: Arc<dyn ObjectStorage> = Arc::new(MemoryStorage::named("places"));
        let job = JobIdentity { namespace: "default".into(), name: "flights".into(), uid: "local".into() };
        let patience = Patience::default();
        let own = SavepointLocation::of_job(storage.clone(), &job, "nightly", patience).unwrap();
        assert_eq!(own.to_string(), "memory://places/default.flights.local/savepoint/nightly");
        let other = SavepointLocation::in_folder(storage.clone(), "/a/b.1/", patience).unwrap();
        assert_eq!((other.to_string().as_str(), other.name()), ("memory://places/a/b.1", "b.1"));
        let root = SavepointLocation::in_folder(storage.clone(), "", patience).unwrap();
        assert_eq!((root.to_string().as_str(), root.name()), ("memory://places", "places"));
        assert!(SavepointLocation::in_folder(storage, "a/b c", patience).is_err());
    }

    #[test]
    fn keys_of_attempts_are_told_from_others() {
        assert_eq!(attempt_of("00000000c0ffee00/agg/main/00000-00064.parquet"), Some(0xc0ff_ee00));
        assert_eq!(attempt_of(&manifest_key(7)), Some(7));
        for foreign in ["claim", "README.md", "c0ffee/x", "00000000C0FFEE00/x", "+000000000c0ffee/x"] {
            assert_eq!(attempt_of(foreign), None, "{foreign}");
        }
    }
}
