//! The connector: options, and what is checked before a job starts.
//!
//! A table's source is asked for when a statement reads it, at plan time, and that is when the savepoint is opened: only its
//! manifest says which operators, tables and columns there are, and a mistake in one of these names is better shown in the SQL,
//! with what there is, than by a job that has started. So `millstream plan` needs the savepoint, too. A CREATE TABLE that nothing
//! reads does not. The coordinator and the tasks ask the same connector again and get what was opened: a savepoint never changes
//! while it exists. Key types are in no manifest; a wrong one is found with the first row.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_connectors::options::{OptionKind, OptionSpec, check_options};
use millstream_connectors::sink::Sink;
use millstream_connectors::source::Source;
use millstream_connectors::{Connector, ConnectorError, TableConfig};
use millstream_savepoint::SavepointReader;

use crate::columns::Columns;
use crate::opened;
use crate::source::{SavepointSource, SourceSpec};

/// Rows that are decoded at once.
const DECODED_ROWS: usize = 8_192;

/// See the module.
#[derive(Debug)]
pub struct SavepointConnector {
    decoded_rows: usize,
    /// By address and the folder in which it is relative: as many as the job's tables name.
    opened: Mutex<BTreeMap<(String, PathBuf), SavepointReader>>,
}

impl SavepointConnector {
    /// A connector that has opened nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { decoded_rows: DECODED_ROWS, opened: Mutex::new(BTreeMap::new()) }
    }

    /// The same, decoding so many rows at once; no result depends on it.
    #[must_use]
    pub const fn with_decoded_rows(mut self, rows: usize) -> Self {
        self.decoded_rows = rows;
        self
    }

    fn open(&self, table: &TableConfig, path: &str) -> Result<SavepointReader, ConnectorError> {
        let mut all = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (path.to_owned(), table.base_dir.clone());
        if let Some(reader) = all.get(&place) {
            return Ok(reader.clone());
        }
        let reader = opened::open(&table.name, path, &table.base_dir)?.with_batch_rows(self.decoded_rows);
        all.insert(place, reader.clone());
        Ok(reader)
    }
}

impl Default for SavepointConnector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector for SavepointConnector {
    fn name(&self) -> &'static str {
        "savepoint"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![
            OptionSpec::required(
                "path",
                OptionKind::Text,
                "the savepoint: its folder, or its address as in `s3://bucket/savepoints/nightly`; relative to the file that \
                 names it",
            ),
            OptionSpec::optional(
                "operator",
                OptionKind::Text,
                "whose state: the uid of the operator, or its name if no other has it, both as `millstream savepoint inspect` \
                 shows them; may be left out if only one operator has state",
            ),
            OptionSpec::optional(
                "table",
                OptionKind::Text,
                "which of the operator's state tables; may be left out if it has only one",
            ),
            OptionSpec::refused("scan.parallelism", "the parallelism of the job is used"),
        ]
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        let options = check_options(table, &self.options(table))?;
        if let Some(column) = table.partition_keys.first() {
            return Err(options.error(format!("PARTITIONED BY (`{column}`): a savepoint has no partitions")));
        }
        let reader = self.open(table, options.text("path").unwrap_or_default())?;
        let saved = opened::find(&reader, &options)?.clone();
        let columns = Columns::of(&table.schema, &saved, reader.manifest())
            .map_err(|message| options.error(message))?;
        let spec = Arc::new(SourceSpec { table: table.name.clone(), reader, saved, columns });
        Ok(Some(Arc::new(SavepointSource { spec })))
    }

    fn sink(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(None)
    }
}
