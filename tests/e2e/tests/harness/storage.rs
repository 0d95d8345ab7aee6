//! A job's folder in storage, read as names of files. What is in them is the engine's business.

use std::fs;
use std::path::{Path, PathBuf};

/// `<storage>/<namespace>.<job>.local`.
#[derive(Clone, Debug)]
pub(crate) struct JobFolder(PathBuf);

impl JobFolder {
    pub(crate) fn new(storage: &Path, job: &str) -> Self {
        Self(storage.join(format!("default.{job}.local")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Epochs that are owned checkpoints, oldest first. A record that names a manifest is one; `Start` names none.
    pub(crate) fn epochs(&self) -> Vec<u64> {
        let names = names(&self.0.join("epoch"));
        let is_checkpoint = |name: &String| {
            let record = fs::read(self.0.join("epoch").join(name)).unwrap_or_default();
            record.windows(9).any(|w| w == b"/manifest")
        };
        names.into_iter().filter(is_checkpoint).filter_map(|name| name.parse().ok()).collect()
    }

    /// Epochs whose manifest is still kept.
    pub(crate) fn restorable(&self) -> Vec<u64> {
        self.epochs().into_iter().filter(|epoch| self.manifest(*epoch).is_some()).collect()
    }

    /// The manifest of an epoch, if it is still kept. One that was written and not claimed is of no epoch.
    pub(crate) fn manifest(&self, epoch: u64) -> Option<PathBuf> {
        let record = fs::read(self.0.join(format!("epoch/{epoch:010}"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&record);
        let begin = text.find("checkpoint/")?;
        let length = text[begin..].find("/manifest")?;
        Some(self.0.join(&text[begin..begin + length]).join("manifest")).filter(|path| path.is_file())
    }

    /// The last number in the epoch log, of whatever kind.
    pub(crate) fn newest(&self) -> u64 {
        names(&self.0.join("epoch")).into_iter().filter_map(|n| n.parse().ok()).max().unwrap_or(0)
    }

    /// Files below a folder of the job, with their paths, sorted.
    pub(crate) fn files(&self, below: &str) -> Vec<PathBuf> {
        files_below(&self.0.join(below))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|n| n.bytes().all(|b| b.is_ascii_digit()));
    names.sort();
    names
}

/// Files below a folder, sorted; none if there is no such folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // What vanishes meanwhile is none of them.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Overwrites all bytes of a file with zeros.
pub(crate) fn blank(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    fs::write(file, vec![0; usize::try_from(length).unwrap()]).unwrap();
}

/// Overwrites all segments of state below a folder with zeros.
pub(crate) fn blank_segments(folder: &Path) {
    let files = files_below(folder);
    files.iter().filter(|file| file.to_string_lossy().contains("/state/")).for_each(|file| blank(file));
}
