//! A job of six checkpoints that counts to 60, for this crate's tests: its whole life over a store that fails on purpose.
//!
//! State is the number of rows so far; each checkpoint stages ten more, and publishing writes them to `out/<publication>`.
//! Whatever happens, `out/` must end with each row once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millstream_checkpoint::layout::{self, ObjectKind, Writer};
use millstream_checkpoint::{
    Manifest, OperatorState, Outcome, OwnedCheckpoint, Publication, SinkState, StartFrom,
};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, StagedSegment, StateSegment};
use millstream_model::{
    Attempt, ChainId, CheckpointId, JobIdentity, KeyGroupRange, OperatorUid, SubtaskId, Watermark,
};
use millstream_storage::{MemoryStorage, ObjectStorage, Patience};

use crate::error::StoreError;
use crate::incarnation::{ClaimOutcome, Incarnation, PublishPermit};
use crate::job_store::JobStore;
use crate::objects;
use crate::settings::{Sabotage, StoreSettings};
use crate::sweep::Writers;
use crate::take_over::{Restored, TakeOverRequest};

/// Rows of the whole job.
pub(crate) const TOTAL: u64 = 60;
/// Rows of a checkpoint.
pub(crate) const STEP: u64 = 10;

pub(crate) fn job() -> JobIdentity {
    JobIdentity { namespace: "default".to_owned(), name: "count".to_owned(), uid: "local".to_owned() }
}

pub(crate) fn settings(sabotage: Option<Sabotage>) -> StoreSettings {
    StoreSettings {
        coordinator: "test/1".to_owned(),
        patience: Patience {
            attempts: 4,
            call_deadline: Duration::from_secs(60),
            first_pause: Duration::from_micros(10),
            longest_pause: Duration::from_micros(100),
        },
        retained: 2,
        min_garbage_age_ms: 0,
        sabotage: sabotage.into_iter().collect(),
        ..StoreSettings::default()
    }
}

pub(crate) fn store(storage: Arc<dyn ObjectStorage>) -> JobStore {
    JobStore::open(storage, job(), settings(None))
}

/// How one coordinator behaves.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) request: TakeOverRequest,
    pub(crate) sabotage: Option<Sabotage>,
    /// Stops after this many of its own checkpoints.
    pub(crate) checkpoints: u64,
    /// Owned epochs that wait before the oldest is published.
    pub(crate) lag: usize,
    pub(crate) sweeps: bool,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            request: TakeOverRequest::default(),
            sabotage: None,
            checkpoints: u64::MAX,
            lag: 1,
            sweeps: true,
        }
    }
}

impl Life {
    /// Takes the job over and runs it to its end, or until something fails.
    pub(crate) async fn run(&self, storage: Arc<dyn ObjectStorage>) -> Result<Counter, StoreError> {
        let mut counter = self.begin(storage).await?;
        for _ in 0..self.checkpoints {
            if counter.rows >= TOTAL {
                break;
            }
            counter.checkpoint().await?;
            counter.publish_down_to(self.lag).await?;
            if self.sweeps {
                counter.incarnation.sweep(Writers::Running(Attempt(1))).await?;
            }
        }
        counter.publish_down_to(0).await?;
        if self.sweeps && counter.rows >= TOTAL {
            for _ in 0..2 {
                counter.incarnation.sweep(Writers::Ended).await?;
            }
        }
        Ok(counter)
    }

    /// Takes the job over.
    pub(crate) async fn begin(&self, storage: Arc<dyn ObjectStorage>) -> Result<Counter, StoreError> {
        let store = JobStore::open(storage.clone(), job(), settings(self.sabotage));
        let taken = store.take_over(&self.request).await?;
        for Restored { owned, .. } in &taken.to_publish {
            let permit = taken.incarnation.publish_permit(owned.epoch).await?;
            publish(storage.as_ref(), &store, &permit).await?;
            taken.incarnation.mark_published(&permit).await?;
        }
        let restored = taken.restore.as_ref().map(|r| &r.manifest);
        let next = restored.map_or(CheckpointId(1), |m| m.checkpoint.next());
        let rows = match restored {
            None => 0,
            Some(manifest) => {
                number(&store.objects().fetch(&manifest.operators[0].segments[0].object).await?)
            }
        };
        Ok(Counter { storage, store, incarnation: taken.incarnation, rows, next })
    }
}

/// A running job.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) store: JobStore,
    pub(crate) incarnation: Incarnation,
    pub(crate) rows: u64,
    pub(crate) next: CheckpointId,
}

impl Counter {
    /// Takes one checkpoint; an aborted one is taken again.
    pub(crate) async fn checkpoint(&mut self) -> Result<OwnedCheckpoint, StoreError> {
        loop {
            let manifest = self.manifest().await?;
            let stored = self.incarnation.write_manifest(&manifest).await?;
            self.next = self.next.next();
            let hasty = self.incarnation.permit_before_claim(&stored, millstream_model::Epoch(0));
            if let Some(permit) = hasty {
                publish(self.storage.as_ref(), &self.store, &permit).await?;
            }
            match self.incarnation.claim_epoch(&stored).await {
                Ok(ClaimOutcome::Owned(owned)) => {
                    self.rows += STEP;
                    return Ok(owned);
                }
                Ok(ClaimOutcome::Fenced { by, coordinator }) => {
                    return Err(StoreError::Fenced { mine: self.incarnation.generation(), by, coordinator });
                }
                // Definitely not claimed, by the store's word: the checkpoint is aborted.
                Err(error @ StoreError::Storage { .. })
                    if error.kind() == millstream_model::ErrorKind::Transient => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) async fn publish_down_to(&self, lag: usize) -> Result<(), StoreError> {
        for owned in self.incarnation.unpublished() {
            if self.incarnation.unpublished().len() <= lag {
                break;
            }
            let permit = self.incarnation.publish_permit(owned.epoch).await?;
            publish(self.storage.as_ref(), &self.store, &permit).await?;
            self.incarnation.mark_published(&permit).await?;
        }
        Ok(())
    }

    /// Uploads everything of the next checkpoint and lists it.
    pub(crate) async fn manifest(&self) -> Result<Manifest, StoreError> {
        let (rows, generation) = (self.rows, self.incarnation.generation());
        let (agg, out) = (OperatorUid("agg".to_owned()), OperatorUid("out".to_owned()));
        let subtask = SubtaskId { chain: ChainId(0), index: 0 };
        let writer = Writer { generation, attempt: Attempt(1), subtask };
        let objects = self.store.objects();
        let state = objects.upload_state(&agg, "main", writer, text(rows + STEP)).await?;
        let body = Bytes::from(format!("{rows} {}", rows + STEP));
        let staged = objects.upload_staged(&out, writer, body).await?;
        let staged = StagedSegment {
            sink: out.clone(),
            slot: 0,
            partition: String::new(),
            object: staged,
            rows: STEP,
            closed_at_ms: 0,
        };
        Ok(Manifest {
            job: job(),
            checkpoint: self.next,
            generation,
            attempt: Attempt(1),
            created_at_ms: 0,
            max_parallelism: 1,
            fingerprint: String::new(),
            sql: String::new(),
            engine_version: String::new(),
            outcome: if rows + STEP >= TOTAL { Outcome::Finished } else { Outcome::Running },
            operators: vec![OperatorState {
                uid: agg.clone(),
                name: "agg".to_owned(),
                meaning: String::new(),
                parallelism: 1,
                is_stateful: true,
                segments: vec![StateSegment {
                    operator: agg.clone(),
                    table: "main".to_owned(),
                    object: state,
                    rows: 1,
                    key_groups: KeyGroupRange { start: 0, end: 1 },
                    is_base: true,
                }],
                facts: OperatorFacts {
                    operator: agg,
                    watermark: Watermark::MIN,
                    counters: OperatorCounters::default(),
                },
            }],
            sources: vec![],
            sinks: vec![SinkState {
                uid: out,
                slots: 1,
                last_output: None,
                publications: vec![Publication {
                    id: Publication::id_of(self.next, generation, 0, 0),
                    slot: 0,
                    partition: String::new(),
                    segments: vec![staged],
                }],
                pending: vec![],
                repeated: vec![],
            }],
            finished: vec![],
        })
    }
}

/// What a file sink does: final names fixed in the manifest, made visible by create-if-absent.
async fn publish(
    storage: &dyn ObjectStorage,
    store: &JobStore,
    permit: &PublishPermit,
) -> Result<(), StoreError> {
    let manifest = objects::manifest(&store.folder, permit.owned()).await?;
    for publication in &manifest.sinks[0].publications {
        let body = store.objects().fetch(&publication.segments[0].object).await?;
        let key = format!("out/{}", publication.id);
        millstream_storage::retry::create(storage, &key, body, &store.folder.settings.patience)
            .await
            .map_err(StoreError::storage("publish"))?;
    }
    Ok(())
}

/// Everything that must hold at any time; `Err` says what does not.
pub(crate) async fn check(storage: &MemoryStorage) -> Result<(), String> {
    let storage = Arc::new(storage.clone());
    let counts = visible(storage.as_ref()).await;
    if let Some((row, times)) = counts.iter().find(|(_, times)| **times > 1) {
        return Err(format!("row {row} is visible {times} times"));
    }
    let store = store(storage.clone());
    let overview = store.look().await.map_err(|e| format!("{e}: {:?}", std::error::Error::source(&e)))?;
    let Some((owned, manifest)) = &overview.restorable else { return Ok(()) };
    let mut kept = vec![manifest.clone()];
    for older in overview.ancestors.iter().chain(overview.unpublished.iter().filter_map(|_| None)) {
        let (_, manifest) =
            store.read_manifest(older.epoch).await.map_err(|e| format!("K5: {older:?}: {e}"))?;
        kept.push(manifest);
    }
    for manifest in kept {
        for object in manifest.objects() {
            store.objects().fetch(object).await.map_err(|e| format!("K5: checkpoint of {owned:?}: {e}"))?;
        }
    }
    Ok(())
}

/// What must hold when the job has ended and its last sweep is over.
pub(crate) async fn check_end(storage: &MemoryStorage) -> Result<(), String> {
    check(storage).await?;
    let counts = visible(storage).await;
    if let Some(lost) = (0..TOTAL).find(|row| !counts.contains_key(row)) {
        return Err(format!("row {lost} is lost"));
    }
    let store = store(Arc::new(storage.clone()));
    let overview = store.look().await.map_err(|e| e.to_string())?;
    if !overview.unpublished.is_empty() {
        return Err(format!("epochs {:?} are not published", overview.unpublished));
    }
    let mut expected = BTreeSet::new();
    let (owned, _) = overview.restorable.ok_or("nothing to restore")?;
    for owned in [&owned].into_iter().chain(&overview.ancestors) {
        let (_, manifest) = store.read_manifest(owned.epoch).await.map_err(|e| e.to_string())?;
        expected.extend(manifest.objects().map(|o| o.key.clone()));
        expected.insert(owned.manifest.key.clone());
        expected.insert(store.folder.full(&layout::published(owned.checkpoint, owned.generation)));
    }
    let is_permanent = |key: &str| {
        key.starts_with("out/")
            || key.strip_prefix(&store.folder.prefix).is_some_and(|k| {
                matches!(layout::parse(k), Some(ObjectKind::Generation(_) | ObjectKind::Epoch(_)))
            })
    };
    let listed = storage.list("").await.map_err(|e| e.to_string())?;
    let found: BTreeSet<String> =
        listed.into_iter().map(|o| o.key).filter(|key| !is_permanent(key)).collect();
    if found != expected {
        let extra: Vec<_> = found.difference(&expected).collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        return Err(format!("K6: unreachable objects {extra:?}, missing objects {missing:?}"));
    }
    Ok(())
}

/// How often each row is visible.
pub(crate) async fn visible(storage: &dyn ObjectStorage) -> BTreeMap<u64, u32> {
    let mut counts = BTreeMap::new();
    for object in storage.list("out/").await.unwrap() {
        let body = storage.get(&object.key).await.unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        let (from, to) = body.split_once(' ').unwrap();
        for row in from.parse::<u64>().unwrap()..to.parse().unwrap() {
            *counts.entry(row).or_default() += 1;
        }
    }
    counts
}

/// A request to continue from an epoch, giving up the output of others.
pub(crate) fn back_to(epoch: u64, discard: &[u64]) -> TakeOverRequest {
    TakeOverRequest {
        from: StartFrom::Epoch(millstream_model::Epoch(epoch)),
        discard: discard.iter().map(|e| millstream_model::Epoch(*e)).collect(),
        ..TakeOverRequest::default()
    }
}

fn text(number: u64) -> Bytes {
    Bytes::from(number.to_string())
}

fn number(body: &[u8]) -> u64 {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}
