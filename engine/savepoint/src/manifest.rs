//! The manifest of a savepoint: everything it consists of, in one object that is written last.
//!
//! What a checkpoint's manifest says apart from its objects (operators with watermarks and counters, sources with positions,
//! sinks with their slots, the SQL) stands here in a checkpoint's manifest that names no object at all; the state is in the
//! files of the tables. Example: `agg.main` in 4 buckets of 64 key groups, of which the third has no row: three files.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millstream_checkpoint::Manifest;
use millstream_model::{Epoch, JobIdentity, KeyGroupRange, OperatorUid};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use std::collections::HashMap;
use std::sync::Arc;

use crate::partition::Buckets;

/// Field ids of the key columns; a table's own columns begin at [`FIRST_VALUE_ID`].
pub(crate) const KEY_GROUP_ID: i32 = 1;
/// See [`KEY_GROUP_ID`].
pub(crate) const KEY_ID: i32 = 2;
/// Room for decoded key columns lies between.
pub(crate) const FIRST_VALUE_ID: i32 = 1_000;
/// Key columns in front of the values.
pub(crate) const KEY_COLUMNS: usize = 2;

/// A complete savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointManifest {
    /// The name that it was taken under, for people: its place is its folder.
    pub name: String,
    /// The attempt that wrote it, and the folder of its files.
    pub attempt: u64,
    /// The epoch that it is.
    pub epoch: Epoch,
    /// The history that the epoch belongs to: another folder of the same job has another one.
    pub lineage: String,
    /// When it was taken, in milliseconds, by the caller's clock; for people.
    pub created_at_ms: u64,
    /// Version of the engine that wrote it.
    pub engine_version: String,
    /// The checkpoint without its objects.
    pub state: Manifest,
    /// The state.
    pub tables: Vec<SavedTable>,
}

/// A table of an operator's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedTable {
    /// Whose.
    pub operator: OperatorUid,
    /// Its name within the operator.
    pub name: String,
    /// How its rows are divided into files.
    pub buckets: u32,
    /// Its columns beside the key.
    pub columns: Vec<SavedColumn>,
    /// Its files, by key group; buckets without rows have none.
    pub files: Vec<SavedFile>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedColumn {
    /// Its id in the files.
    pub field_id: i32,
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub is_nullable: bool,
}

/// A Parquet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFile {
    /// Its key, relative to the savepoint's folder.
    pub key: String,
    /// Length in bytes.
    pub length: u64,
    /// xxh3-64 of the whole file.
    pub checksum: u64,
    /// Rows in it.
    pub rows: u64,
    /// Which key groups it holds.
    pub key_groups: KeyGroupRange,
}

impl SavepointManifest {
    /// Whose state it is.
    #[must_use]
    pub const fn job(&self) -> &JobIdentity {
        &self.state.job
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(SavedTable::rows).sum()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(SavedTable::bytes).sum()
    }

    /// The table of this operator and name, if there is one.
    #[must_use]
    pub fn table(&self, operator: &OperatorUid, name: &str) -> Option<&SavedTable> {
        self.tables.iter().find(|t| t.operator == *operator && t.name == name)
    }
}

impl SavedTable {
    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|f| f.rows).sum()
    }

    /// Bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.length).sum()
    }

    /// Its value columns as fields without metadata, as an operator knows them.
    #[must_use]
    pub fn value_fields(&self) -> Vec<Field> {
        self.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), c.is_nullable)).collect()
    }

    /// The schema of its files and of every batch that is read from it: `key_group`, `key`, then its columns, with field ids.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let with_id = |field: Field, id: i32| {
            field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]))
        };
        let mut fields = vec![
            with_id(Field::new("key_group", DataType::UInt16, false), KEY_GROUP_ID),
            with_id(Field::new("key", DataType::Binary, false), KEY_ID),
        ];
        fields
            .extend(self.value_fields().into_iter().zip(&self.columns).map(|(f, c)| with_id(f, c.field_id)));
        Arc::new(Schema::new(fields))
    }

    /// `agg.main`, for messages.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}.{}", self.operator, self.name)
    }

    /// How its key groups are divided.
    #[must_use]
    pub const fn partition(&self, max_parallelism: u32) -> Buckets {
        Buckets { count: self.buckets, max_parallelism }
    }
}
