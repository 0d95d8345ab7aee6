//! A savepoint restored: at any parallelism, into another job or its own, with other columns or without an operator.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use millstream_checkpoint::{CheckpointParts, EnumeratorState, Roll, StartFrom, assemble, plan_restore};
use millstream_checkpoint_store::{JobStore, TakeOver, TakeOverRequest, Writers};
use millstream_model::control::BarrierKind;
use millstream_model::snapshot::SubtaskSnapshot;
use millstream_model::{Attempt, Epoch};
use millstream_savepoint::{
    ExpectedOperator, ExpectedState, ExpectedTable, ImportRequest, Imported, SavepointError, SavepointReader,
    import,
};
use millstream_storage::{MemoryStorage, ObjectStorage};

use crate::fixture::{
    self, NOW_MS, assert_complete, copy, expected, job, keys, location, main_fields, restored, settings,
    store_of, take_over, uid,
};

async fn imported(
    reader: &SavepointReader,
    store: &JobStore,
    wanted: Option<ExpectedState>,
) -> Result<(TakeOver, Imported), SavepointError> {
    let taken = take_over(store).await?;
    let request = ImportRequest { expected: wanted, now_ms: NOW_MS };
    let imported = import(reader, store, &taken, &request, &settings(1)).await?;
    Ok((taken, imported))
}

async fn savepoint() -> (MemoryStorage, SavepointReader) {
    let storage = fixture::populated().await;
    fixture::save(Arc::new(storage.clone()), "s", 1).await.unwrap();
    let reader = SavepointReader::open(&location(Arc::new(storage.clone()), "s")).await.unwrap();
    (storage, reader)
}

/// The job's own tables.
fn tables() -> ExpectedState {
    let table = |name: &str, columns: Vec<Field>| ExpectedTable {
        name: name.to_owned(),
        columns,
        dispensable: Vec::new(),
        indispensable: Vec::new(),
    };
    let count = || vec![Field::new("count", DataType::Int64, true)];
    let operator =
        |name: &str, tables| ExpectedOperator { uid: uid(name), name: format!("Operator({name})"), tables };
    ExpectedState {
        operators: vec![
            operator("agg", vec![table("main", main_fields()), table("call4", count())]),
            operator("join", vec![table("left", count())]),
        ],
        droppable: BTreeSet::new(),
    }
}

#[tokio::test]
async fn another_job_continues_from_it_at_any_parallelism() {
    let (_, reader) = savepoint().await;
    let storage: Arc<dyn ObjectStorage> = Arc::new(MemoryStorage::new());
    let store = store_of(storage, copy());
    let (taken, done) = imported(&reader, &store, Some(tables())).await.unwrap();
    assert_eq!((done.owned.epoch, done.repeats), (Epoch(2), None));
    // In this process.
    let again = taken.incarnation.restart_from(&TakeOverRequest::default()).await.unwrap();
    assert_eq!(again.restore.as_ref().unwrap().manifest, done.manifest);
    assert!(again.to_publish.is_empty());
    // In another.
    let later = store.take_over(&TakeOverRequest::default()).await.unwrap();
    let manifest = later.restore.unwrap().manifest;
    assert_eq!(manifest, done.manifest);
    for parallelism in [1, 2, 3, 4, 7, 16] {
        assert_eq!(restored(&store, &manifest, parallelism).await, expected(2), "{parallelism}");
    }
    assert_eq!(manifest.job, copy());
    assert_eq!(manifest.sources, reader.manifest().state.sources);
    assert_eq!(manifest.sql, reader.manifest().state.sql);
    assert_eq!(manifest.operators[1].facts, reader.manifest().state.operators[1].facts);
    // The new job's targets have no progress yet.
    assert_eq!((manifest.sinks[0].slots, manifest.sinks[0].last_output), (2, None));
    let main = manifest.operators[1].segments.iter().filter(|s| s.table == "main").count();
    assert!(main > 1, "the table was not cut");
}

#[tokio::test]
async fn a_savepoint_of_a_restored_job_has_the_same_rows() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage.clone()), copy());
    let (taken, done) = imported(&reader, &store, None).await.unwrap();
    let place = millstream_savepoint::SavepointLocation::in_folder(
        Arc::new(storage.clone()),
        "second",
        fixture::PATIENCE,
    )
    .unwrap();
    let request = fixture::request(done.owned.epoch);
    millstream_savepoint::write(&store, &taken.incarnation, &place, &request, &settings(9)).await.unwrap();
    let second = SavepointReader::open(&place).await.unwrap();
    assert_eq!(fixture::saved(&second).await.unwrap(), expected(2));
    assert_eq!(second.manifest().state.operators[0], reader.manifest().state.operators[0]);
    for (a, b) in reader.manifest().tables.iter().zip(&second.manifest().tables) {
        assert_eq!((&a.name, &a.columns, a.rows()), (&b.name, &b.columns, b.rows()));
    }
}

#[tokio::test]
async fn its_own_job_goes_back_and_says_what_repeats() {
    let storage = MemoryStorage::new();
    fixture::run(Arc::new(storage.clone()), 2).await;
    fixture::save(Arc::new(storage.clone()), "s", 1).await.unwrap();
    let store = store_of(Arc::new(storage.clone()), job());
    // The job goes on for one epoch.
    let taken = take_over(&store).await.unwrap();
    let mut manifest = taken.restore.unwrap().manifest;
    (manifest.checkpoint, manifest.generation) = (manifest.checkpoint.next(), taken.incarnation.generation());
    let newest = fixture::own(&taken.incarnation, &manifest).await.epoch;

    let reader = SavepointReader::open(&location(Arc::new(storage.clone()), "s")).await.unwrap();
    let (_, done) = imported(&reader, &store, Some(tables())).await.unwrap();
    assert_eq!(done.repeats, Some((reader.manifest().epoch.next(), newest)));
    let later = store.take_over(&TakeOverRequest::default()).await.unwrap();
    let manifest = later.restore.unwrap().manifest;
    assert_eq!(restored(&store, &manifest, 3).await, expected(2));
    // The same history: its targets must have got so far.
    assert_eq!(manifest.sinks[0].last_output, Some(reader.manifest().epoch));
    let overview = store.look().await.unwrap();
    assert!(overview.ancestors.iter().any(|c| c.epoch == newest));
}

#[tokio::test]
async fn another_job_that_is_given_it_again_repeats_all_that_it_wrote() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage), copy());
    let (_, first) = imported(&reader, &store, None).await.unwrap();
    let (_, second) = imported(&reader, &store, None).await.unwrap();
    assert_eq!((first.repeats, second.repeats), (None, Some((Epoch(1), first.owned.epoch))));
}

#[tokio::test]
async fn nothing_is_left_when_the_job_that_was_restored_sweeps() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage.clone()), copy());
    let (_, done) = imported(&reader, &store, None).await.unwrap();
    let incarnation = take_over(&store).await.unwrap().incarnation;
    for _ in 0..3 {
        incarnation.sweep(Writers::Ended).await.unwrap();
    }
    assert_complete(&store, &done.manifest).await;
    let listed = keys(&storage, "default.copy.local/state/").await;
    let mut named: Vec<String> = done.manifest.objects().map(|o| o.key.clone()).collect();
    named.sort();
    assert_eq!(listed, named);
    // Nor does the first job's retention touch the savepoint.
    let own = take_over(&store_of(Arc::new(storage.clone()), job())).await.unwrap().incarnation;
    for _ in 0..3 {
        own.sweep(Writers::Ended).await.unwrap();
    }
    reader.check_contents().await.unwrap();
}

#[tokio::test]
async fn columns_are_added_and_widened() {
    let (storage, reader) = savepoint().await;
    let mut wanted = tables();
    let main = &mut wanted.operators[0].tables[0].columns;
    main[1] = Field::new("call1.0", DataType::Decimal128(38, 2), true);
    main.insert(4, Field::new("call4.0", DataType::Float64, true));
    let store = store_of(Arc::new(storage), copy());
    let (_, done) = imported(&reader, &store, Some(wanted)).await.unwrap();
    let with_null: Vec<String> = expected(2)["agg.main"]
        .iter()
        .map(|line| {
            let (values, rows) = line.rsplit_once(", ").unwrap();
            format!("{values}, NULL, {rows}")
        })
        .collect();
    assert_eq!(restored(&store, &done.manifest, 3).await["agg.main"], with_null);
}

#[tokio::test]
async fn what_would_be_lost_is_listed_and_lost_only_by_name() {
    let (storage, reader) = savepoint().await;
    let mut wanted = tables();
    wanted.operators[0].tables.pop();
    wanted.operators[0].tables[0].columns[2] = Field::new("call2.0", DataType::Int64, true);
    let store = store_of(Arc::new(storage.clone()), copy());
    let error = imported(&reader, &store, Some(wanted.clone())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the savepoint does not fit the job; nothing was restored:\n  \
         operator agg (Operator(agg)), table call4: was 37 rows, is absent (name agg or agg.call4 to lose it)\n  \
         operator agg (Operator(agg)), table main, column call2.0: was Utf8, is Int64"
    );
    assert_eq!(keys(&storage, "default.copy.local/state/").await, Vec::<String>::new());
    wanted.operators[0].tables[0].columns = main_fields();
    wanted.droppable.insert("agg.call4".to_owned());
    let (_, done) = imported(&reader, &store, Some(wanted)).await.unwrap();
    let mut rows = expected(2);
    rows.remove("agg.call4");
    assert_eq!(restored(&store, &done.manifest, 2).await, rows);
}

#[tokio::test]
async fn output_of_the_target_comes_first() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage), job());
    let taken = take_over(&store).await.unwrap();
    let mut manifest = taken.restore.clone().unwrap().manifest;
    (manifest.checkpoint, manifest.generation) = (manifest.checkpoint.next(), taken.incarnation.generation());
    let owned = fixture::own_only(&taken.incarnation, &manifest).await;
    let request = ImportRequest { expected: None, now_ms: NOW_MS };
    let error = import(&reader, &store, &taken, &request, &settings(1)).await.unwrap_err();
    assert!(
        matches!(error, SavepointError::TargetUnpublished { epoch, .. } if epoch == owned.epoch),
        "{error}"
    );
}

#[tokio::test]
async fn a_fenced_coordinator_restores_nothing() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage), copy());
    let old = take_over(&store).await.unwrap();
    let new = take_over(&store).await.unwrap();
    let request = ImportRequest { expected: None, now_ms: NOW_MS };
    let error = import(&reader, &store, &old, &request, &settings(1)).await.unwrap_err();
    assert!(matches!(error, SavepointError::Fenced { .. }), "{error}");
    assert!(store.look().await.unwrap().restorable.is_none());
    import(&reader, &store, &new, &request, &settings(1)).await.unwrap();
}

#[tokio::test]
async fn a_job_that_began_anew_is_given_its_savepoint() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage), job());
    // As when what the job would continue from is beyond repair.
    let request = TakeOverRequest { from: StartFrom::Empty, ..TakeOverRequest::default() };
    let taken = store.take_over(&request).await.unwrap();
    assert!(taken.restore.is_none());
    let request = ImportRequest { expected: Some(tables()), now_ms: NOW_MS };
    let done = import(&reader, &store, &taken, &request, &settings(1)).await.unwrap();
    let manifest = store.take_over(&TakeOverRequest::default()).await.unwrap().restore.unwrap().manifest;
    assert_eq!(manifest, done.manifest);
    assert_eq!(restored(&store, &manifest, 4).await, expected(2));
}

#[tokio::test]
async fn a_restored_job_goes_on_and_its_bases_replace_what_was_imported() {
    let (storage, reader) = savepoint().await;
    let store = store_of(Arc::new(storage), copy());
    let (taken, done) = imported(&reader, &store, None).await.unwrap();
    let graph = fixture::graph(3);
    let parent = plan_restore(&done.manifest, &graph, &BTreeSet::new()).unwrap().parent;
    // Every subtask reports a base of each table; nothing of the import is needed after that.
    let snapshots: Vec<SubtaskSnapshot> = graph.subtasks().map(|s| fixture::with_bases(&graph, s)).collect();
    let enumerators = [EnumeratorState {
        source: uid("src"),
        state: parent.sources[0].enumerator.clone(),
        unassigned: parent.sources[0].splits.clone(),
        forgotten: vec![],
    }];
    let manifest = assemble(&CheckpointParts {
        job: &copy(),
        sql: "",
        engine_version: "0.1.0",
        checkpoint: done.manifest.checkpoint.next(),
        generation: taken.incarnation.generation(),
        attempt: Attempt(1),
        kind: BarrierKind::Checkpoint,
        now_ms: NOW_MS,
        roll: Roll::Everything,
        parent: Some(&parent),
        parent_epoch: Some(done.owned.epoch),
        discarded: &BTreeSet::new(),
        graph: &graph,
        snapshots: &snapshots,
        enumerators: &enumerators,
    })
    .unwrap();
    let imported: BTreeSet<&str> = done.manifest.objects().map(|o| o.key.as_str()).collect();
    assert!(manifest.objects().all(|o| !imported.contains(o.key.as_str())));
    assert_eq!(manifest.objects().count(), 9);
}
