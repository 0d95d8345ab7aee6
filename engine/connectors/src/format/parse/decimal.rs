//! Decimals: rounded half up to the column's scale, NULL when they do not fit its precision.
//!
//! Example: `1.005` as DECIMAL(10, 2) is 1.01, `99999999.995` does not fit and is NULL, `abc` is no decimal.

/// Digits that always fit an `i128`.
const MAX_DIGITS: u32 = 38;

/// A decimal text in a column of `precision` and `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParsedDecimal {
    /// The value times 10^scale.
    Value(i128),
    /// A decimal that does not fit.
    Overflow,
    /// Not a decimal.
    Invalid,
}

/// Reads `-12.5`, `1e3`, `.5`; blanks around are ignored.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> ParsedDecimal {
    let Some(number) = Scientific::read(text.trim().as_bytes()) else { return ParsedDecimal::Invalid };
    match number.at_scale(i64::from(scale)) {
        Some(value) if value.unsigned_abs() < 10_u128.pow(u32::from(precision).min(MAX_DIGITS)) => {
            ParsedDecimal::Value(value)
        }
        _ => ParsedDecimal::Overflow,
    }
}

/// `mantissa * 10^exponent`, with the first digit that the mantissa had no room for.
struct Scientific {
    is_negative: bool,
    mantissa: u128,
    exponent: i64,
    next_digit: u8,
}

impl Scientific {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (is_negative, rest) = match bytes.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, bytes),
        };
        let mut number = Self { is_negative, mantissa: 0, exponent: 0, next_digit: 0 };
        let (mut kept, mut dropped, mut digits) = (0_u32, 0_i64, 0_usize);
        let mut fraction: Option<i64> = None;
        let mut i = 0;
        while let Some(&byte) = rest.get(i) {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    if kept < MAX_DIGITS {
                        number.mantissa = number.mantissa * 10 + u128::from(byte - b'0');
                        kept += u32::from(number.mantissa > 0);
                    } else {
                        if dropped == 0 {
                            number.next_digit = byte - b'0';
                        }
                        dropped += 1;
                    }
                    fraction = fraction.map(|f| f + 1);
                }
                b'.' if fraction.is_none() => fraction = Some(0),
                b'e' | b'E' => break,
                _ => return None,
            }
            i += 1;
        }
        if digits == 0 {
            return None;
        }
        if i < rest.len() {
            let exponent = std::str::from_utf8(rest.get(i + 1..)?).ok()?;
            // Beyond a million everything is zero or too large; the clamp keeps the arithmetic below in range.
            number.exponent = exponent.parse::<i64>().ok()?.clamp(-1_000_000, 1_000_000);
        }
        number.exponent += dropped - fraction.unwrap_or(0);
        Some(number)
    }

    /// The value times 10^scale, rounded half up (away from zero); `None` when it has more than 38 digits.
    fn at_scale(&self, scale: i64) -> Option<i128> {
        let shift = self.exponent + scale;
        let magnitude = if self.mantissa == 0 {
            0
        } else if shift >= 0 {
            let factor = 10_u128.checked_pow(u32::try_from(shift).ok()?)?;
            let round = u128::from(shift == 0 && self.next_digit >= 5);
            self.mantissa.checked_mul(factor)?.checked_add(round)?
        } else {
            match u32::try_from(-shift).ok().and_then(|s| 10_u128.checked_pow(s)) {
                Some(divisor) => self.mantissa / divisor + u128::from(self.mantissa % divisor >= divisor / 2),
                // The mantissa is below 10^38, so this is less than half of the last digit.
                None => 0,
            }
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if self.is_negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::ParsedDecimal::{Invalid, Overflow, Value};
    use super::*;

    #[test]
    fn decimals_round_half_up_and_overflow() {
        let table = [
            ("1.005", 10, 2, Value(101)),
            ("-1.005", 10, 2, Value(-101)),
            ("1.00499999", 10, 2, Value(100)),
            ("0.5", 1, 0, Value(1)),
            ("-0.5", 1, 0, Value(-1)),
            ("0.4", 1, 0, Value(0)),
            ("1e2", 10, 2, Value(10_000)),
            ("1e-3", 10, 2, Value(0)),
            ("5e-3", 10, 2, Value(1)),
            (" 2.5 ", 10, 2, Value(250)),
            (".5", 10, 2, Value(50)),
            ("5.", 10, 2, Value(500)),
            ("+7", 10, 2, Value(700)),
            ("000000000000000000000000000000000000000000001", 3, 0, Value(1)),
            ("99999999.99", 10, 2, Value(9_999_999_999)),
            ("99999999.995", 10, 2, Overflow),
            ("100000000", 10, 2, Overflow),
            ("1e999999999", 10, 2, Overflow),
            ("1e-999999999", 10, 2, Value(0)),
            ("0e999999999", 10, 2, Value(0)),
            (
                "99999999999999999999999999999999999999",
                38,
                0,
                Value(99_999_999_999_999_999_999_999_999_999_999_999_999),
            ),
            (
                "99999999999999999999999999999999999999.4",
                38,
                0,
                Value(99_999_999_999_999_999_999_999_999_999_999_999_999),
            ),
            ("99999999999999999999999999999999999999.5", 38, 0, Overflow),
            ("999999999999999999999999999999999999999", 38, 0, Overflow),
            ("1.00000000000000000000000000000000000000000000000005", 10, 2, Value(100)),
            ("abc", 10, 2, Invalid),
            ("", 10, 2, Invalid),
            ("-", 10, 2, Invalid),
            (".", 10, 2, Invalid),
            ("1.2.3", 10, 2, Invalid),
            ("1e", 10, 2, Invalid),
            ("1 000", 10, 2, Invalid),
            ("NaN", 10, 2, Invalid),
        ];
        for (text, precision, scale, expected) in table {
            assert_eq!(
                decimal(text, precision, scale),
                expected,
                "{text:?} as DECIMAL({precision}, {scale})"
            );
        }
    }
}
