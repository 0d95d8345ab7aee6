//! Points in time and spans between them, as arguments: nothing here reads a clock.

use std::time::Duration;

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_api::k8s_openapi::jiff::SignedDuration;

pub use millstream_api::k8s_openapi::jiff::Timestamp;

/// `from` and `span` later; the end of time when that is nearer.
pub fn after(from: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    from.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// How long ago `then` was at `now`; zero for what lies ahead.
pub fn elapsed(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or(Duration::ZERO)
}

/// How long it is from `now` until `from` and `span` later; zero when that is past.
pub fn remaining(from: Timestamp, span: Duration, now: Timestamp) -> Duration {
    span.saturating_sub(elapsed(from, now))
}

/// `3h`, `10m5s`, `12s`: for messages, rounded down to seconds.
pub fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut words = String::new();
    for (number, unit) in [(hours, "h"), (minutes, "m"), (rest, "s")] {
        if number > 0 {
            words += &format!("{number}{unit}");
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words }
}

/// The same moment as Kubernetes keeps it, in whole seconds: what is compared with a stored one must not differ by less.
pub fn as_time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let seconds = Duration::from_secs;
        assert_eq!(after(at(10), seconds(5)), at(15));
        assert_eq!(after(at(10), Duration::MAX), Timestamp::MAX);
        assert_eq!(elapsed(at(10), at(25)), seconds(15));
        assert_eq!(elapsed(at(25), at(10)), Duration::ZERO, "a clock that went back makes nothing due");
        assert_eq!(remaining(at(10), seconds(60), at(25)), seconds(45));
        assert_eq!(remaining(at(10), seconds(5), at(25)), Duration::ZERO);
        let precise = Timestamp::new(10, 999_999_999).unwrap();
        let stored = serde_json::to_value(as_time(precise)).unwrap();
        assert_eq!(serde_json::from_value::<Time>(stored).unwrap(), as_time(precise));
        assert_eq!(as_time(precise), Time(at(10)));
        for (span, words) in [(0, "0s"), (12, "12s"), (605, "10m5s"), (7_200, "2h"), (3_661, "1h1m1s")] {
            assert_eq!(in_words(seconds(span)), words);
        }
    }
}
