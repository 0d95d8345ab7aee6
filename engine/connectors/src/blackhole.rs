//! The connector `blackhole`: takes every row and keeps none. For measuring.

use std::sync::Arc;

use millstream_batch::StreamBatch;

use crate::error::ConnectorError;
use crate::options::{OptionSpec, check_options};
use crate::registry::Connector;
use crate::sink::{ClosedSegment, Publisher, Sink, SinkWriter, WriterContext};
use crate::source::Source;
use crate::table::TableConfig;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlackholeConnector;

impl Connector for BlackholeConnector {
    fn name(&self) -> &'static str {
        "blackhole"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![OptionSpec::refused("sink.parallelism", "the parallelism of the job is used")]
    }

    fn source(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        check_options(table, &self.options(table))?;
        Ok(Some(Arc::new(Blackhole)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Blackhole;

impl Sink for Blackhole {
    fn accepts_updates(&self) -> bool {
        true
    }

    fn is_staged(&self) -> bool {
        false
    }

    fn writer(&self, _context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(Self))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(None)
    }
}

impl SinkWriter for Blackhole {
    fn write(&mut self, _batch: &StreamBatch) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}
