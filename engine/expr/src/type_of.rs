//! `TYPEOF`: the name of a type, decided when the query is planned.
//!
//! Arrow knows less than Flink (see [`crate::types`]), so an exact name needs a declaration, a literal, a cast or
//! arithmetic; for anything else `TYPEOF` is refused instead of naming a wider type. For example `TYPEOF('abc')` is
//! `CHAR(3) NOT NULL`.

use arrow::datatypes::DataType;
use datafusion_common::{Column, DFSchema, ExprSchema, Result, ScalarValue, plan_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{Expr, ExprSchemable, Operator, lit};

use crate::cast::{self, SQL_TYPE_KEY};
use crate::functions;
use crate::types::SqlType;

/// A type's name and whether a value of it can be null.
type Described = (String, bool);

/// The literal that a call of `TYPEOF` is.
///
/// # Errors
/// When the exact type is not known.
pub(crate) fn type_of(call: &ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let described = match call.args.first() {
        Some(argument) => describe(argument, schema)?,
        None => return plan_err!("TYPEOF takes 1 to 2 arguments, not 0"),
    };
    match described {
        Some((name, false)) => Ok(lit(format!("{name} NOT NULL"))),
        Some((name, true)) => Ok(lit(name)),
        None => plan_err!(
            "TYPEOF does not know the exact type of this expression; it takes columns, literals, casts and arithmetic"
        ),
    }
}

fn describe(expr: &Expr, schema: &DFSchema) -> Result<Option<Described>> {
    match expr {
        Expr::Alias(alias) => describe(&alias.expr, schema),
        Expr::Negative(inner) => describe(inner, schema),
        Expr::Column(column) => of_column(column, schema),
        Expr::Literal(value, _) => Ok(of_literal(value)),
        Expr::BinaryExpr(binary) => {
            let nullable = expr.nullable(schema)?;
            if is_test(binary.op) {
                return Ok(Some(("BOOLEAN".to_owned(), nullable)));
            }
            Ok(number(expr, schema)?.map(|name| (name, nullable)))
        }
        Expr::ScalarFunction(call) => of_call(expr, call, schema),
        _ => Ok(None),
    }
}

fn of_column(column: &Column, schema: &DFSchema) -> Result<Option<Described>> {
    let field = schema.field_from_column(column)?;
    let declared = field.metadata().get(SQL_TYPE_KEY).cloned();
    let name = declared.or_else(|| SqlType::from_arrow(field.data_type()).map(|found| found.to_string()));
    Ok(name.map(|name| (name, field.is_nullable())))
}

fn of_literal(value: &ScalarValue) -> Option<Described> {
    let name = match value {
        ScalarValue::Utf8(Some(text)) => SqlType::Char(text.chars().count() as u32).to_string(),
        ScalarValue::Binary(Some(bytes)) => SqlType::Binary(bytes.len() as u32).to_string(),
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months != 0 => {
            "INTERVAL MONTH".to_owned()
        }
        ScalarValue::IntervalMonthDayNano(_) => "INTERVAL SECOND(3)".to_owned(),
        other => SqlType::from_arrow(&other.data_type())?.to_string(),
    };
    Some((name, value.is_null()))
}

fn of_call(expr: &Expr, call: &ScalarFunction, schema: &DFSchema) -> Result<Option<Described>> {
    if let Some((target, fails)) = cast::target(call) {
        let inner = match call.args.first() {
            Some(argument) => describe(argument, schema)?.is_none_or(|(_, nullable)| nullable),
            None => true,
        };
        return Ok(Some((target.to_string(), inner || !fails)));
    }
    if functions::reads_clock(&call.func) {
        return Ok(SqlType::from_arrow(&expr.get_type(schema)?).map(|found| (found.to_string(), false)));
    }
    if !functions::is_arithmetic(&call.func) {
        return Ok(None);
    }
    let mut nullable = false;
    for argument in &call.args {
        nullable |= describe(argument, schema)?.is_none_or(|(_, nullable)| nullable);
    }
    Ok(number(expr, schema)?.map(|name| (name, nullable)))
}

/// The type of a number, which Arrow knows exactly.
fn number(expr: &Expr, schema: &DFSchema) -> Result<Option<String>> {
    let data_type: DataType = expr.get_type(schema)?;
    Ok(SqlType::from_arrow(&data_type).filter(SqlType::is_numeric).map(|found| found.to_string()))
}

fn is_test(op: Operator) -> bool {
    use Operator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    matches!(op, And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn types_are_named_as_flink_does() {
        // What Flink 2.3 answered.
        let table = [
            ("NULL", "NULL"),
            ("1", "INT NOT NULL"),
            ("-1", "INT NOT NULL"),
            ("TRUE", "BOOLEAN NOT NULL"),
            ("''", "CHAR(0) NOT NULL"),
            ("'äb'", "CHAR(2) NOT NULL"),
            ("X'00'", "BINARY(1) NOT NULL"),
            ("1.50", "DECIMAL(3, 2) NOT NULL"),
            ("1.5E0", "DOUBLE NOT NULL"),
            ("1 + 1", "INT NOT NULL"),
            ("1.0 + CAST(NULL AS INT)", "DECIMAL(12, 1)"),
            ("DATE '2020-01-01'", "DATE NOT NULL"),
            ("CAST('2020-01-01' AS DATE)", "DATE NOT NULL"),
            ("CAST(NULL AS INT)", "INT"),
            ("TRY_CAST('x' AS INT)", "INT"),
            ("CAST('a' AS VARCHAR(5))", "VARCHAR(5) NOT NULL"),
            ("1 > 2", "BOOLEAN NOT NULL"),
            ("INTERVAL '1' MONTH", "INTERVAL MONTH NOT NULL"),
            ("INTERVAL '1' DAY", "INTERVAL SECOND(3) NOT NULL"),
        ];
        for (argument, expected) in table {
            let schema = datafusion_common::DFSchema::empty();
            let planned = crate::testing::plan(&format!("TYPEOF({argument})"), &schema);
            let expected = datafusion_expr::lit(expected);
            assert_eq!(planned, Ok(expected), "{argument}");
        }
        check(&[
            ("TYPEOF(UPPER('a'))", "ERROR", "TYPEOF does not know the exact type of this expression"),
            ("TYPEOF(1, TRUE)", "STRING", "INT NOT NULL"),
            ("TYPEOF()", "ERROR", "TYPEOF takes 1 to 2 arguments, not 0"),
        ]);
    }
}
