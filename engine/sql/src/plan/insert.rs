//! The query of an INSERT, made to fit its table: order of columns, Flink's implicit casts, NULL for what is left out.
//!
//! Without a column list columns match by position, not by name. Example: a query of `(INT, STRING)` fits a table of
//! `(BIGINT, STRING)`; one of `(BIGINT, STRING)` does not fit `(INT, STRING)`, because a value might not survive.

use datafusion_common::{Column, ScalarValue};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion_sql::sqlparser::ast::Spanned;
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_expr::{SqlType, type_name};

use super::error::from_datafusion;
use crate::catalog::{StreamTable, TableColumn};
use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::statement::{Insert, Name};

/// Projects an analyzed query to the physical columns of a table.
///
/// # Errors
/// Wrong number of columns, types that do not fit, columns that are not there or must not be left out: the message names
/// both sides.
pub(crate) fn fit(plan: LogicalPlan, insert: &Insert, table: &StreamTable) -> Result<LogicalPlan, Problem> {
    let targets = targets(insert, table)?;
    let fields = plan.schema().fields();
    if fields.len() != targets.len() {
        return Err(wrong_count(insert, table, fields.len(), targets.len()));
    }
    let mut exprs = Vec::new();
    for column in table.physical() {
        let source = targets.iter().position(|target| target.name == column.name);
        let value = match source {
            Some(index) => {
                let (qualifier, field) = plan.schema().qualified_field(index);
                let value = Expr::Column(Column::from((qualifier, field)));
                cast(value, field.data_type(), column, insert, index)?
            }
            None if column.not_null => {
                return Err(Problem::new(insert.table.span, format!("column `{}` is NOT NULL", column.name))
                    .label("gets no value")
                    .help("add it to the columns of the INSERT"));
            }
            None => typed_null(column, insert)?,
        };
        exprs.push(value.alias(&column.name));
    }
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| from_datafusion(&error, &insert.tokens).or_at(insert.table.span))
}

/// The table's columns that the query's columns go to, in the query's order.
fn targets<'a>(insert: &Insert, table: &'a StreamTable) -> Result<Vec<&'a TableColumn>, Problem> {
    if insert.columns.is_empty() {
        return Ok(table.physical().collect());
    }
    insert.columns.iter().map(|name| target(name, table)).collect()
}

fn target<'a>(name: &Name, table: &'a StreamTable) -> Result<&'a TableColumn, Problem> {
    match table.columns.iter().find(|column| column.name == name.value) {
        Some(column) if column.computed.is_none() => Ok(column),
        Some(_) => Err(Problem::new(name.span, format!("`{}` is a computed column", name.value))
            .label("cannot be written")
            .help("remove it from the columns of the INSERT")),
        None => Err(Problem::new(name.span, format!("unknown column `{}`", name.value))
            .label(format!("not in table `{}`", table.config.name))
            .maybe_help(did_you_mean(&name.value, table.physical().map(|column| column.name.as_str())))),
    }
}

fn wrong_count(insert: &Insert, table: &StreamTable, found: usize, expected: usize) -> Problem {
    let count = |n: usize| if n == 1 { "1 column".to_owned() } else { format!("{n} columns") };
    let columns: Vec<String> =
        table.physical().map(|column| format!("{} {}", column.name, column.column_type)).collect();
    let (what, help) = if insert.columns.is_empty() {
        (
            format!("table `{}` has {}", table.config.name, count(expected)),
            format!("its columns are {}", columns.join(", ")),
        )
    } else {
        (format!("the INSERT names {}", count(expected)), "give each of them a value".to_owned())
    };
    Problem::new(insert.table.span, format!("the query has {}, but {what}", count(found)))
        .label("does not fit")
        .help(help)
}

fn cast(
    value: Expr,
    from: &arrow::datatypes::DataType,
    column: &TableColumn,
    insert: &Insert,
    index: usize,
) -> Result<Expr, Problem> {
    let place = place_of(insert, index);
    if *from == column.column_type.to_arrow() {
        return Ok(value);
    }
    let (Some(source), Some(target)) = (SqlType::from_arrow(from), column.column_type.value()) else {
        return row_for(from, column, insert, place);
    };
    if source == SqlType::Null && column.not_null {
        return Err(Problem::new(place, format!("column `{}` is NOT NULL", column.name)).label("NULL"));
    }
    if !is_implicit(&source, &target) {
        return Err(misfit(from, column, insert, place).help(format!("write CAST(... AS {target})")));
    }
    Ok(millstream_expr::cast(value, &target, false))
}

/// Rows are written as they are: a NULL fits every column, any other row only its own type.
fn row_for(
    from: &arrow::datatypes::DataType,
    column: &TableColumn,
    insert: &Insert,
    place: Span,
) -> Result<Expr, Problem> {
    if SqlType::from_arrow(from) == Some(SqlType::Null) && !column.not_null {
        return typed_null(column, insert);
    }
    let help = if from.is_nested() && column.column_type.value().is_none() {
        "declare the column with the names and types that the query gives"
    } else {
        "write its fields to columns of their own, as `row.field`"
    };
    Err(misfit(from, column, insert, place).help(help))
}

fn misfit(from: &arrow::datatypes::DataType, column: &TableColumn, insert: &Insert, place: Span) -> Problem {
    let found = type_name(from);
    let message = format!(
        "column `{}` of table `{}` is {}, but the query gives {found}",
        column.name, insert.table.value, column.column_type
    );
    Problem::new(place, message).label(format!("is {found}"))
}

fn typed_null(column: &TableColumn, insert: &Insert) -> Result<Expr, Problem> {
    ScalarValue::try_from(&column.column_type.to_arrow())
        .map(|value| Expr::Literal(value, None))
        .map_err(|error| from_datafusion(&error, &insert.tokens).or_at(insert.table.span))
}

/// The item of the select list that becomes the column, where the query is a plain SELECT.
fn place_of(insert: &Insert, index: usize) -> Span {
    let item = insert.query.body.as_select().and_then(|select| {
        let has_wildcard = select.projection.iter().any(|item| item.to_string().ends_with('*'));
        if has_wildcard { None } else { select.projection.get(index) }
    });
    item.map_or(insert.table.span, Spanned::span)
}

/// Whether Flink casts without being asked.
fn is_implicit(from: &SqlType, to: &SqlType) -> bool {
    let width = |sql_type: &SqlType| match sql_type {
        SqlType::TinyInt => Some(1),
        SqlType::SmallInt => Some(2),
        SqlType::Int => Some(3),
        SqlType::BigInt => Some(4),
        _ => None,
    };
    match (from, to) {
        (SqlType::Null, _) => true,
        (from, to) if from.is_character() && to.is_character() => true,
        (from, to) if from.is_binary() && to.is_binary() => true,
        (from, SqlType::Decimal { .. }) => from.is_integer() || matches!(from, SqlType::Decimal { .. }),
        (from, SqlType::Float) => {
            from.is_integer() || matches!(from, SqlType::Decimal { .. } | SqlType::Float)
        }
        (from, SqlType::Double) => from.is_numeric(),
        (
            SqlType::Timestamp(_) | SqlType::TimestampLtz(_),
            SqlType::Timestamp(_) | SqlType::TimestampLtz(_),
        ) => true,
        (SqlType::Timestamp(_), SqlType::Date | SqlType::Time(_)) => true,
        (SqlType::Time(_), SqlType::Time(_)) => true,
        (from, to) => match (width(from), width(to)) {
            (Some(from), Some(to)) => from <= to,
            _ => from == to,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_casts_that_keep_the_value_are_implicit() {
        let decimal = SqlType::Decimal { precision: 10, scale: 2 };
        let table = [
            (SqlType::Int, SqlType::BigInt, true),
            (SqlType::BigInt, SqlType::Int, false),
            (SqlType::Int, SqlType::Double, true),
            (SqlType::Double, SqlType::Int, false),
            (SqlType::Double, SqlType::Float, false),
            (SqlType::BigInt, decimal, true),
            (decimal, SqlType::Double, true),
            (SqlType::Double, decimal, false),
            (SqlType::String, SqlType::Varchar(3), true),
            (SqlType::String, SqlType::Int, false),
            (SqlType::Int, SqlType::String, false),
            (SqlType::Timestamp(6), SqlType::Timestamp(3), true),
            (SqlType::Timestamp(3), SqlType::Date, true),
            (SqlType::Date, SqlType::Timestamp(3), false),
            (SqlType::Null, SqlType::Int, true),
            (SqlType::Boolean, SqlType::Int, false),
        ];
        for (from, to, expected) in table {
            assert_eq!(is_implicit(&from, &to), expected, "{from} to {to}");
        }
    }
}
