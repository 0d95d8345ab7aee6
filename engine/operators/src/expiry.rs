//! Groups that nobody wrote for a time: when they count as absent, and how they are taken out of the state step by step.
//!
//! A group that is met is judged exactly. Those that nobody meets any more are found by walks over all groups, in memory first and
//! then in the store, of which every call takes one short step; a walk begins no sooner than a tenth of the TTL after the one before
//! it, so a group leaves at the latest some 1.1 TTLs after its last write. Nothing is ever emitted. Example: with a TTL of 1 h and a
//! group written at 09:00, a row at 10:00 begins a new group; without it the walk of 10:06 removes the old one.

use millstream_model::Watermark;
use millstream_model::key_group::key_hash;
use millstream_plan::{StateTtl, TtlTime};
use millstream_state::{GroupTable, StorePlace};

use crate::aggregate::Aggregates;
use crate::error::OperatorError;
use crate::operator::{Clock, Expiring};

/// Numbers of groups in memory that a step looks at: some ten microseconds if none has expired, a few milliseconds if all have.
const MEMORY_STEP: usize = 4_096;
/// Groups in the store that a step looks at. Their rows are decoded, which takes about a millisecond.
const STORE_STEP: usize = 1_024;
/// Walks that begin within one TTL at most.
const WALKS_PER_TTL: i64 = 10;

/// The clock of an operator's groups, and the walk that looks for those that have expired.
#[derive(Debug)]
pub(crate) struct Expiry {
    ttl_ms: i64,
    time: TtlTime,
    clock: Clock,
    /// The operator's watermark; `None` before the first.
    watermark_ms: Option<i64>,
    place: Place,
    /// When the last walk began.
    walked_at_ms: Option<i64>,
}

/// Where the walk is.
#[derive(Debug)]
enum Place {
    /// Between two walks.
    Rest,
    /// Before this number of a group.
    Memory(usize),
    /// In the store.
    Store(StorePlace),
}

impl Expiry {
    pub(crate) fn new(ttl: StateTtl, clock: Clock) -> Self {
        Self {
            ttl_ms: i64::try_from(ttl.millis).unwrap_or(i64::MAX),
            time: ttl.time,
            clock,
            watermark_ms: None,
            place: Place::Rest,
            walked_at_ms: None,
        }
    }

    /// What time it is; `None` before the first watermark.
    pub(crate) fn now_ms(&self) -> Option<i64> {
        match self.time {
            TtlTime::Processing => Some(self.clock.now_ms()),
            TtlTime::Event => self.watermark_ms,
        }
    }

    /// The watermark advanced, or was restored. The end of input is no time by which anything expires.
    pub(crate) fn advance(&mut self, watermark: Watermark, aggregates: &mut Aggregates) {
        if watermark == Watermark::MIN || watermark == Watermark::MAX {
            return;
        }
        self.watermark_ms = self.watermark_ms.max(Some(watermark.0.div_euclid(1_000)));
        if let (Some(writes), Some(now)) = (aggregates.last_writes_mut(), self.now_ms()) {
            writes.begin(now);
        }
    }

    /// Empties those groups that have expired by now, so that they count as new ones.
    ///
    /// # Errors
    /// [`OperatorError::State`].
    pub(crate) fn empty_expired(
        &self,
        groups: &[u32],
        now_ms: Option<i64>,
        table: &GroupTable,
        aggregates: &mut Aggregates,
    ) -> Result<(), OperatorError> {
        let Some(now) = now_ms else { return Ok(()) };
        for group in groups {
            if aggregates.last_writes().is_some_and(|w| w.is_idle_since(*group, self.idle_since(now))) {
                aggregates.clear(*group, table.key(*group), table.key_group(*group))?;
            }
        }
        Ok(())
    }

    /// Takes one step of a walk, or begins one if it is time.
    ///
    /// # Errors
    /// [`OperatorError::State`].
    pub(crate) fn step(
        &mut self,
        table: &mut GroupTable,
        aggregates: &mut Aggregates,
    ) -> Result<Expiring, OperatorError> {
        let Some(now) = self.now_ms() else { return Ok(Expiring::Later) };
        let until = self.idle_since(now);
        let (expired, next) = match &self.place {
            Place::Rest if !self.is_due(now) => return Ok(Expiring::Later),
            Place::Rest => {
                self.walked_at_ms = Some(now);
                (Vec::new(), Place::Memory(0))
            }
            Place::Memory(from) => {
                let end = from + MEMORY_STEP;
                let is_idle = |g: &u32| aggregates.last_writes().is_some_and(|w| w.is_idle_since(*g, until));
                let expired: Vec<u32> = table.live_among(*from..end).filter(is_idle).collect();
                let next = match (end < table.slots(), table.has_spilled()) {
                    (true, _) => Place::Memory(end),
                    (false, true) => Place::Store(StorePlace::default()),
                    (false, false) => Place::Rest,
                };
                (expired, next)
            }
            Place::Store(place) => {
                let writes = aggregates.last_writes().map(|w| w.judge(until));
                let is_wanted = |columns: &[_]| match (&writes, columns.last()) {
                    (Some(judge), Some(times)) => judge.idle_rows(times),
                    _ => Vec::new(),
                };
                let step = table.load_next(place, STORE_STEP, key_hash, is_wanted, aggregates)?;
                (step.groups, step.next.map_or(Place::Rest, Place::Store))
            }
        };
        remove(&expired, table, aggregates)?;
        if !expired.is_empty() {
            // What was kept of them leaves marks for the next checkpoint, which may be many.
            aggregates.make_room()?;
        }
        self.place = next;
        Ok(if matches!(self.place, Place::Rest) { Expiring::Later } else { Expiring::More })
    }

    /// Whether a walk should begin. A clock that was set back must not keep it from doing so.
    fn is_due(&self, now_ms: i64) -> bool {
        let pause = (self.ttl_ms / WALKS_PER_TTL).max(1);
        self.walked_at_ms.is_none_or(|at| now_ms < at || now_ms.saturating_sub(at) >= pause)
    }

    const fn idle_since(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.ttl_ms)
    }
}

/// Ends groups, with all that is kept for them.
///
/// # Errors
/// [`OperatorError::State`].
pub(crate) fn remove(
    groups: &[u32],
    table: &mut GroupTable,
    aggregates: &mut Aggregates,
) -> Result<(), OperatorError> {
    for group in groups {
        aggregates.clear(*group, table.key(*group), table.key_group(*group))?;
        table.delete(*group);
    }
    Ok(())
}
