//! Finds files and cuts them into splits.
//!
//! A bounded table is looked at once. A watched one is looked at again and again; what it remembers is the names of the
//! files it has reported, as Flink does, so a file must be complete when it gets its name (write it under a hidden name,
//! then rename it), and one that is changed later is not read again. Not their times: files that are copied, or written by
//! machines whose clocks differ, come with times before those that were seen. Nor does it forget names of files that are gone:
//! a folder that is not mounted for a moment would be read again as a whole.
//!
//! Names are kept sorted, each without what it shares with the one before: a million of `in/2024-01-01/part-0000001.json`
//! are 5 MB in each manifest.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::filesystem::SourceSpec;
use crate::filesystem::input::Compression;
use crate::filesystem::listing::FoundFile;
use crate::filesystem::split::FileSplit;
use crate::source::{Discovery, Enumerator};

/// See the module.
pub(super) struct FileEnumerator {
    spec: Arc<SourceSpec>,
    /// Reported files. A bounded table needs them only if it is watched one day, and goes on with what is new then.
    seen: BTreeSet<String>,
    is_complete: bool,
}

/// What it remembers, in checkpoints. Variants are only ever added.
#[derive(Serialize, Deserialize)]
enum Versioned {
    V1 {
        is_complete: bool,
        /// Sorted names, each as the number of bytes it shares with the one before and the rest.
        seen: Vec<(u32, String)>,
    },
}

impl FileEnumerator {
    pub(super) fn new(spec: Arc<SourceSpec>) -> Self {
        Self { spec, seen: BTreeSet::new(), is_complete: false }
    }

    fn splits_of(&self, file: &FoundFile) -> Result<Vec<SplitState>, ConnectorError> {
        let compression = Compression::of(&file.name)
            .map_err(|message| ConnectorError::Options { table: self.spec.table.clone(), message })?;
        let is_cut = compression == Compression::None && self.spec.format.starts_at_any_line();
        let split_bytes = if is_cut { self.spec.split_bytes } else { u64::MAX };
        let state = |split: FileSplit| SplitState {
            split: SplitId(split.id()),
            descriptor: split.encode(),
            position: Vec::new(),
            watermark: Watermark::MIN,
            is_idle: false,
            is_finished: false,
        };
        Ok(FileSplit::cut(&file.name, file.bytes, split_bytes).into_iter().map(state).collect())
    }
}

impl Enumerator for FileEnumerator {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        if self.is_complete {
            return Ok(Discovery { splits: Vec::new(), is_complete: true });
        }
        let path = self.spec.place.display();
        let files = self
            .spec
            .place
            .list()
            .map_err(|error| self.spec.io_error(format!("cannot list {path}"), &error))?;
        let is_watching = self.spec.monitor.is_some();
        if files.is_empty() && !is_watching {
            let message = format!("there is no file at {path}");
            return Err(ConnectorError::Options { table: self.spec.table.clone(), message });
        }
        let mut splits = Vec::new();
        for file in files.iter().filter(|f| !self.seen.contains(&f.name)) {
            splits.extend(self.splits_of(file)?);
        }
        self.seen.extend(files.into_iter().map(|f| f.name));
        self.is_complete = !is_watching;
        Ok(Discovery { splits, is_complete: self.is_complete })
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut before = "";
        let mut seen = Vec::with_capacity(self.seen.len());
        for name in &self.seen {
            let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            let shared = (0..=shared).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
            seen.push((
                u32::try_from(shared).unwrap_or(0),
                name.get(shared..).unwrap_or_default().to_owned(),
            ));
            before = name;
        }
        postcard::to_stdvec(&Versioned::V1 { is_complete: self.is_complete, seen }).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ConnectorError> {
        let refuse = |message: String| ConnectorError::Position { table: self.spec.table.clone(), message };
        if state.is_empty() {
            return Ok(());
        }
        let Versioned::V1 { is_complete, seen } = postcard::from_bytes(state)
            .map_err(|e| refuse(format!("the list of files is damaged or from a newer version: {e}")))?;
        let mut before = String::new();
        let mut names = BTreeSet::new();
        for (shared, rest) in seen {
            let prefix = before.get(..shared as usize);
            before =
                prefix.ok_or_else(|| refuse("the list of files is damaged".to_owned()))?.to_owned() + &rest;
            names.insert(before.clone());
        }
        self.seen = names;
        // A table that was bounded and is watched now goes on with what is new.
        self.is_complete = is_complete && self.spec.monitor.is_none();
        Ok(())
    }

    fn interval(&self) -> Duration {
        self.spec.monitor.unwrap_or(Duration::from_secs(10))
    }
}
