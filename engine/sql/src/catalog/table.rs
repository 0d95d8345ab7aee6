//! A table as the planner and the lowering see it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::{Field, SchemaRef};
use datafusion_expr::{Expr, LogicalPlan, TableSource, TableType};
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_connectors::TableConfig;
use millstream_expr::{ColumnType, SqlType, is_proctime, type_field};

/// A declared table.
#[derive(Clone)]
pub(crate) struct StreamTable {
    /// What its connector sees.
    pub(crate) config: TableConfig,
    /// All columns, in the order of their declaration.
    pub(crate) columns: Vec<TableColumn>,
    /// The same as an Arrow schema.
    pub(crate) schema: SchemaRef,
    pub(crate) watermark: Option<TableWatermark>,
    /// Where it was declared.
    pub(crate) span: Span,
    /// Its options and where they stand, for messages.
    pub(crate) option_spans: Vec<(String, Span)>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    pub(crate) not_null: bool,
    /// For a computed column, its value over the physical columns.
    pub(crate) computed: Option<Expr>,
}

/// `WATERMARK FOR`.
#[derive(Clone, Debug)]
pub(crate) struct TableWatermark {
    /// Index of the time attribute in `columns`.
    pub(crate) column: usize,
    /// The watermark over the physical columns.
    pub(crate) expression: Expr,
}

impl TableColumn {
    /// Nullable whatever the declaration says: a source does not check NOT NULL, and a record with a missing field is
    /// accepted, as in Flink.
    pub(crate) fn field(&self) -> Field {
        Field::new(&self.name, self.column_type.to_arrow(), true)
    }

    /// Whether it is a time attribute of processing time: `p AS PROCTIME()`.
    pub(crate) fn is_proctime(&self) -> bool {
        self.computed.as_ref().is_some_and(is_proctime)
    }

    /// The field as the planner sees it: with the declared type where Arrow has a wider one, for TYPEOF.
    pub(crate) fn planner_field(&self) -> Field {
        match self.column_type.value() {
            Some(sql_type) if SqlType::from_arrow(&sql_type.to_arrow()) != Some(sql_type) => {
                self.field().with_metadata(type_field(&sql_type).metadata().clone())
            }
            _ => self.field(),
        }
    }
}

impl StreamTable {
    /// Index of the time attribute, if there is one.
    pub(crate) fn watermark_column(&self) -> Option<usize> {
        self.watermark.as_ref().map(|watermark| watermark.column)
    }

    /// The columns that are written: all but the computed ones.
    pub(crate) fn physical(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|column| column.computed.is_none())
    }
}

/// Filters stay above the scan: below the watermark they would hold it back (trap T3).
impl TableSource for StreamTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// A view: its plan is put in wherever it is read.
pub(crate) struct View {
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl View {
    pub(crate) fn new(plan: LogicalPlan) -> Self {
        let schema = Arc::new(plan.schema().as_arrow().clone());
        Self { plan, schema }
    }
}

impl TableSource for View {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}
