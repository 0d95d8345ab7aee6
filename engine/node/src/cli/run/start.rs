//! What a run starts from: storage, the newest epoch, changed SQL, `--fresh`, going back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millstream_api::RestartPolicy;
use millstream_checkpoint::restore::{Loss, plan_restore};
use millstream_checkpoint::{Manifest, Outcome, StartFrom};
use millstream_checkpoint_store::{JobStore, Overview, StoreError, StoreSettings, TakeOverRequest};
use millstream_connectors::options::parse_duration;
use millstream_coordinator::CoordinatorSettings;
use millstream_jobmaster::{CheckpointSettings, RestartStrategy, Settings};
use millstream_model::graph::OperatorRole;
use millstream_model::{Epoch, JobError, OperatorUid};
use millstream_plan::CompiledJob;

use super::{advice, restore, say};
use crate::cli::args::StartArguments;
use crate::cli::confirm::confirm;
use crate::cli::failure::Failure;
use crate::cli::storage::{job_store, storage_uri};
use crate::job_file::JobFile;
use crate::state_backend;

/// Whether there is anything to do.
pub(in crate::cli) enum Start {
    /// The job is finished already, at this epoch; the user has been told.
    Finished(Epoch),
    /// Run.
    Go(Box<StartPlan>),
}

/// What to run with.
pub(in crate::cli) struct StartPlan {
    pub(in crate::cli) store: JobStore,
    pub(in crate::cli) settings: Settings,
    pub(in crate::cli) coordinator: CoordinatorSettings,
    pub(in crate::cli) droppable: BTreeSet<OperatorUid>,
    pub(in crate::cli) local_copies: Option<PathBuf>,
}

/// Opens the storage, looks at what is there and decides what to start from, asking where it must.
pub(in crate::cli) async fn prepare(
    arguments: &StartArguments,
    file: &JobFile,
    sql_settings: &BTreeMap<String, String>,
    job: &CompiledJob,
    is_query: bool,
) -> Result<Start, Failure> {
    if is_query {
        return Ok(Start::Go(Box::new(query(file))));
    }
    if let (None, Some(uri)) = (&arguments.storage, &file.manifest_storage) {
        tracing::info!("spec.state.storage ({uri}) is not used here; --storage from-manifest would use it");
    }
    let store = job_store(&storage_uri(arguments.storage.as_deref(), file)?, file)?;
    tracing::info!("state is kept in {}", store.location());
    let overview = store.look().await?;
    let at_least = arguments.at_least_epoch.map(Epoch);
    if overview.damage.is_none() {
        let found = overview.restorable.as_ref().map(|(owned, _)| owned.epoch);
        store.check_age(at_least, found)?;
    }
    let mut discard = Vec::new();
    if arguments.fresh || arguments.from_epoch.is_some() || arguments.from_savepoint.is_some() {
        for (epoch, reason) in unpublishable(&store, &overview.unpublished).await? {
            say(&format!("the output of epoch {epoch} that is not visible yet is given up: {reason}"));
            discard.push(epoch);
        }
    }
    let droppable: BTreeSet<OperatorUid> =
        arguments.allow_state_loss.iter().cloned().map(OperatorUid).collect();
    let from = if arguments.fresh {
        start_over(arguments, file, &store, &overview)?
    } else if let Some(epoch) = arguments.from_epoch {
        go_back(arguments, &store, &overview, Epoch(epoch), job, &droppable).await?
    } else {
        let is_restored = match restore::wanted(arguments, file, &overview)? {
            Some(wanted) => {
                let discard = std::mem::take(&mut discard);
                restore::restore(&wanted, arguments, &store, &overview, discard, job).await?
            }
            None => false,
        };
        if !is_restored && let Some(epoch) = finished_at(file, &store, overview, job, &droppable).await? {
            return Ok(Start::Finished(epoch));
        }
        StartFrom::Newest
    };
    let take_over = TakeOverRequest { from, discard, at_least, ..TakeOverRequest::default() };
    let copies = file.local_folder().join(format!("copies-{}", file.identity));
    let local_copies = state_backend::keeps_copies(sql_settings, &store.location()).then_some(copies);
    Ok(Start::Go(Box::new(StartPlan {
        local_copies,
        store,
        settings: job_settings(file, sql_settings),
        coordinator: CoordinatorSettings { take_over, ..CoordinatorSettings::default() },
        droppable,
    })))
}

/// Looks at what a job continues from, and says it. The epoch that it is finished at, if it is.
async fn finished_at(
    file: &JobFile,
    store: &JobStore,
    overview: Overview,
    job: &CompiledJob,
    droppable: &BTreeSet<OperatorUid>,
) -> Result<Option<Epoch>, Failure> {
    if let Some(damage) = overview.damage {
        return Err(advice::on(damage, None, store).await);
    }
    let Some((owned, manifest)) = &overview.restorable else { return Ok(None) };
    let name = &file.identity.name;
    let is_finished = manifest.outcome == Outcome::Finished;
    if is_finished && manifest.fingerprint == job.graph.fingerprint && overview.unpublished.is_empty() {
        say(&format!("{name}: finished at epoch {}; --fresh runs it again from the beginning", owned.epoch));
        return Ok(Some(owned.epoch));
    }
    check_losses(manifest, owned.epoch, job, droppable)?;
    if is_finished {
        say(&format!(
            "{name}: the job finished before its SQL changed: what was read is not read again; --fresh runs it from the beginning"
        ));
    }
    say(&format!("{name}: continuing from epoch {}", owned.epoch));
    Ok(None)
}

/// A bare SELECT is never persisted, always starts from the beginning, and is not repeated when it fails: its rows are on
/// stdout already.
fn query(file: &JobFile) -> StartPlan {
    let storage = Arc::new(millstream_storage::MemoryStorage::new());
    let store = JobStore::open(storage, file.identity.clone(), StoreSettings::default());
    StartPlan {
        store,
        settings: Settings {
            checkpoint: CheckpointSettings { interval_ms: None, ..CheckpointSettings::default() },
            restart: RestartStrategy::None,
            ..Settings::default()
        },
        coordinator: CoordinatorSettings { probe: false, ..CoordinatorSettings::default() },
        droppable: BTreeSet::new(),
        local_copies: None,
    }
}

fn start_over(
    arguments: &StartArguments,
    file: &JobFile,
    store: &JobStore,
    overview: &Overview,
) -> Result<StartFrom, Failure> {
    let Some(newest) = overview.newest else { return Ok(StartFrom::Newest) };
    if overview.is_empty() {
        return Ok(StartFrom::Empty);
    }
    say(&format!(
        "{}: starting over discards the state up to epoch {newest} in {}; output that is visible already stays: remove it first, or its rows will be there twice",
        file.identity.name,
        store.location()
    ));
    confirm(arguments.yes, "start over?")?;
    Ok(StartFrom::Empty)
}

async fn go_back(
    arguments: &StartArguments,
    store: &JobStore,
    overview: &Overview,
    epoch: Epoch,
    job: &CompiledJob,
    droppable: &BTreeSet<OperatorUid>,
) -> Result<StartFrom, Failure> {
    let (_, manifest) = store.read_manifest(epoch).await?;
    check_losses(&manifest, epoch, job, droppable)?;
    if let Some(newest) = overview.newest.filter(|n| *n > epoch) {
        say(&format!("output of epochs {} to {newest} will be written again", epoch.next()));
        confirm(arguments.yes, "go back?")?;
    }
    Ok(StartFrom::Epoch(epoch))
}

/// Owned epochs whose output can never be made visible, because it is damaged or gone, with the reason. Whoever goes back
/// behind them need not wait for them: what they hold is made again.
async fn unpublishable(store: &JobStore, unpublished: &[Epoch]) -> Result<Vec<(Epoch, String)>, Failure> {
    let mut found = Vec::new();
    for epoch in unpublished {
        if let Err(error) = read_output(store, *epoch).await {
            if !error.is_damage() {
                return Err(error.into());
            }
            found.push((*epoch, JobError::from(error).message));
        }
    }
    Ok(found)
}

async fn read_output(store: &JobStore, epoch: Epoch) -> Result<(), StoreError> {
    let (_, manifest) = store.read_manifest(epoch).await?;
    let objects = store.objects();
    for segment in manifest.sinks.iter().flat_map(|s| &s.publications).flat_map(|p| &p.segments) {
        objects.fetch(&segment.object).await?;
    }
    Ok(())
}

/// Refuses to lose state silently when the SQL changed.
pub(super) fn check_losses(
    manifest: &Manifest,
    epoch: Epoch,
    job: &CompiledJob,
    droppable: &BTreeSet<OperatorUid>,
) -> Result<(), Failure> {
    let plan = plan_restore(manifest, &job.graph, droppable).map_err(|e| Failure::Mistake(e.to_string()))?;
    for uid in &plan.changed {
        tracing::warn!(
            "operator {uid} keeps its state, but what it computes, or its input, changed since epoch {epoch}"
        );
    }
    let is_stateful = |uid: &OperatorUid| {
        job.graph.operators().any(|(_, node)| node.uid == *uid && node.role == OperatorRole::Stateful)
    };
    for uid in plan.new.iter().filter(|uid| is_stateful(uid)) {
        tracing::warn!(
            "operator {uid} is new and begins without state: it knows nothing of what was read before"
        );
    }
    if plan.lost.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = plan.lost.iter().map(describe).collect();
    let uids: Vec<&str> = plan.lost.iter().map(|l| l.uid.0.as_str()).collect();
    Err(Failure::Mistake(format!(
        "the SQL changed, and continuing from epoch {epoch} would lose:\n{}\nadd --allow-state-loss {} to continue without it, or --fresh to start over",
        lines.join("\n"),
        uids.join(",")
    )))
}

fn describe(loss: &Loss) -> String {
    format!("  {}: {} ({})", loss.uid, loss.what, loss.name)
}

/// What SET says wins over the manifest: it is nearer to the one who runs the job. The compiler has checked the values.
fn job_settings(file: &JobFile, sql_settings: &BTreeMap<String, String>) -> Settings {
    let set = |key: &str, otherwise: Duration| {
        let value = sql_settings.get(&format!("execution.checkpointing.{key}"));
        millis(value.and_then(|text| parse_duration(text)).unwrap_or(otherwise))
    };
    let checkpoint = &file.checkpoint;
    Settings {
        checkpoint: CheckpointSettings {
            interval_ms: Some(set("interval", checkpoint.interval)),
            timeout_ms: set("timeout", checkpoint.timeout),
            min_pause_ms: set("min-pause", checkpoint.min_pause),
            tolerable_failures: checkpoint.tolerable_failures,
            ..CheckpointSettings::default()
        },
        restart: file.restart.map_or_else(RestartStrategy::default, restart),
        ..Settings::default()
    }
}

fn restart(policy: RestartPolicy) -> RestartStrategy {
    match policy {
        RestartPolicy::Never => RestartStrategy::None,
        RestartPolicy::FixedDelay { delay, attempts, reset_after } => RestartStrategy::FixedDelay {
            attempts,
            delay_ms: millis(delay),
            reset_after_ms: millis(reset_after),
        },
        RestartPolicy::FailureRate { delay, attempts, interval } => {
            RestartStrategy::FailureRate { attempts, interval_ms: millis(interval), delay_ms: millis(delay) }
        }
        RestartPolicy::ExponentialDelay { initial, max, attempts, reset_after } => {
            RestartStrategy::ExponentialDelay {
                initial_ms: millis(initial),
                max_ms: millis(max),
                reset_after_ms: millis(reset_after),
                attempts: Some(attempts),
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job_file::JobOverrides;

    #[test]
    fn checkpoints_are_taken_as_set_says_else_as_the_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.yaml");
        let spec = "spec:\n  checkpoint: {interval: 7s, timeout: 50s, minPause: 2s}\n  sql: SELECT 1;\n";
        let head = "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {name: j}\n";
        std::fs::write(&path, format!("{head}{spec}")).unwrap();
        let file = JobFile::read(&path, &JobOverrides::default()).unwrap();
        let table: [(&[(&str, &str)], _); 4] = [
            (&[], (7_000, 50_000, 2_000)),
            (&[("interval", "200")], (200, 50_000, 2_000)),
            (&[("timeout", "3 min"), ("min-pause", "0")], (7_000, 180_000, 0)),
            (&[("interval", "1s"), ("timeout", "20 ms"), ("min-pause", "1 h")], (1_000, 20, 3_600_000)),
        ];
        for (set, expected) in table {
            let set = set.iter().map(|(k, v)| (format!("execution.checkpointing.{k}"), (*v).to_owned()));
            let found = job_settings(&file, &set.collect()).checkpoint;
            let found = (found.interval_ms, found.timeout_ms, found.min_pause_ms);
            assert_eq!(found, (Some(expected.0), expected.1, expected.2));
        }
    }
}
