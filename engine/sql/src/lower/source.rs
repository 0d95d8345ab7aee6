//! Table scans. A table is read once per job, with the columns that any of its readers needs.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::ToDFSchema;
use datafusion_common::tree_node::{Transformed, TreeNode as _};
use datafusion_expr::{Expr, TableScan};
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use millstream_connectors::TableConfig;
use millstream_expr::CompiledExpr;
use millstream_plan::{SourceSpec, WatermarkSpec};

use super::compile::{compile, internal};
use super::identity::long_hash;
use super::needs::{ColumnNeeds, Need, expression_needs};
use super::node::{Changelog, Node, NodeKind};
use super::query::Lowering;
use super::stream::{Stream, StreamColumn, reference};
use super::text::plain_text;
use crate::catalog::{StreamTable, connector_problem};
use crate::diagnostic::Problem;

fn scan_columns(scan: &TableScan, table: &StreamTable) -> Vec<usize> {
    scan.projection.clone().unwrap_or_else(|| (0..table.columns.len()).collect())
}

impl Lowering<'_> {
    pub(super) fn scan(&mut self, scan: &TableScan, tokens: &[TokenWithSpan]) -> Result<Stream, Problem> {
        let Some(table) = scan.source.downcast_ref::<StreamTable>() else {
            return Err(internal(format!("`{}` is not a table", scan.table_name)));
        };
        if !scan.filters.is_empty() || scan.fetch.is_some() {
            return Err(internal("a filter or limit was pushed into a table"));
        }
        let node = match self.sources.get(&table.config.name) {
            Some(node) => *node,
            None => {
                let node = self.source(table, tokens)?;
                let id = self.graph.add(node);
                self.sources.insert(table.config.name.clone(), id);
                id
            }
        };
        let columns = scan_columns(scan, table)
            .into_iter()
            .filter_map(|index| table.columns.get(index))
            .map(|column| StreamColumn {
                name: column.name.clone(),
                // Processing time is that of whoever reads the column, not the source's.
                expr: match &column.computed {
                    Some(computed) if column.is_proctime() => computed.clone(),
                    _ => reference(&column.name),
                },
                bound: None,
            })
            .collect();
        Ok(Stream { node, filter: None, columns, window: None, attached: None })
    }

    fn source(&self, table: &StreamTable, tokens: &[TokenWithSpan]) -> Result<Node, Problem> {
        let name = &table.config.name;
        let place = place_of(name, tokens).unwrap_or(table.span);
        let problem = |error| connector_problem(&error, place, &table.option_spans);
        let connector = self
            .environment
            .connectors
            .get(&table.config.connector)
            .ok_or_else(|| internal("no connector"))?;
        let config = TableConfig { parallelism: self.environment.parallelism, ..table.config.clone() };
        let Some(source) = connector.source(&config).map_err(problem)? else {
            return Err(Problem::new(place, format!("table `{name}` cannot be read"))
                .label(format!("the connector '{}' only writes", table.config.connector)));
        };
        let zone = self.environment.settings.time_zone();
        let used = self.used.get(name).cloned().unwrap_or_default();
        let output: Vec<(&str, Expr)> = used
            .keys()
            .filter_map(|index| table.columns.get(*index))
            .filter(|column| !column.is_proctime())
            .map(|column| (column.name.as_str(), value_of(table, &column.name)))
            .collect();
        let decode = decoded(table, &used)?;
        let mut columns: Vec<CompiledExpr> = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        for (name, expr) in &output {
            let compiled = compile(expr, &decode, zone)?;
            fields.push(compiled.field(name).with_nullable(true));
            columns.push(compiled);
        }
        let watermark = self.watermark(table, &decode)?;
        let spec =
            SourceSpec { table: config, decode, columns, schema: Arc::new(Schema::new(fields)), watermark };
        Ok(source_node(table, spec, &output, source.is_bounded(), source.max_parallelism()))
    }

    fn watermark(&self, table: &StreamTable, decode: &SchemaRef) -> Result<Option<WatermarkSpec>, Problem> {
        let Some(watermark) = &table.watermark else { return Ok(None) };
        let zone = self.environment.settings.time_zone();
        let time_name =
            table.columns.get(watermark.column).map(|column| column.name.clone()).unwrap_or_default();
        let value = value_of(table, &time_name);
        let time = compile(&value, decode, zone)?;
        // The time is computed once for a row: the watermark, which is mostly the time less something, finds it in a column.
        let mut column = time_name.clone();
        while decode.column_with_name(&column).is_some() {
            column.push('$');
        }
        let mut fields = decode.fields().to_vec();
        fields.push(Arc::new(time.field(&column)));
        let with_time = Arc::new(Schema::new(fields));
        let of_time = watermark.expression.clone().transform_down(|expr| {
            Ok(if expr == value { Transformed::yes(reference(&column)) } else { Transformed::no(expr) })
        });
        let of_time = of_time.map_err(|error| internal(error.strip_backtrace()))?.data;
        Ok(Some(WatermarkSpec {
            time,
            time_name,
            watermark: compile(&of_time, &with_time, zone)?,
            idle_timeout_ms: self.environment.settings.idle_timeout_ms(),
            emit_interval_ms: self.environment.settings.watermark_interval_ms(),
        }))
    }
}

/// A column's value over the physical columns.
fn value_of(table: &StreamTable, name: &str) -> Expr {
    let computed =
        table.columns.iter().find(|column| column.name == name).and_then(|column| column.computed.clone());
    computed.unwrap_or_else(|| reference(name))
}

/// The physical columns that outputs, time and watermark are computed from, in the table's order, and of rows the fields.
fn decoded(table: &StreamTable, used: &ColumnNeeds) -> Result<SchemaRef, Problem> {
    let physical = &table.config.schema;
    let df_schema = Arc::clone(physical).to_dfschema().map_err(|error| internal(error.strip_backtrace()))?;
    let mut computed: Vec<Expr> = Vec::new();
    let mut needs = ColumnNeeds::new();
    for (index, need) in used {
        let Some(column) = table.columns.get(*index) else { continue };
        match &column.computed {
            Some(expr) => computed.push(expr.clone()),
            None => needs.extend(physical.index_of(&column.name).ok().map(|found| (found, need.clone()))),
        }
    }
    if let Some(watermark) = &table.watermark {
        computed.push(watermark.expression.clone());
        let time = table.columns.get(watermark.column).map(|column| value_of(table, &column.name));
        computed.extend(time);
    }
    for expr in &computed {
        expression_needs(expr, &df_schema, &mut needs);
    }
    let field = |(index, need): (&usize, &Need)| physical.fields().get(*index).map(|field| need.of(field));
    Ok(Arc::new(Schema::new(needs.iter().filter_map(field).collect::<Vec<_>>())))
}

fn source_node(
    table: &StreamTable,
    spec: SourceSpec,
    output: &[(&str, Expr)],
    bounded: bool,
    limit: Option<u32>,
) -> Node {
    let name = &table.config.name;
    let uid = format!("source-{name}");
    let columns: Vec<&str> = output.iter().map(|(name, _)| *name).collect();
    let watermark = table.watermark.as_ref().map(|watermark| {
        let time = table.columns.get(watermark.column).map(|column| column.name.as_str()).unwrap_or_default();
        format!("{time} AS {}", plain_text(&watermark.expression))
    });
    let mut details = vec![("columns", columns.join(", "))];
    if let Some(watermark) = &watermark {
        details.push(("watermark", watermark.clone()));
    }
    details.push(("input", if bounded { "bounded" } else { "unbounded" }.to_owned()));
    // Only what decides the values: other readers' columns and the place of the data must not change the meaning.
    let text = format!("source\n{name}\n{}\n{watermark:?}", table.config.connector);
    let lineage = output
        .iter()
        .map(|(column, expr)| match expr {
            Expr::Column(_) => format!("{name}.{column}"),
            computed => format!("{name}.({})", plain_text(computed)),
        })
        .collect();
    Node {
        inputs: Vec::new(),
        schema: Arc::clone(&spec.schema),
        kind: NodeKind::Source { spec: Box::new(spec), limit },
        changelog: Changelog::AppendOnly,
        unique_key: None,
        lineage,
        update_cause: None,
        anchors: vec![uid.clone()],
        uid,
        meaning: long_hash(&text),
        name: format!("Source({name})"),
        details,
        bounded,
    }
}

/// Where a query names a table.
pub(super) fn place_of(
    name: &str,
    tokens: &[TokenWithSpan],
) -> Option<datafusion_sql::sqlparser::tokenizer::Span> {
    let found = tokens.iter().find(|token| matches!(&token.token, Token::Word(word) if word.value == name));
    found.map(|token| token.span)
}
