//! The manifest of a savepoint as bytes and back.
//!
//! A tag is never reused, a field that is added is optional for older readers, anything else raises the format's version.
//! What a message lacks or contradicts is `Invalid`, never a default.

use arrow::datatypes::DataType;
use millstream_checkpoint::envelope::{RecordKind, check_size, seal, unseal};
use millstream_checkpoint::{DecodeError, Manifest};
use millstream_model::{Epoch, JobIdentity, KeyGroupRange, OperatorUid};
use prost::Message;

use crate::column_type;
use crate::location::attempt_folder;
use crate::manifest::{SavedColumn, SavedFile, SavedTable, SavepointManifest};

const KIND: RecordKind = RecordKind::Savepoint;

#[derive(Clone, PartialEq, prost::Message)]
struct SavepointWire {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(fixed64, tag = "2")]
    attempt: u64,
    #[prost(uint64, tag = "3")]
    epoch: u64,
    #[prost(string, tag = "4")]
    lineage: String,
    #[prost(uint64, tag = "5")]
    created_at_ms: u64,
    #[prost(string, tag = "6")]
    engine_version: String,
    #[prost(message, optional, tag = "7")]
    job: Option<JobWire>,
    /// A checkpoint's manifest in its own envelope, without objects.
    #[prost(bytes = "vec", tag = "8")]
    state: Vec<u8>,
    #[prost(message, repeated, tag = "9")]
    tables: Vec<TableWire>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct JobWire {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    uid: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TableWire {
    #[prost(string, tag = "1")]
    operator: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint32, tag = "3")]
    buckets: u32,
    #[prost(message, repeated, tag = "4")]
    columns: Vec<ColumnWire>,
    #[prost(message, repeated, tag = "5")]
    files: Vec<FileWire>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ColumnWire {
    #[prost(int32, tag = "1")]
    field_id: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    data_type: String,
    #[prost(bool, tag = "4")]
    is_nullable: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FileWire {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(uint64, tag = "2")]
    length: u64,
    #[prost(fixed64, tag = "3")]
    checksum: u64,
    #[prost(uint64, tag = "4")]
    rows: u64,
    #[prost(uint32, tag = "5")]
    first_key_group: u32,
    #[prost(uint32, tag = "6")]
    end_key_group: u32,
}

impl SavepointManifest {
    /// The manifest's bytes.
    ///
    /// # Errors
    /// `TooLarge`, if it could not be read back; `Invalid` if it names objects outside of its folder or types without a name.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let job = self.job();
        let wire = SavepointWire {
            name: self.name.clone(),
            attempt: self.attempt,
            epoch: self.epoch.0,
            lineage: self.lineage.clone(),
            created_at_ms: self.created_at_ms,
            engine_version: self.engine_version.clone(),
            job: Some(JobWire {
                namespace: job.namespace.clone(),
                name: job.name.clone(),
                uid: job.uid.clone(),
            }),
            state: self.state.encode()?,
            tables: self.tables.iter().map(table_wire).collect::<Result<_, _>>()?,
        };
        self.check()?;
        let bytes = seal(KIND, &wire.encode_to_vec());
        check_size(KIND, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// The manifest in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let wire = SavepointWire::decode(unseal(KIND, bytes)?).map_err(|e| invalid(e.to_string()))?;
        let JobWire { namespace, name, uid } = wire.job.ok_or_else(|| invalid("it names no job"))?;
        let manifest = Self {
            name: wire.name,
            attempt: wire.attempt,
            epoch: Epoch(wire.epoch),
            lineage: wire.lineage,
            created_at_ms: wire.created_at_ms,
            engine_version: wire.engine_version,
            state: Manifest::decode(&wire.state, &JobIdentity { namespace, name, uid })?,
            tables: wire.tables.into_iter().map(table).collect::<Result<_, _>>()?,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// What holds in every savepoint.
    fn check(&self) -> Result<(), DecodeError> {
        if let Some(object) = self.state.objects().next() {
            return Err(invalid(format!("it refers to {}, which is not its own", object.key)));
        }
        let folder = attempt_folder(self.attempt);
        for table in &self.tables {
            let label = table.label();
            if self.state.operator(&table.operator).is_none() {
                return Err(invalid(format!("table {label} belongs to no operator")));
            }
            let mut end = 0;
            for file in &table.files {
                let KeyGroupRange { start, end: next } = file.key_groups;
                if start < end || next <= start || next > self.state.max_parallelism {
                    return Err(invalid(format!(
                        "table {label} has key groups [{start}, {next}) behind [.., {end}) of {}",
                        self.state.max_parallelism
                    )));
                }
                if !file.key.starts_with(&folder)
                    || file.key.split('/').any(|part| matches!(part, "" | "." | ".."))
                {
                    return Err(invalid(format!(
                        "table {label} refers to {}, which is not its own",
                        file.key
                    )));
                }
                end = next;
            }
        }
        Ok(())
    }
}

fn table_wire(table: &SavedTable) -> Result<TableWire, DecodeError> {
    let column = |c: &SavedColumn| {
        let no_name = || invalid(format!("column {} has the type {}", c.name, c.data_type));
        let data_type = column_type::name(&c.data_type).ok_or_else(no_name)?;
        Ok(ColumnWire { field_id: c.field_id, name: c.name.clone(), data_type, is_nullable: c.is_nullable })
    };
    let file = |f: &SavedFile| FileWire {
        key: f.key.clone(),
        length: f.length,
        checksum: f.checksum,
        rows: f.rows,
        first_key_group: f.key_groups.start,
        end_key_group: f.key_groups.end,
    };
    Ok(TableWire {
        operator: table.operator.0.clone(),
        name: table.name.clone(),
        buckets: table.buckets,
        columns: table.columns.iter().map(column).collect::<Result<_, DecodeError>>()?,
        files: table.files.iter().map(file).collect(),
    })
}

fn table(wire: TableWire) -> Result<SavedTable, DecodeError> {
    let label = format!("{}.{}", wire.operator, wire.name);
    let column = |c: ColumnWire| {
        let unknown =
            || invalid(format!("column {} of table {label} has the unknown type {}", c.name, c.data_type));
        let data_type: DataType = column_type::parse(&c.data_type).ok_or_else(unknown)?;
        Ok(SavedColumn { field_id: c.field_id, name: c.name, data_type, is_nullable: c.is_nullable })
    };
    let file = |f: FileWire| SavedFile {
        key: f.key,
        length: f.length,
        checksum: f.checksum,
        rows: f.rows,
        key_groups: KeyGroupRange { start: f.first_key_group, end: f.end_key_group },
    };
    Ok(SavedTable {
        columns: wire.columns.into_iter().map(column).collect::<Result<_, DecodeError>>()?,
        files: wire.files.into_iter().map(file).collect(),
        operator: OperatorUid(wire.operator),
        name: wire.name,
        buckets: wire.buckets,
    })
}

fn invalid(reason: impl Into<String>) -> DecodeError {
    DecodeError::Invalid { expected: KIND, reason: reason.into() }
}

#[cfg(test)]
#[path = "wire/wire_test.rs"]
mod wire_test;
