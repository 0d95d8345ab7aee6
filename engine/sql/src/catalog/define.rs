//! From a CREATE TABLE statement to a table: types, computed columns, watermark, key, options.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, ToDFSchema};
use datafusion_expr::{Expr, ExprSchemable};
use datafusion_sql::sqlparser::tokenizer::TokenWithSpan;
use millstream_connectors::TableConfig;
use millstream_connectors::options::check_options;
use millstream_expr::{ColumnType, SqlType};

use super::{StreamTable, TableColumn, TableEnvironment, TableWatermark, connector_problem};
use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::statement::{ColumnKind, CreateTable, Name, WatermarkDefinition};
use crate::plan::context::PlanContext;
use crate::plan::expression::plan_expression;

/// Builds a table from its declaration.
///
/// # Errors
/// Computed columns and watermarks that do not fit, unknown columns in keys, wrong options: in place.
pub(crate) fn define_table(
    statement: &CreateTable,
    tokens: &[TokenWithSpan],
    context: &PlanContext<'_>,
    environment: &TableEnvironment<'_>,
) -> Result<StreamTable, Problem> {
    let mut columns = columns(statement, tokens, context)?;
    let schema = schema_of(columns.iter());
    let watermark = statement
        .watermark
        .as_ref()
        .map(|definition| watermark(definition, &columns, &schema, tokens, context))
        .transpose()?;
    let primary_key = match &statement.primary_key {
        Some(key) => existing(&key.columns, &columns)?,
        None => Vec::new(),
    };
    let partition_keys = existing(&statement.partitioned_by, &columns)?;
    for column in &mut columns {
        // A key column is NOT NULL whether the declaration says so or not.
        column.not_null |= primary_key.contains(&column.name);
    }
    let physical = schema_of(columns.iter().filter(|column| column.computed.is_none()));
    let config = config(statement, physical, partition_keys, primary_key, environment)?;
    let planned = Schema::new(columns.iter().map(TableColumn::planner_field).collect::<Vec<_>>());
    Ok(StreamTable {
        config,
        columns,
        schema: Arc::new(planned),
        watermark,
        span: statement.name.span,
        option_spans: option_spans(statement),
    })
}

fn schema_of<'a>(columns: impl Iterator<Item = &'a TableColumn>) -> SchemaRef {
    Arc::new(Schema::new(columns.map(TableColumn::field).collect::<Vec<_>>()))
}

fn option_spans(statement: &CreateTable) -> Vec<(String, datafusion_sql::sqlparser::tokenizer::Span)> {
    statement.options.iter().map(|option| (option.key.value.clone(), option.key.span)).collect()
}

fn columns(
    statement: &CreateTable,
    tokens: &[TokenWithSpan],
    context: &PlanContext<'_>,
) -> Result<Vec<TableColumn>, Problem> {
    let declared = |column_type: &ColumnType, not_null: bool, name: &Name| TableColumn {
        name: name.value.clone(),
        column_type: column_type.clone(),
        not_null,
        computed: None,
    };
    let physical: Vec<TableColumn> = statement
        .columns
        .iter()
        .filter_map(|column| match &column.kind {
            ColumnKind::Physical { column_type, not_null } => {
                Some(declared(column_type, *not_null, &column.name))
            }
            ColumnKind::Computed(_) => None,
        })
        .collect();
    if physical.is_empty() {
        return Err(Problem::new(statement.name.span, "a table needs a column that is not computed")
            .label("has none"));
    }
    let schema = schema_of(physical.iter());
    let mut columns = Vec::with_capacity(statement.columns.len());
    for column in &statement.columns {
        columns.push(match &column.kind {
            ColumnKind::Physical { column_type, not_null } => declared(column_type, *not_null, &column.name),
            ColumnKind::Computed(expression) => {
                let planned = plan_expression(expression, &schema, tokens, context)
                    .map_err(|problem| refer_to_computed(problem, statement).or_at(column.name.span))?;
                let column_type = type_of(&planned, &schema, &column.name)?;
                TableColumn {
                    name: column.name.value.clone(),
                    column_type,
                    not_null: false,
                    computed: Some(planned),
                }
            }
        });
    }
    Ok(columns)
}

/// A computed column sees physical columns only; say so instead of `unknown column`.
fn refer_to_computed(problem: Problem, statement: &CreateTable) -> Problem {
    let computed = statement.columns.iter().filter(|column| matches!(column.kind, ColumnKind::Computed(_)));
    for column in computed {
        if problem.message == format!("unknown column `{}`", column.name.value) {
            return Problem::new(
                problem.span,
                format!("`{}` is a computed column itself", column.name.value),
            )
            .label("computed columns see physical columns only")
            .help("repeat its expression here");
        }
    }
    problem
}

fn type_of(expr: &Expr, schema: &SchemaRef, name: &Name) -> Result<ColumnType, Problem> {
    let refuse = |reason: String| Problem::new(name.span, reason).label("this column");
    let df_schema: DFSchema =
        Arc::clone(schema).to_dfschema().map_err(|error| refuse(error.strip_backtrace()))?;
    let data_type =
        expr.get_type(&df_schema).map_err(|error| refuse(millstream_expr::plain_message(&error)))?;
    ColumnType::from_arrow(&data_type).ok_or_else(|| {
        refuse(format!("column `{}` has a type that is not supported: {data_type}", name.value))
    })
}

fn watermark(
    definition: &WatermarkDefinition,
    columns: &[TableColumn],
    schema: &SchemaRef,
    tokens: &[TokenWithSpan],
    context: &PlanContext<'_>,
) -> Result<TableWatermark, Problem> {
    let time = &definition.column;
    let index =
        columns.iter().position(|column| column.name == time.value).ok_or_else(|| unknown(time, columns))?;
    if columns[index].is_proctime() {
        return Err(Problem::new(time.span, format!("`{}` is processing time", time.value))
            .label("has no watermark: the clock says how far it is")
            .help("leave the WATERMARK out; windows over this column work without it"));
    }
    let time_type = &columns[index].column_type;
    let value = time_type.value();
    let fits = matches!(value, Some(SqlType::Timestamp(p) | SqlType::TimestampLtz(p)) if p <= 3);
    if !fits {
        let help = match value {
            None => "add a computed column: ts AS the column.field",
            Some(SqlType::Timestamp(_)) => "declare it as TIMESTAMP(3)",
            Some(SqlType::TimestampLtz(_)) => "declare it as TIMESTAMP_LTZ(3)",
            Some(SqlType::BigInt) => "add a computed column: ts AS TO_TIMESTAMP_LTZ(the column, 3)",
            _ => "add a computed column: ts AS CAST(the column AS TIMESTAMP(3))",
        };
        return Err(Problem::new(time.span, format!("the time of a watermark cannot be {time_type}"))
            .label("must be TIMESTAMP(0..3) or TIMESTAMP_LTZ(0..3)")
            .help(help));
    }
    let planned = plan_expression(&definition.expression, schema, tokens, context)
        .map_err(|problem| problem.or_at(definition.span))?;
    let found = type_of(&planned, schema, &Name { value: time.value.clone(), span: definition.span })?;
    if !found.value().is_some_and(|value| value.is_timestamp()) {
        return Err(Problem::new(definition.span, format!("a watermark must be a timestamp, not {found}"))
            .label("this expression")
            .help(format!("write WATERMARK FOR {0} AS {0} - INTERVAL '5' SECOND", time.value)));
    }
    Ok(TableWatermark { column: index, expression: over_physical(planned, columns) })
}

/// Replaces computed columns by their expressions.
fn over_physical(expr: Expr, columns: &[TableColumn]) -> Expr {
    let replaced = expr.clone().transform_up(|node| {
        let replacement = match &node {
            Expr::Column(column) => {
                columns.iter().find(|c| c.name == column.name).and_then(|c| c.computed.clone())
            }
            _ => None,
        };
        Ok(replacement.map_or_else(|| Transformed::no(node), Transformed::yes))
    });
    replaced.map_or(expr, |transformed| transformed.data)
}

fn existing(names: &[Name], columns: &[TableColumn]) -> Result<Vec<String>, Problem> {
    names
        .iter()
        .map(|name| match columns.iter().find(|column| column.name == name.value) {
            Some(column) if column.column_type.value().is_none() => {
                Err(Problem::new(name.span, format!("`{}` is a row", name.value))
                    .label("must be a single value")
                    .help("declare the field as a column of its own"))
            }
            Some(column) if column.computed.is_none() => Ok(name.value.clone()),
            Some(_) => Err(Problem::new(name.span, format!("`{}` is a computed column", name.value))
                .label("must be a physical column")),
            None => Err(unknown(name, columns)),
        })
        .collect()
}

fn unknown(name: &Name, columns: &[TableColumn]) -> Problem {
    Problem::new(name.span, format!("unknown column `{}`", name.value))
        .label("not declared in this table")
        .maybe_help(did_you_mean(&name.value, columns.iter().map(|column| column.name.as_str())))
}

fn config(
    statement: &CreateTable,
    schema: SchemaRef,
    partition_keys: Vec<String>,
    primary_key: Vec<String>,
    environment: &TableEnvironment<'_>,
) -> Result<TableConfig, Problem> {
    let mut options: BTreeMap<String, String> = statement
        .options
        .iter()
        .map(|option| (option.key.value.clone(), option.value.value.clone()))
        .collect();
    let names = || environment.connectors.names().collect::<Vec<_>>().join(", ");
    let Some(connector) = options.remove("connector") else {
        return Err(Problem::new(
            statement.name.span,
            format!("table `{}` has no connector", statement.name.value),
        )
        .label("where do its rows come from or go to?")
        .help(format!("add WITH ('connector' = '...'); connectors are {}", names())));
    };
    let config = TableConfig {
        name: statement.name.value.clone(),
        connector,
        options,
        schema,
        partition_keys,
        primary_key,
        // The parallelism is known when the whole text is.
        parallelism: 1,
        base_dir: environment.base_dir.to_path_buf(),
    };
    let Some(found) = environment.connectors.get(&config.connector) else {
        let option = statement.options.iter().find(|option| option.key.value == "connector");
        let span = option.map_or(statement.name.span, |option| option.value.span);
        return Err(Problem::new(span, format!("unknown connector '{}'", config.connector))
            .label("not a connector")
            .help(
                did_you_mean(&config.connector, environment.connectors.names())
                    .unwrap_or_else(|| format!("connectors are {}", names())),
            ));
    };
    check_options(&config, &found.options(&config))
        .map_err(|error| connector_problem(&error, statement.name.span, &option_spans(statement)))?;
    Ok(config)
}
