//! A folder that is watched: every file once, whatever happens, and checkpoints that do not grow with what was read.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::{JobFolder, Process, lines_of, millstream};

const LIMIT: Duration = Duration::from_secs(60);
const JOB: &str = "CREATE TABLE arrivals (file INT, line INT)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE copied (file INT, line INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO copied SELECT file, line FROM arrivals;\n";
const LINES: u32 = 3;

fn start(folder: &Path, more: &str) -> Process {
    fs::write(folder.join("watch.sql"), JOB).unwrap();
    let mut command = millstream();
    let line = format!("run watch.sql --set execution.checkpointing.interval=100ms {more}");
    Process::start(command.current_dir(folder).args(line.split_whitespace()))
}

fn job(folder: &Path) -> JobFolder {
    JobFolder::new(&folder.join(".millstream"), "watch")
}

/// Writes files of three lines each, under a hidden name first, as one has to.
fn arrive(folder: &Path, files: std::ops::Range<u32>) {
    let input = folder.join("in");
    fs::create_dir_all(&input).unwrap();
    for file in files {
        let lines: String = (0..LINES).map(|line| format!("{file},{line}\n")).collect();
        let hidden = input.join(".incoming");
        fs::write(&hidden, lines).unwrap();
        fs::rename(&hidden, input.join(format!("arrival-{file:05}.csv"))).unwrap();
    }
}

fn expected(files: std::ops::Range<u32>) -> Vec<String> {
    let mut lines: Vec<String> =
        files.flat_map(|file| (0..LINES).map(move |line| format!("{file},{line}"))).collect();
    lines.sort();
    lines
}

/// Waits until so many lines are visible, and a checkpoint behind them is there.
fn until_visible(process: &mut Process, folder: &Path, lines: usize) {
    let is_visible = process.wait_until(LIMIT, |_| lines_of(&folder.join("out")).len() >= lines);
    assert!(is_visible, "{}", process.stderr());
    let newest = job(folder).newest();
    assert!(process.wait_until(LIMIT, |_| job(folder).newest() >= newest + 2), "{}", process.stderr());
}

/// Bytes of the newest manifest.
fn manifest_bytes(folder: &Path) -> u64 {
    let manifests = job(folder).files("checkpoint");
    let newest = manifests.iter().rfind(|f| f.ends_with("manifest")).unwrap();
    fs::metadata(newest).unwrap().len()
}

#[test]
fn every_file_once_and_manifests_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    arrive(folder, 0..50);
    let mut process = start(folder, "");
    until_visible(&mut process, folder, 150);
    let few = manifest_bytes(folder);
    arrive(folder, 50..100);
    process.kill();

    let mut process = start(folder, "");
    until_visible(&mut process, folder, 300);
    arrive(folder, 100..450);
    until_visible(&mut process, folder, 1_350);
    process.signal("TERM");
    process.end(LIMIT).code(0);
    assert_eq!(lines_of(&folder.join("out")), expected(0..450));
    // A name is remembered in the bytes in which it differs from the one before; a split has some hundred.
    let grown = manifest_bytes(folder) - few;
    assert!(grown < 400 * 12, "400 files more made the manifest {grown} bytes longer than {few}");
}

#[test]
fn going_back_reads_again_what_came_after_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    arrive(folder, 0..5);
    let mut process = start(folder, "");
    until_visible(&mut process, folder, 15);
    process.signal("TERM");
    process.end(LIMIT).code(0);
    let then = *job(folder).restorable().last().unwrap();

    let mut process = start(folder, "");
    arrive(folder, 5..8);
    let is_visible = process.wait_until(LIMIT, |_| lines_of(&folder.join("out")).len() >= 24);
    assert!(is_visible, "{}", process.stderr());
    process.kill();
    assert!(job(folder).restorable().contains(&then), "{:?}", job(folder).restorable());

    arrive(folder, 8..10);
    let mut process = start(folder, &format!("--from-epoch {then} --yes"));
    until_visible(&mut process, folder, 39);
    process.signal("TERM");
    process.end(LIMIT).code(0).says(&format!("output of epochs {} to", then + 1));
    let mut twice = expected(0..10);
    twice.extend(expected(5..8));
    twice.sort();
    assert_eq!(lines_of(&folder.join("out")), twice);
}
