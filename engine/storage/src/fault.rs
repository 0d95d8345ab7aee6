//! A store that fails on purpose, for tests: every call has a number, and a plan says what happens at which.
//!
//! "Crash at call n, for every n" is then a loop: run once without faults, read [`FaultStorage::calls`], run again for each
//! `n` in `1..=calls`. After a crash every call fails for good, as if the process had died; the test goes on with a new
//! wrapper over the same inner store.

mod plan;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::error::{Action, StorageError};
use crate::object_storage::{ObjectInfo, ObjectStorage, PutOutcome};
pub use plan::{Fault, FaultPlan};

/// Wraps a store and does to its calls what the plan says.
#[derive(Debug)]
pub struct FaultStorage {
    inner: Arc<dyn ObjectStorage>,
    state: Mutex<State>,
    held: watch::Sender<Held>,
}

#[derive(Debug)]
struct State {
    plan: FaultPlan,
    trace: Vec<Call>,
    is_dead: bool,
}

/// One call, as the trace has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Counts from 1.
    pub number: u64,
    /// What was asked.
    pub action: Action,
    /// Of which object, or below which prefix.
    pub key: String,
    /// What was done to it.
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nobody,
    Waiting,
    Released,
}

impl FaultStorage {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStorage>, plan: FaultPlan) -> Self {
        let state = Mutex::new(State { plan, trace: Vec::new(), is_dead: false });
        Self { inner, state, held: watch::Sender::new(Held::Nobody) }
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().trace.len() as u64
    }

    /// Every call in order.
    #[must_use]
    pub fn trace(&self) -> Vec<Call> {
        self.lock().trace.clone()
    }

    /// Whether the process that uses this store is supposed to be dead.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// From now on every call fails.
    pub fn kill(&self) {
        self.lock().is_dead = true;
    }

    /// Waits until a call is held by [`Fault::Hold`].
    pub async fn wait_until_held(&self) {
        let mut held = self.held.subscribe();
        // The sender lives in self, so waiting cannot fail.
        drop(held.wait_for(|h| *h == Held::Waiting).await);
    }

    /// Whether a call is held by [`Fault::Hold`] now.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        *self.held.borrow() == Held::Waiting
    }

    /// Lets the held call go on.
    pub fn release(&self) {
        self.held.send_replace(Held::Released);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, action: Action, key: &str) -> Result<Option<Fault>, StorageError> {
        let mut state = self.lock();
        if state.is_dead {
            return Err(self.dead(action, key));
        }
        let number = state.trace.len() as u64 + 1;
        let fault = state.plan.take(number, action, key);
        state.trace.push(Call { number, action, key: key.to_owned(), fault: fault.clone() });
        if fault == Some(Fault::CrashBefore) {
            state.is_dead = true;
            return Err(self.dead(action, key));
        }
        Ok(fault)
    }

    async fn call<T>(
        &self,
        action: Action,
        key: &str,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        match self.begin(action, key)? {
            None | Some(Fault::CrashBefore) => call.await,
            Some(Fault::CrashAfter) => {
                drop(call.await);
                self.kill();
                Err(self.dead(action, key))
            }
            Some(Fault::NotApplied) => {
                Err(StorageError::unanswered(action, self.location(), key, "injected: not applied"))
            }
            Some(Fault::Applied) => {
                drop(call.await);
                Err(StorageError::unanswered(action, self.location(), key, "injected: applied"))
            }
            Some(Fault::Delay(pause)) => {
                tokio::time::sleep(pause).await;
                call.await
            }
            Some(Fault::Hold) => {
                let mut held = self.held.subscribe();
                self.held.send_replace(Held::Waiting);
                drop(held.wait_for(|h| *h == Held::Released).await);
                self.held.send_replace(Held::Nobody);
                call.await
            }
        }
    }

    fn dead(&self, action: Action, key: &str) -> StorageError {
        StorageError::permanent(action, self.location(), key, "injected: the process is dead")
    }
}

#[async_trait]
impl ObjectStorage for FaultStorage {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        self.call(Action::Get, key, self.inner.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.call(Action::Get, key, self.inner.get_range(key, range)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.call(Action::Head, key, self.inner.head(key)).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        self.call(Action::Create, key, self.inner.put_if_absent(key, body)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        self.call(Action::List, prefix, self.inner.list(prefix)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.call(Action::Delete, key, self.inner.delete(key)).await
    }
}

#[cfg(test)]
#[path = "fault/fault_test.rs"]
mod fault_test;
