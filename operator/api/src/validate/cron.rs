//! The five fields of a cron schedule: minute, hour, day of month, month, day of week, in UTC.
//!
//! Owns checking them; working out the next time is the operator's. `*/15 8-18 * * 1-5` is accepted; `60 * * * *` is
//! not, since minutes are `0..60`. Names (`MON`, `JAN`) and `@daily` are not part of it: they would need a second
//! grammar for no new meaning.

use super::Findings;
use crate::streamjob::Snapshots;

const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];

pub(super) fn check_snapshots(snapshots: &Snapshots, findings: &mut Findings) {
    if let Some(schedule) = &snapshots.schedule
        && let Err(message) = check_schedule(schedule)
    {
        findings.add_with_hint(
            "spec.snapshots.schedule",
            message,
            "five fields: minute, hour, day of month, month, day of week, such as \"0 */6 * * *\"",
        );
    }
    if let Some(count) = snapshots.retention.as_ref().and_then(|r| r.count) {
        findings.within("spec.snapshots.retention.count", count, 1, 1_000);
    }
}

fn check_schedule(schedule: &str) -> Result<(), String> {
    if schedule.len() > 128 {
        return Err("is longer than 128 characters".to_owned());
    }
    let parts: Vec<&str> = schedule.split_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Err(format!("{schedule:?} has {} fields, not 5", parts.len()));
    }
    for (part, (name, min, max)) in parts.iter().zip(FIELDS) {
        if !part.split(',').all(|item| is_item(item, min, max)) {
            return Err(format!("{part:?} is outside of {name} {min} to {max}"));
        }
    }
    Ok(())
}

/// `*`, `5`, `1-5`, each with an optional `/step`.
fn is_item(item: &str, min: u32, max: u32) -> bool {
    let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
    let number = |text: &str| -> Option<u32> {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| digits && (min..=max).contains(n))
    };
    let range_holds = match range.split_once('-') {
        _ if range == "*" => true,
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => number(range).is_some(),
    };
    let step_holds = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| (1..=max).contains(&step)));
    range_holds && step_holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        for good in ["0 */6 * * *", "*/15 8-18 * * 1-5", "0,30 0 1 1 0", "59 23 31 12 7", " 0  0 * * * "] {
            assert_eq!(check_schedule(good), Ok(()), "{good}");
        }
        for (bad, expected) in [
            ("", "\"\" has 0 fields, not 5"),
            ("@daily", "\"@daily\" has 1 fields, not 5"),
            ("0 0 * *", "\"0 0 * *\" has 4 fields, not 5"),
            ("60 * * * *", "\"60\" is outside of minute 0 to 59"),
            ("0 24 * * *", "\"24\" is outside of hour 0 to 23"),
            ("0 0 0 * *", "\"0\" is outside of day of month 1 to 31"),
            ("0 0 * 13 *", "\"13\" is outside of month 1 to 12"),
            ("0 0 * * MON", "\"MON\" is outside of day of week 0 to 7"),
            ("*/0 * * * *", "\"*/0\" is outside of minute 0 to 59"),
            ("5-1 * * * *", "\"5-1\" is outside of minute 0 to 59"),
            ("+5 * * * *", "\"+5\" is outside of minute 0 to 59"),
            (", * * * *", "\",\" is outside of minute 0 to 59"),
        ] {
            assert_eq!(check_schedule(bad), Err(expected.to_owned()), "{bad}");
        }
    }
}
