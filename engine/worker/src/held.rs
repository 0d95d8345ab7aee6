//! Which slots a worker ran, on disk beside the copies of their state.
//!
//! A process that starts again with the same folder tells the coordinator, which lets it have those slots again: so what was copied
//! is used. Example: after `{"of":4,"slots":[0,2]}` a restarted container of a pod gets the slots 0 and 2, and asks the bucket for
//! nothing that it wrote itself. A wrong record costs a download and no more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use millstream_model::control::HeldSlots;

const NAME: &str = "slots.json";

/// See the module. Without a folder it lives as long as the process.
#[derive(Debug, Default)]
pub struct HeldRecord {
    file: Option<PathBuf>,
    held: Mutex<HeldSlots>,
}

impl HeldRecord {
    /// The record in this folder; nothing is held if there is none, or none that can be read.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let file = folder.join(NAME);
        let held = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(file = %file.display(), %error, "which slots were run here is not known");
                HeldSlots::default()
            }),
            // Nobody was here before.
            Err(_) => HeldSlots::default(),
        };
        Self { file: Some(file), held: Mutex::new(held) }
    }

    /// What is recorded.
    #[must_use]
    pub fn get(&self) -> HeldSlots {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records what runs now.
    pub(crate) fn set(&self, held: HeldSlots) {
        if let Some(file) = &self.file
            && let Err(error) = write(file, &held)
        {
            tracing::warn!(file = %file.display(), %error, "after a restart nobody will know which slots ran here");
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

fn write(file: &Path, held: &HeldSlots) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let hidden = folder.join(format!(".{NAME}"));
    let written = fs::write(&hidden, serde_json::to_vec(held)?).and_then(|()| fs::rename(&hidden, file));
    if written.is_err() {
        // Most likely the disk is full: what was written of it takes room, too.
        let _ = fs::remove_file(hidden);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_run_is_known_to_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("copies-job");
        assert_eq!(HeldRecord::open(&folder).get(), HeldSlots::default());
        let held = HeldSlots { of: 4, slots: vec![0, 2] };
        HeldRecord::open(&folder).set(held.clone());
        assert_eq!(HeldRecord::open(&folder).get(), held);
        for damaged in ["", "{", "[]", "{\"of\":-1,\"slots\":[]}"] {
            fs::write(folder.join(NAME), damaged).unwrap();
            assert_eq!(HeldRecord::open(&folder).get(), HeldSlots::default(), "{damaged}");
        }
    }
}
