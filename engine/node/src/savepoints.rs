//! Where savepoints are, and what a job expects of one.

use std::collections::BTreeSet;
use std::path::Path;

use millstream_checkpoint_store::{JobStore, StoreSettings};
use millstream_model::graph::OperatorRole;
use millstream_model::{ErrorKind, JobError};
use millstream_operators::BuildContext;
use millstream_plan::CompiledJob;
use millstream_savepoint::{
    ExpectedOperator, ExpectedState, ExpectedTable, SavepointError, SavepointLocation, SavepointReader,
};
use millstream_storage::Patience;

/// The folder for a new savepoint: `to`, an address or an absolute path, or else one of this name in the job's own storage.
///
/// # Errors
/// The address or the name is not one.
pub(crate) fn destination(
    to: Option<&str>,
    name: &str,
    store: &JobStore,
) -> Result<SavepointLocation, SavepointError> {
    match to {
        Some(to) => at(to, Path::new("/")),
        None => of_job(name, store),
    }
}

/// Whether a savepoint can be written there, before a job is stopped for it: the name is free, and the store can be written and
/// keeps what reserving a name rests on.
///
/// # Errors
/// It cannot.
pub(crate) async fn check_destination(
    location: &SavepointLocation,
    store: &JobStore,
) -> Result<(), JobError> {
    millstream_savepoint::check_free(location).await?;
    let there = JobStore::open(location.storage().clone(), store.job().clone(), StoreSettings::default());
    Ok(there.probe().await?)
}

/// Opens the savepoint that a person means: an address, a path, or the name of one in the job's own storage. A name that is not
/// there may be that of a folder, as `inspect` takes it.
///
/// # Errors
/// The address or the name is not one; there is no savepoint; it cannot be read.
pub(crate) async fn open(
    text: &str,
    base: &Path,
    store: &JobStore,
) -> Result<SavepointReader, SavepointError> {
    if text.contains('/') || text.starts_with('.') {
        return SavepointReader::open(&at(text, base)?).await;
    }
    let own = SavepointReader::open(&of_job(text, store)?).await;
    if own.as_ref().is_err_and(SavepointError::is_not_there)
        && let Ok(folder) = SavepointReader::open(&at(text, base)?).await
    {
        return Ok(folder);
    }
    own
}

/// The savepoint in this folder; a relative path starts at `base`.
///
/// # Errors
/// The address is none, or that of a whole file system.
pub(crate) fn at(uri: &str, base: &Path) -> Result<SavepointLocation, SavepointError> {
    // Without its slashes the scheme of `s3://` would be a path.
    let (scheme, path) = uri.split_at(uri.find("://").map_or(0, |at| at + 3));
    let folder = format!("{scheme}{}", path.trim_end_matches('/'));
    let is_whole = path.starts_with('/') && folder == scheme;
    let address = if is_whole { uri } else { &folder };
    let storage = millstream_storage::open(address, base)
        .map_err(|source| SavepointError::Storage { action: "open the folder of the savepoint", source })?;
    if is_whole {
        return Err(SavepointError::Name { name: uri.to_owned(), reason: "name a folder below it" });
    }
    SavepointLocation::in_folder(storage, "", Patience::default())
}

fn of_job(name: &str, store: &JobStore) -> Result<SavepointLocation, SavepointError> {
    let storage = store.objects().storage().clone();
    SavepointLocation::of_job(storage, store.job(), name, Patience::default())
}

/// The state tables of a job.
///
/// # Errors
/// [`ErrorKind::Bug`]: an operator cannot be built.
pub(crate) fn expected_state(
    job: &CompiledJob,
    droppable: &BTreeSet<String>,
) -> Result<ExpectedState, JobError> {
    let context = BuildContext::of_subtask(0, 1, job.graph.max_parallelism);
    let mut operators = Vec::new();
    for (chain, compiled) in job.graph.chains.iter().zip(&job.chains) {
        for (node, spec) in chain.operators.iter().zip(&compiled.operators) {
            if node.role != OperatorRole::Stateful {
                continue;
            }
            let operator =
                millstream_operators::build(spec, context).map_err(|e| JobError::of(ErrorKind::Bug, &e))?;
            let tables = operator.tables().into_iter();
            let tables = tables
                .map(|t| ExpectedTable {
                    name: t.name,
                    columns: t.columns,
                    dispensable: t.dispensable,
                    indispensable: t.indispensable,
                })
                .collect();
            operators.push(ExpectedOperator { uid: node.uid.clone(), name: node.name.clone(), tables });
        }
    }
    Ok(ExpectedState { operators, droppable: droppable.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_nothing_is_no_folder() {
        let cases = [
            ("s3://", "write the bucket after s3://"),
            ("s3:///", "write the bucket after s3://"),
            ("memory://", "write memory:// and a name"),
            ("file://", "write file:// and an absolute path"),
            ("file:///", "name a folder below it"),
            ("/", "name a folder below it"),
            ("", "it is empty"),
        ];
        for (uri, expected) in cases {
            let error = JobError::from(at(uri, Path::new("/base")).unwrap_err());
            assert_eq!(error.kind, ErrorKind::User, "{uri}: {error}");
            assert!(error.message.contains(expected), "{uri}: {error}");
        }
        for (uri, expected) in
            [("x/", "file:///base/x"), ("file:///x//", "file:///x"), ("memory://m/", "memory://m")]
        {
            assert_eq!(at(uri, Path::new("/base")).unwrap().to_string(), expected);
        }
    }
}
