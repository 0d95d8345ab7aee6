//! Restoring a savepoint: it becomes a checkpoint of the job's own folder, and the ordinary take-over does the rest.
//!
//! Rows become base segments cut by key group, so any parallelism and any backend can take them over, and what subtasks write
//! later supersedes them. The log gets one more record, behind whatever the job did before, so epochs never go back. If this
//! fails before the claim, the job continues from where it was.
//!
//! Example: folder `default.copy.local` is empty. Its log becomes `1 Start, 2 C(imported)`, and whoever takes over next, in
//! this process with [`Incarnation::restart_from`] or in another, restores epoch 2.
//!
//! [`Incarnation::restart_from`]: millstream_checkpoint_store::Incarnation::restart_from

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use millstream_checkpoint::layout::Writer;
use millstream_checkpoint::{Manifest, OwnedCheckpoint};
use millstream_checkpoint_store::{ClaimOutcome, JobObjects, JobStore, StoreError, TakeOver};
use millstream_model::snapshot::StateSegment;
use millstream_model::{Attempt, ChainId, CheckpointId, Epoch, Generation, OperatorUid, SubtaskId};
use millstream_state::{FrozenTable, StateError, segment_schema};

use crate::cut::{Cutter, Piece};
use crate::error::SavepointError;
use crate::evolve::{self, ExpectedState, TablePlan};
use crate::manifest::SavepointManifest;
use crate::reader::SavepointReader;
use crate::settings::SavepointSettings;

/// What is to be restored, and as what.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The tables of the job's operators. `None`: all tables as they are, and an operator that expects other columns fails when
    /// it is restored.
    pub expected: Option<ExpectedState>,
    /// Milliseconds by the caller's clock; for people.
    pub now_ms: u64,
}

/// A savepoint that is now a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its place in the log.
    pub owned: OwnedCheckpoint,
    /// What it consists of.
    pub manifest: Manifest,
    /// What [`repeats`] said.
    pub repeats: Option<(Epoch, Epoch)>,
}

/// Restores a savepoint into a job that was taken over and does not run. When this returns, the imported epoch is owned and
/// published, and the next take-over continues from it. The savepoint is not changed, and not needed any more.
///
/// # Errors
/// `Differs` with every difference, and `TargetUnpublished`, before anything is written; `Damaged`, `Storage` and `Store`, after
/// which the job is as it was, apart from garbage that its sweeps delete; `Fenced`. If the fate of the claim is unknown, the
/// incarnation has ended, and the next take-over shows what became of it.
pub async fn import(
    reader: &SavepointReader,
    store: &JobStore,
    taken: &TakeOver,
    request: &ImportRequest,
    settings: &SavepointSettings,
) -> Result<Imported, SavepointError> {
    let saved = reader.manifest();
    let plans = evolve::plan(saved, request.expected.as_ref())
        .map_err(|differences| SavepointError::Differs { differences })?;
    let incarnation = &taken.incarnation;
    if let Some(owned) = incarnation.unpublished().first() {
        return Err(SavepointError::TargetUnpublished { job: store.job().to_string(), epoch: owned.epoch });
    }
    let lineage = store.lineage().await;
    let lineage = lineage.map_err(of_target("read the job's first generation"))?;
    let is_same_history = lineage == saved.lineage;

    let mut segments: BTreeMap<OperatorUid, Vec<StateSegment>> = BTreeMap::new();
    for plan in &plans {
        let writer = SegmentWriter {
            objects: store.objects(),
            generation: incarnation.generation(),
            settings,
            plan,
            written: Vec::new(),
        };
        let written = writer.write(reader, saved.state.max_parallelism).await?;
        segments.entry(plan.operator.clone()).or_default().extend(written);
    }
    let mut manifest = restored(saved, request.expected.as_ref());
    manifest.job = store.job().clone();
    manifest.checkpoint = next_checkpoint(taken);
    manifest.generation = incarnation.generation();
    manifest.attempt = Attempt(0);
    manifest.created_at_ms = request.now_ms;
    for operator in &mut manifest.operators {
        operator.segments = segments.remove(&operator.uid).unwrap_or_default();
    }
    if !is_same_history {
        // The targets know nothing of this folder yet: there is no progress that could be missing.
        manifest.sinks.iter_mut().for_each(|sink| sink.last_output = None);
    }
    let owned = claim(taken, &manifest).await?;
    let newest = taken.restore.as_ref().map(|r| r.owned.epoch).or(taken.repeats.map(|(_, newest)| newest));
    Ok(Imported { owned, manifest, repeats: repeats(saved, &lineage, newest) })
}

/// First and last of a job's epochs whose output will be written again when the savepoint is restored into it: those behind the
/// savepoint if it is of the same history, else all up to `newest`, the newest one that the job would go on from. Whoever restores has
/// to say so first. Example: a savepoint of epoch 41 is restored into its own job at epoch 50, which writes 42 to 50 again.
#[must_use]
pub fn repeats(saved: &SavepointManifest, lineage: &str, newest: Option<Epoch>) -> Option<(Epoch, Epoch)> {
    let is_same_history = lineage == saved.lineage;
    let first = if is_same_history { saved.epoch.next() } else { Epoch(1) };
    newest.filter(|newest| first <= *newest).map(|newest| (first, newest))
}

/// The state of the savepoint under the names of the job's operators, without its rows.
fn restored(saved: &SavepointManifest, expected: Option<&ExpectedState>) -> Manifest {
    let mut manifest = saved.state.clone();
    let successors = expected.map(|expected| evolve::successors(saved, expected)).unwrap_or_default();
    for operator in &mut manifest.operators {
        if let Some(new) = successors.get(&operator.uid) {
            operator.uid = new.clone();
        }
    }
    manifest
}

/// What a restore of this savepoint would make of the job's operators, sources and sinks, to be looked at before anything is
/// written; state has no segments there.
///
/// # Errors
/// `Differs` with every difference.
pub fn preview(reader: &SavepointReader, expected: &ExpectedState) -> Result<Manifest, SavepointError> {
    let saved = reader.manifest();
    evolve::plan(saved, Some(expected)).map_err(|differences| SavepointError::Differs { differences })?;
    Ok(restored(saved, Some(expected)))
}

/// Makes the checkpoint the job's. It has no output of its own, so it is published at once.
async fn claim(taken: &TakeOver, manifest: &Manifest) -> Result<OwnedCheckpoint, SavepointError> {
    let incarnation = &taken.incarnation;
    let stored = incarnation.write_manifest(manifest).await.map_err(of_target("write the manifest"))?;
    let owned = match incarnation.claim_epoch(&stored).await.map_err(of_target("claim the next epoch"))? {
        ClaimOutcome::Owned(owned) => owned,
        ClaimOutcome::Fenced { by, coordinator } => return Err(SavepointError::Fenced { by, coordinator }),
    };
    let permit =
        incarnation.publish_permit(owned.epoch).await.map_err(of_target("publish the imported epoch"))?;
    incarnation.mark_published(&permit).await.map_err(of_target("publish the imported epoch"))?;
    Ok(owned)
}

/// Behind every checkpoint that the job has.
fn next_checkpoint(taken: &TakeOver) -> CheckpointId {
    let used = taken.restore.iter().chain(&taken.to_publish).map(|r| r.manifest.checkpoint).max();
    used.map_or(CheckpointId(1), CheckpointId::next)
}

fn of_target(action: &'static str) -> impl FnOnce(StoreError) -> SavepointError {
    move |source| SavepointError::Store { action, source }
}

/// Writes the segments of one table.
struct SegmentWriter<'a> {
    objects: JobObjects,
    generation: Generation,
    settings: &'a SavepointSettings,
    plan: &'a TablePlan<'a>,
    written: Vec<StateSegment>,
}

impl SegmentWriter<'_> {
    async fn write(
        mut self,
        reader: &SavepointReader,
        max_parallelism: u32,
    ) -> Result<Vec<StateSegment>, SavepointError> {
        let mut cutter =
            Cutter::new(self.settings.segment_rows, self.settings.segment_bytes, max_parallelism);
        let mut scan = reader.scan(self.plan.table);
        while let Some(batch) = scan.next().await? {
            for piece in cutter.push(&batch) {
                self.upload(piece).await?;
            }
        }
        for piece in cutter.finish() {
            self.upload(piece).await?;
        }
        Ok(self.written)
    }

    async fn upload(&mut self, piece: Piece) -> Result<(), SavepointError> {
        let Piece { key_groups, is_base, batches } = piece;
        let table = self.plan.table;
        let convert = |source| SavepointError::Convert { table: table.label(), source };
        let rows = self.rows(&batches).map_err(convert)?;
        let live_rows = rows.num_rows() as u64;
        let frozen = FrozenTable::of_rows(&table.name, is_base, rows, live_rows);
        let encoded: Result<_, StateError> = tokio::task::spawn_blocking(move || frozen.into_segment())
            .await
            .map_err(|_| SavepointError::Interrupted)?;
        let encoded = encoded.map_err(|source| SavepointError::Segment { table: table.label(), source })?;
        // Of no deployment's tasks: the first attempt is 1.
        let subtask = SubtaskId { chain: ChainId(0), index: 0 };
        let writer = Writer { generation: self.generation, attempt: Attempt(0), subtask };
        let object = self.objects.upload_state(&self.plan.operator, &table.name, writer, encoded.bytes).await;
        self.written.push(StateSegment {
            operator: self.plan.operator.clone(),
            table: table.name.clone(),
            object: object.map_err(of_target("upload a segment"))?,
            rows: live_rows,
            key_groups,
            is_base,
        });
        Ok(())
    }

    /// The rows of a segment: the job's columns, nothing deleted.
    fn rows(&self, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
        let schema = segment_schema(&self.plan.fields);
        let convert = |batch: &RecordBatch| {
            let deleted: ArrayRef = Arc::new(BooleanArray::from(vec![false; batch.num_rows()]));
            let mut columns = vec![batch.column(0).clone(), batch.column(1).clone(), deleted];
            columns.extend(self.plan.values(batch)?);
            RecordBatch::try_new(schema.clone(), columns)
        };
        let converted: Vec<RecordBatch> = batches.iter().map(convert).collect::<Result<_, _>>()?;
        concat_batches(&schema, &converted)
    }
}
