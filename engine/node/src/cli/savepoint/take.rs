//! Taking a savepoint: by the job itself if it runs, else from what it left.

use millstream_checkpoint_store::{JobStore, TakeOverRequest};
use millstream_coordinator::SavepointReport;
use millstream_coordinator::control::CoordinatorClient;
use millstream_savepoint::{SavepointLocation, SavepointRequest, SavepointSettings};
use millstream_tls::Role;

use super::{answer, job};
use crate::cli::args::TakeArguments;
use crate::cli::failure::Failure;
use crate::cli::security::security;
use crate::cli::storage::{absolute, job_store, socket, storage_uri};
use crate::control::{self, Answer, Ask, NotRunning, SavepointAsk, SavepointThen};
use crate::job_file::JobFile;
use crate::{clock, savepoints};

/// Takes a savepoint and prints where it is.
pub(super) async fn take(arguments: TakeArguments) -> Result<(), Failure> {
    if let Some(coordinator) = &arguments.coordinator {
        return over_the_network(coordinator, &arguments).await;
    }
    let TakeArguments { job: Some(text), to, name, stop, drain, offline, place, .. } = arguments else {
        return Err(Failure::Mistake("name a job: its file, or its name".into()));
    };
    let file = job(&text, &place)?;
    let to = to.map(|to| absolute(&to));
    let name = name.unwrap_or_else(|| clock::as_name(clock::unix_ms()));
    let then = then(stop, drain);
    let storage = storage_uri(place.storage.as_deref(), &file)?;
    if to.as_deref().unwrap_or(&storage).starts_with("memory:") {
        let advice = "name a folder or an address of object storage with --to";
        return Err(Failure::Mistake(format!(
            "a savepoint in memory:// is gone with the process that holds it; {advice}"
        )));
    }
    let socket = socket(place.storage.as_deref(), &file)?;
    let report = if offline {
        if control::is_listening(&socket).await {
            return Err(Failure::Mistake(format!("{} is running: leave --offline out", file.identity.name)));
        }
        let store = job_store(&storage, &file)?;
        let location = savepoints::destination(to.as_deref(), &name, &store);
        from_newest_epoch(&store, &location?).await?
    } else {
        let ask = Ask::Savepoint(SavepointAsk { to, name, then });
        by_the_job(&file, &control::ask(&socket, &ask).await)?
    };
    show(&report);
    Ok(())
}

fn show(report: &SavepointReport) {
    answer(&format!(
        "{}\n  epoch {}, {} rows of state, {} bytes\n",
        report.location, report.epoch, report.rows, report.bytes
    ));
}

const fn then(stop: bool, drain: bool) -> SavepointThen {
    match (stop, drain) {
        (true, true) => SavepointThen::Drain,
        (true, false) => SavepointThen::Stop,
        _ => SavepointThen::GoOn,
    }
}

/// By a job that runs anywhere. A relative folder would be one of the coordinator's host.
async fn over_the_network(coordinator: &str, arguments: &TakeArguments) -> Result<(), Failure> {
    let to = arguments.to.clone();
    if let Some(to) = to.as_deref().filter(|to| !to.contains("://") && !to.starts_with('/')) {
        return Err(Failure::Mistake(format!(
            "--to {to}: give an address, or the whole path on the coordinator's host"
        )));
    }
    let name = arguments.name.clone().unwrap_or_else(|| clock::as_name(clock::unix_ms()));
    let then = then(arguments.stop, arguments.drain);
    let security = security(&arguments.security, Role::Client)?;
    let mut client = CoordinatorClient::connect(coordinator, &security).await?;
    show(&client.savepoint(to, name, then.into()).await?);
    Ok(())
}

/// What the running job made of the request.
fn by_the_job(
    file: &JobFile,
    answered: &Result<std::io::Result<Answer>, NotRunning>,
) -> Result<SavepointReport, Failure> {
    match answered {
        Ok(Ok(Answer::Savepoint(report))) => Ok(report.clone()),
        Ok(Ok(Answer::Refused(error))) => Err(error.clone().into()),
        Ok(Err(error)) => Err(Failure::Job(format!(
            "no answer from {} ({error}); whether it wrote the savepoint is not known",
            file.identity.name
        ))),
        Err(not_running) => Err(Failure::Mistake(format!(
            "{} does not run here: {not_running}\n  if it runs nowhere, --offline takes the savepoint from its newest epoch",
            file.identity.name
        ))),
    }
}

/// Takes a job over that runs nowhere, and saves what it left.
async fn from_newest_epoch(
    store: &JobStore,
    location: &SavepointLocation,
) -> Result<SavepointReport, Failure> {
    savepoints::check_destination(location, store).await?;
    let overview = store.look().await?;
    let (Some((owned, _)), None) = (overview.restorable, overview.damage) else {
        let reason = format!("{} has no checkpoint that could be saved", store.location());
        return Err(Failure::Mistake(reason));
    };
    if !overview.unpublished.is_empty() {
        return Err(Failure::Mistake(format!(
            "epoch {} has output that is not visible yet, and a savepoint holds none: run the job once more, which makes it \
             visible",
            owned.epoch
        )));
    }
    let taken = store.take_over(&TakeOverRequest::default()).await?;
    let request = SavepointRequest {
        epoch: owned.epoch,
        now_ms: clock::unix_ms(),
        engine_version: env!("CARGO_PKG_VERSION").into(),
    };
    let settings = SavepointSettings::default();
    let manifest =
        millstream_savepoint::write(store, &taken.incarnation, location, &request, &settings).await?;
    Ok(SavepointReport {
        location: location.to_string(),
        epoch: owned.epoch,
        rows: manifest.rows(),
        bytes: manifest.bytes(),
        at_ms: clock::unix_ms(),
    })
}
