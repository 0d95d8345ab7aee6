//! `millstream savepoint`.

mod inspect;
mod take;

use std::io::Write as _;
use std::path::Path;

use millstream_savepoint::{SavepointLocation, SavepointReader};
use millstream_storage::Patience;
use serde_json::{Value, json};

use super::args::{DeleteArguments, ListArguments, PlaceArguments, SavepointArguments, SavepointCommand};
use super::confirm::confirm;
use super::ending;
use super::failure::Failure;
use super::storage::{job_store, storage_uri};
use crate::job_file::{JobFile, JobOverrides};
use crate::{savepoints, telemetry};

/// Takes, shows, lists or deletes savepoints.
pub(super) fn savepoint(arguments: SavepointArguments) -> Result<(), Failure> {
    telemetry::start(false, "warn", std::io::stderr);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(async {
        match arguments.command {
            None => take::take(arguments.take).await,
            Some(SavepointCommand::Inspect(inspect)) => {
                let file = inspect.ending.clone();
                with_word(file.as_deref(), inspect::inspect(inspect)).await
            }
            Some(SavepointCommand::List(list)) => self::list(list).await,
            Some(SavepointCommand::Delete(delete)) => {
                let file = delete.ending.clone();
                with_word(file.as_deref(), self::delete(delete)).await
            }
        }
    })
}

/// Does this, and leaves word of what came of it where that is asked for.
async fn with_word(
    file: Option<&Path>,
    work: impl Future<Output = Result<Value, Failure>>,
) -> Result<(), Failure> {
    let Some(file) = file else { return work.await.map(drop) };
    ending::begin(file)?;
    let done = work.await;
    let word = match &done {
        Ok(word) => word.clone(),
        Err(failure) => ending::word_of(failure),
    };
    ending::write(file, &word);
    done.map(drop)
}

/// The job that is meant by a file, or by the name of a job that was started in the working directory.
fn job(text: &str, place: &PlaceArguments) -> Result<JobFile, Failure> {
    let path = Path::new(text);
    let is_name = !path.exists() && path.extension().is_none() && path.components().count() == 1;
    if is_name {
        return JobFile::named(text);
    }
    let (name, sql_from) = (place.name.clone(), place.sql_from.clone());
    JobFile::read(path, &JobOverrides { name, sql_from, ..JobOverrides::default() })
}

/// A savepoint's folder as it is typed: relative to the working directory.
fn typed(text: &str) -> Result<SavepointLocation, Failure> {
    let base = std::env::current_dir()
        .map_err(|e| Failure::Mistake(format!("the working directory cannot be found: {e}")))?;
    Ok(savepoints::at(text, &base)?)
}

async fn list(arguments: ListArguments) -> Result<(), Failure> {
    let file = job(&arguments.job, &arguments.place)?;
    let store = job_store(&storage_uri(arguments.place.storage.as_deref(), &file)?, &file)?;
    let storage = store.objects().storage().clone();
    let names = millstream_savepoint::list(storage.as_ref(), store.job(), &Patience::default()).await;
    for name in names? {
        let location = SavepointLocation::of_job(storage.clone(), store.job(), &name, Patience::default())?;
        let note = match SavepointReader::open(&location).await {
            Ok(_) => String::new(),
            Err(error) if error.is_not_there() => "  (not finished)".to_owned(),
            Err(error) => format!("  ({error})"),
        };
        answer(&format!("{location}{note}\n"));
    }
    Ok(())
}

async fn delete(arguments: DeleteArguments) -> Result<Value, Failure> {
    let location = typed(&arguments.savepoint)?;
    confirm(arguments.yes, &format!("delete {location}?"))?;
    if millstream_savepoint::delete(&location).await? {
        answer(&format!("deleted {location}\n"));
        return Ok(json!({"ending": "Deleted"}));
    }
    Err(Failure::Mistake(format!("there is no savepoint in {location}")))
}

/// Results go to stdout. A closed pipe is no failure.
fn answer(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_found_beside_the_sql_that_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, sql) = (folder.path().join("job.yaml"), folder.path().join("sql/q.sql"));
        std::fs::create_dir(folder.path().join("sql")).unwrap();
        let spec = "spec:\n  sqlFrom: {configMapKeyRef: {name: m, key: k.sql}}\n";
        let head = "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {name: j}\n";
        std::fs::write(&manifest, format!("{head}{spec}")).unwrap();
        std::fs::write(&sql, "").unwrap();
        let text = manifest.display().to_string();
        let place = |sql_from| PlaceArguments { name: None, storage: None, sql_from };
        assert!(job(&text, &place(None)).unwrap_err().message().contains("--sql-from"));
        let found = job(&text, &place(Some(sql))).unwrap();
        assert_eq!(found.local_folder(), folder.path().join("sql/.millstream"));
    }
}
