//! The jobs that are killed, and the rows that each must write, computed the plain way.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Input, Row};

/// Rows with the folder that they are in, counted.
pub(crate) type Rows = BTreeMap<(String, String), usize>;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// Every row, into one folder a key.
    PassThrough,
    /// Tumbling and hopping windows, into two sinks.
    Windows,
    /// Sessions and windows that grow, into two sinks.
    Sessions,
    /// Distinct rows and everything that passes, into two sinks: state that never ends beside none.
    Distinct,
}

impl Query {
    pub(crate) const ALL: [Self; 4] = [Self::PassThrough, Self::Windows, Self::Sessions, Self::Distinct];

    /// Names of the sinks, which are also names of their folders.
    pub(crate) const fn sinks(self) -> &'static [&'static str] {
        match self {
            Self::PassThrough => &["pass"],
            Self::Windows => &["tumble", "hop"],
            Self::Sessions => &["session", "cumulate"],
            Self::Distinct => &["seen", "pass"],
        }
    }

    /// The SQL, reading `in` and writing below `out`.
    pub(crate) fn sql(self, input: &Input, rows_per_second: u64, out: &str) -> String {
        let mut sql = format!(
            "CREATE TABLE src (id BIGINT, k STRING, ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = '{}', 'source.rows-per-second' = '{rows_per_second}');\n",
            input.format
        );
        let sink = |name: &str, columns: &str, partition: &str, format: &str| {
            format!(
                "CREATE TABLE {name} ({columns}) {partition} WITH ('connector' = 'filesystem', 'path' = '{out}/{name}', 'format' = '{format}');\n"
            )
        };
        let pass = sink("pass", "id BIGINT, v INT, k STRING", "PARTITIONED BY (k)", "json");
        let window = "k STRING, begin_at TIMESTAMP(3), n BIGINT, s BIGINT, low INT, high INT";
        let calls = "SELECT k, window_start, COUNT(*), SUM(v), MIN(v), MAX(v)";
        let group = "GROUP BY k, window_start, window_end";
        match self {
            Self::PassThrough => {
                sql += &pass;
                sql += "INSERT INTO pass SELECT id, v, k FROM src;\n";
            }
            Self::Windows => {
                sql += &sink("tumble", window, "", "csv");
                sql += &sink("hop", window, "", "json");
                sql += "EXECUTE STATEMENT SET BEGIN\n";
                sql += &format!(
                    "INSERT INTO tumble {calls} FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) {group};\n"
                );
                sql += &format!(
                    "INSERT INTO hop {calls} FROM TABLE(HOP(TABLE src, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE)) {group};\nEND;\n"
                );
            }
            Self::Sessions => {
                sql += &sink("session", window, "", "csv");
                sql += &sink("cumulate", window, "", "json");
                sql += &format!("CREATE VIEW bursts AS SELECT * FROM src WHERE MOD(id, 100) < {BURST};\n");
                sql += "EXECUTE STATEMENT SET BEGIN\n";
                sql += &format!(
                    "INSERT INTO session {calls} FROM TABLE(SESSION(TABLE bursts PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND)) {group};\n"
                );
                sql += &format!(
                    "INSERT INTO cumulate {calls} FROM TABLE(CUMULATE(TABLE src, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE)) {group};\nEND;\n"
                );
            }
            Self::Distinct => {
                sql += &sink("seen", "k STRING, v INT", "", "csv");
                sql += &pass;
                sql += "EXECUTE STATEMENT SET BEGIN\nINSERT INTO seen SELECT DISTINCT k, v FROM src;\n";
                sql += "INSERT INTO pass SELECT id, v, k FROM src;\nEND;\n";
            }
        }
        sql
    }

    /// What a sink must hold in the end.
    pub(crate) fn expected(self, sink: &str, input: &Input) -> Rows {
        match sink {
            "pass" => input
                .rows()
                .map(|r| ((format!("k={}", r.key()), format!("{{\"id\":{},\"v\":{}}}", r.id, r.value())), 1))
                .collect(),
            "seen" => {
                let seen: BTreeSet<String> =
                    input.rows().map(|r| format!("{},{}", r.key(), r.value())).collect();
                seen.into_iter().map(|line| ((String::new(), line), 1)).collect()
            }
            "tumble" => lines(windows(input, 60_000), csv),
            "hop" => lines(windows(input, 20_000), json),
            "session" => lines(sessions(input), csv),
            _ => lines(growing(input), json),
        }
    }
}

impl Query {
    /// The key of a line and its place among the lines of that key, where these have an order: rows of one input file keep theirs,
    /// and windows of one key come by their times.
    pub(crate) fn place(sink: &str, folder: &str, line: &str, input: &Input) -> Option<(Key, Place)> {
        let json: Option<serde_json::Value> =
            line.starts_with('{').then(|| serde_json::from_str(line).unwrap());
        match (sink, json) {
            ("seen", _) => None,
            ("pass", Some(row)) => {
                let id = row["id"].as_u64().unwrap();
                Some(((folder.to_owned(), input.file_of(id)), (String::new(), id)))
            }
            (_, Some(window)) => {
                let text = |name: &str| window[name].as_str().unwrap().to_owned();
                Some(((text("k"), 0), (text("begin_at"), window["n"].as_u64().unwrap())))
            }
            (_, None) => {
                let cells: Vec<&str> = line.split(',').collect();
                let at = cells[1].trim_matches('"').to_owned();
                Some(((cells[0].to_owned(), 0), (at, cells[2].parse().unwrap())))
            }
        }
    }
}

/// A key, and the input file where its rows have an order only within one.
pub(crate) type Key = (String, usize);

/// A time and a number.
pub(crate) type Place = (String, u64);

/// Rows of each hundred that make sessions. A key has every 13th row, 1.3 s after the one before; across the pause it is at least
/// 3.9 s.
const BURST: u64 = 70;

fn csv(k: &str, at: &str, w: &Window) -> String {
    format!("{k},\"{at}\",{},{},{},{}", w.count, w.sum, w.low, w.high)
}

fn json(k: &str, at: &str, w: &Window) -> String {
    format!(
        "{{\"k\":\"{k}\",\"begin_at\":\"{at}\",\"n\":{},\"s\":{},\"low\":{},\"high\":{}}}",
        w.count, w.sum, w.low, w.high
    )
}

struct Window {
    count: u64,
    sum: u64,
    low: u64,
    high: u64,
}

impl Window {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }
}

impl Default for Window {
    fn default() -> Self {
        Self { count: 0, sum: 0, low: u64::MAX, high: 0 }
    }
}

/// Keys and starts of windows, with their rows.
type Windows = Vec<((String, u64), Window)>;

/// Windows of a minute that begin every `slide_ms`.
fn windows(input: &Input, slide_ms: u64) -> Windows {
    let mut windows: BTreeMap<(String, u64), Window> = BTreeMap::new();
    for row in input.rows() {
        let newest = row.at_ms() / slide_ms * slide_ms;
        for back in 0..60_000 / slide_ms {
            windows.entry((row.key(), newest - back * slide_ms)).or_default().add(row.value());
        }
    }
    windows.into_iter().collect()
}

/// Windows that grow by 20 seconds up to a minute.
fn growing(input: &Input) -> Windows {
    let mut windows: BTreeMap<(String, u64, u64), Window> = BTreeMap::new();
    for row in input.rows() {
        let start = row.at_ms() / 60_000 * 60_000;
        for end in (1..=3).map(|n| start + n * 20_000).filter(|end| *end > row.at_ms()) {
            windows.entry((row.key(), start, end)).or_default().add(row.value());
        }
    }
    windows.into_iter().map(|((key, start, _), window)| ((key, start), window)).collect()
}

/// Sessions of the bursts of each key.
fn sessions(input: &Input) -> Windows {
    let mut sessions: BTreeMap<(String, u64), ((String, u64), Window)> = BTreeMap::new();
    for row in input.rows().filter(|row| row.id % 100 < BURST) {
        let first = || ((row.key(), row.at_ms()), Window::default());
        sessions.entry((row.key(), row.id / 100)).or_insert_with(first).1.add(row.value());
    }
    sessions.into_values().collect()
}

fn lines(windows: Windows, line: impl Fn(&str, &str, &Window) -> String) -> Rows {
    let mut rows = Rows::new();
    for ((key, at), w) in &windows {
        let at = Row::time(*at);
        let at = at.trim_end_matches('0');
        let at = at.strip_suffix('.').unwrap_or(at);
        *rows.entry((String::new(), line(key, at, w))).or_default() += 1;
    }
    rows
}
