//! `row.field`: a field of a ROW.
//!
//! Owns the function behind the dot. A row that is NULL has fields that are NULL, whatever lies below it in the array. For
//! example `bid.price` over a batch in which `bid` is NULL in the second of three rows is `[100, NULL, 120]`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use crate::types::type_name;

const NAME: &str = "$field";

static FIELD: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(FieldFunction::new())));

/// `row.name`. That the row has such a field is found out when the expression gets its type.
pub fn field_access(row: Expr, name: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&FIELD), vec![row, lit(name)]))
}

/// The row and the name of its field, if the expression takes a field out of a row.
pub fn field_of(expr: &Expr) -> Option<(&Expr, &str)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    match call.args.as_slice() {
        [row, Expr::Literal(ScalarValue::Utf8(Some(name)), _)] if is_field_access(&call.func) => {
            Some((row, name))
        }
        _ => None,
    }
}

/// Whether this is the function behind the dot.
pub(crate) fn is_field_access(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<FieldFunction>().is_some()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FieldFunction {
    signature: Signature,
}

impl FieldFunction {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FieldFunction {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arguments.to_vec())
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        internal_err!("the type of a field follows from its name")
    }

    fn return_field_from_args(&self, call: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let ([row, _], [_, Some(ScalarValue::Utf8(Some(name)))]) = (call.arg_fields, call.scalar_arguments)
        else {
            return internal_err!("a field is taken from a row by a name");
        };
        let DataType::Struct(fields) = row.data_type() else {
            return plan_err!(
                "`{}` is {} and has no field `{name}`",
                shown(row.name()),
                type_name(row.data_type())
            );
        };
        match fields.find(name) {
            Some((_, field)) => Ok(Arc::new(Field::new(name, field.data_type().clone(), true))),
            None => {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                plan_err!(
                    "`{}` has no field `{name}`; its fields are {}",
                    shown(row.name()),
                    names.join(", ")
                )
            }
        }
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [row, ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))] = call.args.as_slice() else {
            return internal_err!("a field is taken from a row by a name");
        };
        match row {
            ColumnarValue::Array(rows) => Ok(ColumnarValue::Array(field(rows, name)?)),
            ColumnarValue::Scalar(row) => {
                let one = field(&row.to_array()?, name)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
        }
    }
}

/// The field at the end of `$field(bid,Utf8("who"))`, or the column that it is.
fn shown(name: &str) -> &str {
    match name.strip_suffix("\"))").and_then(|inner| inner.rsplit_once('"')) {
        Some((_, field)) if name.starts_with(NAME) => field,
        _ => name,
    }
}

fn field(rows: &ArrayRef, name: &str) -> Result<ArrayRef> {
    let Some(rows) = rows.as_struct_opt() else {
        return internal_err!("the field `{name}` of {}", type_name(rows.data_type()));
    };
    let Some(values) = rows.column_by_name(name) else { return internal_err!("there is no field `{name}`") };
    match rows.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            Ok(nullif(values, &BooleanArray::new(!nulls.inner(), None))?)
        }
        _ => Ok(Arc::clone(values)),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, StructArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::Schema;
    use datafusion_common::ToDFSchema;
    use datafusion_expr::col;

    use super::*;
    use crate::CompiledExpr;

    fn batch() -> RecordBatch {
        // Under the NULL row lies a number, and one of the rows has a field that is NULL itself.
        let prices = Int64Array::from(vec![Some(100), Some(7), None]);
        let fields = [Field::new("price", DataType::Int64, true)].into_iter().collect();
        let nulls = NullBuffer::from(vec![true, false, true]);
        let rows = StructArray::new(fields, vec![Arc::new(prices)], Some(nulls));
        let schema = Schema::new(vec![Field::new("bid", rows.data_type().clone(), true)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(rows)]).unwrap()
    }

    #[test]
    fn a_null_row_has_null_fields() {
        let batch = batch();
        let schema = batch.schema().to_dfschema().unwrap();
        let access = field_access(col("bid"), "price");
        assert_eq!(field_of(&access), Some((&col("bid"), "price")));
        let compiled = CompiledExpr::compile(&access, &schema).unwrap();
        let values = compiled.evaluate(&batch).unwrap();
        assert_eq!(values.as_ref(), &Int64Array::from(vec![Some(100), None, None]));
    }

    #[test]
    fn unknown_fields_and_values_are_refused() {
        let batch = batch();
        let schema = batch.schema().to_dfschema().unwrap();
        let refused = |expr: Expr| CompiledExpr::compile(&expr, &schema).unwrap_err().to_string();
        assert!(
            refused(field_access(col("bid"), "prize"))
                .contains("`bid` has no field `prize`; its fields are price")
        );
        let deep = field_access(field_access(col("bid"), "price"), "x");
        assert!(refused(deep).contains("`price` is BIGINT and has no field `x`"));
    }
}
