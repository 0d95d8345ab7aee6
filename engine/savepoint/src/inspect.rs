//! What a person wants to know about a savepoint, as plain data for a text and a JSON rendering.

use millstream_checkpoint::Outcome;
use millstream_model::snapshot::OperatorCounters;
use serde::Serialize;

use crate::column_type;
use crate::manifest::{SavedTable, SavepointManifest};

/// A savepoint at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SavepointSummary {
    /// Where it is.
    pub location: String,
    /// Its name.
    pub name: String,
    /// Whose state: `<namespace>.<name>.<uid>`.
    pub job: String,
    /// The epoch that it is.
    pub epoch: u64,
    /// The history that the epoch belongs to.
    pub lineage: String,
    /// When it was taken, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Version of the engine that wrote it.
    pub engine_version: String,
    /// What had become of the job.
    pub outcome: Outcome,
    /// Number of key groups.
    pub max_parallelism: u32,
    /// Fingerprint of the job graph.
    pub fingerprint: String,
    /// The SQL.
    pub sql: String,
    /// State tables.
    pub tables: Vec<TableSummary>,
    /// Operators, with or without state.
    pub operators: Vec<OperatorSummary>,
    /// Sources.
    pub sources: Vec<SourceSummary>,
    /// Sinks that stage their output.
    pub sinks: Vec<SinkSummary>,
}

/// A state table at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The operator's uid.
    pub operator: String,
    /// The operator's name.
    pub operator_name: String,
    /// The table's name.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Number of its files.
    pub files: usize,
    /// Buckets that its key groups are divided into; those without rows have no file.
    pub buckets: u32,
    /// First key group with rows, by its files, and one past the last; `None` without rows.
    pub key_groups: Option<(u32, u32)>,
    /// Columns of its files: the key, then the values.
    pub columns: Vec<ColumnSummary>,
}

/// A column at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnSummary {
    /// Its id in the files.
    pub field_id: i32,
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: String,
    /// Whether it may be NULL.
    pub is_nullable: bool,
}

/// An operator at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperatorSummary {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Hash of what it computes.
    pub meaning: String,
    /// Number of its subtasks when the savepoint was taken.
    pub parallelism: u32,
    /// Its input's watermark, in microseconds since 1970; the smallest number before the first, the greatest behind the last.
    pub watermark: i64,
    /// What it counted.
    pub counters: OperatorCounters,
}

/// A source at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceSummary {
    /// Its uid.
    pub uid: String,
    /// Its splits.
    pub splits: Vec<SplitSummary>,
}

/// A split at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitSummary {
    /// Which.
    pub split: String,
    /// The connector's own position: as text if it is, else `0x` and hexadecimal digits; empty at the start.
    pub position: String,
    /// Its watermark, in microseconds since 1970.
    pub watermark: i64,
    /// Whether it is excluded from the minimum.
    pub is_idle: bool,
    /// Whether every row of it is in the savepoint.
    pub is_finished: bool,
}

/// A sink at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinkSummary {
    /// Its uid: the table's name.
    pub uid: String,
    /// Publisher slots.
    pub slots: u32,
    /// The newest epoch with output.
    pub last_output: Option<u64>,
}

impl SavepointSummary {
    pub(crate) fn of(manifest: &SavepointManifest, location: String) -> Self {
        let state = &manifest.state;
        Self {
            location,
            name: manifest.name.clone(),
            job: state.job.to_string(),
            epoch: manifest.epoch.0,
            lineage: manifest.lineage.clone(),
            created_at_ms: manifest.created_at_ms,
            engine_version: manifest.engine_version.clone(),
            outcome: state.outcome,
            max_parallelism: state.max_parallelism,
            fingerprint: state.fingerprint.clone(),
            sql: state.sql.clone(),
            tables: manifest.tables.iter().map(|t| table(manifest, t)).collect(),
            operators: state
                .operators
                .iter()
                .map(|o| OperatorSummary {
                    uid: o.uid.0.clone(),
                    name: o.name.clone(),
                    meaning: o.meaning.clone(),
                    parallelism: o.parallelism,
                    watermark: o.facts.watermark.0,
                    counters: o.facts.counters,
                })
                .collect(),
            sources: state
                .sources
                .iter()
                .map(|s| SourceSummary {
                    uid: s.uid.0.clone(),
                    splits: s
                        .splits
                        .iter()
                        .map(|s| SplitSummary {
                            split: s.split.0.clone(),
                            position: readable(&s.position),
                            watermark: s.watermark.0,
                            is_idle: s.is_idle,
                            is_finished: s.is_finished,
                        })
                        .collect(),
                })
                .collect(),
            sinks: state
                .sinks
                .iter()
                .map(|s| SinkSummary {
                    uid: s.uid.0.clone(),
                    slots: s.slots,
                    last_output: s.last_output.map(|e| e.0),
                })
                .collect(),
        }
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.rows).sum()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|t| t.bytes).sum()
    }
}

fn table(manifest: &SavepointManifest, table: &SavedTable) -> TableSummary {
    let name = manifest.state.operator(&table.operator).map(|o| o.name.clone());
    let key_groups = table.files.first().zip(table.files.last());
    let column = |(field_id, field): (Option<i32>, &arrow::datatypes::Field)| ColumnSummary {
        field_id: field_id.unwrap_or_default(),
        name: field.name().clone(),
        data_type: column_type::name(field.data_type()).unwrap_or_else(|| field.data_type().to_string()),
        is_nullable: field.is_nullable(),
    };
    let schema = table.schema();
    let ids = schema.fields().iter().map(|f| {
        f.metadata().get(parquet::arrow::PARQUET_FIELD_ID_META_KEY).and_then(|id| id.parse::<i32>().ok())
    });
    TableSummary {
        operator: table.operator.0.clone(),
        operator_name: name.unwrap_or_default(),
        table: table.name.clone(),
        rows: table.rows(),
        bytes: table.bytes(),
        files: table.files.len(),
        buckets: table.buckets,
        key_groups: key_groups.map(|(first, last)| (first.key_groups.start, last.key_groups.end)),
        columns: ids.zip(schema.fields()).map(|(id, field)| column((id, field.as_ref()))).collect(),
    }
}

fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_text_if_they_are() {
        let table: [(&[u8], &str); 4] =
            [(b"", ""), (b"17", "17"), (&[0, 255], "0x00ff"), ("a\n".as_bytes(), "0x610a")];
        for (bytes, expected) in table {
            assert_eq!(readable(bytes), expected);
        }
    }
}
