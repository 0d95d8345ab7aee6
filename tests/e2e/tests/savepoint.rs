//! Savepoints as a user takes and restores them: of a running job, at another parallelism, in another backend, under another
//! query. The expected rows are computed here from the input.

mod killed;
mod own_state;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::{Ended, LIMIT, Process, files_below, get, lines_of, millstream, run_in};

const KEYS: u64 = 700;
const ROWS: u64 = 5_000;

/// Totals of each key as changes on stdout, and hourly sums as files; the second has its own line so that it can be left out.
const TABLES: &str =
    "CREATE TABLE orders (id BIGINT, k BIGINT, v BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = '${IN}', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE hours (hour_start TIMESTAMP(3), k BIGINT, n BIGINT, s BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'csv');\n";
const TOTALS: &str = "INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM orders GROUP BY k;\n";
const HOURS: &str = "INSERT INTO hours SELECT window_start, k, COUNT(*), SUM(v)
  FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;\n";
const TOTALS_TABLE: &str =
    "CREATE TABLE totals (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'print');\n";

/// A row is a function of its number: half an hour for each file, keys in an order that shares nothing with hashes.
#[derive(Clone, Copy)]
struct Row {
    id: u64,
}

impl Row {
    const fn key(self) -> u64 {
        self.id * 7_919 % KEYS
    }

    const fn value(self) -> u64 {
        self.id % 101
    }

    const fn minute(self) -> u64 {
        self.id * 30 / ROWS
    }

    fn csv(self) -> String {
        let Self { id } = self;
        let (hour, minute) = (self.minute() / 60, self.minute() % 60);
        format!("{id},{},{},2024-01-01 {hour:02}:{minute:02}:00.000\n", self.key(), self.value())
    }
}

/// A folder for the input and output of a chain of runs.
struct World {
    root: TempDir,
}

/// One link of the chain: a job in a folder of its own.
struct Step<'a> {
    world: &'a World,
    name: &'a str,
    sql: String,
    parallelism: u32,
    is_rocksdb: bool,
    /// The savepoint to start from, and more flags.
    from: Option<(&'a str, &'a str)>,
}

impl World {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Lets the rows of these files arrive, each under a hidden name first.
    fn arrive(&self, files: std::ops::Range<u64>) {
        let input = self.path("in");
        fs::create_dir_all(&input).unwrap();
        for file in files {
            let rows = (file * ROWS..(file + 1) * ROWS).map(|id| Row { id }.csv());
            let hidden = input.join(".incoming");
            fs::write(&hidden, rows.collect::<String>()).unwrap();
            fs::rename(&hidden, input.join(format!("part-{file:03}.csv"))).unwrap();
        }
    }

    /// Lines of all windows of the files so far.
    fn hours(&self, files: u64) -> Vec<String> {
        let mut sums: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
        for row in (0..files * ROWS).map(|id| Row { id }) {
            let sum = sums.entry((row.minute() / 60, row.key())).or_default();
            *sum = (sum.0 + 1, sum.1 + row.value());
        }
        let line = |((hour, k), (n, s)): ((u64, u64), (u64, u64))| {
            format!("\"2024-01-01 {hour:02}:00:00\",{k},{n},{s}")
        };
        let mut lines: Vec<String> = sums.into_iter().map(line).collect();
        lines.sort();
        lines
    }

    /// Count, sum and greatest number of each key, the last of the rows from `since` on.
    fn totals(&self, files: u64, since: u64) -> BTreeMap<u64, (u64, u64, Option<u64>)> {
        let mut totals: BTreeMap<u64, (u64, u64, Option<u64>)> = BTreeMap::new();
        for row in (0..files * ROWS).map(|id| Row { id }) {
            let total = totals.entry(row.key()).or_default();
            let greatest = if row.id >= since * ROWS { Some(row.id) } else { None };
            *total = (total.0 + 1, total.1 + row.value(), total.2.max(greatest));
        }
        totals
    }

    /// All windows of the files so far were written, each once.
    #[track_caller]
    fn check_hours(&self, files: u64) {
        let (written, expected) = (lines_of(&self.path("out")), self.hours(files));
        let different = written.iter().zip(&expected).find(|(w, e)| w != e);
        assert!(written == expected, "{} rows, expected {}: {different:?}", written.len(), expected.len());
    }
}

impl Step<'_> {
    fn command(&self, more: &str) -> std::process::Command {
        let folder = self.world.path(self.name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("orders.sql"), &self.sql).unwrap();
        let backend = if self.is_rocksdb { "rocksdb" } else { "hashmap" };
        let mut line = format!(
            "run orders.sql --http 127.0.0.1:0 --set execution.checkpointing.interval=150ms --set parallelism.default={} \
             --set state.backend.type={backend} --set state.backend.rocksdb.memory.fixed-per-slot=1kb {more}",
            self.parallelism
        );
        if let Some((savepoint, flags)) = self.from {
            write!(line, " --from-savepoint {} {flags}", self.world.path(savepoint).display()).unwrap();
        }
        let mut command = millstream();
        command.current_dir(folder).args(line.split_whitespace());
        // A folder of output belongs to one job.
        for (name, folder) in [("IN", "in".to_owned()), ("OUT", format!("out/{}", self.name))] {
            command.args(["--var", &format!("{name}={}", self.world.path(&folder).display())]);
        }
        command
    }

    /// Runs until all rows of so many files are read, takes a savepoint with these flags, and waits for the end.
    fn run(&self, files: u64, savepoint: &str) -> Ended {
        let mut process = Process::start(&mut self.command(""));
        let address = process.address();
        let read = process.wait_until(LIMIT, |_| rows_in(&address) == Some(files * ROWS));
        assert!(read, "{}", process.stderr());
        let saved = run_in(&self.world.path(self.name), &words(&format!("savepoint orders.sql {savepoint}")));
        saved.code(0).prints("rows of state");
        process.end(LIMIT)
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Rows that the source has read since the job began.
fn rows_in(address: &str) -> Option<u64> {
    let (_, body) = get(address, "/status")?;
    let (_, rest) = body.split_once("\"rows_in\":")?;
    rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// The last value that was printed for each key, over several runs.
fn last_totals<'a>(outputs: impl IntoIterator<Item = &'a str>) -> BTreeMap<u64, Vec<Option<u64>>> {
    let mut totals = BTreeMap::new();
    for line in outputs.into_iter().flat_map(str::lines) {
        let (kind, row) = line.split_once('[').unwrap();
        if kind.ends_with("+I") || kind.ends_with("+U") {
            let cells = row.trim_end_matches(']').split(", ").map(|cell| cell.parse().ok());
            let cells: Vec<Option<u64>> = cells.collect();
            totals.insert(cells[0].unwrap(), cells[1..].to_vec());
        }
    }
    totals
}

fn both() -> String {
    format!("{TABLES}{TOTALS_TABLE}EXECUTE STATEMENT SET BEGIN\n{TOTALS}{HOURS}END;\n")
}

/// The same with one thing more for each key.
fn with_greatest() -> String {
    let table = TOTALS_TABLE.replace("s BIGINT", "s BIGINT, greatest BIGINT");
    let totals = TOTALS.replace("SUM(v)", "SUM(v), MAX(id)");
    format!("{TABLES}{table}EXECUTE STATEMENT SET BEGIN\n{HOURS}{totals}END;\n")
}

#[test]
fn state_moves_between_parallelisms_and_backends() {
    let world = World::new();
    let step = |name, parallelism, is_rocksdb, from| Step {
        world: &world,
        name,
        sql: both(),
        parallelism,
        is_rocksdb,
        from,
    };
    world.arrive(0..3);
    let first = step("one", 4, true, None).run(3, "--stop --to ../first");
    first.code(0).says("stopped at epoch");
    world.arrive(3..6);
    let second = step("two", 1, false, Some(("first", ""))).run(6, "--stop --to ../second");
    second.code(0).says("is restored as epoch");
    world.arrive(6..9);
    let third = step("three", 3, true, Some(("second", ""))).run(9, "--stop --drain --to ../third");
    third.code(0).says("finished at epoch");

    world.check_hours(9);
    let expected = world.totals(9, 0).into_iter().map(|(k, (n, s, _))| (k, vec![Some(n), Some(s)]));
    let printed = last_totals([first.stdout.as_str(), &second.stdout, &third.stdout]);
    assert_eq!(printed, expected.collect());

    // What is drained is over; its savepoint is still one to look at.
    let folder = world.path("three");
    run_in(&folder, &["savepoint", "inspect", "../third", "--check"])
        .code(0)
        .prints("every file read and right")
        .prints("(Finished)")
        .prints(&format!("{KEYS} rows"));
    let listed = run_in(&folder, &["savepoint", "list", "orders.sql"]);
    assert_eq!(listed.code(0).stdout, "", "a folder of its own is not in the job's storage");
    let drained = Process::start(&mut step("four", 1, false, Some(("third", ""))).command("")).end(LIMIT);
    drained.code(2).says("there is nothing to go on with");
    assert!(!path_exists(&world, "four"), "{drained}");
    run_in(&folder, &["savepoint", "delete", "../third", "--yes"]).code(0).prints("deleted");
    run_in(&folder, &["savepoint", "inspect", "../third"]).code(2);
}

#[test]
fn a_query_that_computes_one_thing_more_keeps_what_it_knew() {
    let world = World::new();
    world.arrive(0..2);
    let first =
        Step { world: &world, name: "one", sql: both(), parallelism: 4, is_rocksdb: true, from: None };
    let first = first.run(2, "--stop --to ../first");
    world.arrive(2..4);
    let second = Step {
        world: &world,
        name: "two",
        sql: with_greatest(),
        parallelism: 3,
        is_rocksdb: false,
        from: Some(("first", "")),
    };
    let second = second.run(4, "--stop --drain --to ../second");
    world.check_hours(4);
    let expected =
        world.totals(4, 2).into_iter().map(|(k, (n, s, greatest))| (k, vec![Some(n), Some(s), greatest]));
    let expected: BTreeMap<_, _> = expected.collect();
    // A key without a row since then still has the two columns that it had.
    let mut printed = last_totals([first.stdout.as_str(), &second.stdout]);
    for cells in printed.values_mut() {
        cells.resize(3, None);
    }
    assert_eq!(printed, expected);
    assert!(expected.values().all(|cells| cells[2].is_some()), "every key had a row");
}

#[test]
fn an_operator_that_is_gone_is_refused_and_allowed_by_name() {
    let world = World::new();
    world.arrive(0..2);
    let first =
        Step { world: &world, name: "one", sql: both(), parallelism: 2, is_rocksdb: true, from: None };
    first.run(2, "--stop --to ../first").code(0);
    let step = |flags| Step {
        world: &world,
        name: "two",
        sql: format!("{TABLES}{TOTALS_TABLE}{TOTALS}"),
        parallelism: 1,
        is_rocksdb: false,
        from: Some(("first", flags)),
    };
    let refused = Process::start(&mut step("").command("")).end(LIMIT);
    refused.code(2).says("nothing was restored").says("absent").says("--allow-state-loss");
    assert!(!world.path("two/.millstream/default.orders.local/epoch").exists(), "nothing was written");
    let uid = refused.stderr.split_whitespace().find(|word| word.starts_with("window-aggregate-")).unwrap();
    let flags = format!("--allow-state-loss {}", uid.trim_end_matches(','));
    world.arrive(2..3);
    let second = step(&flags).run(3, "--stop --to ../second");
    second.code(0);
    let expected = world.totals(3, 0);
    let printed = last_totals([second.stdout.as_str()]);
    assert!(printed.len() > 100);
    for (k, cells) in printed {
        let (n, s, _) = expected[&k];
        assert_eq!(cells, [Some(n), Some(s)], "key {k}");
    }
}

#[test]
fn a_savepoint_leaves_the_job_as_it_is() {
    let world = World::new();
    world.arrive(0..2);
    let step =
        Step { world: &world, name: "one", sql: both(), parallelism: 2, is_rocksdb: false, from: None };
    let mut process = Process::start(&mut step.command(""));
    let address = process.address();
    let folder = world.path("one");
    for name in ["a", "b"] {
        run_in(&folder, &["savepoint", "orders", "--as", name]).code(0).prints(&format!("savepoint/{name}"));
    }
    // What cannot be written is refused while the job still runs.
    for flags in ["--as a", "--as a --stop", "--stop --drain --as a"] {
        run_in(&folder, &words(&format!("savepoint orders.sql {flags}"))).code(2).says("already");
    }
    for place in ["/proc/nowhere", "s3://", "/"] {
        let refused = run_in(&folder, &["savepoint", "orders.sql", "--stop", "--to", place]);
        assert!(!refused.stderr.is_empty() && refused.stdout.is_empty(), "{refused}");
    }
    run_in(&folder, &["savepoint", "orders.sql", "--to", "ftp://x/y"]).code(2).says("scheme");
    run_in(&folder, &["savepoint", "orders.sql", "--to", "memory://x"])
        .code(2)
        .says("is gone with the process");
    // A folder of input would be read with the savepoint's files in it.
    run_in(&folder, &["savepoint", "orders.sql", "--stop", "--to", "../in"])
        .code(2)
        .says("there are other files");
    run_in(&folder, &["savepoint", "orders.sql", "--offline"]).code(2).says("is running");
    world.arrive(2..4);
    assert!(process.wait_until(LIMIT, |_| rows_in(&address) == Some(4 * ROWS)), "{}", process.stderr());
    run_in(&folder, &["savepoint", "orders.sql", "--stop", "--drain", "--as", "c"]).code(0);
    // The next command of a script finds no job that runs, or that is about to end.
    run_in(&folder, &["savepoint", "orders", "--offline", "--as", "d"]).code(0);
    process.end(LIMIT).code(0).says("finished at epoch");
    world.check_hours(4);
    let listed = run_in(&folder, &["savepoint", "list", "orders"]);
    let names: Vec<&str> =
        listed.code(0).stdout.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    run_in(&folder, &["savepoint", "orders"]).code(2).says("does not run here").says("--offline");
    run_in(&folder, &["savepoint", "orders", "--offline", "--as", "a"]).code(2).says("already");
}

/// Damages a Parquet file of a savepoint; returns it as it was.
fn flip(savepoint: &Path) -> (PathBuf, Vec<u8>) {
    let is_parquet = |f: &PathBuf| f.extension().is_some_and(|e| e == "parquet");
    let file = files_below(savepoint).into_iter().find(is_parquet).unwrap();
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    fs::write(&file, bytes).unwrap();
    (file, whole)
}

#[test]
fn what_cannot_be_restored_is_said_before_anything_changes() {
    let world = World::new();
    world.arrive(0..1);
    let one = Step { world: &world, name: "one", sql: both(), parallelism: 1, is_rocksdb: false, from: None };
    one.run(1, "--stop --to ../first").code(0);
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        ("nowhere", "", "", &["there is no savepoint"]),
        ("first", "--set pipeline.max-parallelism=64", "", &["256 key groups", "maxParallelism is 64"]),
        ("first", "--fresh", "", &["cannot be used with"]),
        ("first", "", "SUM(v) FROM|SUM(v), COUNT(DISTINCT v) FROM", &["table values-", "was absent"]),
    ];
    for (index, (savepoint, flags, change, expected)) in cases.into_iter().enumerate() {
        let mut sql = both();
        if let Some((from, to)) = change.split_once('|') {
            sql = sql.replace(from, to);
        }
        if change.contains("DISTINCT") {
            sql = sql.replace(
                "s BIGINT) WITH ('connector' = 'print')",
                "s BIGINT, d BIGINT) WITH ('connector' = 'print')",
            );
        }
        let name = format!("case{index}");
        let step = Step {
            world: &world,
            name: &name,
            sql,
            parallelism: 1,
            is_rocksdb: false,
            from: Some((savepoint, flags)),
        };
        let ended = Process::start(&mut step.command("")).end(LIMIT);
        ended.code(2);
        for text in expected {
            ended.says(text);
        }
        assert!(!path_exists(&world, &name), "{ended}");
        if !change.is_empty() {
            // What the message names can be given up.
            let (_, rest) = ended.stderr.split_once("operator ").unwrap();
            let flags = format!("--allow-state-loss {}", rest.split_whitespace().next().unwrap());
            let step = Step { from: Some((savepoint, &flags)), ..step };
            step.run(1, "--stop --as x").code(0).says("is restored as epoch");
        }
    }
    // A folder for state that cannot be one.
    let step = Step {
        world: &world,
        name: "spilled",
        sql: both(),
        parallelism: 1,
        is_rocksdb: true,
        from: Some(("first", "")),
    };
    fs::create_dir_all(world.path("spilled/.millstream")).unwrap();
    fs::write(world.path("spilled/.millstream/spilled-default.orders.local"), "a file").unwrap();
    let ended = Process::start(&mut step.command("")).end(LIMIT);
    assert!(!path_exists(&world, "spilled") && ended.stderr.contains("error"), "{ended}");
    // A file that is not what was written.
    let (file, _) = flip(&world.path("first"));
    let step = Step {
        world: &world,
        name: "damaged",
        sql: both(),
        parallelism: 1,
        is_rocksdb: false,
        from: Some(("first", "")),
    };
    let ended = Process::start(&mut step.command("")).end(LIMIT);
    ended.code(2).says(&file.file_name().unwrap().to_string_lossy());
    run_in(world.root.path(), &["savepoint", "inspect", "first"]).code(0);
    run_in(world.root.path(), &["savepoint", "inspect", "first", "--check"]).code(2).says("parquet");
}

fn path_exists(world: &World, step: &str) -> bool {
    world.path(step).join(".millstream/default.orders.local/epoch").exists()
}

/// A bounded job in the folder `two` that starts from a savepoint.
fn manifest_of(world: &World, from: &str, policy: &str) -> String {
    let sql = both().replace(", 'source.monitor-interval' = '20 ms'", "").replace('\n', "\n    ");
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {{name: orders}}\nspec:\n  parallelism: 2\n  \
         variables: {{IN: {}, OUT: {}}}\n  restore: {{from: \"{from}\", policy: {policy}}}\n  sql: |\n    {sql}",
        world.path("in").display(),
        world.path("out/two").display(),
    )
}

#[test]
fn a_manifest_names_the_savepoint_of_a_job_that_never_ran() {
    let world = World::new();
    world.arrive(0..1);
    let one = Step { world: &world, name: "one", sql: both(), parallelism: 1, is_rocksdb: false, from: None };
    one.run(1, "--stop --to ../first").code(0);
    let folder = world.path("two");
    fs::create_dir_all(&folder).unwrap();
    let manifest = |from: &str, policy: &str| {
        fs::write(folder.join("orders.yaml"), manifest_of(&world, from, policy)).unwrap();
    };
    let first = format!("file://{}", world.path("first").display());
    manifest(&format!("file://{}", world.path("nowhere").display()), "Required");
    run_in(&folder, &["run", "orders.yaml"]).code(2).says("there is no savepoint");
    manifest(&first, "Required");
    // A restore that fails is done again, and is no beginning without state.
    let whole = flip(&world.path("first"));
    run_in(&folder, &["run", "orders.yaml"]).code(2).says("parquet");
    assert!(path_exists(&world, "two"), "the job was taken over");
    fs::write(whole.0, whole.1).unwrap();
    // Everything was read before the savepoint was taken.
    run_in(&folder, &["run", "orders.yaml"]).code(0).says("is restored as epoch").says("finished at epoch");
    world.check_hours(1);
    run_in(&folder, &["run", "orders.yaml"]).code(0).says("is not used").says("finished at epoch");
    manifest(&format!("file://{}", world.path("nowhere").display()), "IfPresent");
    let out = format!("OUT={}", world.path("out/three").display());
    run_in(&folder, &["run", "orders.yaml", "--storage", "elsewhere", "--var", &out])
        .code(0)
        .says("starting from the beginning");
}
