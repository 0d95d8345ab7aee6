//! Evaluates SQL expressions in tests the way a job does: parse, plan, coerce, analyze, compile, evaluate.
//!
//! Every expression runs in three ways: as it is; with each literal turned into a column of three rows whose middle one is
//! null, so that the kernels for columns give the same answer; and behind the optimizer's simplification.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column as ColumnName, DFSchema, Result, ScalarValue, TableReference, plan_err};
use datafusion_expr::expr::Expr;
use datafusion_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion_optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{self, visit_expressions_mut};
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::Parser;

use crate::cast::{OnFailure, Target, cast_column, type_field};
use crate::column::Column;
use crate::{CompiledExpr, ExprError, SqlType, plain_message};

/// Plans `sql` over columns of `schema`, fully coerced.
pub(crate) fn plan(sql: &str, schema: &DFSchema) -> Result<Expr, String> {
    plan_inner(sql, schema).map_err(|error| plain_message(&error))
}

fn plan_inner(sql: &str, schema: &DFSchema) -> Result<Expr> {
    let mut parsed = Parser::new(&GenericDialect {}).try_with_sql(sql)?.parse_expr()?;
    let _ = visit_expressions_mut(&mut parsed, |node| {
        flink_literal(node);
        std::ops::ControlFlow::<()>::Continue(())
    });
    let context = Context { planners: crate::expr_planners(), options: ConfigOptions::new() };
    let options =
        ParserOptions::new().with_parse_float_as_decimal(true).with_map_string_types_to_utf8view(false);
    let planner = SqlToRel::new_with_options(&context, options);
    let expr = planner.sql_to_expr(parsed, schema, &mut PlannerContext::new())?;
    let expr = crate::coerce(expr, schema)?;
    let again = crate::coerce(expr.clone(), schema)?;
    assert_eq!(expr, again, "coercion is idempotent for {sql}");
    Ok(expr.rewrite(&mut TypeCoercionRewriter::new(schema))?.data)
}

/// Evaluates `sql` over `batch` and shows every row as `CAST(.. AS STRING)` would, with `NULL` for null.
pub(crate) fn evaluate(sql: &str, batch: &RecordBatch, zone: &str) -> Result<(String, Vec<String>), String> {
    let schema = DFSchema::try_from(batch.schema().as_ref().clone()).unwrap();
    let expr = plan(sql, &schema)?;
    run(&expr, &schema, batch, zone).map_err(|error| error.to_string())
}

/// Checks `(expression, type, value)` over one row without columns; a type of `ERROR` expects a message with `value` in
/// it.
pub(crate) fn check(cases: &[(&str, &str, &str)]) {
    check_in("UTC", cases);
}

/// [`check`] with the zone of the session.
pub(crate) fn check_in(zone: &str, cases: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, sql_type, value) in cases {
        let ways = [
            ("constants", as_constants(sql, zone)),
            ("columns", as_columns(sql, zone)),
            ("simplification", as_simplified(sql, zone)),
        ];
        for (way, answer) in ways {
            let matches = match &answer {
                Ok((actual_type, actual)) => actual_type == sql_type && actual == value,
                Err(message) => *sql_type == "ERROR" && message.contains(value),
            };
            if !matches {
                wrong.push(format!("{sql} with {way}: {answer:?}, expected {sql_type} {value:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn as_constants(sql: &str, zone: &str) -> Result<(String, String), String> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let (sql_type, mut rows) = evaluate(sql, &batch, zone)?;
    Ok((sql_type, rows.remove(0)))
}

/// The optimizer's rules for expressions run first, as they do for a query.
fn as_simplified(sql: &str, zone: &str) -> Result<(String, String), String> {
    let schema = Arc::new(DFSchema::empty());
    let expr = plan(sql, &schema)?;
    let mut options = ConfigOptions::new();
    options.execution.time_zone = Some(zone.to_string());
    let context =
        SimplifyContext::builder().with_schema(schema.clone()).with_config_options(Arc::new(options)).build();
    let expr = ExprSimplifier::new(context).simplify(expr).map_err(|error| plain_message(&error))?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let (sql_type, mut rows) = run(&expr, &schema, &batch, zone).map_err(|error| error.to_string())?;
    Ok((sql_type, rows.remove(0)))
}

/// Every literal becomes a column of the rows value, null, value.
fn as_columns(sql: &str, zone: &str) -> Result<(String, String), String> {
    let expr = plan(sql, &DFSchema::empty())?;
    let mut fields: Vec<FieldRef> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let pick = UInt32Array::from(vec![Some(0), None, Some(0)]);
    let expr = expr
        .transform_up(|node| match node {
            Expr::Literal(value, _) => {
                let name = format!("c{}", fields.len());
                fields.push(Arc::new(Field::new(&name, value.data_type(), true)));
                columns.push(arrow::compute::take(value.to_array()?.as_ref(), &pick, None)?);
                Ok(Transformed::yes(Expr::Column(ColumnName::from_name(name))))
            }
            other => Ok(Transformed::no(other)),
        })
        .unwrap()
        .data;
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options).unwrap();
    let df_schema = DFSchema::try_from(schema.as_ref().clone()).unwrap();
    let (sql_type, mut rows) = run(&expr, &df_schema, &batch, zone).map_err(|error| error.to_string())?;
    assert_eq!(rows[0], rows[2], "{sql} differs between equal rows");
    Ok((sql_type, rows.remove(0)))
}

fn run(
    expr: &Expr,
    schema: &DFSchema,
    batch: &RecordBatch,
    zone: &str,
) -> Result<(String, Vec<String>), ExprError> {
    let compiled = CompiledExpr::compile_in_zone(expr, schema, zone)?;
    let array = compiled.evaluate(batch)?;
    assert_eq!(array.len(), batch.num_rows());
    assert_eq!(array.data_type(), compiled.data_type());
    let sql_type = crate::types::type_name(array.data_type());
    Ok((sql_type, show(array, zone)))
}

fn show(array: ArrayRef, zone: &str) -> Vec<String> {
    if let Some(bytes) = array.as_any().downcast_ref::<arrow::array::BinaryArray>() {
        return bytes
            .iter()
            .map(|value| value.map_or("NULL".to_string(), |bytes| format!("{bytes:?}")))
            .collect();
    }
    let rows = array.len();
    let target =
        Target { to: SqlType::String, failure: OnFailure::Null, zone: crate::zone::parse(zone).unwrap() };
    let text = cast_column(&Column { array, constant: false }, rows, &target).unwrap();
    let text = text.as_any().downcast_ref::<StringArray>().unwrap();
    text.iter().map(|value| value.unwrap_or("NULL").to_string()).collect()
}

/// Integer literals are INT where they fit, those with an exponent are DOUBLE, and timestamp literals have as many digits as they show.
fn flink_literal(node: &mut ast::Expr) {
    let cast = |inner: ast::Expr, data_type| ast::Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(inner),
        data_type,
        array: false,
        format: None,
    };
    match node {
        ast::Expr::Value(value) => {
            let ast::Value::Number(digits, _) = &value.value else { return };
            if digits.parse::<i32>().is_ok() {
                *node = cast(node.clone(), ast::DataType::Int(None));
            } else if digits.contains(['e', 'E']) {
                let text = ast::Value::SingleQuotedString(digits.clone()).with_empty_span();
                *node = cast(ast::Expr::Value(text), ast::DataType::Double(ast::ExactNumberInfo::None));
            }
        }
        ast::Expr::TypedString(literal) => {
            if let ast::DataType::Timestamp(precision @ None, _) = &mut literal.data_type {
                let text = literal.value.value.clone().into_string().unwrap_or_default();
                let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                *precision = Some(digits as u64);
            }
        }
        _ => {}
    }
}

struct Context {
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: ConfigOptions,
}

#[derive(Debug)]
struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let mut text = sql_type.to_string();
        text = match text.as_str() {
            "INTEGER" => "INT".to_string(),
            "TIME" => "TIME(0)".to_string(),
            "DECIMAL" => "DECIMAL(10, 0)".to_string(),
            other if other.starts_with("DECIMAL(") && !other.contains(", ") => other.replace(',', ", "),
            _ => text,
        };
        Ok(text.parse().ok().map(|parsed: SqlType| type_field(&parsed)))
    }
}

impl ContextProvider for Context {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        plan_err!("no table {name}")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        crate::functions::function(&name.to_lowercase())
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, _name: &str) -> Option<Arc<AggregateUDF>> {
        None
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        crate::scalar_functions().iter().map(|function| function.name().to_string()).collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn no_two_functions_share_a_name() {
    let mut seen = HashSet::new();
    for function in crate::scalar_functions() {
        assert_eq!(function.name(), function.name().to_lowercase());
        for name in std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str)) {
            assert!(seen.insert(name.to_string()), "{name} is there twice");
        }
    }
    let _ = ScalarValue::Null;
}
