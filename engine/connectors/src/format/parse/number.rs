//! Numbers and booleans, with Java's spelling.
//!
//! Blanks around are ignored; `1.5f`, `1e3` and `Infinity` are doubles, `inf` and `0x10` are not; every text that is not
//! `true` in some case is the boolean false.

use std::str::FromStr;

/// A whole number in decimal digits with an optional sign.
pub(crate) fn integer<T: FromStr>(text: &str) -> Option<T> {
    // Blanks are rare; to look for them first would cost more than the parse.
    text.parse().ok().or_else(|| text.trim().parse().ok())
}

/// A whole number out of one with a fraction or an exponent, cut toward zero: `1.7` gives 1.
pub(crate) fn truncated<T: TryFrom<i64>>(text: &str) -> Option<T> {
    let value: f64 = text.parse().ok()?;
    // 2^63 itself is a double and out of range; -2^63 is in range.
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if !in_range {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked; cutting the fraction is meant"
    )]
    let cut = value as i64;
    T::try_from(cut).ok()
}

/// A FLOAT or DOUBLE as `Double.parseDouble` reads it, hexadecimal ones excepted.
pub(crate) fn float<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
    };
    if is_plain(text) {
        return text.parse().ok();
    }
    let text = match text.trim() {
        text @ ("Infinity" | "+Infinity" | "-Infinity") => return text.parse().ok(),
        "NaN" | "+NaN" | "-NaN" => return "NaN".parse().ok(),
        text => text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text),
    };
    if is_plain(text) { text.parse().ok() } else { None }
}

/// `true` in any case; everything else is false, as in `Boolean.parseBoolean`.
pub(crate) fn boolean(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let table: &[(&str, Option<i32>)] = &[
            ("5", Some(5)),
            (" -5 ", Some(-5)),
            ("+7", Some(7)),
            ("-0", Some(0)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("", None),
            ("1.5", None),
            ("1e3", None),
            ("0x10", None),
            ("1_000", None),
        ];
        for (text, expected) in table {
            assert_eq!(integer::<i32>(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn fractions_are_cut() {
        let table: &[(&str, Option<i64>)] = &[
            ("1.7", Some(1)),
            ("-1.7", Some(-1)),
            ("1.9e3", Some(1900)),
            ("1e18", Some(1_000_000_000_000_000_000)),
            ("1e19", None),
            ("9223372036854775808.0", None),
        ];
        for (text, expected) in table {
            assert_eq!(truncated::<i64>(text), *expected, "{text:?}");
        }
        assert_eq!(
            (truncated::<i32>("2147483648.5"), truncated::<i32>("2147483647.5")),
            (None, Some(i32::MAX))
        );
    }

    #[test]
    fn floats() {
        let table: &[(&str, Option<f64>)] = &[
            ("1.5", Some(1.5)),
            (" 1e3 ", Some(1000.0)),
            ("1.5f", Some(1.5)),
            ("1d", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-0.0", Some(-0.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("inf", None),
            ("infinity", None),
            ("nan", None),
            ("", None),
            (".", None),
            ("f", None),
            ("0x1p3", None),
            ("1,5", None),
        ];
        for (text, expected) in table {
            assert_eq!(float::<f64>(text), *expected, "{text:?}");
        }
        assert!(float::<f64>("NaN").is_some_and(f64::is_nan));
        assert_eq!(float::<f32>("1e40"), Some(f32::INFINITY));
    }

    #[test]
    fn booleans() {
        for (text, expected) in [("true", true), (" TRUE", true), ("yes", false), ("1", false), ("", false)] {
            assert_eq!(boolean(text), expected, "{text:?}");
        }
    }
}
