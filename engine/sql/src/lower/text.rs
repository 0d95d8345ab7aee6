//! Expressions as text: SQL for people, and the stable spelling that identities are hashed from.
//!
//! The library's own spelling changes with its versions; uids may not. Example: `a > 5 AND k LIKE 'x%'`, `ts - INTERVAL
//! '5' SECOND`, `CAST(a AS BIGINT)`.

mod json;

use arrow::datatypes::IntervalMonthDayNano;
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{Between, BinaryExpr, Case, InList, Like, ScalarFunction};
use datafusion_expr::{Expr, Operator};
use millstream_expr::{field_of, type_name};

/// An expression as SQL, each column under the name that `names` gives it.
pub(crate) fn sql_text(expr: &Expr, names: &dyn Fn(&str) -> Option<String>) -> String {
    Printer { names }.text(expr)
}

/// An expression as SQL with its own columns' names.
pub(crate) fn plain_text(expr: &Expr) -> String {
    sql_text(expr, &|_| None)
}

struct Printer<'a> {
    names: &'a dyn Fn(&str) -> Option<String>,
}

impl Printer<'_> {
    fn text(&self, expr: &Expr) -> String {
        match expr {
            Expr::Column(column) => (self.names)(&column.name).unwrap_or_else(|| column.name.clone()),
            Expr::Literal(value, _) => literal(value),
            Expr::Alias(alias) => self.text(&alias.expr),
            Expr::BinaryExpr(binary) => self.binary(binary),
            Expr::ScalarFunction(call) => self.call(call, expr),
            Expr::Case(case) => self.case(case),
            Expr::Like(like) => self.like(like, "LIKE"),
            Expr::SimilarTo(like) => self.like(like, "SIMILAR TO"),
            Expr::InList(list) => self.in_list(list),
            Expr::Between(between) => self.between(between),
            Expr::Not(inner) => format!("NOT {}", self.operand(inner)),
            Expr::Negative(inner) => format!("-{}", self.operand(inner)),
            Expr::IsNull(inner) => format!("{} IS NULL", self.operand(inner)),
            Expr::IsNotNull(inner) => format!("{} IS NOT NULL", self.operand(inner)),
            Expr::IsTrue(inner) => format!("{} IS TRUE", self.operand(inner)),
            Expr::IsNotTrue(inner) => format!("{} IS NOT TRUE", self.operand(inner)),
            Expr::IsFalse(inner) => format!("{} IS FALSE", self.operand(inner)),
            Expr::IsNotFalse(inner) => format!("{} IS NOT FALSE", self.operand(inner)),
            Expr::IsUnknown(inner) => format!("{} IS UNKNOWN", self.operand(inner)),
            Expr::IsNotUnknown(inner) => format!("{} IS NOT UNKNOWN", self.operand(inner)),
            Expr::Cast(cast) => {
                format!("CAST({} AS {})", self.text(&cast.expr), type_name(cast.field.data_type()))
            }
            Expr::TryCast(cast) => {
                format!("TRY_CAST({} AS {})", self.text(&cast.expr), type_name(cast.field.data_type()))
            }
            other => other.to_string(),
        }
    }

    /// In parentheses where it is made of several words.
    fn operand(&self, expr: &Expr) -> String {
        let text = self.text(expr);
        let is_simple = match expr {
            Expr::Column(_) | Expr::Case(_) | Expr::Cast(_) | Expr::TryCast(_) | Expr::Literal(..) => true,
            Expr::ScalarFunction(call) => arithmetic(call.func.name()).is_none(),
            _ => false,
        };
        if is_simple { text } else { format!("({text})") }
    }

    fn binary(&self, binary: &BinaryExpr) -> String {
        let side = |expr: &Expr, is_right: bool| match expr {
            Expr::BinaryExpr(inner)
                if inner.op.precedence() > binary.op.precedence() || (!is_right && inner.op == binary.op) =>
            {
                self.text(expr)
            }
            Expr::BinaryExpr(_) => format!("({})", self.text(expr)),
            _ if matches!(binary.op, Operator::And | Operator::Or) => self.text(expr),
            _ => self.operand(expr),
        };
        let op = match binary.op {
            Operator::NotEq => "<>".to_owned(),
            op => op.to_string(),
        };
        format!("{} {op} {}", side(&binary.left, false), side(&binary.right, true))
    }

    fn call(&self, call: &ScalarFunction, expr: &Expr) -> String {
        if let Some((row, field)) = field_of(expr) {
            return format!("{}.{field}", self.operand(row));
        }
        let args: Vec<String> = call.args.iter().map(|arg| self.text(arg)).collect();
        let name = call.func.name();
        for (prefix, keyword) in [("CAST AS ", "CAST"), ("TRY_CAST AS ", "TRY_CAST")] {
            if let Some(target) = name.strip_prefix(prefix) {
                return format!("{keyword}({} AS {})", args.join(", "), target.trim());
            }
        }
        if let Some(text) = json::json_text(name, &args) {
            return text;
        }
        if let (Some(symbol), [left, right]) = (arithmetic(name), call.args.as_slice()) {
            return format!("{} {symbol} {}", self.operand(left), self.operand(right));
        }
        let name = name.strip_suffix("_in_place").unwrap_or(name);
        let name = name.strip_prefix('$').unwrap_or(name);
        format!("{}({})", name.to_uppercase(), args.join(", "))
    }

    fn case(&self, case: &Case) -> String {
        let mut text = "CASE".to_owned();
        if let Some(operand) = &case.expr {
            text += &format!(" {}", self.text(operand));
        }
        for (when, then) in &case.when_then_expr {
            text += &format!(" WHEN {} THEN {}", self.text(when), self.text(then));
        }
        if let Some(otherwise) = &case.else_expr {
            text += &format!(" ELSE {}", self.text(otherwise));
        }
        text + " END"
    }

    fn like(&self, like: &Like, word: &str) -> String {
        let not = if like.negated { "NOT " } else { "" };
        let escape = match like.escape_char {
            Some(c) if self.text(&like.pattern).contains(c) => format!(" ESCAPE '{c}'"),
            _ => String::new(),
        };
        format!("{} {not}{word} {}{escape}", self.operand(&like.expr), self.operand(&like.pattern))
    }

    fn in_list(&self, list: &InList) -> String {
        let items: Vec<String> = list.list.iter().map(|item| self.text(item)).collect();
        let not = if list.negated { "NOT " } else { "" };
        format!("{} {not}IN ({})", self.operand(&list.expr), items.join(", "))
    }

    fn between(&self, between: &Between) -> String {
        let not = if between.negated { "NOT " } else { "" };
        let operand = |expr: &Expr| self.operand(expr);
        format!(
            "{} {not}BETWEEN {} AND {}",
            operand(&between.expr),
            operand(&between.low),
            operand(&between.high)
        )
    }
}

/// The operator behind a function that has Flink's rules for exact numbers.
fn arithmetic(name: &str) -> Option<&'static str> {
    let operation = ["decimal_", "exact_", "$time_"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    Some(match operation {
        "add" => "+",
        "subtract" => "-",
        "multiply" => "*",
        "divide" => "/",
        "remainder" => "%",
        _ => return None,
    })
}

fn literal(value: &ScalarValue) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    match value {
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\'', "''")),
        ScalarValue::Boolean(Some(value)) => value.to_string().to_uppercase(),
        ScalarValue::IntervalMonthDayNano(Some(value)) => interval(*value),
        ScalarValue::Date32(_) => format!("DATE '{value}'"),
        ScalarValue::TimestampSecond(..)
        | ScalarValue::TimestampMillisecond(..)
        | ScalarValue::TimestampMicrosecond(..)
        | ScalarValue::TimestampNanosecond(..) => timestamp(value),
        ScalarValue::Decimal128(Some(unscaled), _, scale) => decimal(*unscaled, *scale),
        other => other.to_string(),
    }
}

/// The count of its unit, which is exact and needs no calendar.
fn timestamp(value: &ScalarValue) -> String {
    let (count, unit) = match value {
        ScalarValue::TimestampSecond(Some(n), _) => (*n, "s"),
        ScalarValue::TimestampMillisecond(Some(n), _) => (*n, "ms"),
        ScalarValue::TimestampMicrosecond(Some(n), _) => (*n, "us"),
        ScalarValue::TimestampNanosecond(Some(n), _) => (*n, "ns"),
        other => return other.to_string(),
    };
    let seconds_per = match unit {
        "s" => 1,
        "ms" => 1_000,
        "us" => 1_000_000,
        _ => 1_000_000_000,
    };
    match calendar(count.div_euclid(seconds_per)) {
        Some(text) => {
            let fraction = count.rem_euclid(seconds_per);
            let digits = match unit {
                "s" => String::new(),
                "ms" => format!(".{fraction:03}"),
                "us" => format!(".{fraction:06}"),
                _ => format!(".{fraction:09}"),
            };
            format!("TIMESTAMP '{text}{digits}'")
        }
        None => format!("TIMESTAMP {count} {unit}"),
    }
}

/// `2024-01-01 00:00:00` for seconds since 1970, by the civil calendar; none beyond four digits of a year.
fn calendar(seconds: i64) -> Option<String> {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days.checked_add(719_468)?;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9_999).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else { return format!("{unscaled}E{}", -i32::from(scale)) };
    if scale == 0 {
        return unscaled.to_string();
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

fn interval(value: IntervalMonthDayNano) -> String {
    let IntervalMonthDayNano { months, days, nanoseconds } = value;
    if months != 0 && days == 0 && nanoseconds == 0 {
        return format!("INTERVAL '{months}' MONTH");
    }
    let nanos = i128::from(days) * 86_400_000_000_000 + i128::from(nanoseconds);
    let sign = if nanos < 0 { "-" } else { "" };
    let units = [(86_400_000_000_000, "DAY"), (3_600_000_000_000, "HOUR"), (60_000_000_000, "MINUTE")];
    let whole = units.iter().find(|(unit, _)| nanos != 0 && nanos % unit == 0);
    let text = match whole {
        Some((unit, name)) => format!("INTERVAL '{}' {name}", nanos / unit),
        None => {
            let (seconds, fraction) =
                (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
            let fraction = format!("{fraction:09}");
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            format!("INTERVAL '{sign}{seconds}{point}{fraction}' SECOND")
        }
    };
    if months == 0 { text } else { format!("INTERVAL '{months}' MONTH + {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::stream::reference;
    use datafusion_expr::lit;
    use millstream_expr::{SqlType, field_access};

    #[test]
    fn expressions_read_like_sql() {
        let a = || reference("a");
        let interval = |nanos| {
            Expr::Literal(
                ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, nanos))),
                None,
            )
        };
        let table = [
            (a().gt(lit(5)).and(reference("k").like(lit("x%"))), "a > 5 AND k LIKE 'x%'"),
            (a().eq(lit(1)).or(a().eq(lit(2))).and(a().not_eq(lit(3))), "(a = 1 OR a = 2) AND a <> 3"),
            ((a() + lit(1)) * lit(2), "(a + 1) * 2"),
            (a() + lit(1) + lit(2), "a + 1 + 2"),
            (a() - (lit(1) - lit(2)), "a - (1 - 2)"),
            (!a().is_null(), "NOT (a IS NULL)"),
            (a().in_list(vec![lit(1), lit("it's")], true), "a NOT IN (1, 'it''s')"),
            (a().between(lit(1), lit(2)), "a BETWEEN 1 AND 2"),
            (a() - interval(5_000_000_000), "a - INTERVAL '5' SECOND"),
            (a() - interval(3_600_000_000_000), "a - INTERVAL '1' HOUR"),
            (a() - interval(-1_500_000_000), "a - INTERVAL '-1.5' SECOND"),
            (
                lit(ScalarValue::TimestampMillisecond(Some(1_704_067_200_123), None)),
                "TIMESTAMP '2024-01-01 00:00:00.123'",
            ),
            (lit(ScalarValue::TimestampSecond(Some(-1), None)), "TIMESTAMP '1969-12-31 23:59:59'"),
            (lit(ScalarValue::TimestampSecond(Some(951_782_400), None)), "TIMESTAMP '2000-02-29 00:00:00'"),
            (lit(ScalarValue::Decimal128(Some(-5), 3, 2)), "-0.05"),
            (lit(ScalarValue::Boolean(Some(true))), "TRUE"),
            (lit(ScalarValue::Int32(None)), "NULL"),
            (field_access(field_access(a(), "b"), "c").eq(lit(1)), "a.b.c = 1"),
            (millstream_expr::cast(a(), &SqlType::BigInt, false), "CAST(a AS BIGINT)"),
            (millstream_expr::cast(a(), &SqlType::Varchar(3), true), "TRY_CAST(a AS VARCHAR(3))"),
        ];
        for (expr, expected) in table {
            assert_eq!(plain_text(&expr), expected);
        }
        assert_eq!(
            sql_text(&(a() + reference("b")), &|name| (name == "a").then(|| "t.a".to_owned())),
            "t.a + b"
        );
    }
}
