//! Output on its way to a slow store, and to one that refuses.

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, RecordBatch, UInt16Array};
use async_trait::async_trait;
use bytes::Bytes;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{Attempt, ChainId, Generation, SubtaskId};
use millstream_state::segment_schema;
use tokio::sync::Semaphore;

use super::*;
use crate::memory::SlotMemory;

/// Takes one object a permit; refuses when closed.
#[derive(Debug)]
struct Gated(Semaphore);

#[async_trait]
impl SnapshotStore for Gated {
    async fn put_state(
        &self,
        scope: ObjectScope,
        operator: &OperatorUid,
        _: &str,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        self.put_staged(scope, operator, bytes).await
    }

    async fn put_staged(
        &self,
        _: ObjectScope,
        sink: &OperatorUid,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        match self.0.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_) => return Err(JobError::new(ErrorKind::Transient, "the store is away")),
        }
        Ok(ObjectRef { key: sink.0.clone(), length: bytes.len() as u64, checksum: 0 })
    }

    async fn fetch(&self, _: &ObjectRef) -> Result<Bytes, JobError> {
        unreachable!("nothing is read")
    }
}

fn snapshots(store: Arc<Gated>, budget: Option<usize>) -> Rc<Snapshots> {
    let subtask = SubtaskId { chain: ChainId(0), index: 0 };
    let scope = ObjectScope { generation: Generation(1), attempt: Attempt(1), subtask };
    let memory = Rc::new(SlotMemory::new(budget, true).task());
    Snapshots::new(scope, KeyGroupRange::of_subtask(0, 1, 256), store, memory, mpsc::channel(8).0)
}

fn close(snapshots: &Rc<Snapshots>, bytes: usize) {
    let segment = ClosedSegment { partition: String::new(), bytes: Bytes::from(vec![0; bytes]), rows: 1 };
    snapshots.add_closed(&OperatorUid("s".into()), vec![segment]);
}

#[tokio::test]
async fn a_sink_waits_for_a_slow_store_before_memory_is_full() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        let snapshots = snapshots(store.clone(), None);
        close(&snapshots, MAX_EARLY_BYTES);
        snapshots.room().await.unwrap();
        close(&snapshots, 1);
        let waits = snapshots.clone();
        let waiting = tokio::task::spawn_local(async move { waits.room().await });
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!(!waiting.is_finished(), "nothing is stored");
        store.0.add_permits(2);
        waiting.await.unwrap().unwrap();
        assert_eq!(snapshots.held_bytes(), 0);
    };
    tokio::task::LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_store_that_refuses_is_an_error_only_when_there_is_no_room() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        store.0.close();
        let snapshots = snapshots(store, None);
        close(&snapshots, MAX_EARLY_BYTES);
        snapshots.room().await.unwrap();
        close(&snapshots, 1);
        assert_eq!(snapshots.room().await.unwrap_err().message, "the store is away");
    };
    tokio::task::LocalSet::new().run_until(run).await;
}

/// Copies of `rows` rows that a barrier made.
fn begin(snapshots: &Rc<Snapshots>, checkpoint: u64, rows: u16) {
    let keys: Vec<Vec<u8>> = (0..rows).map(|row| row.to_be_bytes().to_vec()).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt16Array::from(vec![0; keys.len()])),
        Arc::new(BinaryArray::from_iter_values(&keys)),
        Arc::new(BooleanArray::from(vec![false; keys.len()])),
    ];
    let rows = RecordBatch::try_new(segment_schema(&[]), columns).unwrap();
    let table = FrozenTable::of_rows("groups", false, rows, 1);
    let frozen = FrozenState { operator: OperatorUid("a".into()), rows: FrozenRows::Table(table) };
    let checkpoint = CheckpointId(checkpoint);
    let cut = Cut { checkpoint, splits: Vec::new(), facts: Vec::new(), is_finished: false, freeze_us: 0 };
    snapshots.begin(cut, vec![frozen], None);
}

#[tokio::test]
async fn a_barrier_waits_for_the_copies_of_those_before_it_if_they_are_many() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        let snapshots = snapshots(store.clone(), Some(100_000));
        begin(&snapshots, 1, 1_000);
        assert!(snapshots.held_bytes() > 2_000 && snapshots.held_bytes() < 25_000);
        snapshots.room_for_barrier().await;
        begin(&snapshots, 2, 5_000);
        assert!(snapshots.held_bytes() > 25_000);
        let waits = snapshots.clone();
        let waiting = tokio::task::spawn_local(async move { waits.room_for_barrier().await });
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!(!waiting.is_finished(), "nothing is stored");
        store.0.add_permits(2);
        waiting.await.unwrap();
        assert_eq!(snapshots.held_bytes(), 0);
        assert_eq!(snapshots.room().await, Ok(()), "what a barrier froze holds up no task");
    };
    tokio::task::LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_task_without_memory_waits_for_what_is_on_its_way() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        let snapshots = snapshots(store.clone(), None);
        assert_eq!(snapshots.relieve().await, Ok(false), "nothing is held");
        begin(&snapshots, 1, 1_000);
        tokio::task::yield_now().await;
        assert_eq!(snapshots.relieve().await, Ok(true));
        assert!(snapshots.held_bytes() > 0, "nothing is stored");
        store.0.add_permits(2);
        while snapshots.relieve().await.unwrap() {}
        close(&snapshots, 1);
        assert_eq!(snapshots.relieve().await, Ok(true), "what nobody stores is stored");
        assert_eq!(snapshots.held_bytes(), 0);
        close(&snapshots, 1);
        assert!(snapshots.memory.comes_back());
        store.0.close();
        assert_eq!(snapshots.relieve().await.unwrap_err().message, "the store is away");
        assert!(!snapshots.memory.comes_back(), "not before the next barrier tries again");
    };
    tokio::task::LocalSet::new().run_until(run).await;
}
