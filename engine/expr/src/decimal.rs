//! Exact arithmetic on decimals: an integer and the number of its digits behind the point.
//!
//! Owns Flink's result types for `+ - * / %` and its rounding: half away from zero, and no result (null) when the
//! rounded value has more digits than the result's precision. For example `123.455` as `DECIMAL(5, 2)` is `123.46`,
//! and `999.995` as `DECIMAL(5, 2)` has no value.

use std::fmt::Write;

use arrow::datatypes::i256;

use crate::types::MAX_DECIMAL_PRECISION;

/// Precision and scale.
pub(crate) type DecimalType = (u8, i8);

/// What Flink gives for `left op right`; the types are those of the operands.
pub(crate) fn result_type(op: Arithmetic, left: DecimalType, right: DecimalType) -> DecimalType {
    let (p1, s1) = (i32::from(left.0), i32::from(left.1));
    let (p2, s2) = (i32::from(right.0), i32::from(right.1));
    let whole = (p1 - s1).max(p2 - s2);
    match op {
        Arithmetic::Add | Arithmetic::Subtract => adjusted(whole + s1.max(s2) + 1, s1.max(s2)),
        // One digit more than the product can have, as Flink has it.
        Arithmetic::Multiply => adjusted(p1 + p2 + 1, s1 + s2),
        Arithmetic::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            adjusted(p1 - s1 + s2 + scale, scale)
        }
        Arithmetic::Remainder => {
            let scale = s1.max(s2);
            adjusted((p1 - s1).min(p2 - s2) + scale, scale)
        }
    }
}

/// Fits a precision over 38 by giving up digits behind the point, but never below the smaller of 6 and the scale.
fn adjusted(precision: i32, scale: i32) -> DecimalType {
    let greatest = i32::from(MAX_DECIMAL_PRECISION);
    if precision <= greatest {
        return (precision as u8, scale as i8);
    }
    let whole = precision - scale;
    (MAX_DECIMAL_PRECISION, (greatest - whole).max(scale.min(6)) as i8)
}

/// The five operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// `left op right` as a value of the type `to`, or `None` when it does not fit. The divisor must not be zero.
pub(crate) fn apply(
    op: Arithmetic,
    left: i128,
    left_scale: i8,
    right: i128,
    right_scale: i8,
    to: DecimalType,
) -> Option<i128> {
    if let Some(value) = apply_narrow(op, left, left_scale, right, right_scale, to) {
        return Some(value).filter(|value| fits(*value, to.0));
    }
    match op {
        Arithmetic::Add | Arithmetic::Subtract => {
            let scale = left_scale.max(right_scale);
            let left = wide(left, scale - left_scale);
            let right = wide(right, scale - right_scale);
            let exact =
                if op == Arithmetic::Add { left.checked_add(right)? } else { left.checked_sub(right)? };
            narrow(exact, scale, to)
        }
        Arithmetic::Multiply => {
            let exact = i256::from_i128(left).checked_mul(i256::from_i128(right))?;
            narrow(exact, left_scale + right_scale, to)
        }
        Arithmetic::Divide => divide(left, left_scale, right, right_scale, to),
        Arithmetic::Remainder => {
            let scale = left_scale.max(right_scale);
            let right = wide(right, scale - right_scale);
            narrow(wide(left, scale - left_scale).checked_rem(right)?, scale, to)
        }
    }
}

/// The same in 128 bits, for results that need no rounding down to a smaller scale; `None` when they do not suffice.
fn apply_narrow(
    op: Arithmetic,
    left: i128,
    left_scale: i8,
    right: i128,
    right_scale: i8,
    to: DecimalType,
) -> Option<i128> {
    let shift =
        |value: i128, digits: i32| value.checked_mul(10_i128.checked_pow(u32::try_from(digits).ok()?)?);
    match op {
        Arithmetic::Multiply => (left_scale + right_scale == to.1).then(|| left.checked_mul(right)).flatten(),
        Arithmetic::Divide => {
            let missing = i32::from(to.1) + i32::from(right_scale) - i32::from(left_scale);
            let dividend = shift(left, missing)?;
            let (quotient, rest) = (dividend.checked_div(right)?, dividend.checked_rem(right)?);
            let away = i128::from((dividend < 0) != (right < 0)) * -2 + 1;
            let half = rest.unsigned_abs().checked_mul(2)? >= right.unsigned_abs();
            Some(if half { quotient + away } else { quotient })
        }
        _ => {
            let scale = i32::from(left_scale.max(right_scale));
            if scale != i32::from(to.1) {
                return None;
            }
            let left = shift(left, scale - i32::from(left_scale))?;
            let right = shift(right, scale - i32::from(right_scale))?;
            match op {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                _ => left.checked_rem(right),
            }
        }
    }
}

fn divide(left: i128, left_scale: i8, right: i128, right_scale: i8, to: DecimalType) -> Option<i128> {
    let negative = (left < 0) != (right < 0);
    let divisor = i256::from_i128(right).checked_abs()?;
    let dividend = i256::from_i128(left).checked_abs()?;
    // The digits that the plain quotient lacks to reach the wanted scale.
    let missing = i32::from(to.1) + i32::from(right_scale) - i32::from(left_scale);
    let (mut quotient, mut rest, divisor) = if missing < 0 {
        let divisor = divisor.checked_mul(i256::from_i128(10).checked_pow(missing.unsigned_abs())?)?;
        (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?, divisor)
    } else {
        (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?, divisor)
    };
    let ten = i256::from_i128(10);
    for _ in 0..missing.max(0) {
        let next = rest.checked_mul(ten)?;
        quotient = quotient.checked_mul(ten)?.checked_add(next.checked_div(divisor)?)?;
        rest = next.checked_rem(divisor)?;
    }
    if rest.checked_add(rest)? >= divisor {
        quotient = quotient.checked_add(i256::ONE)?;
    }
    let value = fitting(quotient, to.0)?;
    Some(if negative { -value } else { value })
}

fn wide(value: i128, digits: i8) -> i256 {
    // At most 38 digits are appended to at most 38, which 256 bits hold.
    i256::from_i128(value).wrapping_mul(i256::from_i128(10).wrapping_pow(digits.unsigned_abs().into()))
}

fn narrow(value: i256, scale: i8, to: DecimalType) -> Option<i128> {
    let digits = to.1 - scale;
    let rounded = if digits >= 0 {
        value.checked_mul(i256::from_i128(10).checked_pow(u32::from(digits.unsigned_abs()))?)?
    } else {
        let step = i256::from_i128(10).checked_pow(u32::from(digits.unsigned_abs()))?;
        let quotient = value.checked_div(step)?;
        let rest = value.checked_rem(step)?.checked_abs()?;
        if rest.checked_add(rest)? >= step {
            let away = if value < i256::ZERO { i256::MINUS_ONE } else { i256::ONE };
            quotient.checked_add(away)?
        } else {
            quotient
        }
    };
    fitting(rounded, to.0)
}

fn fitting(value: i256, precision: u8) -> Option<i128> {
    value.to_i128().filter(|value| fits(*value, precision))
}

/// Whether `value` has at most `precision` digits.
pub(crate) fn fits(value: i128, precision: u8) -> bool {
    match 10_u128.checked_pow(u32::from(precision)) {
        Some(limit) => value.unsigned_abs() < limit,
        None => true,
    }
}

/// The value with another scale, rounded half away from zero; `None` when it does not fit.
pub(crate) fn rescale(value: i128, scale: i8, to: DecimalType) -> Option<i128> {
    match to.1 - scale {
        0 => Some(value).filter(|value| fits(*value, to.0)),
        digits @ 1..=38 => {
            let factor = 10_i128.checked_pow(digits.unsigned_abs().into())?;
            value.checked_mul(factor).filter(|value| fits(*value, to.0))
        }
        _ => narrow(i256::from_i128(value), scale, to),
    }
}

/// The whole part, cut off toward zero.
pub(crate) fn truncate(value: i128, scale: i8) -> i128 {
    match 10_i128.checked_pow(u32::from(scale.unsigned_abs())) {
        Some(step) => value / step,
        None => 0,
    }
}

/// The value as the nearest double.
pub(crate) fn to_double(value: i128, scale: i8) -> f64 {
    // Below 2^53 and 10^22 both are exact, so that one division rounds once; above, the text is read, which is exact.
    const EXACT: u128 = 1 << 53;
    if value.unsigned_abs() <= EXACT && (0..=22).contains(&scale) {
        return value as f64 / 10_f64.powi(i32::from(scale));
    }
    let mut text = String::new();
    write(value, scale, &mut text);
    text.parse().unwrap_or(f64::NAN)
}

/// Appends the value in plain notation with all digits of its scale: `-0.50`.
pub(crate) fn write(value: i128, scale: i8, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs();
    if scale <= 0 {
        let _ = write!(out, "{digits}");
        return;
    }
    let step = 10_u128.pow(u32::from(scale.unsigned_abs()));
    let _ =
        write!(out, "{}.{:0width$}", digits / step, digits % step, width = usize::from(scale.unsigned_abs()));
}

/// What reading a decimal out of text gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A value of the wanted type.
    Value(i128),
    /// A number, but one with too many digits before the point.
    TooLarge,
    /// No number.
    NotANumber,
}

/// What happens to the digits behind the last one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest, halves away from zero.
    HalfUp,
    /// They are cut off.
    Down,
}

/// Reads `-12.345e2` as a value of the type `to`, rounded half away from zero.
pub(crate) fn parse(text: &str, to: DecimalType) -> Parsed {
    parse_rounded(text, to, Rounding::HalfUp)
}

/// [`parse`] with a choice of rounding; a negative scale keeps only digits before the point.
pub(crate) fn parse_rounded(text: &str, to: DecimalType, rounding: Rounding) -> Parsed {
    match parse_digits(text.trim_matches(' '), to, rounding) {
        Some(Some(value)) => Parsed::Value(value),
        Some(None) => Parsed::TooLarge,
        None => Parsed::NotANumber,
    }
}

fn parse_digits(text: &str, to: DecimalType, rounding: Rounding) -> Option<Option<i128>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // `keep` digits reach exactly down to the wanted scale; the one behind them decides the rounding.
    let keep = whole.len() as i64 + i64::from(exponent) + i64::from(to.1);
    let mut value: i128 = 0;
    for at in 0..keep.max(0) {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or(0, |byte| byte - b'0');
        if value == 0 && digit == 0 {
            if at >= digits.len() as i64 {
                break;
            }
            continue;
        }
        value = match value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit))) {
            Some(value) if fits(value, to.0) => value,
            _ => return Some(None),
        };
    }
    let next_is_half =
        usize::try_from(keep).ok().and_then(|at| digits.get(at)).is_some_and(|digit| *digit >= b'5');
    let value = value + i128::from(rounding == Rounding::HalfUp && next_is_half);
    Some(fits(value, to.0).then_some(if negative { -value } else { value }))
}

#[cfg(test)]
mod decimal_test;
