//! The naive answer: rows in a list, every aggregate computed from scratch, results as text.

use arrow::datatypes::{DataType, SchemaRef};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;

/// Columns of all random rows.
pub(crate) const ROWS: &str =
    "k STRING | n INT | v TINYINT | d DECIMAL(10, 2) | s STRING | x DOUBLE | f BOOLEAN | ts TIMESTAMP(3)";

/// A row: its cells as text, in the order of [`ROWS`], `None` for NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Option<String>>,
}

impl Row {
    /// A line of a text table.
    pub(crate) fn line(&self) -> String {
        let cells: Vec<&str> = self.cells.iter().map(|c| c.as_deref().unwrap_or("NULL")).collect();
        cells.join(" | ")
    }

    /// Text of key columns, as output shows it.
    pub(crate) fn key(&self, keys: &[usize]) -> Vec<String> {
        keys.iter().map(|k| self.cells[*k].clone().unwrap_or("NULL".to_owned())).collect()
    }
}

/// Groups rows and computes all calls: key cells, then results, one line a group, sorted.
pub(crate) fn group_by<'a>(
    rows: impl Iterator<Item = &'a Row>,
    schema: &SchemaRef,
    keys: &[usize],
    calls: &[AggregateCall],
) -> Vec<String> {
    let mut groups: Vec<(Vec<String>, Vec<&Row>)> = Vec::new();
    for row in rows {
        let key = row.key(keys);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    let line = |(key, rows): (Vec<String>, Vec<&Row>)| {
        let results = calls.iter().map(|call| result(call, schema, &rows));
        key.into_iter().chain(results).collect::<Vec<_>>().join(" | ")
    };
    let mut lines: Vec<String> = groups.into_iter().map(line).collect();
    lines.sort();
    lines
}

fn result(call: &AggregateCall, schema: &SchemaRef, rows: &[&Row]) -> String {
    let passes = |row: &&&Row| call.filter.is_none_or(|f| row.cells[f].as_deref() == Some("true"));
    let rows: Vec<&&Row> = rows.iter().filter(passes).collect();
    let Some(argument) = call.argument else { return rows.len().to_string() };
    let mut values: Vec<&str> = rows.iter().filter_map(|r| r.cells[argument].as_deref()).collect();
    if call.is_distinct {
        values.sort_unstable();
        values.dedup();
    }
    if call.kind == AggregateKind::Count {
        return values.len().to_string();
    }
    if values.is_empty() {
        return "NULL".to_owned();
    }
    match (call.kind, schema.field(argument).data_type()) {
        (AggregateKind::Min | AggregateKind::Max, data_type) => extreme(call.kind, data_type, &values),
        (kind, DataType::Float64) => {
            let sum: f64 = values.iter().map(|v| v.parse::<f64>().unwrap()).sum();
            format!("{:?}", if kind == AggregateKind::Avg { sum / values.len() as f64 } else { sum })
        }
        (AggregateKind::Sum, DataType::Decimal128(_, 2)) => decimal(values.iter().map(|v| cents(v)).sum(), 2),
        (_, DataType::Decimal128(_, 2)) => {
            let sum: i128 = values.iter().map(|v| cents(v)).sum();
            decimal(rounded(sum * 10_000, values.len() as i128), 6)
        }
        (kind, data_type) => {
            let sum: i64 = values.iter().map(|v| v.parse::<i64>().unwrap()).sum();
            let value = if kind == AggregateKind::Avg { sum / values.len() as i64 } else { sum };
            if *data_type == DataType::Int8 { (value as i8).to_string() } else { (value as i32).to_string() }
        }
    }
}

fn extreme(kind: AggregateKind, data_type: &DataType, values: &[&str]) -> String {
    let mut values = values.to_vec();
    match data_type {
        DataType::Utf8 => values.sort_unstable(),
        // All others are short decimal numbers.
        _ => values.sort_by(|a, b| a.parse::<f64>().unwrap().total_cmp(&b.parse::<f64>().unwrap())),
    }
    let found = if kind == AggregateKind::Min { values.first() } else { values.last() };
    found.unwrap().to_string()
}

fn cents(text: &str) -> i128 {
    text.replace('.', "").parse().unwrap()
}

fn decimal(value: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{part}", if value < 0 { "-" } else { "" })
}

fn rounded(value: i128, count: i128) -> i128 {
    (2 * value.abs() + count) / (2 * count) * value.signum()
}
