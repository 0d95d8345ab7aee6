//! Encodes rows into one buffer a partition; never touches the target.

use std::collections::BTreeMap;

use bytes::Bytes;
use millstream_batch::RowOp;
use millstream_batch::StreamBatch;

use crate::error::ConnectorError;
use crate::filesystem::partition::FolderNames;
use crate::format::{Format, RowEncoder};
use crate::sink::{ClosedSegment, SinkWriter};
use crate::table::TableConfig;

/// See the module.
pub(super) struct FileWriter {
    table: String,
    encoder: Box<dyn RowEncoder>,
    /// Name and index of the `PARTITIONED BY` columns.
    keys: Vec<(String, usize)>,
    default_partition: String,
    /// By folder; the empty name without `PARTITIONED BY`. Sorted, so that segments come out in the same order every time.
    open: BTreeMap<String, OpenSegment>,
    buffered_bytes: usize,
}

#[derive(Default)]
struct OpenSegment {
    bytes: Vec<u8>,
    rows: u64,
}

impl FileWriter {
    pub(super) fn new(table: &TableConfig, format: &Format, default_partition: &str) -> Self {
        let index = |name: &String| table.schema.index_of(name).ok().map(|i| (name.clone(), i));
        let keys: Vec<_> = table.partition_keys.iter().filter_map(index).collect();
        let written =
            (0..table.schema.fields().len()).filter(|i| keys.iter().all(|(_, key)| key != i)).collect();
        Self {
            table: table.name.clone(),
            encoder: format.encoder(written),
            keys,
            default_partition: default_partition.to_owned(),
            open: BTreeMap::new(),
            buffered_bytes: 0,
        }
    }

    fn encode(&mut self, batch: &StreamBatch) -> Result<(), String> {
        let columns = batch.columns();
        if self.keys.is_empty() {
            return self.encode_rows(String::new(), columns, &mut (0..columns.num_rows()));
        }
        let mut rows_of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut names = FolderNames::new(&self.keys, columns, &self.default_partition)?;
        let mut folder = String::new();
        for row in 0..columns.num_rows() {
            names.write(row, &mut folder);
            match rows_of.get_mut(&folder) {
                Some(rows) => rows.push(row),
                None => {
                    check_folder(&folder)?;
                    rows_of.insert(folder.clone(), vec![row]);
                }
            }
        }
        for (folder, rows) in rows_of {
            self.encode_rows(folder, columns, &mut rows.into_iter())?;
        }
        Ok(())
    }

    fn encode_rows(
        &mut self,
        folder: String,
        columns: &arrow::array::RecordBatch,
        rows: &mut dyn ExactSizeIterator<Item = usize>,
    ) -> Result<(), String> {
        let segment = self.open.entry(folder).or_default();
        let before = segment.bytes.len();
        segment.rows += rows.len() as u64;
        let mut rows = rows;
        self.encoder.encode(columns, &mut rows, &mut segment.bytes)?;
        self.buffered_bytes += segment.bytes.len() - before;
        Ok(())
    }
}

/// Object stores limit a part of a key to 240 bytes here; a longer folder would be refused only when it is published.
fn check_folder(folder: &str) -> Result<(), String> {
    match folder.split('/').find(|part| part.len() > 240) {
        None => Ok(()),
        Some(part) => Err(format!("the partition folder `{part}` is longer than 240 bytes")),
    }
}

impl SinkWriter for FileWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        let refuse = |message: String| ConnectorError::Encode { table: self.table.clone(), message };
        if let Some(op) = batch.ops().and_then(|ops| ops.iter().find(|op| **op != RowOp::Insert)) {
            return Err(refuse(format!("files cannot take back rows, and this one is {op}")));
        }
        self.encode(batch).map_err(|message| ConnectorError::Encode { table: self.table.clone(), message })
    }

    fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        self.buffered_bytes = 0;
        let segments = std::mem::take(&mut self.open).into_iter().filter(|(_, s)| s.rows > 0);
        Ok(segments
            .map(|(partition, s)| ClosedSegment { partition, bytes: Bytes::from(s.bytes), rows: s.rows })
            .collect())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}
