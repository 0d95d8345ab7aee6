//! A savepoint that an earlier version wrote, restored for ever after.
//!
//! `tests/golden/v1` was written by this version and is never written again; a format that cannot read it any more has lost
//! somebody's state. For the first savepoint of a new format make a folder `v2` beside it, by running this test once with
//! `MILLSTREAM_WRITE_GOLDEN` set to the folder's path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_savepoint::{ImportRequest, SavepointLocation, SavepointReader, import};
use millstream_storage::{LocalStorage, MemoryStorage, ObjectStorage};

use crate::fixture::{self, NOW_MS, PATIENCE, Rows, copy, restored, saved, settings, store_of, take_over};

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

fn text(rows: &Rows) -> String {
    let mut text = String::new();
    for (table, lines) in rows {
        text.push_str(&format!("{table}: {} rows\n", lines.len()));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text
}

async fn write_golden(folder: PathBuf) {
    let storage: Arc<dyn ObjectStorage> = Arc::new(fixture::populated().await);
    let store = store_of(storage.clone(), fixture::job());
    let taken = take_over(&store).await.unwrap();
    let epoch = taken.restore.as_ref().unwrap().owned.epoch;
    let target: Arc<dyn ObjectStorage> = Arc::new(LocalStorage::new(folder.clone()));
    let place = SavepointLocation::in_folder(target, "savepoint", PATIENCE).unwrap();
    let request = fixture::request(epoch);
    let settings =
        millstream_savepoint::SavepointSettings { row_group_rows: 16, ..settings(0x00c0_ffee_00c0_ffee) };
    millstream_savepoint::write(&store, &taken.incarnation, &place, &request, &settings).await.unwrap();
    let reader = SavepointReader::open(&place).await.unwrap();
    std::fs::write(folder.join("rows.txt"), text(&saved(&reader).await.unwrap())).unwrap();
}

#[tokio::test]
async fn a_savepoint_of_version_1_is_restored() {
    if let Ok(folder) = std::env::var("MILLSTREAM_WRITE_GOLDEN") {
        write_golden(folder.into()).await;
    }
    let golden: Arc<dyn ObjectStorage> = Arc::new(LocalStorage::new(folder("v1")));
    let place = SavepointLocation::in_folder(golden, "savepoint", PATIENCE).unwrap();
    let reader = SavepointReader::open(&place).await.unwrap();
    let rows = std::fs::read_to_string(folder("v1").join("rows.txt")).unwrap();
    assert_eq!(text(&saved(&reader).await.unwrap()), rows);
    let summary = reader.inspect();
    assert_eq!((summary.job.as_str(), summary.epoch, summary.tables.len()), ("default.flights.local", 3, 3));

    let store = store_of(Arc::new(MemoryStorage::new()), copy());
    let taken = take_over(&store).await.unwrap();
    let request = ImportRequest { expected: None, now_ms: NOW_MS };
    import(&reader, &store, &taken, &request, &settings(1)).await.unwrap();
    let manifest = take_over(&store).await.unwrap().restore.unwrap().manifest;
    for parallelism in [1, 3, 16] {
        assert_eq!(text(&restored(&store, &manifest, parallelism).await), rows);
    }
    assert_eq!(manifest.sources[0].splits[0].position, b"50");
    assert_eq!(manifest.operators[1].facts.watermark.0, 2_000_000);
}
