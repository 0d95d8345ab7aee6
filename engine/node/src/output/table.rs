//! A result as a table: the rows that remain when all changes are applied.
//!
//! Bounded input is shown once, at its end. Unbounded input is a live view: the newest rows that fit the screen, drawn
//! again at most five times a second.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, SchemaRef};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use millstream_batch::StreamBatch;

use super::cells;
use super::collect::ResultWriter;

type Row = Vec<Option<String>>;

/// Rows of a live view: what fits a small terminal under a header.
const LIVE_ROWS: usize = 20;
const LIVE_PAUSE: Duration = Duration::from_millis(200);

/// Applies changes to a set of rows and shows them.
pub struct TableWriter<W> {
    out: W,
    schema: SchemaRef,
    is_live: bool,
    /// Rows in the order in which they came; `None` where one was taken back.
    rows: Vec<Option<Row>>,
    /// Where equal rows are, newest last.
    places: HashMap<Row, Vec<usize>>,
    count: usize,
    drawn: Option<Instant>,
}

impl<W: Write + Send> TableWriter<W> {
    /// A table of this schema; `is_live` draws it again and again.
    pub fn new(out: W, schema: SchemaRef, is_live: bool) -> Self {
        Self { out, schema, is_live, rows: Vec::new(), places: HashMap::new(), count: 0, drawn: None }
    }

    fn apply(&mut self, row: Row, is_addition: bool) {
        if is_addition {
            self.places.entry(row.clone()).or_default().push(self.rows.len());
            self.rows.push(Some(row));
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
                self.places.entry(row.clone()).or_default().push(place);
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
        let rows = self.rows.iter().flatten();
        let skipped = limit.map_or(0, |limit| self.count.saturating_sub(limit));
        for row in rows.skip(skipped) {
            table.add_row(row.iter().map(|cell| cell.as_deref().unwrap_or("<NULL>")));
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
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|c| c[row].clone()).collect();
            self.apply(cells, batch.op(row).is_addition());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, RecordBatch};
    use arrow::datatypes::{Field, Schema};
    use millstream_batch::{Ops, RowOp};

    use super::*;

    fn batch(changes: &[(RowOp, i32)]) -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, true)]));
        let values = Int32Array::from(changes.iter().map(|c| c.1).collect::<Vec<_>>());
        let ops: Ops = changes.iter().map(|c| c.0).collect();
        StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap()).with_ops(Some(ops))
    }

    fn remaining(writer: &TableWriter<Vec<u8>>) -> Vec<String> {
        writer.rows.iter().flatten().map(|r| r[0].clone().unwrap_or_default()).collect()
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
        let mut writer = TableWriter::new(Vec::new(), batch.schema(), false);
        writer.write(&batch).unwrap();
        assert_eq!(remaining(&writer), ["1", "2"]);
        writer.finish().unwrap();
        let text = String::from_utf8(writer.out).unwrap();
        assert!(text.contains(" n ") && text.ends_with("2 rows\n"), "{text}");
    }

    #[test]
    fn gaps_close_without_losing_rows() {
        let mut writer = TableWriter::new(Vec::new(), batch(&[]).schema(), false);
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
