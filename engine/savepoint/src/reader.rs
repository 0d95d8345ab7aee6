//! Opening a savepoint and reading it.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use millstream_model::OperatorUid;

use crate::error::SavepointError;
use crate::inspect::SavepointSummary;
use crate::location::{CLAIM, Found, SavepointLocation, attempt_of, manifest_key};
use crate::manifest::{SavedFile, SavedTable, SavepointManifest};
use crate::scan::{FileRows, TableScan};

/// Files that are looked for at the same time.
const CONCURRENT_LOOKS: usize = 16;
/// Rows of a batch, if nobody says otherwise.
const BATCH_ROWS: usize = 64 << 10;

/// A complete savepoint. Reading it changes nothing, and nothing of it changes while it exists.
#[derive(Clone, Debug)]
pub struct SavepointReader {
    location: SavepointLocation,
    manifest: Arc<SavepointManifest>,
    batch_rows: usize,
}

impl SavepointReader {
    /// Reads the claim and the manifest. Files are looked at when they are read, or by [`Self::check_files`].
    ///
    /// # Errors
    /// `Absent` if there is none; `Unfinished` if it has no manifest; `Damaged`; `Storage`.
    pub async fn open(location: &SavepointLocation) -> Result<Self, SavepointError> {
        let Some(claim) = location.claim().await? else { return Err(absent(location).await?) };
        let unfinished = |found| SavepointError::Unfinished {
            location: location.to_string(),
            file: location.path(&manifest_key(claim.attempt)),
            found,
        };
        match location.manifest(claim.attempt).await? {
            Found::Manifest(manifest) => {
                Ok(Self { location: location.clone(), manifest: Arc::new(*manifest), batch_rows: BATCH_ROWS })
            }
            Found::GivenUp => Err(unfinished("the mark that it was given up")),
            Found::Nothing => Err(unfinished("nothing")),
        }
    }

    /// The same with batches of at most so many rows.
    #[must_use]
    pub const fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }

    /// What it consists of.
    #[must_use]
    pub fn manifest(&self) -> &SavepointManifest {
        &self.manifest
    }

    /// Where it is.
    #[must_use]
    pub const fn location(&self) -> &SavepointLocation {
        &self.location
    }

    /// What a person wants to know about it.
    #[must_use]
    pub fn inspect(&self) -> SavepointSummary {
        SavepointSummary::of(&self.manifest, self.location.to_string())
    }

    /// Looks whether every file is there with its length.
    ///
    /// # Errors
    /// `Damaged` for the first that is not; `Storage`.
    pub async fn check_files(&self) -> Result<(), SavepointError> {
        let look = |file: SavedFile| async move {
            let expected = || format!("{} bytes", file.length);
            match self.location.length(&file.key).await? {
                Some(length) if length == file.length => Ok(()),
                Some(length) => Err(self.location.damaged(&file.key, expected(), format!("{length} bytes"))),
                None => Err(self.location.damaged(&file.key, expected(), "nothing")),
            }
        };
        let files: Vec<SavedFile> = self.manifest.tables.iter().flat_map(|t| t.files.clone()).collect();
        stream::iter(files).map(look).buffer_unordered(CONCURRENT_LOOKS).try_collect().await
    }

    /// Reads every row of every file and checks all that can be checked.
    ///
    /// # Errors
    /// `Damaged` for the first file that is not as it must be; `Storage`.
    pub async fn check_contents(&self) -> Result<(), SavepointError> {
        for table in &self.manifest.tables {
            let mut scan = self.scan(table);
            while scan.next().await?.is_some() {}
        }
        Ok(())
    }

    /// All rows of a table of this savepoint.
    #[must_use]
    pub fn scan(&self, table: &SavedTable) -> TableScan {
        TableScan::new(self.location.clone(), table.clone(), self.batch_rows)
    }

    /// All rows of the table of this operator and name, if there is one.
    #[must_use]
    pub fn scan_named(&self, operator: &OperatorUid, name: &str) -> Option<TableScan> {
        self.manifest.table(operator, name).map(|table| self.scan(table))
    }

    /// The rows of one file of a table: the unit in which several readers share a table.
    ///
    /// # Errors
    /// `Damaged`; `Storage`.
    pub async fn read_file(&self, table: &SavedTable, file: &SavedFile) -> Result<FileRows, SavepointError> {
        FileRows::open(&self.location, table, file, self.batch_rows).await
    }
}

/// The error for a folder without a claim, naming what is there instead.
async fn absent(location: &SavepointLocation) -> Result<SavepointError, SavepointError> {
    let keys = location.keys().await?;
    let left = keys.iter().filter(|key| attempt_of(key).is_some()).count();
    let found = match left {
        0 => "nothing".to_owned(),
        files => format!("nothing, and {files} files without it"),
    };
    Ok(SavepointError::Absent { location: location.to_string(), file: location.path(CLAIM), found })
}
