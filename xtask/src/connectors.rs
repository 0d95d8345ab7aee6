//! The page of every connector and its options, made from the specifications that tables are checked against.
//!
//! Owns the order of the page and the words for types. What an option does is its own `doc`.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context;
use arrow::datatypes::Schema;
use millstream_connector_savepoint::SavepointConnector;
use millstream_connectors::options::{OptionKind, OptionSpec};
use millstream_connectors::table::TableConfig;
use millstream_connectors::{ConnectorRegistry, builtin_registry};

const HEAD: &str = "\
<!-- Generated from engine/connectors by `cargo xtask codegen`. Do not edit. -->

# Connectors

What may stand in the `WITH (...)` of a table. Keys and spellings are Flink's. An option that is not listed here is refused
before the job starts, with the nearest name that exists; so is one whose text does not fit its type. Sizes are written as
`64mb`, durations as `10 s`, `500ms` or `1 min`, characters as `;` or `\\t`. Relative paths start at the folder of the file
that names them.
";

/// Name, what it is for, and whether it takes a format.
const CONNECTORS: &[(&str, &str, bool)] = &[
    (
        "filesystem",
        "Reads and writes files of JSON lines or CSV. Reading takes a file, a folder with all below it, or a glob, local or in S3 (`s3://bucket/folder/*.json`); gzip \
         and zstd are known by their endings; names that begin with `_` or `.` are passed over. Writing takes a folder, also \
         in S3 (`s3://bucket/folder`), and is exactly once: see [exactly-once.md](exactly-once.md). `PARTITIONED BY` makes \
         folders `column=value`.",
        true,
    ),
    (
        "datagen",
        "Makes rows up, as a pure function of their number and the seed: a restored job reads the same ones. Properties of a \
         column: `kind` (`random` or `sequence`), `min` and `max`, `length` and `var-len` of texts, `null-rate`, `max-past` of \
         times, `start`, `end` and (of times) `interval` of sequences.",
        false,
    ),
    ("nexmark", NEXMARK, false),
    (
        "print",
        "Writes each change to standard output as Flink does: `+I[...]`, `-U[...]`, `+U[...]`, `-D[...]`, with `1>` and so on \
         in front where several subtasks print. At least once: what was printed before a crash is printed again.",
        false,
    ),
    ("savepoint", SAVEPOINT, false),
    ("blackhole", "Takes everything and keeps nothing; for measuring.", false),
];

const NEXMARK: &str = "\
Makes the events of the Nexmark benchmark up: of 50 events one is a person, three are auctions and 46 are bids. The options are
those of the original, and its stock tables and views work unchanged; with `seed` and `base-time` every event is the original's
byte for byte. A restored job reads the same events, also at another parallelism, and also where seed and time were left open.

```sql
CREATE TABLE nexmark (
  event_type INT,  -- 0 a person, 1 an auction, 2 a bid; the other two columns are NULL
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
    dateTime TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP(3),
    expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), extra STRING>,
  dateTime AS CASE WHEN event_type = 0 THEN person.dateTime WHEN event_type = 1 THEN auction.dateTime ELSE bid.dateTime END,
  WATERMARK FOR dateTime AS dateTime - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '1000000', 'seed' = '42');
```

- Columns and fields may be left out. Those that no query reads are not made, unless `generate-all-columns` says so; the others
  stay the same.
- Each split has its own stretch of ids and all have the same stretch of time: with several the rows of a job depend on `splits`.
  A job that starts without `splits` has as many as its parallelism then, and keeps them when it is restored at another one.";

const SAVEPOINT: &str = "\
Reads a table of a savepoint's state ([savepoint-format.md](savepoint-format.md)); it ends with the last row, and is never
written. `millstream savepoint inspect` shows the operators, their tables and the columns that can be declared.

```sql
CREATE TABLE totals (k BIGINT, city STRING, `COUNT(*)` BIGINT, `SUM(orders.v).sum` BIGINT)
WITH ('connector' = 'savepoint', 'path' = 's3://bucket/savepoints/nightly', 'operator' = 'Aggregate(k, city)');
SELECT * FROM totals WHERE `COUNT(*)` > 10;
```

- A column that is called as a stored one is that one. Its type is the stored one or a wider one that holds every value.
- `key_group INT` is the key group, `key BYTES` the key as it is stored.
- All other columns are the parts of the key, in the order of their declaration: for a GROUP BY its columns, in its order. All of
  them are declared or none. Their names are free, if they are plain ones; their types are those of the query, since the key
  itself does not say them, and a key that they do not fit is an error with the first row.
- The tables `values-...` hold what a COUNT(DISTINCT ...), or a MIN or MAX over updates, has to remember: the key is that of the
  group, then the value; `count` is how often it is there, or NULL where that is not kept: for a DISTINCT over rows that are only
  added, in groups without a window that do not expire.
- Where groups expire, `last_write` (by the wall clock) or `last_write_watermark` are the milliseconds of the last write. Groups
  that have expired are rows until they are removed.
- Keys of windows begin with two times more: the end of the slice, and the end of the first window that counts it, which is later
  only for rows that were late. A slice is a whole window of TUMBLE and over processing time, and else as long as the slide of HOP
  or the step of CUMULATE. Both times are on the wall clock of the windows; declare them as TIMESTAMP(3), or as BIGINT for
  microseconds:

```sql
CREATE TABLE open_windows (slice_end TIMESTAMP(3), counts_from TIMESTAMP(3), city STRING, `COUNT(*)` BIGINT)
WITH ('connector' = 'savepoint', 'path' = 'savepoints/nightly', 'table' = 'slices');
SELECT slice_end, SUM(`COUNT(*)`) FROM open_windows GROUP BY slice_end;
```

- Keys of `sessions` begin with one such time, that of the row that began the session. Where its sessions begin and end is in the
  table `session-keys`, by key: its column `sessions BYTES` has for each start, end and the time of that row, 8 bytes each.

A savepoint of a job that goes on, or is drained, has the slices of windows that are open and no others. One that was taken with
`--stop` or `--offline` of a job in RocksDB may also have slices that fired since the last full checkpoint; a job that is restored
from it knows that they are over.

Every file of the table is a split. A file is compared with its length and checksum before anything of it is used.";

/// Every connector of the binary.
fn registry() -> ConnectorRegistry {
    let mut registry = builtin_registry();
    registry.register(Arc::new(SavepointConnector::new()));
    registry
}

pub(crate) fn render() -> anyhow::Result<String> {
    let registry = registry();
    let mut page = HEAD.to_owned();
    for (name, about, has_format) in CONNECTORS {
        let connector = registry.get(name).with_context(|| format!("there is no connector {name}"))?;
        let specs = |format: Option<&str>| connector.options(&bare(name, format));
        write!(page, "\n## {name}\n\n{about}\n")?;
        let (csv, json) =
            if *has_format { (specs(Some("csv")), specs(Some("json"))) } else { (vec![], vec![]) };
        let own: Vec<_> = specs(None)
            .into_iter()
            .filter(|s| !has_format || (csv.contains(s) && json.contains(s)))
            .collect();
        section(&own, &mut page)?;
        for (format, all) in [("json", json), ("csv", csv)] {
            let added: Vec<_> = all.into_iter().filter(|s| !own.contains(s)).collect();
            if !added.is_empty() {
                write!(page, "\n### With `'format' = '{format}'`\n")?;
                section(&added, &mut page)?;
            }
        }
    }
    Ok(page)
}

fn bare(connector: &str, format: Option<&str>) -> TableConfig {
    TableConfig {
        name: "t".to_owned(),
        connector: connector.to_owned(),
        options: format.map(|f| ("format".to_owned(), f.to_owned())).into_iter().collect(),
        schema: Arc::new(Schema::empty()),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: std::path::PathBuf::new(),
    }
}

/// A table of what may be given, then a list of what Flink has and this does not.
fn section(specs: &[OptionSpec], page: &mut String) -> anyhow::Result<()> {
    let (refused, allowed): (Vec<_>, Vec<_>) =
        specs.iter().partition(|s| matches!(s.kind, OptionKind::Refused(_)));
    if !allowed.is_empty() {
        page.push_str("\n| option | type | default | meaning |\n|---|---|---|---|\n");
    }
    for spec in allowed {
        let default = match spec.default {
            _ if spec.is_required => "required".to_owned(),
            Some(text) if !text.is_empty() => {
                format!("`{}`", text.escape_debug().to_string().replace("\\\"", "\""))
            }
            _ => String::new(),
        };
        let doc = spec.doc.replace('|', "\\|").replace('<', "\\<");
        writeln!(page, "| `{}` | {} | {default} | {doc} |", spec.key, type_of(&spec.kind))?;
    }
    if !refused.is_empty() {
        page.push_str("\nRefused:\n\n");
    }
    for spec in refused {
        if let OptionKind::Refused(reason) = spec.kind {
            writeln!(page, "- `{}`: {reason}", spec.key)?;
        }
    }
    Ok(())
}

fn type_of(kind: &OptionKind) -> String {
    match kind {
        OptionKind::Text | OptionKind::Refused(_) => "text".to_owned(),
        OptionKind::Boolean => "boolean".to_owned(),
        OptionKind::Integer(least) if *least == i64::MIN => "whole number".to_owned(),
        OptionKind::Integer(least) => format!("whole number from {least}"),
        OptionKind::Bytes => "size".to_owned(),
        OptionKind::Duration => "duration".to_owned(),
        OptionKind::Character => "character".to_owned(),
        OptionKind::OneOf(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_and_every_option_is_on_the_page() {
        let page = render().unwrap();
        let registry = registry();
        for name in registry.names() {
            assert!(page.contains(&format!("\n## {name}\n")), "{name} is missing");
            for format in [None, Some("csv"), Some("json")] {
                for spec in registry.get(name).unwrap().options(&bare(name, format)) {
                    assert!(page.contains(&format!("`{}`", spec.key)), "{name}: {}", spec.key);
                }
            }
        }
    }

    #[test]
    fn types_are_named() {
        let cases = [
            (OptionKind::Integer(0), "whole number from 0"),
            (OptionKind::Integer(i64::MIN), "whole number"),
            (OptionKind::OneOf(&["json", "csv"]), "`json` or `csv`"),
        ];
        for (kind, text) in cases {
            assert_eq!(type_of(&kind), text);
        }
    }
}
