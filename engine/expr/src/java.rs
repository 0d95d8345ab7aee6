//! Numbers as Java writes and reads them, because that is what a user of Flink sees in every string.
//!
//! Owns text of floats and parsing of numbers out of strings; it never decides what a failure means. For example
//! `1.0E7` for ten million, `0.001` for a thousandth, `1.0E-4` for a tenth of it.

use std::fmt::Write;

/// Appends `value` as Java's `Double.toString` does.
pub(crate) fn write_double(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0.0" } else { "0.0" });
    } else if (1e-3..1e7).contains(&value.abs()) {
        let start = out.len();
        let _ = write!(out, "{value}");
        finish_plain(out, start);
    } else {
        let start = out.len();
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) {
            out.push_str(&two)
        } else {
            let _ = write!(out, "{value:e}");
        }
        finish_scientific(out, start);
    }
}

/// Appends `value` as Java's `Float.toString` does.
pub(crate) fn write_float(value: f32, out: &mut String) {
    if value.is_finite() && value != 0.0 {
        let start = out.len();
        // The bounds are compared in 64 bits, as Java compares them with double constants.
        if (1e-3..1e7).contains(&f64::from(value.abs())) {
            let _ = write!(out, "{value}");
            finish_plain(out, start);
        } else {
            // Java writes two digits at least, and the nearest two where they mean the same number: 1.4E-45, not 1.0E-45.
            let two = format!("{value:.1e}");
            if two.parse() == Ok(value) {
                out.push_str(&two)
            } else {
                let _ = write!(out, "{value:e}");
            }
            finish_scientific(out, start);
        }
    } else {
        write_double(f64::from(value), out);
    }
}

fn finish_plain(out: &mut String, start: usize) {
    if !out[start..].contains('.') {
        out.push_str(".0");
    }
}

fn finish_scientific(out: &mut String, start: usize) {
    let Some(e) = out[start..].find('e').map(|at| start + at) else { return };
    out.replace_range(e..=e, "E");
    if !out[start..e].contains('.') {
        out.insert_str(e, ".0");
    }
}

/// Reads an integer as Flink's cast does: blanks around it are ignored, digits after a point are cut off.
///
/// `None` when it is not a number or does not fit 64 bits.
pub(crate) fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim_matches(' ');
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if digits.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Summed up as a negative number, because the smallest integer has no positive counterpart.
    let mut value: i64 = 0;
    for byte in whole.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(byte - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Reads a double as Java's `Double.parseDouble` does: `NaN`, `Infinity`, an exponent and a type suffix are allowed.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    parse_float_text(text)
}

/// Reads a float as Java's `Float.parseFloat` does.
pub(crate) fn parse_float(text: &str) -> Option<f32> {
    parse_float_text(text)
}

fn parse_float_text<F: std::str::FromStr>(text: &str) -> Option<F> {
    let text = text.trim_matches(|c: char| c <= ' ');
    match text.trim_start_matches(['+', '-']) {
        "NaN" | "Infinity" => return text.parse().ok(),
        _ => {}
    }
    let body = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    // Rust also knows `inf` and `nan`, which Java does not.
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if body.is_empty() || !body.bytes().all(numeric) {
        return None;
    }
    body.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_java_writes_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (-3.99, "-3.99"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (0.00012345, "1.2345E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (123_456_789.125, "1.23456789125E8"),
            (1e20, "1.0E20"),
            (-1e20, "-1.0E20"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            let mut out = String::from("x=");
            write_double(value, &mut out);
            assert_eq!(out, format!("x={expected}"));
        }
    }

    #[test]
    fn floats_are_written_with_their_own_digits() {
        let cases = [
            (1.1_f32, "1.1"),
            (16_777_216.0, "1.6777216E7"),
            (1_234_567.0, "1234567.0"),
            (12_345_678.0, "1.2345678E7"),
            (f32::MAX, "3.4028235E38"),
            (f32::MIN_POSITIVE, "1.17549435E-38"),
            (-0.0, "-0.0"),
            (f32::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            let mut out = String::new();
            write_float(value, &mut out);
            // Java before 19 writes one digit more than needed for a few numbers; both read back the same.
            if out != expected {
                assert_eq!(out.parse::<f32>().ok(), expected.parse::<f32>().ok(), "{out} for {expected}");
            }
        }
    }

    #[test]
    fn integers_are_read_leniently() {
        let cases = [
            ("5", Some(5)),
            (" 42 ", Some(42)),
            ("5.7", Some(5)),
            ("-5.9", Some(-5)),
            ("+5", Some(5)),
            (".5", Some(0)),
            ("5.", Some(5)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("5.a", None),
            ("1e3", None),
            ("0x10", None),
            ("1_000", None),
            ("abc", None),
            ("٣", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_integer(text), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles_are_read_as_java_reads_them() {
        let cases = [
            ("1.5", Some(1.5)),
            ("  1.5 ", Some(1.5)),
            ("1.5f", Some(1.5)),
            ("1e3", Some(1000.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("inf", None),
            ("nan", None),
            ("", None),
            ("d", None),
            ("abc", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_double(text), expected, "{text:?}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
    }
}
