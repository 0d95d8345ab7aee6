//! Generates the events of one split as batches.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, RecordBatchOptions, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use millstream_model::snapshot::SplitState;

use super::columns::{Columns, EVENT_TYPE, Wanted};
use super::generator::{Generator, Kind};
use super::spec::NexmarkSpec;
use super::split::{NexmarkSplit, decode_position, encode_position};
use super::text::TextPool;
use crate::clock::Clock;
use crate::error::ConnectorError;
use crate::source::{ReadBatch, ReadOutcome, SplitReader};

/// An event with all of its columns has about 300 bytes, a batch 2.4 MB.
const MAX_BATCH_ROWS: usize = 8_192;
/// Bound on a batch where events were made large by an option; their sizes are at most a fifth more than the average.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// See the module.
pub(super) struct NexmarkReader {
    spec: Arc<NexmarkSpec>,
    clock: Clock,
    texts: Arc<TextPool>,
    split: NexmarkSplit,
    generator: Generator,
    /// Events of the split; `None`: without end.
    events: Option<i64>,
    projection: SchemaRef,
    wanted: Wanted,
    kinds: Vec<Kind>,
    columns: Columns,
}

impl NexmarkReader {
    pub(super) fn open(
        spec: Arc<NexmarkSpec>,
        clock: Clock,
        state: &SplitState,
        projection: SchemaRef,
    ) -> Result<Self, ConnectorError> {
        let refuse = |message: String| ConnectorError::Position { table: spec.table.clone(), message };
        let split = NexmarkSplit::decode(&state.descriptor).map_err(refuse)?;
        let place = decode_position(&state.position).map_err(refuse)?;
        let place = place.unwrap_or_else(|| Generator::start(split.seed, split.first_event_id));
        let wanted = if spec.makes_all_columns { Wanted::ALL } else { Wanted::of(projection.fields()) };
        let shape = spec.shape(split.splits, split.base_ms);
        Ok(Self {
            texts: spec.texts(split.seed),
            generator: Generator::new(shape, split.first_event_id, place),
            events: spec.events.map(|events| split.share(events)),
            spec,
            clock,
            split,
            projection,
            wanted,
            kinds: Vec::new(),
            columns: Columns::default(),
        })
    }

    /// How many of the next `most` events are due, or how long it takes until one is.
    fn due(&self, most: usize) -> Result<usize, Duration> {
        if self.spec.is_unpaced {
            return Ok(most);
        }
        let since_start = self.clock.unix_ms() - self.split.start_ms;
        let due_after = |event: usize| {
            self.generator.time_ms(self.generator.place().events + 1 + event as i64) - self.split.base_ms
        };
        match (0..most).take_while(|event| due_after(*event) <= since_start).count() {
            0 => Err(Duration::from_millis((due_after(0) - since_start).clamp(1, 100).unsigned_abs())),
            count => Ok(count),
        }
    }

    fn generate(&mut self, count: usize) -> Result<RecordBatch, ConnectorError> {
        self.kinds.clear();
        for row in 0..count {
            let kind = self.generator.next(&self.texts, &self.wanted, row, &mut self.columns);
            self.kinds.push(kind);
        }
        let fields = self.projection.fields().clone();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for wanted in &fields {
            columns.push(self.column(wanted.name(), wanted.data_type(), count));
        }
        if self.spec.makes_all_columns {
            self.columns.person.clear();
            self.columns.auction.clear();
            self.columns.bid.clear();
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(self.projection.clone(), columns, &options).map_err(|error| {
            ConnectorError::Encode { table: self.spec.table.clone(), message: error.to_string() }
        })
    }

    fn column(&mut self, name: &str, data_type: &DataType, rows: usize) -> ArrayRef {
        let kind = match name {
            EVENT_TYPE => {
                return Arc::new(self.kinds.iter().map(|kind| *kind as i32).collect::<Int32Array>());
            }
            "person" => Kind::Person,
            "auction" => Kind::Auction,
            _ => Kind::Bid,
        };
        let DataType::Struct(fields) = data_type else {
            return arrow::array::new_null_array(data_type, rows);
        };
        let columns = &mut self.columns;
        let values = fields.iter().map(|field| {
            let made = match kind {
                Kind::Person => columns.person.finish(field.name(), rows),
                Kind::Auction => columns.auction.finish(field.name(), rows),
                Kind::Bid => columns.bid.finish(field.name(), rows),
            };
            made.unwrap_or_else(|| arrow::array::new_null_array(field.data_type(), rows))
        });
        let values = values.collect();
        let is_there = BooleanBuffer::from_iter(self.kinds.iter().map(|found| *found == kind));
        Arc::new(StructArray::new(fields.clone(), values, Some(NullBuffer::new(is_there))))
    }
}

impl SplitReader for NexmarkReader {
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        /// How often a source that is kept alive says that it is.
        const IDLE: Duration = Duration::from_millis(100);
        let done = self.generator.place().events;
        let left = self.events.map_or(i64::MAX, |events| events - done);
        if left <= 0 {
            return Ok(if self.spec.stays_alive { ReadOutcome::Pending(IDLE) } else { ReadOutcome::End });
        }
        let room = (MAX_BATCH_BYTES / self.spec.largest_bytes()).clamp(1, MAX_BATCH_ROWS);
        let most = max_rows.clamp(1, room).min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = match self.due(most) {
            Ok(count) => count,
            Err(wait) => return Ok(ReadOutcome::Pending(wait)),
        };
        let columns = self.generate(count)?;
        let place = self.generator.place();
        Ok(ReadOutcome::Batch(ReadBatch {
            columns,
            position: encode_position(place),
            skipped: 0,
            progress: self.events.map(|events| (place.events.unsigned_abs(), events.unsigned_abs())),
        }))
    }
}
