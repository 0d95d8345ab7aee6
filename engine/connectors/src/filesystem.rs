//! The connector `filesystem`: files of JSON lines or CSV, read and written.
//!
//! Reading: a file, a folder (with all below it) or a glob; gzip and zstd by their endings; large plain files in splits of
//! 64 MB by default; bounded, or watching for new files. Writing: exactly once, through staged segments and a publisher over
//! object storage. This connector never changes or deletes a file that is visible.

mod enumerator;
mod input;
mod line_count;
mod listing;
mod partition;
mod place;
mod position;
mod progress;
mod publisher;
mod reader;
mod split;
mod store_reader;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use millstream_model::graph::RollPolicy;
use millstream_model::snapshot::SplitState;
use millstream_storage::ObjectStorage;

use crate::clock::Clock;
use crate::error::ConnectorError;
use crate::filesystem::enumerator::FileEnumerator;
use crate::filesystem::place::Place;
pub use crate::filesystem::publisher::FilePublisher;
use crate::filesystem::reader::FileReader;
use crate::filesystem::writer::FileWriter;
use crate::format::{Format, check_columns};
use crate::options::{OptionKind, OptionSpec, ParsedOptions, check_options};
use crate::registry::Connector;
use crate::sink::{Publisher, Sink, SinkWriter, WriterContext};
use crate::source::{Enumerator, Source, SplitReader};
use crate::table::TableConfig;

/// See the module.
#[derive(Clone, Debug)]
pub struct FilesystemConnector {
    clock: Clock,
}

impl FilesystemConnector {
    /// Paces `source.rows-per-second` by `clock`.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Connector for FilesystemConnector {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn options(&self, table: &TableConfig) -> Vec<OptionSpec> {
        option_specs(table)
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(Some(Arc::new(FileSource::new(
            table,
            &check_options(table, &option_specs(table))?,
            self.clock.clone(),
        )?)))
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(Some(Arc::new(FileSink::new(table, &check_options(table, &option_specs(table))?, None)?)))
    }
}

/// Allowed options.
fn option_specs(table: &TableConfig) -> Vec<OptionSpec> {
    let mut specs = vec![
        OptionSpec::required(
            "path",
            OptionKind::Text,
            "the file, folder or glob to read, or the folder to write; relative to the file that names it",
        ),
        OptionSpec::with_default(
            "source.split.size",
            OptionKind::Bytes,
            "64mb",
            "plain files longer than this are read in parallel",
        ),
        OptionSpec::optional(
            "source.monitor-interval",
            OptionKind::Duration,
            "how often to look for new files, which are told by their names (write a file under a name with `.` in front, then \
             rename it); without it the table ends with the files that are there",
        ),
        OptionSpec::with_default(
            "source.rows-per-second",
            OptionKind::Integer(0),
            "0",
            "how fast each reader replays its files; 0: as fast as they can be read",
        ),
        OptionSpec::with_default(
            "sink.rolling-policy.file-size",
            OptionKind::Bytes,
            "128mb",
            "a longer file is cut, and becomes visible at the latest when it is this long; at most 1gb",
        ),
        OptionSpec::with_default(
            "sink.rolling-policy.rollover-interval",
            OptionKind::Duration,
            "0",
            "a file becomes visible with the first checkpoint after this time; 0: with every checkpoint",
        ),
        OptionSpec::with_default(
            "partition.default-name",
            OptionKind::Text,
            partition::DEFAULT_NAME,
            "folder of rows whose partition column is NULL or empty",
        ),
    ];
    specs.extend(Format::option_specs(table.option("format")));
    specs.extend(REFUSED.iter().map(|(key, reason)| OptionSpec::refused(key, reason)));
    specs
}

/// Longest file that may be asked for. A store takes 5 GB in one request, but in the 30 s for which a request may last, and out
/// of memory, 1 GB is much.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Options of Flink's that would change results if they were ignored.
const REFUSED: &[(&str, &str)] = &[
    (
        "auto-compaction",
        "files are never rewritten; raise 'sink.rolling-policy.rollover-interval' for fewer, larger files",
    ),
    ("compaction.file-size", "files are never rewritten"),
    ("source.path.regex-pattern", "write a glob in 'path' instead, as in 'data/*.json'"),
    ("sink.parallelism", "the parallelism of the job is used"),
    ("sink.rolling-policy.inactivity-interval", "use 'sink.rolling-policy.rollover-interval'"),
    ("sink.rolling-policy.check-interval", "the policy is checked with every checkpoint"),
    ("sink.shuffle-by-partition.enable", "rows are not shuffled before they are written"),
    ("sink.partition-commit.*", "partitions have no commit of their own; every visible file is complete"),
    ("partition.time-extractor.*", "partitions have no commit of their own; every visible file is complete"),
    ("source.report-statistics", "there are no statistics"),
];

/// The readable side.
#[derive(Debug)]
struct FileSource {
    spec: Arc<SourceSpec>,
}

/// What enumerator and readers of one table share.
#[derive(Debug)]
struct SourceSpec {
    table: String,
    place: Place,
    format: Format,
    split_bytes: u64,
    monitor: Option<Duration>,
    /// 0: no limit.
    rows_per_second: u64,
    clock: Clock,
    /// Columns in the files: the table's without those in folder names.
    written: SchemaRef,
    partition_keys: Vec<String>,
    default_partition: String,
}

impl SourceSpec {
    /// What failed outside. What is refused is refused again, so no restart heals it.
    fn io_error(&self, action: String, error: &std::io::Error) -> ConnectorError {
        let table = self.table.clone();
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                ConnectorError::Options { table, message: format!("{action}: {error}") }
            }
            _ => ConnectorError::Io { table, action, cause: error.to_string() },
        }
    }
}

impl FileSource {
    fn new(table: &TableConfig, options: &ParsedOptions, clock: Clock) -> Result<Self, ConnectorError> {
        let format = Format::from_options(options)?;
        check_columns(table, format.nesting())?;
        let path = options.text("path").unwrap_or_default();
        let place = Place::new(path, &table.base_dir).map_err(|m| options.error(m))?;
        let split_bytes = options.bytes("source.split.size").unwrap_or(u64::MAX);
        if split_bytes == 0 {
            return Err(options.error("'source.split.size' must be at least 1 byte"));
        }
        let monitor = options.duration("source.monitor-interval");
        if monitor.is_some_and(|m| m.is_zero()) {
            return Err(options.error("'source.monitor-interval' must be longer than 0"));
        }
        Ok(Self {
            spec: Arc::new(SourceSpec {
                table: table.name.clone(),
                place,
                format,
                split_bytes,
                monitor,
                rows_per_second: options
                    .integer("source.rows-per-second")
                    .and_then(|r| u64::try_from(r).ok())
                    .unwrap_or(0),
                clock,
                written: written_schema(table)?,
                partition_keys: table.partition_keys.clone(),
                default_partition: default_partition(options),
            }),
        })
    }
}

impl Source for FileSource {
    fn is_bounded(&self) -> bool {
        self.spec.monitor.is_none()
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        Ok(Box::new(FileEnumerator::new(self.spec.clone())))
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(FileReader::open(&self.spec, split, &projection)?))
    }
}

/// The writable side.
#[derive(Debug)]
struct FileSink {
    table: TableConfig,
    format: Format,
    roll: RollPolicy,
    default_partition: String,
    path: String,
    /// For fault tests; otherwise opened from the path.
    storage: Option<Arc<dyn ObjectStorage>>,
}

impl FileSink {
    fn new(
        table: &TableConfig,
        options: &ParsedOptions,
        storage: Option<Arc<dyn ObjectStorage>>,
    ) -> Result<Self, ConnectorError> {
        let format = Format::from_options(options)?;
        check_columns(table, format.nesting())?;
        written_schema(table)?;
        let bytes = options.bytes("sink.rolling-policy.file-size").unwrap_or(MAX_FILE_BYTES);
        if bytes > MAX_FILE_BYTES {
            return Err(options.error(format!(
                "'sink.rolling-policy.file-size' must be at most {} MB: a file becomes visible with one request, which has to be \
                 in memory; more files hold the same rows",
                MAX_FILE_BYTES >> 20
            )));
        }
        let age = options.duration("sink.rolling-policy.rollover-interval").unwrap_or_default();
        Ok(Self {
            table: table.clone(),
            format,
            roll: RollPolicy { bytes, age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX) },
            default_partition: default_partition(options),
            path: options.text("path").unwrap_or_default().to_owned(),
            storage,
        })
    }
}

/// The sink of `table` over a store that the caller brings: for fault tests.
///
/// # Errors
/// When the table's options are wrong.
pub fn sink_over(
    table: &TableConfig,
    storage: Arc<dyn ObjectStorage>,
) -> Result<Arc<dyn Sink>, ConnectorError> {
    let options = check_options(table, &option_specs(table))?;
    Ok(Arc::new(FileSink::new(table, &options, Some(storage))?))
}

impl Sink for FileSink {
    fn accepts_updates(&self) -> bool {
        false
    }

    fn is_staged(&self) -> bool {
        true
    }

    fn roll_policy(&self) -> RollPolicy {
        self.roll
    }

    fn writer(&self, _context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(FileWriter::new(&self.table, &self.format, &self.default_partition)))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        let storage = match &self.storage {
            Some(storage) => storage.clone(),
            None => millstream_storage::open(&self.path, &self.table.base_dir).map_err(|e| {
                ConnectorError::Options { table: self.table.name.clone(), message: format!("'path': {e}") }
            })?,
        };
        Ok(Some(Box::new(FilePublisher::new(&self.table.name, self.format.extension(), storage))))
    }
}

fn default_partition(options: &ParsedOptions) -> String {
    options.text("partition.default-name").unwrap_or(partition::DEFAULT_NAME).to_owned()
}

/// Columns that stand in the files.
fn written_schema(table: &TableConfig) -> Result<SchemaRef, ConnectorError> {
    let refuse = |message: String| ConnectorError::Options { table: table.name.clone(), message };
    if let Some(missing) = table.partition_keys.iter().find(|k| table.schema.index_of(k).is_err()) {
        return Err(refuse(format!("PARTITIONED BY names `{missing}`, which is no column of the table")));
    }
    let is_key = |name: &String| table.partition_keys.contains(name);
    let fields: Vec<_> = table.schema.fields().iter().filter(|f| !is_key(f.name())).cloned().collect();
    if fields.is_empty() {
        return Err(refuse(
            "every column is in PARTITIONED BY; at least one must be in the files".to_owned(),
        ));
    }
    Ok(Arc::new(Schema::new(fields)))
}

#[cfg(test)]
mod filesystem_test;
