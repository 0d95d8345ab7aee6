use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use millstream_connectors::conformance::staged_sink::{self, StagedSinkUnderTest, TargetFault};
use millstream_connectors::sink::{Publisher, Sink, StagedOutput, StagedReader};
use millstream_connectors::{Connector as _, TableConfig};
use millstream_model::snapshot::{ObjectRef, StagedSegment};
use millstream_model::{Epoch, ErrorKind, OperatorUid};

use super::*;

struct MockUnderTest {
    target: MockTarget,
    newest: Mutex<Option<Session>>,
}

fn table() -> TableConfig {
    TableConfig {
        name: "out".to_owned(),
        connector: "mock-transactional".to_owned(),
        options: [].into(),
        schema: staged_sink::schema(),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: ".".into(),
    }
}

#[async_trait]
impl StagedSinkUnderTest for MockUnderTest {
    fn reset(&mut self) {
        self.target = MockTarget::new();
    }

    fn sink(&self) -> Arc<dyn Sink> {
        MockSinkConnector::new(self.target.clone()).sink(&table()).unwrap().unwrap()
    }

    fn publisher(&self, fault: Option<(u64, TargetFault)>) -> Box<dyn Publisher> {
        let faults = fault.map_or_else(MockFaults::none, |(number, fault)| {
            let fault = match fault {
                TargetFault::CrashBefore => MockFault::CrashBefore,
                TargetFault::CrashAfter => MockFault::CrashAfter,
                TargetFault::Lost => MockFault::Lost,
                TargetFault::AppliedUnheard => MockFault::AppliedUnheard,
            };
            MockFaults::none().at_call(number, fault)
        });
        self.target.plan(faults);
        let session = self.target.connect();
        *self.newest.lock().unwrap() = Some(session.clone());
        Box::new(MockPublisher::new("out", session))
    }

    fn calls(&self) -> u64 {
        self.newest.lock().unwrap().as_ref().map_or(0, Session::calls)
    }

    async fn visible(&self) -> Vec<i64> {
        self.target
            .committed()
            .rows
            .iter()
            .map(|row| row.split('\t').nth(1).unwrap().parse().unwrap())
            .collect()
    }
}

#[tokio::test]
async fn the_mock_conforms() {
    let mut sink = MockUnderTest { target: MockTarget::new(), newest: Mutex::new(None) };
    staged_sink::run(&mut sink).await;
}

struct Lines;

#[async_trait]
impl StagedReader for Lines {
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String> {
        Ok(object.key.clone().into())
    }
}

/// One row a slot.
fn outputs(rows: &[(u32, &str)]) -> Vec<StagedOutput> {
    let output = |(slot, row): &(u32, &str)| StagedOutput {
        id: format!("1-1-{slot}-0"),
        slot: *slot,
        partition: String::new(),
        segments: vec![StagedSegment {
            sink: OperatorUid("out".to_owned()),
            slot: *slot,
            partition: String::new(),
            object: ObjectRef { key: format!("{row}\n"), length: 0, checksum: 0 },
            rows: 1,
            closed_at_ms: 0,
        }],
    };
    rows.iter().map(output).collect()
}

fn publisher(target: &MockTarget, faults: MockFaults) -> MockPublisher {
    target.plan(faults);
    MockPublisher::new("out", target.connect())
}

fn committed(rows: &[&str]) -> CommittedRows {
    CommittedRows { rows: rows.iter().map(|r| (*r).to_owned()).collect(), is_blocked: false }
}

#[tokio::test]
async fn a_late_commit_is_finished_before_progress_is_read() {
    let target = MockTarget::new();
    let late = MockFaults::none().at_phase(Phase::Commit, MockFault::LateCommit);
    let mut first = publisher(&target, late);
    let error = first.publish(Epoch(1), &outputs(&[(0, "a"), (1, "b")]), &Lines).await.unwrap_err();
    assert_eq!(error.to_string(), "table `out`: cannot publish epoch 1: no answer");
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(target.committed().is_blocked, "the fate of slot 0 is open");
    let mut second = publisher(&target, MockFaults::none());
    second.publish(Epoch(1), &outputs(&[(0, "a"), (1, "b")]), &Lines).await.unwrap();
    assert_eq!(target.committed(), committed(&["a", "b"]));
    target.finish_commits();
    assert_eq!(target.committed(), committed(&["a", "b"]));
}

#[tokio::test]
async fn a_delayed_commit_of_a_fenced_producer_is_refused() {
    let target = MockTarget::new();
    let delayed = MockFaults::none().at_phase(Phase::Commit, MockFault::DelayedCommit);
    let mut first = publisher(&target, delayed);
    first.publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap_err();
    publisher(&target, MockFaults::none()).publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap();
    assert_eq!(target.deliver_commits(), 1);
    assert_eq!(target.committed(), committed(&["a"]));
}

#[tokio::test]
async fn a_delayed_commit_that_arrives_in_time_counts() {
    let target = MockTarget::new();
    let delayed = MockFaults::none().at_phase(Phase::Commit, MockFault::DelayedCommit);
    publisher(&target, delayed).publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap_err();
    assert_eq!(target.deliver_commits(), 0);
    assert_eq!(target.committed(), committed(&["a"]));
    publisher(&target, MockFaults::none()).publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap();
    assert_eq!(target.committed(), committed(&["a"]));
}

#[tokio::test]
async fn a_hanging_transaction_blocks_readers_until_it_ends() {
    let target = MockTarget::new();
    let dies = MockFaults::none().at_phase(Phase::Append, MockFault::CrashAfter);
    publisher(&target, dies).publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap_err();
    // Another slot goes on; its rows lie behind the open ones.
    publisher(&target, MockFaults::none()).publish(Epoch(1), &outputs(&[(1, "b")]), &Lines).await.unwrap();
    assert_eq!(target.committed(), CommittedRows { rows: Vec::new(), is_blocked: true });
    target.expire_transactions();
    assert_eq!(target.committed(), committed(&["b"]));
}

#[tokio::test]
async fn a_zombie_that_wakes_in_any_phase_is_fenced() {
    for phase in [Phase::ReadProgress, Phase::Begin, Phase::Append, Phase::WriteProgress, Phase::Commit] {
        let target = MockTarget::new();
        let mut zombie = publisher(&target, MockFaults::none().at_phase(phase, MockFault::Sleep));
        let task = tokio::spawn(async move {
            let outcome = zombie.publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await;
            (zombie, outcome)
        });
        while target.asleep() == 0 {
            tokio::task::yield_now().await;
        }
        let mut successor = publisher(&target, MockFaults::none());
        successor.publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap();
        successor.publish(Epoch(2), &outputs(&[(0, "b")]), &Lines).await.unwrap();
        target.wake();
        let (mut zombie, outcome) = task.await.unwrap();
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Fenced, "{phase:?}");
        assert_eq!(target.committed(), committed(&["a", "b"]), "{phase:?}");
        // It asks again, as a new producer: the progress says that it is done.
        zombie.publish(Epoch(1), &outputs(&[(0, "a")]), &Lines).await.unwrap();
        assert_eq!(target.committed(), committed(&["a", "b"]), "{phase:?}");
    }
}

#[tokio::test]
async fn a_dead_process_stays_dead() {
    let target = MockTarget::new();
    target.plan(MockFaults::none().at_call(1, MockFault::CrashBefore));
    let session = target.connect();
    let mut publisher = MockPublisher::new("out", session.clone());
    for _ in 0..2 {
        let error = publisher.progress().await.unwrap_err();
        assert_eq!(error.to_string(), "table `out`: cannot read the progress: the process is dead");
    }
    assert!(session.is_dead());
    assert_eq!(session.calls(), 1);
}
