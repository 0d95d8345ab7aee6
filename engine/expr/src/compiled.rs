//! An expression ready to run over batches.
//!
//! Owns the way from a coerced logical expression to a column of values, and the errors on it. It never looks at more
//! than one batch and keeps nothing between batches, so a [`CompiledExpr`] may be shared by all threads.
//!
//! For example `a + 1` compiled against the schema `(a INT)` gives, for a batch of 3 rows, an `Int32Array` of length 3;
//! a literal gives 3 equal rows too.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::Expr;
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::create_physical_expr;
use datafusion_physical_expr::expressions::Column;

use crate::error::{ExprError, plain_message, value_error};
use crate::lazy;

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

        let expr = lazy::rewrite(expr.clone(), schema).map_err(failed)?;
        let physical = create_physical_expr(&expr, schema, &props, &PhysicalPlanningContext::default())
            .map_err(failed)?;
        Self::from_physical(physical, schema.as_arrow()).map_err(failed)
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
        }
    }

    fn from_physical(physical: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Self, DataFusionError> {
        Ok(Self {
            data_type: physical.data_type(schema)?,
            nullable: physical.nullable(schema)?,
            column_index: physical.downcast_ref::<Column>().map(Column::index),
            text: physical.to_string().into(),
            physical,
        })
    }

    /// Evaluates the expression for every row of `batch`.
    ///
    /// Guarantees an array of `batch.num_rows()` rows of type [`CompiledExpr::data_type`].
    ///
    /// # Errors
    /// [`ExprError::Value`] when a row's value does not allow the operation (a bad cast, an integer division by zero);
    /// [`ExprError::Evaluate`] for anything else.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, ExprError> {
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

    /// Evaluates a condition: true exactly where the expression is true; null counts as false.
    ///
    /// Guarantees an array of `batch.num_rows()` rows without nulls.
    ///
    /// # Errors
    /// As [`CompiledExpr::evaluate`], and when the expression is not a boolean.
    pub fn evaluate_predicate(&self, batch: &RecordBatch) -> Result<BooleanArray, ExprError> {
        let array = self.evaluate(batch)?;
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
