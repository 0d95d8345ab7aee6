//! `CASE` over values that are there already: columns, fields of rows and literals.
//!
//! DataFusion evaluates each branch for the rows that reach it, and copies all columns of those rows to do so. Where no branch
//! can fail or costs anything, it is cheaper to take every branch whole and to copy the ranges of rows that each one is for. Example:
//! `CASE WHEN kind = 0 THEN person.at WHEN kind = 1 THEN auction.at ELSE bid.at END` over the kinds 2, 2, 0, 2 copies all of `bid.at`
//! and then the third row of `person.at`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, BooleanArray, RecordBatch, make_array, new_null_array};
use arrow::buffer::{BooleanBuffer, MutableBuffer, NullBuffer};
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Result, internal_datafusion_err};
use datafusion_expr::{ColumnarValue, Operator};
use datafusion_physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::row_field::is_field_access;

/// The same expression with each `CASE` that can be taken in this way.
pub(crate) fn rewrite(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let rewritten = expr.transform_up(|expr| {
        Ok(match Choice::of(&expr, schema)? {
            Some(choice) => Transformed::yes(Arc::new(choice) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(expr),
        })
    })?;
    Ok(rewritten.data)
}

/// A `CASE` of which every part may be evaluated for every row. It is shown, and compared, as that.
#[derive(Debug)]
struct Choice {
    case: Arc<dyn PhysicalExpr>,
    /// Conditions and values, in their order.
    branches: Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)>,
    /// `None`: NULL.
    otherwise: Option<Arc<dyn PhysicalExpr>>,
    data_type: DataType,
}

impl Choice {
    fn of(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Option<Self>> {
        let Some(case) = expr.downcast_ref::<CaseExpr>().filter(|case| case.expr().is_none()) else {
            return Ok(None);
        };
        let data_type = case.data_type(schema)?;
        let branches = case.when_then_expr();
        let otherwise = case.else_expr();
        let parts = branches.iter().flat_map(|(condition, value)| [condition, value]).chain(otherwise);
        let mut values = branches.iter().map(|(_, value)| value).chain(otherwise);
        if data_type.primitive_width().is_none()
            || !parts.into_iter().all(is_there_already)
            || !values.all(|value| value.data_type(schema).is_ok_and(|found| found == data_type))
        {
            return Ok(None);
        }
        let (branches, otherwise) = (branches.to_vec(), otherwise.cloned());
        Ok(Some(Self { case: expr.clone(), branches, otherwise, data_type }))
    }
}

/// Whether evaluating it for more rows than needed neither fails nor costs much.
fn is_there_already(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let is_cheap = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        is_comparison(*binary.op())
    } else if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        is_field_access(call.fun())
    } else {
        expr.is::<Column>()
            || expr.is::<Literal>()
            || expr.is::<NotExpr>()
            || expr.is::<IsNullExpr>()
            || expr.is::<IsNotNullExpr>()
    };
    is_cheap && expr.children().into_iter().all(is_there_already)
}

const fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
    )
}

impl PhysicalExpr for Choice {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.case.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.case.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = batch.num_rows();
        let mut masks = Vec::with_capacity(self.branches.len());
        let mut values = Vec::with_capacity(self.branches.len());
        for (condition, value) in &self.branches {
            let mask = truth(&condition.evaluate(batch)?.into_array(rows)?)?;
            match mask.count_set_bits() {
                0 => continue,
                // No row reaches what comes behind it.
                all if all == rows && masks.is_empty() => return value.evaluate(batch),
                _ => {}
            }
            masks.push(mask);
            values.push(value.evaluate(batch)?.into_array(rows)?);
        }
        let otherwise = match &self.otherwise {
            Some(value) => value.evaluate(batch)?.into_array(rows)?,
            None => new_null_array(&self.data_type, rows),
        };
        if masks.is_empty() {
            return Ok(ColumnarValue::Array(otherwise));
        }
        let chosen = choose(&masks, &values, &otherwise)?;
        Ok(ColumnarValue::Array(chosen))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.case]
    }

    /// As it was, without the shortcut.
    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        children.pop().ok_or_else(|| internal_datafusion_err!("a CASE went away"))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.case.fmt_sql(f)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.case.fmt(f)
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.case.eq(&other.case)
    }
}

impl Eq for Choice {}

impl Hash for Choice {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.case.hash(state);
    }
}

/// Where the condition is true.
fn truth(condition: &ArrayRef) -> Result<BooleanBuffer> {
    let Some(truth) = condition.as_any().downcast_ref::<BooleanArray>() else {
        return Err(internal_datafusion_err!("a condition is {}", condition.data_type()));
    };
    Ok(match truth.nulls() {
        Some(valid) => truth.values() & valid.inner(),
        None => truth.values().clone(),
    })
}

/// For each row the value of the first branch whose mask has it, or `otherwise`. All are of one primitive type and length.
fn choose(masks: &[BooleanBuffer], values: &[ArrayRef], otherwise: &ArrayRef) -> Result<ArrayRef> {
    let (rows, data_type) = (otherwise.len(), otherwise.data_type());
    let Some(width) = data_type.primitive_width() else {
        return Err(internal_datafusion_err!("{data_type} is not of a fixed width"));
    };
    let mut bytes = MutableBuffer::with_capacity(rows * width);
    bytes.extend_from_slice(value_bytes(&otherwise.to_data(), width));
    let mut valid = validity(otherwise);
    // From the last to the first, so that an earlier one has the last word.
    for (mask, value) in masks.iter().zip(values).rev() {
        let data = value.to_data();
        let from = value_bytes(&data, width);
        for (start, end) in mask.set_slices() {
            bytes[start * width..end * width].copy_from_slice(&from[start * width..end * width]);
        }
        valid = match (validity(value), valid) {
            (None, None) => None,
            (own, other) => {
                let all = || BooleanBuffer::new_set(rows);
                Some(&(mask & &own.unwrap_or_else(all)) | &(&!mask & &other.unwrap_or_else(all)))
            }
        };
    }
    let array = ArrayData::builder(data_type.clone())
        .len(rows)
        .add_buffer(bytes.into())
        .nulls(valid.map(NullBuffer::new))
        .build()?;
    Ok(make_array(array))
}

fn value_bytes(data: &ArrayData, width: usize) -> &[u8] {
    &data.buffers()[0].as_slice()[data.offset() * width..][..data.len() * width]
}

fn validity(values: &ArrayRef) -> Option<BooleanBuffer> {
    values.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.inner().clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, TimestampMillisecondArray};
    use arrow::datatypes::{Field, TimeUnit};
    use datafusion_physical_expr::expressions::{binary, col, lit};
    use proptest::prelude::*;

    use super::*;

    type Row = (Option<i32>, Option<i64>, Option<i64>, Option<i64>);

    fn schema() -> Schema {
        let at = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, None), true);
        Schema::new(vec![Field::new("kind", DataType::Int32, true), at("a"), at("b"), at("c")])
    }

    fn batch(rows: &[Row]) -> RecordBatch {
        let kinds: Int32Array = rows.iter().map(|row| row.0).collect();
        let times = |of: fn(&Row) -> Option<i64>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<TimestampMillisecondArray>())
        };
        let columns = vec![Arc::new(kinds) as ArrayRef, times(|r| r.1), times(|r| r.2), times(|r| r.3)];
        RecordBatch::try_new(Arc::new(schema()), columns).unwrap()
    }

    /// `CASE WHEN kind <= 0 THEN a WHEN kind <= 1 THEN b [ELSE c] END`
    fn case(with_else: bool) -> Arc<dyn PhysicalExpr> {
        let schema = schema();
        let column = |name| col(name, &schema).unwrap();
        let most = |kind: i32| binary(column("kind"), Operator::LtEq, lit(kind), &schema).unwrap();
        let branches = vec![(most(0), column("a")), (most(1), column("b"))];
        Arc::new(CaseExpr::try_new(None, branches, with_else.then(|| column("c"))).unwrap())
    }

    fn value(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> ArrayRef {
        expr.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_chooses_what_a_case_does(
            rows in proptest::collection::vec(
                (proptest::option::of(0..4), any::<Option<i64>>(), any::<Option<i64>>(), any::<Option<i64>>()),
                0..80,
            ),
            start in 0_usize..80,
            with_else: bool,
        ) {
            let plain = case(with_else);
            let rewritten = rewrite(plain.clone(), &schema()).unwrap();
            prop_assert!(rewritten.is::<Choice>());
            prop_assert_eq!(rewritten.to_string(), plain.to_string());
            let batch = batch(&rows);
            let batch = batch.slice(start.min(rows.len()), rows.len() - start.min(rows.len()));
            prop_assert_eq!(&value(&rewritten, &batch), &value(&plain, &batch));
        }
    }

    #[test]
    fn rows_of_one_kind_are_not_copied() {
        let rewritten = rewrite(case(true), &schema()).unwrap();
        for (kind, column) in [(0, 1), (1, 2), (2, 3)] {
            let batch = batch(&[(Some(kind), Some(1), Some(2), Some(3)); 4]);
            let (chosen, whole) = (value(&rewritten, &batch).to_data(), batch.column(column).to_data());
            assert!(chosen.ptr_eq(&whole), "kind {kind}");
        }
    }

    #[test]
    fn what_can_fail_or_costs_is_left_alone() {
        let schema = schema();
        let column = |name| col(name, &schema).unwrap();
        let divided = binary(lit(1), Operator::Divide, column("kind"), &schema).unwrap();
        let is_small = binary(divided, Operator::Lt, lit(1), &schema).unwrap();
        let case = CaseExpr::try_new(None, vec![(is_small, column("a"))], Some(column("b"))).unwrap();
        let case: Arc<dyn PhysicalExpr> = Arc::new(case);
        assert!(rewrite(case, &schema).unwrap().is::<CaseExpr>());
    }
}
