//! The target: a log of rows with transactions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::mock_sink::fault::{MockFault, MockFaults, Phase};

/// Shared by everything that writes to it and reads from it. Clones are the same target.
#[derive(Clone, Debug)]
pub struct MockTarget {
    state: Arc<Mutex<State>>,
    awake: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<Entry>,
    ids: BTreeMap<String, TransactionalId>,
    transactions: u64,
    sessions: u64,
    /// Faults of the publishers to come.
    plans: VecDeque<MockFaults>,
    /// Commits on their way.
    delayed: Vec<Producer>,
    asleep: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    row: String,
    transaction: u64,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Committed,
    Aborted,
}

#[derive(Debug, Default)]
struct TransactionalId {
    producer_epoch: u64,
    open: Option<Transaction>,
    progress: Option<u64>,
}

#[derive(Debug)]
struct Transaction {
    number: u64,
    progress: Option<u64>,
    is_decided: bool,
}

/// The right to write under a transactional id, until somebody newer asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    id: String,
    epoch: u64,
}

/// What a call may answer instead of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The caller's process is dead.
    #[error("the process is dead")]
    Dead,
    /// No answer: it may or may not have happened.
    #[error("no answer")]
    NoAnswer,
    /// A newer producer has the id.
    #[error("a newer producer has `{0}`")]
    Fenced(String),
    /// The call does not fit the state of the transaction: a bug of the publisher.
    #[error("there is no transaction of `{0}` to do that in")]
    NoTransaction(String),
}

/// What a reader sees who wants committed rows only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommittedRows {
    /// Rows before the first one whose fate is open.
    pub rows: Vec<String>,
    /// Whether a transaction that did not end keeps the reader from rows behind it.
    pub is_blocked: bool,
}

impl Default for MockTarget {
    fn default() -> Self {
        Self { state: Arc::default(), awake: Arc::new(watch::Sender::new(0)) }
    }
}

impl MockTarget {
    /// An empty target.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next publisher that connects meets these faults; may be called for several in advance.
    pub fn plan(&self, faults: MockFaults) {
        self.lock().plans.push_back(faults);
    }

    /// A connection of a publisher, with the faults that were planned for it.
    #[must_use]
    pub fn connect(&self) -> Session {
        let mut state = self.lock();
        state.sessions += 1;
        let faults = state.plans.pop_front().unwrap_or_default();
        let facts = SessionFacts { faults, calls: 0, is_dead: false };
        Session { target: self.clone(), facts: Arc::new(Mutex::new(facts)), gate: None }
    }

    /// Committed rows, as a reader with isolation sees them.
    #[must_use]
    pub fn committed(&self) -> CommittedRows {
        let state = self.lock();
        let open = state.log.iter().position(|e| e.status == Status::Open);
        let readable = state.log.get(..open.unwrap_or(state.log.len())).unwrap_or_default();
        CommittedRows {
            rows: readable.iter().filter(|e| e.status == Status::Committed).map(|e| e.row.clone()).collect(),
            is_blocked: open.is_some(),
        }
    }

    /// Finishes the commits that were decided on and not finished.
    pub fn finish_commits(&self) {
        let mut state = self.lock();
        let ids: Vec<String> = state.ids.keys().cloned().collect();
        for id in ids {
            if state.ids.get(&id).and_then(|i| i.open.as_ref()).is_some_and(|t| t.is_decided) {
                state.end(&id, Status::Committed);
            }
        }
    }

    /// Commits that were on their way arrive; those of fenced producers are refused. Returns how many were refused.
    pub fn deliver_commits(&self) -> usize {
        let mut state = self.lock();
        let delayed = std::mem::take(&mut state.delayed);
        delayed.into_iter().filter(|producer| state.commit(producer).is_err()).count()
    }

    /// Ends every open transaction without making it visible, as a broker does after a while.
    pub fn expire_transactions(&self) {
        let mut state = self.lock();
        let ids: Vec<String> = state.ids.keys().cloned().collect();
        for id in ids {
            let is_decided = state.ids.get(&id).and_then(|i| i.open.as_ref()).map(|t| t.is_decided);
            match is_decided {
                Some(true) => state.end(&id, Status::Committed),
                Some(false) => state.end(&id, Status::Aborted),
                None => {}
            }
        }
    }

    /// How many calls sleep.
    #[must_use]
    pub fn asleep(&self) -> u64 {
        self.lock().asleep
    }

    /// Wakes every call that sleeps; they go on as if no time had passed.
    pub fn wake(&self) {
        self.awake.send_modify(|n| *n += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands between a publisher and the target: a suite that stops or kills a process in the midst of a transaction.
#[async_trait]
pub trait Gate: Send + Sync + std::fmt::Debug {
    /// Returns when the call may go on; false if its process is dead by then.
    async fn pass(&self, phase: Phase) -> bool;
}

/// A publisher's connection: what its process does and suffers.
#[derive(Clone, Debug)]
pub struct Session {
    target: MockTarget,
    facts: Arc<Mutex<SessionFacts>>,
    gate: Option<Arc<dyn Gate>>,
}

#[derive(Debug)]
struct SessionFacts {
    faults: MockFaults,
    calls: u64,
    is_dead: bool,
}

impl Session {
    /// The same with a gate in front of every call.
    #[must_use]
    pub fn behind(self, gate: Arc<dyn Gate>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.facts().calls
    }

    /// Whether the process is supposed to be dead.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.facts().is_dead
    }

    /// A new producer for an id. Ends what an older one left: a decided commit is finished, anything else is undone.
    pub(super) async fn init(&self, id: &str) -> Result<Producer, TargetError> {
        self.call(Phase::Init, |state| Ok(state.init(id))).await
    }

    pub(super) async fn read_progress(&self, producer: &Producer) -> Result<Option<u64>, TargetError> {
        self.call(Phase::ReadProgress, |state| Ok(state.check(producer)?.progress)).await
    }

    pub(super) async fn begin(&self, producer: &Producer) -> Result<(), TargetError> {
        self.call(Phase::Begin, |state| state.begin(producer)).await
    }

    pub(super) async fn append(&self, producer: &Producer, rows: &[String]) -> Result<(), TargetError> {
        self.call(Phase::Append, |state| state.append(producer, rows)).await
    }

    pub(super) async fn write_progress(&self, producer: &Producer, epoch: u64) -> Result<(), TargetError> {
        self.call(Phase::WriteProgress, |state| {
            state.transaction(producer)?.progress = Some(epoch);
            Ok(())
        })
        .await
    }

    pub(super) async fn commit(&self, producer: &Producer) -> Result<(), TargetError> {
        self.pass(Phase::Commit).await?;
        let fault = self.next_fault(Phase::Commit)?;
        match fault {
            Some(MockFault::LateCommit) => {
                self.target.lock().transaction(producer)?.is_decided = true;
                Err(TargetError::NoAnswer)
            }
            Some(MockFault::DelayedCommit) => {
                self.target.lock().delayed.push(producer.clone());
                Err(TargetError::NoAnswer)
            }
            other => self.apply(other, |state| state.commit(producer)).await,
        }
    }

    async fn call<T>(
        &self,
        phase: Phase,
        apply: impl FnOnce(&mut State) -> Result<T, TargetError>,
    ) -> Result<T, TargetError> {
        self.pass(phase).await?;
        let fault = self.next_fault(phase)?;
        self.apply(fault, apply).await
    }

    async fn pass(&self, phase: Phase) -> Result<(), TargetError> {
        match &self.gate {
            Some(gate) if !gate.pass(phase).await => Err(self.die()),
            _ => Ok(()),
        }
    }

    async fn apply<T>(
        &self,
        fault: Option<MockFault>,
        apply: impl FnOnce(&mut State) -> Result<T, TargetError>,
    ) -> Result<T, TargetError> {
        match fault {
            None => apply(&mut self.target.lock()),
            Some(MockFault::CrashBefore) => Err(self.die()),
            Some(MockFault::CrashAfter) => {
                apply(&mut self.target.lock())?;
                Err(self.die())
            }
            Some(MockFault::Lost | MockFault::DelayedCommit) => Err(TargetError::NoAnswer),
            Some(MockFault::AppliedUnheard | MockFault::LateCommit) => {
                apply(&mut self.target.lock())?;
                Err(TargetError::NoAnswer)
            }
            Some(MockFault::Sleep) => {
                let mut awake = self.target.awake.subscribe();
                self.target.lock().asleep += 1;
                let _ = awake.changed().await;
                let mut state = self.target.lock();
                state.asleep -= 1;
                apply(&mut state)
            }
        }
    }

    fn next_fault(&self, phase: Phase) -> Result<Option<MockFault>, TargetError> {
        let mut facts = self.facts();
        if facts.is_dead {
            return Err(TargetError::Dead);
        }
        facts.calls += 1;
        let number = facts.calls;
        Ok(facts.faults.take(number, phase))
    }

    fn die(&self) -> TargetError {
        self.facts().is_dead = true;
        TargetError::Dead
    }

    fn facts(&self) -> MutexGuard<'_, SessionFacts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn init(&mut self, id: &str) -> Producer {
        let entry = self.ids.entry(id.to_owned()).or_default();
        entry.producer_epoch += 1;
        let epoch = entry.producer_epoch;
        match entry.open.as_ref().map(|t| t.is_decided) {
            Some(true) => self.end(id, Status::Committed),
            Some(false) => self.end(id, Status::Aborted),
            None => {}
        }
        Producer { id: id.to_owned(), epoch }
    }

    fn check(&mut self, producer: &Producer) -> Result<&mut TransactionalId, TargetError> {
        match self.ids.get_mut(&producer.id) {
            Some(id) if id.producer_epoch == producer.epoch => Ok(id),
            _ => Err(TargetError::Fenced(producer.id.clone())),
        }
    }

    fn transaction(&mut self, producer: &Producer) -> Result<&mut Transaction, TargetError> {
        let missing = TargetError::NoTransaction(producer.id.clone());
        self.check(producer)?.open.as_mut().filter(|t| !t.is_decided).ok_or(missing)
    }

    fn begin(&mut self, producer: &Producer) -> Result<(), TargetError> {
        self.transactions += 1;
        let number = self.transactions;
        let id = self.check(producer)?;
        if id.open.is_some() {
            return Err(TargetError::NoTransaction(producer.id.clone()));
        }
        id.open = Some(Transaction { number, progress: None, is_decided: false });
        Ok(())
    }

    fn append(&mut self, producer: &Producer, rows: &[String]) -> Result<(), TargetError> {
        let transaction = self.transaction(producer)?.number;
        self.log.extend(rows.iter().map(|row| Entry { row: row.clone(), transaction, status: Status::Open }));
        Ok(())
    }

    fn commit(&mut self, producer: &Producer) -> Result<(), TargetError> {
        self.transaction(producer)?;
        self.end(&producer.id, Status::Committed);
        Ok(())
    }

    /// Ends the open transaction of an id.
    fn end(&mut self, id: &str, status: Status) {
        let Some(entry) = self.ids.get_mut(id) else { return };
        let Some(transaction) = entry.open.take() else { return };
        if status == Status::Committed {
            entry.progress = transaction.progress.or(entry.progress);
        }
        for row in self.log.iter_mut().filter(|e| e.transaction == transaction.number) {
            row.status = status;
        }
    }
}
