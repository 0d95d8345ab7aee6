//! What a page shows against what was shown: equal but for what differs from run to run.
//!
//! | in the page | stands for |
//! |---|---|
//! | a line `...` | any number of lines |
//! | a column such as `AGE` | any value |
//! | `12s`, `2026-11-22T10:00:00Z` | any such time |
//! | `1b0c55d2`, at least eight hexadecimal digits | any such number |
//! | `epoch 13`, and a subtask, `(0/2)` | any such one |
//! | numbers in a row of the connector `print`, `+U[1, 20]` | any numbers, in a change of any kind |

use std::sync::LazyLock;

use regex::Regex;

/// Columns of tables of which the value is another one each time.
const VOLATILE: &[&str] = &["AGE", "REVISION", "LAST SEEN", "UPDATED", "IP"];

/// Compares; says what is different.
///
/// # Errors
/// The first line that differs.
pub fn compare(expected: &str, actual: &str) -> Result<(), String> {
    matches(&settled_lines(expected), &settled_lines(actual))
}

fn matches(expected: &[String], actual: &[String]) -> Result<(), String> {
    match (expected.split_first(), actual.split_first()) {
        (None, None) => Ok(()),
        (None, Some((line, _))) => Err(format!("the page does not show {line:?}")),
        (Some((line, rest)), _) if line == "..." => {
            let tails = (0..=actual.len()).map(|skipped| matches(rest, &actual[skipped..]));
            let mut last = Err("nothing fits".to_owned());
            for tail in tails {
                if tail.is_ok() {
                    return tail;
                }
                last = tail;
            }
            last
        }
        (Some((line, _)), None) => Err(format!("{line:?} was not shown")),
        (Some((one, _)), Some((other, _))) if one != other => {
            Err(format!("the page shows {one:?}, and what was shown is {other:?}"))
        }
        (Some((_, one)), Some((_, other))) => matches(one, other),
    }
}

/// Names of columns are in capitals, and there are at least two.
fn is_header(line: &str) -> bool {
    let is_name = |word: &str| word.chars().all(|c| c.is_ascii_uppercase() || "-_() ".contains(c));
    is_name(line) && columns(line).len() > 1
}

/// Where columns begin, and their names.
fn columns(header: &str) -> Vec<(usize, &str)> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\S+(?: \S+)*").unwrap());
    NAME.find_iter(header).map(|name| (name.start(), name.as_str())).collect()
}

/// The lines that are not empty, without what differs from run to run. A table ends where a line has one word only, or a sentence.
fn settled_lines(text: &str) -> Vec<String> {
    let mut header: Option<&str> = None;
    let mut settled_lines = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if is_header(line) {
            header = Some(line);
        } else if columns(line).len() < 2 {
            header = None;
        }
        settled_lines.push(header.map_or_else(|| settled(line), |header| row(header, line)));
    }
    settled_lines
}

/// A row of a table, with what is in each column that stays the same.
fn row(header: &str, line: &str) -> String {
    let columns = columns(header);
    let ends = columns.iter().skip(1).map(|(begin, _)| *begin).chain([line.len()]);
    let cells = columns.iter().zip(ends).map(|((begin, name), end)| {
        let cell = line.get((*begin).min(line.len())..end.min(line.len())).unwrap_or_default().trim();
        format!("{name}={}", if VOLATILE.contains(name) { "*".into() } else { settled(cell) })
    });
    cells.collect::<Vec<_>>().join(" ")
}

/// A line without what differs from run to run.
fn settled(line: &str) -> String {
    static CHANGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+> )?[+-][IUD]\[").unwrap());
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").unwrap());
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:\d+(?:ms|[smhd]))+\b|\d{4}-\d\d-\d\dT[0-9:.]+Z").unwrap());
    static HASH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{8,}\b").unwrap());
    static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"epoch \d+|\(\d+/\d+\)").unwrap());
    if CHANGE.is_match(line) {
        let line = CHANGE.replace(line, "${1}?[");
        return NUMBER.replace_all(&line, "#").into_owned();
    }
    let line = PLACE.replace_all(line, "<place>");
    let line = TIME.replace_all(&line, "<time>");
    let line = HASH.replace_all(&line, "<hash>");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
