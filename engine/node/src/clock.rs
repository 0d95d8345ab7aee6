//! The wall clock, for names and notes that people read.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;

/// Milliseconds since 1970, UTC.
#[expect(clippy::disallowed_methods, reason = "the process is where time comes from")]
pub(crate) fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// `2024-02-29T10-05-00.250Z`: a moment as a name that sorts by time and can be a folder's name everywhere.
pub(crate) fn as_name(unix_ms: u64) -> String {
    shown(unix_ms, "%Y-%m-%dT%H-%M-%S%.3fZ")
}

/// `2024-02-29 10:05:00`: a moment for people.
pub(crate) fn as_text(unix_ms: u64) -> String {
    shown(unix_ms, "%Y-%m-%d %H:%M:%S")
}

fn shown(unix_ms: u64, format: &str) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(DateTime::from_timestamp_millis);
    moment.map_or_else(|| unix_ms.to_string(), |moment| moment.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc() {
        assert_eq!(as_name(1_709_201_100_250), "2024-02-29T10-05-00.250Z");
        assert_eq!(as_text(1_709_201_100_250), "2024-02-29 10:05:00");
        assert_eq!(as_text(u64::MAX), u64::MAX.to_string());
    }
}
