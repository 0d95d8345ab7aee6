//! The process dies at every single call to the store: while a savepoint is written, restored, deleted.
//!
//! Afterwards the savepoint is complete, or readers find none; nothing that is referenced is missing; and trying again works
//! and leaves nothing behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_checkpoint_store::{TakeOverRequest, Writers};
use millstream_savepoint::{
    ImportRequest, SavepointError, SavepointLocation, SavepointReader, check_free, clean_up, delete, import,
};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{MemoryStorage, ObjectStorage};

use crate::fixture::{
    self, NOW_MS, assert_complete, copy, expected, job, keys, location, restored, saved, settings, store_of,
    take_over,
};

const FOLDER: &str = "default.flights.local/savepoint/s/";

/// Runs `work` without faults to count its calls, then once for every call and fault over a store of its own.
async fn at_every_call<W, C>(before: &MemoryStorage, faults: &[Fault], work: W, mut check: C)
where
    W: AsyncFn(Arc<dyn ObjectStorage>) -> Result<(), SavepointError>,
    C: AsyncFnMut(MemoryStorage, Result<(), SavepointError>, String),
{
    let counting = Arc::new(FaultStorage::new(Arc::new(before.snapshot()), FaultPlan::none()));
    work(counting.clone()).await.unwrap();
    let trace = counting.trace();
    assert!(trace.len() > 5, "there is something to interrupt");
    for fault in faults {
        for call in &trace {
            let storage = before.snapshot();
            let plan = FaultPlan::at(call.number, fault.clone());
            let faulty = Arc::new(FaultStorage::new(Arc::new(storage.clone()), plan));
            let outcome = work(faulty).await;
            check(
                storage,
                outcome,
                format!("{fault:?} at call {}: {} {}", call.number, call.action, call.key),
            )
            .await;
        }
    }
}

/// The savepoint's rows if it is complete; `None` if readers find none. Anything else is a failure.
async fn readable(storage: &MemoryStorage, at: &str) -> Option<fixture::Rows> {
    match SavepointReader::open(&location(Arc::new(storage.clone()), "s")).await {
        Ok(reader) => {
            reader.check_files().await.unwrap();
            Some(saved(&reader).await.unwrap_or_else(|e| panic!("{at}: {e}")))
        }
        Err(error) => {
            assert!(error.is_not_there(), "{at}: {error}");
            None
        }
    }
}

/// Nothing but the savepoint is in its folder, and nothing holds its epoch.
async fn assert_tidy(storage: &MemoryStorage, at: &str) {
    let reader = SavepointReader::open(&location(Arc::new(storage.clone()), "s")).await.unwrap();
    let manifest = reader.manifest();
    let mut named: BTreeSet<String> =
        manifest.tables.iter().flat_map(|t| &t.files).map(|f| f.key.clone()).collect();
    named.insert("claim".to_owned());
    named.insert(format!("{:016x}/manifest", manifest.attempt));
    let named: BTreeSet<String> = named.into_iter().map(|key| format!("{FOLDER}{key}")).collect();
    let found: BTreeSet<String> = keys(storage, FOLDER).await.into_iter().collect();
    assert_eq!(found, named, "{at}");
    let pins = keys(storage, "default.flights.local/pin/").await;
    assert!(pins.iter().all(|pin| !pin.contains("savepoint")), "{at}: {pins:?}");
}

async fn assert_job_is_whole(storage: &MemoryStorage) {
    let store = store_of(Arc::new(storage.clone()), job());
    let (_, manifest) = store.look().await.unwrap().restorable.unwrap();
    assert_complete(&store, &manifest).await;
    assert_eq!(restored(&store, &manifest, 3).await, expected(2));
}

#[tokio::test]
async fn while_a_savepoint_is_written() {
    let before = fixture::populated().await;
    let work = async |storage: Arc<dyn ObjectStorage>| fixture::save(storage, "s", 1).await.map(drop);
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, outcome, at| {
        let rows = readable(&storage, &at).await;
        assert!(rows.is_some() || outcome.is_err(), "{at}: reported and not there");
        assert!(rows.is_none_or(|rows| rows == expected(2)), "{at}");
        assert_job_is_whole(&storage).await;
        let was_complete = readable(&storage, &at).await.is_some();
        match fixture::save(Arc::new(storage.clone()), "s", 1_000).await {
            Ok(_) => assert!(!was_complete, "{at}: written twice"),
            Err(SavepointError::Exists { .. }) => assert!(was_complete, "{at}"),
            Err(error) => panic!("{at}: the retry failed: {error}"),
        }
        assert_eq!(readable(&storage, &at).await, Some(expected(2)), "{at}");
        if !was_complete {
            assert_tidy(&storage, &at).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_next_coordinator_cleans_up_and_leaves_what_is_complete() {
    let before = fixture::populated().await;
    let work = async |storage: Arc<dyn ObjectStorage>| fixture::save(storage, "s", 1).await.map(drop);
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, _, at| {
        let was_complete = readable(&storage, &at).await.is_some();
        let next = async |storage: Arc<dyn ObjectStorage>| {
            let store = store_of(storage, job());
            let taken = take_over(&store).await?;
            clean_up(&store, &taken.incarnation).await
        };
        // It may die over that as well.
        let dying = FaultStorage::new(Arc::new(storage.clone()), FaultPlan::at(12, Fault::CrashAfter));
        let _: Result<(), SavepointError> = next(Arc::new(dying)).await;
        next(Arc::new(storage.clone())).await.unwrap();
        assert_eq!(readable(&storage, &at).await.is_some(), was_complete, "{at}");
        if was_complete {
            assert_tidy(&storage, &at).await;
        } else {
            assert_eq!(keys(&storage, FOLDER).await, Vec::<String>::new(), "{at}");
            let pins = keys(&storage, "default.flights.local/pin/").await;
            assert!(pins.iter().all(|pin| !pin.contains("savepoint")), "{at}: {pins:?}");
        }
        assert_job_is_whole(&storage).await;
    })
    .await;
}

#[tokio::test]
async fn while_an_answer_is_lost() {
    let before = fixture::populated().await;
    let work = async |storage: Arc<dyn ObjectStorage>| fixture::save(storage, "s", 1).await.map(drop);
    at_every_call(&before, &[Fault::NotApplied, Fault::Applied], work, async |storage, outcome, at| {
        outcome.unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(readable(&storage, &at).await, Some(expected(2)), "{at}");
        assert_tidy(&storage, &at).await;
    })
    .await;
}

#[tokio::test]
async fn while_a_crashed_savepoint_is_begun_again() {
    // A crash in the middle of the files, and then a second one at every call of the retry.
    let before = fixture::populated().await;
    let plan =
        FaultPlan::none().and_on(millstream_storage::Action::Create, "/agg/main/00008", Fault::CrashAfter);
    let faulty = Arc::new(FaultStorage::new(Arc::new(before.clone()), plan));
    fixture::save(faulty, "s", 1).await.unwrap_err();
    assert!(keys(&before, FOLDER).await.len() > 2);
    let work = async |storage: Arc<dyn ObjectStorage>| fixture::save(storage, "s", 100).await.map(drop);
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, _, at| {
        let was_complete = readable(&storage, &at).await.is_some();
        let again = fixture::save(Arc::new(storage.clone()), "s", 1_000).await;
        assert_eq!(again.is_err(), was_complete, "{at}: {again:?}");
        assert_eq!(readable(&storage, &at).await, Some(expected(2)), "{at}");
        assert_tidy(&storage, &at).await;
        assert_job_is_whole(&storage).await;
    })
    .await;
}

#[tokio::test]
async fn while_a_savepoint_is_deleted() {
    let before = fixture::populated().await;
    fixture::save(Arc::new(before.clone()), "s", 1).await.unwrap();
    let work = async |storage: Arc<dyn ObjectStorage>| delete(&location(storage, "s")).await.map(drop);
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, _, at| {
        assert!(readable(&storage, &at).await.is_none_or(|rows| rows == expected(2)), "{at}");
        let again = storage.snapshot();
        delete(&location(Arc::new(storage.clone()), "s")).await.unwrap();
        assert_eq!(keys(&storage, FOLDER).await, Vec::<String>::new(), "{at}");
        // The name can be used at once as well.
        if readable(&again, &at).await.is_none() {
            fixture::save(Arc::new(again.clone()), "s", 1_000).await.unwrap();
            assert_tidy(&again, &at).await;
        }
    })
    .await;
}

#[tokio::test]
async fn while_another_job_starts_from_it() {
    let before = fixture::populated().await;
    fixture::save(Arc::new(before.clone()), "s", 1).await.unwrap();
    let work = async |storage: Arc<dyn ObjectStorage>| {
        let reader = SavepointReader::open(&location(storage.clone(), "s")).await?;
        let store = store_of(storage, copy());
        let taken = take_over(&store).await?;
        import(&reader, &store, &taken, &ImportRequest { expected: None, now_ms: NOW_MS }, &settings(1))
            .await
            .map(drop)
    };
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, outcome, at| {
        let store = store_of(Arc::new(storage.clone()), copy());
        let found = store.look().await.unwrap().restorable;
        assert!(found.is_some() || outcome.is_err(), "{at}: reported and not there");
        if let Some((_, manifest)) = found {
            assert_eq!(restored(&store, &manifest, 3).await, expected(2), "{at}");
        }
        work(Arc::new(storage.clone())).await.unwrap_or_else(|e| panic!("{at}: the retry failed: {e}"));
        let taken = store.take_over(&TakeOverRequest::default()).await.unwrap();
        let manifest = taken.restore.unwrap().manifest;
        assert_eq!(restored(&store, &manifest, 3).await, expected(2), "{at}");
        for _ in 0..3 {
            taken.incarnation.sweep(Writers::Ended).await.unwrap();
        }
        assert_complete(&store, &manifest).await;
        let overview = store.look().await.unwrap();
        let mut named: BTreeSet<String> = manifest.objects().map(|o| o.key.clone()).collect();
        for older in overview.ancestors {
            let (_, manifest) = store.read_manifest(older.epoch).await.unwrap();
            named.extend(manifest.objects().map(|o| o.key.clone()));
        }
        let listed: BTreeSet<String> =
            keys(&storage, "default.copy.local/state/").await.into_iter().collect();
        assert_eq!(listed, named, "{at}");
        SavepointReader::open(&location(Arc::new(storage), "s"))
            .await
            .unwrap()
            .check_contents()
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn while_its_own_job_goes_back_to_it() {
    // What the job had stays what it continues from, until the savepoint is.
    let before = MemoryStorage::new();
    fixture::run(Arc::new(before.clone()), 2).await;
    fixture::save(Arc::new(before.clone()), "s", 1).await.unwrap();
    let older = before.snapshot();
    let store = store_of(Arc::new(before.clone()), job());
    let taken = take_over(&store).await.unwrap();
    let mut manifest = taken.restore.unwrap().manifest;
    (manifest.checkpoint, manifest.generation) = (manifest.checkpoint.next(), taken.incarnation.generation());
    // The state of the first epoch, to tell it from the savepoint's.
    let (_, first) =
        store_of(Arc::new(older), job()).read_manifest(millstream_model::Epoch(2)).await.unwrap();
    manifest.operators = first.operators;
    fixture::own(&taken.incarnation, &manifest).await;
    let work = async |storage: Arc<dyn ObjectStorage>| {
        let reader = SavepointReader::open(&location(storage.clone(), "s")).await?;
        let store = store_of(storage, job());
        let taken = take_over(&store).await?;
        import(&reader, &store, &taken, &ImportRequest { expected: None, now_ms: NOW_MS }, &settings(1))
            .await
            .map(drop)
    };
    at_every_call(&before, &[Fault::CrashBefore, Fault::CrashAfter], work, async |storage, outcome, at| {
        let store = store_of(Arc::new(storage.clone()), job());
        let (_, manifest) = store.look().await.unwrap().restorable.unwrap();
        let rows = restored(&store, &manifest, 2).await;
        let is_imported = rows == expected(2);
        assert!(is_imported || (rows == expected(1) && outcome.is_err()), "{at}");
        work(Arc::new(storage.clone())).await.unwrap_or_else(|e| panic!("{at}: the retry failed: {e}"));
        let (_, manifest) = store.look().await.unwrap().restorable.unwrap();
        assert_eq!(restored(&store, &manifest, 2).await, expected(2), "{at}");
    })
    .await;
}

#[tokio::test]
async fn while_the_store_is_looked_at_and_the_name_stays_free() {
    let look = async |storage: Arc<dyn ObjectStorage>| {
        let looked = store_of(storage, job()).probe().await;
        looked.map_err(|source| SavepointError::Store { action: "look at the store", source })
    };
    let faults = [Fault::CrashBefore, Fault::CrashAfter];
    at_every_call(&MemoryStorage::new(), &faults, look, async |storage, _, at| {
        let here = Arc::new(storage.clone());
        let folder = SavepointLocation::in_folder(here, "", fixture::PATIENCE).unwrap();
        check_free(&folder).await.unwrap_or_else(|e| panic!("{at}: {e}"));
        delete(&folder).await.unwrap();
        assert!(keys(&storage, "").await.is_empty(), "{at}");
    })
    .await;
}
