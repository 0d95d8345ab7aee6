//! A small world around a job master: workers, an enumerator, a bucket, faults. Random bytes choose what happens next; what
//! must never happen is checked at every command, and once the faults stop the job has to finish.

mod tasks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use millstream_checkpoint::{Manifest, Outcome};
use millstream_model::control::{FromWorker, ToWorker, WorkerId};
use millstream_model::{Attempt, CheckpointId, Epoch, ErrorKind, SplitId};
use proptest::prelude::*;

use self::tasks::Tasks;
use super::bench::*;
use crate::fixture::split;
use crate::{
    AfterSavepoint, Command, Event, JobEnd, JobMaster, JobPhase, RescaleId, SavepointId, SavepointReport,
    Settings, Timer,
};

/// Splits that the input consists of, and steps that reading one takes.
const SPLITS: usize = 24;
const STEPS: u8 = 3;
const PARALLELISM: [u32; 2] = [2, 1];
/// Subtasks of the source at most: as many as there are slots.
const WIDEST: usize = 4;
/// Savepoints that are asked for at most.
const ORDERS: usize = 6;

struct World {
    master: JobMaster,
    now_ms: u64,
    workers_ever: WorkerId,
    to_worker: BTreeMap<WorkerId, VecDeque<ToWorker>>,
    to_master: VecDeque<Event>,
    tasks: Tasks,
    enumerator: Option<(Attempt, usize)>,
    timers: BTreeMap<Timer, u64>,
    /// Writes that have not been answered.
    io: Vec<Command>,
    epochs: Vec<(Epoch, Manifest)>,
    written: BTreeMap<CheckpointId, Manifest>,
    published: Vec<Epoch>,
    marked: Vec<Epoch>,
    /// Splits that are read to their end in the snapshots of a checkpoint.
    read: BTreeMap<CheckpointId, BTreeSet<SplitId>>,
    /// Savepoints that were asked for.
    asked: u64,
    /// Those that the job master has heard of: what becomes of the job, and the epoch of the savepoint, or that there is none.
    orders: BTreeMap<SavepointId, (AfterSavepoint, Option<Option<Epoch>>)>,
    /// Subtasks of the source in each attempt.
    widths: BTreeMap<Attempt, u32>,
    /// Another parallelism that was asked for and is not answered.
    /// Parallelism that was asked for and not answered.
    rescales: BTreeMap<RescaleId, u32>,
    end: Option<JobEnd>,
    trace: Vec<String>,
    /// Each event with its time and its commands, as a log would have them.
    log: Vec<String>,
}

impl World {
    fn spec() -> crate::JobSpec {
        let restart = crate::RestartStrategy::FixedDelay {
            attempts: u32::MAX,
            delay_ms: 100,
            reset_after_ms: u64::MAX,
        };
        let publish = crate::PublishSettings { attempts: u32::MAX, ..settings().publish };
        spec(&PARALLELISM, Settings { restart, publish, ..settings() })
    }

    fn new() -> Self {
        let mut world = Self {
            master: JobMaster::new(Self::spec()),
            now_ms: 0,
            workers_ever: 0,
            to_worker: BTreeMap::new(),
            to_master: VecDeque::new(),
            tasks: Tasks::default(),
            enumerator: None,
            timers: BTreeMap::new(),
            io: Vec::new(),
            epochs: Vec::new(),
            written: BTreeMap::new(),
            published: Vec::new(),
            marked: Vec::new(),
            read: BTreeMap::new(),
            asked: 0,
            orders: BTreeMap::new(),
            widths: BTreeMap::new(),
            rescales: BTreeMap::new(),
            end: None,
            trace: Vec::new(),
            log: Vec::new(),
        };
        world.tell(took_over(None, &[]));
        world.join();
        world.join();
        world
    }

    /// A new process offers two slots; one alone is enough for the job.
    fn join(&mut self) {
        self.workers_ever += 1;
        let worker = self.workers_ever;
        self.to_worker.insert(worker, VecDeque::new());
        self.to_master.push_back(registered(worker, 2));
    }

    fn tell(&mut self, event: Event) {
        self.trace.push(format!("{} {event}", self.now_ms));
        if let (Event::SavepointRequested { id, then }, None) = (&event, &self.end) {
            self.orders.insert(*id, (*then, None));
        }
        if let (Event::RescaleRequested { id, parallelism, .. }, None) = (&event, &self.end) {
            self.rescales.insert(*id, *parallelism);
        }
        let heard = serde_json::to_value(&event).unwrap();
        let commands = self.master.handle(event, self.now_ms);
        self.log.push(serde_json::to_string(&(self.now_ms, heard, &commands)).unwrap());
        assert!(self.end.is_none() || commands.is_empty(), "commands behind the end: {commands:?}");
        for command in commands {
            if !matches!(command, Command::ReportStatus(_)) {
                self.trace.push(format!("  > {command}"));
            }
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Send { worker, message } => {
                if let Some(queue) = self.to_worker.get_mut(&worker) {
                    queue.push_back(message);
                }
            }
            Command::ReleaseWorker { worker, .. } => {
                // It sees the closed connection, ends its tasks and comes back as a new process.
                self.tasks.worker.retain(|_, w| *w != worker);
                self.to_worker.remove(&worker);
                self.join();
            }
            Command::StartEnumerator { attempt, state, .. } => {
                let found = state.and_then(|s| s.first().copied()).unwrap_or(0);
                self.enumerator = Some((attempt, found.into()));
            }
            Command::StopEnumerators { .. } => self.enumerator = None,
            Command::SetTimer { timer, at_ms } => {
                self.timers.insert(timer, at_ms);
            }
            Command::ReportStatus(_) => {}
            Command::RefuseSavepoint { id, .. } => self.answered(id, None),
            Command::Rescaled { id, attempt } => {
                let asked = self.rescales.remove(&id).expect("nobody asked, or it was answered before");
                assert_eq!(self.master.graph().chains[0].parallelism, asked);
                assert!(self.widths.get(&attempt).is_none_or(|width| *width == asked));
            }
            Command::RefuseRescale { id, .. } => {
                self.rescales.remove(&id).expect("nobody asked, or it was answered before");
            }
            Command::End(end) => self.end = Some(end),
            write => {
                self.check_write(&write);
                self.io.push(write);
            }
        }
    }

    fn check_write(&self, write: &Command) {
        let kind = std::mem::discriminant(write);
        assert!(
            !self.io.iter().any(|open| std::mem::discriminant(open) == kind),
            "two at once: {write}\n{}",
            self.trace.join("\n")
        );
        match write {
            Command::WriteManifest { manifest } => self.check_splits(manifest),
            Command::ClaimEpoch { checkpoint } => assert!(self.written.contains_key(checkpoint)),
            Command::Publish { epoch, .. } => {
                let next = self.epochs.iter().map(|(e, _)| *e).find(|e| !self.marked.contains(e));
                assert_eq!(next, Some(*epoch), "published out of order or before it is owned");
            }
            Command::MarkPublished { epoch, .. } => assert!(self.published.contains(epoch)),
            Command::WriteSavepoint { epoch, .. } => assert!(self.marked.contains(epoch), "not visible"),
            _ => {}
        }
    }

    /// Every split that the enumerator remembers is in the manifest exactly once, or read to its end and forgotten.
    fn check_splits(&self, manifest: &Manifest) {
        let remembered = manifest.sources[0].enumerator.first().copied().unwrap_or(0);
        let listed: Vec<_> = manifest.sources[0].splits.iter().map(|s| &s.split).collect();
        let unique: BTreeSet<_> = listed.iter().copied().cloned().collect();
        let expected: BTreeSet<_> = (0..remembered).map(|n| SplitId(format!("s{n}"))).collect();
        assert_eq!(listed.len(), unique.len(), "a split is doubled\n{}", self.trace.join("\n"));
        let read = self.read_in(manifest);
        let known: BTreeSet<_> = unique.iter().chain(&read).cloned().collect();
        assert_eq!(known, expected, "a split is lost or a stranger\n{}", self.trace.join("\n"));
    }

    /// Splits that are read to their end in a checkpoint: those of the one before, and what its snapshots say.
    fn read_in(&self, manifest: &Manifest) -> BTreeSet<SplitId> {
        let before = self.epochs.iter().rfind(|(_, m)| m.checkpoint < manifest.checkpoint);
        let mut read = before.map_or_else(BTreeSet::new, |(_, m)| self.read_in(m));
        read.extend(self.read.get(&manifest.checkpoint).into_iter().flatten().cloned());
        read
    }

    /// Whether something could be done; `choice` says what.
    fn step(&mut self, choice: u8, with_faults: bool) {
        let choice = usize::from(choice);
        match choice % 8 {
            0 | 1 => self.deliver(),
            2 => self.worker_step(choice / 8),
            3 => self.read(choice / 8),
            // Rarely, so that most checkpoints find the search unfinished.
            4 if choice.is_multiple_of(3) => self.enumerate(),
            4 => self.answer(choice / 8, false),
            5 => self.answer(choice / 8, with_faults && choice.is_multiple_of(3)),
            6 => self.fire(),
            _ if with_faults => self.fault(choice / 8),
            _ => self.worker_step(choice / 8),
        }
    }

    fn deliver(&mut self) {
        if let Some(event) = self.to_master.pop_front() {
            self.tell(event);
        }
    }

    fn enumerate(&mut self) {
        let Some((attempt, found)) = self.enumerator else { return };
        let more = usize::from(found < SPLITS);
        let now_found = found + more;
        self.enumerator = Some((attempt, now_found));
        self.to_master.push_back(Event::SplitsDiscovered {
            attempt,
            source: millstream_model::OperatorUid("src".into()),
            splits: (found..now_found).map(|n| split(&format!("s{n}"))).collect(),
            enumerator: vec![now_found as u8],
            no_more: now_found == SPLITS,
        });
        if now_found == SPLITS && more == 0 {
            self.enumerator = None;
        }
    }

    /// One open write is answered, with a failure if `fails` and the write may fail.
    fn answer(&mut self, choice: usize, fails: bool) {
        if self.io.is_empty() {
            return;
        }
        let error = error(ErrorKind::Transient);
        let event = match self.io.remove(choice % self.io.len()) {
            Command::WriteManifest { manifest } if fails => {
                Event::ManifestFailed { checkpoint: manifest.checkpoint, error }
            }
            Command::WriteManifest { manifest } => {
                let checkpoint = manifest.checkpoint;
                self.written.insert(checkpoint, *manifest);
                Event::ManifestWritten { checkpoint }
            }
            Command::ClaimEpoch { checkpoint } => {
                let epoch = Epoch(22 + self.epochs.len() as u64);
                self.epochs.push((epoch, self.written[&checkpoint].clone()));
                Event::EpochOwned { checkpoint, epoch }
            }
            Command::Publish { epoch, .. } if fails => Event::PublishFailed { epoch, error },
            Command::Publish { epoch, .. } => {
                self.published.push(epoch);
                Event::Published { epoch }
            }
            Command::MarkPublished { epoch, .. } if fails => Event::MarkFailed { epoch, error },
            Command::MarkPublished { epoch, .. } => {
                self.marked.push(epoch);
                Event::Marked { epoch }
            }
            Command::WriteSavepoint { id, .. } if fails => {
                self.answered(id, None);
                Event::SavepointFailed { id, error }
            }
            Command::WriteSavepoint { id, epoch } => {
                self.answered(id, Some(epoch));
                let report = SavepointReport { location: "s".into(), epoch, rows: 0, bytes: 0, at_ms: 0 };
                Event::SavepointWritten { id, report }
            }
            _ => Event::Swept,
        };
        self.to_master.push_back(event);
    }

    fn order(&mut self, choice: usize) {
        self.asked += 1;
        let id = SavepointId(self.asked);
        let then = [AfterSavepoint::GoOn, AfterSavepoint::GoOn, AfterSavepoint::Stop, AfterSavepoint::Drain]
            [choice % 4];
        self.to_master.push_back(Event::SavepointRequested { id, then });
    }

    fn order_rescale(&mut self, choice: usize) {
        let wanted = (choice % WIDEST) as u32 + 1;
        let Event::RescaleRequested { parallelism, graph, .. } = rescale(wanted, &[wanted, 1]) else {
            unreachable!()
        };
        self.asked += 1;
        let id = RescaleId(self.asked);
        self.to_master.push_back(Event::RescaleRequested { id, parallelism, graph });
    }

    fn answered(&mut self, id: SavepointId, epoch: Option<Epoch>) {
        let (_, answer) = self.orders.get_mut(&id).unwrap();
        // Whoever is cancelled over a write hears of it from the end of the job.
        assert!(answer.is_none(), "{id} is answered twice\n{}", self.trace.join("\n"));
        *answer = Some(epoch);
    }

    fn fire(&mut self) {
        let Some((timer, at_ms)) = self.timers.iter().map(|(t, at)| (*t, *at)).min_by_key(|(_, at)| *at)
        else {
            return;
        };
        self.timers.remove(&timer);
        self.now_ms = self.now_ms.max(at_ms);
        self.tell(Event::TimerFired(timer));
    }

    fn fault(&mut self, choice: usize) {
        let subtasks: Vec<_> = self.tasks.worker.keys().copied().collect();
        let Some(subtask) = subtasks.get(choice % subtasks.len().max(1)).copied() else { return };
        let attempt = self.tasks.attempt;
        match choice % 4 {
            0 => self.say(FromWorker::SubtaskFailed { attempt, subtask, error: error(ErrorKind::Transient) }),
            1 => {
                let worker = self.tasks.worker[&subtask];
                self.tasks.worker.retain(|_, w| *w != worker);
                self.to_worker.remove(&worker);
                self.to_master.push_back(lost(worker));
                self.join();
            }
            _ => {
                let Some(checkpoint) = self.master.status().in_flight else { return };
                let error = error(ErrorKind::Transient);
                self.say(FromWorker::SnapshotFailed { attempt, checkpoint, subtask, error });
            }
        }
    }

    /// Drops timers whose subject is gone, so that none of them wakes up a job master that forgot to set the right one.
    fn forget_dead_timers(&mut self) {
        let status = self.master.status();
        // A job that was asked to stop says so whether its attempt is being deployed or runs.
        let is_stopping = status.phase == JobPhase::Stopping;
        self.timers.retain(|timer, _| match *timer {
            Timer::CheckpointTimeout(checkpoint) => status.in_flight == Some(checkpoint),
            Timer::Checkpoint(attempt) => {
                (status.phase == JobPhase::Running || is_stopping) && attempt == status.attempt
            }
            Timer::Deploy(attempt) => {
                (status.phase == JobPhase::Deploying || is_stopping) && attempt == status.attempt
            }
            Timer::Cancel(attempt) => status.phase == JobPhase::Cancelling && attempt == status.attempt,
            Timer::Restart(attempt) => status.phase == JobPhase::Backoff && attempt == status.attempt,
            Timer::Slots(_) => status.phase == JobPhase::WaitingForSlots,
            Timer::Publish(_) => status.unpublished > 0,
        });
    }

    /// No faults any more: everything that can happen happens in turn, until the end.
    fn settle(&mut self) {
        for round in 0_u32..20_000 {
            if self.end.is_some() {
                return;
            }
            self.deliver();
            for choice in 0..WIDEST {
                self.worker_step(choice);
                self.read(choice);
            }
            if round.is_multiple_of(7) {
                self.enumerate();
            }
            self.answer(round as usize, false);
            let is_quiet = self.end.is_none()
                && self.enumerator.is_none()
                && self.to_master.is_empty()
                && self.io.is_empty()
                && self.to_worker.values().all(VecDeque::is_empty);
            if is_quiet {
                self.forget_dead_timers();
                assert!(!self.timers.is_empty(), "nothing will ever happen\n{}", self.trace.join("\n"));
                self.fire();
            }
        }
        panic!("no end: {:?}\n{}", self.master.status(), self.trace.join("\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_split_is_lost_and_the_job_finishes(choices in prop::collection::vec(any::<u8>(), 0..1_500)) {
        let mut world = World::new();
        for choice in &choices {
            world.step(*choice, true);
        }
        world.settle();
        let (epoch, manifest) = world.epochs.last().unwrap();
        prop_assert_eq!(world.end.clone(), Some(JobEnd::Finished { epoch: *epoch }));
        prop_assert_eq!(manifest.outcome, Outcome::Finished);
        prop_assert_eq!(world.marked.len(), world.epochs.len(), "all output is visible");
        prop_assert_eq!(world.read_in(manifest).len(), SPLITS);
        prop_assert!(manifest.sources[0].splits.is_empty(), "finished splits are forgotten");
    }

    #[test]
    fn no_split_is_lost_at_any_parallelism(choices in prop::collection::vec(any::<u8>(), 0..1_500), orders in prop::collection::vec((0..1_500_usize, any::<u8>()), 1..=ORDERS)) {
        let mut world = World::new();
        for (at, choice) in choices.iter().enumerate() {
            orders.iter().filter(|(when, _)| *when == at).for_each(|(_, order)| world.order_rescale(usize::from(*order)));
            world.step(*choice, true);
        }
        world.settle();
        let manifest = &world.epochs.last().unwrap().1;
        prop_assert_eq!(manifest.outcome, Outcome::Finished);
        prop_assert_eq!(world.read_in(manifest).len(), SPLITS);
        prop_assert_eq!(&world.rescales, &BTreeMap::new(), "nobody answered");
    }

    #[test]
    fn whoever_orders_a_savepoint_is_told_the_truth(choices in prop::collection::vec(any::<u8>(), 0..900), orders in prop::collection::vec((0..900_usize, any::<u8>()), 1..=ORDERS)) {
        let mut world = World::new();
        for (at, choice) in choices.iter().enumerate() {
            orders.iter().filter(|(when, _)| *when == at).for_each(|(_, order)| world.order(usize::from(*order)));
            world.step(*choice, true);
        }
        world.settle();
        let (newest, manifest) = world.epochs.last().map_or((None, None), |(e, m)| (Some(*e), Some(m)));
        for (then, answer) in world.orders.values() {
            let trace = || world.trace.join("\n");
            let Some(answer) = answer else { panic!("nobody answered {then:?}\n{}", trace()) };
            let Some(epoch) = answer else { continue };
            match then {
                AfterSavepoint::GoOn => {}
                AfterSavepoint::Stop => prop_assert_eq!(Some(*epoch), newest, "{}", trace()),
                AfterSavepoint::Drain => {
                    prop_assert_eq!(manifest.map(|m| m.outcome), Some(Outcome::Finished), "{}", trace());
                    prop_assert_eq!(Some(*epoch), newest);
                }
            }
        }
    }

    #[test]
    fn a_log_of_events_replays_every_decision(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut world = World::new();
        choices.iter().for_each(|choice| world.step(*choice, true));
        let mut replayed = JobMaster::new(World::spec());
        for line in world.log {
            let (now_ms, event, commands): (u64, Event, Vec<Command>) = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(replayed.handle(event, now_ms), commands);
        }
    }
}
