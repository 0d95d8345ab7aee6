//! The page of every connector and its options, made from the specifications that tables are checked against.
//!
//! Owns the order of the page and the words for types. What an option does is its own `doc`.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context;
use arrow::datatypes::Schema;
use millstream_connectors::builtin_registry;
use millstream_connectors::options::{OptionKind, OptionSpec};
use millstream_connectors::table::TableConfig;

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
        "Reads and writes files of JSON lines or CSV. Reading takes a local file, a folder with all below it, or a glob; gzip \
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
    (
        "print",
        "Writes each change to standard output as Flink does: `+I[...]`, `-U[...]`, `+U[...]`, `-D[...]`, with `1>` and so on \
         in front where several subtasks print. At least once: what was printed before a crash is printed again.",
        false,
    ),
    ("blackhole", "Takes everything and keeps nothing; for measuring.", false),
];

pub(crate) fn render() -> anyhow::Result<String> {
    let registry = builtin_registry();
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
        let registry = builtin_registry();
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
