//! State against a budget of memory: it ends the job by name, or it spills.

use std::fs;
use std::path::Path;

use crate::harness::{Ended, LIMIT, Process, millstream};

/// 150,000 groups of some 700 bytes each: more than the 64 MiB that a slot always has.
const JOB: &str = "CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10000000',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '150000');
CREATE TABLE written (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO written SELECT k, COUNT(*) FROM (SELECT CONCAT(CAST(id AS STRING), REPEAT('x', 700)) AS k FROM numbers) AS t
  GROUP BY k;\n";

fn run(folder: &Path, settings: &str) -> Ended {
    fs::write(folder.join("large.sql"), JOB).unwrap();
    let mut command = millstream();
    command.current_dir(folder).args(["run", "large.sql"]).args(settings.split_whitespace());
    Process::start(&mut command).end(LIMIT)
}

#[test]
fn state_beyond_its_budget_ends_the_job_by_name_or_spills() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "--set taskmanager.memory.task.heap.size=1mb")
        .code(2)
        .says("there are 1 MiB for the state and the queues of 1 slots, and each needs 64 MiB");
    run(folder.path(), "--set taskmanager.memory.task.heap.size=64mb")
        .code(1)
        .says("Aggregate(k) holds")
        .says("more than the 64.0 MiB that a slot has")
        .says("'state.backend.type' = 'rocksdb'");
    let settings = "--fresh --yes --set state.backend.type=rocksdb --set state.backend.rocksdb.memory.fixed-per-slot=8mb";
    run(folder.path(), settings).code(0).says("finished at epoch");
}
