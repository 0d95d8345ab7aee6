//! Where the rows of a bare SELECT go.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millstream_connectors::print::{PrintConnector, PrintTarget};
use millstream_connectors::sink::{Publisher, Sink, SinkWriter, WriterContext};
use millstream_connectors::{Connector as _, ConnectorError, TableConfig};
use millstream_coordinator::JobOutcome;
use millstream_plan::SinkSpec;

use crate::cli::args::OutputFormat;
use crate::output::{CollectSink, CsvWriter, JsonWriter, TableWriter};

/// A result on stdout.
pub(super) enum Result {
    /// Handed to a writer of ours.
    Collected(CollectSink),
    /// Printed as the print connector does.
    Printed(Arc<dyn Sink>),
}

impl Result {
    pub(super) fn sink(&self) -> Arc<dyn Sink> {
        match self {
            Self::Collected(sink) => Arc::new(sink.clone()),
            Self::Printed(sink) => sink.clone(),
        }
    }

    /// Shows what only a complete result can show.
    pub(super) fn finish(&self, outcome: &JobOutcome) -> io::Result<()> {
        match (self, outcome) {
            (Self::Collected(sink), JobOutcome::Finished { .. } | JobOutcome::Stopped { .. }) => {
                sink.finish()
            }
            _ => Ok(()),
        }
    }
}

/// The sink for a result.
pub(super) fn sink(result: &SinkSpec, format: Option<OutputFormat>, is_bounded: bool) -> Result {
    let schema = &result.schema;
    let is_terminal = io::stdout().is_terminal();
    let format = format.unwrap_or(if is_terminal { OutputFormat::Table } else { OutputFormat::Changelog });
    let out = io::BufWriter::new(io::stdout());
    match format {
        OutputFormat::Table => {
            let is_live = is_terminal && !is_bounded;
            Result::Collected(CollectSink::new(Box::new(TableWriter::new(out, result, is_live))))
        }
        OutputFormat::Json => Result::Collected(CollectSink::new(Box::new(JsonWriter::new(out)))),
        OutputFormat::Csv => {
            Result::Collected(CollectSink::new(Box::new(CsvWriter::new(out, schema.clone()))))
        }
        OutputFormat::Changelog => match print_sink(schema) {
            Some(sink) => Result::Printed(sink),
            // Every type of a result can be printed; JSON is the fallback that cannot fail.
            None => Result::Collected(CollectSink::new(Box::new(JsonWriter::new(out)))),
        },
    }
}

fn print_sink(schema: &SchemaRef) -> Option<Arc<dyn Sink>> {
    let table = TableConfig {
        name: "result".into(),
        connector: "print".into(),
        options: BTreeMap::new(),
        schema: schema.clone(),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: ".".into(),
    };
    let output = PrintTarget::new(io::stdout());
    let sink = PrintConnector::new(output.clone(), output).sink(&table).ok()??;
    Some(Arc::new(Unnumbered(sink)))
}

/// A sink whose lines do not say which subtask wrote them: a result is one thing.
struct Unnumbered(Arc<dyn Sink>);

impl Sink for Unnumbered {
    fn accepts_updates(&self) -> bool {
        self.0.accepts_updates()
    }

    fn is_staged(&self) -> bool {
        self.0.is_staged()
    }

    fn writer(&self, _: WriterContext) -> std::result::Result<Box<dyn SinkWriter>, ConnectorError> {
        self.0.writer(WriterContext { index: 0, parallelism: 1 })
    }

    fn publisher(&self) -> std::result::Result<Option<Box<dyn Publisher>>, ConnectorError> {
        self.0.publisher()
    }
}
