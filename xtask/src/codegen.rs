//! The generated files: their paths and contents.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;

use crate::{connectors, crd_yaml, reference};

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Path below the workspace root.
    pub path: &'static str,
    /// All of its content.
    pub content: String,
}

/// Every generated file, as it should be.
///
/// # Errors
/// When an object cannot be written as YAML.
pub fn files() -> anyhow::Result<Vec<Generated>> {
    let (job_crd, snapshot_crd) = (millstream_api::streamjob_crd(), millstream_api::streamsnapshot_crd());
    let (jobs, snapshots) = (crd_yaml::render(&job_crd)?, crd_yaml::render(&snapshot_crd)?);
    // A chart holds nothing that lies outside of its folder, so it has copies.
    Ok(vec![
        Generated { path: "crds/streamjobs.millstream.dev.yaml", content: jobs.clone() },
        Generated { path: "crds/streamsnapshots.millstream.dev.yaml", content: snapshots.clone() },
        Generated {
            path: "charts/millstream-operator/files/crds/streamjobs.millstream.dev.yaml",
            content: jobs,
        },
        Generated {
            path: "charts/millstream-operator/files/crds/streamsnapshots.millstream.dev.yaml",
            content: snapshots,
        },
        Generated { path: "docs/connectors.md", content: connectors::render()? },
        Generated { path: "docs/streamjob.md", content: reference::render(&job_crd, reference::JOB_NOTES)? },
        Generated {
            path: "docs/streamsnapshot.md",
            content: reference::render(&snapshot_crd, reference::SNAPSHOT_NOTES)?,
        },
    ])
}

/// Paths of the files below `root` that are missing or differ.
///
/// # Errors
/// When a file exists and cannot be read.
pub fn stale(root: &Path) -> anyhow::Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for file in files()? {
        let current = match fs::read_to_string(root.join(file.path)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.path)),
        };
        if current.as_deref() != Some(&file.content) {
            stale.push(file.path);
        }
    }
    Ok(stale)
}

/// Writes the files below `root` that are stale; the others keep their time stamps.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(root: &Path) -> anyhow::Result<()> {
    let stale = stale(root)?;
    for file in files()?.into_iter().filter(|file| stale.contains(&file.path)) {
        let path = root.join(file.path);
        let folder = path.parent().context("a generated file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder of {}", file.path))?;
        fs::write(&path, &file.content).with_context(|| format!("cannot write {}", file.path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_fresh_until_it_is_touched() {
        let root = tempfile::tempdir().unwrap();
        let all: Vec<_> = files().unwrap().iter().map(|f| f.path).collect();
        assert_eq!(stale(root.path()).unwrap(), all);
        write(root.path()).unwrap();
        assert!(stale(root.path()).unwrap().is_empty());
        fs::write(root.path().join(all[0]), "changed by hand").unwrap();
        assert_eq!(stale(root.path()).unwrap(), [all[0]]);
    }

    #[test]
    fn output_is_the_same_each_time() {
        assert_eq!(files().unwrap(), files().unwrap());
    }

    #[test]
    fn the_crd_is_under_its_limit() {
        let files = files().unwrap();
        let size = files[0].content.len();
        assert!(size < 200 * 1024, "the CRD has {size} bytes; a stored object must stay far below 1.5 MB");
    }
}
