//! Durations of a spec: read them, and hold them against their limits.
//!
//! Owns the table of limits. It is the same as in the CEL rules: a test compares the two.

use std::time::Duration;

use super::Findings;
use crate::duration::{DurationError, DurationText, MAX_DURATION};

/// Least value of each duration: object, field, limit. All are at most ten years.
pub(super) const LEAST: &[(&str, &str, Duration)] = &[
    ("spec.checkpoint", "interval", Duration::from_millis(10)),
    ("spec.checkpoint", "timeout", Duration::from_millis(10)),
    ("spec.checkpoint", "minPause", Duration::ZERO),
    ("spec.upgrade", "maxCheckpointAge", Duration::from_secs(1)),
    ("spec.upgrade", "savepointTimeout", Duration::from_secs(1)),
    ("spec.rollback", "deadline", Duration::from_secs(1)),
    ("spec.stability", "minRunning", Duration::ZERO),
    ("spec.restart", "initial", Duration::from_millis(1)),
    ("spec.restart", "max", Duration::from_millis(1)),
    ("spec.restart", "resetAfter", Duration::from_millis(1)),
    ("spec.snapshots.retention", "maxAge", Duration::from_secs(60)),
    ("spec.autoscaling.slo", "maxLag", Duration::from_millis(1)),
];

/// The duration of `object.field`, or `default` when it is absent or at fault (which is then a finding).
pub(super) fn read(
    object: &str,
    field: &str,
    text: Option<&DurationText>,
    default: Duration,
    findings: &mut Findings,
) -> Duration {
    let Some(text) = text else { return default };
    let path = format!("{object}.{field}");
    let least = LEAST
        .iter()
        .find(|(o, f, _)| *o == object && *f == field)
        .map_or(Duration::ZERO, |(_, _, least)| *least);
    match text.parse() {
        Ok(duration) if duration < least => {
            findings.add(path, format!("{text} is shorter than {}", in_words(least)));
            default
        }
        Ok(duration) => duration,
        Err(error) => {
            findings.add_with_hint(path, format!("{:?} {error}", text.0), hint(&text.0, error));
            default
        }
    }
}

/// What to write instead of `text`.
fn hint(text: &str, error: DurationError) -> String {
    let whole = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    match error {
        DurationError::NoUnit => format!("add a unit: {whole}s or {whole}ms"),
        DurationError::TooLong => format!("the longest is {}", in_words(MAX_DURATION)),
        DurationError::Malformed => match whole.parse::<u64>() {
            Ok(days) if text.ends_with(['d', 'D']) && days < 3_650 => {
                format!("days are written in hours: {}h", days * 24)
            }
            _ => "write whole numbers with h, m, s or ms, such as 10s, 1h30m or 500ms".to_owned(),
        },
    }
}

/// `10ms`, `1s`, `1m`, `87600h`: the largest unit that divides evenly.
pub(super) fn in_words(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    /// The CRD's CEL rules and this table must not drift apart.
    #[test]
    fn limits_are_those_of_the_crd() {
        for (object, field, least) in LEAST {
            let rule = RULES
                .iter()
                .find(|r| r.at == *object && r.field == *field && r.cel.contains("87600h"))
                .unwrap_or_else(|| panic!("no CEL rule for {object}.{field}"));
            if least.is_zero() {
                assert!(!rule.cel.contains(">="), "{object}.{field}");
            } else {
                let expected = format!(">= duration('{}')", in_words(*least));
                assert!(rule.cel.contains(&expected), "{object}.{field}: {} lacks {expected}", rule.cel);
            }
        }
        let in_rules = RULES.iter().filter(|r| r.cel.contains("87600h")).count();
        assert_eq!(in_rules, LEAST.len());
    }

    #[test]
    fn hints() {
        for (text, expected) in [
            ("10", "add a unit: 10s or 10ms"),
            ("7d", "days are written in hours: 168h"),
            ("1.5h", "write whole numbers with h, m, s or ms, such as 10s, 1h30m or 500ms"),
            ("soon", "write whole numbers with h, m, s or ms, such as 10s, 1h30m or 500ms"),
            ("99999999h", "the longest is 87600h"),
        ] {
            let error = DurationText(text.to_owned()).parse().unwrap_err();
            assert_eq!(hint(text, error), expected, "{text}");
        }
    }
}
