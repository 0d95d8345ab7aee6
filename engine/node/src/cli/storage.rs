//! Where a job's state is, for a command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream_checkpoint_store::{JobStore, StoreSettings};

use super::failure::Failure;
use crate::control;
use crate::job_file::JobFile;

/// How long a job goes on whose storage is away in the very moment in which an epoch is claimed.
const CLAIM_PATIENCE: Duration = Duration::from_secs(600);

/// The storage's address. A laptop never touches the manifest's bucket by accident.
pub(super) fn storage_uri(given: Option<&str>, file: &JobFile) -> Result<String, Failure> {
    match (given, &file.manifest_storage) {
        (Some("from-manifest"), Some(uri)) => Ok(uri.clone()),
        (Some("from-manifest"), None) => {
            Err(Failure::Mistake("--storage from-manifest: the manifest has no spec.state.storage".into()))
        }
        (Some(uri), _) => Ok(absolute(uri)),
        (None, _) => Ok(file.local_folder().display().to_string()),
    }
}

/// The job's folder in that storage.
pub(super) fn job_store(uri: &str, file: &JobFile) -> Result<JobStore, Failure> {
    let storage =
        millstream_storage::open(uri, &file.base_dir).map_err(|e| Failure::Mistake(e.to_string()))?;
    let settings = StoreSettings {
        coordinator: format!("process {}", std::process::id()),
        retained: usize::try_from(file.checkpoint.retained).unwrap_or(usize::MAX),
        claim_patience: CLAIM_PATIENCE,
        ..StoreSettings::default()
    };
    Ok(JobStore::open(storage, file.identity.clone(), settings))
}

/// Where a job with its state in this storage can be asked. Two runs of one file with different storage are two jobs.
pub(super) fn socket(given: Option<&str>, file: &JobFile) -> Result<PathBuf, Failure> {
    let (uri, folder) = (storage_uri(given, file)?, file.local_folder());
    let elsewhere = Some(uri.trim_end_matches('/')).filter(|uri| Path::new(uri) != folder);
    Ok(control::socket(&folder, &file.identity, elsewhere))
}

/// A path on the command line is relative to the working directory, unlike one in a file.
pub(super) fn absolute(uri: &str) -> String {
    if uri.contains("://") {
        return uri.to_owned();
    }
    std::path::absolute(uri).map_or_else(|_| uri.to_owned(), |p| p.display().to_string())
}
