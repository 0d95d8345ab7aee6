//! Groups that nobody wrote for a time: when they count as absent, and how they are taken out of the state step by step.
//!
//! A group that is met is judged exactly. Those that nobody meets any more are found by walks over all groups, in memory first
//! and then in the store, of which every call takes one short step: so many groups are looked at, and so many groups and values
//! beside them removed. Only the values of one group go at once, however many they are. Behind a batch with new groups there are
//! as many steps as it takes to look at twice as many groups: fewer, and groups could come faster than walks find those that
//! expired. A walk begins no sooner than a tenth of the TTL after the one before it, so a group leaves some 1.1 TTLs after its
//! last write. Nothing is ever emitted. Example: with a TTL of 1 h and a group written at 09:00, a row at 10:00 begins a new
//! group; without it the walk of 10:06 removes the old one.

use millstream_model::Watermark;
use millstream_model::key_group::key_hash;
use millstream_plan::{StateTtl, TtlTime};
use millstream_state::{GroupTable, StorePlace};

use crate::aggregate::Aggregates;
use crate::error::OperatorError;
use crate::operator::{Clock, Expiring};

/// Numbers of groups in memory that a step looks at, which is nothing but a comparison of each.
const MEMORY_STEP: usize = 4_096;
/// Groups in the store that a step looks at, at most. Their rows are decoded.
const STORE_STEP: usize = 256;
/// The same to begin with, as long as nobody knows how many values are kept beside a group.
const FIRST_STORE_STEP: usize = 64;
/// Groups, and values kept beside them, that a step removes: at some microsecond each it takes a few milliseconds.
const REMOVALS: usize = 4_096;
/// Groups to look at for each new one. With 2, a walk over `n` groups ends before `n / 2` new ones have come, so that in the long
/// run at most about half of all groups are ones that have expired.
const LOOKS_PER_NEW_GROUP: usize = 2;
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
    /// Groups in the store that the next step looks at.
    store_step: usize,
    /// Groups still to be looked at because of new ones.
    debt: usize,
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
            store_step: FIRST_STORE_STEP,
            debt: 0,
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
            // One that this batch began has nothing to lose, and no time of a last write either.
            let holds = aggregates.rows(*group) != 0;
            if holds
                && aggregates.last_writes().is_some_and(|w| w.is_idle_since(*group, self.idle_since(now)))
            {
                aggregates.clear(*group, table.key(*group), table.key_group(*group))?;
            }
        }
        Ok(())
    }

    /// So many groups are new.
    pub(crate) const fn owe(&mut self, created: usize) {
        self.debt = self.debt.saturating_add(created.saturating_mul(LOOKS_PER_NEW_GROUP));
    }

    /// Goes on with the walk for one step, or as many as new groups ask for; begins one if it is time.
    ///
    /// # Errors
    /// [`OperatorError::State`].
    pub(crate) fn walk(
        &mut self,
        table: &mut GroupTable,
        aggregates: &mut Aggregates,
    ) -> Result<Expiring, OperatorError> {
        loop {
            let left = self.step(table, aggregates)?;
            if left != Expiring::More {
                self.debt = 0;
            }
            if self.debt == 0 {
                return Ok(left);
            }
        }
    }

    fn step(
        &mut self,
        table: &mut GroupTable,
        aggregates: &mut Aggregates,
    ) -> Result<Expiring, OperatorError> {
        let Some(now) = self.now_ms() else { return Ok(Expiring::Later) };
        let until = self.idle_since(now);
        self.place = match &self.place {
            Place::Rest if !self.is_due(now) => return Ok(Expiring::Later),
            Place::Rest => {
                self.walked_at_ms = Some(now);
                Place::Memory(0)
            }
            Place::Memory(from) => {
                let end = from + MEMORY_STEP;
                let is_idle = |g: &u32| aggregates.last_writes().is_some_and(|w| w.is_idle_since(*g, until));
                let expired: Vec<u32> = table.live_among(*from..end).filter(is_idle).collect();
                let left = remove_some(&expired, table, aggregates)?;
                let next = left.map_or(end, |left| left as usize);
                self.debt = self.debt.saturating_sub(next - from);
                match (left, end < table.slots(), table.has_spilled()) {
                    (Some(_), _, _) | (None, true, _) => Place::Memory(next),
                    (None, false, true) => Place::Store(StorePlace::default()),
                    (None, false, false) => Place::Rest,
                }
            }
            Place::Store(place) => {
                let writes = aggregates.last_writes().map(|w| w.judge(until));
                let is_wanted = |columns: &[_]| match (&writes, columns.last()) {
                    (Some(judge), Some(times)) => judge.idle_rows(times),
                    _ => Vec::new(),
                };
                let step = table.load_next(place, self.store_step, key_hash, is_wanted, aggregates)?;
                self.debt = self.debt.saturating_sub(self.store_step);
                let removed = remove(&step.groups, table, aggregates)?;
                self.store_step = next_step(self.store_step, removed);
                step.next.map_or(Place::Rest, Place::Store)
            }
        };
        // What was kept of groups that went leaves marks for the next checkpoint, which may be many.
        aggregates.make_room()?;
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

/// Ends groups, with all that is kept for them, until it was enough for one step. Returns the first that is left.
fn remove_some(
    groups: &[u32],
    table: &mut GroupTable,
    aggregates: &mut Aggregates,
) -> Result<Option<u32>, OperatorError> {
    let mut removed = 0;
    for group in groups {
        if removed >= REMOVALS {
            return Ok(Some(*group));
        }
        removed += remove(std::slice::from_ref(group), table, aggregates)?;
    }
    Ok(None)
}

/// Groups to look at after a step that removed so much: as many as a step may remove, as far as the last one tells.
fn next_step(step: usize, removed: usize) -> usize {
    match removed {
        0..=REMOVALS => (step * 2).min(STORE_STEP),
        _ => (step / 2).max(1),
    }
}

/// Ends groups, with all that is kept for them. Returns the number of rows of state that they were.
///
/// # Errors
/// [`OperatorError::State`].
pub(crate) fn remove(
    groups: &[u32],
    table: &mut GroupTable,
    aggregates: &mut Aggregates,
) -> Result<usize, OperatorError> {
    let mut removed = groups.len();
    for group in groups {
        removed += aggregates.clear(*group, table.key(*group), table.key_group(*group))?;
        table.delete(*group);
    }
    Ok(removed)
}
