//! Times of day and days added to timestamps, as numbers.
//!
//! Arrow adds an interval of months, days and nanoseconds to one timestamp after the other by the calendar. Without months that is
//! the addition of a number, which it does for a column at once. Example: `ts - INTERVAL '4' SECOND` subtracts 4,000 from the
//! milliseconds of a column.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion_common::tree_node::{Transformed, TreeNode as _};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::BinaryExpr;
use datafusion_expr::{Expr, ExprSchemable as _, Operator, lit};

const DAY_NANOS: i128 = 86_400_000_000_000;

/// Replaces intervals without months that are added to timestamps, or subtracted, by durations.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let rewritten = expr.transform_up(|expr| match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus), right }) => {
            let duration = duration(&right, &left.get_type(schema)?);
            let is_changed = duration.is_some();
            let right = duration.map_or(right, Box::new);
            let sum = Expr::BinaryExpr(BinaryExpr { left, op, right });
            Ok(if is_changed { Transformed::yes(sum) } else { Transformed::no(sum) })
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(rewritten.data)
}

/// The interval in the unit of the timestamps that it is added to; `None` if it is no multiple of it, or not always as long.
fn duration(interval: &Expr, timestamp: &DataType) -> Option<Expr> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = interval else { return None };
    let DataType::Timestamp(unit, zone) = timestamp else { return None };
    // A day in a zone may have another length.
    if interval.months != 0 || (interval.days != 0 && zone.is_some()) {
        return None;
    }
    let nanos = i128::from(interval.days) * DAY_NANOS + i128::from(interval.nanoseconds);
    let in_units = |nanos_of_unit: i128| {
        (nanos % nanos_of_unit == 0).then(|| i64::try_from(nanos / nanos_of_unit).ok()).flatten()
    };
    Some(lit(match unit {
        TimeUnit::Second => ScalarValue::DurationSecond(Some(in_units(1_000_000_000)?)),
        TimeUnit::Millisecond => ScalarValue::DurationMillisecond(Some(in_units(1_000_000)?)),
        TimeUnit::Microsecond => ScalarValue::DurationMicrosecond(Some(in_units(1_000)?)),
        TimeUnit::Nanosecond => ScalarValue::DurationNanosecond(Some(in_units(1)?)),
    }))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, IntervalMonthDayNano, Schema};
    use datafusion_expr::col;

    use super::*;

    fn rewritten(zone: Option<&str>, interval: IntervalMonthDayNano) -> String {
        let timestamp = DataType::Timestamp(TimeUnit::Millisecond, zone.map(Into::into));
        let schema = DFSchema::try_from(Schema::new(vec![Field::new("ts", timestamp, true)])).unwrap();
        let interval = lit(ScalarValue::IntervalMonthDayNano(Some(interval)));
        match rewrite(col("ts") - interval, &schema).unwrap() {
            Expr::BinaryExpr(sum) => match *sum.right {
                Expr::Literal(ScalarValue::DurationMillisecond(Some(millis)), _) => format!("{millis} ms"),
                _ => "by the calendar".into(),
            },
            other => format!("{other}"),
        }
    }

    #[test]
    fn intervals_of_one_length_become_durations() {
        let interval = IntervalMonthDayNano::new;
        assert_eq!(rewritten(None, interval(0, 0, 4_000_000_000)), "4000 ms");
        assert_eq!(rewritten(None, interval(0, -2, 1_000_000)), "-172799999 ms");
        assert_eq!(rewritten(Some("UTC"), interval(0, 0, 1_000_000)), "1 ms");
        assert_eq!(rewritten(Some("Europe/Berlin"), interval(0, 1, 0)), "by the calendar");
        assert_eq!(rewritten(None, interval(1, 0, 0)), "by the calendar");
        assert_eq!(rewritten(None, interval(0, 0, 1)), "by the calendar");
    }
}
