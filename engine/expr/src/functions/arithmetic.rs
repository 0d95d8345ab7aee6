//! Division and remainder of integers, and all arithmetic on decimals.
//!
//! Owns the kernels behind `+ - * / %` where DataFusion's differ from Flink's, and `MOD`. Integers wrap
//! (`-2147483648 / -1` is -2147483648), division by zero fails with the dividend, a decimal that does not fit is null.
//! The remainder of integers has the type of the divisor and the sign of the dividend: `MOD(-7, 3)` is -1.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::fmt::Display;

use crate::cast::{OnFailure, Target, cast_column};
use crate::column::{Column, build_primitives};
use crate::decimal::{self, Arithmetic};
use crate::error::ValueError;
use crate::types::{SqlType, type_name};
use crate::unify::{exact, numbers};

/// One of the five operations, on integers or decimals.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ArithmeticFunction {
    op: Arithmetic,
    name: &'static str,
    signature: Signature,
}

impl ArithmeticFunction {
    /// The function behind an operator.
    pub(crate) fn new(op: Arithmetic) -> Self {
        let name = match op {
            Arithmetic::Add => "decimal_add",
            Arithmetic::Subtract => "decimal_subtract",
            Arithmetic::Multiply => "decimal_multiply",
            Arithmetic::Divide => "exact_divide",
            Arithmetic::Remainder => "exact_remainder",
        };
        Self { op, name, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The function `MOD`.
    pub(crate) fn modulo() -> Self {
        Self { name: "mod", ..Self::new(Arithmetic::Remainder) }
    }

    fn types(&self, arguments: &[DataType]) -> Result<(Vec<DataType>, DataType)> {
        let [left, right] = arguments else {
            return plan_err!("{} takes 2 arguments, not {}", self.shown(), arguments.len());
        };
        let (left, right) = match (left, right) {
            (DataType::Null, DataType::Null) => (&DataType::Int32, &DataType::Int32),
            (DataType::Null, other) | (other, DataType::Null) => (other, other),
            pair => pair,
        };
        let refused = || {
            plan_err!(
                "{} takes integers and decimals, not {} and {}",
                self.shown(),
                type_name(left),
                type_name(right)
            )
        };
        let Some(common) = numbers(left, right) else { return refused() };
        if matches!(common, DataType::Float32 | DataType::Float64) {
            // Reached when the analyzer found a double behind an operand that looked exact before.
            if self.op == Arithmetic::Remainder {
                return refused();
            }
            return Ok((vec![DataType::Float64; 2], DataType::Float64));
        }
        let (Some(a), Some(b)) = (exact(left), exact(right)) else { return refused() };
        if matches!(common, DataType::Decimal128(_, _)) {
            let (precision, scale) = decimal::result_type(self.op, a, b);
            let operands = [a, b].map(|(precision, scale)| DataType::Decimal128(precision, scale));
            return Ok((operands.to_vec(), DataType::Decimal128(precision, scale)));
        }
        // The operands keep their types, because the analyzer asks again after it has converted them.
        let result = if self.op == Arithmetic::Remainder { right.clone() } else { common };
        Ok((vec![left.clone(), right.clone()], result))
    }

    fn shown(&self) -> String {
        if self.name == "mod" { "MOD".to_string() } else { format!("'{}'", self.op.symbol()) }
    }

    fn evaluate(&self, left: &Column, right: &Column, rows: usize, to: &DataType) -> Result<ArrayRef> {
        let decimals = matches!(to, DataType::Decimal128(_, _));
        if left.array.data_type() != right.array.data_type() && !decimals {
            return self.evaluate(&widened(left)?, &widened(right)?, rows, to);
        }
        match left.array.data_type() {
            DataType::Decimal128(_, _) => self.decimals(left, right, rows, to),
            DataType::Float64 => self.doubles(left, right, rows),
            DataType::Int8 => self.integers::<Int8Type>(left, right, rows, to),
            DataType::Int16 => self.integers::<Int16Type>(left, right, rows, to),
            DataType::Int32 => self.integers::<Int32Type>(left, right, rows, to),
            _ => self.integers::<Int64Type>(left, right, rows, to),
        }
    }

    fn decimals(&self, left: &Column, right: &Column, rows: usize, to: &DataType) -> Result<ArrayRef> {
        let ((left, left_scale), (right, right_scale)) = (left.decimals()?, right.decimals()?);
        let DataType::Decimal128(precision, scale) = *to else {
            return plan_err!("{} of decimals must be a decimal, not {to}", self.shown());
        };
        let divides = matches!(self.op, Arithmetic::Divide | Arithmetic::Remainder);
        build_primitives::<Decimal128Type>(rows, to, |row| {
            let (Some(a), Some(b)) = (left.get(row), right.get(row)) else { return Ok(None) };
            if divides && b == 0 {
                let mut dividend = String::new();
                decimal::write(a, left_scale, &mut dividend);
                return Err(ValueError::DivisionByZero { dividend }.raise());
            }
            Ok(decimal::apply(self.op, a, left_scale, b, right_scale, (precision, scale)))
        })
    }

    fn doubles(&self, left: &Column, right: &Column, rows: usize) -> Result<ArrayRef> {
        let (left, right) = (left.doubles()?, right.doubles()?);
        build_primitives::<Float64Type>(rows, &DataType::Float64, |row| {
            let (Some(a), Some(b)) = (left.get(row), right.get(row)) else { return Ok(None) };
            Ok(Some(match self.op {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Remainder => a % b,
            }))
        })
    }

    fn integers<T>(&self, left: &Column, right: &Column, rows: usize, to: &DataType) -> Result<ArrayRef>
    where
        T: ArrowPrimitiveType,
        T::Native: ArrowNativeTypeOp + Display,
    {
        let (a, b) = (left.primitives::<T>()?, right.primitives::<T>()?);
        let result = build_primitives::<T>(rows, &T::DATA_TYPE, |row| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
            Ok(Some(match self.op {
                Arithmetic::Add => a.add_wrapping(b),
                Arithmetic::Subtract => a.sub_wrapping(b),
                Arithmetic::Multiply => a.mul_wrapping(b),
                _ if b == T::Native::ZERO => {
                    return Err(ValueError::DivisionByZero { dividend: a.to_string() }.raise());
                }
                Arithmetic::Divide => a.div_wrapping(b),
                Arithmetic::Remainder => a.mod_wrapping(b),
            }))
        })?;
        if result.data_type() == to {
            return Ok(result);
        }
        // Operands of different widths were computed in 64 bits.
        let Some(sql_type) = SqlType::from_arrow(to) else {
            return plan_err!("{} cannot give {to}", self.shown());
        };
        let target = Target { to: sql_type, failure: OnFailure::Null, zone: chrono_tz::Tz::UTC };
        cast_column(&Column { array: result, constant: false }, rows, &target)
    }
}

/// An integer column in 64 bits.
fn widened(column: &Column) -> Result<Column> {
    let target = Target { to: SqlType::BigInt, failure: OnFailure::Null, zone: chrono_tz::Tz::UTC };
    let array = cast_column(column, column.array.len(), &target)?;
    Ok(Column { array, constant: column.constant })
}

impl ScalarUDFImpl for ArithmeticFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.types(arguments)?.0)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.types(arguments)?.1)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let to = call.return_field.data_type().clone();
        let [left, right] = <[ColumnarValue; 2]>::try_from(call.args)
            .or_else(|arguments| plan_err!("{} takes 2 arguments, not {}", self.shown(), arguments.len()))?;
        let constant = matches!((&left, &right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let column = |value: ColumnarValue| -> Result<Column> {
            Ok(match value {
                ColumnarValue::Scalar(value) => Column { array: value.to_array()?, constant: true },
                ColumnarValue::Array(array) => Column { array, constant: false },
            })
        };
        let rows = if constant { 1 } else { call.number_rows };
        let result = self.evaluate(&column(left)?, &column(right)?, rows, &to)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}
