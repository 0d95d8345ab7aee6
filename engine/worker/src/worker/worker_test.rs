//! A worker driven by hand: numbers in, two chains, a collecting sink.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use millstream_batch::StreamBatch;
use millstream_connectors::options::OptionSpec;
use millstream_connectors::sink::{ClosedSegment, Publisher, SinkWriter, WriterContext};
use millstream_connectors::source::{Enumerator, ReadBatch, ReadOutcome, Source, SplitReader};
use millstream_connectors::{Connector, ConnectorError, TableConfig};
use millstream_expr::CompiledExpr;
use millstream_model::control::{Barrier, BarrierKind};
use millstream_model::graph::{Chain, Edge, JobGraph, OperatorNode, OperatorRole, Partitioning, RollPolicy};
use millstream_model::snapshot::{ObjectRef, SplitState, SubtaskSnapshot};
use millstream_model::{ChainId, CheckpointId, EdgeId, Epoch, OperatorUid, SplitId, Watermark};
use millstream_plan::{CompiledChain, OperatorSpec, SinkSpec, SinkTarget, SourceSpec};
use tokio::sync::Notify;

use super::*;
use crate::store::ObjectScope;

fn values(batch: &StreamBatch) -> Vec<i64> {
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}

/// Splits named `a..b` give the numbers of that range, 10 at a time; the position is the next number.
struct Numbers;

impl Connector for Numbers {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn options(&self, _: &TableConfig) -> Vec<OptionSpec> {
        Vec::new()
    }

    fn source(&self, _: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(Some(Arc::new(Self)))
    }

    fn sink(&self, _: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(None)
    }
}

impl Source for Numbers {
    fn is_bounded(&self) -> bool {
        true
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        Err(ConnectorError::Options {
            table: "numbers".into(),
            message: "the test assigns splits itself".into(),
        })
    }

    fn open(&self, split: &SplitState, schema: SchemaRef) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let (start, end) = split.split.0.split_once("..").unwrap();
        let end = end.parse().unwrap();
        let next = match split.position.as_slice() {
            [] => start.parse().unwrap(),
            position => String::from_utf8_lossy(position).parse().unwrap(),
        };
        Ok(Box::new(NumberReader { next, end, schema }))
    }
}

struct NumberReader {
    next: i64,
    end: i64,
    schema: SchemaRef,
}

impl SplitReader for NumberReader {
    fn read(&mut self, _: usize) -> Result<ReadOutcome, ConnectorError> {
        if self.next >= self.end {
            return Ok(ReadOutcome::End);
        }
        // Slow enough that barriers fall in between.
        std::thread::sleep(Duration::from_micros(200));
        let until = (self.next + 10).min(self.end);
        let values = Int64Array::from((self.next..until).collect::<Vec<_>>());
        self.next = until;
        Ok(ReadOutcome::Batch(ReadBatch {
            columns: RecordBatch::try_new(self.schema.clone(), vec![Arc::new(values)]).unwrap(),
            position: self.next.to_string().into_bytes(),
            skipped: 0,
            progress: None,
        }))
    }
}

/// A staged sink whose segments are the numbers as text.
#[derive(Default)]
struct Lines {
    hang: Option<Hang>,
}

/// Rows are not written before the test lets go of them.
#[derive(Clone)]
struct Hang {
    begins: Arc<Notify>,
    until: Arc<Mutex<std::sync::mpsc::Receiver<()>>>,
}

impl Sink for Lines {
    fn accepts_updates(&self) -> bool {
        false
    }

    fn is_staged(&self) -> bool {
        true
    }

    fn writer(&self, _: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(LineWriter { hang: self.hang.clone(), ..LineWriter::default() }))
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(None)
    }
}

#[derive(Default)]
struct LineWriter {
    text: String,
    rows: u64,
    hang: Option<Hang>,
}

impl SinkWriter for LineWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        if let Some(hang) = &self.hang {
            hang.begins.notify_one();
            let _ = hang.until.lock().unwrap().recv();
        }
        for value in values(batch) {
            self.text.push_str(&format!("{value}\n"));
            self.rows += 1;
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.text.len()
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        let (text, rows) = (std::mem::take(&mut self.text), std::mem::take(&mut self.rows));
        Ok(vec![ClosedSegment { partition: String::new(), bytes: Bytes::from(text), rows }])
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// Objects in memory; can be told to refuse.
#[derive(Debug, Default)]
struct MemoryStore {
    objects: Mutex<BTreeMap<String, Bytes>>,
    is_refusing: AtomicBool,
}

impl MemoryStore {
    fn put(&self, prefix: &str, bytes: Bytes) -> Result<ObjectRef, JobError> {
        if self.is_refusing.load(Ordering::SeqCst) {
            return Err(JobError::new(ErrorKind::Transient, "the store is away"));
        }
        let mut objects = self.objects.lock().unwrap();
        let key = format!("{prefix}/{}", objects.len());
        let length = bytes.len() as u64;
        objects.insert(key.clone(), bytes);
        Ok(ObjectRef { key, length, checksum: 0 })
    }
}

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn put_state(
        &self,
        _: ObjectScope,
        operator: &OperatorUid,
        _: &str,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        self.put(&operator.0, bytes)
    }

    async fn put_staged(
        &self,
        _: ObjectScope,
        sink: &OperatorUid,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        self.put(&sink.0, bytes)
    }

    async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, JobError> {
        Ok(self.objects.lock().unwrap()[&object.key].clone())
    }
}

/// `source (2) -hash-> sink (parallelism)`.
fn job(parallelism: u32) -> CompiledJob {
    let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, false)]));
    let node = |uid: &str, role| OperatorNode {
        uid: OperatorUid(uid.into()),
        name: uid.into(),
        role,
        meaning: String::new(),
    };
    let chain = |id, parallelism, operator: OperatorNode| Chain {
        id: ChainId(id),
        name: operator.name.clone(),
        parallelism,
        operators: vec![operator],
    };
    let sink_role = OperatorRole::Sink { staged: true, roll: RollPolicy { bytes: 0, age_ms: 0 } };
    let graph = JobGraph {
        chains: vec![
            chain(0, 2, node("numbers", OperatorRole::Source { bounded: true })),
            chain(1, parallelism, node("lines", sink_role)),
        ],
        edges: vec![Edge {
            id: EdgeId(0),
            from: ChainId(0),
            to: ChainId(1),
            partitioning: Partitioning::Hash { columns: vec![0] },
        }],
        max_parallelism: 256,
        fingerprint: "f".into(),
    };
    let source = SourceSpec {
        table: TableConfig {
            name: "numbers".into(),
            connector: "numbers".into(),
            options: BTreeMap::new(),
            schema: schema.clone(),
            partition_keys: Vec::new(),
            primary_key: Vec::new(),
            parallelism: 1,
            base_dir: "/".into(),
        },
        decode: schema.clone(),
        columns: vec![CompiledExpr::column(0, "v", DataType::Int64)],
        schema: schema.clone(),
        watermark: None,
    };
    let sink = SinkSpec { target: SinkTarget::Collect, schema, not_null: vec![], order: vec![] };
    CompiledJob {
        graph,
        parallelism,
        chains: vec![
            CompiledChain { operators: vec![OperatorSpec::Source(source)] },
            CompiledChain { operators: vec![OperatorSpec::Sink(sink)] },
        ],
        sql: String::new(),
    }
}

struct Rig {
    worker: tokio::task::JoinHandle<Result<(), WorkerError>>,
    to: mpsc::Sender<ToWorker>,
    from: mpsc::Receiver<FromWorker>,
    store: Arc<MemoryStore>,
    graph: JobGraph,
    attempt: Attempt,
}

impl Rig {
    async fn start(parallelism: u32) -> Self {
        Self::start_with(parallelism, Arc::new(Lines::default()), crate::CANCELLATION_TIMEOUT).await
    }

    async fn start_with(parallelism: u32, sink: Arc<dyn Sink>, cancellation_timeout: Duration) -> Self {
        let job = Arc::new(job(parallelism));
        let store = Arc::new(MemoryStore::default());
        let mut connectors = ConnectorRegistry::new();
        connectors.register(Arc::new(Numbers));
        let (to, incoming) = mpsc::channel(100);
        let (reports, from) = mpsc::channel(1_000);
        let settings = WorkerSettings {
            id: 1,
            slots: 2,
            job: job.clone(),
            compile: None,
            connectors,
            collect: Some(sink),
            store: store.clone(),
            batch_rows: 10,
            sabotage: crate::Sabotage::default(),
            operators: crate::OperatorFactory::default(),
            spill: None,
            slot_bytes: None,
            network: None,
            held: Arc::default(),
            cancellation_timeout,
        };
        let worker = tokio::spawn(run(settings, incoming, reports));
        let mut rig = Self { worker, to, from, store, graph: job.graph.clone(), attempt: Attempt(1) };
        assert!(matches!(rig.next().await, FromWorker::Registered { worker: 1, slots: 2, .. }));
        rig
    }

    async fn next(&mut self) -> FromWorker {
        loop {
            let message =
                tokio::time::timeout(Duration::from_secs(60), self.from.recv()).await.unwrap().unwrap();
            if !matches!(message, FromWorker::Heartbeat { .. }) {
                return message;
            }
        }
    }

    async fn deploy(&mut self) {
        let subtasks: Vec<_> = self.graph.subtasks().collect();
        let placement = subtasks.iter().map(|subtask| (*subtask, 1)).collect();
        let prepare = ToWorker::Prepare {
            attempt: self.attempt,
            placement,
            addresses: Vec::new(),
            parallelism: None,
            fingerprint: "f".into(),
        };
        self.to.send(prepare).await.unwrap();
        for subtask in &subtasks {
            let restore = SubtaskRestore::default();
            let generation = Generation(1);
            self.to
                .send(ToWorker::Deploy { attempt: self.attempt, generation, subtask: *subtask, restore })
                .await
                .unwrap();
        }
        for _ in &subtasks {
            assert!(matches!(self.next().await, FromWorker::SubtaskRunning { .. }));
        }
        self.to.send(ToWorker::Start { attempt: self.attempt }).await.unwrap();
    }

    async fn assign(&self, index: u32, splits: Vec<SplitState>, no_more: bool) {
        let subtask = SubtaskId { chain: ChainId(0), index };
        self.to
            .send(ToWorker::AssignSplits { attempt: self.attempt, subtask, splits, no_more })
            .await
            .unwrap();
    }

    async fn trigger(&self, checkpoint: u64) {
        let barrier = Barrier { checkpoint: CheckpointId(checkpoint), kind: BarrierKind::Checkpoint };
        for index in 0..2 {
            let subtask = SubtaskId { chain: ChainId(0), index };
            self.to.send(ToWorker::TriggerBarrier { attempt: self.attempt, subtask, barrier }).await.unwrap();
        }
    }

    /// All snapshots of a checkpoint; other messages are passed over.
    async fn snapshots(&mut self, checkpoint: u64) -> Vec<SubtaskSnapshot> {
        let mut found = Vec::new();
        while found.len() < self.graph.subtasks().count() {
            match self.next().await {
                FromWorker::SnapshotStored { checkpoint: c, snapshot, .. } if c.0 == checkpoint => {
                    found.push(snapshot)
                }
                FromWorker::SubtaskFailed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        found
    }

    fn staged(&self, snapshots: &[SubtaskSnapshot]) -> Vec<i64> {
        let objects = self.store.objects.lock().unwrap();
        let mut numbers: Vec<i64> = snapshots
            .iter()
            .flat_map(|s| &s.staged)
            .flat_map(|s| {
                String::from_utf8_lossy(&objects[&s.object.key])
                    .lines()
                    .map(|l| l.parse().unwrap())
                    .collect::<Vec<i64>>()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

fn split(range: &str, position: &str) -> SplitState {
    SplitState {
        split: SplitId(range.into()),
        descriptor: Vec::new(),
        position: position.as_bytes().to_vec(),
        watermark: Watermark::MIN,
        is_idle: false,
        is_finished: false,
    }
}

/// Numbers below a checkpoint's positions, for splits that start at 0 and 1000.
fn before(snapshots: &[SubtaskSnapshot]) -> Vec<i64> {
    let mut numbers = Vec::new();
    for state in snapshots.iter().flat_map(|s| &s.splits) {
        let start: i64 = state.split.0.split_once("..").unwrap().0.parse().unwrap();
        let end = String::from_utf8_lossy(&state.position).parse().unwrap_or(start);
        numbers.extend(start..end);
    }
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn a_task_that_does_not_end_ends_the_worker() {
    let (let_go, until) = std::sync::mpsc::channel();
    let hang = Hang { begins: Arc::default(), until: Arc::new(Mutex::new(until)) };
    let sink = Arc::new(Lines { hang: Some(hang.clone()) });
    let mut rig = Rig::start_with(1, sink, Duration::from_millis(100)).await;
    rig.deploy().await;
    rig.assign(0, vec![split("0..95", "")], true).await;
    hang.begins.notified().await;
    rig.to.send(ToWorker::Cancel { attempt: rig.attempt }).await.unwrap();
    let error = rig.worker.await.unwrap().unwrap_err().to_string();
    let expected =
        "has not ended 0.1 s after it was cancelled, and keeps its slot: this process has to start again";
    assert!(error.starts_with("subtask ") && error.ends_with(expected), "{error}");
    drop(let_go);
}

#[tokio::test]
async fn a_bounded_job_ends_and_every_row_is_staged_once() {
    for parallelism in [1, 2] {
        let mut rig = Rig::start(parallelism).await;
        rig.deploy().await;
        rig.assign(0, vec![split("0..95", ""), split("1000..1010", "")], true).await;
        rig.assign(1, vec![], true).await;
        let mut finished = 0;
        while finished < rig.graph.subtasks().count() {
            match rig.next().await {
                FromWorker::SubtaskFinished { .. } => finished += 1,
                FromWorker::SplitsFinished { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        rig.trigger(1).await;
        let snapshots = rig.snapshots(1).await;
        assert!(snapshots.iter().all(|s| s.is_finished));
        assert_eq!(rig.staged(&snapshots), (0..95).chain(1000..1010).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_checkpoint_holds_exactly_the_rows_before_its_positions() {
    let mut rig = Rig::start(2).await;
    rig.deploy().await;
    rig.assign(0, vec![split("0..900", "")], true).await;
    rig.assign(1, vec![split("1000..1900", "")], true).await;
    let mut all = Vec::new();
    for checkpoint in 1..=5 {
        tokio::time::sleep(Duration::from_millis(3)).await;
        rig.trigger(checkpoint).await;
        let snapshots = rig.snapshots(checkpoint).await;
        all.extend(rig.staged(&snapshots));
        all.sort_unstable();
        assert_eq!(all, before(&snapshots), "checkpoint {checkpoint}");
        let (attempt, checkpoint) = (rig.attempt, CheckpointId(checkpoint));
        rig.to.send(ToWorker::EpochOwned { attempt, checkpoint, epoch: Epoch(1) }).await.unwrap();
    }
}

#[tokio::test]
async fn what_an_aborted_checkpoint_held_is_in_the_next_one() {
    let mut rig = Rig::start(1).await;
    rig.deploy().await;
    rig.assign(0, vec![split("0..50", "")], true).await;
    rig.assign(1, vec![], true).await;
    rig.trigger(1).await;
    let snapshots = rig.snapshots(1).await;
    let first = rig.staged(&snapshots);
    // Nobody says that checkpoint 1 is owned.
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.trigger(2).await;
    let snapshots = rig.snapshots(2).await;
    let second = rig.staged(&snapshots);
    assert_eq!(second, (0..50).collect::<Vec<_>>());
    assert!(second.starts_with(&first));
}

#[tokio::test]
async fn a_store_that_refuses_fails_the_checkpoint_and_not_the_job() {
    let mut rig = Rig::start(1).await;
    rig.deploy().await;
    rig.assign(0, vec![split("0..30", "")], true).await;
    rig.assign(1, vec![], true).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.store.is_refusing.store(true, Ordering::SeqCst);
    rig.trigger(1).await;
    loop {
        if let FromWorker::SnapshotFailed { error, checkpoint, .. } = rig.next().await {
            assert_eq!((error.kind, checkpoint), (ErrorKind::Transient, CheckpointId(1)));
            break;
        }
    }
    rig.store.is_refusing.store(false, Ordering::SeqCst);
    rig.trigger(2).await;
    let snapshots = rig.snapshots(2).await;
    assert_eq!(rig.staged(&snapshots), (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn splits_continue_from_their_positions_and_a_new_attempt_replaces_the_old() {
    let mut rig = Rig::start(2).await;
    rig.deploy().await;
    rig.assign(0, vec![split("0..100000", "")], true).await;
    rig.to.send(ToWorker::Cancel { attempt: Attempt(1) }).await.unwrap();
    while !matches!(rig.next().await, FromWorker::Cancelled { attempt: Attempt(1), .. }) {}
    rig.attempt = Attempt(2);
    rig.deploy().await;
    rig.assign(0, vec![split("0..100", "70")], true).await;
    rig.assign(1, vec![], true).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.trigger(9).await;
    let snapshots = rig.snapshots(9).await;
    assert_eq!(rig.staged(&snapshots), (70..100).collect::<Vec<_>>());
}
