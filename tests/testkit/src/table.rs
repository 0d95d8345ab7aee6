//! Text tables of changes: batches in, batches out, as people read them.
//!
//! The first line names columns and Flink types. A row starts with its change kind (none: `+I`) and may end with the watermark that
//! its split had, as `@ seconds`. Timestamps are seconds since 1970. Example:
//!
//! ```text
//!      k STRING | v INT | ts TIMESTAMP(3)
//! +I | a        | 1     | 5
//! -D | b        | NULL  | 5.001           | @ 4
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use millstream_batch::{RowOp, StreamBatch};

/// The batch that a text table shows. Panics with the reason when it is not one: that is a fault of the test.
#[must_use]
#[expect(clippy::panic, reason = "a malformed table is a fault of the test that holds it")]
pub fn batch(text: &str) -> StreamBatch {
    parse(text).unwrap_or_else(|reason| panic!("{reason} in the table\n{text}"))
}

/// The schema that a header line shows, such as `k STRING | v INT`. Panics as [`batch`] does.
#[must_use]
#[expect(clippy::panic, reason = "a malformed table is a fault of the test that holds it")]
pub fn schema(header: &str) -> SchemaRef {
    parse_schema(header).unwrap_or_else(|reason| panic!("{reason} in the header {header}"))
}

/// The rows that text shows under a schema, one a line. Panics as [`batch`] does.
#[must_use]
#[expect(clippy::panic, reason = "a malformed table is a fault of the test that holds it")]
pub fn rows(schema: &SchemaRef, text: &str) -> StreamBatch {
    parse_rows(schema, text.lines()).unwrap_or_else(|reason| panic!("{reason} in the rows\n{text}"))
}

/// One line a row: `+I | a | 1`, cells separated by single blanks.
#[must_use]
pub fn print(batches: &[StreamBatch]) -> String {
    let lines: Vec<String> = batches.iter().flat_map(print_rows).collect();
    lines.join("\n")
}

/// The lines of [`print()`].
#[must_use]
pub fn print_rows(batch: &StreamBatch) -> Vec<String> {
    let columns: Vec<Vec<String>> = batch.columns().columns().iter().map(print_column).collect();
    let line = |row: usize| {
        let cells = columns.iter().map(|c| c[row].clone());
        std::iter::once(batch.op(row).to_string()).chain(cells).collect::<Vec<_>>().join(" | ")
    };
    (0..batch.num_rows()).map(line).collect()
}

/// Text with one blank around each bar, no blanks at the ends of lines, and no empty lines: what [`print()`] gives.
#[must_use]
pub fn tidy(text: &str) -> String {
    let line = |l: &str| l.split('|').map(str::trim).collect::<Vec<_>>().join(" | ");
    text.lines().filter(|l| !l.trim().is_empty()).map(line).collect::<Vec<_>>().join("\n")
}

fn parse(text: &str) -> Result<StreamBatch, String> {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let schema = parse_schema(lines.next().ok_or("no header")?)?;
    parse_rows(&schema, lines)
}

fn parse_schema(header: &str) -> Result<SchemaRef, String> {
    let field = |cell: &str| {
        let (name, sql_type) = cell.trim().split_once(' ').ok_or(format!("no type for {cell}"))?;
        Ok(Field::new(name, arrow_type(sql_type.trim())?, true))
    };
    let fields = header.split('|').map(field).collect::<Result<Vec<_>, String>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The Arrow type of a Flink type, as [`millstream_expr::SqlType`] maps them.
fn arrow_type(sql_type: &str) -> Result<DataType, String> {
    let (name, arguments) = sql_type.split_once('(').unwrap_or((sql_type, ")"));
    let numbers: Vec<u8> =
        arguments.trim_end_matches(')').split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let first = numbers.first().copied();
    let sql = match name.trim() {
        "BOOLEAN" => millstream_expr::SqlType::Boolean,
        "TINYINT" => millstream_expr::SqlType::TinyInt,
        "SMALLINT" => millstream_expr::SqlType::SmallInt,
        "INT" => millstream_expr::SqlType::Int,
        "BIGINT" => millstream_expr::SqlType::BigInt,
        "FLOAT" => millstream_expr::SqlType::Float,
        "DOUBLE" => millstream_expr::SqlType::Double,
        "DECIMAL" => millstream_expr::SqlType::Decimal {
            precision: first.unwrap_or(10),
            scale: numbers.get(1).map_or(0, |s| *s as i8),
        },
        "STRING" => millstream_expr::SqlType::String,
        "BYTES" => millstream_expr::SqlType::Bytes,
        "DATE" => millstream_expr::SqlType::Date,
        "TIME" => millstream_expr::SqlType::Time(0),
        "TIMESTAMP" => millstream_expr::SqlType::Timestamp(first.unwrap_or(6)),
        "TIMESTAMP_LTZ" => millstream_expr::SqlType::TimestampLtz(first.unwrap_or(6)),
        other => return Err(format!("unknown type {other}")),
    };
    Ok(sql.to_arrow())
}

fn parse_rows<'a>(schema: &SchemaRef, lines: impl Iterator<Item = &'a str>) -> Result<StreamBatch, String> {
    let (mut ops, mut watermarks) = (Vec::new(), Vec::new());
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); schema.fields().len()];
    for line in lines.filter(|l| !l.trim().is_empty()) {
        let mut row: Vec<&str> = line.split('|').map(str::trim).collect();
        let op = row.first().and_then(|cell| RowOp::from_short_name(cell));
        if op.is_some() {
            row.remove(0);
        }
        ops.push(op.unwrap_or(RowOp::Insert));
        if let Some(seconds) = row.last().and_then(|cell| cell.strip_prefix('@')) {
            watermarks.push(micros(seconds.trim())?);
            row.pop();
        }
        if row.len() != cells.len() {
            return Err(format!("{} cells instead of {} in {line}", row.len(), cells.len()));
        }
        for (column, cell) in cells.iter_mut().zip(row) {
            column.push((cell != "NULL").then(|| cell.trim_matches('\'').to_owned()));
        }
    }
    if !watermarks.is_empty() && watermarks.len() != ops.len() {
        return Err("some rows have a watermark and some have none".into());
    }
    let columns = cells
        .into_iter()
        .zip(schema.fields())
        .map(|(c, f)| parse_column(c, f.data_type()))
        .collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(ops.len()));
    let columns =
        RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(|e| e.to_string())?;
    let watermarks = (!watermarks.is_empty()).then(|| watermarks.into());
    Ok(StreamBatch::new(columns).with_ops(Some(ops.into())).with_row_watermark(watermarks))
}

fn parse_column(cells: Vec<Option<String>>, data_type: &DataType) -> Result<ArrayRef, String> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let DataType::Timestamp(unit, _) = data_type else {
        let text: ArrayRef = Arc::new(StringArray::from(cells));
        return cast_with_options(&text, data_type, &strict).map_err(|e| e.to_string());
    };
    let in_unit = |micros: i64| match unit {
        TimeUnit::Second => micros.div_euclid(1_000_000),
        TimeUnit::Millisecond => micros.div_euclid(1_000),
        TimeUnit::Microsecond => micros,
        TimeUnit::Nanosecond => micros * 1_000,
    };
    let values = cells.iter().map(|c| c.as_deref().map(micros).transpose()).collect::<Result<Vec<_>, _>>()?;
    let values: ArrayRef = Arc::new(Int64Array::from_iter(values.into_iter().map(|v| v.map(in_unit))));
    cast(&values, data_type).map_err(|e| e.to_string())
}

/// Microseconds of a decimal number of seconds.
fn micros(seconds: &str) -> Result<i64, String> {
    let (sign, digits) = seconds.strip_prefix('-').map_or((1, seconds), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let number =
        |text: String| text.parse::<i64>().map_err(|_| format!("{seconds} is not a number of seconds"));
    Ok(sign * (number(whole.to_owned())? * 1_000_000 + number(format!("{part:0<6.6}"))?))
}

fn print_column(column: &ArrayRef) -> Vec<String> {
    let text = |row: usize, value: String| if column.is_null(row) { "NULL".to_owned() } else { value };
    if let DataType::Timestamp(unit, _) = column.data_type() {
        let per_second = match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        };
        let numbers = cast(column, &DataType::Int64).unwrap_or_else(|_| column.clone());
        let numbers = numbers.as_primitive::<Int64Type>();
        return (0..column.len())
            .map(|row| text(row, print_seconds(numbers.value(row), per_second)))
            .collect();
    }
    match cast(column, &DataType::Utf8) {
        Ok(strings) => {
            let strings = strings.as_string::<i32>();
            (0..column.len()).map(|row| text(row, strings.value(row).to_owned())).collect()
        }
        Err(_) => vec!["?".to_owned(); column.len()],
    }
}

fn print_seconds(value: i64, per_second: i64) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let (whole, part) = (value / per_second.unsigned_abs(), value % per_second.unsigned_abs());
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let width = per_second.ilog10() as usize;
    format!("{sign}{whole}.{part:0width$}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_is_printed() {
        let text = "k STRING | v INT | d DECIMAL(10, 2) | ts TIMESTAMP(3) | b BOOLEAN | x DOUBLE
            +I | a    | 1    | 1.50  | 5      | true  | 0.5
            -U | NULL | NULL | NULL  | NULL   | NULL  | NULL
            +U | ''   | -7   | -0.01 | -1.001 | false | 1e20
            -D | z    | 0    | 3     | 9.999  | true  | NaN";
        let printed = "
            +I | a | 1 | 1.50 | 5 | true | 0.5
            -U | NULL | NULL | NULL | NULL | NULL | NULL
            +U |  | -7 | -0.01 | -1.001 | false | 1e20
            -D | z | 0 | 3.00 | 9.999 | true | NaN";
        assert_eq!(print(&[batch(text)]), tidy(printed));
    }

    #[test]
    fn watermarks_and_missing_kinds() {
        let b = batch("k STRING\n a | @ 4.5 \n b | @ -1");
        assert_eq!(b.row_watermark().unwrap().to_vec(), [4_500_000, -1_000_000]);
        assert!(b.ops().is_none());
        assert_eq!(rows(&schema("k STRING | n BIGINT"), "-D | x | 2").op(0), RowOp::Delete);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("", "no header"),
            ("k", "no type for k"),
            ("k MONEY", "unknown type MONEY"),
            ("k STRING\n a | b", "2 cells instead of 1 in  a | b"),
            ("ts TIMESTAMP(3)\n soon", "soon is not a number of seconds"),
            ("k STRING\n a | @ 1\n b", "some rows have a watermark and some have none"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap_err(), expected);
        }
    }
}
