//! How long the state of an operator outlives its last write.
//!
//! A group that was last written at `t` is gone from `t + millis` on. Example: with 1 h, a group written at 09:00 is there for a row
//! at 09:59:59.999 and absent for one at 10:00.

use std::fmt;

/// Idle-state retention: `table.exec.state.ttl`, or the hint `STATE_TTL` of one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateTtl {
    /// The time between the last write and the end; more than 0.
    pub millis: u64,
    /// Whose time it is.
    pub time: TtlTime,
}

/// The clock by which state expires: `table.exec.state.ttl.time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TtlTime {
    /// The wall clock of the worker, as in Flink.
    #[default]
    Processing,
    /// The watermark of the operator: results do not depend on when and how fast the job runs.
    Event,
}

impl fmt::Display for TtlTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Processing => "processing time",
            Self::Event => "event time",
        })
    }
}

impl fmt::Display for StateTtl {
    /// `1 h of event time`, in the largest unit that gives a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
        let unit = UNITS.iter().find(|(unit, _)| self.millis.is_multiple_of(*unit));
        let (unit, name) = unit.copied().unwrap_or((1, "ms"));
        write!(f, "{} {name} of {}", self.millis / unit, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_their_largest_unit() {
        let table = [
            (172_800_000, TtlTime::Processing, "2 d of processing time"),
            (90 * 60_000, TtlTime::Event, "90 min of event time"),
            (3_600_000, TtlTime::Event, "1 h of event time"),
            (61_000, TtlTime::Processing, "61 s of processing time"),
            (1_500, TtlTime::Processing, "1500 ms of processing time"),
        ];
        for (millis, time, expected) in table {
            assert_eq!(StateTtl { millis, time }.to_string(), expected);
        }
    }
}
