//! What is written is what the checkpoint says, and nothing is left behind.

use std::sync::Arc;

use millstream_checkpoint::layout;
use millstream_model::Epoch;
use millstream_savepoint::{SavepointError, SavepointReader, delete, list, write};
use millstream_storage::{MemoryStorage, ObjectStorage};

use crate::fixture::{
    self, KEY_GROUPS, PATIENCE, expected, job, keys, location, request, saved, settings, store_of,
};

#[tokio::test]
async fn a_savepoint_has_the_rows_of_its_epoch() {
    let storage = Arc::new(fixture::populated().await);
    let written = fixture::save(storage.clone(), "nightly", 1).await.unwrap();
    let reader = SavepointReader::open(&location(storage.clone(), "nightly")).await.unwrap();
    assert_eq!(*reader.manifest(), written);
    assert_eq!(saved(&reader).await.unwrap(), expected(2));
    reader.check_files().await.unwrap();
    reader.check_contents().await.unwrap();

    let main = written.table(&fixture::uid("agg"), "main").unwrap();
    assert!(main.buckets > 1 && main.files.len() > 1, "{main:?}");
    assert_eq!(main.partition(KEY_GROUPS).range(0).start, 0);
    let left = written.table(&fixture::uid("join"), "left").unwrap();
    assert_eq!((left.rows(), left.columns.len(), left.files.len()), (0, 1, 0));
    // Self-contained, and without output.
    assert_eq!(written.state.objects().count(), 0);
    let sink = &written.state.sinks[0];
    assert_eq!((sink.slots, sink.last_output, sink.repeated.len()), (2, Some(written.epoch), 0));
    assert_eq!(written.state.sources[0].splits[0].position, b"50");
}

#[tokio::test]
async fn it_lies_in_its_folder_and_holds_nothing() {
    let storage = Arc::new(fixture::populated().await);
    let written = fixture::save(storage.clone(), "nightly", 0xc0ffee).await.unwrap();
    let folder = "default.flights.local/savepoint/nightly/";
    let mut named: Vec<String> = vec![format!("{folder}claim"), format!("{folder}0000000000c0ffee/manifest")];
    named.extend(written.tables.iter().flat_map(|t| &t.files).map(|f| format!("{folder}{}", f.key)));
    named.sort();
    assert_eq!(keys(storage.as_ref(), folder).await, named);
    assert!(named.contains(&format!("{folder}0000000000c0ffee/agg/main/00000-00004.parquet")), "{named:?}");
    let pins = keys(storage.as_ref(), &format!("default.flights.local/{}", layout::PINS)).await;
    assert!(pins.iter().all(|p| !p.contains("savepoint")), "{pins:?}");
}

#[tokio::test]
async fn any_settings_give_the_same_rows() {
    let storage = fixture::populated().await;
    for (bucket_bytes, memory_bytes, row_group_rows) in [(1, 1, 1), (1, u64::MAX, 3), (u64::MAX, 1, 1_000)] {
        let storage: Arc<dyn ObjectStorage> = Arc::new(storage.snapshot());
        let store = store_of(storage.clone(), job());
        let taken = fixture::take_over(&store).await.unwrap();
        let epoch = taken.restore.as_ref().unwrap().owned.epoch;
        let settings = millstream_savepoint::SavepointSettings {
            bucket_bytes,
            memory_bytes,
            row_group_rows,
            ..settings(1)
        };
        let place = location(storage, "x");
        let written = write(&store, &taken.incarnation, &place, &request(epoch), &settings).await.unwrap();
        let main = written.table(&fixture::uid("agg"), "main").unwrap();
        assert_eq!(main.buckets, if bucket_bytes == 1 { KEY_GROUPS } else { 1 });
        let reader = SavepointReader::open(&place).await.unwrap().with_batch_rows(5);
        assert_eq!(saved(&reader).await.unwrap(), expected(2));
    }
}

#[tokio::test]
async fn an_older_epoch_and_another_store_will_do() {
    let storage = fixture::populated().await;
    let shared: Arc<dyn ObjectStorage> = Arc::new(storage.clone());
    let store = store_of(shared.clone(), job());
    let taken = fixture::take_over(&store).await.unwrap();
    let elsewhere: Arc<dyn ObjectStorage> = Arc::new(MemoryStorage::new());
    let place = millstream_savepoint::SavepointLocation::in_folder(elsewhere.clone(), "backup/old", PATIENCE)
        .unwrap();
    let older = Epoch(taken.restore.as_ref().unwrap().owned.epoch.0 - 1);
    write(&store, &taken.incarnation, &place, &request(older), &settings(1)).await.unwrap();
    // The job is gone; its savepoint is not.
    for key in keys(shared.as_ref(), "").await {
        shared.delete(&key).await.unwrap();
    }
    let reader = SavepointReader::open(&place).await.unwrap();
    assert_eq!(saved(&reader).await.unwrap(), expected(1));
}

#[tokio::test]
async fn a_name_is_used_once_until_it_is_deleted() {
    let storage = Arc::new(fixture::populated().await);
    fixture::save(storage.clone(), "a", 1).await.unwrap();
    fixture::save(storage.clone(), "b", 2).await.unwrap();
    let error = fixture::save(storage.clone(), "a", 3).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is a savepoint memory:///default.flights.local/savepoint/a already; take another name, or delete it first"
    );
    assert_eq!(list(storage.as_ref(), &job(), &PATIENCE).await.unwrap(), ["a", "b"]);
    let place = location(storage.clone(), "a");
    SavepointReader::open(&place).await.unwrap().check_contents().await.unwrap();

    // Somebody put a note there; it is not ours to delete.
    storage.put_if_absent("default.flights.local/savepoint/a/README.md", "mine".into()).await.unwrap();
    assert!(delete(&place).await.unwrap());
    assert!(!delete(&place).await.unwrap());
    assert!(SavepointReader::open(&place).await.unwrap_err().is_not_there());
    let left = keys(storage.as_ref(), "default.flights.local/savepoint/a/").await;
    assert_eq!(left, ["default.flights.local/savepoint/a/README.md"]);
    fixture::save(storage, "a", 4).await.unwrap();
}

#[tokio::test]
async fn output_that_is_not_visible_is_no_savepoint() {
    let storage = Arc::new(fixture::populated().await);
    let store = store_of(storage.clone(), job());
    let taken = fixture::take_over(&store).await.unwrap();
    let incarnation = &taken.incarnation;
    let mut manifest = taken.restore.unwrap().manifest;
    (manifest.checkpoint, manifest.generation) = (manifest.checkpoint.next(), incarnation.generation());
    let owned = fixture::own_only(incarnation, &manifest).await;
    let place = location(storage.clone(), "x");
    let attempt =
        async |epoch| write(&store, incarnation, &place, &request(epoch), &settings(1)).await.unwrap_err();
    let error = attempt(owned.epoch).await;
    assert!(matches!(error, SavepointError::Unpublished { epoch } if epoch == owned.epoch), "{error}");

    let permit = incarnation.publish_permit(owned.epoch).await.unwrap();
    incarnation.mark_published(&permit).await.unwrap();
    manifest.checkpoint = manifest.checkpoint.next();
    manifest.sinks[0].pending = std::mem::take(&mut manifest.sinks[0].publications[0].segments);
    manifest.sinks[0].publications.clear();
    let owned = fixture::own(incarnation, &manifest).await;
    let error = attempt(owned.epoch).await;
    assert!(matches!(error, SavepointError::PendingOutput { .. }), "{error}");
    assert!(error.to_string().contains("sinks out"), "{error}");
    assert!(keys(storage.as_ref(), "default.flights.local/savepoint/").await.is_empty());
}

#[tokio::test]
async fn a_person_can_see_what_is_in_it() {
    let storage = Arc::new(fixture::populated().await);
    fixture::save(storage.clone(), "nightly", 1).await.unwrap();
    let summary = SavepointReader::open(&location(storage, "nightly")).await.unwrap().inspect();
    assert_eq!(summary.location, "memory:///default.flights.local/savepoint/nightly");
    assert_eq!((summary.job.as_str(), summary.epoch), ("default.flights.local", 3));
    assert_eq!(summary.rows(), expected(2).values().map(|rows| rows.len() as u64).sum::<u64>());
    assert!(summary.bytes() > 1_000);
    let main = summary.tables.iter().find(|t| t.table == "main").unwrap();
    assert_eq!((main.operator_name.as_str(), main.key_groups), ("Operator(agg)", Some((0, KEY_GROUPS))));
    let columns: Vec<String> =
        main.columns.iter().map(|c| format!("{} {} {}", c.field_id, c.name, c.data_type)).collect();
    assert_eq!(
        columns,
        [
            "1 key_group UINT16",
            "2 key BINARY",
            "1000 call0.0 INT64",
            "1001 call1.0 DECIMAL(20,2)",
            "1002 call2.0 UTF8",
            "1003 call3.0 TIMESTAMP_MS",
            "1004 rows INT64",
        ]
    );
    let split = &summary.sources[0].splits[0];
    assert_eq!((split.split.as_str(), split.position.as_str(), split.watermark), ("a.csv@0..100", "50", 17));
    let agg = summary.operators.iter().find(|o| o.uid == "agg").unwrap();
    assert_eq!((agg.watermark, agg.counters.rows_in), (2_000_000, 200));
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["sinks"][0]["last_output"], 3);
    assert_eq!(json["outcome"], "Running");
}
