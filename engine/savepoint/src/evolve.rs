//! Whether a savepoint's tables fit a job's, and how their columns become the job's.
//!
//! Operators are matched by uid, else by the shape of it: one that keeps state for the same keys of the same input, if there is
//! only one on either side, goes on although it computes something else. Columns are matched by name. What is allowed without
//! a word: a nullable column that is new is NULL in every row; integers and floats become wider, decimals more precise at the
//! same scale; what was NOT NULL may be NULL. State may be left out only by name. Everything else is listed, and nothing is
//! restored. Example: `sum INT32` restored as `sum INT64, max UTF8` keeps the sums and has no maximum yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use millstream_model::OperatorUid;

use crate::manifest::{KEY_COLUMNS, SavedTable, SavepointManifest};

/// The state tables of the job that a savepoint is restored into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedState {
    /// Its stateful operators.
    pub operators: Vec<ExpectedOperator>,
    /// What may be lost, by name: `uid` for all state of an operator, `uid.table` for one of its tables.
    pub droppable: BTreeSet<String>,
}

/// An operator of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedOperator {
    /// Which.
    pub uid: OperatorUid,
    /// For people.
    pub name: String,
    /// Its tables.
    pub tables: Vec<ExpectedTable>,
}

/// A table of an operator of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTable {
    /// Which.
    pub name: String,
    /// Its columns beside the key, as the operator keeps them.
    pub columns: Vec<Field>,
    /// Columns that may be left out although the savepoint has them: without them the table means the same.
    pub dispensable: Vec<String>,
    /// Columns that the savepoint must have although they may be NULL: what they count goes back to the first row.
    pub indispensable: Vec<String>,
}

/// One thing in which a savepoint and a job differ and which nobody allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operator.
    pub operator: OperatorUid,
    /// Its name, for people.
    pub operator_name: String,
    /// The table; `None` if there is no such operator any more.
    pub table: Option<String>,
    /// The column; `None` if it is about the whole table.
    pub column: Option<String>,
    /// In the savepoint.
    pub was: String,
    /// In the job.
    pub is: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator {} ({})", self.operator, self.operator_name)?;
        if let Some(table) = &self.table {
            write!(f, ", table {table}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": was {}, is {}", self.was, self.is)
    }
}

/// How a column of the job comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// From this value column of the savepoint, cast if it has another type.
    Saved(usize),
    /// There is none.
    Null,
}

/// How the rows of a table become the job's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TablePlan<'a> {
    pub(crate) table: &'a SavedTable,
    /// The job's operator.
    pub(crate) operator: OperatorUid,
    /// The job's value columns.
    pub(crate) fields: Vec<Field>,
    origins: Vec<Origin>,
}

const ABSENT: &str = "absent";

/// A plan for each table that is restored, or every difference that nobody allowed. Without expectations all tables are
/// restored as they are, and it is the operators that compare.
pub(crate) fn plan<'a>(
    manifest: &'a SavepointManifest,
    expected: Option<&ExpectedState>,
) -> Result<Vec<TablePlan<'a>>, Vec<Difference>> {
    let Some(expected) = expected else {
        return Ok(manifest.tables.iter().map(TablePlan::as_it_is).collect());
    };
    let successors = successors(manifest, expected);
    let (mut plans, mut differences) = (Vec::new(), Vec::new());
    for table in &manifest.tables {
        let uid = &table.operator;
        if [uid.0.clone(), table.label()].iter().any(|name| expected.droppable.contains(name)) {
            continue;
        }
        let name = manifest.state.operator(uid).map_or_else(|| uid.0.clone(), |o| o.name.clone());
        let difference = |column: Option<&str>, was: String, is: String| Difference {
            operator: uid.clone(),
            operator_name: name.clone(),
            table: Some(table.name.clone()),
            column: column.map(str::to_owned),
            was,
            is,
        };
        let becomes = successors.get(uid).unwrap_or(uid);
        let operator = expected.operators.iter().find(|o| o.uid == *becomes);
        let wanted = operator.and_then(|o| o.tables.iter().find(|t| t.name == table.name));
        match wanted {
            Some(wanted) => match columns(table, becomes, wanted, &difference) {
                Ok(plan) => plans.push(plan),
                Err(found) => differences.extend(found),
            },
            None => {
                let hint = format!("{ABSENT} (name {uid} or {} to lose it)", table.label());
                differences.push(difference(None, format!("{} rows", table.rows()), hint));
            }
        }
    }
    differences.extend(new_tables(manifest, expected, &successors));
    if differences.is_empty() { Ok(plans) } else { Err(differences) }
}

/// Which operator of the job goes on with the state of which other one of the savepoint: one that is gone and one that is new,
/// with the same shape, each the only one of its kind.
pub(crate) fn successors(
    manifest: &SavepointManifest,
    expected: &ExpectedState,
) -> BTreeMap<OperatorUid, OperatorUid> {
    let is_droppable = |uid: &OperatorUid| expected.droppable.contains(&uid.0);
    let saved = || manifest.state.operators.iter().filter(|o| o.is_stateful).map(|o| &o.uid);
    let gone: Vec<&OperatorUid> = saved()
        .filter(|uid| !is_droppable(uid) && !expected.operators.iter().any(|o| o.uid == **uid))
        .collect();
    let new: Vec<&OperatorUid> =
        expected.operators.iter().map(|o| &o.uid).filter(|uid| !saved().any(|s| s == *uid)).collect();
    let only = |all: &[&OperatorUid], shape: &str| {
        let mut alike = all.iter().filter(|uid| uid.shape() == Some(shape));
        alike.next().filter(|_| alike.next().is_none()).map(|uid| (*uid).clone())
    };
    let pair = |shape: &str| Some((only(&gone, shape)?, only(&new, shape)?));
    gone.iter().filter_map(|uid| pair(uid.shape()?)).collect()
}

/// Tables that an operator with state had not: they would be empty although rows have gone by.
fn new_tables(
    manifest: &SavepointManifest,
    expected: &ExpectedState,
    successors: &BTreeMap<OperatorUid, OperatorUid>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    for operator in &expected.operators {
        let became = successors.iter().find(|(_, new)| **new == operator.uid).map(|(old, _)| old);
        let saved = became.unwrap_or(&operator.uid);
        let had_state = manifest.tables.iter().any(|t| t.operator == *saved);
        if !had_state || expected.droppable.contains(&saved.0) {
            continue;
        }
        for table in operator.tables.iter().filter(|t| manifest.table(saved, &t.name).is_none()) {
            let columns: Vec<String> = table.columns.iter().map(described).collect();
            differences.push(Difference {
                // The name that may be lost is the savepoint's.
                operator: saved.clone(),
                operator_name: operator.name.clone(),
                table: Some(table.name.clone()),
                column: None,
                was: ABSENT.to_owned(),
                is: format!("({})", columns.join(", ")),
            });
        }
    }
    differences
}

fn columns<'a>(
    table: &'a SavedTable,
    operator: &OperatorUid,
    expected: &ExpectedTable,
    difference: &impl Fn(Option<&str>, String, String) -> Difference,
) -> Result<TablePlan<'a>, Vec<Difference>> {
    let (saved, wanted) = (table.value_fields(), expected.columns.as_slice());
    let names: BTreeSet<&str> = saved.iter().map(|f| f.name().as_str()).collect();
    if names.len() < saved.len() && saved != wanted {
        let all = |fields: &[Field]| fields.iter().map(described).collect::<Vec<_>>().join(", ");
        // Two columns of one name cannot be told apart.
        return Err(vec![difference(None, all(&saved), all(wanted))]);
    }
    let (mut origins, mut differences) = (Vec::new(), Vec::new());
    for (place, field) in wanted.iter().enumerate() {
        let same =
            if saved == wanted { Some(place) } else { saved.iter().position(|s| s.name() == field.name()) };
        match same {
            Some(at) if fits(&saved[at], field) => origins.push(Origin::Saved(at)),
            Some(at) => {
                let (was, is) = (described_type(&saved[at]), described_type(field));
                differences.push(difference(Some(field.name()), was, is));
            }
            None if expected.indispensable.contains(field.name()) => {
                let hint = format!(
                    "{} over rows that are updated, which must know all of them (name {} to count anew)",
                    described_type(field),
                    table.label()
                );
                differences.push(difference(Some(field.name()), ABSENT.to_owned(), hint));
            }
            None if field.is_nullable() => origins.push(Origin::Null),
            None => {
                differences.push(difference(Some(field.name()), ABSENT.to_owned(), described_type(field)))
            }
        }
    }
    let is_kept = |s: &Field| wanted.iter().any(|w| w.name() == s.name());
    for lost in saved.iter().filter(|s| !is_kept(s) && !expected.dispensable.contains(s.name())) {
        differences.push(difference(Some(lost.name()), described_type(lost), ABSENT.to_owned()));
    }
    if differences.is_empty() {
        Ok(TablePlan { table, operator: operator.clone(), fields: wanted.to_vec(), origins })
    } else {
        Err(differences)
    }
}

fn fits(saved: &Field, wanted: &Field) -> bool {
    let same_or_wider =
        saved.data_type() == wanted.data_type() || widens(saved.data_type(), wanted.data_type());
    same_or_wider && (wanted.is_nullable() || !saved.is_nullable())
}

/// Whether every value of `from` is a value of `to` and means the same.
#[must_use]
pub const fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32};
    match (from, to) {
        (Int8 | UInt8, Int16 | Int32 | Int64)
        | (Int16 | UInt16, Int32 | Int64)
        | (Int32 | UInt32, Int64)
        | (Float32, Float64) => true,
        (Decimal128(precision, scale), Decimal128(wider, same)) => *precision < *wider && *scale == *same,
        _ => false,
    }
}

fn described_type(field: &Field) -> String {
    format!("{}{}", field.data_type(), if field.is_nullable() { "" } else { " NOT NULL" })
}

fn described(field: &Field) -> String {
    format!("{} {}", field.name(), described_type(field))
}

impl<'a> TablePlan<'a> {
    fn as_it_is(table: &'a SavedTable) -> Self {
        let fields = table.value_fields();
        let origins = (0..fields.len()).map(Origin::Saved).collect();
        Self { table, operator: table.operator.clone(), fields, origins }
    }

    /// The job's value columns for rows of the savepoint.
    pub(crate) fn values(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let column = |(field, origin): (&Field, &Origin)| match origin {
            Origin::Saved(at) => cast_with_options(rows.column(KEY_COLUMNS + at), field.data_type(), &strict),
            Origin::Null => Ok(new_null_array(field.data_type(), rows.num_rows())),
        };
        self.fields.iter().zip(&self.origins).map(column).collect()
    }
}

#[cfg(test)]
#[path = "evolve/evolve_test.rs"]
mod evolve_test;
