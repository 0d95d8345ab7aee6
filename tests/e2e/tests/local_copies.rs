//! Copies of state beside the job: a restart on the same machine does not ask the bucket for what it wrote itself.

use std::fs;
use std::path::Path;

use crate::harness::{
    Ended, JobFolder, LIMIT, Process, S3Server, blank, blank_segments, files_below, millstream,
};

/// Endless, so that it is stopped and goes on.
const JOB: &str =
    "CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '5000',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '10000000');
CREATE TABLE written (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO written SELECT k, COUNT(*) FROM (SELECT MOD(id, 500) AS k FROM numbers) AS t GROUP BY k;\n";

/// Runs until it has restored and has written checkpoints with state of its own, then stops it, or to its own end.
fn run(folder: &Path, server: &S3Server, settings: &str) -> Ended {
    fs::write(folder.join("copied.sql"), JOB).unwrap();
    let mut command = millstream();
    let line = format!("run copied.sql --storage s3://{}/copies {settings}", S3Server::BUCKET);
    command.current_dir(folder).args(line.split_whitespace());
    command.args(["--set", "execution.checkpointing.interval=200ms"]);
    server.configure(&mut command);
    let mut process = Process::start(&mut command);
    let job = JobFolder::new(&server.bucket().join("copies"), "copied");
    let before = job.newest();
    if process.wait_until(LIMIT, |_| job.newest() >= before + 4 && !job.files("state").is_empty()) {
        process.signal("TERM");
    }
    process.end(LIMIT)
}

#[test]
fn a_restart_takes_its_state_from_beside_the_job_and_believes_only_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = S3Server::start();
    run(folder, &server, "").code(0);
    let copies = folder.join(".millstream/copies-default.copied.local");
    assert!(!files_below(&copies).is_empty());

    // The bucket's segments are not what they were: nobody asks.
    blank_segments(&server.bucket().join("copies"));
    run(folder, &server, "").code(0).says("restored from epoch");

    // Copies that are not right are not used, and then the bucket is asked.
    files_below(&copies).iter().for_each(|copy| blank(copy));
    blank_segments(&server.bucket().join("copies"));
    run(folder, &server, "").code(2).says("/state/");
    run(folder, &server, "--fresh --yes --set state.backend.local-recovery=false").code(0);
}
