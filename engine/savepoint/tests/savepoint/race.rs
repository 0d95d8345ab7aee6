//! Two at once: a writer that sleeps while another takes its name, or while somebody deletes it.

use std::sync::Arc;

use millstream_checkpoint_store::{JobStore, StoreSettings, Writers};
use millstream_model::Epoch;
use millstream_savepoint::{SavepointError, SavepointReader, delete, write};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage, ObjectStorage};

use crate::fixture::{self, expected, keys, location, saved};

const FOLDER: &str = "default.flights.local/savepoint/s/";

/// Where a writer sleeps: at its first file, at its last, at the manifest, and when it looks at its claim for the last time.
const PLACES: [(Action, &str); 4] = [
    (Action::Create, "/agg/main/00000"),
    (Action::Head, "/agg/main/00012"),
    (Action::Create, "0000000000000001/manifest"),
    (Action::Get, "savepoint/s/claim"),
];

async fn held(storage: &MemoryStorage, place: (Action, &str)) -> (Arc<FaultStorage>, Sleeper) {
    let plan = FaultPlan::none().and_on(place.0, place.1, Fault::Hold);
    let faulty = Arc::new(FaultStorage::new(Arc::new(storage.clone()), plan));
    let sleeper = tokio::spawn(fixture::save(faulty.clone(), "s", 1));
    faulty.wait_until_held().await;
    (faulty, sleeper)
}

type Sleeper = tokio::task::JoinHandle<Result<millstream_savepoint::SavepointManifest, SavepointError>>;

#[tokio::test]
async fn the_name_is_taken_from_a_writer_that_sleeps() {
    for place in PLACES {
        let storage = fixture::populated().await;
        let (faulty, sleeper) = held(&storage, place).await;
        let other = fixture::save(Arc::new(storage.clone()), "s", 100).await;
        faulty.release();
        let first = sleeper.await.unwrap();
        let reader = SavepointReader::open(&location(Arc::new(storage.clone()), "s")).await.unwrap();
        assert_eq!(saved(&reader).await.unwrap(), expected(2), "{place:?}");
        // Exactly one of them is told that it succeeded, and that is the one that is there.
        match (first, other) {
            (Ok(first), Err(SavepointError::Exists { .. })) => {
                assert_eq!(*reader.manifest(), first, "{place:?}")
            }
            (Err(error), Ok(other)) => {
                assert_eq!(*reader.manifest(), other, "{place:?}");
                assert!(matches!(error, SavepointError::NameLost { .. }), "{place:?}: {error}");
            }
            outcomes => panic!("{place:?}: {outcomes:?}"),
        }
        let attempt = format!("{:016x}", reader.manifest().attempt);
        let foreign = |key: &String| !key.contains(&attempt) && !key.ends_with("claim");
        let left: Vec<String> = keys(&storage, FOLDER).await.into_iter().filter(foreign).collect();
        assert!(left.is_empty(), "{place:?}: {left:?}");
    }
}

#[tokio::test]
async fn a_savepoint_is_deleted_while_it_is_written() {
    for place in PLACES {
        let storage = fixture::populated().await;
        let (faulty, sleeper) = held(&storage, place).await;
        delete(&location(Arc::new(storage.clone()), "s")).await.unwrap();
        faulty.release();
        let error = sleeper.await.unwrap().unwrap_err();
        assert!(matches!(error, SavepointError::NameLost { .. }), "{place:?}: {error}");
        assert_eq!(keys(&storage, FOLDER).await, Vec::<String>::new(), "{place:?}");
        let shared: Arc<dyn ObjectStorage> = Arc::new(storage);
        fixture::save(shared, "s", 100).await.unwrap();
    }
}

#[tokio::test]
async fn retention_waits_for_a_savepoint_and_for_no_longer() {
    let storage = fixture::populated().await;
    let plan = FaultPlan::none().and_on(Action::Create, "/agg/main/00008", Fault::Hold);
    let faulty = Arc::new(FaultStorage::new(Arc::new(storage.clone()), plan));
    let settings = StoreSettings {
        coordinator: "test/1".to_owned(),
        patience: fixture::PATIENCE,
        retained: 1,
        min_garbage_age_ms: 0,
        ..StoreSettings::default()
    };
    let store = JobStore::open(faulty.clone(), fixture::job(), settings);
    let incarnation = fixture::take_over(&store).await.unwrap().incarnation;
    let older = Epoch(2);
    let (_, manifest) = store.read_manifest(older).await.unwrap();
    let place = location(faulty.clone(), "s");
    let writer = tokio::spawn({
        let (store, incarnation, place) = (store.clone(), incarnation.clone(), place.clone());
        async move { write(&store, &incarnation, &place, &fixture::request(older), &fixture::settings(1)).await }
    });
    faulty.wait_until_held().await;
    for _ in 0..3 {
        incarnation.sweep(Writers::Ended).await.unwrap();
    }
    fixture::assert_complete(&store, &manifest).await;
    faulty.release();
    writer.await.unwrap().unwrap();
    let reader = SavepointReader::open(&place).await.unwrap();
    assert_eq!(saved(&reader).await.unwrap(), expected(1));
    for _ in 0..3 {
        incarnation.sweep(Writers::Ended).await.unwrap();
    }
    let mut gone = 0;
    for object in manifest.objects() {
        gone += u32::from(storage.head(&object.key).await.unwrap().is_none());
    }
    assert!(gone > 0, "nothing of the older epoch was let go");
    reader.check_contents().await.unwrap();
}
