//! A slow source of numbered rows: a row is a function of its split and its place, and reading takes a millisecond a batch.
//!
//! Example: place 7 of split 2 is the row 127, with key 2; its time is 1.75 s after the first.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use millstream_connectors::options::{OptionKind, OptionSpec, check_options};
use millstream_connectors::sink::Sink;
use millstream_connectors::source::{Discovery, Enumerator, ReadBatch, ReadOutcome, Source, SplitReader};
use millstream_connectors::{Connector, ConnectorError, TableConfig};
use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};

use super::life::{Event, Process};

pub(crate) const SPLITS: u64 = 4;
/// Rows of one split.
pub(crate) const ROWS: u64 = 60;
const BATCH: u64 = 3;
const PAUSE: Duration = Duration::from_millis(1);
/// Between two looks of an enumerator that finds splits one after the other.
const DISCOVERY: Duration = Duration::from_millis(12);

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) k: i64,
    pub(crate) v: i64,
    pub(crate) ms: i64,
}

/// Times are out of order by up to 0.6 s within a split.
pub(crate) fn row(split: u64, place: u64) -> Row {
    let id = (split * ROWS + place).cast_signed();
    let ms = 1_700_000_000_000 + place.cast_signed() * 250 - id % 4 * 200;
    Row { id, k: id % 5, v: id * 37 % 101, ms }
}

pub(crate) fn rows() -> impl Iterator<Item = Row> {
    (0..SPLITS).flat_map(|split| (0..ROWS).map(move |place| row(split, place)))
}

/// The connector `numbers`.
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) Arc<Process>);

impl Connector for Numbers {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![OptionSpec::optional(
            "gradual",
            OptionKind::Text,
            "whether splits are found one after the other",
        )]
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        check_options(table, &self.options(table))?;
        let is_gradual = table.option("gradual") == Some("true");
        Ok(Some(Arc::new(NumberSource { process: self.0.clone(), is_gradual })))
    }

    fn sink(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct NumberSource {
    process: Arc<Process>,
    is_gradual: bool,
}

impl Source for NumberSource {
    fn is_bounded(&self) -> bool {
        true
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        Ok(Box::new(NumberEnumerator { found: 0, is_gradual: self.is_gradual }))
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        self.process.happened(Event::ReadingBegan);
        let number = number(&split.descriptor)?;
        let place = if split.position.is_empty() { 0 } else { self::number(&split.position)? };
        Ok(Box::new(NumberReader { split: number, place, projection, process: self.process.clone() }))
    }
}

fn number(bytes: &[u8]) -> Result<u64, ConnectorError> {
    let bytes = bytes.try_into().map_err(|_| ConnectorError::Position {
        table: "numbers".into(),
        message: format!("{bytes:?} is no number"),
    })?;
    Ok(u64::from_le_bytes(bytes))
}

struct NumberEnumerator {
    found: u64,
    is_gradual: bool,
}

impl Enumerator for NumberEnumerator {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        let from = self.found;
        self.found =
            if self.is_gradual { (from + if from == 0 { 2 } else { 1 }).min(SPLITS) } else { SPLITS };
        let split = |number: u64| SplitState {
            split: SplitId(format!("numbers-{number}")),
            descriptor: number.to_le_bytes().into(),
            position: Vec::new(),
            watermark: Watermark::MIN,
            is_idle: false,
            is_finished: false,
        };
        Ok(Discovery { splits: (from..self.found).map(split).collect(), is_complete: self.found == SPLITS })
    }

    fn snapshot(&self) -> Vec<u8> {
        self.found.to_le_bytes().into()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ConnectorError> {
        self.found = number(state)?;
        Ok(())
    }

    fn interval(&self) -> Duration {
        DISCOVERY
    }
}

struct NumberReader {
    split: u64,
    place: u64,
    projection: SchemaRef,
    process: Arc<Process>,
}

impl SplitReader for NumberReader {
    fn read(&mut self, _max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        if self.place >= ROWS {
            return Ok(ReadOutcome::End);
        }
        if self.process.watched.as_ref().is_some_and(|watch| self.place >= watch.places()) {
            return Ok(ReadOutcome::Pending(PAUSE));
        }
        std::thread::sleep(PAUSE);
        let end = (self.place + BATCH).min(ROWS);
        let rows: Vec<Row> = (self.place..end).map(|place| row(self.split, place)).collect();
        self.place = end;
        let of =
            |value: fn(&Row) -> i64| -> ArrayRef { Arc::new(rows.iter().map(value).collect::<Int64Array>()) };
        let columns = self.projection.fields().iter().map(|field| match field.name().as_str() {
            "id" => of(|r| r.id),
            "k" => of(|r| r.k),
            "v" => of(|r| r.v),
            _ => Arc::new(
                rows.iter()
                    .map(|r| r.ms)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(Some)
                    .collect::<TimestampMillisecondArray>(),
            ),
        });
        let columns = RecordBatch::try_new(self.projection.clone(), columns.collect())
            .map_err(|e| ConnectorError::Encode { table: "numbers".into(), message: e.to_string() })?;
        Ok(ReadOutcome::Batch(ReadBatch {
            columns,
            position: self.place.to_le_bytes().into(),
            skipped: 0,
            progress: Some((self.place, ROWS)),
        }))
    }
}
