//! The jobs that are killed, and the rows that each must write, computed the plain way.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Input, Row};

/// Rows with the folder that they are in, counted.
pub(super) type Rows = BTreeMap<(String, String), usize>;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// Every row, into one folder a key.
    PassThrough,
    /// Tumbling and hopping windows, into two sinks.
    Windows,
    /// Distinct rows and everything that passes, into two sinks: state that never ends beside none.
    Distinct,
}

impl Query {
    pub(super) const ALL: [Self; 3] = [Self::PassThrough, Self::Windows, Self::Distinct];

    /// Names of the sinks, which are also names of their folders.
    pub(super) const fn sinks(self) -> &'static [&'static str] {
        match self {
            Self::PassThrough => &["pass"],
            Self::Windows => &["tumble", "hop"],
            Self::Distinct => &["seen", "pass"],
        }
    }

    /// The SQL, reading `in` and writing below `out`.
    pub(super) fn sql(self, input: &Input, rows_per_second: u64, out: &str) -> String {
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
    pub(super) fn expected(self, sink: &str, input: &Input) -> Rows {
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
            "tumble" => windows(input, 60_000, |k, at, w| {
                format!("{k},\"{at}\",{},{},{},{}", w.count, w.sum, w.low, w.high)
            }),
            _ => windows(input, 20_000, |k, at, w| {
                format!(
                    "{{\"k\":\"{k}\",\"begin_at\":\"{at}\",\"n\":{},\"s\":{},\"low\":{},\"high\":{}}}",
                    w.count, w.sum, w.low, w.high
                )
            }),
        }
    }
}

struct Window {
    count: u64,
    sum: u64,
    low: u64,
    high: u64,
}

/// Windows of a minute that begin every `slide_ms`.
fn windows(input: &Input, slide_ms: u64, line: impl Fn(&str, &str, &Window) -> String) -> Rows {
    let mut windows: BTreeMap<(String, u64), Window> = BTreeMap::new();
    for row in input.rows() {
        let newest = row.at_ms() / slide_ms * slide_ms;
        for back in 0..60_000 / slide_ms {
            let w = windows.entry((row.key(), newest - back * slide_ms)).or_insert(Window {
                count: 0,
                sum: 0,
                low: u64::MAX,
                high: 0,
            });
            w.count += 1;
            w.sum += row.value();
            w.low = w.low.min(row.value());
            w.high = w.high.max(row.value());
        }
    }
    windows
        .iter()
        .map(|((key, at), w)| {
            let at = Row::time(*at);
            let at = at.strip_suffix(".000").unwrap_or(&at);
            ((String::new(), line(key, at, w)), 1)
        })
        .collect()
}
