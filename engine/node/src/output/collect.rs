//! The sink behind a bare SELECT.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_batch::StreamBatch;
use millstream_connectors::ConnectorError;
use millstream_connectors::sink::{ClosedSegment, Publisher, Sink, SinkWriter, WriterContext};

/// Shows the changes of a result.
pub trait ResultWriter: Send {
    /// Takes changes, in order.
    ///
    /// # Errors
    /// When the output cannot be written; a closed pipe is one.
    fn write(&mut self, batch: &StreamBatch) -> io::Result<()>;

    /// Shows what was held back so far.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn flush(&mut self) -> io::Result<()>;

    /// The result is complete.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// Hands the rows of all subtasks to one writer.
#[derive(Clone)]
pub struct CollectSink {
    writer: Arc<Mutex<Box<dyn ResultWriter>>>,
}

impl CollectSink {
    /// A sink over this writer.
    #[must_use]
    pub fn new(writer: Box<dyn ResultWriter>) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)) }
    }

    /// Tells the writer that the result is complete.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&self) -> io::Result<()> {
        self.with(|w| w.finish())
    }

    fn with<T>(&self, action: impl FnOnce(&mut dyn ResultWriter) -> T) -> T {
        action(self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }
}

impl fmt::Debug for CollectSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectSink")
    }
}

impl Sink for CollectSink {
    fn accepts_updates(&self) -> bool {
        true
    }

    fn is_staged(&self) -> bool {
        false
    }

    fn writer(&self, _: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(self.clone()))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(None)
    }
}

impl SinkWriter for CollectSink {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        self.with(|w| w.write(batch)).map_err(|e| failed(&e))
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        self.with(|w| w.flush()).map_err(|e| failed(&e))
    }
}

fn failed(error: &io::Error) -> ConnectorError {
    // Not a fault that a restart heals: whoever read the result is gone.
    ConnectorError::Encode { table: "result".into(), message: format!("stdout: {error}") }
}
