//! Texts that want to hurt: deep, long, torn, shuffled. Each ends in a plan or in a report, never in a panic or an abort.

use proptest::prelude::*;

use crate::support::{TABLES, compile_at};

#[test]
fn deep_and_long_texts_end_in_a_report() {
    let cases: Vec<(&str, String)> = vec![
        ("parentheses", format!("SELECT {}1{} FROM t", "(".repeat(50_000), ")".repeat(50_000))),
        (
            "derived tables",
            format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(3_000), ") AS x".repeat(3_000)),
        ),
        ("table parentheses", format!("SELECT * FROM {}t{}", "(".repeat(90), ")".repeat(90))),
        ("case", format!("SELECT {}1{} FROM t", "CASE WHEN a > 1 THEN ".repeat(3_000), " END".repeat(3_000))),
        ("not", format!("SELECT k FROM t WHERE {}flag", "NOT ".repeat(20_000))),
        ("minus", format!("SELECT {}a FROM t", "- ".repeat(20_000))),
        ("plus", format!("SELECT a{} FROM t", " + a".repeat(20_000))),
        ("or", format!("SELECT k FROM t WHERE a = 1{}", " OR a = 1".repeat(20_000))),
        ("union", format!("SELECT k FROM t{}", " UNION ALL SELECT k FROM t".repeat(2_000))),
        ("casts", format!("SELECT {}a{} FROM t", "CAST(".repeat(5_000), " AS INT)".repeat(5_000))),
        ("calls", format!("SELECT {}k{} FROM t", "UPPER(".repeat(5_000), ")".repeat(5_000))),
        ("types", format!("CREATE TABLE q (a {}INT)", "ARRAY<".repeat(20_000))),
        ("typed prefix", format!("SELECT {}1 FROM t", "ARRAY<".repeat(20_000))),
        ("intervals", format!("SELECT {}'1' DAY FROM t", "INTERVAL ".repeat(20_000))),
        ("columns", format!("SELECT {} FROM t", vec!["a"; 5_000].join(", "))),
        ("explain", format!("{}SELECT 1", "EXPLAIN ".repeat(20_000))),
        ("with", format!("{}SELECT 1", "WITH x AS (".repeat(5_000))),
        ("semicolons", ";".repeat(90_000)),
        ("size", " ".repeat(2 << 20)),
        ("brackets", format!("SELECT a{} FROM t", "[1".repeat(10_000))),
        ("dots", format!("SELECT a{} FROM t", ".a".repeat(30_000))),
    ];
    for (name, text) in cases {
        let result = compile_at(&format!("{TABLES}\n{text}"), 1);
        let accepted = matches!(name, "semicolons" | "table parentheses");
        assert_eq!(result.is_ok(), accepted, "{name}: {:?}", result.err().map(|e| e.items.first().cloned()));
    }
}

#[test]
fn what_is_within_the_limits_compiles() {
    let nested = 30;
    let cases: Vec<(&str, String)> = vec![
        ("parentheses", format!("SELECT {}1{} FROM t", "(".repeat(90), ")".repeat(90))),
        ("or", format!("SELECT k FROM t WHERE {}", vec!["k = 'x'"; 200].join(" OR "))),
        ("plus", format!("SELECT a{} FROM t", " + a".repeat(200))),
        (
            "in",
            format!(
                "SELECT k FROM t WHERE a IN ({})",
                (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
            ),
        ),
        (
            "derived",
            format!("SELECT * FROM {}t{}", "(SELECT k, a FROM ".repeat(nested), ") AS x".repeat(nested)),
        ),
        ("doubling", doubling(30)),
        ("union", format!("SELECT k FROM t{}", " UNION ALL SELECT k FROM t".repeat(60))),
        (
            "columns",
            format!(
                "SELECT {} FROM t",
                (0..300).map(|n| format!("a AS c{n}")).collect::<Vec<_>>().join(", ")
            ),
        ),
    ];
    for (name, text) in cases {
        let result = compile_at(&format!("{TABLES}\n{text}"), 1);
        assert!(
            result.is_ok(),
            "{name}: {}",
            result.err().map_or_else(String::new, |e| e.items[0].message.clone())
        );
    }
}

/// Each level adds a column to itself: written out, the innermost would stand 2^levels times in the outermost.
fn doubling(levels: usize) -> String {
    (0..levels)
        .fold("SELECT a FROM t".to_owned(), |inner, _| format!("SELECT a + a AS a FROM ({inner}) AS x"))
}

const SEEDS: &[&str] = &[
    "INSERT INTO p SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY window_start, window_end, k HAVING COUNT(*) > 1",
    "SELECT k, CASE WHEN a > 1 THEN CAST(a AS STRING) ELSE 'x' END AS c, SUM(b) FILTER (WHERE flag) FROM t WHERE a BETWEEN 1 AND 5 OR k LIKE 'x%' GROUP BY k, a",
    "CREATE TABLE q (a INT NOT NULL COMMENT 'x', ts TIMESTAMP(3) WITH LOCAL TIME ZONE, b AS a + 1, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (a) NOT ENFORCED) PARTITIONED BY (a) WITH ('connector' = 'files', 'path' = 'x')",
    "BEGIN STATEMENT SET; INSERT INTO f SELECT k, b FROM t UNION ALL SELECT k, a FROM plain; INSERT INTO p SELECT DISTINCT k, b FROM t; END;",
    "WITH w (x, y) AS (SELECT k, a FROM t) SELECT x.x, -y, y % 2, NOT TRUE, x IS NULL FROM w AS x; EXPLAIN CHANGELOG_MODE SELECT 1",
    "SELECT HOP_START(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE), TIMESTAMPDIFF(DAY, ts, later) FROM t GROUP BY HOP(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)",
];

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "(",
    ")",
    ",",
    ";",
    ".",
    "*",
    "'x'",
    "1",
    "1.5",
    "1e400",
    "t",
    "k",
    "a",
    "ts",
    "TABLE",
    "TUMBLE",
    "DESCRIPTOR",
    "INTERVAL",
    "CASE",
    "WHEN",
    "END",
    "AS",
    "CAST",
    "NULL",
    "UNION",
    "ALL",
    "BEGIN",
    "SET",
    "=>",
    "=",
    "<",
    ">",
    "[",
    "]",
    "`",
    "'",
    "--",
    "/*",
    "*/",
    "${",
    "}",
    "-",
    "COUNT",
    "DISTINCT",
    "OVER",
    "JOIN",
    "VALUES",
    "WATERMARK",
    "FOR",
    "PRIMARY",
    "KEY",
    "WITH",
    "\"",
    "\u{1F600}",
    "\0",
    "99999999999999999999999999999999999999999999",
    "EXTRACT",
    "DATE",
    "TIMESTAMP",
    "AT",
    "TIME",
    "ZONE",
    "NOT",
    "IN",
    "BETWEEN",
    "LIKE",
    "ESCAPE",
    "TRIM",
    "SUBSTRING",
    "FLOOR",
];

/// Tokens of a seed with some removed, doubled, swapped or replaced.
fn torn() -> impl Strategy<Value = String> {
    let change =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8, any::<prop::sample::Index>());
    (prop::sample::select(SEEDS), prop::collection::vec(change, 1..8)).prop_map(|(seed, changes)| {
        let mut words: Vec<String> = split(seed);
        for (at, other, kind, word) in changes {
            if words.is_empty() {
                break;
            }
            let (at, other) = (at.index(words.len()), other.index(words.len()));
            match kind {
                0 => drop(words.remove(at)),
                1 => words.insert(at, word.get(WORDS).to_string()),
                2 => words.swap(at, other),
                _ => words[at] = word.get(WORDS).to_string(),
            }
        }
        words.join(" ")
    })
}

/// Words and single symbols.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || c == '_' || c == '\'';
        match words.last_mut() {
            Some(last) if is_word => last.push(c),
            _ => {
                words.push(c.to_string());
                words.push(String::new());
            }
        }
    }
    words.retain(|word| !word.trim().is_empty());
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn torn_texts_never_panic(text in torn()) {
        if let Err(found) = compile_at(&format!("{TABLES}\n{text}"), 2) {
            let report = found.render(false);
            prop_assert!(!report.is_empty() && !found.items.is_empty());
            let ours = found.items.iter().any(|item| item.message.contains("a fault of ours"));
            prop_assert!(!ours, "the planner panicked on\n{text}\n{report}");
        }
    }

    #[test]
    fn any_characters_never_panic(text in "\\PC{0,80}") {
        if let Err(found) = compile_at(&text, 1) {
            prop_assert!(!found.render(false).is_empty());
            let ours = found.items.iter().any(|item| item.message.contains("a fault of ours"));
            prop_assert!(!ours, "{text}");
        }
    }
}

/// Right below each limit: nothing overflows, and nobody waits for long.
#[test]
fn the_limits_themselves_compile() {
    let cases: Vec<(&str, String)> = vec![
        ("plus", format!("SELECT a{} FROM t", " + a".repeat(490))),
        ("or", format!("SELECT k FROM t WHERE {}", vec!["k = 'x'"; 240].join(" OR "))),
        ("case", format!("SELECT {}1{} FROM t", "CASE WHEN a > 1 THEN ".repeat(90), " END".repeat(90))),
        ("calls", format!("SELECT {}k{} FROM t", "UPPER(".repeat(90), ")".repeat(90))),
        ("derived", format!("SELECT * FROM {}t{}", "(SELECT k, a FROM ".repeat(40), ") AS x".repeat(40))),
        ("union", format!("SELECT k FROM t{}", " UNION ALL SELECT k FROM t".repeat(199))),
        (
            "columns",
            format!(
                "SELECT {} FROM t",
                (0..1_000).map(|n| format!("a + {n} AS c{n}")).collect::<Vec<_>>().join(", ")
            ),
        ),
        (
            "in",
            format!(
                "SELECT k FROM t WHERE a IN ({})",
                (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
            ),
        ),
    ];
    for (name, text) in cases {
        let result = compile_at(&format!("{TABLES}\n{text}"), 1);
        assert!(
            result.is_ok(),
            "{name}: {}",
            result.err().map_or_else(String::new, |e| e.items[0].message.clone())
        );
    }
}
