//! What a column is filled with, out of its `fields.<column>.*` options.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::format::parse::decimal::{ParsedDecimal, decimal};
use crate::format::parse::time::{TimestampStandard, timestamp};
use crate::format::sql_type;
use crate::options::parse_duration;
use crate::table::TableConfig;

/// Longest generated text. A batch of single rows of this length is what flows at most.
const MAX_LENGTH: i64 = 1_048_576;

/// Names of the options of a column.
const PROPERTIES: &[&str] =
    &["kind", "min", "max", "length", "var-len", "null-rate", "max-past", "start", "end", "interval"];

/// A column and its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldSpec {
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) values: FieldValues,
    /// Share of NULLs.
    pub(super) null_rate: f64,
}

/// Values of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FieldValues {
    /// True and false.
    Boolean,
    /// Whole numbers, or unscaled decimals, in `min..=max`.
    Integer { min: i128, max: i128 },
    /// Numbers in `[min, max)`.
    Float { min: f64, max: f64 },
    /// Hexadecimal digits, or bytes; of a random length up to `length` if it varies.
    Text { length: u64, is_varying: bool },
    /// A moment up to `max_past_us` before the row's now.
    Recent { max_past_us: u64 },
    /// `start`, `start + 1`, ..., `end`.
    Sequence { start: i64, end: i64 },
    /// `start_us`, `start_us + step_us`, ...: `count` of them, or without end.
    Moments { start_us: i64, step_us: i64, count: Option<u64> },
}

impl FieldSpec {
    /// The columns of a table.
    ///
    /// # Errors
    /// Which option is wrong, and why.
    pub(super) fn all_of(table: &TableConfig) -> Result<Vec<Self>, String> {
        let mut by_column: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for (key, text) in &table.options {
            let Some(rest) = key.strip_prefix("fields.") else { continue };
            let (column, property) = rest.rsplit_once('.').unwrap_or((rest, ""));
            if table.schema.index_of(column).is_err() {
                return Err(format!("'{key}': the table has no column `{column}`"));
            }
            if !PROPERTIES.contains(&property) {
                return Err(format!("'{key}': a column has the options {}", PROPERTIES.join(", ")));
            }
            by_column.entry(column).or_default().insert(property, text);
        }
        let none = BTreeMap::new();
        let fields = table.schema.fields().iter();
        fields.map(|f| Self::of(f, by_column.get(f.name().as_str()).unwrap_or(&none))).collect()
    }

    /// After how many rows the column has no more values; `None`: never.
    pub(super) fn length(&self) -> Option<u64> {
        match self.values {
            FieldValues::Sequence { start, end } => {
                u64::try_from(i128::from(end) - i128::from(start) + 1).ok()
            }
            FieldValues::Moments { count, .. } => count,
            _ => None,
        }
    }

    fn of(field: &Field, options: &BTreeMap<&str, &str>) -> Result<Self, String> {
        let reader = Properties { column: field.name(), data_type: field.data_type(), options };
        let values = match options.get("kind").copied() {
            None | Some("random") => reader.random()?,
            Some("sequence") => reader.sequence()?,
            Some(other) => return Err(reader.wrong("kind", other, "must be 'random' or 'sequence'")),
        };
        let null_rate = match options.get("null-rate") {
            None => 0.0,
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|r| (0.0..=1.0).contains(r))
                .ok_or_else(|| reader.wrong("null-rate", text, "must be a number from 0 to 1"))?,
        };
        Ok(Self { name: field.name().clone(), data_type: field.data_type().clone(), values, null_rate })
    }
}

/// The options of one column.
struct Properties<'a> {
    column: &'a str,
    data_type: &'a DataType,
    options: &'a BTreeMap<&'a str, &'a str>,
}

impl Properties<'_> {
    fn wrong(&self, property: &str, text: &str, why: &str) -> String {
        format!("'fields.{}.{property}' = '{text}': {why}", self.column)
    }

    /// Refuses options that would have no effect.
    fn only(&self, kind: &str, allowed: &[&str]) -> Result<(), String> {
        match self.options.keys().find(|k| !allowed.contains(*k) && !["kind", "null-rate"].contains(*k)) {
            None => Ok(()),
            Some(other) => Err(format!(
                "'fields.{}.{other}' has no effect on a {kind} {} column",
                self.column,
                sql_type(self.data_type)
            )),
        }
    }

    fn random(&self) -> Result<FieldValues, String> {
        let whole = |least: i64, most: i64| {
            self.only("random", &["min", "max"])?;
            let min = self.integer("min", least, least, most)?;
            let max = self.integer("max", most, least, most)?;
            self.ordered(min <= max)?;
            Ok(FieldValues::Integer { min: min.into(), max: max.into() })
        };
        match self.data_type {
            DataType::Boolean => self.only("random", &[]).map(|()| FieldValues::Boolean),
            DataType::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => whole(i64::MIN, i64::MAX),
            DataType::Float32 | DataType::Float64 => {
                self.only("random", &["min", "max"])?;
                let most = if *self.data_type == DataType::Float32 { f32::MAX.into() } else { f64::MAX };
                // Flink's default is the smallest positive number, not the most negative one.
                let (min, max) = (self.float("min", 0.0)?, self.float("max", most)?);
                self.ordered(min <= max)?;
                Ok(FieldValues::Float { min, max })
            }
            DataType::Decimal128(precision, scale) => {
                self.only("random", &["min", "max"])?;
                let most = 10_i128.pow(u32::from(*precision).min(38)) - 1;
                let (min, max) = (
                    self.decimal("min", 0, *precision, *scale)?,
                    self.decimal("max", most, *precision, *scale)?,
                );
                self.ordered(min <= max)?;
                Ok(FieldValues::Integer { min, max })
            }
            DataType::Utf8 | DataType::Binary => {
                self.only("random", &["length", "var-len"])?;
                let length = self.integer("length", 100, 1, MAX_LENGTH)?;
                let is_varying = match self.options.get("var-len").copied() {
                    None | Some("false") => false,
                    Some("true") => true,
                    Some(other) => return Err(self.wrong("var-len", other, "must be 'true' or 'false'")),
                };
                Ok(FieldValues::Text { length: length.unsigned_abs(), is_varying })
            }
            DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) | DataType::Timestamp(..) => {
                self.only("random", &["max-past"])?;
                let max_past_us = self.duration_us("max-past")?.unwrap_or(0);
                Ok(FieldValues::Recent { max_past_us: max_past_us.unsigned_abs() })
            }
            other => Err(format!(
                "the column `{}` has a type that cannot be generated: {}",
                self.column,
                sql_type(other)
            )),
        }
    }

    fn sequence(&self) -> Result<FieldValues, String> {
        if let DataType::Timestamp(..) = self.data_type {
            return self.moments();
        }
        let (least, most) = match self.data_type {
            DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 | DataType::Float32 | DataType::Float64 | DataType::Utf8 => (i64::MIN, i64::MAX),
            DataType::Decimal128(precision, scale) => {
                let digits = i64::from(*precision) - i64::from(*scale);
                let most = u32::try_from(digits)
                    .ok()
                    .and_then(|d| 10_i64.checked_pow(d))
                    .map_or(i64::MAX, |m| m - 1);
                (-most, most)
            }
            other => {
                return Err(format!(
                    "'fields.{}.kind' = 'sequence': a {} column cannot be a sequence",
                    self.column,
                    sql_type(other)
                ));
            }
        };
        self.only("sequence", &["start", "end"])?;
        for required in ["start", "end"] {
            if !self.options.contains_key(required) {
                return Err(format!(
                    "'fields.{}.{required}' is missing: a sequence has a start and an end",
                    self.column
                ));
            }
        }
        let (start, end) = (self.integer("start", 0, least, most)?, self.integer("end", 0, least, most)?);
        if start > end {
            return Err(format!("'fields.{}.start' = '{start}' is behind its end '{end}'", self.column));
        }
        Ok(FieldValues::Sequence { start, end })
    }

    fn moments(&self) -> Result<FieldValues, String> {
        self.only("sequence", &["start", "end", "interval"])?;
        let start_us = self.moment_us("start")?;
        let step_us = self.duration_us("interval")?;
        let (Some(start_us), Some(step_us)) = (start_us, step_us) else {
            return Err(format!(
                "a sequence of timestamps has 'fields.{0}.start', as in '2024-01-01 00:00:00', and 'fields.{0}.interval', as in \
                 '100 ms'",
                self.column
            ));
        };
        if step_us == 0 {
            return Err(self.wrong("interval", "0", "must be longer than 0"));
        }
        let count = match self.moment_us("end")? {
            None => None,
            Some(end_us) if end_us >= start_us => u64::try_from((end_us - start_us) / step_us + 1).ok(),
            Some(_) => return Err(format!("'fields.{}.end' is before its start", self.column)),
        };
        Ok(FieldValues::Moments { start_us, step_us, count })
    }

    fn ordered(&self, is_ordered: bool) -> Result<(), String> {
        if is_ordered { Ok(()) } else { Err(format!("'fields.{}.min' is greater than its max", self.column)) }
    }

    fn integer(&self, property: &str, default: i64, least: i64, most: i64) -> Result<i64, String> {
        let Some(text) = self.options.get(property) else { return Ok(default) };
        let value = text.trim().parse::<i64>().ok().filter(|v| (least..=most).contains(v));
        value.ok_or_else(|| {
            self.wrong(property, text, &format!("must be a whole number from {least} to {most}"))
        })
    }

    fn float(&self, property: &str, default: f64) -> Result<f64, String> {
        let Some(text) = self.options.get(property) else { return Ok(default) };
        let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        value.ok_or_else(|| self.wrong(property, text, "must be a number"))
    }

    fn decimal(&self, property: &str, default: i128, precision: u8, scale: i8) -> Result<i128, String> {
        let Some(text) = self.options.get(property) else { return Ok(default) };
        match decimal(text, precision, scale) {
            ParsedDecimal::Value(value) => Ok(value),
            _ => Err(self.wrong(property, text, &format!("must be a {}", sql_type(self.data_type)))),
        }
    }

    fn duration_us(&self, property: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.options.get(property) else { return Ok(None) };
        let duration = parse_duration(text).and_then(|d| i64::try_from(d.as_micros()).ok());
        duration
            .map(Some)
            .ok_or_else(|| self.wrong(property, text, "must be a duration, as in '10 s' or '500 ms'"))
    }

    fn moment_us(&self, property: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.options.get(property) else { return Ok(None) };
        let moment = timestamp(text.trim(), TimestampStandard::Sql, TimeUnit::Microsecond)
            .or_else(|| timestamp(text.trim(), TimestampStandard::Iso8601, TimeUnit::Microsecond));
        moment
            .map(Some)
            .ok_or_else(|| self.wrong(property, text, "must be a timestamp, as in '2024-01-01 00:00:00'"))
    }
}
