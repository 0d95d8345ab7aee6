//! Checkpoint files that were cut, changed, exchanged or removed. A job that stands before them says what is wrong and stops;
//! it never goes on as if nothing were, and what is visible stays as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::line_in;
use crate::harness::{Files, JobFolder, LIMIT, Process, millstream};

/// A job with state, positions and staged output that is not visible for an hour.
const JOB: &str = "CREATE TABLE t (id INT, at TIMESTAMP(3), WATERMARK FOR at AS at)
  WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'splits' = '2', 'fields.id.min' = '0', 'fields.id.max' = '99',
    'fields.at.kind' = 'sequence', 'fields.at.start' = '2024-01-01 00:00:00', 'fields.at.interval' = '100 ms');
CREATE TABLE held (id INT)
  WITH ('connector' = 'filesystem', 'path' = 'out/held', 'format' = 'csv', 'sink.rolling-policy.rollover-interval' = '1 h');
CREATE TABLE counted (id INT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/counted', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO held SELECT id FROM t;
INSERT INTO counted SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;
END;\n";

/// A job that was killed behind some epochs.
fn killed() -> tempfile::TempDir {
    let (folder, process) = running();
    process.kill();
    folder
}

/// A job that was stopped: its newest epoch is published, and what was held back with it.
fn stopped() -> tempfile::TempDir {
    let (folder, process) = running();
    process.signal("TERM");
    process.end(LIMIT).code(0);
    folder
}

/// A job with some epochs behind it.
fn running() -> (tempfile::TempDir, Process) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("j.sql"), JOB).unwrap();
    let mut command = millstream();
    command.current_dir(folder.path()).args([
        "run",
        "j.sql",
        "--set",
        "execution.checkpointing.interval=100ms",
    ]);
    let mut process = Process::start(&mut command);
    let job = job(folder.path());
    let is_ready = process.wait_until(LIMIT, |_| job.epochs().len() >= 6 && !job.files("state").is_empty());
    assert!(is_ready, "{}", process.stderr());
    (folder, process)
}

fn job(folder: &Path) -> JobFolder {
    JobFolder::new(&folder.join(".millstream"), "j")
}

/// A copy to damage.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let ended = Command::new("cp").arg("-a").arg(folder.join(".")).arg(copy.path()).status().unwrap();
    assert!(ended.success());
    copy
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

fn remove(file: &Path) {
    fs::remove_file(file).unwrap();
}

fn empty(file: &Path) {
    fs::write(file, "").unwrap();
}

fn scribble(file: &Path) {
    fs::write(file, "hello").unwrap();
}

fn exchange(files: &[PathBuf]) {
    let [.., a, b] = files else { panic!("two files are needed") };
    let (in_a, in_b) = (fs::read(a).unwrap(), fs::read(b).unwrap());
    fs::write(a, in_b).unwrap();
    fs::write(b, in_a).unwrap();
}

fn manifests(job: &JobFolder) -> Vec<PathBuf> {
    job.restorable().into_iter().filter_map(|epoch| job.manifest(epoch)).collect()
}

fn newest(files: &[PathBuf]) -> &Path {
    files.last().unwrap()
}

fn each(files: &[PathBuf], damage: fn(&Path)) {
    assert!(!files.is_empty());
    files.iter().for_each(|file| damage(file));
}

#[test]
fn damaged_checkpoints_are_named_and_nothing_goes_on() {
    let good = killed();
    let cases: &[(&str, fn(&JobFolder), &[&str])] = &[
        (
            "manifest flipped",
            |j| flip(newest(&manifests(j))),
            &["cannot be used", "/manifest is damaged", "the newest one before it is epoch", "--from-epoch"],
        ),
        ("manifest cut", |j| cut(newest(&manifests(j))), &["cannot be used", "/manifest is damaged"]),
        ("manifest empty", |j| empty(newest(&manifests(j))), &["/manifest is damaged", "found 0 bytes"]),
        ("manifest gone", |j| remove(newest(&manifests(j))), &["/manifest is damaged", "found nothing"]),
        ("manifests exchanged", |j| exchange(&manifests(j)), &["/manifest is damaged"]),
        (
            "record flipped",
            |j| flip(newest(&j.files("epoch"))),
            &["could not read default.j.local/epoch/", "its checksum does not match"],
        ),
        ("record cut", |j| cut(newest(&j.files("epoch"))), &["the epoch record is cut off"]),
        (
            "record of something else",
            |j| scribble(newest(&j.files("epoch"))),
            &["this is no epoch record of Millstream"],
        ),
        (
            "record gone",
            |j| remove(&j.files("epoch")[3]),
            &["the epoch log has a gap: epoch 3 is followed by 5"],
        ),
        (
            "records exchanged",
            |j| exchange(&j.files("epoch")),
            &["the epoch log of default.j.local is broken", "is owned before it"],
        ),
        (
            "state flipped",
            |j| each(&j.files("state"), flip),
            &[
                "restore operator window-aggregate-",
                "is damaged: expected",
                "--from-epoch",
                "goes back to the epoch before it",
                "--fresh starts from the beginning",
            ],
        ),
        (
            "state cut",
            |j| each(&j.files("state"), cut),
            &["cannot be used", "/state/", "is damaged: expected"],
        ),
        ("state gone", |j| each(&j.files("state"), remove), &["cannot be used", "/state/", "found nothing"]),
        (
            "staged output cut",
            |j| each(&j.files("staged"), cut),
            &["cannot be used", "/staged/", "is damaged: expected"],
        ),
        (
            "staged output gone",
            |j| each(&j.files("staged"), remove),
            &["cannot be used", "/staged/", "found nothing"],
        ),
    ];
    for (what, damage, says) in cases {
        let folder = copy_of(good.path());
        let before = Files::read(&folder.path().join("out"));
        damage(&job(folder.path()));
        let ended = line_in(folder.path(), "run j.sql");
        assert!(ended.stderr.contains("error: "), "{what}: {ended}");
        ended.code(2);
        for text in *says {
            assert!(ended.stderr.contains(text), "{what}: `{text}` is missing in {ended}");
        }
        // Output that an epoch before the damage owns may become visible; nothing else may.
        let after = Files::read(&folder.path().join("out"));
        let kept = after.only(&before.0.keys().cloned().collect::<Vec<_>>());
        assert!(before == kept, "{what}: visible output was changed\n{ended}");
        assert!(
            before == after || ended.stderr.contains("of an earlier run"),
            "{what}: output was written\n{ended}"
        );
    }
}

#[test]
fn damaged_staged_output_is_never_published() {
    let folder = killed();
    let job = job(folder.path());
    each(
        &job.files("staged")
            .into_iter()
            .filter(|f| f.to_string_lossy().contains("/held/"))
            .collect::<Vec<_>>(),
        flip,
    );
    let mut command = millstream();
    let mut process = Process::start(command.current_dir(folder.path()).args(["run", "j.sql"]));
    // Lengths are right, so that it is found only when it is read: with the stop, which makes everything visible.
    let runs = process.wait_until(LIMIT, |p| p.stderr().contains("attempt 1 runs"));
    assert!(runs, "{}", process.stderr());
    process.signal("TERM");
    let ended = process.end(LIMIT);
    ended.code(2).says("/staged/held/").says("is damaged: expected");
    assert!(Files::read(&folder.path().join("out/held")).0.is_empty(), "damaged output is visible: {ended}");
}

#[test]
fn a_damaged_progress_record_holds_the_job() {
    let good = stopped();
    for (damage, text) in [
        (scribble as fn(&Path), "not a progress record"),
        (remove, "the target's progress record is missing"),
    ] {
        let folder = copy_of(good.path());
        let records = folder.path().join("out/held/_millstream/held");
        for record in fs::read_dir(records).unwrap().map(Result::unwrap) {
            damage(&record.path());
        }
        line_in(folder.path(), "run j.sql").code(2).says("table").says(text);
    }
}

#[test]
fn a_damaged_newest_checkpoint_can_be_gone_behind() {
    let folder = killed();
    let job = job(folder.path());
    let older = *job.restorable().iter().rev().nth(1).unwrap();
    remove(newest(&manifests(&job)));
    let refused = line_in(folder.path(), "run j.sql");
    refused.code(2).says(&format!("the newest one before it is epoch {older}"));
    go_back_as_told(folder.path(), &refused.stderr, older);
}

/// Types what the message says, and sees the job run and stop.
fn go_back_as_told(folder: &Path, message: &str, older: u64) {
    let flag = format!("--from-epoch {older} ");
    assert!(message.contains(&flag), "{message}");
    let mut command = millstream();
    let line = format!("run j.sql {flag}--yes");
    let mut process = Process::start(command.current_dir(folder).args(line.split_whitespace()));
    let runs = process.wait_until(LIMIT, |p| p.stderr().contains("attempt 1 runs"));
    assert!(runs, "{}", process.stderr());
    process.signal("TERM");
    process.end(LIMIT).code(0).says(&format!("restored from epoch {older}"));
}

#[test]
fn a_flipped_bit_in_the_newest_state_can_be_gone_behind() {
    let folder = killed();
    let job = job(folder.path());
    let older = *job.restorable().iter().rev().nth(1).unwrap();
    // Only what the newest checkpoint has and the one before has not.
    let manifests = manifests(&job);
    let [.., before, newest] = manifests.as_slice() else { panic!("two manifests are needed") };
    let names = |manifest: &Path, file: &Path| {
        let bytes = fs::read(manifest).unwrap();
        let name = file.file_name().unwrap().as_encoded_bytes();
        bytes.windows(name.len()).any(|w| w == name)
    };
    let own: Vec<PathBuf> =
        job.files("state").into_iter().filter(|f| names(newest, f) && !names(before, f)).collect();
    each(&own, flip);
    let refused = line_in(folder.path(), "run j.sql");
    refused.code(2).says("is damaged: expected");
    go_back_as_told(folder.path(), &refused.stderr, older);
}
