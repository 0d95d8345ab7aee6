//! Making a savepoint from an owned, published checkpoint: pin it, read its segments, merge them, write Parquet, let go.
//!
//! The job's tasks take no part. Memory is bounded by the settings as long as no single key group exceeds them: a table is
//! read in passes over runs of key groups, and each pass holds the rows of its run. Example: 1 GB of rows with room for 256 MB
//! is read in 4 passes, each of which fetches the segments that have rows in its run.

mod table;

use std::collections::BTreeMap;

use millstream_checkpoint::{Manifest, OwnedCheckpoint, PublishedMarker, layout};
use millstream_checkpoint_store::{Incarnation, JobStore, StoreError};
use millstream_model::Epoch;
use millstream_model::snapshot::StateSegment;
use millstream_storage::{CreateOutcome, retry};

use crate::abandoned;
use crate::claim::SavepointClaim;
use crate::error::{OTHER_EPOCH, SavepointError};
use crate::location::{SavepointLocation, manifest_key};
use crate::manifest::SavepointManifest;
use crate::reserve;
use crate::settings::SavepointSettings;
use table::TableWriter;

/// Which savepoint is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointRequest {
    /// The epoch to save. It must be published and keep no staged output back.
    pub epoch: Epoch,
    /// Milliseconds by the caller's clock; for people.
    pub now_ms: u64,
    /// Version of this engine.
    pub engine_version: String,
}

/// Writes the savepoint and returns its manifest. When this returns the savepoint is complete and durable, refers to nothing
/// outside of its folder, and the checkpoint is not held any more. When it fails, or the process dies, readers find no
/// savepoint; what is left is deleted by the next attempt of the same name or by [`crate::delete`].
///
/// # Errors
/// `Unpublished` and `PendingOutput` before anything is written; `Exists`; `NameLost`; `Damaged` if a part of the checkpoint
/// is; `ColumnType`; `Store` and `Storage`.
pub async fn write(
    store: &JobStore,
    incarnation: &Incarnation,
    location: &SavepointLocation,
    request: &SavepointRequest,
    settings: &SavepointSettings,
) -> Result<SavepointManifest, SavepointError> {
    let (owned, manifest) = read(store, request.epoch).await?;
    check_published(store, &owned, &manifest, settings).await?;
    abandoned::release_pins(incarnation).await?;
    let attempt = settings.nonces.draw();
    let claim = SavepointClaim {
        attempt,
        epoch: request.epoch,
        job: store.job().to_string(),
        created_at_ms: request.now_ms,
    };
    let pin = abandoned::pin(incarnation.generation(), attempt);
    let reason = format!("savepoint {location}");
    incarnation
        .pin(&pin, request.epoch, &reason)
        .await
        .map_err(SavepointError::of_checkpoint("hold the checkpoint"))?;
    let written = match reserve::reserve(location, &claim).await {
        Ok(()) => match finish(store, location, request, settings, &claim).await {
            Ok(written) => Ok(written),
            Err(error) => Err(withdrawn(location, attempt, error).await),
        },
        Err(error) => {
            // Without an answer to the claim it may be there all the same.
            let _: SavepointError = withdrawn(location, attempt, SavepointError::Interrupted).await;
            Err(error)
        }
    };
    if let Err(error) = incarnation.unpin(&pin).await {
        tracing::warn!(savepoint = %location, pin, %error, "the checkpoint is still held until the next start");
    }
    written
}

/// Takes a failed attempt back as far as the store allows. Without its name an attempt fails for that reason, whatever it met.
async fn withdrawn(location: &SavepointLocation, attempt: u64, error: SavepointError) -> SavepointError {
    match reserve::withdraw(location, attempt).await {
        Ok(true) => error,
        Ok(false) => SavepointError::NameLost { location: location.to_string() },
        Err(failure) => {
            tracing::warn!(savepoint = %location, error = %failure, "what a failed savepoint left is still there");
            error
        }
    }
}

/// Everything between the claim and the answer.
async fn finish(
    store: &JobStore,
    location: &SavepointLocation,
    request: &SavepointRequest,
    settings: &SavepointSettings,
    claim: &SavepointClaim,
) -> Result<SavepointManifest, SavepointError> {
    // Again, because it is only now held.
    let (_, manifest) = read(store, request.epoch).await?;
    let mut tables = Vec::new();
    let max_parallelism = manifest.max_parallelism;
    for operator in &manifest.operators {
        for (name, segments) in by_table(&operator.segments) {
            let writer = TableWriter {
                objects: store.objects(),
                location,
                settings,
                attempt: claim.attempt,
                operator: &operator.uid,
                name,
                segments,
                max_parallelism,
            };
            tables.push(writer.write().await?);
        }
    }
    let lineage =
        store.lineage().await.map_err(SavepointError::of_checkpoint("read the job's first generation"))?;
    let savepoint = SavepointManifest {
        name: location.name().to_owned(),
        attempt: claim.attempt,
        epoch: request.epoch,
        lineage,
        created_at_ms: request.now_ms,
        engine_version: request.engine_version.clone(),
        state: without_objects(manifest, request.epoch),
        tables,
    };
    let key = manifest_key(claim.attempt);
    let unwritable = |source| SavepointError::Manifest { file: location.path(&key), source };
    let body = savepoint.encode().map_err(unwritable)?;
    let lost = || SavepointError::NameLost { location: location.to_string() };
    match location.create(&key, body.into()).await {
        Ok(CreateOutcome::Created) => {}
        Ok(CreateOutcome::Taken(_)) => return Err(lost()),
        Err(source) => {
            return Err(SavepointError::Storage { action: "write the manifest of a savepoint", source });
        }
    }
    // Whoever takes the name away marks the attempt first or removes its claim: one of the two is seen.
    match location.claim().await? {
        Some(found) if found == *claim => Ok(savepoint),
        _ => Err(lost()),
    }
}

async fn read(store: &JobStore, epoch: Epoch) -> Result<(OwnedCheckpoint, Manifest), SavepointError> {
    match store.read_manifest(epoch).await {
        Ok(found) => Ok(found),
        Err(StoreError::NoSuchCheckpoint { .. }) => Err(SavepointError::Damaged {
            file: format!("{}/{}", store.location(), layout::epoch(epoch)),
            expected: "the record of a checkpoint".to_owned(),
            found: "none".to_owned(),
            advice: OTHER_EPOCH,
        }),
        Err(error) => Err(SavepointError::of_checkpoint("read the checkpoint")(error)),
    }
}

/// A savepoint holds no output: what the epoch staged must be visible, and it must not keep anything back.
async fn check_published(
    store: &JobStore,
    owned: &OwnedCheckpoint,
    manifest: &Manifest,
    settings: &SavepointSettings,
) -> Result<(), SavepointError> {
    let epoch = owned.epoch;
    let key = layout::published(owned.checkpoint, owned.generation);
    let full = format!("{}{key}", layout::job_folder(store.job()));
    let bytes = match retry::get(store.objects().storage().as_ref(), &full, &settings.patience).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Err(SavepointError::Unpublished { epoch }),
        Err(source) => {
            return Err(SavepointError::Storage { action: "look whether the epoch is published", source });
        }
    };
    let damaged = |found| SavepointError::Damaged {
        file: format!("{}/{key}", store.location()),
        expected: format!("the published marker of epoch {epoch}"),
        found,
        advice: OTHER_EPOCH,
    };
    let marker = PublishedMarker::decode(&bytes).map_err(|reason| damaged(reason.to_string()))?;
    if (marker.epoch, marker.checkpoint) != (epoch, owned.checkpoint) {
        return Err(damaged(format!("that of epoch {}", marker.epoch)));
    }
    let pending: Vec<&str> =
        manifest.sinks.iter().filter(|s| !s.pending.is_empty()).map(|s| s.uid.0.as_str()).collect();
    match pending.is_empty() {
        true => Ok(()),
        false => Err(SavepointError::PendingOutput { epoch, sinks: pending.join(", ") }),
    }
}

/// Segments of each table, in the order in which they must be applied.
fn by_table(segments: &[StateSegment]) -> BTreeMap<&str, Vec<&StateSegment>> {
    let mut tables: BTreeMap<&str, Vec<&StateSegment>> = BTreeMap::new();
    for segment in segments {
        tables.entry(segment.table.as_str()).or_default().push(segment);
    }
    tables
}

/// The checkpoint as it stands in a savepoint: no state of its own, no output, and what was the newest output before it now
/// includes its own.
fn without_objects(mut manifest: Manifest, epoch: Epoch) -> Manifest {
    for operator in &mut manifest.operators {
        operator.segments.clear();
    }
    for sink in &mut manifest.sinks {
        if !sink.publications.is_empty() {
            sink.last_output = Some(epoch);
        }
        sink.publications.clear();
        sink.pending.clear();
        sink.repeated.clear();
    }
    manifest
}
