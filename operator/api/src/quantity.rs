//! Kubernetes quantities of CPU and memory: `500m`, `2`, `1.5Gi`.
//!
//! Owns reading and comparing them; it never rounds what the user wrote, because the text goes into pods unchanged.
//! `1.5Gi` is 1,610,612,736 units, `500m` is half a unit; both are exact in thousandths ([`Quantity::milli`]).

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What the CRD demands of a quantity that is written as a string.
pub(crate) const PATTERN: &str =
    r"^([0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9})(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|[eE][0-9]{1,2})?$";

/// A quantity as it stands in the manifest: a whole number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with an optional suffix.
    #[error("is not a quantity")]
    Malformed,
    /// Below zero.
    #[error("is negative")]
    Negative,
}

impl Quantity {
    /// The quantity in thousandths of a unit, rounded up.
    ///
    /// # Errors
    /// When the text does not follow Kubernetes' grammar, or is negative.
    pub fn milli(&self) -> Result<u128, QuantityError> {
        let text = self.0.as_str();
        if text.starts_with('-') {
            return Err(QuantityError::Negative);
        }
        let number_len = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, suffix) = text.split_at(number_len);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = whole.len() + fraction.len();
        if digits == 0 || whole.len() > 15 || fraction.len() > 9 || fraction.contains('.') {
            return Err(QuantityError::Malformed);
        }
        let nano = digits_as_nano(whole, fraction).ok_or(QuantityError::Malformed)?;
        let (multiplier, divisor) = scale(suffix).ok_or(QuantityError::Malformed)?;
        // 10^24 (fifteen digits in billionths) times 2^50 or 10^18 fits in 128 bits only after the division by 10^6;
        // saturating is enough, since the value is only compared.
        Ok(nano.saturating_mul(multiplier).div_ceil(divisor.saturating_mul(1_000_000)))
    }
}

fn digits_as_nano(whole: &str, fraction: &str) -> Option<u128> {
    let parse = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    let missing = u32::try_from(9_usize.checked_sub(fraction.len())?).ok()?;
    Some(parse(whole)? * 1_000_000_000 + parse(fraction)? * 10_u128.pow(missing))
}

/// Multiplier and divisor of a suffix.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let scale = match suffix {
        "" => (1, 1),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            if exponent.is_empty() || exponent.len() > 2 || !exponent.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (10_u128.saturating_pow(exponent.parse().ok()?), 1)
        }
    };
    Some(scale)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a quantity such as 500m or 2Gi")
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Quantity, E> {
                Ok(Quantity(v.to_string()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Quantity, E> {
                Ok(Quantity(v.to_string()))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Quantity, E> {
                Ok(Quantity(v.to_owned()))
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "pattern": PATTERN})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        use QuantityError::{Malformed, Negative};
        for (text, expected) in [
            ("2", Ok(2_000)),
            ("500m", Ok(500)),
            ("0.5", Ok(500)),
            (".5", Ok(500)),
            ("1.", Ok(1_000)),
            ("0.0001", Ok(1)),
            ("1k", Ok(1_000_000)),
            ("1Ki", Ok(1_024_000)),
            ("1.5Gi", Ok(1_610_612_736_000)),
            ("1e3", Ok(1_000_000)),
            ("1E3", Ok(1_000_000)),
            ("0", Ok(0)),
            ("", Err(Malformed)),
            (".", Err(Malformed)),
            ("Gi", Err(Malformed)),
            ("2gb", Err(Malformed)),
            ("2 Gi", Err(Malformed)),
            ("1.2.3", Err(Malformed)),
            ("1e", Err(Malformed)),
            ("-1", Err(Negative)),
            ("1234567890123456", Err(Malformed)),
        ] {
            assert_eq!(Quantity(text.to_owned()).milli(), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_and_texts_are_read() {
        assert_eq!(serde_json::from_str::<Quantity>("2").unwrap(), Quantity("2".to_owned()));
        assert_eq!(serde_json::from_str::<Quantity>("\"2Gi\"").unwrap(), Quantity("2Gi".to_owned()));
        assert!(
            serde_json::from_str::<Quantity>("0.5").is_err(),
            "the API server refuses a bare fraction too"
        );
        assert!(serde_json::from_str::<Quantity>("true").is_err());
    }

    proptest! {
        #[test]
        fn pattern_and_parser_agree(text in "[0-9]{0,16}(\\.[0-9]{0,3})?(m|k|Gi|Mi|e3|x|)|\\PC{0,8}") {
            let by_pattern = regex::Regex::new(PATTERN).unwrap().is_match(&text);
            prop_assert_eq!(by_pattern, Quantity(text).milli().is_ok());
        }
    }
}
