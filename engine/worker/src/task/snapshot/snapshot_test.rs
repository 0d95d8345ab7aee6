//! Output on its way to a slow store, and to one that refuses.

use async_trait::async_trait;
use bytes::Bytes;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{Attempt, ChainId, Generation, SubtaskId};
use tokio::sync::Semaphore;

use super::*;

/// Takes one object a permit; refuses when closed.
#[derive(Debug)]
struct Gated(Semaphore);

#[async_trait]
impl SnapshotStore for Gated {
    async fn put_state(
        &self,
        _: ObjectScope,
        _: &OperatorUid,
        _: &str,
        _: Vec<u8>,
    ) -> Result<ObjectRef, JobError> {
        unreachable!("there is no state")
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

fn snapshots(store: Arc<Gated>) -> Rc<Snapshots> {
    let subtask = SubtaskId { chain: ChainId(0), index: 0 };
    let scope = ObjectScope { generation: Generation(1), attempt: Attempt(1), subtask };
    Snapshots::new(scope, KeyGroupRange::of_subtask(0, 1, 256), store, mpsc::channel(8).0)
}

fn close(snapshots: &Rc<Snapshots>, bytes: usize) {
    let segment = ClosedSegment { partition: String::new(), bytes: Bytes::from(vec![0; bytes]), rows: 1 };
    snapshots.add_closed(&OperatorUid("s".into()), vec![segment]);
}

#[tokio::test]
async fn a_sink_waits_for_a_slow_store_before_memory_is_full() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        let snapshots = snapshots(store.clone());
        close(&snapshots, MAX_WAITING_BYTES);
        snapshots.room().await.unwrap();
        close(&snapshots, 1);
        let waits = snapshots.clone();
        let waiting = tokio::task::spawn_local(async move { waits.room().await });
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!(!waiting.is_finished(), "nothing is stored");
        store.0.add_permits(2);
        waiting.await.unwrap().unwrap();
        assert_eq!(snapshots.waiting_bytes(), 0);
    };
    tokio::task::LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_store_that_refuses_is_an_error_only_when_there_is_no_room() {
    let run = async {
        let store = Arc::new(Gated(Semaphore::new(0)));
        store.0.close();
        let snapshots = snapshots(store);
        close(&snapshots, MAX_WAITING_BYTES);
        snapshots.room().await.unwrap();
        close(&snapshots, 1);
        assert_eq!(snapshots.room().await.unwrap_err().message, "the store is away");
    };
    tokio::task::LocalSet::new().run_until(run).await;
}
