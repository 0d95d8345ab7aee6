//! The wall clock by which windows over instants begin.
//!
//! Windows over `TIMESTAMP_LTZ` begin at the hours and days of the session's zone, so their operators count in its wall clock.
//! Owns the way of times and watermarks into it and back. All numbers are microseconds. Example: in Berlin the clock goes from
//! 03:00 back to 02:00 on 27 October 2024, at 01:00 UTC; a window that ends at 02:30 fires when the clock shows 02:30 for the
//! second time, at 01:30 UTC.

use millstream_expr::zone::{self, Zone};
use millstream_model::Watermark;

const SECOND: i64 = 1_000_000;
/// Beyond this (about 140,000 years from 1970) calendars end, and watermarks mean "never" and "ended".
const FAR: i64 = i64::MAX / 2;

/// A zone other than UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WindowZone(Zone);

impl WindowZone {
    /// The zone with this name, such as `Europe/Berlin`; `None` for UTC under any of its names, and for what is no zone.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        zone::parse(name).ok().filter(|zone| !zone::is_utc(*zone)).map(Self)
    }

    /// The wall clock at an instant.
    #[must_use]
    pub fn local(self, instant: i64) -> i64 {
        zone::to_local(self.0, instant.div_euclid(SECOND)).saturating_mul(SECOND) + instant.rem_euclid(SECOND)
    }

    /// The instant of a wall clock: the first one if it comes twice, moved forward if it is skipped.
    #[must_use]
    pub fn instant(self, local: i64) -> i64 {
        zone::to_instant(self.0, local.div_euclid(SECOND)).saturating_mul(SECOND) + local.rem_euclid(SECOND)
    }

    /// The wall clock up to which everything has happened at a watermark. Never goes back: while the hours before a change
    /// of clocks will come once more, it stands still.
    #[must_use]
    pub fn watermark(self, watermark: Watermark) -> Watermark {
        if watermark.0 >= FAR || watermark.0 <= -FAR {
            return watermark;
        }
        match zone::repeated_from(self.0, watermark.0.div_euclid(SECOND)) {
            Some(start) => Watermark(start.saturating_mul(SECOND) - 1),
            None => Watermark(self.local(watermark.0)),
        }
    }
}

impl std::fmt::Display for WindowZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(zone::name(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600 * SECOND;

    #[test]
    fn utc_needs_no_zone() {
        for name in ["UTC", "Z", "GMT", "Etc/UTC", "Nowhere"] {
            assert_eq!(WindowZone::named(name), None, "{name}");
        }
        assert_eq!(WindowZone::named("Asia/Kolkata").unwrap().to_string(), "Asia/Kolkata");
    }

    #[test]
    fn times_before_1970_keep_their_fraction() {
        let zone = WindowZone::named("America/New_York").unwrap();
        assert_eq!(zone.local(-1), -5 * HOUR - 1);
        assert_eq!(zone.instant(-5 * HOUR - 1), -1);
    }

    /// The wall clock of Berlin around its changes in 2024, in hours of the day's UTC.
    #[test]
    fn watermarks_stand_still_before_a_repeated_hour_and_jump_over_a_skipped_one() {
        let zone = WindowZone::named("Europe/Berlin").unwrap();
        let (spring, autumn) = (1_711_843_200 * SECOND, 1_729_987_200 * SECOND);
        // (midnight UTC, time behind it, wall clock behind it)
        let cases = [
            (spring, HOUR - 1, 2 * HOUR - 1),
            (spring, HOUR, 3 * HOUR),
            (autumn, -1, 2 * HOUR - 1),
            (autumn, 0, 2 * HOUR - 1),
            (autumn, HOUR / 2, 2 * HOUR - 1),
            (autumn, HOUR - 1, 2 * HOUR - 1),
            (autumn, HOUR, 2 * HOUR),
            (autumn, HOUR + HOUR / 2, 2 * HOUR + HOUR / 2),
            (autumn, 2 * HOUR, 3 * HOUR),
        ];
        for (midnight, behind, expected) in cases {
            let found = zone.watermark(Watermark(midnight + behind));
            assert_eq!(found.0 - midnight, expected, "{behind}");
        }
    }

    #[test]
    fn watermarks_never_go_back_and_follow_the_clock() {
        for name in ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"] {
            let zone = WindowZone::named(name).unwrap();
            let mut last = i64::MIN;
            // Every 10 minutes of 2010 to 2012: Apia left a whole day out.
            for step in 0..(3 * 365 * 144) {
                let instant = 1_262_304_000 * SECOND + step * HOUR / 6;
                let found = zone.watermark(Watermark(instant)).0;
                assert!(found >= last, "{name} at {instant}");
                assert!(found <= zone.local(instant), "{name} at {instant}");
                last = found;
            }
        }
    }

    #[test]
    fn the_ends_of_time_stay() {
        let zone = WindowZone::named("Europe/Berlin").unwrap();
        for end in [Watermark::MIN, Watermark::MAX] {
            assert_eq!(zone.watermark(end), end);
        }
    }
}
