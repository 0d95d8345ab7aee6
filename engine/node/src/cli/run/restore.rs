//! Starting from a savepoint.
//!
//! Everything that can be refused is looked at before anything is written; then the savepoint becomes the newest epoch of the
//! job's own storage, and the run continues from that like from any other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use millstream_api::RestorePolicy;
use millstream_checkpoint::Outcome;
use millstream_checkpoint_store::{JobStore, OnDamage, Overview, TakeOverRequest};
use millstream_model::{Epoch, OperatorUid};
use millstream_plan::CompiledJob;
use millstream_savepoint::{
    ImportRequest, SavepointError, SavepointLocation, SavepointManifest, SavepointSettings,
};

use super::say;
use super::start::check_losses;
use crate::cli::args::StartArguments;
use crate::cli::confirm::confirm;
use crate::cli::failure::Failure;
use crate::job_file::JobFile;
use crate::savepoints;

/// A savepoint to start from.
pub(super) struct Wanted {
    /// As the user wrote it.
    text: String,
    /// What a relative path starts from.
    base: PathBuf,
    /// Whether the job may start from nothing if there is none.
    is_optional: bool,
}

/// What the flags and the manifest say. The manifest's savepoint is for a job that has no state of its own yet. A run that ended
/// while it restored has written into the log and owns nothing: it is done again.
pub(super) fn wanted(
    arguments: &StartArguments,
    file: &JobFile,
    overview: &Overview,
) -> Result<Option<Wanted>, Failure> {
    if let Some(text) = &arguments.from_savepoint {
        let base = std::env::current_dir()
            .map_err(|e| Failure::Mistake(format!("the working directory cannot be found: {e}")))?;
        return Ok(Some(Wanted { text: text.clone(), base, is_optional: false }));
    }
    let Some((from, policy)) = &file.restore else { return Ok(None) };
    if !overview.is_empty() {
        tracing::info!("spec.restore.from ({from}) is not used: the job has state of its own, and continues");
        return Ok(None);
    }
    let is_optional = *policy == RestorePolicy::IfPresent;
    Ok(Some(Wanted { text: from.clone(), base: file.base_dir.clone(), is_optional }))
}

/// Makes the savepoint the newest epoch of the job. False if there is none, and none is needed.
pub(super) async fn restore(
    wanted: &Wanted,
    arguments: &StartArguments,
    store: &JobStore,
    overview: &Overview,
    discard: Vec<Epoch>,
    job: &CompiledJob,
) -> Result<bool, Failure> {
    let reader = match savepoints::open(&wanted.text, &wanted.base, store).await {
        Ok(reader) => reader,
        Err(error) if error.is_not_there() && wanted.is_optional => {
            say(&format!("{error}; starting from the beginning (spec.restore.policy is IfPresent)"));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let location = reader.location();
    if let Some(epoch) = overview.unpublished.iter().find(|epoch| !discard.contains(epoch)) {
        return Err(Failure::Mistake(format!(
            "the output of epoch {epoch} of this job is not visible yet: run the job once as it was, which makes it visible \
             first, then restore the savepoint"
        )));
    }
    let saved = reader.manifest();
    if saved.state.outcome == Outcome::Finished {
        return Err(Failure::Mistake(format!(
            "the savepoint {location} is of a job that was drained or has read all its input: there is nothing to go on with"
        )));
    }
    let names = arguments.allow_state_loss.iter().cloned().collect();
    let expected = savepoints::expected_state(job, &names).map_err(Failure::from)?;
    let preview = millstream_savepoint::preview(&reader, &expected).map_err(refused)?;
    if preview.max_parallelism != job.graph.max_parallelism && saved.tables.iter().any(|t| t.rows() > 0) {
        return Err(Failure::Mistake(format!(
            "the savepoint's state is divided into {} key groups, and maxParallelism is {}; it is fixed for the life of a job: \
             set it to {}",
            preview.max_parallelism, job.graph.max_parallelism, preview.max_parallelism
        )));
    }
    let droppable: BTreeSet<OperatorUid> = names.into_iter().map(OperatorUid).collect();
    let epoch = saved.epoch;
    check_losses(&preview, epoch, job, &droppable)?;
    reader.check_files().await?;
    // The job's own state and output stay as they are until all that can be known is known.
    store.probe().await?;
    leave_own_state(arguments, store, overview, location, saved).await?;
    // What the job would continue from is not needed. If it is damaged, it stays the newest until the import owns an epoch: a
    // start that finds no savepoint then says so, and does not begin anew.
    let request =
        TakeOverRequest { discard, on_damage: OnDamage::RestoreNothing, ..TakeOverRequest::default() };
    let taken = store.take_over(&request).await?;
    let request = ImportRequest { expected: Some(expected), now_ms: crate::clock::unix_ms() };
    let settings = SavepointSettings::default();
    let imported = millstream_savepoint::import(&reader, store, &taken, &request, &settings).await;
    let imported = imported.map_err(refused)?;
    say(&format!(
        "{}: savepoint {location} (epoch {epoch} of {}) is restored as epoch {}",
        store.job().name,
        saved.state.job,
        imported.owned.epoch
    ));
    Ok(true)
}

/// Says what happens to state and output that the job has, and asks.
async fn leave_own_state(
    arguments: &StartArguments,
    store: &JobStore,
    overview: &Overview,
    location: &SavepointLocation,
    saved: &SavepointManifest,
) -> Result<(), Failure> {
    let newest = match (&overview.restorable, &overview.damage) {
        (Some((newest, _)), _) => newest.epoch,
        (None, Some(damage)) => {
            say(&damage.message);
            overview.newest.unwrap_or_default()
        }
        (None, None) => return Ok(()),
    };
    say(&format!(
        "the state up to epoch {newest} is left for that of {location} (its epoch {})",
        saved.epoch
    ));
    let lineage = store.lineage().await?;
    if let Some((first, last)) = millstream_savepoint::repeats(saved, &lineage, Some(newest)) {
        say(&format!("output of epochs {first} to {last} will be written again"));
    }
    confirm(arguments.yes, "go on from the savepoint?")
}

/// A savepoint that does not fit is the user's to decide on.
fn refused(error: SavepointError) -> Failure {
    if matches!(error, SavepointError::Differs { .. }) {
        return Failure::Mistake(format!(
            "{error}\nadd --allow-state-loss UID,... to restore without what is named, or use the SQL that the savepoint was \
             taken with"
        ));
    }
    error.into()
}
