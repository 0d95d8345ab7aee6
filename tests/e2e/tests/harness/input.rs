//! Input whose rows have numbers, so that a lost or doubled one has a name.
//!
//! Example: row 1234 of an input of 100,000 has the id 1234, the key `k8` (1234 * 7 mod 13), the event time 1234 * 100 ms
//! after 2024-01-01 00:10, and the value 234. Files hold consecutive rows and have different lengths.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: u64,
}

impl Row {
    pub(crate) fn key(self) -> String {
        format!("k{}", self.id * 7 % 13)
    }

    pub(crate) fn value(self) -> u64 {
        self.id % 1000
    }

    /// Milliseconds since 2024-01-01.
    pub(crate) fn at_ms(self) -> u64 {
        600_000 + self.id * 100
    }

    /// A time of milliseconds since 2024-01-01 as text; the input is shorter than a month.
    pub(crate) fn time(ms: u64) -> String {
        let seconds = ms / 1000;
        format!(
            "2024-01-{:02} {:02}:{:02}:{:02}.{:03}",
            1 + seconds / 86_400,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            ms % 1000
        )
    }
}

/// Files of rows.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) rows: u64,
    /// Rows of the longest file.
    pub(crate) longest: u64,
    /// The first row of each file.
    pub(crate) starts: Vec<u64>,
    /// `csv` or `json`.
    pub(crate) format: &'static str,
}

impl Input {
    /// Writes `rows` rows in `files` files below `folder`.
    pub(crate) fn write(folder: &Path, rows: u64, files: u64, format: &'static str, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        fs::create_dir_all(folder).unwrap();
        let even = rows / files;
        let (mut begin, mut longest, mut starts) = (0, 0, Vec::new());
        for file in 0..files {
            let end = if file + 1 == files {
                rows
            } else {
                // Files differ by a quarter at most: the longest decides how long a paced run takes.
                (file + 1) * even + random.random_range(0..even / 8)
            };
            longest = longest.max(end - begin);
            starts.push(begin);
            let mut text = String::new();
            for row in (begin..end).map(|id| Row { id }) {
                let (id, key, at, value) = (row.id, row.key(), Row::time(row.at_ms()), row.value());
                if format == "csv" {
                    let _ = writeln!(text, "{id},{key},{at},{value}");
                } else {
                    let _ = writeln!(text, "{{\"id\":{id},\"k\":\"{key}\",\"ts\":\"{at}\",\"v\":{value}}}");
                }
            }
            fs::write(folder.join(format!("{file:02}.{format}")), text).unwrap();
            begin = end;
        }
        Self { rows, longest, starts, format }
    }

    /// The number of the file that has a row.
    pub(crate) fn file_of(&self, id: u64) -> usize {
        self.starts.partition_point(|start| *start <= id)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        (0..self.rows).map(|id| Row { id })
    }
}
