//! One process of the cluster, as far as the suite is concerned: its condition, and its way to the bucket and to the target.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use millstream_storage::fault::FaultStorage;
use millstream_storage::{Action, ObjectInfo, ObjectStorage, PutOutcome, StorageError};
use millstream_test_testkit::mock_sink::{Gate, Phase as TargetPhase};
use tokio::sync::watch;

use super::cell::Role;
use super::stage::{Moment, Stage};
use crate::harness::life::{Event, Watch};

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Up,
    Frozen,
    CutOff,
    Dead,
}

/// A process.
#[derive(Debug)]
pub(crate) struct Member {
    /// Counts from 1; nobody has a number twice.
    pub(crate) number: u64,
    /// What it was started for.
    pub(crate) role: Role,
    condition: watch::Sender<Condition>,
    /// Its calls to the bucket fail when it is dead.
    pub(crate) faults: Arc<FaultStorage>,
}

impl Member {
    pub(crate) fn new(number: u64, role: Role, faults: Arc<FaultStorage>) -> Self {
        Self { number, role, condition: watch::Sender::new(Condition::Up), faults }
    }

    pub(crate) fn is(&self, condition: Condition) -> bool {
        *self.condition.borrow() == condition
    }

    /// Whether time passes for it.
    pub(crate) fn runs(&self) -> bool {
        !self.is(Condition::Frozen) && !self.is(Condition::Dead)
    }

    /// From now on. The dead stay dead.
    pub(crate) fn becomes(&self, condition: Condition) {
        if condition == Condition::Dead {
            self.faults.kill();
        }
        if !self.is(Condition::Dead) {
            self.condition.send_replace(condition);
        }
    }

    /// Waits while it stands still.
    pub(crate) async fn awake(&self) {
        self.until(|condition| condition != Condition::Frozen).await;
    }

    /// Waits while nothing comes to it or from it.
    pub(crate) async fn reachable(&self) {
        self.until(|condition| matches!(condition, Condition::Up | Condition::Dead)).await;
    }

    pub(crate) async fn dead(&self) {
        self.until(|condition| condition == Condition::Dead).await;
    }

    async fn until(&self, is_so: impl Fn(Condition) -> bool) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self.condition.subscribe().wait_for(|condition| is_so(*condition)).await;
    }
}

/// Stands between a process and everything outside of it that is not a process.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) member: Arc<Member>,
    pub(crate) stage: Arc<Stage>,
}

#[async_trait]
impl Gate for Post {
    async fn pass(&self, phase: TargetPhase) -> bool {
        self.stage.at(&self.member, Moment::Target(phase));
        self.member.awake().await;
        !self.member.is(Condition::Dead)
    }
}

#[async_trait]
impl Watch for Post {
    fn saw(&self, event: &Event) {
        self.stage.at(&self.member, Moment::Event(event));
    }

    fn places(&self) -> u64 {
        self.stage.places()
    }

    async fn may_go_on(&self) {
        self.member.awake().await;
    }

    fn as_gate(self: Arc<Self>) -> Arc<dyn Gate> {
        self
    }
}

/// The bucket, seen from behind a post.
#[derive(Debug)]
pub(crate) struct Guarded(pub(crate) Arc<Post>);

impl Guarded {
    async fn call<T>(
        &self,
        action: Action,
        key: &str,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let Post { member, stage } = &*self.0;
        stage.at(member, Moment::Before(action, key));
        member.awake().await;
        let result = call.await;
        stage.at(member, Moment::Behind(action, key));
        member.awake().await;
        if member.is(Condition::Dead) {
            // It was applied, and nobody hears so.
            member.faults.head(key).await?;
        }
        result
    }
}

#[async_trait]
impl ObjectStorage for Guarded {
    fn location(&self) -> &str {
        self.0.member.faults.location()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        self.call(Action::Get, key, self.0.member.faults.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.call(Action::Get, key, self.0.member.faults.get_range(key, range)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.call(Action::Head, key, self.0.member.faults.head(key)).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        self.call(Action::Create, key, self.0.member.faults.put_if_absent(key, body)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        self.call(Action::List, prefix, self.0.member.faults.list(prefix)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.call(Action::Delete, key, self.0.member.faults.delete(key)).await
    }
}
