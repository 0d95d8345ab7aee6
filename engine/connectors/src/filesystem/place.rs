//! Where the files of a table lie: in folders of this machine, or in object storage.

use std::path::Path;
use std::sync::Arc;

use millstream_model::error::with_causes;
use millstream_storage::wait::wait_for;
use millstream_storage::{ObjectStorage, Patience, Remedy, StorageError, retry};

use crate::filesystem::input::{Compression, Input};
use crate::filesystem::listing::{FoundFile, PathPattern, is_hidden, is_passed_over};

/// The option `path`, resolved.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Local(PathPattern),
    Store(StorePattern),
}

/// Objects below a prefix.
#[derive(Clone, Debug)]
pub(super) struct StorePattern {
    /// The whole bucket.
    storage: Arc<dyn ObjectStorage>,
    /// What stands in front of the keys: `s3://bucket/`.
    root: String,
    /// What all keys begin with: empty, or with a slash at its end.
    folder: String,
    /// The rest of the path: an object, a prefix, or a glob. Empty: everything.
    pattern: String,
    glob: Option<glob::Pattern>,
}

impl Place {
    /// Resolves the text of the option against the folder of the file that names it.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn new(text: &str, base: &Path) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("s3" | "memory", _)) => Ok(Self::Store(StorePattern::new(text)?)),
            _ => Ok(Self::Local(PathPattern::new(text, base)?)),
        }
    }

    /// As messages show it.
    pub(super) fn display(&self) -> String {
        match self {
            Self::Local(pattern) => pattern.display(),
            Self::Store(store) => format!("{}{}{}", store.root, store.folder, store.pattern),
        }
    }

    /// All files, sorted by name. A path that does not exist has none.
    pub(super) fn list(&self) -> std::io::Result<Vec<FoundFile>> {
        match self {
            Self::Local(pattern) => pattern.list(),
            Self::Store(store) => store.list(),
        }
    }

    /// Opens a file that was found; see [`Input::open_at`].
    pub(super) fn open_at(
        &self,
        name: &str,
        compression: Compression,
        offset: u64,
    ) -> std::io::Result<Input> {
        match self {
            Self::Local(pattern) => Input::open_at(&pattern.locate(name), compression, offset),
            Self::Store(store) => {
                let key = name.strip_prefix(&store.root).unwrap_or(name);
                Input::open_object(&store.storage, key, compression, offset)
            }
        }
    }
}

/// What a store said, of a kind that tells what trying again gives the same.
pub(super) fn refusal(error: &StorageError) -> std::io::Error {
    let kind = match error.remedy() {
        Remedy::GiveUp => std::io::ErrorKind::PermissionDenied,
        // Not `Other`: that is what decompressors say of their input.
        _ => std::io::ErrorKind::ConnectionAborted,
    };
    std::io::Error::new(kind, with_causes(error))
}

impl StorePattern {
    fn new(text: &str) -> Result<Self, String> {
        let (scheme, path) = text.split_once("://").unwrap_or_default();
        let (bucket, path) = path.split_once('/').unwrap_or((path, ""));
        let is_glob = path.contains(['*', '?', '[']);
        let fixed = path.find(['*', '?', '[']).map_or(path.trim_end_matches('/'), |at| &path[..at]);
        let folder = fixed.rfind('/').map_or("", |at| &fixed[..=at]);
        let pattern = path[folder.len()..].trim_end_matches('/').to_owned();
        let failed = |reason: String| format!("'path' = '{text}': {reason}");
        let glob = is_glob.then(|| glob::Pattern::new(&pattern)).transpose();
        let glob = glob.map_err(|error| failed(format!("not a glob: {error}")))?;
        let bucket = format!("{scheme}://{bucket}");
        let storage = millstream_storage::open(&bucket, Path::new("")).map_err(|e| failed(e.to_string()))?;
        Ok(Self { storage, root: format!("{bucket}/"), folder: folder.to_owned(), pattern, glob })
    }

    fn list(&self) -> std::io::Result<Vec<FoundFile>> {
        let object = (self.glob.is_none() && !self.pattern.is_empty())
            .then(|| format!("{}{}", self.folder, self.pattern));
        let below = object.as_ref().map_or_else(|| self.folder.clone(), |object| format!("{object}/"));
        let found = wait_for(async {
            let patience = Patience::default();
            let mut found = retry::list(&*self.storage, &below, &patience).await?;
            // Markers of folders, which are listed without their slash: nothing else tells them from a file.
            found.retain(|object| object.length > 0);
            if let Some(object) = &object {
                found.extend(retry::head(&*self.storage, object, &patience).await?);
            }
            Ok(found)
        })?;
        let mut files: Vec<FoundFile> = found
            .map_err(|error| refusal(&error))?
            .into_iter()
            .filter(|object| object.key.strip_prefix(&self.folder).is_some_and(|key| self.is_meant(key)))
            .map(|object| FoundFile { name: format!("{}{}", self.root, object.key), bytes: object.length })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Whether an object is a file of the table, by its key behind the folder: hidden names count only if they are written out.
    fn is_meant(&self, key: &str) -> bool {
        let Some(glob) = &self.glob else {
            let below = key.strip_prefix(&self.pattern).unwrap_or(key);
            return below.is_empty() || !below.split('/').any(|part| is_hidden(Path::new(part)));
        };
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        // What matches may be a file, or a folder with all below it.
        let ends = key.match_indices('/').map(|(at, _)| at).chain([key.len()]);
        ends.into_iter().any(|end| {
            let (matched, below) = key.split_at(end);
            glob.matches_with(matched, options)
                && !is_passed_over(&self.pattern, matched)
                && !below.split('/').any(|part| is_hidden(Path::new(part)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use bytes::Bytes;

    use super::*;
    use crate::filesystem::listing::cases;

    fn fill(name: &str) {
        let storage = millstream_storage::open(&format!("memory://{name}"), Path::new("")).unwrap();
        for key in cases::FILES {
            wait_for(storage.put_if_absent(key, Bytes::from(key))).unwrap().unwrap();
        }
        // As a console marks folders.
        for marker in ["in/sub", "empty"] {
            wait_for(storage.put_if_absent(marker, Bytes::new())).unwrap().unwrap();
        }
    }

    #[test]
    fn objects_prefixes_and_globs() {
        fill("objects-prefixes");
        for (pattern, expected) in cases::FOUND {
            let place = Place::new(&format!("memory://objects-prefixes/{pattern}"), Path::new("/b")).unwrap();
            let found: Vec<String> = place.list().unwrap().into_iter().map(|file| file.name).collect();
            let expected: Vec<String> =
                expected.iter().map(|key| format!("memory://objects-prefixes/{key}")).collect();
            assert_eq!(found, expected, "{pattern}");
            for name in found {
                let mut text = String::new();
                place.open_at(&name, Compression::None, 3).unwrap().read_to_string(&mut text).unwrap();
                assert!(name.ends_with(&text) && !text.is_empty(), "{name}: {text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let refused = |text: &str| Place::new(text, Path::new("/b")).unwrap_err();
        assert!(refused("s3://").contains("write the bucket after s3://"));
        assert!(refused("s3://b/in/***").contains("not a glob"));
        let missing = Place::new("memory://objects-prefixes/absent.json", Path::new("/b")).unwrap();
        let error =
            missing.open_at("memory://objects-prefixes/absent.json", Compression::None, 0).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        let key = "k".to_owned();
        let of = |reason| refusal(&StorageError::InvalidKey { key: key.clone(), reason }).kind();
        assert_eq!(of("it is none"), std::io::ErrorKind::PermissionDenied);
    }
}
