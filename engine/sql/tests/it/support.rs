//! Connectors that never touch the outside, and shorthands for compiling jobs in tests.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millstream_connectors::options::{OptionKind, OptionSpec};
use millstream_connectors::sink::{Publisher, Sink, SinkWriter, WriterContext};
use millstream_connectors::source::{Enumerator, Source, SplitReader};
use millstream_connectors::{Connector, ConnectorError, ConnectorRegistry, TableConfig};
use millstream_model::snapshot::SplitState;
use millstream_sql::{CompileOptions, Compiled, Diagnostics, compile};

/// `events` is read, `print` takes every change, `files` is read and takes inserts only.
pub(crate) struct Fake {
    name: &'static str,
    reads: bool,
    writes: bool,
    updates: bool,
}

struct FakeSource {
    bounded: bool,
    splits: Option<u32>,
}

struct FakeSink {
    updates: bool,
    writers: Option<u32>,
}

fn number(table: &TableConfig, key: &str) -> Option<u32> {
    table.option(key).and_then(|text| text.parse().ok())
}

impl Connector for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![
            OptionSpec::optional("path", OptionKind::Text, "where"),
            OptionSpec::optional("format", OptionKind::OneOf(&["csv", "json"]), "how"),
            OptionSpec::with_default("bounded", OptionKind::Boolean, "false", "whether it ends"),
            OptionSpec::optional("splits", OptionKind::Integer(1), "most readers"),
            OptionSpec::optional("writers", OptionKind::Integer(1), "most writers"),
        ]
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        let source =
            FakeSource { bounded: table.option("bounded") == Some("true"), splits: number(table, "splits") };
        Ok(self.reads.then(|| Arc::new(source) as Arc<dyn Source>))
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        if self.name == "files" && table.option("path").is_none() {
            let message = "the option 'path' is missing: where".to_owned();
            return Err(ConnectorError::Options { table: table.name.clone(), message });
        }
        let sink = FakeSink { updates: self.updates, writers: number(table, "writers") };
        Ok(self.writes.then(|| Arc::new(sink) as Arc<dyn Sink>))
    }
}

impl Source for FakeSource {
    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn max_parallelism(&self) -> Option<u32> {
        self.splits
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        Err(never())
    }

    fn open(
        &self,
        _split: &SplitState,
        _projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Err(never())
    }
}

impl Sink for FakeSink {
    fn accepts_updates(&self) -> bool {
        self.updates
    }

    fn is_staged(&self) -> bool {
        !self.updates
    }

    fn max_parallelism(&self) -> Option<u32> {
        self.writers
    }

    fn writer(&self, _context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Err(never())
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Err(never())
    }
}

fn never() -> ConnectorError {
    ConnectorError::Options { table: String::new(), message: "the test never runs it".to_owned() }
}

pub(crate) fn registry() -> ConnectorRegistry {
    let mut registry = ConnectorRegistry::new();
    let fakes = [("events", true, false, false), ("print", false, true, true), ("files", true, true, false)];
    for (name, reads, writes, updates) in fakes {
        registry.register(Arc::new(Fake { name, reads, writes, updates }));
    }
    registry
}

/// Compiles at the given parallelism.
pub(crate) fn compile_at(text: &str, parallelism: u32) -> Result<Compiled, Diagnostics> {
    let connectors = registry();
    let options = CompileOptions { parallelism: Some(parallelism), ..CompileOptions::new(&connectors) };
    compile(text, &options)
}

/// Tables that most tests use. One line, so that what follows on the next line is at line 2.
pub(crate) const TABLES: &str = "CREATE TABLE t (k STRING, a INT, b BIGINT, d DECIMAL(10, 2), x DOUBLE, ts TIMESTAMP(3), flag BOOLEAN, later AS ts + INTERVAL '1' HOUR, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'events'); CREATE TABLE plain (k STRING, a INT) WITH ('connector' = 'events'); CREATE TABLE p (k STRING, n BIGINT) WITH ('connector' = 'print'); CREATE TABLE f (k STRING, n BIGINT) WITH ('connector' = 'files', 'path' = 'x');";
