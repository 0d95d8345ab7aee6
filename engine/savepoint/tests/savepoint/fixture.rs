//! A small job with every kind of state: `src` -> `agg` (tables `main` and `call4`) and `join` (an empty table) -> `out`.
//!
//! It is at parallelism 2 with 16 key groups and has two epochs. The second has deltas for subtask 0 and a new base for
//! subtask 1, some output, and a source that has read half a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Int64Array, RecordBatch,
    StringArray, TimestampMillisecondArray, UInt16Array,
};
use arrow::datatypes::{DataType, Field, TimeUnit, UInt16Type};
use arrow::util::display::array_value_to_string;
use millstream_checkpoint::layout::Writer;
use millstream_checkpoint::{
    Manifest, OperatorState, Outcome, OwnedCheckpoint, Publication, SinkState, SourceState, plan_restore,
};
use millstream_checkpoint_store::{
    ClaimOutcome, Incarnation, JobStore, Nonces, StoreSettings, TakeOver, TakeOverRequest,
};
use millstream_model::graph::{Chain, JobGraph, OperatorNode, OperatorRole, RollPolicy};
use millstream_model::key_group::{key_group_of, key_hash};
use millstream_model::snapshot::{
    ObjectRef, OperatorCounters, OperatorFacts, SplitState, StagedSegment, StateSegment, SubtaskSnapshot,
};
use millstream_model::{
    Attempt, ChainId, CheckpointId, Epoch, JobIdentity, KeyGroupRange, OperatorUid, SplitId, SubtaskId,
    Watermark,
};
use millstream_savepoint::{
    SavepointError, SavepointLocation, SavepointManifest, SavepointReader, SavepointRequest,
    SavepointSettings, write,
};
use millstream_state::{FrozenTable, RestoredTable, segment_schema};
use millstream_storage::{MemoryStorage, ObjectStorage, Patience};

pub(crate) const KEY_GROUPS: u32 = 16;
const PARALLELISM: u32 = 2;
/// When everything happens.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// Rows by table, as text: `7 k13: 13, 1.30, n13, 1970-01-01T00:00:13, 1`.
pub(crate) type Rows = BTreeMap<String, Vec<String>>;

pub(crate) fn uid(name: &str) -> OperatorUid {
    OperatorUid(name.to_owned())
}

pub(crate) fn job() -> JobIdentity {
    JobIdentity { namespace: "default".into(), name: "flights".into(), uid: "local".into() }
}

/// Another job, which starts from savepoints of the first.
pub(crate) fn copy() -> JobIdentity {
    JobIdentity { name: "copy".into(), ..job() }
}

pub(crate) const PATIENCE: Patience = Patience {
    attempts: 4,
    call_deadline: Duration::from_secs(60),
    first_pause: Duration::from_micros(10),
    longest_pause: Duration::from_micros(100),
};

/// Small buckets and little memory: several files, several passes, several segments.
pub(crate) fn settings(first_nonce: u64) -> SavepointSettings {
    SavepointSettings {
        bucket_bytes: 9_000,
        memory_bytes: 20_000,
        row_group_rows: 8,
        segment_rows: 20,
        patience: PATIENCE,
        nonces: Nonces::counted_from(first_nonce),
        ..SavepointSettings::default()
    }
}

pub(crate) fn store_of(storage: Arc<dyn ObjectStorage>, job: JobIdentity) -> JobStore {
    let settings = StoreSettings {
        coordinator: "test/1".to_owned(),
        patience: PATIENCE,
        min_garbage_age_ms: 0,
        ..StoreSettings::default()
    };
    JobStore::open(storage, job, settings)
}

pub(crate) fn location(storage: Arc<dyn ObjectStorage>, name: &str) -> SavepointLocation {
    SavepointLocation::of_job(storage, &job(), name, PATIENCE).unwrap()
}

pub(crate) fn request(epoch: Epoch) -> SavepointRequest {
    SavepointRequest { epoch, now_ms: NOW_MS, engine_version: "0.1.0".to_owned() }
}

/// Columns of `agg.main`.
pub(crate) fn main_fields() -> Vec<Field> {
    vec![
        Field::new("call0.0", DataType::Int64, true),
        Field::new("call1.0", DataType::Decimal128(20, 2), true),
        Field::new("call2.0", DataType::Utf8, true),
        Field::new("call3.0", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("rows", DataType::Int64, true),
    ]
}

fn group_of(key: &str) -> u16 {
    // As in a sorted map, what is behind the bar does not decide.
    let group_key = key.split('|').next().unwrap_or(key);
    key_group_of(key_hash(group_key.as_bytes()), KEY_GROUPS)
}

/// Changes of a table: a key and what it has now, if it is still there.
type Changes = Vec<(String, Option<i64>)>;

fn frozen(table: &str, is_base: bool, range: KeyGroupRange, changes: &Changes) -> FrozenTable {
    let own: Vec<&(String, Option<i64>)> =
        changes.iter().filter(|(key, _)| range.contains(group_of(key))).collect();
    let number = |c: &&(String, Option<i64>)| c.1.unwrap_or(0);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt16Array::from_iter_values(own.iter().map(|c| group_of(&c.0)))),
        Arc::new(BinaryArray::from_iter_values(own.iter().map(|c| c.0.as_bytes()))),
        Arc::new(BooleanArray::from_iter(own.iter().map(|c| Some(c.1.is_none())))),
    ];
    let fields = if table == "main" {
        let numbers: Vec<i64> = own.iter().map(number).collect();
        let decimals = Decimal128Array::from_iter_values(numbers.iter().map(|n| i128::from(*n) * 10));
        let texts = numbers.iter().map(|n| (n % 3 != 0).then(|| format!("n{n}")));
        columns.push(Arc::new(Int64Array::from(numbers.clone())));
        columns.push(Arc::new(decimals.with_precision_and_scale(20, 2).unwrap()));
        columns.push(Arc::new(StringArray::from_iter(texts)));
        columns
            .push(Arc::new(TimestampMillisecondArray::from_iter_values(numbers.iter().map(|n| n * 1_000))));
        columns.push(Arc::new(Int64Array::from(vec![1; own.len()])));
        main_fields()
    } else {
        columns.push(Arc::new(Int64Array::from_iter_values(own.iter().map(number))));
        vec![Field::new("count", DataType::Int64, true)]
    };
    let rows = RecordBatch::try_new(segment_schema(&fields), columns).unwrap();
    let live_rows = rows.num_rows() as u64;
    FrozenTable::of_rows(table, is_base, rows, live_rows)
}

fn first_main() -> Changes {
    (0..60).map(|i| (format!("k{i}"), Some(i))).collect()
}

fn second_main() -> Changes {
    let changed = (0..10).map(|i| (format!("k{i}"), Some(1_000 + i)));
    let gone = (20..25).map(|i| (format!("k{i}"), None));
    let new = (60..70).map(|i| (format!("k{i}"), Some(i)));
    changed.chain(gone).chain(new).collect()
}

fn third_main() -> Changes {
    (0..5).map(|i| (format!("k{i}"), Some(5_000 + i))).collect()
}

fn first_map() -> Changes {
    (0..20).flat_map(|i| (0..2).map(move |j| (format!("k{i}|{j}"), Some(i * 2 + j + 1)))).collect()
}

fn second_map() -> Changes {
    (0..4).map(|i| (format!("k{i}|0"), None)).chain([("k7|9".to_owned(), Some(99))]).collect()
}

/// Everything of a table after these changes.
fn after(all: &[Changes]) -> Changes {
    let mut rows = BTreeMap::new();
    for (key, value) in all.iter().flatten() {
        rows.insert(key.clone(), *value);
    }
    rows.into_iter().filter(|(_, value)| value.is_some()).collect()
}

fn lines(batch: &RecordBatch, first_value: usize) -> Vec<((u16, Vec<u8>), String)> {
    let groups = batch.column(0).as_primitive::<UInt16Type>();
    let keys = batch.column(1).as_binary::<i32>();
    let line = |row: usize| {
        let values: Vec<String> = batch.columns()[first_value..]
            .iter()
            .map(|c| if c.is_null(row) { "NULL".to_owned() } else { array_value_to_string(c, row).unwrap() })
            .collect();
        let key = String::from_utf8_lossy(keys.value(row));
        (
            (groups.value(row), keys.value(row).to_vec()),
            format!("{} {key}: {}", groups.value(row), values.join(", ")),
        )
    };
    (0..batch.num_rows()).map(line).collect()
}

/// What the job's state is after its first epochs.
pub(crate) fn expected(epochs: usize) -> Rows {
    let whole = KeyGroupRange { start: 0, end: KEY_GROUPS };
    let text = |table: &str, changes: &[Changes]| {
        let frozen = frozen(table, true, whole, &after(&changes[..changes.len().min(epochs)]));
        let rows = frozen.rows();
        let sorted: BTreeMap<_, _> = lines(rows, 3).into_iter().collect();
        sorted.into_values().collect::<Vec<_>>()
    };
    Rows::from([
        ("agg.main".to_owned(), text("main", &[first_main(), second_main(), third_main()])),
        ("agg.call4".to_owned(), text("call4", &[first_map(), second_map()])),
        ("join.left".to_owned(), vec![]),
    ])
}

/// The job with its first two epochs, published, and nobody running it.
pub(crate) async fn populated() -> MemoryStorage {
    let storage = MemoryStorage::new();
    run(Arc::new(storage.clone()), 2).await;
    storage
}

/// Runs the job anew for some epochs, at most 3.
pub(crate) async fn run(storage: Arc<dyn ObjectStorage>, epochs: u64) {
    let store = store_of(storage, job());
    let taken = store.take_over(&TakeOverRequest::default()).await.unwrap();
    let incarnation = taken.incarnation;
    let mut segments: Vec<StateSegment> = Vec::new();
    for number in 1..=epochs {
        segments = next_segments(&store, &incarnation, number, segments).await;
        let manifest = manifest(&store, &incarnation, number, segments.clone()).await;
        own(&incarnation, &manifest).await;
    }
}

/// Writes the manifest of a checkpoint, claims and publishes it.
pub(crate) async fn own(incarnation: &Incarnation, manifest: &Manifest) -> OwnedCheckpoint {
    let owned = own_only(incarnation, manifest).await;
    let permit = incarnation.publish_permit(owned.epoch).await.unwrap();
    incarnation.mark_published(&permit).await.unwrap();
    owned
}

/// The same, unpublished.
pub(crate) async fn own_only(incarnation: &Incarnation, manifest: &Manifest) -> OwnedCheckpoint {
    let stored = incarnation.write_manifest(manifest).await.unwrap();
    let ClaimOutcome::Owned(owned) = incarnation.claim_epoch(&stored).await.unwrap() else {
        panic!("fenced")
    };
    owned
}

async fn next_segments(
    store: &JobStore,
    incarnation: &Incarnation,
    number: u64,
    before: Vec<StateSegment>,
) -> Vec<StateSegment> {
    let mut segments = before;
    for index in 0..PARALLELISM {
        let range = KeyGroupRange::of_subtask(index, PARALLELISM, KEY_GROUPS);
        let tables: Vec<(&str, FrozenTable)> = match (number, index) {
            (1, _) => vec![
                ("agg", frozen("main", true, range, &first_main())),
                ("agg", frozen("call4", true, range, &first_map())),
                ("join", frozen("left", true, range, &vec![])),
            ],
            (2, 0) => vec![
                ("agg", frozen("main", false, range, &second_main())),
                ("agg", frozen("call4", false, range, &second_map())),
            ],
            (2, _) => {
                segments.retain(|s| s.operator != uid("agg") || s.key_groups != range);
                vec![
                    ("agg", frozen("main", true, range, &after(&[first_main(), second_main()]))),
                    ("agg", frozen("call4", true, range, &after(&[first_map(), second_map()]))),
                ]
            }
            _ => vec![("agg", frozen("main", false, range, &third_main()))],
        };
        let subtask = SubtaskId { chain: ChainId(1), index };
        let writer = Writer { generation: incarnation.generation(), attempt: Attempt(1), subtask };
        for (operator, table) in tables {
            let (name, is_base, rows) = (table.table.clone(), table.is_base, table.live_rows);
            let body = table.into_segment().unwrap().bytes;
            let object = store.objects().upload_state(&uid(operator), &name, writer, body).await.unwrap();
            let (operator, table, key_groups) = (uid(operator), name, range);
            segments.push(StateSegment { operator, table, object, rows, key_groups, is_base });
        }
    }
    segments
}

async fn manifest(
    store: &JobStore,
    incarnation: &Incarnation,
    number: u64,
    segments: Vec<StateSegment>,
) -> Manifest {
    let generation = incarnation.generation();
    let subtask = SubtaskId { chain: ChainId(1), index: 0 };
    let writer = Writer { generation, attempt: Attempt(1), subtask };
    let body = format!("rows of {number}").into();
    let staged = StagedSegment {
        sink: uid("out"),
        slot: 0,
        partition: String::new(),
        object: store.objects().upload_staged(&uid("out"), writer, body).await.unwrap(),
        rows: 3,
        closed_at_ms: 0,
    };
    let operator = |name: &str, is_stateful| OperatorState {
        uid: uid(name),
        name: format!("Operator({name})"),
        meaning: format!("{name}-v1"),
        parallelism: PARALLELISM,
        is_stateful,
        segments: segments.iter().filter(|s| s.operator == uid(name)).cloned().collect(),
        facts: OperatorFacts {
            operator: uid(name),
            watermark: Watermark(1_000_000 * number as i64),
            counters: OperatorCounters { rows_in: 100 * number, rows_out: 7, ..OperatorCounters::default() },
        },
    };
    let split = |name: &str, position: &str, is_finished| SplitState {
        split: SplitId(name.to_owned()),
        descriptor: b"descriptor".to_vec(),
        position: position.as_bytes().to_vec(),
        watermark: Watermark(17),
        is_idle: false,
        is_finished,
    };
    Manifest {
        job: job(),
        checkpoint: CheckpointId(number),
        generation,
        attempt: Attempt(1),
        created_at_ms: NOW_MS - 1_000,
        max_parallelism: KEY_GROUPS,
        fingerprint: "f1".to_owned(),
        sql: "INSERT INTO out SELECT k, SUM(v) FROM src GROUP BY k".to_owned(),
        engine_version: "0.1.0".to_owned(),
        outcome: Outcome::Running,
        operators: vec![
            operator("src", false),
            operator("agg", true),
            operator("join", true),
            operator("out", false),
        ],
        sources: vec![SourceState {
            uid: uid("src"),
            enumerator: vec![1, 2, 3],
            splits: vec![split("a.csv@0..100", "50", false), split("b.csv@0..9", "", false)],
        }],
        sinks: vec![SinkState {
            uid: uid("out"),
            slots: 2,
            last_output: None,
            publications: vec![Publication {
                id: Publication::id_of(CheckpointId(number), generation, 0, 0),
                slot: 0,
                partition: String::new(),
                segments: vec![staged],
            }],
            pending: vec![],
            repeated: vec!["staged/older".to_owned()],
        }],
        finished: vec![],
    }
}

/// Takes the job over and saves its newest epoch under this name.
pub(crate) async fn save(
    storage: Arc<dyn ObjectStorage>,
    name: &str,
    first_nonce: u64,
) -> Result<SavepointManifest, SavepointError> {
    let store = store_of(storage.clone(), job());
    let taken = take_over(&store).await?;
    let epoch = taken.restore.as_ref().unwrap().owned.epoch;
    write(&store, &taken.incarnation, &location(storage, name), &request(epoch), &settings(first_nonce)).await
}

/// Takes over, as a coordinator does: what is owned is published first.
pub(crate) async fn take_over(store: &JobStore) -> Result<TakeOver, SavepointError> {
    let failed = |source| SavepointError::Store { action: "take over", source };
    let taken = store.take_over(&TakeOverRequest::default()).await.map_err(failed)?;
    for restored in &taken.to_publish {
        let permit = taken.incarnation.publish_permit(restored.owned.epoch).await.map_err(failed)?;
        taken.incarnation.mark_published(&permit).await.map_err(failed)?;
    }
    Ok(taken)
}

/// All rows of a savepoint.
pub(crate) async fn saved(reader: &SavepointReader) -> Result<Rows, SavepointError> {
    let mut rows = Rows::new();
    for table in &reader.manifest().tables {
        let of_table: &mut Vec<String> = rows.entry(table.label()).or_default();
        let mut scan = reader.scan(table);
        while let Some(batch) = scan.next().await? {
            of_table.extend(lines(&batch, 2).into_iter().map(|(_, line)| line));
        }
    }
    Ok(rows)
}

/// The job's graph at a parallelism.
pub(crate) fn graph(parallelism: u32) -> JobGraph {
    let node = |name: &str, role| OperatorNode {
        uid: uid(name),
        name: format!("Operator({name})"),
        role,
        meaning: format!("{name}-v1"),
    };
    let roll = RollPolicy { bytes: 1, age_ms: 0 };
    let chain = |id, operators| Chain { id: ChainId(id), name: String::new(), parallelism, operators };
    JobGraph {
        chains: vec![
            chain(0, vec![node("src", OperatorRole::Source { bounded: true })]),
            chain(1, vec![node("agg", OperatorRole::Stateful)]),
            chain(
                2,
                vec![
                    node("join", OperatorRole::Stateful),
                    node("out", OperatorRole::Sink { staged: true, roll }),
                ],
            ),
        ],
        edges: vec![],
        max_parallelism: KEY_GROUPS,
        fingerprint: "f1".to_owned(),
    }
}

/// What a subtask reports that has written an empty base of every table of the job.
pub(crate) fn with_bases(graph: &JobGraph, subtask: SubtaskId) -> SubtaskSnapshot {
    let chain = graph.chain(subtask.chain).unwrap();
    let key_groups = KeyGroupRange::of_subtask(subtask.index, chain.parallelism, KEY_GROUPS);
    let base = |operator: &str, table: &str| StateSegment {
        operator: uid(operator),
        table: table.to_owned(),
        object: ObjectRef { key: format!("{operator}.{table}.{subtask}"), length: 1, checksum: 1 },
        rows: 0,
        key_groups,
        is_base: true,
    };
    let facts = |o: &OperatorNode| OperatorFacts {
        operator: o.uid.clone(),
        watermark: Watermark::MIN,
        counters: OperatorCounters::default(),
    };
    SubtaskSnapshot {
        subtask,
        segments: match subtask.chain.0 {
            1 => vec![base("agg", "main"), base("agg", "call4")],
            2 => vec![base("join", "left")],
            _ => vec![],
        },
        splits: vec![],
        facts: chain.operators.iter().map(facts).collect(),
        staged: vec![],
        is_finished: false,
        freeze_us: 0,
    }
}

/// All rows that the subtasks of a job get back from a checkpoint at this parallelism.
pub(crate) async fn restored(store: &JobStore, manifest: &Manifest, parallelism: u32) -> Rows {
    let graph = graph(parallelism);
    let plan = plan_restore(manifest, &graph, &Default::default()).unwrap();
    assert!(plan.lost.is_empty(), "{:?}", plan.lost);
    let mut tables: BTreeMap<String, BTreeMap<(u16, Vec<u8>), String>> = BTreeMap::new();
    for (subtask, restore) in &plan.subtasks {
        let range = KeyGroupRange::of_subtask(subtask.index, parallelism, KEY_GROUPS);
        for segment in &restore.segments {
            let rows = tables.entry(format!("{}.{}", segment.operator, segment.table)).or_default();
            let bytes = store.objects().fetch(&segment.object).await.unwrap();
            let mut table = RestoredTable::new(segment.table.clone());
            table.push_segment(&bytes, range).unwrap();
            for batch in &table.segments {
                let deleted = batch.column(2).as_boolean();
                for (row, (key, line)) in lines(batch, 3).into_iter().enumerate() {
                    match deleted.value(row) {
                        true => drop(rows.remove(&key)),
                        false => drop(rows.insert(key, line)),
                    }
                }
            }
        }
    }
    tables.into_iter().map(|(table, rows)| (table, rows.into_values().collect())).collect()
}

/// Keys below a folder of a store.
pub(crate) async fn keys(storage: &dyn ObjectStorage, prefix: &str) -> Vec<String> {
    storage.list(prefix).await.unwrap().into_iter().map(|o| o.key).collect()
}

/// Every object that a manifest names is there, unchanged.
pub(crate) async fn assert_complete(store: &JobStore, manifest: &Manifest) {
    for object in manifest.objects() {
        store.objects().fetch(object).await.unwrap();
    }
}
