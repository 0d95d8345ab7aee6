//! A disk that becomes full while stores are written: an error, and never a wait without end. Only the superuser can mount such a
//! disk; where that is not allowed, the test says so and does nothing.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use millstream_state::{Spill, SpillFactory};
use millstream_state_rocksdb::{LEAST_MEMORY_BYTES, RocksSettings, RocksSpills};
use tempfile::TempDir;

const DISK: &str = "size=128m";
const STORES: usize = 3;
/// Far more than a store takes that is not stuck.
const LIMIT: Duration = Duration::from_secs(60);

struct Disk(TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", DISK, "millstream-test"]).arg(folder.path()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Leaves no byte free.
fn fill(ballast: &Path, after: Duration) {
    thread::sleep(after);
    let mut file = File::create(ballast).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

/// Writes until a store refuses, and what it says.
fn write_until_refused(stores: &[std::sync::Arc<dyn Spill>]) -> String {
    for round in 1_u64.. {
        let keys: Vec<_> = (0..200).map(|key| (key * 7_919 * round).to_be_bytes()).collect();
        let value = round.to_be_bytes().repeat(50);
        let changes: Vec<_> = keys.iter().map(|key| (key.as_slice(), Some(value.as_slice()))).collect();
        if let Some(error) = stores.iter().find_map(|store| store.write(&changes).err()) {
            return error.to_string();
        }
    }
    unreachable!("there are more rounds than a disk has bytes")
}

/// What the stores of one process on a disk said that was full from some moment on, when all of them were closed.
fn said(folder: PathBuf) -> String {
    let settings = RocksSettings { directory: folder, memory_bytes: LEAST_MEMORY_BYTES };
    let spills = RocksSpills::new(settings).unwrap();
    let stores: Vec<_> = (0..STORES).map(|number| spills.open(&format!("s{number}")).unwrap()).collect();
    write_until_refused(&stores)
}

#[test]
fn a_full_disk_is_an_error_and_no_wait() {
    for round in 0..6 {
        let Some(disk) = Disk::mount() else {
            eprintln!("not tested: no file system can be mounted here");
            return;
        };
        let (ballast, folder) = (disk.path().join("ballast"), disk.path().join("spill"));
        // At another moment of the flushes each time.
        let after = Duration::from_millis(50 + 60 * round);
        let full = thread::spawn(move || fill(&ballast, after));
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(said(folder)));
        let said = end.recv_timeout(LIMIT).expect("a store waits for a disk that is full");
        assert!(said.contains("No space left on device") && said.contains("free some space"), "{said}");
        full.join().unwrap();
    }
}
