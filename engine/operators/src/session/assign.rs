//! Which session each row of a batch belongs to, and what that does to the sessions there were.
//!
//! Rows are taken in their order, each judged by the watermark before it. Example: with a gap of 10 s and the session `[0, 10)` of
//! the key `a` in the state, the batch `a 20 s, a 10 s` begins a session with its first row; its second row joins both, so that
//! both rows belong to the old one, which is `[0, 30)` now.

use arrow::array::UInt32Array;
use millstream_model::Watermark;

use super::open_sessions::OpenSessions;
use super::span::{Joined, Span, UNTOUCHED, join};

/// A session, by a row that has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionOfRow {
    pub(crate) row: usize,
    pub(crate) origin: i64,
}

/// What a batch does.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    /// Sessions that rows belong to, each once.
    pub(crate) sessions: Vec<SessionOfRow>,
    /// For each kept row its index in `sessions`.
    pub(crate) of_rows: Vec<u32>,
    /// The kept rows, if not all are.
    pub(crate) kept: Option<UInt32Array>,
    /// Sessions from before the batch that became part of others: of which, as an index in `sessions`.
    pub(crate) absorbed: Vec<(SessionOfRow, u32)>,
    /// Rows whose key needs a timer, and its time.
    pub(crate) timers: Vec<(usize, i64)>,
    /// Rows that were left out.
    pub(crate) late: u64,
}

/// Times, gap and watermarks by which rows are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowTimes<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) gap: i64,
    /// The running watermark of each row's split, before the row.
    pub(crate) row_watermark: Option<&'a [i64]>,
    /// The operator's.
    pub(crate) watermark: Watermark,
}

/// A session that the batch has met.
struct Met {
    session: SessionOfRow,
    key: u32,
    /// Which one it is part of: itself, or another one's index.
    into: u32,
    is_new: bool,
}

#[derive(Default)]
struct Batch(Vec<Met>);

impl Batch {
    fn meet(&mut self, span: &mut Span, key: u32, row: usize, is_new: bool) -> u32 {
        if span.touched == UNTOUCHED {
            span.touched = self.0.len() as u32;
            let session = SessionOfRow { row, origin: span.origin };
            self.0.push(Met { session, key, into: span.touched, is_new });
        }
        span.touched
    }

    /// The session that a session has become part of in the end.
    fn root(&self, mut number: u32) -> u32 {
        while self.0[number as usize].into != number {
            number = self.0[number as usize].into;
        }
        number
    }
}

impl Assignment {
    /// Assigns rows, of which row `i` has the key `keys[i]`.
    pub(crate) fn of(open: &mut OpenSessions, keys: &[u32], rows: RowTimes<'_>) -> Self {
        let mut result = Self::default();
        let mut batch = Batch::default();
        let (mut kept, mut numbers) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (row, (key, time)) in keys.iter().zip(rows.times).enumerate() {
            let judge = rows.row_watermark.map_or(rows.watermark.0, |w| w[row].max(rows.watermark.0));
            let spans = open.of(*key);
            let joined = join(spans, *time, rows.gap, Watermark(judge), &mut |mut other, into| {
                let other = batch.meet(&mut other, *key, row, false);
                batch.0[other as usize].into = batch.meet(into, *key, row, false);
            });
            let (index, is_new) = match joined {
                Joined::Late => continue,
                Joined::Is(index) => (index, false),
                Joined::Began(index) => {
                    let end = spans[index].end;
                    if spans.iter().all(|span| span.end >= end) {
                        result.timers.push((row, end));
                    }
                    (index, true)
                }
            };
            kept.push(row as u32);
            numbers.push(batch.meet(&mut spans[index], *key, row, is_new));
        }
        result.late = (keys.len() - kept.len()) as u64;
        result.kept = (result.late > 0).then(|| UInt32Array::from(kept));
        result.finish(open, &batch, &numbers);
        result
    }

    /// Leaves only the sessions that there are now.
    fn finish(&mut self, open: &mut OpenSessions, batch: &Batch, numbers: &[u32]) {
        let mut places = vec![0; batch.0.len()];
        for (number, met) in batch.0.iter().enumerate() {
            if met.into == number as u32 {
                places[number] = self.sessions.len() as u32;
                self.sessions.push(met.session);
                open.of(met.key).iter_mut().for_each(|span| span.touched = UNTOUCHED);
            }
        }
        for (number, met) in batch.0.iter().enumerate() {
            let root = batch.root(number as u32);
            places[number] = places[root as usize];
            if root != number as u32 && !met.is_new {
                self.absorbed.push((met.session, places[number]));
            }
        }
        self.of_rows = numbers.iter().map(|number| places[*number as usize]).collect();
    }
}
