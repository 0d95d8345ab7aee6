//! The suite of all stores on RocksDB, and what only a store on disk can do.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its stores fails")]

use std::fs;
use std::path::Path;

use millstream_state::{Spill, SpillFactory};
use millstream_state_rocksdb::{LEAST_MEMORY_BYTES, RocksSettings, RocksSpills};
use millstream_test_testkit::spill_suite;
use tempfile::TempDir;

fn spills(memory_bytes: usize) -> (TempDir, RocksSpills) {
    let directory = tempfile::tempdir().unwrap();
    let settings = RocksSettings { directory: directory.path().join("spill"), memory_bytes };
    let spills = RocksSpills::new(settings).unwrap();
    (directory, spills)
}

fn fill(store: &dyn Spill, entries: u32, value: &[u8]) {
    let keys: Vec<_> = (0..entries).map(u32::to_be_bytes).collect();
    let changes: Vec<_> = keys.iter().map(|key| (key.as_slice(), Some(value))).collect();
    store.write(&changes).unwrap();
}

fn folders(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn random_sequences_agree_with_a_map() {
    let (_directory, spills) = spills(LEAST_MEMORY_BYTES);
    let store = spills.open("suite").unwrap();
    // Many open stores make memtables of 128 KiB, so that the sequences meet files, levels and compactions too.
    let others: Vec<_> = (0..31).map(|number| spills.open(&format!("idle-{number}")).unwrap()).collect();
    spill_suite::check(&*store, 1, spill_suite::sequences(100)).unwrap();
    assert!(store.disk_bytes() > 0, "nothing came to disk");
    drop(others);
}

#[test]
fn stores_of_one_factory_are_apart() {
    let (_directory, spills) = spills(LEAST_MEMORY_BYTES);
    spill_suite::check_factory(&spills).unwrap();
}

#[test]
fn folders_go_with_their_stores_and_snapshots() {
    let (directory, spills) = spills(LEAST_MEMORY_BYTES);
    let path = directory.path().join("spill");
    let first = spills.open("a").unwrap();
    let second = spills.open("b").unwrap();
    fill(&*first, 100_000, &[1; 100]);
    assert_eq!(folders(&path), ["a.spill", "b.spill"]);
    let mut snapshot = first.snapshot(&[], &[0xff; 5]).unwrap();
    drop(first);
    drop(second);
    assert_eq!(folders(&path), ["a.spill"], "a snapshot is still read");
    assert!(snapshot.next().unwrap().is_ok());
    drop(snapshot);
    // Its thread ends by itself, soon.
    for _ in 0..1_000 {
        if folders(&path).is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(folders(&path), [""; 0]);
}

#[test]
fn the_sum_of_all_stores_stays_within_the_memory() {
    let memory_bytes = 32 * 1024 * 1024;
    let (_directory, spills) = spills(memory_bytes);
    let stores: Vec<_> = (0..4).map(|number| spills.open(&number.to_string()).unwrap()).collect();
    let mut most = 0;
    for round in 0..4_u8 {
        for store in &stores {
            fill(&**store, 50_000, &[round; 100]);
            let mut seen = 0;
            let order = millstream_state::ScanOrder::Ascending;
            let count = &mut |_: &[u8], _: &[u8]| {
                seen += 1;
                std::ops::ControlFlow::Continue(())
            };
            store.scan(&[], &[0xff; 5], order, count).unwrap();
            assert_eq!(seen, 50_000);
            most = most.max(spills.memory_bytes());
            let sum: usize = stores.iter().map(|store| store.memory_bytes()).sum();
            // Stores share what they share; the memtables of one may grow between the two questions.
            assert!(sum <= memory_bytes, "{sum}");
        }
    }
    // The account may be passed by what single reads hold, but not by the fifth that is left for it.
    assert!(most <= memory_bytes, "{most} of {memory_bytes}");
    assert!(most > memory_bytes / 4, "{most} of {memory_bytes}: nothing is kept in memory");
}

#[test]
fn a_snapshot_of_much_comes_in_moderate_chunks() {
    let (_directory, spills) = spills(LEAST_MEMORY_BYTES);
    let store = spills.open("a").unwrap();
    fill(&*store, 100_000, &[1; 100]);
    let snapshot = store.snapshot(&[], &[0xff; 5]).unwrap();
    store.delete_range(&[], &[0xff; 5]).unwrap();
    let mut next = 0_u32;
    for chunk in snapshot {
        let chunk = chunk.unwrap();
        let bytes: usize = chunk.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!((1..=1_100_000).contains(&bytes), "{bytes}");
        for (key, _) in chunk {
            assert_eq!(key, next.to_be_bytes());
            next += 1;
        }
    }
    assert_eq!(next, 100_000);
}

#[test]
fn a_snapshot_that_nobody_reads_does_not_hold_up_writes() {
    let (_directory, spills) = spills(LEAST_MEMORY_BYTES);
    let store = spills.open("a").unwrap();
    fill(&*store, 50_000, &[1; 100]);
    let snapshots: Vec<_> = (0..8).map(|_| store.snapshot(&[], &[0xff; 5]).unwrap()).collect();
    for round in 0..8 {
        fill(&*store, 50_000, &[round; 100]);
    }
    drop(snapshots);
}

#[test]
fn a_store_whose_folder_goes_away_says_so() {
    let (directory, spills) = spills(LEAST_MEMORY_BYTES);
    let store = spills.open("a").unwrap();
    fill(&*store, 1_000, &[1; 100]);
    fs::remove_dir_all(directory.path().join("spill")).unwrap();
    // The memtable takes some megabytes before a file is written.
    let keys: Vec<_> = (0..10_000_u32).map(u32::to_be_bytes).collect();
    let changes: Vec<_> = keys.iter().map(|key| (key.as_slice(), Some([1; 1_000].as_slice()))).collect();
    let error = (0..100).find_map(|_| store.write(&changes).err()).unwrap().to_string();
    assert!(error.starts_with("could not write spilled state in ") && error.contains("a.spill"), "{error}");
    assert!(error.contains("give it a folder that nothing else cleans"), "{error}");
}

#[test]
fn wrong_settings_and_names_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let settings = |memory_bytes| RocksSettings { directory: directory.path().to_owned(), memory_bytes };
    let error = RocksSpills::new(settings(1_000)).unwrap_err().to_string();
    assert!(error.contains("give it at least 16777216"), "{error}");
    let spills = RocksSpills::new(settings(LEAST_MEMORY_BYTES)).unwrap();
    let error = spills.open("../a").unwrap_err().to_string();
    assert!(error.contains("`../a` cannot name a store"), "{error}");
    let error = RocksSpills::new(settings(LEAST_MEMORY_BYTES)).unwrap_err().to_string();
    assert!(error.contains("a folder of its own"), "{error}");
}
