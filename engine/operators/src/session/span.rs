//! The open sessions of one key, and what a row does to them.
//!
//! A row sees the sessions that its watermark has not closed, whether they have fired yet or not: so results do not depend on when
//! the watermark gets here. It joins all of those that its own window `[time, time + gap)` overlaps or touches. If there is none
//! and the watermark has closed its window, it is late. Example: with a gap of 10 s and `[0, 10)` open, a row at 5 s makes it
//! `[0, 15)`; once the watermark has passed 9.999 s it begins `[5, 15)`, and a row at -1 s is late.
//!
//! No two sessions of a key have the same origin: `[origin, origin + gap)` is part of the session, so a row at this time either
//! joins it or, if the session is closed, is late itself.

use millstream_model::Watermark;

/// Not part of the batch that is being assigned.
pub(crate) const UNTOUCHED: u32 = u32::MAX;

/// An open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Time of the row that began it: tells the sessions of a key apart.
    pub(crate) origin: i64,
    /// Its number in the batch that is being assigned.
    pub(crate) touched: u32,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It is late.
    Late,
    /// It began the session at this index.
    Began(usize),
    /// It is part of the session at this index.
    Is(usize),
}

/// Puts a row at `time` into a session. `absorbed` is called with each session that becomes part of the one that the row joins, and
/// with that one.
pub(crate) fn join(
    spans: &mut Vec<Span>,
    time: i64,
    gap: i64,
    watermark: Watermark,
    absorbed: &mut dyn FnMut(Span, &mut Span),
) -> Joined {
    let end = time + gap;
    let is_seen = |span: &Span| span.start <= end && span.end >= time && !watermark.closes(span.end);
    let Some(first) = spans.iter().position(is_seen) else {
        if watermark.closes(end) {
            return Joined::Late;
        }
        spans.push(Span { start: time, end, origin: time, touched: UNTOUCHED });
        return Joined::Began(spans.len() - 1);
    };
    let mut joined = spans[first];
    (joined.start, joined.end) = (joined.start.min(time), joined.end.max(end));
    let mut next = first + 1;
    while next < spans.len() {
        if is_seen(&spans[next]) {
            let other = spans.remove(next);
            (joined.start, joined.end) = (joined.start.min(other.start), joined.end.max(other.end));
            absorbed(other, &mut joined);
        } else {
            next += 1;
        }
    }
    spans[first] = joined;
    Joined::Is(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    /// Seconds of rows and of the watermarks before them become `start..end` of sessions; `late` counts.
    fn play(rows: &[(i64, i64)]) -> (Vec<(i64, i64)>, usize) {
        let (mut spans, mut late) = (Vec::new(), 0);
        for (time, watermark_ms) in rows {
            let watermark = Watermark(watermark_ms * 1_000);
            late +=
                usize::from(join(&mut spans, time * S, 10 * S, watermark, &mut |_, _| ()) == Joined::Late);
        }
        (spans.iter().map(|s| (s.start / S, s.end / S)).collect(), late)
    }

    #[test]
    fn windows_that_overlap_or_touch_are_one() {
        let none = -1_000_000;
        assert_eq!(play(&[(0, none), (10, none)]).0, [(0, 20)]);
        assert_eq!(play(&[(0, none), (11, none)]).0, [(0, 10), (11, 21)]);
        assert_eq!(play(&[(10, none), (0, none)]).0, [(0, 20)]);
        assert_eq!(play(&[(0, none), (25, none), (15, none)]).0, [(0, 10), (15, 35)]);
        assert_eq!(play(&[(0, none), (20, none), (10, none)]).0, [(0, 30)]);
    }

    #[test]
    fn closed_sessions_are_not_seen() {
        assert_eq!(play(&[(0, -1_000), (5, 9_998)]), (vec![(0, 15)], 0));
        assert_eq!(play(&[(0, -1_000), (5, 9_999)]), (vec![(0, 10), (5, 15)], 0));
        assert_eq!(play(&[(0, -1_000), (-1, 9_999)]), (vec![(0, 10)], 1));
    }

    #[test]
    fn a_late_row_counts_in_a_session_that_is_open() {
        assert_eq!(play(&[(0, -1_000), (10, -1_000), (-5, 15_000)]), (vec![(-5, 20)], 0));
    }

    #[test]
    fn origins_stay_and_are_unique() {
        let mut spans = Vec::new();
        let mut seen = Vec::new();
        for time in [5, 0, 30, 20, 12] {
            join(&mut spans, time, 10, Watermark::MIN, &mut |gone, into| {
                seen.push((gone.origin, into.origin))
            });
        }
        assert_eq!(spans, [Span { start: 0, end: 40, origin: 5, touched: UNTOUCHED }]);
        assert_eq!(seen, [(30, 5)]);
    }
}
