//! The readable side of a table.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millstream_connectors::ConnectorError;
use millstream_connectors::source::{Enumerator, Source, SplitReader};
use millstream_model::snapshot::SplitState;
use millstream_savepoint::{SavedTable, SavepointReader};

use crate::columns::Columns;
use crate::enumerator::SavepointEnumerator;
use crate::reader::FileReader;

/// What enumerator and readers of one table share.
#[derive(Debug)]
pub(crate) struct SourceSpec {
    /// Its name in SQL.
    pub(crate) table: String,
    pub(crate) reader: SavepointReader,
    /// The stored table.
    pub(crate) saved: SavedTable,
    pub(crate) columns: Columns,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SavepointSource {
    pub(crate) spec: Arc<SourceSpec>,
}

impl Source for SavepointSource {
    fn is_bounded(&self) -> bool {
        true
    }

    fn max_parallelism(&self) -> Option<u32> {
        Some(u32::try_from(self.spec.saved.files.len()).unwrap_or(u32::MAX).max(1))
    }

    fn max_open_splits(&self) -> usize {
        1
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        Ok(Box::new(SavepointEnumerator::new(self.spec.clone())))
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(FileReader::open(self.spec.clone(), split, projection)?))
    }
}
