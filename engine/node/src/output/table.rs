//! A result as a table: the rows that remain when all changes are applied.
//!
//! Bounded input is shown once, at its end; groups in the order of their key, since the order in which they come depends on
//! threads. Unbounded input is a live view: the newest rows that fit the screen, drawn again at most five times a second.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, SortField};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use millstream_batch::StreamBatch;
use millstream_plan::SinkSpec;

use super::cells;
use super::collect::ResultWriter;

type Row = Vec<Option<String>>;

/// A row with what it is sorted by.
struct Placed {
    cells: Row,
    key: Box<[u8]>,
}

/// Rows of a live view: what fits a small terminal under a header.
const LIVE_ROWS: usize = 20;
const LIVE_PAUSE: Duration = Duration::from_millis(200);

/// Applies changes to a set of rows and shows them.
pub struct TableWriter<W> {
    out: W,
    schema: SchemaRef,
    order: Order,
    is_live: bool,
    /// Rows in the order in which they came; `None` where one was taken back.
    rows: Vec<Option<Placed>>,
    /// Where equal rows are, newest last.
    places: HashMap<Row, Vec<usize>>,
    count: usize,
    drawn: Option<Instant>,
}

impl<W: Write + Send> TableWriter<W> {
    /// A table of this result; `is_live` draws it again and again.
    pub fn new(out: W, result: &SinkSpec, is_live: bool) -> Self {
        let schema = result.schema.clone();
        let order = Order::new(&schema, &result.order);
        Self { out, schema, order, is_live, rows: Vec::new(), places: HashMap::new(), count: 0, drawn: None }
    }

    fn apply(&mut self, row: Row, key: Box<[u8]>, is_addition: bool) {
        if is_addition {
            self.places.entry(row.clone()).or_default().push(self.rows.len());
            self.rows.push(Some(Placed { cells: row, key }));
            self.count += 1;
            return;
        }
        let Some(places) = self.places.get_mut(&row) else { return };
        if let Some(place) = places.pop() {
            self.rows[place] = None;
            self.count -= 1;
        }
        if places.is_empty() {
            self.places.remove(&row);
        }
        // Taken-back rows leave gaps; close them when they are most of the list.
        if self.rows.len() > 1_024 && self.rows.len() > 2 * self.count {
            self.close_gaps();
        }
    }

    fn close_gaps(&mut self) {
        self.rows.retain(Option::is_some);
        self.places.clear();
        for (place, row) in self.rows.iter().enumerate() {
            if let Some(row) = row {
                self.places.entry(row.cells.clone()).or_default().push(place);
            }
        }
    }

    fn draw(&mut self, limit: Option<usize>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(self.schema.fields().iter().map(|f| f.name().clone()));
        for (index, field) in self.schema.fields().iter().enumerate() {
            if is_number(field.data_type())
                && let Some(column) = table.column_mut(index)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let skipped = limit.map_or(0, |limit| self.count.saturating_sub(limit));
        let mut rows: Vec<&Placed> = self.rows.iter().flatten().skip(skipped).collect();
        // Rows with equal keys stay as they came.
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        for row in rows {
            table.add_row(row.cells.iter().map(|cell| cell.as_deref().unwrap_or("<NULL>")));
        }
        writeln!(self.out, "{table}")?;
        let plural = if self.count == 1 { "row" } else { "rows" };
        if skipped > 0 {
            writeln!(self.out, "{} {plural}, the newest {} shown", self.count, self.count - skipped)?;
        } else {
            writeln!(self.out, "{} {plural}", self.count)?;
        }
        self.out.flush()
    }
}

impl<W: Write + Send> ResultWriter for TableWriter<W> {
    fn write(&mut self, batch: &StreamBatch) -> io::Result<()> {
        let columns = cells::columns(batch.columns()).map_err(io::Error::other)?;
        let keys = self.order.keys(batch).map_err(io::Error::other)?;
        for (row, key) in keys.into_iter().enumerate() {
            let cells = columns.iter().map(|c| c[row].clone()).collect();
            self.apply(cells, key, batch.op(row).is_addition());
        }
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a live view is drawn by the wall clock; no result depends on it"
    )]
    fn flush(&mut self) -> io::Result<()> {
        if !self.is_live || self.drawn.is_some_and(|d| d.elapsed() < LIVE_PAUSE) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        // Home, then clear: the screen shows one table at a time.
        write!(self.out, "\x1b[H\x1b[2J")?;
        self.draw(Some(LIVE_ROWS))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.draw(None)
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Columns whose values, ascending and NULL last as in PostgreSQL, decide where a row is shown.
struct Order {
    columns: Vec<usize>,
    converter: Option<RowConverter>,
}

impl Order {
    fn new(schema: &SchemaRef, columns: &[usize]) -> Self {
        let options = SortOptions { descending: false, nulls_first: false };
        let field = |c: &usize| SortField::new_with_options(schema.field(*c).data_type().clone(), options);
        let fields: Vec<SortField> = columns.iter().map(field).collect();
        // A type that cannot be sorted leaves the rows as they come.
        let converter = if fields.is_empty() { None } else { RowConverter::new(fields).ok() };
        Self { columns: columns.to_vec(), converter }
    }

    /// Bytes that compare as the rows do; empty ones if there is no order.
    fn keys(&self, batch: &StreamBatch) -> Result<Vec<Box<[u8]>>, arrow::error::ArrowError> {
        let Some(converter) = &self.converter else {
            return Ok(vec![Box::default(); batch.num_rows()]);
        };
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| batch.column(*c).clone()).collect();
        Ok(converter.convert_columns(&columns)?.iter().map(|row| row.data().into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, RecordBatch};
    use arrow::datatypes::{Field, Schema};
    use millstream_batch::{Ops, RowOp};
    use millstream_plan::SinkTarget;

    use super::*;

    fn batch(changes: &[(RowOp, i32)]) -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, true)]));
        let values = Int32Array::from(changes.iter().map(|c| c.1).collect::<Vec<_>>());
        let ops: Ops = changes.iter().map(|c| c.0).collect();
        StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap()).with_ops(Some(ops))
    }

    fn writer(batch: &StreamBatch, order: &[usize]) -> TableWriter<Vec<u8>> {
        let result = SinkSpec {
            target: SinkTarget::Collect,
            schema: batch.schema(),
            not_null: Vec::new(),
            order: order.to_vec(),
        };
        TableWriter::new(Vec::new(), &result, false)
    }

    fn remaining(writer: &TableWriter<Vec<u8>>) -> Vec<String> {
        writer.rows.iter().flatten().map(|r| r.cells[0].clone().unwrap_or_default()).collect()
    }

    #[test]
    fn groups_are_shown_in_the_order_of_their_key_and_other_rows_as_they_come() {
        let additions = |numbers: &[i32]| batch(&Vec::from_iter(numbers.iter().map(|n| (RowOp::Insert, *n))));
        for (order, expected) in [(&[0][..], ["-5", "9", "10", "200"]), (&[], ["10", "9", "200", "-5"])] {
            let mut writer = writer(&additions(&[]), order);
            writer.write(&additions(&[10, 9])).unwrap();
            writer.write(&additions(&[200, -5])).unwrap();
            writer.finish().unwrap();
            let text = String::from_utf8(writer.out).unwrap();
            let numbers: Vec<&str> =
                text.split_whitespace().filter(|word| word.parse::<i32>().is_ok()).take(4).collect();
            assert_eq!(numbers, expected, "{text}");
        }
    }

    #[test]
    fn null_comes_last() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, true)]));
        let values = Int32Array::from(vec![None, Some(3), Some(1)]);
        let batch = StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap());
        let keys = Order::new(&batch.schema(), &[0]).keys(&batch).unwrap();
        assert!(keys[2] < keys[1] && keys[1] < keys[0]);
    }

    #[test]
    fn changes_fold_to_the_final_rows() {
        let changes = [
            (RowOp::Insert, 1),
            (RowOp::Insert, 1),
            (RowOp::UpdateBefore, 1),
            (RowOp::UpdateAfter, 2),
            (RowOp::Insert, 3),
            (RowOp::Delete, 3),
        ];
        let batch = batch(&changes);
        let mut writer = writer(&batch, &[]);
        writer.write(&batch).unwrap();
        assert_eq!(remaining(&writer), ["1", "2"]);
        writer.finish().unwrap();
        let text = String::from_utf8(writer.out).unwrap();
        assert!(text.contains(" n ") && text.ends_with("2 rows\n"), "{text}");
    }

    #[test]
    fn gaps_close_without_losing_rows() {
        let mut writer = writer(&batch(&[]), &[]);
        for n in 0..5_000 {
            writer.write(&batch(&[(RowOp::Insert, n)])).unwrap();
            if n >= 10 {
                writer.write(&batch(&[(RowOp::Delete, n - 10)])).unwrap();
            }
        }
        assert_eq!(remaining(&writer), (4_990..5_000).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(writer.rows.len() < 2_000);
    }
}
