//! Reading and listing, and removing what crashed writers left behind.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{Failure, write};
use crate::key::TEMPORARY;
use crate::object_storage::ObjectInfo;

/// How much older than a file made now a temporary file must be to count as a leftover. No write takes an hour.
const LEFTOVER_AGE: Duration = Duration::from_secs(3_600);

pub(super) fn whole(path: &Path) -> Result<Bytes, Failure> {
    Ok(fs::read(path)?.into())
}

pub(super) fn range(path: &Path, range: Range<u64>) -> Result<Bytes, Failure> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (start, end) = (range.start.min(length), range.end.min(length));
    let mut body = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end.saturating_sub(start)).read_to_end(&mut body)?;
    Ok(body.into())
}

pub(super) fn info(root: &Path, key: &str) -> Result<Option<ObjectInfo>, Failure> {
    match fs::metadata(root.join(key)) {
        Ok(metadata) if metadata.is_file() => Ok(Some(describe(key.to_owned(), &metadata))),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn list(root: &Path, prefix: &str) -> Result<Vec<ObjectInfo>, Failure> {
    let mut found = Vec::new();
    let mut leftovers = Vec::new();
    let mut folders = vec![prefix.trim_end_matches('/').to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            // The folder was never there, or its last object was just deleted.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            // Names that are not UTF-8 cannot be keys; they are not ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let key = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if metadata.is_dir() {
                folders.push(key);
            } else if name.starts_with(TEMPORARY) {
                leftovers.push((entry.path(), metadata));
            } else if metadata.is_file() {
                found.push(describe(key, &metadata));
            }
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    if !leftovers.is_empty() {
        // A listing is right whether or not the sweep works.
        if let Err(error) = sweep(root, &leftovers) {
            tracing::warn!(%error, "could not remove temporary files of crashed writers");
        }
    }
    Ok(found)
}

fn sweep(root: &Path, leftovers: &[(PathBuf, Metadata)]) -> io::Result<()> {
    // The file system's own clock: local time may differ on a network mount.
    let now = write::file_time(root)?;
    for (path, metadata) in leftovers {
        if metadata.modified()? + LEFTOVER_AGE < now {
            tracing::info!(path = %path.display(), "removing the temporary file of a crashed writer");
            write::remove_if_there(path)?;
        }
    }
    Ok(())
}

fn describe(key: String, metadata: &Metadata) -> ObjectInfo {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    ObjectInfo {
        key,
        length: metadata.len(),
        modified_ms: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
    }
}
