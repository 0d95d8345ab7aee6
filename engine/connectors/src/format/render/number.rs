//! Numbers as Java prints them.
//!
//! Doubles in `[10^-3, 10^7)` are plain with at least one digit behind the point, others scientific: `100.0`, `1.0E7`,
//! `1.0E-4`; the digits are the fewest that give the same value back.

use std::io::Write as _;

/// Appends a whole number.
pub(crate) fn write_integer(value: i64, out: &mut Vec<u8>) {
    write_unsigned(value < 0, u128::from(value.unsigned_abs()), 1, out);
}

/// Appends digits, at least `width` of them.
pub(crate) fn write_padded(value: u128, width: usize, out: &mut Vec<u8>) {
    write_unsigned(false, value, width, out);
}

fn write_unsigned(is_negative: bool, mut value: u128, width: usize, out: &mut Vec<u8>) {
    // 39 digits are the most that a u128 has.
    let mut digits = [b'0'; 40];
    let mut first = digits.len();
    // Dividing 128-bit numbers is slow; nearly all values leave this loop at once.
    while value > u128::from(u64::MAX) {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let mut small = value as u64;
    while small > 0 {
        first -= 1;
        digits[first] = b'0' + (small % 10) as u8;
        small /= 10;
    }
    if is_negative {
        out.push(b'-');
    }
    let first = first.min(digits.len().saturating_sub(width));
    out.extend_from_slice(&digits[first..]);
}

/// Appends a DOUBLE.
pub(crate) fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        let mut shortest = StackText::default();
        let _ = write!(shortest, "{value:e}");
        write_java(shortest.as_str(), out);
    } else {
        write_not_finite(value, out);
    }
}

/// Appends a FLOAT.
pub(crate) fn write_float(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        let mut shortest = StackText::default();
        let _ = write!(shortest, "{value:e}");
        write_java(shortest.as_str(), out);
    } else {
        write_not_finite(f64::from(value), out);
    }
}

fn write_not_finite(value: f64, out: &mut Vec<u8>) {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    out.extend_from_slice(text.as_bytes());
}

/// From `-1.25e-7` (Rust's shortest form) to `-1.25E-7` or, for small exponents, to plain digits.
fn write_java(shortest: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push(b'-');
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if unsigned == "0" {
        out.extend_from_slice(b"0.0");
    } else if (0..7).contains(&exponent) {
        let exponent = usize::try_from(exponent).unwrap_or(0);
        out.extend_from_slice(whole.as_bytes());
        let moved = exponent.min(fraction.len());
        let (left, right) = fraction.split_at(moved);
        out.extend_from_slice(left.as_bytes());
        out.extend(std::iter::repeat_n(b'0', exponent - moved));
        out.push(b'.');
        out.extend_from_slice(if right.is_empty() { b"0" } else { right.as_bytes() });
    } else if (-3..0).contains(&exponent) {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', usize::try_from(-exponent - 1).unwrap_or(0)));
        out.extend_from_slice(whole.as_bytes());
        out.extend_from_slice(fraction.as_bytes());
    } else {
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(if fraction.is_empty() { b"0" } else { fraction.as_bytes() });
        out.push(b'E');
        write_integer(i64::from(exponent), out);
    }
}

/// Whether a decimal is written without an exponent in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecimalNotation {
    /// `1E-8` when there would be more than five zeros behind the point, as `BigDecimal.toString` does.
    Java,
    /// `0.00000001`
    Plain,
}

/// Appends a DECIMAL: `value * 10^-scale`.
pub(crate) fn write_decimal(value: i128, scale: i8, notation: DecimalNotation, out: &mut Vec<u8>) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let magnitude = value.unsigned_abs();
    let start = out.len();
    if value < 0 {
        out.push(b'-');
    }
    let first_digit = out.len();
    write_padded(magnitude, 1, out);
    if scale == 0 {
        return;
    }
    let digits = out.len() - first_digit;
    // The exponent of the first digit.
    let adjusted = i64::try_from(digits).unwrap_or(0) - 1 - i64::try_from(scale).unwrap_or(0);
    if notation == DecimalNotation::Java && adjusted < -6 {
        if digits > 1 {
            out.insert(first_digit + 1, b'.');
        }
        out.push(b'E');
        write_integer(adjusted, out);
        return;
    }
    if digits <= scale {
        out.truncate(start);
        if value < 0 {
            out.push(b'-');
        }
        write_padded(magnitude, scale + 1, out);
    }
    let point = out.len() - scale;
    out.insert(point, b'.');
}

/// Text of a number without an allocation; the shortest form of a double has at most 24 bytes.
#[derive(Default)]
struct StackText {
    bytes: [u8; 32],
    length: usize,
}

impl StackText {
    fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }
}

impl std::io::Write for StackText {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let count = room.len().min(text.len());
        room[..count].copy_from_slice(&text[..count]);
        self.length += count;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = b"x".to_vec();
        write(&mut out);
        String::from_utf8(out).unwrap().split_off(1)
    }

    #[test]
    fn integers() {
        for value in [0, 7, -7, 10, i64::MAX, i64::MIN] {
            assert_eq!(text(|o| write_integer(value, o)), value.to_string());
        }
        assert_eq!(text(|o| write_padded(7, 3, o)), "007");
        assert_eq!(text(|o| write_padded(u128::MAX, 1, o)), u128::MAX.to_string());
    }

    #[test]
    fn doubles_as_java_prints_them() {
        let table = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1.5, "1.5"),
            (-123.456, "-123.456"),
            (1_234_567.0, "1234567.0"),
            (9_999_999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (0.001, "0.001"),
            (0.0125, "0.0125"),
            (0.000_999, "9.99E-4"),
            (1e-300, "1.0E-300"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in table {
            assert_eq!(text(|o| write_double(value, o)), expected);
        }
        assert_eq!(text(|o| write_float(0.1, o)), "0.1");
        assert_eq!(text(|o| write_float(f32::MAX, o)), "3.4028235E38");
        assert_eq!(text(|o| write_float(f32::NEG_INFINITY, o)), "-Infinity");
    }

    #[test]
    fn decimals_as_big_decimal_prints_them() {
        use DecimalNotation::{Java, Plain};
        let table = [
            (12_345, 2, Java, "123.45"),
            (-5, 2, Java, "-0.05"),
            (0, 2, Java, "0.00"),
            (7, 0, Java, "7"),
            (1, 6, Java, "0.000001"),
            (1, 7, Java, "1E-7"),
            (-12, 8, Java, "-1.2E-7"),
            (0, 8, Java, "0E-8"),
            (1, 8, Plain, "0.00000001"),
            (-100, 2, Plain, "-1.00"),
            (i128::MAX, 10, Plain, "17014118346046923173168730371.5884105727"),
        ];
        for (value, scale, notation, expected) in table {
            assert_eq!(text(|o| write_decimal(value, scale, notation, o)), expected);
        }
    }
}
