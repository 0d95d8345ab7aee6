//! Durations as a manifest writes them: `10s`, `1h30m`, `500ms`.
//!
//! Owns the grammar (one or more whole numbers, each with a unit `h`, `m`, `s` or `ms`) and its limit of ten years.
//! It is a subset of what Go and CEL call a duration, so the API server reads every accepted text the same way.
//! Days are not a unit there, so they are not one here: a week is `168h`.
//!
//! `1h30m` is 5,400,000 ms; `90` (no unit), `1.5h` (fraction) and `1d` are refused.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest duration of a manifest: ten years of 365 days.
pub const MAX_DURATION: Duration = Duration::from_secs(87_600 * 3_600);

/// What the CRD demands of a duration; [`parse_duration`] accepts the same texts, less those above [`MAX_DURATION`].
pub(crate) const PATTERN: &str = "^([0-9]+(h|m|s|ms))+$";
/// Longest text of a duration, in characters; it bounds what the API server spends on a CEL rule.
pub(crate) const MAX_TEXT: usize = 32;

/// A duration as it stands in the manifest, not yet parsed.
///
/// Kept as text so that the operator can read an object that an older or newer CRD let through, and report it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationText(pub String);

impl DurationText {
    /// The duration that the text means.
    ///
    /// # Errors
    /// When the text does not follow the grammar or is longer than [`MAX_DURATION`].
    pub fn parse(&self) -> Result<Duration, DurationError> {
        parse_duration(&self.0)
    }
}

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for DurationText {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": PATTERN, "maxLength": MAX_TEXT})
    }
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text is empty, or a part of it is not a whole number with a unit.
    #[error("is not a duration")]
    Malformed,
    /// A number stands without a unit.
    #[error("has no unit")]
    NoUnit,
    /// Longer than ten years.
    #[error("is longer than ten years")]
    TooLong,
}

/// Reads `1h30m`, `10s`, `500ms`.
///
/// # Errors
/// [`DurationError`], which says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(DurationError::Malformed);
    }
    let mut rest = text;
    let mut total_ms = 0_u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let unit_len = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(unit_len);
        let unit_ms = match unit {
            _ if number.is_empty() => return Err(DurationError::Malformed),
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            "" if tail.is_empty() => return Err(DurationError::NoUnit),
            _ => return Err(DurationError::Malformed),
        };
        // Only an overflow can fail here: the number consists of digits.
        let number = number.parse::<u64>().map_err(|_| DurationError::TooLong)?;
        total_ms = number
            .checked_mul(unit_ms)
            .and_then(|ms| total_ms.checked_add(ms))
            .ok_or(DurationError::TooLong)?;
        rest = tail;
    }
    let duration = Duration::from_millis(total_ms);
    if duration > MAX_DURATION { Err(DurationError::TooLong) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        use DurationError::{Malformed, NoUnit, TooLong};
        for (text, expected) in [
            ("10s", Ok(10_000)),
            ("500ms", Ok(500)),
            ("10m", Ok(600_000)),
            ("1h30m", Ok(5_400_000)),
            ("1m500ms", Ok(60_500)),
            ("0s", Ok(0)),
            ("168h", Ok(604_800_000)),
            ("87600h", Ok(315_360_000_000)),
            ("87600h1ms", Err(TooLong)),
            ("99999999999999999999s", Err(TooLong)),
            ("18446744073709551615h", Err(TooLong)),
            ("", Err(Malformed)),
            ("10", Err(NoUnit)),
            ("1h30", Err(NoUnit)),
            ("s", Err(Malformed)),
            ("1.5h", Err(Malformed)),
            ("1d", Err(Malformed)),
            ("10 s", Err(Malformed)),
            ("-1s", Err(Malformed)),
            ("10S", Err(Malformed)),
            ("PT10S", Err(Malformed)),
            ("10µs", Err(Malformed)),
        ] {
            assert_eq!(parse_duration(text).map(|d| d.as_millis()), expected, "{text:?}");
        }
    }

    proptest! {
        /// The CRD's pattern and the parser accept the same texts, except for the limit that a pattern cannot express.
        #[test]
        fn pattern_and_parser_agree(text in "([0-9]{1,3}(h|m|s|ms|d|)){0,4}|\\PC{0,12}") {
            let by_pattern = regex::Regex::new(PATTERN).unwrap().is_match(&text) && text.len() <= MAX_TEXT;
            let parsed = parse_duration(&text);
            if parsed != Err(DurationError::TooLong) {
                prop_assert_eq!(by_pattern, parsed.is_ok());
            }
        }
    }
}
