//! Where savepoints are, and what a job expects of one.

use std::collections::BTreeSet;
use std::path::Path;

use millstream_checkpoint_store::JobStore;
use millstream_model::graph::OperatorRole;
use millstream_model::{ErrorKind, JobError};
use millstream_operators::BuildContext;
use millstream_plan::CompiledJob;
use millstream_savepoint::{
    ExpectedOperator, ExpectedState, ExpectedTable, SavepointError, SavepointLocation,
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
) -> Result<SavepointLocation, JobError> {
    match to {
        Some(to) => at(to, Path::new("/")),
        None => Ok(of_job(name, store)?),
    }
}

/// The savepoint that a person means: an address, a path, or the name of one in the job's own storage.
///
/// # Errors
/// The address or the name is not one.
pub(crate) fn find(text: &str, base: &Path, store: &JobStore) -> Result<SavepointLocation, JobError> {
    let is_path = text.contains('/') || text.starts_with('.');
    if is_path { at(text, base) } else { Ok(of_job(text, store)?) }
}

/// The savepoint in this folder; a relative path starts at `base`.
///
/// # Errors
/// The address is none, or its last part cannot be a name.
pub(crate) fn at(uri: &str, base: &Path) -> Result<SavepointLocation, JobError> {
    let uri = uri.trim_end_matches('/');
    let storage =
        millstream_storage::open(uri, base).map_err(|e| JobError::new(ErrorKind::User, e.to_string()))?;
    Ok(SavepointLocation::in_folder(storage, "", Patience::default())?)
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
