//! A subtask's part of checkpoints: freeze now, encode and store later, forget when the epoch is owned.
//!
//! What was frozen or closed stays pending until the subtask hears that an epoch that holds it is owned. A checkpoint that
//! is aborted leaves its part to the next one: the acknowledgement of a checkpoint lists everything that is pending.
//! Example: segment A frozen at 5, 5 is aborted, segment B frozen at 6: the report for 6 lists A, then B.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use millstream_connectors::sink::ClosedSegment;
use millstream_model::control::FromWorker;
use millstream_model::error::with_causes;
use millstream_model::snapshot::{OperatorFacts, SplitState, StagedSegment, StateSegment, SubtaskSnapshot};
use millstream_model::{CheckpointId, ErrorKind, JobError, KeyGroupRange, OperatorUid};
use millstream_state::{EncodedSegment, FrozenTable, SpilledBase};
use tokio::sync::{Mutex, mpsc};

use crate::clock::unix_ms;
use crate::memory::TaskMemory;
use crate::store::{ObjectScope, SnapshotStore};

const MIB: usize = 1024 * 1024;

/// How often a task that waits for memory looks again.
pub(crate) const RELIEF: Duration = Duration::from_millis(5);

/// Output that a subtask may hold while it is on its way to the store: eight segments of the size that a sink closes by itself, or
/// an eighth of the slot's memory if that is less. A sink that closes faster than the store takes waits.
const MAX_EARLY_BYTES: usize = 64 * MIB;
/// One segment at least.
const MIN_EARLY_BYTES: usize = 8 * MIB;

/// Frozen rows of a table of an operator.
pub(crate) struct FrozenState {
    pub(crate) operator: OperatorUid,
    pub(crate) rows: FrozenRows,
}

/// Copied rows, or a base that is still to be read from the store of what was spilled.
pub(crate) enum FrozenRows {
    Table(FrozenTable),
    Base(SpilledBase),
}

/// Everything about a barrier that is known when it passes.
pub(crate) struct Cut {
    pub(crate) checkpoint: CheckpointId,
    pub(crate) splits: Vec<SplitState>,
    pub(crate) facts: Vec<OperatorFacts>,
    pub(crate) is_finished: bool,
    pub(crate) freeze_us: u64,
}

/// One pending thing, on its way from memory to the bucket.
#[derive(Clone)]
enum Load {
    Frozen(Rc<RefCell<Option<FrozenTable>>>, OperatorUid, usize),
    /// Becomes several segments.
    Base(Rc<RefCell<Option<SpilledBase>>>, OperatorUid),
    Encoded(EncodedSegment, OperatorUid),
    Segment(StateSegment),
    Closed {
        sink: OperatorUid,
        segment: ClosedSegment,
        closed_at_ms: u64,
    },
    Staged(StagedSegment),
}

struct Item {
    /// The first checkpoint that has it; `None` while no barrier has passed since it was closed.
    checkpoint: Option<CheckpointId>,
    load: Load,
}

impl Item {
    const fn held_bytes(&self) -> usize {
        match &self.load {
            Load::Closed { segment, .. } => segment.bytes.len(),
            Load::Encoded(segment, _) => segment.bytes.len(),
            Load::Frozen(_, _, bytes) => *bytes,
            Load::Base(..) | Load::Segment(_) | Load::Staged(_) => 0,
        }
    }
}

/// The pending parts of one subtask.
pub(crate) struct Snapshots {
    scope: ObjectScope,
    key_groups: KeyGroupRange,
    store: Arc<dyn SnapshotStore>,
    /// The task's line in its slot's account: what is held is noted there.
    memory: Rc<TaskMemory>,
    reports: mpsc::Sender<FromWorker>,
    items: RefCell<Vec<Item>>,
    /// Only with a bug planted: what these checkpoints have is never reported.
    forgotten: Cell<Option<CheckpointId>>,
    /// Held while items are stored, so that each is stored once and reports leave in order.
    storing: Mutex<()>,
}

impl Snapshots {
    pub(crate) fn new(
        scope: ObjectScope,
        key_groups: KeyGroupRange,
        store: Arc<dyn SnapshotStore>,
        memory: Rc<TaskMemory>,
        reports: mpsc::Sender<FromWorker>,
    ) -> Rc<Self> {
        Rc::new(Self {
            scope,
            key_groups,
            store,
            memory,
            reports,
            items: RefCell::default(),
            forgotten: Cell::new(None),
            storing: Mutex::new(()),
        })
    }

    /// Takes over segments that a sink closed before any barrier, and starts to store them.
    pub(crate) fn add_closed(self: &Rc<Self>, sink: &OperatorUid, segments: Vec<ClosedSegment>) {
        if segments.is_empty() {
            return;
        }
        self.push_closed(None, sink, segments);
        self.store_in_background();
    }

    /// Takes over changed state that left memory before any barrier, and starts to store it.
    pub(crate) fn add_spilled(self: &Rc<Self>, operator: &OperatorUid, tables: Vec<FrozenTable>) {
        for table in tables {
            let load = frozen(table, operator.clone());
            self.items.borrow_mut().push(Item { checkpoint: None, load });
        }
        self.store_in_background();
    }

    fn store_in_background(self: &Rc<Self>) {
        self.note(true);
        let this = self.clone();
        tokio::task::spawn_local(async move {
            // A failure leaves the items as they are: the next barrier tries again and reports.
            let _guard = this.storing.lock().await;
            let _ = this.store_items().await;
        });
    }

    /// Waits until little is not stored, so that a slow store holds up the task and memory stays bounded.
    ///
    /// # Errors
    /// When there is more and the store does not take it.
    pub(crate) async fn room(&self) -> Result<(), JobError> {
        let limit =
            self.memory.budget().map_or(MAX_EARLY_BYTES, |b| (b / 8).clamp(MIN_EARLY_BYTES, MAX_EARLY_BYTES));
        if self.early_bytes() <= limit {
            return Ok(());
        }
        let _guard = self.storing.lock().await;
        self.store_items().await
    }

    /// Called before a barrier copies state again: if the copies of earlier, aborted checkpoints take more than a quarter of the
    /// slot's memory, waits until they are stored. If the store does not take them, the next barrier tries again.
    pub(crate) async fn room_for_barrier(&self) {
        if self.memory.budget().is_some_and(|budget| self.held_bytes() > budget / 4) {
            let _guard = self.storing.lock().await;
            let _ = self.store_items().await;
        }
    }

    /// Called while there is too little memory: lets something of what is held reach the store. False if nothing is held.
    ///
    /// # Errors
    /// The store does not take it.
    pub(crate) async fn relieve(&self) -> Result<bool, JobError> {
        if self.held_bytes() == 0 {
            return Ok(false);
        }
        match self.storing.try_lock() {
            Ok(_guard) => self.store_items().await?,
            // A base may take minutes; what lies before it is stored sooner.
            Err(_) => tokio::time::sleep(RELIEF).await,
        }
        Ok(true)
    }

    /// What a task that waits for the store can keep from growing. What a barrier froze never holds up a task.
    fn early_bytes(&self) -> usize {
        let is_early = |item: &&Item| matches!(item.load, Load::Closed { .. }) || item.checkpoint.is_none();
        self.items.borrow().iter().filter(is_early).map(Item::held_bytes).sum()
    }

    /// Memory of all that is on its way to the store.
    pub(crate) fn held_bytes(&self) -> usize {
        self.items.borrow().iter().map(Item::held_bytes).sum()
    }

    /// Takes over what a barrier froze and closed; stores it in the background and reports to the coordinator.
    pub(crate) fn begin(
        self: &Rc<Self>,
        cut: Cut,
        frozen: Vec<FrozenState>,
        closed: Option<(&OperatorUid, Vec<ClosedSegment>)>,
    ) {
        let checkpoint = cut.checkpoint;
        for item in self.items.borrow_mut().iter_mut().filter(|i| i.checkpoint.is_none()) {
            item.checkpoint = Some(checkpoint);
        }
        for FrozenState { operator, rows } in frozen {
            let load = match rows {
                FrozenRows::Table(table) => self::frozen(table, operator),
                FrozenRows::Base(base) => Load::Base(Rc::new(RefCell::new(Some(base))), operator),
            };
            self.items.borrow_mut().push(Item { checkpoint: Some(checkpoint), load });
        }
        if let Some((sink, segments)) = closed {
            self.push_closed(Some(checkpoint), sink, segments);
        }
        self.note(true);
        let this = self.clone();
        tokio::task::spawn_local(async move {
            let _guard = this.storing.lock().await;
            let report = match this.store_items().await {
                Ok(()) => FromWorker::SnapshotStored {
                    attempt: this.scope.attempt,
                    checkpoint,
                    snapshot: this.snapshot(cut),
                },
                Err(error) => FromWorker::SnapshotFailed {
                    attempt: this.scope.attempt,
                    checkpoint,
                    subtask: this.scope.subtask,
                    error,
                },
            };
            // A closed queue means that the coordinator is gone; the worker notices by itself.
            let _ = this.reports.send(report).await;
        });
    }

    /// Forgets what an owned epoch holds.
    pub(crate) fn owned(&self, checkpoint: CheckpointId) {
        self.items.borrow_mut().retain(|item| item.checkpoint.is_none_or(|c| c > checkpoint));
    }

    /// What must not happen when a checkpoint is aborted, for tests of the tests.
    pub(crate) fn forget(&self, checkpoint: CheckpointId) {
        self.forgotten.set(self.forgotten.get().max(Some(checkpoint)));
    }

    fn push_closed(
        &self,
        checkpoint: Option<CheckpointId>,
        sink: &OperatorUid,
        segments: Vec<ClosedSegment>,
    ) {
        let closed_at_ms = unix_ms();
        self.items.borrow_mut().extend(segments.into_iter().filter(|s| s.rows > 0).map(|segment| Item {
            checkpoint,
            load: Load::Closed { sink: sink.clone(), segment, closed_at_ms },
        }));
    }

    /// Notes what is held in the slot's account.
    fn note(&self, is_storing: bool) {
        self.memory.note_copies(self.held_bytes(), is_storing);
    }

    /// Stores what is not stored yet, in order.
    async fn store_items(&self) -> Result<(), JobError> {
        self.note(true);
        let outcome = self.store_each().await;
        self.note(outcome.is_ok());
        outcome
    }

    async fn store_each(&self) -> Result<(), JobError> {
        let mut index = 0;
        loop {
            // Items may be added behind, and removed in front, while this waits: find the place again by identity.
            let Some(load) = self.items.borrow().get(index).map(|i| i.load.clone()) else { return Ok(()) };
            let stored = match load {
                Load::Segment(_) | Load::Staged(_) => {
                    index += 1;
                    continue;
                }
                Load::Base(base, operator) => {
                    let (loads, outcome) = self.put_base(&base, operator).await;
                    self.replace_first_unstored(loads);
                    outcome?;
                    index = 0;
                    continue;
                }
                Load::Frozen(table, operator, _) => encode(&table, operator).await?,
                Load::Encoded(segment, operator) => self.put_state(segment, operator).await?,
                Load::Closed { sink, segment, closed_at_ms } => {
                    self.put_staged(sink, segment, closed_at_ms).await?
                }
            };
            self.replace_first_unstored(vec![stored]);
            index = 0;
        }
    }

    /// While something was stored, an epoch cannot have become owned that holds an unstored item, so only stored items in front can
    /// be gone: the first unstored item is still the one that was worked on.
    fn replace_first_unstored(&self, stored: Vec<Load>) {
        let mut items = self.items.borrow_mut();
        let is_unstored = |item: &Item| !matches!(item.load, Load::Segment(_) | Load::Staged(_));
        let Some(place) = items.iter().position(is_unstored) else { return };
        let checkpoint = items[place].checkpoint;
        items.splice(place..=place, stored.into_iter().map(|load| Item { checkpoint, load }));
        drop(items);
        self.note(true);
    }

    /// Stores a base part by part, so that only one of them is in memory. Gives what takes its place: the stored parts, and behind
    /// them, if one could not be stored, that one and the rest of the base for the next try. What cannot be read from the store is
    /// lost, and every checkpoint fails until the task is restored.
    async fn put_base(
        &self,
        base: &Rc<RefCell<Option<SpilledBase>>>,
        operator: OperatorUid,
    ) -> (Vec<Load>, Result<(), JobError>) {
        let mut loads = Vec::new();
        loop {
            let Some(mut rest) = base.borrow_mut().take() else {
                let lost = "spilled state could not be read before, and is only whole again after a restart";
                loads.push(Load::Base(base.clone(), operator));
                return (loads, Err(JobError::new(ErrorKind::Transient, lost)));
            };
            let name = rest.table().to_owned();
            let read = tokio::task::spawn_blocking(move || {
                let part = rest.next().map(|part| part.and_then(FrozenTable::into_segment));
                (rest, part)
            });
            let failed = |cause: String| {
                JobError::new(ErrorKind::Transient, format!("read spilled state table `{name}`: {cause}"))
            };
            let segment = match read.await {
                Ok((_, None)) => return (loads, Ok(())),
                Ok((rest, Some(Ok(segment)))) => {
                    *base.borrow_mut() = Some(rest);
                    segment
                }
                Ok((_, Some(Err(error)))) => {
                    loads.push(Load::Base(base.clone(), operator));
                    return (loads, Err(failed(with_causes(&error))));
                }
                Err(error) => {
                    loads.push(Load::Base(base.clone(), operator));
                    return (loads, Err(failed(error.to_string())));
                }
            };
            match self.put_state(segment.clone(), operator.clone()).await {
                Ok(stored) => loads.push(stored),
                Err(error) => {
                    loads.push(Load::Encoded(segment, operator.clone()));
                    loads.push(Load::Base(base.clone(), operator));
                    return (loads, Err(error));
                }
            }
        }
    }

    async fn put_state(&self, segment: EncodedSegment, operator: OperatorUid) -> Result<Load, JobError> {
        let EncodedSegment { table, is_base, rows, bytes } = segment;
        let object = self.store.put_state(self.scope, &operator, &table, bytes).await?;
        Ok(Load::Segment(StateSegment {
            operator,
            table,
            object,
            rows,
            key_groups: self.key_groups,
            is_base,
        }))
    }

    async fn put_staged(
        &self,
        sink: OperatorUid,
        segment: ClosedSegment,
        closed_at_ms: u64,
    ) -> Result<Load, JobError> {
        let object = self.store.put_staged(self.scope, &sink, segment.bytes).await?;
        Ok(Load::Staged(StagedSegment {
            sink,
            slot: self.scope.subtask.index,
            partition: segment.partition,
            object,
            rows: segment.rows,
            closed_at_ms,
        }))
    }

    /// Everything pending up to the checkpoint. All of it is stored by now.
    fn snapshot(&self, cut: Cut) -> SubtaskSnapshot {
        let mut snapshot = SubtaskSnapshot {
            subtask: self.scope.subtask,
            segments: Vec::new(),
            splits: cut.splits,
            facts: cut.facts,
            staged: Vec::new(),
            is_finished: cut.is_finished,
            freeze_us: cut.freeze_us,
        };
        let forgotten = self.forgotten.get();
        let is_in = |i: &&Item| i.checkpoint.is_some_and(|c| c <= cut.checkpoint && Some(c) > forgotten);
        for item in self.items.borrow().iter().filter(is_in) {
            match &item.load {
                Load::Segment(segment) => snapshot.segments.push(segment.clone()),
                Load::Staged(segment) => snapshot.staged.push(segment.clone()),
                Load::Frozen(..) | Load::Base(..) | Load::Encoded(..) | Load::Closed { .. } => {}
            }
        }
        snapshot
    }
}

fn frozen(table: FrozenTable, operator: OperatorUid) -> Load {
    let bytes = table.bytes();
    Load::Frozen(Rc::new(RefCell::new(Some(table))), operator, bytes)
}

async fn encode(table: &RefCell<Option<FrozenTable>>, operator: OperatorUid) -> Result<Load, JobError> {
    let Some(frozen) = table.borrow_mut().take() else {
        return Err(JobError::new(
            ErrorKind::Bug,
            "a frozen table was encoded twice; this is a bug in Millstream",
        ));
    };
    let name = frozen.table.clone();
    // Sorting and compressing a large table takes tens of milliseconds: not on the slot's thread.
    match tokio::task::spawn_blocking(move || frozen.into_segment()).await {
        Ok(Ok(segment)) => Ok(Load::Encoded(segment, operator)),
        Ok(Err(error)) => Err(JobError::new(
            ErrorKind::Bug,
            format!("encode state table `{name}`: {}", with_causes(&error)),
        )),
        Err(error) => Err(JobError::new(ErrorKind::Bug, format!("encode state table `{name}`: {error}"))),
    }
}

#[cfg(test)]
mod snapshot_test;
