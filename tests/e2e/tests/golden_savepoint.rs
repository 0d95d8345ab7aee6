//! A savepoint that an earlier version took of a running job, restored and continued for ever after: the formats of files, the
//! names of tables and columns, the uids of operators and what each operator makes of its state.
//!
//! `golden/savepoint-v1` is never written again. For a new kind of state make `savepoint-v2` with a job of its own beside it, by
//! running [`write_golden`] once with `MILLSTREAM_WRITE_GOLDEN` set to the folder's path. Where the job stood when the savepoint
//! was taken does not matter: the rows before it are in the state, those behind it are read again from `datagen`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{LIMIT, Process, lines_of, millstream, run_in};

const ROWS: i64 = 6_000;

/// Grouped sums and distinct values with and without a time of the last write, a maximum over updates, and sliding windows.
const JOB: &str = "CREATE TABLE numbers (id BIGINT, k AS MOD(id, 7), v AS MOD(id * 31, 113), at AS TO_TIMESTAMP_LTZ(id * 1000, 3),
  WATERMARK FOR at AS at - INTERVAL '30' SECOND)
WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'splits' = '2',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '5999');
CREATE TABLE totals (what STRING, k BIGINT, a BIGINT, b BIGINT, c BIGINT, d BIGINT) WITH ('connector' = 'print');
CREATE TABLE windows (start_s BIGINT, end_s BIGINT, k BIGINT, n BIGINT, s BIGINT)
WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'csv');
BEGIN STATEMENT SET;
INSERT INTO totals SELECT 'sums', k, COUNT(*), SUM(v), MIN(v), CAST(NULL AS BIGINT) FROM numbers GROUP BY k;
INSERT INTO totals SELECT /*+ STATE_TTL('numbers' = '3650 d') */ 'kinds', k, COUNT(DISTINCT v), MAX(v), COUNT(*), SUM(id)
  FROM numbers GROUP BY k;
INSERT INTO totals SELECT 'sizes', small, COUNT(*), MAX(n), MIN(n), SUM(n)
  FROM (SELECT v, MOD(v, 3) AS small, COUNT(*) AS n FROM numbers GROUP BY v) AS t GROUP BY small;
INSERT INTO windows SELECT TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_start),
    TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_end), k, COUNT(*), SUM(v)
  FROM TABLE(HOP(TABLE numbers, DESCRIPTOR(at), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)) GROUP BY window_start, window_end, k;
END;
";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/savepoint-v1")
}

fn command(folder: &Path, line: &str) -> std::process::Command {
    fs::write(folder.join("numbers.sql"), JOB).unwrap();
    let mut command = millstream();
    command.current_dir(folder).args(line.split_whitespace());
    command
}

/// The last row of each key that was printed.
fn last_rows(stdout: &str) -> BTreeMap<(String, i64), Vec<Option<i64>>> {
    let mut rows = BTreeMap::new();
    for line in stdout.lines() {
        let (kind, row) = line.split_once('[').unwrap();
        let cells: Vec<&str> = row.trim_end_matches(']').split(", ").collect();
        if kind.ends_with("+I") || kind.ends_with("+U") {
            let key = (cells[0].to_owned(), cells[1].parse().unwrap());
            rows.insert(key, cells[2..].iter().map(|cell| cell.parse().ok()).collect());
        }
    }
    rows
}

fn numbers() -> impl Iterator<Item = (i64, i64, i64)> {
    (0..ROWS).map(|id| (id, id % 7, id * 31 % 113))
}

fn expected_rows() -> BTreeMap<(String, i64), Vec<Option<i64>>> {
    let mut rows = BTreeMap::new();
    for key in 0..7 {
        let of_key: Vec<(i64, i64, i64)> = numbers().filter(|(_, k, _)| *k == key).collect();
        let values = || of_key.iter().map(|(_, _, v)| *v);
        let count = i64::try_from(of_key.len()).unwrap();
        let sums = vec![Some(count), Some(values().sum()), values().min(), None];
        rows.insert(("sums".to_owned(), key), sums);
        let kinds = i64::try_from(values().collect::<BTreeSet<_>>().len()).unwrap();
        let ids = of_key.iter().map(|(id, _, _)| *id).sum();
        rows.insert(("kinds".to_owned(), key), vec![Some(kinds), values().max(), Some(count), Some(ids)]);
    }
    let mut sizes = BTreeMap::<i64, i64>::new();
    numbers().for_each(|(_, _, v)| *sizes.entry(v).or_default() += 1);
    for small in 0..3 {
        let of_small = || sizes.iter().filter(|(v, _)| *v % 3 == small).map(|(_, n)| *n);
        let count = i64::try_from(of_small().count()).unwrap();
        let row = vec![Some(count), of_small().max(), of_small().min(), Some(of_small().sum())];
        rows.insert(("sizes".to_owned(), small), row);
    }
    rows
}

/// Lines of all windows that end at `first_end` or later.
fn expected_windows(first_end: i64) -> Vec<String> {
    let mut windows = BTreeMap::<(i64, i64), (i64, i64)>::new();
    for (id, k, v) in numbers() {
        for end in (1..=5).map(|slides| (id / 60 + slides) * 60).filter(|end| *end >= first_end) {
            let window = windows.entry((end, k)).or_default();
            *window = (window.0 + 1, window.1 + v);
        }
    }
    let line = |((end, k), (n, s)): ((i64, i64), (i64, i64))| format!("{},{end},{k},{n},{s}", end - 300);
    let mut lines: Vec<String> = windows.into_iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn a_job_continues_from_the_savepoint_of_an_earlier_version() {
    for settings in [
        "--set parallelism.default=1",
        "--set parallelism.default=3 --set state.backend.type=rocksdb --set state.backend.rocksdb.memory.fixed-per-slot=1kb",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("run numbers.sql --from-savepoint {} {settings}", golden().display());
        let ended = Process::start(&mut command(folder.path(), &line)).end(LIMIT);
        ended.code(0).says("is restored");
        assert_eq!(last_rows(&ended.stdout), expected_rows(), "{settings}");
        let written = lines_of(&folder.path().join("windows"));
        let end = |line: &String| line.split(',').nth(1).unwrap().parse::<i64>().unwrap();
        let first_end = written.iter().map(end).min().unwrap();
        assert!((600..5_700).contains(&first_end), "windows had fired, and others had not: {first_end}");
        assert_eq!(written, expected_windows(first_end), "{settings}");
    }
}

/// Rows of the inner aggregate are updated: a new count would be taken down by rows that it never counted.
#[test]
fn what_is_new_over_updates_does_not_begin_empty() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("run numbers.sql --from-savepoint {}", golden().display());
    let mut command = command(folder.path(), &line);
    let counted = JOB.replace("SUM(n)\n", "SUM(n) + COUNT(small)\n");
    assert_ne!(counted, JOB);
    fs::write(folder.path().join("numbers.sql"), counted).unwrap();
    Process::start(&mut command)
        .end(LIMIT)
        .code(2)
        .says("column COUNT(MOD(")
        .says("was absent, is Int64 over rows that are updated, which must know all of them");
}

/// The same key in another type is other bytes in the state: none of it would ever be found again.
#[test]
fn a_key_of_another_type_is_another_operator() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("run numbers.sql --from-savepoint {}", golden().display());
    let mut command = command(folder.path(), &line);
    let narrow = JOB.replace("k AS MOD(id, 7)", "k AS CAST(MOD(id, 7) AS INT)");
    assert_ne!(narrow, JOB);
    fs::write(folder.path().join("numbers.sql"), narrow).unwrap();
    let ended = Process::start(&mut command).end(LIMIT);
    ended
        .code(2)
        .says("(Aggregate(k)), table groups: was 7 rows, is absent")
        .says("(WindowAggregate(k)), table slices");
}

#[test]
#[ignore = "writes a golden savepoint"]
fn write_golden() {
    let Some(target) = std::env::var_os("MILLSTREAM_WRITE_GOLDEN") else { return };
    let folder = tempfile::tempdir().unwrap();
    let line = "run numbers.sql --set parallelism.default=2 --set execution.checkpointing.interval=100ms";
    let mut process = Process::start(&mut command(folder.path(), line));
    assert!(process.wait_until(LIMIT, |_| lines_of(&folder.path().join("windows")).len() > 7 * 30));
    let target = target.into_string().unwrap();
    run_in(folder.path(), &["savepoint", "numbers.sql", "--to", &target, "--stop"]).code(0);
    process.end(LIMIT).code(0);
}
