//! The thread that reads a source subtask's splits, so that the outside never blocks a slot.
//!
//! Up to 16 splits are open at once and read in turn; what they give is handed over through a queue of 4 batches. A split
//! that waits to be opened holds the watermark back, so that splits with overlapping times do not make each other late.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use millstream_connectors::ConnectorError;
use millstream_connectors::source::{ReadBatch, ReadOutcome, Source, SplitReader};
use millstream_model::SplitId;
use millstream_model::snapshot::SplitState;
use tokio::sync::mpsc;

/// Splits read at the same time: bounded by file handles and buffers, a few hundred KB each.
const MAX_OPEN_SPLITS: usize = 16;

/// Batches that wait for the task: enough to cover one turn of its loop.
const QUEUE_BATCHES: usize = 4;

/// Longest wait before a reader with nothing is asked again.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// What the thread hands over.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Rows of a split.
    Batch(SplitId, ReadBatch),
    /// The split has nothing for the moment. Not repeated before its next rows.
    Dry(SplitId),
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
    ) -> std::io::Result<Self> {
        let (splits, incoming) = channel();
        let (out, fetched) = mpsc::channel(QUEUE_BATCHES);
        std::thread::Builder::new().name(format!("fetch {name}")).spawn(move || {
            let mut thread = FetchThread {
                source,
                projection,
                batch_rows,
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
    incoming: Receiver<SplitState>,
    out: mpsc::Sender<Fetched>,
    waiting: VecDeque<SplitState>,
    open: Vec<OpenSplit>,
}

struct OpenSplit {
    split: SplitId,
    reader: Box<dyn SplitReader>,
    is_dry: bool,
}

/// `Err(None)`: the task is gone.
type Stop = Option<ConnectorError>;

impl FetchThread {
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            self.take_incoming()?;
            while self.open.len() < MAX_OPEN_SPLITS {
                let Some(split) = self.waiting.pop_front() else { break };
                let reader = self.source.open(&split, self.projection.clone())?;
                self.open.push(OpenSplit { split: split.split, reader, is_dry: false });
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
            match open.reader.read(self.batch_rows)? {
                ReadOutcome::Batch(batch) => {
                    wait = None;
                    open.is_dry = false;
                    let split = open.split.clone();
                    self.hand_over(Fetched::Batch(split, batch))?;
                    index += 1;
                }
                ReadOutcome::Pending(delay) => {
                    wait = wait.map(|w| w.min(delay));
                    if !std::mem::replace(&mut open.is_dry, true) {
                        let split = open.split.clone();
                        self.hand_over(Fetched::Dry(split))?;
                    }
                    index += 1;
                }
                ReadOutcome::End => {
                    wait = None;
                    let OpenSplit { split, .. } = self.open.remove(index);
                    self.hand_over(Fetched::End(split))?;
                }
            }
        }
        Ok(wait)
    }

    fn hand_over(&self, fetched: Fetched) -> Result<(), Stop> {
        self.out.blocking_send(fetched).map_err(|_| None)
    }
}
