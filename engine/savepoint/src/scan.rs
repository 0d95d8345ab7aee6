//! Reading the rows of a table, file by file, each checked before it is parsed and while it is read.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use bytes::Bytes;
use millstream_checkpoint::checksum;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::error::SavepointError;
use crate::location::SavepointLocation;
use crate::manifest::{SavedFile, SavedTable};
use crate::parquet_file;

/// The rows of one file, in batches of the schema [`SavedTable::schema`].
pub struct FileRows {
    reader: ParquetRecordBatchReader,
    location: SavepointLocation,
    file: SavedFile,
    rows: u64,
    last: Option<(u16, Vec<u8>)>,
    is_over: bool,
}

impl std::fmt::Debug for FileRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileRows").field("file", &self.file).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl FileRows {
    /// Fetches a file, compares its length and checksum, and begins to read it. The whole file is held in memory.
    pub(crate) async fn open(
        location: &SavepointLocation,
        table: &SavedTable,
        file: &SavedFile,
        batch_rows: usize,
    ) -> Result<Self, SavepointError> {
        let bytes = fetch(location, file).await?;
        let reader = parquet_file::decode(bytes, &table.schema(), batch_rows).map_err(|reason| {
            location.damaged(&file.key, format!("the columns of table {}", table.label()), reason.to_string())
        })?;
        let (location, file) = (location.clone(), file.clone());
        Ok(Self { reader, location, file, rows: 0, last: None, is_over: false })
    }

    fn checked(&mut self, batch: RecordBatch) -> Result<RecordBatch, SavepointError> {
        let groups = batch.column(0).as_primitive::<UInt16Type>().values();
        let keys = batch.column(1).as_binary::<i32>();
        let row_of = |row: usize| (groups[row], keys.value(row));
        let mut before = self.last.as_ref().map(|(group, key)| (*group, key.as_slice()));
        for row in 0..batch.num_rows() {
            let this = row_of(row);
            if !self.file.key_groups.contains(this.0) {
                let range = self.file.key_groups;
                let expected = format!("rows of the key groups [{}, {})", range.start, range.end);
                return Err(self.damaged(expected, format!("one of key group {}", this.0)));
            }
            if before.is_some_and(|before| before >= this) {
                let at = self.rows + row as u64;
                return Err(
                    self.damaged("rows in the order of their keys".into(), format!("row {at} out of order"))
                );
            }
            before = Some(this);
        }
        self.last = before.map(|(group, key)| (group, key.to_vec()));
        self.rows += batch.num_rows() as u64;
        Ok(batch)
    }

    fn damaged(&self, expected: String, found: String) -> SavepointError {
        self.location.damaged(&self.file.key, expected, found)
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, SavepointError>;

    /// The next batch. Nothing follows an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = match self.reader.next() {
            Some(Ok(batch)) => self.checked(batch),
            Some(Err(reason)) => Err(self.damaged("rows that can be read".to_owned(), reason.to_string())),
            None if self.rows == self.file.rows => {
                self.is_over = true;
                return None;
            }
            None => Err(self.damaged(format!("{} rows", self.file.rows), format!("{}", self.rows))),
        };
        self.is_over = batch.is_err();
        Some(batch)
    }
}

/// The content of a file, checked against its length and checksum.
pub(crate) async fn fetch(location: &SavepointLocation, file: &SavedFile) -> Result<Bytes, SavepointError> {
    let describe = |length: u64, checksum: u64| format!("{length} bytes with checksum {checksum:016x}");
    let expected = describe(file.length, file.checksum);
    let Some(bytes) = location.get("read a file of a savepoint", &file.key).await? else {
        return Err(location.damaged(&file.key, expected, "nothing"));
    };
    let found = describe(bytes.len() as u64, checksum(&bytes));
    if found == expected { Ok(bytes) } else { Err(location.damaged(&file.key, expected, found)) }
}

/// All rows of one table, in the order of (key group, key).
#[derive(Debug)]
pub struct TableScan {
    location: SavepointLocation,
    table: SavedTable,
    batch_rows: usize,
    next_file: usize,
    current: Option<FileRows>,
}

impl TableScan {
    pub(crate) const fn new(location: SavepointLocation, table: SavedTable, batch_rows: usize) -> Self {
        Self { location, table, batch_rows, next_file: 0, current: None }
    }

    /// The table that is read.
    #[must_use]
    pub const fn table(&self) -> &SavedTable {
        &self.table
    }

    /// The next batch, of the schema [`SavedTable::schema`]; `None` behind the last one. Dropping the future loses nothing:
    /// a file is then fetched again.
    ///
    /// # Errors
    /// `Damaged`; `Storage`.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, SavepointError> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return batch.map(Some);
            }
            let Some(file) = self.table.files.get(self.next_file) else { return Ok(None) };
            self.current = Some(FileRows::open(&self.location, &self.table, file, self.batch_rows).await?);
            self.next_file += 1;
        }
    }
}
