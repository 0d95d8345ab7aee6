//! The connector and its writer: a row is a line of its kind and its cells, `+I<TAB>7<TAB>text`.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use millstream_batch::StreamBatch;
use millstream_connectors::options::{OptionSpec, check_options};
use millstream_connectors::sink::{ClosedSegment, Publisher, Sink, SinkWriter, WriterContext};
use millstream_connectors::source::Source;
use millstream_connectors::{Connector, ConnectorError, TableConfig};

use crate::mock_sink::publisher::MockPublisher;
use crate::mock_sink::target::MockTarget;

/// Every table of this connector writes to the same target, under its own name.
#[derive(Clone, Debug)]
pub struct MockSinkConnector {
    target: MockTarget,
}

impl MockSinkConnector {
    /// Writes to `target`.
    #[must_use]
    pub const fn new(target: MockTarget) -> Self {
        Self { target }
    }
}

impl Connector for MockSinkConnector {
    fn name(&self) -> &'static str {
        "mock-transactional"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        Vec::new()
    }

    fn source(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        check_options(table, &self.options(table))?;
        Ok(Some(Arc::new(MockSink { table: table.name.clone(), target: self.target.clone() })))
    }
}

#[derive(Debug)]
struct MockSink {
    table: String,
    target: MockTarget,
}

impl Sink for MockSink {
    fn accepts_updates(&self) -> bool {
        true
    }

    fn is_staged(&self) -> bool {
        true
    }

    fn writer(&self, _context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(MockWriter { table: self.table.clone(), lines: String::new(), rows: 0 }))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(Some(Box::new(MockPublisher::new(&self.table, self.target.connect()))))
    }
}

struct MockWriter {
    table: String,
    lines: String,
    rows: u64,
}

impl SinkWriter for MockWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        let refuse = |message: String| ConnectorError::Encode { table: self.table.clone(), message };
        let options = FormatOptions::new().with_null("\u{0}");
        let columns = batch.columns().columns().iter();
        let cells = columns
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| refuse(e.to_string()))?;
        for row in 0..batch.num_rows() {
            let _ = write!(self.lines, "{}", batch.op(row));
            for cell in &cells {
                let text = cell.value(row).to_string();
                self.lines.push('\t');
                match text.as_str() {
                    "\u{0}" => self.lines.push_str("\\N"),
                    text => escape(text, &mut self.lines),
                }
            }
            self.lines.push('\n');
            self.rows += 1;
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.lines.len()
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        let (lines, rows) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.rows));
        let segment = ClosedSegment { partition: String::new(), bytes: Bytes::from(lines), rows };
        Ok(Some(segment).filter(|s| s.rows > 0).into_iter().collect())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            other => out.push(other),
        }
    }
}
