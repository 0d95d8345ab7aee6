//! Folders on disk: one for the process, one in it for each store.
//!
//! This module never removes anything that is not a folder `*.spill` in a folder that this process has locked. A store's
//! folder goes with the store; what a killed process left is removed by the next one that takes the folder.
//!
//! Example: store `window-0` lies in `<directory>/window-0.spill`. If a snapshot of an earlier `window-0` is still being
//! read, the new one lies in `window-0.2.spill`.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_state::SpillError;

use crate::error::{file_failed, refused};

/// Held locked as long as the process uses the folder.
const LOCK_FILE: &str = "spill.lock";

/// What the folder of a store ends with. Nothing else is ever removed.
const SUFFIX: &str = ".spill";

/// File systems allow 255 bytes; this leaves room for the number and the suffix.
const LONGEST_NAME: usize = 200;

/// The folder of the process, locked.
#[derive(Debug)]
pub(crate) struct SpillDirectory {
    path: PathBuf,
    in_use: Mutex<BTreeSet<String>>,
    /// The system lets go of it when the process ends, however it ends.
    _lock: File,
}

/// The empty folder of a store. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct StoreDirectory {
    path: PathBuf,
    folder: String,
    parent: Arc<SpillDirectory>,
}

impl SpillDirectory {
    /// Makes the folder, locks it, and removes what stores of an earlier process left in it.
    ///
    /// # Errors
    /// The folder cannot be made or written, or another process uses it.
    pub(crate) fn claim(path: &Path) -> Result<Self, SpillError> {
        let busy = "another process spills there; give each process a folder of its own";
        Self::try_claim(path)?.ok_or_else(|| refused("take the folder for", path, busy))
    }

    /// The first of the folders `1`, `2`, ... below `parent` that no process uses. What killed processes left in the others is
    /// removed, too. A folder that is not ours to write, as one that another user's process left, is passed over.
    ///
    /// # Errors
    /// A folder cannot be made or written.
    pub(crate) fn claim_one_below(parent: &Path) -> Result<Self, SpillError> {
        fs::create_dir_all(parent).map_err(|error| file_failed("make the folder for", parent, &error))?;
        clean_below(parent)?;
        let mut number = 1_u32;
        loop {
            let folder = parent.join(number.to_string());
            let is_there = folder.exists();
            match Self::try_claim(&folder) {
                Ok(Some(claimed)) => return Ok(claimed),
                Err(error) if !is_there => return Err(error),
                Ok(None) | Err(_) => number += 1,
            }
        }
    }

    /// The same as [`SpillDirectory::claim`]; `None` if another process uses the folder.
    fn try_claim(path: &Path) -> Result<Option<Self>, SpillError> {
        fs::create_dir_all(path).map_err(|error| file_failed("make the folder for", path, &error))?;
        let lock_path = path.join(LOCK_FILE);
        let lock =
            File::create(&lock_path).map_err(|error| file_failed("make the lock of", &lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(file_failed("lock", &lock_path, &error)),
        }
        remove_leftovers(path)?;
        Ok(Some(Self { path: path.to_owned(), in_use: Mutex::default(), _lock: lock }))
    }

    /// An empty folder for the store of this name.
    ///
    /// # Errors
    /// The name cannot be a folder's, or the folder cannot be made.
    pub(crate) fn store(self: &Arc<Self>, name: &str) -> Result<StoreDirectory, SpillError> {
        if let Some(reason) = wrong_with(name) {
            return Err(refused("open", &self.path, format!("`{name}` cannot name a store: {reason}")));
        }
        let folder = self.free_folder(name);
        let path = self.path.join(&folder);
        // From here on the folder is given back by `Drop`, whatever fails below.
        let store = StoreDirectory { path, folder, parent: Arc::clone(self) };
        if store.path.exists() {
            fs::remove_dir_all(&store.path).map_err(|error| file_failed("empty", &store.path, &error))?;
        }
        fs::create_dir(&store.path)
            .map_err(|error| file_failed("make the folder for", &store.path, &error))?;
        Ok(store)
    }

    fn free_folder(&self, name: &str) -> String {
        let mut in_use = self.in_use();
        let mut folder = format!("{name}{SUFFIX}");
        let mut number = 1;
        while !in_use.insert(folder.clone()) {
            number += 1;
            folder = format!("{name}.{number}{SUFFIX}");
        }
        folder
    }

    fn in_use(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreDirectory {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StoreDirectory {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process that takes the folder.
        let _ = fs::remove_dir_all(&self.path);
        self.parent.in_use().remove(&self.folder);
    }
}

/// Removes what killed processes left in the numbered folders below `parent`. Those that a process uses, and those that cannot be
/// removed, are left alone.
///
/// # Errors
/// `parent` cannot be read.
pub(crate) fn clean_below(parent: &Path) -> Result<(), SpillError> {
    if !parent.exists() {
        return Ok(());
    }
    let failed = |error| file_failed("read the folder of", parent, &error);
    for entry in fs::read_dir(parent).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_numbered = entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok());
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_numbered
            && is_folder
            && let Err(error) = SpillDirectory::try_claim(&entry.path())
        {
            tracing::warn!("what a process left stays: {error}");
        }
    }
    Ok(())
}

fn remove_leftovers(path: &Path) -> Result<(), SpillError> {
    let failed = |error| file_failed("read the folder of", path, &error);
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_store = entry.file_name().to_string_lossy().ends_with(SUFFIX);
        // A link is not followed: what it leads to is not ours.
        if is_store && entry.file_type().map_err(failed)?.is_dir() {
            let leftover = entry.path();
            fs::remove_dir_all(&leftover).map_err(|error| file_failed("remove", &leftover, &error))?;
        }
    }
    Ok(())
}

fn wrong_with(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return Some("it has more than 200 bytes");
    }
    if name.starts_with('.') {
        return Some("it begins with a dot");
    }
    let odd = name.chars().any(|c| matches!(c, '/' | '\\' | ':') || c.is_control());
    odd.then_some("it has a character that separates paths, or one that cannot be seen")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        for name in ["a", "window-0", "group_aggregate.3", "a b", "ü", "a..b"] {
            assert_eq!(wrong_with(name), None, "{name}");
        }
        let long = "x".repeat(201);
        for name in ["", ".", "..", ".a", "a/b", "/a", "../a", "a\\b", "a\0b", "a\nb", "c:", &long] {
            assert!(wrong_with(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn a_store_has_an_empty_folder_that_goes_with_it() {
        let root = tempfile::tempdir().unwrap();
        let spill = Arc::new(SpillDirectory::claim(root.path()).unwrap());
        let path = root.path().join("a.spill");
        for _ in 0..2 {
            fs::create_dir_all(path.join("sub")).unwrap();
            let store = spill.store("a").unwrap();
            assert_eq!(store.path(), path);
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
            fs::write(path.join("file"), "x").unwrap();
            drop(store);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_name_that_is_still_in_use_gets_a_number() {
        let root = tempfile::tempdir().unwrap();
        let spill = Arc::new(SpillDirectory::claim(root.path()).unwrap());
        let first = spill.store("a").unwrap();
        let second = spill.store("a").unwrap();
        assert!(second.path().ends_with("a.2.spill"));
        drop(first);
        assert!(spill.store("a").unwrap().path().ends_with("a.spill"));
    }

    #[test]
    fn one_process_uses_a_folder_and_cleans_up_after_an_earlier_one() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("old.spill/sub")).unwrap();
        fs::create_dir(root.path().join("other")).unwrap();
        fs::write(root.path().join("file.spill"), "x").unwrap();
        let first = SpillDirectory::claim(root.path()).unwrap();
        assert!(!root.path().join("old.spill").exists());
        assert!(root.path().join("other").exists(), "not a store's");
        assert!(root.path().join("file.spill").exists(), "not a folder");
        let error = SpillDirectory::claim(root.path()).unwrap_err().to_string();
        assert!(error.contains("another process spills there"), "{error}");
        drop(first);
        SpillDirectory::claim(root.path()).unwrap();
    }

    #[test]
    fn processes_side_by_side_take_folders_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("3/old.spill")).unwrap();
        fs::create_dir_all(root.path().join("other/old.spill")).unwrap();
        let first = SpillDirectory::claim_one_below(root.path()).unwrap();
        assert!(!root.path().join("3/old.spill").exists(), "left by a killed process");
        assert!(root.path().join("other/old.spill").exists(), "not a process's");
        fs::create_dir_all(first.path.join("mine.spill")).unwrap();
        let second = SpillDirectory::claim_one_below(root.path()).unwrap();
        assert_eq!(
            (first.path.as_path(), second.path.as_path()),
            (&*root.path().join("1"), &*root.path().join("2"))
        );
        clean_below(root.path()).unwrap();
        assert!(first.path.join("mine.spill").exists(), "in use");
        drop(first);
        assert_eq!(SpillDirectory::claim_one_below(root.path()).unwrap().path, root.path().join("1"));
        assert!(!root.path().join("1/mine.spill").exists());
    }

    #[test]
    fn a_file_in_the_way_is_an_error_with_a_remedy() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "x").unwrap();
        for path in [path.clone(), path.join("below")] {
            let error = SpillDirectory::claim(&path).unwrap_err();
            assert_eq!(error.place, path.display().to_string());
            assert!(error.cause.contains("spill to another folder"), "{error}");
        }
    }
}
