//! Holding an answer against the recorded one.
//!
//! Owns what "the same rows" means: the same multiset, whatever the order; floating point cells may differ by a relative
//! 1e-10 (DOUBLE) or 1e-6 (FLOAT), everything else not at all. `0.1 + 0.2` and `0.3` are the same DOUBLE here, `0.3` and
//! `0.3001` are not, and `-0.0` is `0.0`.

use std::cmp::Ordering;
use std::fmt;

use arrow::datatypes::{DataType, Schema};
use thiserror::Error;

use crate::column_type::ColumnType;
use crate::expected::Expected;
use crate::text::{Cell, Row, write_row};

/// Rows shown of each side before the report says how many more there are.
const SHOWN: usize = 12;

/// The rows in which an answer differs from the recorded one.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Recorded rows that the answer lacks.
    pub missing: Vec<Row>,
    /// Rows of the answer that are not recorded.
    pub surplus: Vec<Row>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{} rows are missing (-) and {} are too many (+)",
            self.missing.len(),
            self.surplus.len()
        )?;
        for (sign, rows) in [('-', &self.missing), ('+', &self.surplus)] {
            for row in rows.iter().take(SHOWN) {
                writeln!(out, "{sign} {}", write_row(row))?;
            }
            if rows.len() > SHOWN {
                writeln!(out, "{sign} ... and {} more", rows.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

/// The first column in which a schema differs from the recorded one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SchemaDifference {
    /// There are more or fewer columns.
    #[error("{found} columns instead of {expected}")]
    Count {
        /// The number that is recorded.
        expected: usize,
        /// The number of the answer.
        found: usize,
    },
    /// A column has another name.
    #[error("column {position} is named `{found}` instead of `{expected}`")]
    Name {
        /// The column's place, from 1.
        position: usize,
        /// The recorded name.
        expected: String,
        /// The answer's name.
        found: String,
    },
    /// A column has another type.
    #[error("column {position}, `{name}`, is {found} instead of {expected}")]
    Type {
        /// The column's place, from 1.
        position: usize,
        /// The column's name.
        name: String,
        /// The Arrow type that belongs to the recorded SQL type.
        expected: DataType,
        /// The answer's Arrow type.
        found: DataType,
    },
}

impl Expected {
    /// Compares the final rows of an answer with the recorded ones.
    ///
    /// # Errors
    /// The rows that are missing and those that are too many.
    pub fn compare(&self, answer: Vec<Row>) -> Result<(), Difference> {
        let types: Vec<ColumnType> = self.columns.iter().map(|column| column.column_type).collect();
        let mut recorded = self.rows.clone();
        let mut answered = answer;
        // Exact cells decide before inexact ones, so that rows which are equal but for rounding come to stand side by side.
        recorded.sort_by(|a, b| order(a, b, &types, |_, _, _| false));
        answered.sort_by(|a, b| order(a, b, &types, |_, _, _| false));

        let mut difference = Difference { missing: Vec::new(), surplus: Vec::new() };
        let mut recorded = recorded.into_iter().peekable();
        let mut answered = answered.into_iter().peekable();
        loop {
            match (recorded.peek(), answered.peek()) {
                (None, None) => break,
                (Some(_), None) => difference.missing.extend(recorded.by_ref()),
                (None, Some(_)) => difference.surplus.extend(answered.by_ref()),
                (Some(expected), Some(found)) => match order(expected, found, &types, close) {
                    Ordering::Equal => {
                        recorded.next();
                        answered.next();
                    }
                    Ordering::Less => difference.missing.extend(recorded.next()),
                    Ordering::Greater => difference.surplus.extend(answered.next()),
                },
            }
        }
        if difference.missing.is_empty() && difference.surplus.is_empty() { Ok(()) } else { Err(difference) }
    }

    /// Compares names and Arrow types of the columns of an answer with the recorded ones; whether they may be NULL is left out.
    ///
    /// # Errors
    /// The first column that differs.
    pub fn compare_schema(&self, schema: &Schema) -> Result<(), SchemaDifference> {
        if schema.fields().len() != self.columns.len() {
            return Err(SchemaDifference::Count {
                expected: self.columns.len(),
                found: schema.fields().len(),
            });
        }
        for (index, (column, field)) in self.columns.iter().zip(schema.fields()).enumerate() {
            let position = index + 1;
            if field.name() != &column.name {
                let (expected, found) = (column.name.clone(), field.name().clone());
                return Err(SchemaDifference::Name { position, expected, found });
            }
            let expected = column.column_type.arrow();
            if field.data_type() != &expected {
                let (name, found) = (column.name.clone(), field.data_type().clone());
                return Err(SchemaDifference::Type { position, name, expected, found });
            }
        }
        Ok(())
    }
}

/// A total order of rows: first by all exact cells, then by the floating point ones, where `same` may call two numbers equal.
fn order(a: &Row, b: &Row, types: &[ColumnType], same: fn(f64, f64, f64) -> bool) -> Ordering {
    let cells = || a.iter().zip(b).zip(types);
    let exact =
        cells().filter(|(_, column_type)| column_type.tolerance().is_none()).map(|((a, b), _)| a.cmp(b));
    let inexact = cells().filter_map(|((a, b), column_type)| {
        let tolerance = column_type.tolerance()?;
        Some(order_numbers(a, b, *column_type, |a, b| same(a, b, tolerance)))
    });
    exact.chain(inexact).find(|ordering| ordering.is_ne()).unwrap_or(a.len().cmp(&b.len()))
}

fn order_numbers(a: &Cell, b: &Cell, column_type: ColumnType, same: impl Fn(f64, f64) -> bool) -> Ordering {
    let number = |cell: &Cell| {
        cell.as_deref().map(|text| match column_type {
            // `1.4E-45` and `1.0E-45` are the same FLOAT.
            ColumnType::Float => text.parse::<f32>().map(f64::from),
            _ => text.parse::<f64>(),
        })
    };
    match (number(a), number(b)) {
        (Some(Ok(x)), Some(Ok(y))) => {
            // Adding zero makes the negative zero positive, and NaN stands for every NaN.
            let (x, y) = (x + 0.0, y + 0.0);
            if same(x, y) || x.is_nan() && y.is_nan() { Ordering::Equal } else { x.total_cmp(&y) }
        }
        _ => a.cmp(b),
    }
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a - b).abs() <= tolerance * a.abs().max(b.abs())
}
