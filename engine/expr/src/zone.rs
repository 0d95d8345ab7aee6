//! Time zones: from a wall clock to an instant and back, with Java's answer for times that a change of clocks skips or
//! repeats.
//!
//! Owns nothing else of the calendar. For example in `Europe/Berlin` the wall clock 2024-03-31 02:30 does not exist and
//! means 03:30 (one hour later), and 2024-10-27 02:30 happens twice and means the first.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion_common::{DataFusionError, plan_datafusion_err};

/// A time zone of the IANA database.
pub type Zone = Tz;

/// Whether a zone is UTC, under any of its names.
pub fn is_utc(zone: Zone) -> bool {
    matches!(zone, Tz::UTC | Tz::Etc__UTC | Tz::GMT | Tz::Etc__GMT | Tz::Zulu | Tz::Etc__Zulu)
}

/// The name of a zone, such as `Europe/Berlin`.
pub fn name(zone: Zone) -> &'static str {
    zone.name()
}

/// The wall clock from which on the clocks of `zone` will show everything once more, if at the instant `seconds` they show
/// a time that is still to be repeated; both in seconds since 1970.
pub fn repeated_from(zone: Zone, seconds: i64) -> Option<i64> {
    let offset = offset_at(zone, seconds);
    let wall = DateTime::from_timestamp(seconds.checked_add(offset)?, 0)?.naive_utc();
    let MappedLocalTime::Ambiguous(first, second) = zone.offset_from_local_datetime(&wall) else {
        return None;
    };
    let (before, after) =
        (i64::from(first.fix().local_minus_utc()), i64::from(second.fix().local_minus_utc()));
    if offset != before {
        return None;
    }
    // The change of clocks lies between the two instants that the wall clock stands for.
    let (mut low, mut high) = (seconds, seconds + before - after);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset_at(zone, middle) == before { low = middle } else { high = middle }
    }
    Some(high + after)
}

/// The zone called `name`: a name such as `Europe/Berlin`, `UTC`, or `Z`.
///
/// # Errors
/// A plan error when there is no such zone.
pub fn parse(name: &str) -> Result<Tz, DataFusionError> {
    match name {
        "Z" | "GMT" | "UTC" => Ok(Tz::UTC),
        other => other.parse().map_err(|_| {
            plan_datafusion_err!(
                "'{other}' is not a time zone; write a name such as 'Europe/Berlin' or 'UTC'"
            )
        }),
    }
}

/// Seconds that the clocks of `zone` are ahead of UTC at the instant `seconds` (since 1970).
pub fn offset_at(zone: Tz, seconds: i64) -> i64 {
    if zone == Tz::UTC {
        return 0;
    }
    DateTime::from_timestamp(seconds, 0).map_or(0, |instant| {
        i64::from(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc())
    })
}

/// The wall clock of `zone` at an instant, both in seconds since 1970.
pub fn to_local(zone: Tz, seconds: i64) -> i64 {
    seconds.saturating_add(offset_at(zone, seconds))
}

/// The instant of a wall clock of `zone`, both in seconds since 1970.
pub fn to_instant(zone: Tz, local_seconds: i64) -> i64 {
    if zone == Tz::UTC {
        return local_seconds;
    }
    let Some(wall) = DateTime::from_timestamp(local_seconds, 0).map(|instant| instant.naive_utc()) else {
        return local_seconds;
    };
    local_seconds - offset_of_wall_clock(zone, &wall, local_seconds)
}

fn offset_of_wall_clock(zone: Tz, wall: &NaiveDateTime, local_seconds: i64) -> i64 {
    match zone.offset_from_local_datetime(wall) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
            i64::from(offset.fix().local_minus_utc())
        }
        // The hour was skipped: Java keeps the offset from before the change, so the result moves forward.
        MappedLocalTime::None => offset_at(zone, local_seconds - 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    #[test]
    fn wall_clocks_become_instants_as_in_java() {
        let berlin = parse("Europe/Berlin").unwrap();
        let new_york = parse("America/New_York").unwrap();
        // 2024-03-31 00:00:00 UTC, the day when Berlin's clocks go from 02:00 to 03:00
        let spring = 1_711_843_200;
        // 2024-10-27 00:00:00 UTC, the day when they go from 03:00 to 02:00
        let autumn = 1_729_987_200;
        // (zone, wall clock, instant)
        let cases = [
            (Tz::UTC, spring, spring),
            (berlin, spring + HOUR, spring),
            (berlin, spring + 2 * HOUR + 1_800, spring + HOUR + 1_800),
            (berlin, spring + 3 * HOUR, spring + HOUR),
            (berlin, autumn + 2 * HOUR + 1_800, autumn + 1_800),
            (berlin, autumn + 3 * HOUR, autumn + 2 * HOUR),
            (new_york, 0, 5 * HOUR),
        ];
        for (zone, wall, instant) in cases {
            assert_eq!(to_instant(zone, wall), instant, "{zone} {wall}");
        }
        assert_eq!(to_local(berlin, spring + HOUR), spring + 3 * HOUR);
        assert_eq!(to_local(berlin, spring + HOUR - 1), spring + 2 * HOUR - 1);
    }

    #[test]
    fn unknown_zones_are_named() {
        let error = parse("Nowhere").unwrap_err();
        assert!(error.to_string().contains("'Nowhere' is not a time zone"), "{error}");
    }
}
