//! Sources that read slowly and stop where a test wants it.
//!
//! Owns when rows may pass, never which: a wrapper around the readers of a connector. Example: with a budget of 10 rows, two
//! readers of 8 rows each give 10 together, then say that nothing is there until more is allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use millstream_connectors::options::OptionSpec;
use millstream_connectors::sink::Sink;
use millstream_connectors::source::{Enumerator, ReadOutcome, Source, SplitReader};
use millstream_connectors::{Connector, ConnectorError, TableConfig};
use millstream_model::snapshot::SplitState;
use tokio::sync::watch;

/// How slowly readers read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As fast as they can.
    Full,
    /// Few rows at a time with a pause behind each; more at a time the further they are, so that long input does not take
    /// longer than some dozens of pauses.
    Slow {
        /// Rows at a time, at first.
        rows: usize,
        /// The pause.
        pause: Duration,
    },
}

/// Rows that all sources of a job together may give. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit: Arc<AtomicU64>,
    given: Arc<watch::Sender<u64>>,
}

impl Budget {
    /// Lets so many rows through.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit: Arc::new(AtomicU64::new(limit)), given: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets so many through in all.
    pub(crate) fn allow(&self, limit: u64) {
        self.limit.store(limit, Ordering::SeqCst);
    }

    /// Rows let through so far.
    pub(crate) fn given(&self) -> u64 {
        *self.given.borrow()
    }

    /// Waits until all that is allowed was let through.
    pub(crate) async fn used_up(&self) {
        let mut given = self.given.subscribe();
        let _ = given.wait_for(|given| *given >= self.limit.load(Ordering::SeqCst)).await;
    }

    fn left(&self) -> u64 {
        self.limit.load(Ordering::SeqCst).saturating_sub(self.given())
    }

    fn take(&self, rows: u64) {
        self.given.send_modify(|given| *given += rows);
    }
}

/// The connector with its readers slowed down.
pub(crate) fn wrap(inner: Arc<dyn Connector>, pace: Pace, budget: Budget) -> Arc<dyn Connector> {
    Arc::new(PacedConnector { inner, pace, budget })
}

struct PacedConnector {
    inner: Arc<dyn Connector>,
    pace: Pace,
    budget: Budget,
}

impl Connector for PacedConnector {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn options(&self, table: &TableConfig) -> Vec<OptionSpec> {
        self.inner.options(table)
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        let wrap = |inner| -> Arc<dyn Source> {
            Arc::new(PacedSource { inner, pace: self.pace, budget: self.budget.clone() })
        };
        Ok(self.inner.source(table)?.map(wrap))
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        self.inner.sink(table)
    }
}

struct PacedSource {
    inner: Arc<dyn Source>,
    pace: Pace,
    budget: Budget,
}

impl Source for PacedSource {
    fn is_bounded(&self) -> bool {
        self.inner.is_bounded()
    }

    fn max_parallelism(&self) -> Option<u32> {
        self.inner.max_parallelism()
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        self.inner.enumerator()
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let inner = self.inner.open(split, projection)?;
        Ok(Box::new(PacedReader {
            inner,
            pace: self.pace,
            budget: self.budget.clone(),
            given: 0,
            rests: false,
        }))
    }
}

struct PacedReader {
    inner: Box<dyn SplitReader>,
    pace: Pace,
    budget: Budget,
    given: usize,
    rests: bool,
}

impl SplitReader for PacedReader {
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        let mut rows = max_rows;
        if let Pace::Slow { rows: first, pause } = self.pace {
            if std::mem::take(&mut self.rests) {
                return Ok(ReadOutcome::Pending(pause));
            }
            rows = rows.min(first + self.given / 16);
            self.rests = true;
        }
        let left = self.budget.left();
        if left == 0 {
            return Ok(ReadOutcome::Pending(Duration::from_millis(1)));
        }
        let outcome = self.inner.read(rows.min(usize::try_from(left).unwrap_or(usize::MAX)))?;
        if let ReadOutcome::Batch(batch) = &outcome {
            self.given += batch.columns.num_rows();
            self.budget.take(batch.columns.num_rows() as u64);
        }
        Ok(outcome)
    }
}
