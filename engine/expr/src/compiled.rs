//! An expression ready to run over batches.
//!
//! Owns the way from a coerced logical expression to a column of values, and the errors on it. It never looks at more
//! than one batch and keeps nothing between batches, so a [`CompiledExpr`] may be shared by all threads.
//!
//! For example `a + 1` compiled against the schema `(a INT)` gives, for a batch of 3 rows, an `Int32Array` of length 3;
//! a literal gives 3 equal rows too.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, TimestampMillisecondArray,
};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::Expr;
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::create_physical_expr;
use datafusion_physical_expr::expressions::Column;

use crate::error::{ExprError, plain_message, value_error};
use crate::{choice, functions, interval, lazy};

/// An expression over the columns of one fixed schema.
///
/// Cheap to clone. Equality of [`CompiledExpr::text`] and of the input's types means the same computation.
#[derive(Clone)]
pub struct CompiledExpr {
    physical: Arc<dyn PhysicalExpr>,
    data_type: DataType,
    nullable: bool,
    column_index: Option<usize>,
    text: Arc<str>,
    /// The time is in one more column behind the input's.
    reads_clock: bool,
}

impl CompiledExpr {
    /// Compiles `expr` against `schema`, with `UTC` as the zone of the session.
    ///
    /// The expression's function arguments and operands must have been coerced already. Conditional functions
    /// (`COALESCE`, `IF`, `IFNULL`, `NULLIF`) and the right sides of `AND` and `OR` that can fail evaluate only for the
    /// rows that need them, as in Flink.
    ///
    /// # Errors
    /// [`ExprError::Compile`] when a column is missing, types do not fit, or the expression is not a scalar one.
    pub fn compile(expr: &Expr, schema: &DFSchema) -> Result<Self, ExprError> {
        Self::compile_in_zone(expr, schema, "UTC")
    }

    /// [`CompiledExpr::compile`] with the zone of the session, in which `TIMESTAMP_LTZ` is shown and parsed.
    ///
    /// # Errors
    /// As `compile`, and when `time_zone` is not the name of a zone, such as `Europe/Berlin`.
    pub fn compile_in_zone(expr: &Expr, schema: &DFSchema, time_zone: &str) -> Result<Self, ExprError> {
        let failed = |error: DataFusionError| ExprError::Compile {
            expression: expr.to_string(),
            reason: plain_message(&error),
        };
        crate::zone::parse(time_zone).map_err(failed)?;
        let mut config = ConfigOptions::new();
        config.execution.time_zone = Some(time_zone.to_string());
        let mut props = ExecutionProps::new();
        props.config_options = Some(Arc::new(config));

        let expr = interval::rewrite(expr.clone(), schema).map_err(failed)?;
        let mut expr = lazy::rewrite(expr, schema).map_err(failed)?;
        let mut schema = schema.clone();
        let reads_clock = functions::has_clock(&expr);
        if reads_clock {
            let name = free_name(&schema);
            expr = functions::bind(expr, &name).map_err(failed)?;
            let time = Schema::new(vec![now_field(&name)]);
            schema.merge(&DFSchema::try_from(time).map_err(failed)?);
        }
        let physical = create_physical_expr(&expr, &schema, &props, &PhysicalPlanningContext::default())
            .and_then(|physical| choice::rewrite(physical, schema.as_arrow()))
            .map_err(failed)?;
        let compiled = Self::from_physical(physical, schema.as_arrow()).map_err(failed)?;
        Ok(Self { reads_clock, ..compiled })
    }

    /// The column at `index` of the input, named `name`.
    pub fn column(index: usize, name: &str, data_type: DataType) -> Self {
        let text = format!("{name}@{index}");
        Self {
            physical: Arc::new(Column::new(name, index)),
            data_type,
            nullable: true,
            column_index: Some(index),
            text: text.into(),
            reads_clock: false,
        }
    }

    fn from_physical(physical: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Self, DataFusionError> {
        Ok(Self {
            data_type: physical.data_type(schema)?,
            nullable: physical.nullable(schema)?,
            column_index: physical.downcast_ref::<Column>().map(Column::index),
            text: physical.to_string().into(),
            reads_clock: false,
            physical,
        })
    }

    /// Evaluates an expression that does not read the clock for every row of `batch`.
    ///
    /// # Errors
    /// As [`CompiledExpr::evaluate_at`], and when the expression reads the clock.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, ExprError> {
        if self.reads_clock() {
            return Err(ExprError::Evaluate {
                expression: self.text.to_string(),
                reason: "it reads the clock, and nobody says what time it is".to_string(),
            });
        }
        self.evaluate_columns(batch)
    }

    /// Evaluates the expression for every row of `batch` at the time `now_ms`, in milliseconds since 1970.
    ///
    /// Guarantees an array of `batch.num_rows()` rows of type [`CompiledExpr::data_type`]. Every reading of the clock in
    /// it gives `now_ms`, for every row.
    ///
    /// # Errors
    /// [`ExprError::Value`] when a row's value does not allow the operation (a bad cast, an integer division by zero);
    /// [`ExprError::Evaluate`] for anything else.
    pub fn evaluate_at(&self, batch: &RecordBatch, now_ms: i64) -> Result<ArrayRef, ExprError> {
        if !self.reads_clock {
            return self.evaluate_columns(batch);
        }
        let rows = batch.num_rows();
        let mut fields = batch.schema().fields().to_vec();
        // Columns are found by their index; no other one is looked for by this name.
        fields.push(Arc::new(now_field("$now")));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(TimestampMillisecondArray::from_value(now_ms, rows).with_timezone("UTC")));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let with_time = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(|error| self.failed(error.into()))?;
        self.evaluate_columns(&with_time)
    }

    fn evaluate_columns(&self, batch: &RecordBatch) -> Result<ArrayRef, ExprError> {
        let array = self
            .physical
            .evaluate(batch)
            .and_then(|value| value.into_array(batch.num_rows()))
            .map_err(|error| self.failed(error))?;
        if array.data_type() == &self.data_type {
            return Ok(array);
        }
        Err(ExprError::Evaluate {
            expression: self.text.to_string(),
            reason: format!("planned as {} but gave {}", self.data_type, array.data_type()),
        })
    }

    /// Evaluates a condition that does not read the clock.
    ///
    /// # Errors
    /// As [`CompiledExpr::evaluate_predicate_at`], and when the condition reads the clock.
    pub fn evaluate_predicate(&self, batch: &RecordBatch) -> Result<BooleanArray, ExprError> {
        self.truth(self.evaluate(batch)?, batch)
    }

    /// Evaluates a condition at the time `now_ms`: true exactly where the expression is true; null counts as false.
    ///
    /// Guarantees an array of `batch.num_rows()` rows without nulls.
    ///
    /// # Errors
    /// As [`CompiledExpr::evaluate_at`], and when the expression is not a boolean.
    pub fn evaluate_predicate_at(&self, batch: &RecordBatch, now_ms: i64) -> Result<BooleanArray, ExprError> {
        self.truth(self.evaluate_at(batch, now_ms)?, batch)
    }

    fn truth(&self, array: ArrayRef, batch: &RecordBatch) -> Result<BooleanArray, ExprError> {
        match array.as_any().downcast_ref::<BooleanArray>() {
            Some(truth) if truth.null_count() == 0 => Ok(truth.clone()),
            Some(truth) => Ok(prep_null_mask_filter(truth)),
            None if self.data_type == DataType::Null => Ok(BooleanArray::from(vec![false; batch.num_rows()])),
            None => Err(ExprError::Evaluate {
                expression: self.text.to_string(),
                reason: format!("a condition must be BOOLEAN, not {}", self.data_type),
            }),
        }
    }

    /// Whether the result depends on when the expression is evaluated.
    pub fn reads_clock(&self) -> bool {
        self.reads_clock
    }

    /// The type of every result.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Whether a result can be null; `true` when it is not known.
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// The result as a field of a schema.
    pub fn field(&self, name: &str) -> Field {
        Field::new(name, self.data_type.clone(), self.nullable)
    }

    /// The index of the input's column, if the expression is a bare column.
    pub fn column_index(&self) -> Option<usize> {
        self.column_index
    }

    /// The computation as text: names and indexes of columns, functions, literals and the targets of casts.
    ///
    /// The same expression over the same schema always gives the same text within one version of Millstream, so it may
    /// be hashed as the meaning of an operator.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn failed(&self, error: DataFusionError) -> ExprError {
        let expression = self.text.to_string();
        match value_error(&error) {
            Some(source) => ExprError::Value { expression, source },
            None => ExprError::Evaluate { expression, reason: plain_message(&error) },
        }
    }
}

fn now_field(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false)
}

/// A name for the column with the time that no column has.
fn free_name(schema: &DFSchema) -> String {
    let mut name = "$now".to_string();
    while schema.fields().iter().any(|field| *field.name() == name) {
        name.push('$');
    }
    name
}

impl fmt::Display for CompiledExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CompiledExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompiledExpr({}: {})", self.text, self.data_type)
    }
}

#[cfg(test)]
mod compiled_test;
