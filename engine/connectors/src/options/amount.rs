//! Amounts with a unit, as Flink spells them.
//!
//! `10 s`, `10s`, `10 sec` and `10000` (milliseconds) are the same duration; `64mb`, `64 m` and `67108864` the same number of
//! bytes. Units of bytes are powers of 1,024.

use std::time::Duration;

const DAY_NANOS: u128 = 86_400_000_000_000;

/// Labels of one unit each, as in Flink's `TimeUtils`, with the unit in nanoseconds.
const DURATION_UNITS: &[(&[&str], u128)] = &[
    (&["ns", "nano", "nanos", "nanosecond", "nanoseconds"], 1),
    (&["us", "µs", "micro", "micros", "microsecond", "microseconds"], 1_000),
    (&["", "ms", "milli", "millis", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000_000),
    (&["h", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], DAY_NANOS),
];

/// Labels of one unit each, as in Flink's `MemorySize`, with the unit in bytes.
const BYTE_UNITS: &[(&[&str], u128)] = &[
    (&["", "b", "byte", "bytes"], 1),
    (&["k", "kb", "kib", "kibibyte", "kibibytes"], 1 << 10),
    (&["m", "mb", "mib", "mebibyte", "mebibytes"], 1 << 20),
    (&["g", "gb", "gib", "gibibyte", "gibibytes"], 1 << 30),
    (&["t", "tb", "tib", "tebibyte", "tebibytes"], 1 << 40),
];

/// A duration such as `10 s`, `1min` or `500` (milliseconds); `None` if the text is none.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let nanos = amount(text, DURATION_UNITS)?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).ok()?))
}

/// A number of bytes such as `64kb`, `128 mb` or `1024`; `None` if the text is none.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    u64::try_from(amount(text, BYTE_UNITS)?).ok()
}

fn amount(text: &str, units: &[(&[&str], u128)]) -> Option<u128> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, label) = text.split_at(digits);
    let label = label.trim().to_lowercase();
    let (_, factor) = units.iter().find(|(labels, _)| labels.contains(&label.as_str()))?;
    u128::from(number.parse::<u64>().ok()?).checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_every_spelling() {
        let table: &[(&str, Option<Duration>)] = &[
            ("10 s", Some(Duration::from_secs(10))),
            ("10s", Some(Duration::from_secs(10))),
            (" 10 SEC ", Some(Duration::from_secs(10))),
            ("1min", Some(Duration::from_secs(60))),
            ("500", Some(Duration::from_millis(500))),
            ("500ms", Some(Duration::from_millis(500))),
            ("7 µs", Some(Duration::from_micros(7))),
            ("2 d", Some(Duration::from_secs(172_800))),
            ("0", Some(Duration::ZERO)),
            ("", None),
            ("s", None),
            ("-1 s", None),
            ("1.5 s", None),
            ("10 parsecs", None),
            ("99999999999999999999 s", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_duration(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_in_every_spelling() {
        let table: &[(&str, Option<u64>)] = &[
            ("1024", Some(1024)),
            ("64kb", Some(65_536)),
            ("128 mb", Some(134_217_728)),
            ("1 GiB", Some(1 << 30)),
            ("2 tebibytes", Some(2 << 40)),
            ("0", Some(0)),
            ("", None),
            ("mb", None),
            ("1.5 mb", None),
            ("64 pb", None),
            ("-1", None),
            ("99999999999 tb", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_bytes(text), *expected, "{text:?}");
        }
    }
}
