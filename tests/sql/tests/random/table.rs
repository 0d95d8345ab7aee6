//! Random tables: the same rows as files for us and as a table in SQLite.
//!
//! Owns the data. `wm` is known to SQLite alone: the watermark, in milliseconds, that each row meets, which is the greatest time
//! before it in its file minus the delay. Example: times 1,000, 5,000, 2,000 with a delay of 1,500 meet none, -500, 3,500.

use std::fmt::Write as _;
use std::path::Path;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rusqlite::Connection;

use super::expr::{Expr, Kind};

/// 2024-01-01 in milliseconds.
const BEGIN: i64 = 1_704_067_200_000;
/// Before every time: what the first row meets.
const NO_WATERMARK: i64 = i64::MIN / 4;

/// A table with its rows.
pub(crate) struct Table {
    /// `t1`
    pub(crate) name: &'static str,
    /// Whether rows may come late for windows; else the watermark closes nothing before the end.
    pub(crate) delay_ms: i64,
    rows: Vec<Row>,
    is_json: bool,
    files: usize,
}

struct Row {
    ts: i64,
    wm: i64,
    k: Option<String>,
    g: Option<i64>,
    v: Option<i64>,
    b: Option<i64>,
    quarters: Option<i64>,
    cents: Option<i64>,
    f: Option<bool>,
}

/// The columns that expressions may use.
pub(crate) fn columns() -> Vec<Expr> {
    [
        ("k", Kind::Text),
        ("g", Kind::Int),
        ("v", Kind::Int),
        ("b", Kind::BigInt),
        ("d", Kind::Double),
        ("m", Kind::Decimal(8)),
        ("f", Kind::Bool),
    ]
    .map(|(name, kind)| Expr::same(name, kind))
    .to_vec()
}

impl Table {
    pub(crate) fn random(rng: &mut StdRng, name: &'static str) -> Self {
        let count = *[0, 1, 5, 20, 60, 150, 400].choose(rng).unwrap_or(&20);
        let nulls = *[0.0, 0.1, 0.5].choose(rng).unwrap_or(&0.1);
        let keys = rng.random_range(1..30);
        let step = *[100, 700, 3_000].choose(rng).unwrap_or(&700);
        let jitter = *[1, 2_000, 9_000].choose(rng).unwrap_or(&1);
        let files = rng.random_range(1..4);
        // Several files are read in an order that nobody promises: then nothing may be late.
        let delay_ms = if files > 1 { 100_000_000 } else { *[0, 1_000, 5_000].choose(rng).unwrap_or(&0) };
        let mut newest = None;
        let mut rows = Vec::new();
        for index in 0..count {
            let mut some = |value: i64| (!rng.random_bool(nulls)).then_some(value);
            let (g, v, b) = (some(0), some(0), some(0));
            let (quarters, cents, f, k) = (some(0), some(0), some(0), some(0));
            // The smaller of two draws is often small: skew.
            let key = rng.random_range(0..keys).min(rng.random_range(0..keys));
            let ts = BEGIN + index * step + rng.random_range(0..jitter);
            rows.push(Row {
                ts,
                wm: newest.map_or(NO_WATERMARK, |newest: i64| newest - delay_ms),
                k: k.map(|_| format!("{}{key}", ["k", "x", "Key "].choose(rng).unwrap_or(&"k"))),
                g: g.map(|_| rng.random_range(0..4)),
                v: v.map(|_| rng.random_range(-50..50)),
                b: b.map(|_| rng.random_range(-9_000_000_000..9_000_000_000)),
                quarters: quarters.map(|_| rng.random_range(-40..40)),
                cents: cents.map(|_| rng.random_range(-99_999..99_999)),
                f: f.map(|_| rng.random_bool(0.5)),
            });
            newest = newest.max(Some(ts));
        }
        Self { name, delay_ms, rows, is_json: rng.random_bool(0.3), files }
    }

    /// `CREATE TABLE` for us.
    pub(crate) fn ddl(&self) -> String {
        let format =
            if self.is_json { "'format' = 'json'" } else { "'format' = 'csv', 'csv.null-literal' = 'NULL'" };
        let (name, seconds) = (self.name, self.delay_ms / 1_000);
        format!(
            "CREATE TABLE {name} (id BIGINT, ts TIMESTAMP(3), k STRING, g INT, v INT, b BIGINT, d DOUBLE, m DECIMAL(8, 2), \
             f BOOLEAN, WATERMARK FOR ts AS ts - INTERVAL '{seconds}' SECOND(9)) WITH ('connector' = 'filesystem', \
             'path' = '${{DATA}}/{name}', {format});\n"
        )
    }

    /// Writes the files below a folder.
    pub(crate) fn write(&self, folder: &Path) {
        let folder = folder.join(self.name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut files = vec![String::new(); self.files];
        for (index, row) in self.rows.iter().enumerate() {
            let line = if self.is_json { row.json(index) } else { row.csv(index) };
            let part = index * self.files / self.rows.len();
            files[part].push_str(&line);
        }
        for (index, text) in files.iter().enumerate() {
            std::fs::write(folder.join(format!("part-{index}")), text).unwrap();
        }
    }

    /// Loads the rows into SQLite.
    pub(crate) fn load(&self, database: &Connection) {
        let name = self.name;
        database.execute(&format!("CREATE TABLE {name} (id, ts, wm, k, g, v, b, d, m, f)"), []).unwrap();
        let insert = format!("INSERT INTO {name} VALUES (?,?,?,?,?,?,?,?,?,?)");
        let mut insert = database.prepare(&insert).unwrap();
        for (index, row) in self.rows.iter().enumerate() {
            let double = row.quarters.map(|q| q as f64 / 4.0);
            let cells = rusqlite::params![
                index as i64,
                row.ts,
                row.wm,
                row.k,
                row.g,
                row.v,
                row.b,
                double,
                row.cents,
                row.f
            ];
            insert.execute(cells).unwrap();
        }
    }
}

impl Row {
    /// Every cell as text, with its JSON form.
    fn cells(&self, index: usize) -> [(&'static str, Option<String>, bool); 9] {
        [
            ("id", Some(index.to_string()), false),
            ("ts", Some(time_text(self.ts)), true),
            ("k", self.k.clone(), true),
            ("g", self.g.map(|v| v.to_string()), false),
            ("v", self.v.map(|v| v.to_string()), false),
            ("b", self.b.map(|v| v.to_string()), false),
            ("d", self.quarters.map(|q| (q as f64 / 4.0).to_string()), false),
            ("m", self.cents.map(cents_text), false),
            ("f", self.f.map(|v| v.to_string()), false),
        ]
    }

    fn csv(&self, index: usize) -> String {
        let cells = self.cells(index).map(|(_, value, _)| value.unwrap_or_else(|| "NULL".into()));
        format!("{}\n", cells.join(","))
    }

    fn json(&self, index: usize) -> String {
        let mut text = "{".to_owned();
        for (name, value, is_text) in self.cells(index) {
            let comma = if text.len() > 1 { "," } else { "" };
            let _ = match value {
                None => write!(text, "{comma}\"{name}\":null"),
                Some(value) if is_text => write!(text, "{comma}\"{name}\":\"{value}\""),
                Some(value) => write!(text, "{comma}\"{name}\":{value}"),
            };
        }
        text.push_str("}\n");
        text
    }
}

/// `-0.05` for -5.
pub(crate) fn cents_text(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// `2024-01-01 00:00:00.000` for milliseconds since 1970.
pub(crate) fn time_text(millis: i64) -> String {
    chrono::DateTime::from_timestamp_millis(millis).unwrap().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}
