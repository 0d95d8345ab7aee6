//! Damaged SQL: the golden scripts with pieces cut out, doubled, swapped and replaced must end in a plan or in a report.
//!
//! Never in a panic, never in a hang. `PROPTEST_CASES` says how many mutations are tried.

use std::sync::mpsc;
use std::time::Duration;

use millstream_test_sql::Case;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::engine::{Script, plan};

/// Planning takes some milliseconds; a machine under load may take a hundred times as long.
const LIMIT: Duration = Duration::from_secs(20);

/// What is put in: words that mean something somewhere, and characters that open or close something.
const PIECES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "UNION ALL",
    "DISTINCT",
    "(",
    ")",
    "'",
    "`",
    "\"",
    ",",
    ";",
    ".",
    "*",
    "-",
    "--",
    "/*",
    "*/",
    "NULL",
    "CASE",
    "WHEN",
    "END",
    "AS",
    "CAST(",
    "INTERVAL '1' SECOND",
    "TABLE(",
    "TUMBLE(",
    "HOP(",
    "DESCRIPTOR(",
    "WATERMARK FOR",
    "ARRAY[1]",
    "9999999999999999999999",
    "1E400",
    "0x",
    "U&'\\",
    "${DATA}",
    "${",
    "\u{0}",
    "\u{feff}",
    "é",
    "😀",
    "OVER ()",
    "JOIN",
    "MATCH_RECOGNIZE",
    "DECIMAL(99, 98)",
    "window_start",
    "COUNT(*)",
];

/// One change to a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index, Index),
    Double(Index, Index),
    Put(Index, &'static str),
    /// This word takes the place of that one.
    Replace(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Cut(a, b)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Double(a, b)),
        (any::<Index>(), proptest::sample::select(PIECES)).prop_map(|(a, p)| Damage::Put(a, p)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Replace(a, b)),
    ]
}

/// Words and the blanks between them.
fn words(text: &str) -> Vec<String> {
    text.split_inclusive(|c: char| c.is_whitespace() || "(),;".contains(c)).map(str::to_owned).collect()
}

fn apply(text: &str, changes: &[Damage]) -> String {
    let mut words = words(text);
    for change in changes {
        if words.is_empty() {
            break;
        }
        let count = words.len();
        match change {
            Damage::Cut(from, length) => {
                let from = from.index(count);
                let to = (from + 1 + length.index(8)).min(count);
                words.drain(from..to);
            }
            Damage::Double(from, length) => {
                let from = from.index(count);
                let to = (from + 1 + length.index(8)).min(count);
                let again = words[from..to].to_vec();
                words.splice(to..to, again);
            }
            Damage::Put(at, piece) => words.insert(at.index(count), format!("{piece} ")),
            Damage::Replace(at, by) => words[at.index(count)] = words[by.index(count)].clone(),
        }
    }
    words.concat()
}

/// Plans a text on a thread of its own; `Err` says how it did not end.
fn ends(text: String) -> Result<(), String> {
    let (done, end) = mpsc::channel();
    let script = Script { name: "fuzz".into(), text, data: Case::folder().join("data") };
    let thread = std::thread::spawn(move || {
        let result = plan(&script, 2);
        let _ = done.send(());
        result
    });
    match end.recv_timeout(LIMIT) {
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("not planned within {LIMIT:?}")),
        _ => match thread.join() {
            Ok(Err(report)) if report.contains("this is a fault of ours") => Err(report),
            Ok(Err(report)) if report.trim().is_empty() => Err("an empty report".into()),
            Ok(_) => Ok(()),
            Err(_) => Err("a panic".into()),
        },
    }
}

fn scripts() -> Vec<String> {
    Case::all(&Case::folder()).unwrap().into_iter().map(|case| case.script).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuzz_sql_damaged_scripts_end_in_a_plan_or_a_report(
        script in proptest::sample::select(scripts()),
        changes in proptest::collection::vec(damage(), 1..6),
    ) {
        let text = apply(&script, &changes);
        if let Err(what) = ends(text.clone()) {
            prop_assert!(false, "{what}\n{text}");
        }
    }

    #[test]
    fn fuzz_sql_joined_scripts_end_in_a_plan_or_a_report(
        first in proptest::sample::select(scripts()),
        second in proptest::sample::select(scripts()),
        (from, to) in (any::<Index>(), any::<Index>()),
    ) {
        let (first, second) = (words(&first), words(&second));
        let text = [&first[..from.index(first.len())], &second[to.index(second.len())..]].concat().concat();
        if let Err(what) = ends(text.clone()) {
            prop_assert!(false, "{what}\n{text}");
        }
    }
}
