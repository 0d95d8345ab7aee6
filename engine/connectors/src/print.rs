//! The connector `print`: every change on a line of its own, as Flink prints it, at least once.
//!
//! Example: `+I[1, a, 2024-01-01T10:00, null]`; with parallelism 2 the second subtask writes `2> +I[...]`, and with
//! `'print-identifier' = 'debug'` it writes `debug:2> +I[...]`. Values look as Java's classes print them: TIMESTAMP
//! `2024-01-01T10:00`, TIMESTAMP_LTZ `2024-01-01T10:00:00Z`, BYTES `[104, -1]`, a row in a row
//! `+I[7, b]`.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_batch::StreamBatch;

use crate::error::ConnectorError;
use crate::format::render::values::{Values, write_java_fields};
use crate::format::{Nesting, check_columns};
use crate::options::{OptionKind, OptionSpec, check_options};
use crate::registry::Connector;
use crate::sink::{ClosedSegment, Publisher, Sink, SinkWriter, WriterContext};
use crate::source::Source;
use crate::table::TableConfig;

/// Where lines go. Clones write to the same place, whole lines at a time.
#[derive(Clone)]
pub struct PrintTarget(Arc<Mutex<dyn Write + Send>>);

impl PrintTarget {
    /// Writes to `target`.
    pub fn new(target: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(target)))
    }

    fn write(&self, lines: &[u8]) -> std::io::Result<()> {
        let mut target = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        target.write_all(lines)?;
        target.flush()
    }
}

impl fmt::Debug for PrintTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrintTarget")
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct PrintConnector {
    output: PrintTarget,
    errors: PrintTarget,
}

impl PrintConnector {
    /// Prints to `output`, or to `errors` with `'standard-error' = 'true'`.
    #[must_use]
    pub const fn new(output: PrintTarget, errors: PrintTarget) -> Self {
        Self { output, errors }
    }
}

impl Connector for PrintConnector {
    fn name(&self) -> &'static str {
        "print"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![
            OptionSpec::with_default("print-identifier", OptionKind::Text, "", "what every line starts with"),
            OptionSpec::with_default(
                "standard-error",
                OptionKind::Boolean,
                "false",
                "whether to print to standard error rather than to standard output",
            ),
            OptionSpec::refused("sink.parallelism", "the parallelism of the job is used"),
        ]
    }

    fn source(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        let options = check_options(table, &self.options(table))?;
        check_columns(table, Nesting::Rows)?;
        Ok(Some(Arc::new(PrintSink {
            table: table.name.clone(),
            identifier: options.text("print-identifier").unwrap_or_default().to_owned(),
            target: if options.boolean("standard-error") { self.errors.clone() } else { self.output.clone() },
        })))
    }
}

#[derive(Debug)]
struct PrintSink {
    table: String,
    identifier: String,
    target: PrintTarget,
}

impl Sink for PrintSink {
    fn accepts_updates(&self) -> bool {
        true
    }

    fn is_staged(&self) -> bool {
        false
    }

    fn writer(&self, context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let subtask = context.index + 1;
        let prefix = match (self.identifier.as_str(), context.parallelism > 1) {
            ("", false) => String::new(),
            ("", true) => format!("{subtask}> "),
            (identifier, false) => format!("{identifier}> "),
            (identifier, true) => format!("{identifier}:{subtask}> "),
        };
        Ok(Box::new(PrintWriter {
            table: self.table.clone(),
            prefix,
            target: self.target.clone(),
            lines: Vec::new(),
        }))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(None)
    }
}

struct PrintWriter {
    table: String,
    prefix: String,
    target: PrintTarget,
    lines: Vec<u8>,
}

impl SinkWriter for PrintWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        let columns = batch.columns().columns().iter().map(Values::of).collect::<Result<Vec<_>, _>>();
        let columns =
            columns.map_err(|message| ConnectorError::Encode { table: self.table.clone(), message })?;
        for row in 0..batch.num_rows() {
            let _ = write!(self.lines, "{}{}[", self.prefix, batch.op(row));
            write_java_fields(&columns, row, &mut self.lines);
            self.lines.extend_from_slice(b"]\n");
        }
        self.flush()
    }

    fn buffered_bytes(&self) -> usize {
        self.lines.len()
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = self.target.write(&self.lines);
        self.lines.clear();
        written.map_err(|error| ConnectorError::Io {
            table: self.table.clone(),
            action: "cannot print".to_owned(),
            cause: error.to_string(),
        })
    }
}

#[cfg(test)]
mod print_test;
