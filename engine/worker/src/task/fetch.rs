//! The thread that reads a source subtask's splits, so that the outside never blocks a slot.
//!
//! Some splits, up to 16 of most sources, are open at once and read in turn; what they give is handed over through a queue of 4 batches. A split
//! that waits to be opened holds the watermark back, so that splits with overlapping times do not make each other late.
//!
//! A split that gives no row for the idle timeout is reported idle, behind all of its rows in the queue. Malformed records
//! are no rows: as in Flink, only what is emitted counts. Time is looked at when a reader was just asked, so a thread that
//! was held up asks once more before it says so.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use millstream_connectors::ConnectorError;
use millstream_connectors::source::{ReadBatch, ReadOutcome, Source, SplitReader};
use millstream_model::SplitId;
use millstream_model::snapshot::SplitState;
use tokio::sync::mpsc;

use crate::clock::now;

/// Batches that wait for the task: enough to cover one turn of its loop.
const QUEUE_BATCHES: usize = 4;

/// Longest wait before a reader with nothing is asked again.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// What the thread hands over.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Rows of a split.
    Batch(SplitId, ReadBatch),
    /// The split has given no row for the idle timeout. Not repeated before its next rows.
    Idle(SplitId),
    /// The split is read to its end.
    End(SplitId),
    /// Reading failed; nothing follows.
    Failed(ConnectorError),
}

/// Handle of a fetch thread. The thread ends when the handle is dropped.
pub(crate) struct Fetcher {
    splits: Sender<SplitState>,
    pub(crate) fetched: mpsc::Receiver<Fetched>,
}

impl Fetcher {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(
        name: &str,
        source: Arc<dyn Source>,
        projection: SchemaRef,
        batch_rows: usize,
        idle_timeout: Option<Duration>,
    ) -> std::io::Result<Self> {
        let (splits, incoming) = channel();
        let (out, fetched) = mpsc::channel(QUEUE_BATCHES);
        std::thread::Builder::new().name(format!("fetch {name}")).spawn(move || {
            let mut thread = FetchThread {
                source,
                projection,
                batch_rows,
                idle_timeout,
                incoming,
                out,
                waiting: VecDeque::new(),
                open: Vec::new(),
            };
            if let Err(Some(error)) = thread.run() {
                let _ = thread.out.blocking_send(Fetched::Failed(error));
            }
        })?;
        Ok(Self { splits, fetched })
    }

    /// Adds a split behind the others.
    pub(crate) fn add(&self, split: SplitState) {
        // The thread is gone only after it handed over an error, which ends the task anyway.
        let _ = self.splits.send(split);
    }
}

struct FetchThread {
    source: Arc<dyn Source>,
    projection: SchemaRef,
    batch_rows: usize,
    idle_timeout: Option<Duration>,
    incoming: Receiver<SplitState>,
    out: mpsc::Sender<Fetched>,
    waiting: VecDeque<SplitState>,
    open: Vec<OpenSplit>,
}

struct OpenSplit {
    split: SplitId,
    reader: Box<dyn SplitReader>,
    /// Since when there was no row.
    dry_since: Option<Instant>,
    is_idle: bool,
}

impl OpenSplit {
    /// Notes that there was no row; true when that makes it idle now.
    fn falls_idle(&mut self, timeout: Option<Duration>) -> bool {
        let since = *self.dry_since.get_or_insert_with(now);
        let falls = !self.is_idle && timeout.is_some_and(|timeout| since.elapsed() >= timeout);
        self.is_idle |= falls;
        falls
    }
}

/// `Err(None)`: the task is gone.
type Stop = Option<ConnectorError>;

impl FetchThread {
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            self.take_incoming()?;
            while self.open.len() < self.source.max_open_splits().max(1) {
                let Some(split) = self.waiting.pop_front() else { break };
                let reader = self.source.open(&split, self.projection.clone())?;
                self.open.push(OpenSplit { split: split.split, reader, dry_since: None, is_idle: false });
            }
            if self.open.is_empty() {
                match self.incoming.recv() {
                    Ok(split) => self.waiting.push_back(split),
                    Err(_) => return Err(None),
                }
                continue;
            }
            if let Some(wait) = self.read_all_once()? {
                match self.incoming.recv_timeout(wait.min(MAX_WAIT)) {
                    Ok(split) => self.waiting.push_back(split),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Err(None),
                }
            }
        }
    }

    fn take_incoming(&mut self) -> Result<(), Stop> {
        loop {
            match self.incoming.try_recv() {
                Ok(split) => self.waiting.push_back(split),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(None),
            }
        }
    }

    /// Asks each open reader once. Returns how long to wait if none had anything.
    fn read_all_once(&mut self) -> Result<Option<Duration>, Stop> {
        let mut wait = Some(MAX_WAIT);
        let mut index = 0;
        while index < self.open.len() {
            let open = &mut self.open[index];
            let split = open.split.clone();
            let outcome = open.reader.read(self.batch_rows)?;
            let mut falls_idle = false;
            match &outcome {
                ReadOutcome::Batch(batch) if batch.columns.num_rows() > 0 => {
                    (open.dry_since, open.is_idle) = (None, false);
                }
                ReadOutcome::Batch(_) | ReadOutcome::Pending(_) => {
                    falls_idle = open.falls_idle(self.idle_timeout);
                }
                ReadOutcome::End => {}
            }
            match outcome {
                ReadOutcome::Batch(batch) => {
                    wait = None;
                    self.hand_over(Fetched::Batch(split.clone(), batch))?;
                    index += 1;
                }
                ReadOutcome::Pending(delay) => {
                    wait = wait.map(|w| w.min(delay));
                    index += 1;
                }
                ReadOutcome::End => {
                    wait = None;
                    self.open.remove(index);
                    self.hand_over(Fetched::End(split.clone()))?;
                }
            }
            if falls_idle {
                self.hand_over(Fetched::Idle(split))?;
            }
        }
        Ok(wait)
    }

    fn hand_over(&self, fetched: Fetched) -> Result<(), Stop> {
        self.out.blocking_send(fetched).map_err(|_| None)
    }
}
