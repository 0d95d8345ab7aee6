//! Literals with Flink's types.

use datafusion_sql::sqlparser::ast::{
    CastKind, DataType, DateTimeField, ExactNumberInfo, Expr, Interval, Spanned, UnaryOperator, Value,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diagnostic::Problem;
use crate::dialect::flink::{CAST, call};
use crate::plan::interval::interval_length;

/// Literals that are more than a number. Runs before their parts are looked at.
pub(super) fn before_children(expr: &mut Expr) -> Result<(), Problem> {
    let span = expr.span();
    match expr {
        Expr::TypedString(typed) => {
            let Value::SingleQuotedString(text) = &typed.value.value else { return Ok(()) };
            let target = match typed.data_type {
                DataType::Date => "DATE".to_owned(),
                DataType::Time(..) => "TIME(0)".to_owned(),
                _ => format!("TIMESTAMP({})", fraction_digits(text)),
            };
            check_time(text, &target, typed.value.span)?;
            *expr = call(&format!("{CAST} {target}"), span, vec![Expr::Value(typed.value.clone())]);
        }
        Expr::Interval(interval) => *interval = in_one_unit(interval)?,
        // The least values are numbers of their types although their absolute values are not.
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner }
            if is_number(inner, "2147483648") || is_number(inner, "9223372036854775808") =>
        {
            *expr = Expr::Value(Value::Number(format!("-{inner}"), false).with_span(span));
        }
        _ => {}
    }
    Ok(())
}

fn is_number(expr: &Expr, digits: &str) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Number(found, _) if found == digits))
}

/// Digits after the point of the seconds, at most 9.
fn fraction_digits(text: &str) -> usize {
    text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.trim_end().len().min(9))
}

/// Refuses text that is no date or time at all, while its place is known.
fn check_time(text: &str, target: &str, span: Span) -> Result<(), Problem> {
    let (form, groups) = match target {
        "DATE" => ("yyyy-mm-dd", 3),
        "TIME(0)" => ("hh:mm:ss", 3),
        _ => ("yyyy-mm-dd hh:mm:ss", 6),
    };
    let trimmed = text.trim();
    let whole = trimmed.split('.').next().unwrap_or(trimmed);
    let numbers: Vec<&str> = whole.split(['-', ':', ' ', 'T']).collect();
    let digits = numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let in_range = |index: usize, low: u32, high: u32| {
        numbers
            .get(index)
            .and_then(|part| part.parse::<u32>().ok())
            .is_some_and(|n| (low..=high).contains(&n))
    };
    let is_time_only = target.starts_with("TIME(");
    let date_fits = is_time_only || (in_range(1, 1, 12) && in_range(2, 1, 31));
    let clock = if is_time_only { 0 } else { 3 };
    let time_fits = target == "DATE"
        || (in_range(clock, 0, 23) && in_range(clock + 1, 0, 59) && in_range(clock + 2, 0, 59));
    if digits && numbers.len() == groups && date_fits && time_fits {
        return Ok(());
    }
    Err(Problem::new(span, format!("'{text}' is not of the form {form}")).label("not understood"))
}

fn in_one_unit(interval: &Interval) -> Result<Interval, Problem> {
    let length = interval_length(interval)?;
    let (text, unit) = if length.months != 0 {
        (length.months.to_string(), DateTimeField::Month)
    } else {
        let (seconds, micros) = (length.micros.abs() / 1_000_000, length.micros.abs() % 1_000_000);
        let sign = if length.micros < 0 { "-" } else { "" };
        let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
        (format!("{sign}{seconds}{fraction}"), DateTimeField::Second)
    };
    let value = Value::SingleQuotedString(text).with_span(interval.value.span());
    Ok(Interval {
        value: Box::new(Expr::Value(value)),
        leading_field: Some(unit),
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

/// Whole numbers are INT or BIGINT, with a point DECIMAL with the digits written, with an exponent DOUBLE.
pub(super) fn type_number(expr: &mut Expr) {
    let Expr::Value(value) = expr else { return };
    let Value::Number(digits, _) = &value.value else { return };
    let data_type = if digits.contains(['e', 'E']) {
        DataType::Double(ExactNumberInfo::None)
    } else if let Some((whole, fraction)) = digits.trim_start_matches('-').split_once('.') {
        // The zero before the point is a digit of the type as it is one of the text: 0.5 is a DECIMAL(2, 1).
        let precision = whole.len() + fraction.len();
        if whole != "0" || precision > 38 {
            return;
        }
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision as u64, fraction.len() as i64))
    } else if digits.parse::<i32>().is_ok() {
        DataType::Int(None)
    } else {
        return;
    };
    let inner = if matches!(data_type, DataType::Double(_)) {
        // Read as text: the planner would read it as a DECIMAL, which may not hold it.
        Expr::Value(Value::SingleQuotedString(digits.clone()).with_span(value.span))
    } else {
        expr.clone()
    };
    *expr = cast(inner, data_type);
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}
