//! An open savepoint, and the table of it that a declaration means.
//!
//! Example: a savepoint of a job with one aggregate and one `COUNT(DISTINCT ..)` in it has one operator with the tables `groups`
//! and `values-30a5..`; `'operator'` may be left out, `'table'` may not.

use std::path::Path;

use millstream_connectors::ConnectorError;
use millstream_connectors::options::{ParsedOptions, closest};
use millstream_model::OperatorUid;
use millstream_savepoint::{SavedTable, SavepointLocation, SavepointManifest, SavepointReader};
use millstream_storage::Patience;
use millstream_storage::wait::wait_for;

use crate::failure;

/// Opens the savepoint of a table; a relative path starts at `base`.
///
/// # Errors
/// `Options`: no address, no savepoint, an unfinished or a damaged one; `Io`.
pub(crate) fn open(table: &str, path: &str, base: &Path) -> Result<SavepointReader, ConnectorError> {
    let refuse = |message: String| ConnectorError::Options {
        table: table.to_owned(),
        message: format!("'path' = '{path}': {message}"),
    };
    let storage =
        millstream_storage::open(path.trim_end_matches('/'), base).map_err(|e| refuse(e.to_string()))?;
    let location = SavepointLocation::in_folder(storage, "", Patience::default())
        .map_err(|e| failure::of_opening(table, path, e))?;
    wait_for(SavepointReader::open(&location))
        .map_err(|e| failure::of_waiting(table, format!("cannot open the savepoint {location}"), &e))?
        .map_err(|e| failure::of_opening(table, path, e))
}

/// The stored table that the options name.
///
/// # Errors
/// `Options`, with what there is and what may have been meant.
pub(crate) fn find<'a>(
    reader: &'a SavepointReader,
    options: &ParsedOptions,
) -> Result<&'a SavedTable, ConnectorError> {
    let manifest = reader.manifest();
    let place = reader.location().to_string();
    let uid = operator(manifest, &place, options.text("operator")).map_err(|m| options.error(m))?;
    table(manifest, &place, uid, options.text("table")).map_err(|m| options.error(m))
}

/// An operator with state: its uid, and its name, which other operators may have, too.
type Stateful<'a> = (&'a OperatorUid, &'a str);

fn stateful(manifest: &SavepointManifest) -> Vec<Stateful<'_>> {
    let mut uids: Vec<&OperatorUid> = manifest.tables.iter().map(|t| &t.operator).collect();
    uids.sort();
    uids.dedup();
    let name = |uid| manifest.state.operator(uid).map_or("", |o| o.name.as_str());
    uids.into_iter().map(|uid| (uid, name(uid))).collect()
}

fn operator<'a>(
    manifest: &'a SavepointManifest,
    place: &str,
    wanted: Option<&str>,
) -> Result<&'a OperatorUid, String> {
    let all = stateful(manifest);
    let listed = |all: &[Stateful<'_>]| {
        all.iter().map(|(uid, name)| format!("'{uid}' ({name})")).collect::<Vec<_>>().join(", ")
    };
    let Some(wanted) = wanted else {
        return match all.as_slice() {
            [(uid, _)] => Ok(uid),
            [] => Err(format!("the savepoint {place} holds no state: there is nothing to read")),
            many => Err(format!(
                "the option 'operator' is missing: the savepoint {place} has state of {}",
                listed(many)
            )),
        };
    };
    if let Some((uid, _)) = all.iter().find(|(uid, _)| uid.0 == wanted) {
        return Ok(uid);
    }
    let namesakes: Vec<Stateful<'_>> = all.iter().filter(|(_, name)| *name == wanted).copied().collect();
    match namesakes.as_slice() {
        [(uid, _)] => Ok(uid),
        [] => {
            let words = all.iter().flat_map(|(uid, name)| [uid.0.as_str(), *name]);
            let message =
                format!("'operator' = '{wanted}': the savepoint {place} has state of {}", listed(&all));
            Err(with_suggestion(message, closest(wanted, words)))
        }
        many => Err(format!("'operator' = '{wanted}': several are called so; write one of {}", listed(many))),
    }
}

fn table<'a>(
    manifest: &'a SavepointManifest,
    place: &str,
    uid: &OperatorUid,
    wanted: Option<&str>,
) -> Result<&'a SavedTable, String> {
    let all: Vec<&SavedTable> = manifest.tables.iter().filter(|t| t.operator == *uid).collect();
    let listed = || {
        let columns =
            |t: &SavedTable| t.columns.iter().map(|c| format!("`{}`", c.name)).collect::<Vec<_>>().join(", ");
        all.iter().map(|t| format!("'{}' ({})", t.name, columns(t))).collect::<Vec<_>>().join(", ")
    };
    match (wanted, all.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(format!("the option 'table' is missing: {uid} has in {place} the tables {}", listed()))
        }
        (Some(wanted), _) => all.iter().find(|t| t.name == wanted).copied().ok_or_else(|| {
            let message = format!("'table' = '{wanted}': {uid} has in {place} the tables {}", listed());
            with_suggestion(message, closest(wanted, all.iter().map(|t| t.name.as_str())))
        }),
    }
}

/// The suggestion comes last: that is where a plan's error looks for it.
pub(crate) fn with_suggestion(message: String, word: Option<&str>) -> String {
    match word {
        Some(word) => format!("{message}; did you mean '{word}'?"),
        None => message,
    }
}
