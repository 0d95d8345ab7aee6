//! The type that several values have in common: for branches of a `CASE`, arguments of `COALESCE`, both sides of a
//! comparison.
//!
//! Owns Flink's rule of the least restrictive type and never converts a value. For example `INT` and `DECIMAL(3, 1)`
//! have `DECIMAL(11, 1)` in common; `INT` and `STRING` have nothing.
//!
//! Different on purpose: `FLOAT` and `DOUBLE` have `DOUBLE` in common, whichever comes first; Flink takes the first.

use arrow::datatypes::{DataType, IntervalUnit};

use crate::decimal::DecimalType;
use crate::types::{MAX_DECIMAL_PRECISION, SqlType, precision_of};

/// The least restrictive type of `types`; nulls fit every type. `None` when there is none.
pub(crate) fn common_type<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut common = DataType::Null;
    for data_type in types {
        common = pair(&common, data_type)?;
    }
    Some(common)
}

fn pair(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::Timestamp(a, left_zone), DataType::Timestamp(b, right_zone)) => {
            let unit = if precision_of(a) >= precision_of(b) { *a } else { *b };
            Some(DataType::Timestamp(unit, left_zone.clone().or_else(|| right_zone.clone())))
        }
        (left, right) => numbers(left, right),
    }
}

/// The common type of two numbers.
pub(crate) fn numbers(left: &DataType, right: &DataType) -> Option<DataType> {
    let (a, b) = (SqlType::from_arrow(left)?, SqlType::from_arrow(right)?);
    if !a.is_numeric() || !b.is_numeric() {
        return None;
    }
    let decimal = matches!(a, SqlType::Decimal { .. }) || matches!(b, SqlType::Decimal { .. });
    if a.is_approximate() || b.is_approximate() {
        let double = decimal || a == SqlType::Double || b == SqlType::Double;
        return Some(if double { DataType::Float64 } else { DataType::Float32 });
    }
    if decimal {
        let ((p1, s1), (p2, s2)) = (exact(left)?, exact(right)?);
        let whole = (p1 as i8 - s1).max(p2 as i8 - s2).min(MAX_DECIMAL_PRECISION as i8);
        let scale = s1.max(s2).min(MAX_DECIMAL_PRECISION as i8 - whole);
        return Some(DataType::Decimal128((whole + scale) as u8, scale));
    }
    let ((p1, _), (p2, _)) = (exact(left)?, exact(right)?);
    Some(if p1 >= p2 { left.clone() } else { right.clone() })
}

/// Precision and scale of an exact number.
pub(crate) fn exact(data_type: &DataType) -> Option<DecimalType> {
    match data_type {
        DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        other => SqlType::from_arrow(other)?.integer_as_decimal(),
    }
}

/// The type in which two values of different types are compared.
///
/// Beside the common type: text is read as the date, time, timestamp or number beside it (a number only for `<`, `>`,
/// `<=`, `>=`, because Flink refuses `=` there), and a date counts as its midnight.
pub(crate) fn comparison_type(left: &DataType, right: &DataType, equality: bool) -> Option<DataType> {
    if let Some(common) = common_type([left, right]) {
        return Some(common);
    }
    match (left, right) {
        (DataType::Utf8, other) | (other, DataType::Utf8) => {
            let sql_type = SqlType::from_arrow(other)?;
            let read = match sql_type {
                SqlType::Date | SqlType::Time(_) => true,
                other if other.is_timestamp() => true,
                other => other.is_numeric() && !equality,
            };
            read.then(|| other.clone())
        }
        (DataType::Date32, stamp @ DataType::Timestamp(_, _))
        | (stamp @ DataType::Timestamp(_, _), DataType::Date32) => Some(stamp.clone()),
        _ => None,
    }
}

/// Whether values of the type have an order.
pub(crate) fn is_comparable(data_type: &DataType) -> bool {
    !matches!(data_type, DataType::Interval(IntervalUnit::MonthDayNano) | DataType::Binary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Boolean, Date32, Float32, Float64, Int8, Int16, Int32, Int64, Null, Utf8};
    use arrow::datatypes::TimeUnit;

    fn ts(unit: TimeUnit) -> DataType {
        DataType::Timestamp(unit, None)
    }

    fn ltz(unit: TimeUnit) -> DataType {
        DataType::Timestamp(unit, Some("UTC".into()))
    }

    #[test]
    fn common_types_are_those_of_flink() {
        let dec = DataType::Decimal128;
        let cases = [
            (Int32, Int64, Some(Int64)),
            (Int8, Int16, Some(Int16)),
            (Int32, Null, Some(Int32)),
            (Int32, dec(3, 1), Some(dec(11, 1))),
            (Int32, dec(2, 1), Some(dec(11, 1))),
            (Int64, dec(10, 2), Some(dec(21, 2))),
            (dec(38, 2), dec(38, 10), Some(dec(38, 2))),
            (dec(5, 2), dec(7, 4), Some(dec(7, 4))),
            (Int64, Float32, Some(Float32)),
            (Float32, Float64, Some(Float64)),
            (dec(10, 2), Float32, Some(Float64)),
            (Utf8, Utf8, Some(Utf8)),
            (Int32, Utf8, None),
            (Boolean, Int32, None),
            (Date32, ts(TimeUnit::Second), None),
            (ts(TimeUnit::Second), ts(TimeUnit::Millisecond), Some(ts(TimeUnit::Millisecond))),
            (ts(TimeUnit::Second), ltz(TimeUnit::Millisecond), Some(ltz(TimeUnit::Millisecond))),
        ];
        for (left, right, expected) in cases {
            assert_eq!(common_type([&left, &right]), expected, "{left} and {right}");
            assert_eq!(common_type([&right, &left]), expected, "{right} and {left}");
        }
        assert_eq!(common_type([&Null, &Int8, &Int32, &Int16]), Some(Int32));
    }

    #[test]
    fn comparisons_read_text_beside_dates_and_ordered_numbers() {
        let cases = [
            (ts(TimeUnit::Millisecond), Utf8, true, Some(ts(TimeUnit::Millisecond))),
            (Utf8, Date32, true, Some(Date32)),
            (Int32, Utf8, true, None),
            (Int32, Utf8, false, Some(Int32)),
            (Boolean, Utf8, true, None),
            (Date32, ts(TimeUnit::Second), true, Some(ts(TimeUnit::Second))),
            (Boolean, Int32, true, None),
        ];
        for (left, right, equality, expected) in cases {
            assert_eq!(comparison_type(&left, &right, equality), expected, "{left} and {right}");
        }
    }
}
