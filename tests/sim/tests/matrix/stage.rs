//! Where the suite sees everything that happens, and does what the cell says, at the moment that the cell says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use millstream_model::control::{FromWorker, ToWorker};
use millstream_storage::Action;
use millstream_test_testkit::mock_sink::Phase as TargetPhase;
use tokio::sync::watch;

use super::cell::{Cell, Fault, Phase, Role};
use super::member::{Condition, Member};
use crate::harness::job::Target;
use crate::harness::life::Event;
use crate::harness::numbers::ROWS;

/// Rows of each split that every epoch may add, so that each checkpoint has something in it: twenty epochs read all.
const PLACES_AN_EPOCH: u64 = 3;

/// Something that is about to happen, or has just happened, in or to one process.
#[derive(Debug)]
pub(crate) enum Moment<'a> {
    /// An order reaches a worker next.
    Order(&'a ToWorker),
    /// A report reaches the coordinator next.
    Report(&'a FromWorker),
    Before(Action, &'a str),
    Behind(Action, &'a str),
    /// A call to the target comes next.
    Target(TargetPhase),
    Event(&'a Event),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Stage {
    cell: Cell,
    activity: AtomicU64,
    places: AtomicU64,
    state: Mutex<State>,
    fired: watch::Sender<bool>,
    marks: watch::Sender<BTreeMap<u64, u64>>,
}

#[derive(Debug, Default)]
struct State {
    /// The first process of each role.
    first: BTreeMap<Role, Arc<Member>>,
    /// An epoch is marked, so there is something to go on from.
    is_armed: bool,
}

impl Stage {
    pub(crate) fn new(cell: Cell) -> Self {
        Self {
            cell,
            activity: AtomicU64::new(0),
            places: AtomicU64::new(2 * PLACES_AN_EPOCH),
            state: Mutex::default(),
            fired: watch::Sender::new(false),
            marks: watch::Sender::default(),
        }
    }

    /// A process comes in. The first one of the cell's role is the one that suffers.
    pub(crate) fn enter(&self, member: &Arc<Member>) {
        self.state.lock().unwrap().first.entry(member.role).or_insert_with(|| member.clone());
    }

    pub(crate) fn activity(&self) -> u64 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Something happened that the stage need not know.
    pub(crate) fn stirs(&self) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn places(&self) -> u64 {
        self.places.load(Ordering::Relaxed)
    }

    /// All input may be read, which ends the job.
    pub(crate) fn may_end(&self) {
        self.places.store(u64::MAX, Ordering::Relaxed);
    }

    /// Waits until the fault has happened.
    pub(crate) async fn fired(&self) {
        let _ = self.fired.subscribe().wait_for(|fired| *fired).await;
    }

    pub(crate) fn has_fired(&self) -> bool {
        *self.fired.borrow()
    }

    /// Waits until this process has marked so many epochs.
    pub(crate) async fn marked(&self, member: &Member, epochs: u64) {
        let number = member.number;
        let is_so = |marks: &BTreeMap<u64, u64>| marks.get(&number).is_some_and(|marked| *marked >= epochs);
        let _ = self.marks.subscribe().wait_for(is_so).await;
    }

    /// Epochs that a process has marked.
    pub(crate) fn marks_of(&self, member: &Member) -> u64 {
        self.marks.borrow().get(&member.number).copied().unwrap_or(0)
    }

    /// It comes to this in that process. If it is what the cell waits for, the fault has happened when this returns.
    pub(crate) fn at(&self, who: &Member, moment: Moment<'_>) {
        self.stirs();
        let is_marked = matches!(moment, Moment::Behind(Action::Create, key) if key.ends_with("/published"));
        let victim = {
            let state = self.state.lock().unwrap();
            let is_it = state.is_armed && !self.has_fired() && self.is_phase(who, &moment);
            is_it.then(|| state.first[&self.cell.role].clone())
        };
        if let Some(victim) = victim {
            victim.becomes(match self.cell.fault {
                Fault::Kill => Condition::Dead,
                Fault::Freeze => Condition::Frozen,
                Fault::CutOff => Condition::CutOff,
            });
            self.fired.send_replace(true);
        }
        if is_marked {
            self.state.lock().unwrap().is_armed = true;
            // The last rows stay for the end.
            let more = |places: u64| {
                Some(if places == u64::MAX { places } else { (places + PLACES_AN_EPOCH).min(ROWS - 1) })
            };
            let _ = self.places.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            self.marks.send_modify(|marks| *marks.entry(who.number).or_default() += 1);
        }
    }

    fn is_phase(&self, who: &Member, moment: &Moment<'_>) -> bool {
        let uploader = match self.cell.role {
            Role::Coordinator => Role::Sink,
            worker => worker,
        };
        let is_part = |key: &str| key.contains("/state/") || key.contains("/staged/");
        let is_files = self.cell.target == Target::Files;
        match (self.cell.phase, moment) {
            (Phase::Trigger, Moment::Order(order)) => matches!(order, ToWorker::TriggerBarrier { .. }),
            (Phase::Align, Moment::Before(Action::Create, key)) => is_part(key) && who.role == Role::Source,
            (Phase::Upload, Moment::Before(Action::Create, key))
            | (Phase::Uploaded, Moment::Behind(Action::Create, key)) => is_part(key) && who.role == uploader,
            (Phase::Acknowledge, Moment::Report(report)) => {
                matches!(report, FromWorker::SnapshotStored { .. })
            }
            (Phase::Manifest, Moment::Before(Action::Create, key))
            | (Phase::ManifestWritten, Moment::Behind(Action::Create, key)) => key.ends_with("/manifest"),
            (Phase::Claim, Moment::Before(Action::Create, key))
            | (Phase::Claimed, Moment::Behind(Action::Create, key)) => key.contains("/epoch/"),
            (Phase::Owned, Moment::Order(order)) => matches!(order, ToWorker::EpochOwned { .. }),
            (Phase::Publish, Moment::Event(Event::PublishBegan(..)))
            | (Phase::Published, Moment::Event(Event::Published(..))) => true,
            (Phase::Commit, Moment::Before(Action::Create, key)) => is_files && key.contains("/_millstream/"),
            (Phase::Commit, Moment::Target(phase)) => *phase == TargetPhase::Commit,
            (Phase::Mark, Moment::Before(Action::Create, key))
            | (Phase::Marked, Moment::Behind(Action::Create, key)) => key.ends_with("/published"),
            (Phase::Sweep, Moment::Before(Action::Delete, _)) => true,
            _ => false,
        }
    }
}
