//! Showing what is in a savepoint.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use millstream_savepoint::{SavepointReader, SavepointSummary, TableSummary};
use serde_json::{Value, json};

use super::{answer, typed};
use crate::cli::args::{InspectArguments, PlanFormat};
use crate::cli::failure::Failure;
use crate::clock;

/// Prints a savepoint's summary, and returns the word for it. Every file is looked at; with `--check` it is read.
pub(super) async fn inspect(arguments: InspectArguments) -> Result<Value, Failure> {
    let location = typed(&arguments.savepoint)?;
    let reader = SavepointReader::open(&location).await?;
    reader.check_files().await?;
    if arguments.check {
        reader.check_contents().await?;
    }
    let summary = reader.inspect();
    match arguments.output {
        PlanFormat::Text => answer(&text(&summary, arguments.check)),
        PlanFormat::Json => {
            let json = serde_json::to_string_pretty(&summary)
                .map_err(|e| Failure::Job(format!("the summary cannot be written as JSON: {e}")))?;
            answer(&format!("{json}\n"));
        }
    }
    Ok(word(&summary))
}

fn word(summary: &SavepointSummary) -> Value {
    json!({
        "ending": "Inspected",
        "epoch": summary.epoch,
        "bytes": summary.bytes(),
        "created_at_ms": summary.created_at_ms,
    })
}

fn text(summary: &SavepointSummary, is_checked: bool) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("savepoint", summary.location.clone());
    line("job", format!("{}, epoch {} ({:?})", summary.job, summary.epoch, summary.outcome));
    line(
        "taken",
        format!("{} UTC by Millstream {}", clock::as_text(summary.created_at_ms), summary.engine_version),
    );
    let checked =
        if is_checked { "every file read and right" } else { "every file there; --check reads them" };
    line("state", format!("{} rows, {} bytes; {checked}", summary.rows(), summary.bytes()));
    line("key groups", summary.max_parallelism.to_string());
    for table in &summary.tables {
        let _ = write!(text, "\n{}", table_text(table));
    }
    text.push_str(&places(summary));
    let _ = writeln!(text, "\nSQL\n  {}", summary.sql.trim().replace('\n', "\n  "));
    text
}

fn table_text(table: &TableSummary) -> String {
    let mut text = format!(
        "table {} of {} ({})\n  {} rows, {} bytes in {} files\n",
        table.table, table.operator, table.operator_name, table.rows, table.bytes, table.files
    );
    let mut columns = grid(&["column", "type", "id"]);
    for column in &table.columns {
        let not_null = if column.is_nullable { "" } else { " NOT NULL" };
        columns.add_row([
            column.name.clone(),
            format!("{}{not_null}", column.data_type),
            column.field_id.to_string(),
        ]);
    }
    indented(&mut text, &columns);
    text
}

/// Operators with their watermarks, and how far each split is read.
fn places(summary: &SavepointSummary) -> String {
    let mut text = "\noperators\n".to_owned();
    let mut operators = grid(&["uid", "name", "subtasks", "watermark", "rows in", "rows out"]);
    for operator in &summary.operators {
        operators.add_row([
            operator.uid.clone(),
            operator.name.clone(),
            operator.parallelism.to_string(),
            watermark(operator.watermark),
            operator.counters.rows_in.to_string(),
            operator.counters.rows_out.to_string(),
        ]);
    }
    indented(&mut text, &operators);
    for source in summary.sources.iter().filter(|source| !source.splits.is_empty()) {
        let _ = writeln!(text, "\nsplits of {}", source.uid);
        let mut splits = grid(&["split", "position", "watermark"]);
        for split in &source.splits {
            let end = if split.is_finished { " (end)" } else { "" };
            splits.add_row([
                split.split.clone(),
                format!("{}{end}", split.position),
                watermark(split.watermark),
            ]);
        }
        indented(&mut text, &splits);
    }
    text
}

/// `2024-02-29 10:05:00`, from microseconds.
fn watermark(micros: i64) -> String {
    match micros {
        i64::MIN => "none yet".to_owned(),
        i64::MAX => "end of input".to_owned(),
        micros => u64::try_from(micros / 1_000).map_or_else(|_| micros.to_string(), clock::as_text),
    }
}

fn grid(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
    }
    table
}

fn indented(text: &mut String, table: &Table) {
    for line in table.to_string().lines() {
        let _ = writeln!(text, "  {}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watermarks_are_for_people() {
        let table = [
            (i64::MIN, "none yet"),
            (i64::MAX, "end of input"),
            (1_709_201_100_250_000, "2024-02-29 10:05:00"),
            (-5_000, "-5000"),
        ];
        for (micros, expected) in table {
            assert_eq!(watermark(micros), expected);
        }
    }
}
