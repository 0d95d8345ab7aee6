//! Where each declared column comes from.
//!
//! A column that is called as a stored one is that one; `key_group` and `key BYTES` are what every state table has; all others are
//! the parts of the key, in their order. Example: over the stored columns `COUNT(*)` and `rows` the declaration
//! `(day DATE, rows BIGINT, city STRING)` has the key `(day, city)`.

use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use millstream_batch::is_key_type;
use millstream_connectors::options::closest;
use millstream_connectors::sql_type;
use millstream_savepoint::{SavedTable, SavepointManifest, widens};

use crate::opened::with_suggestion;

/// The table of a windowed aggregate's slices: a persistent name. All tables of such an operator have keys that begin with two
/// times.
const SLICES: &str = "slices";
/// The table of what is aggregated in sessions, and that of the keys that have some: persistent names. All tables of such an
/// operator but the second have keys that begin with one time.
const SESSIONS: &str = "sessions";
const SESSION_KEYS: &str = "session-keys";
/// What the times before the user's part of a key are.
const SLICE_TIMES: (usize, &str) =
    (2, "two times, the end of its slice and the end of the first window that counts it");
const SESSION_TIMES: (usize, &str) = (1, "a time, that of the row that began the session");

/// Where a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The stored column at this place of the files.
    Stored(usize),
    /// The part of the key at this place.
    Part(usize),
    /// The key's group.
    KeyGroup,
    /// The key as it is.
    RawKey,
}

/// A part of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPart {
    pub(crate) name: String,
    pub(crate) declared: DataType,
    /// A time of a window: stored as BIGINT, in microseconds.
    pub(crate) is_window_time: bool,
}

/// The declared columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Name and origin of each.
    pub(crate) origins: Vec<(String, Origin)>,
    /// All parts of the key, or none: then it is not looked at.
    pub(crate) parts: Vec<KeyPart>,
    /// Names of the stored columns; for messages.
    stored: Vec<String>,
}

impl Columns {
    /// Matches the columns of a declaration with those of a stored table.
    ///
    /// # Errors
    /// A sentence about the first column that does not fit.
    pub(crate) fn of(
        declared: &SchemaRef,
        saved: &SavedTable,
        manifest: &SavepointManifest,
    ) -> Result<Self, String> {
        let stored: Vec<String> = saved.columns.iter().map(|c| c.name.clone()).collect();
        let mut columns = Self { origins: Vec::new(), parts: Vec::new(), stored };
        let schema = saved.schema();
        for field in declared.fields() {
            // The key group and the key stand before the stored columns, and may be called as one of these.
            let place = columns.stored.iter().position(|name| name == field.name());
            let found = place.map(|at| at + schema.fields().len() - saved.columns.len());
            let origin = match found {
                Some(at) => {
                    check_stored(field, schema.field(at).data_type())?;
                    Origin::Stored(at)
                }
                None => columns.beside(field)?,
            };
            columns.origins.push((field.name().clone(), origin));
        }
        if let Some(times) = times_of(&saved.name, |table| manifest.table(&saved.operator, table).is_some()) {
            columns.mark_window_times(times)?;
        }
        Ok(columns)
    }

    /// A column that is not stored under its name.
    fn beside(&mut self, field: &Field) -> Result<Origin, String> {
        let (name, data_type) = (field.name(), field.data_type());
        match (name.as_str(), data_type) {
            ("key_group", DataType::Int32 | DataType::Int64) => return Ok(Origin::KeyGroup),
            ("key_group", other) => {
                return Err(format!("the column `key_group` is an INT, and declared as {}", sql_type(other)));
            }
            ("key", DataType::Binary) => return Ok(Origin::RawKey),
            _ => {}
        }
        let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !is_plain || self.stored.iter().any(|s| s.eq_ignore_ascii_case(name)) {
            let stored = self.stored_list();
            let message = format!("the table has no stored column `{name}`; it has {stored}");
            return Err(with_suggestion(message, closest_of(name, &self.stored)));
        }
        if !is_key_type(data_type) {
            return Err(format!(
                "the column `{name}` is not stored under this name, and {} cannot be part of a key; stored are {}",
                sql_type(data_type),
                self.stored_list()
            ));
        }
        let part = KeyPart { name: name.clone(), declared: data_type.clone(), is_window_time: false };
        self.parts.push(part);
        Ok(Origin::Part(self.parts.len() - 1))
    }

    /// The first parts of a window's key are times.
    fn mark_window_times(&mut self, (times, what): (usize, &str)) -> Result<(), String> {
        if self.parts.is_empty() {
            return Ok(());
        }
        for place in 0..times {
            let part = self.parts.get_mut(place);
            match part {
                // Seconds would make one of slices that end within a second.
                Some(part)
                    if matches!(part.declared, DataType::Int64 | DataType::Timestamp(_, None))
                        && !matches!(part.declared, DataType::Timestamp(TimeUnit::Second, _)) =>
                {
                    part.is_window_time = true;
                }
                other => {
                    let found = other.map_or_else(
                        || "there is no such column".to_owned(),
                        |part| format!("`{}` is declared as {}", part.name, sql_type(&part.declared)),
                    );
                    let columns = if times == 1 {
                        "the first column that is not a stored one"
                    } else {
                        "the first two columns that are not stored ones"
                    };
                    return Err(format!(
                        "the key of a window's state begins with {what}, so {columns} must be TIMESTAMP(3) or BIGINT \
                         (microseconds): {found}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Origins of the columns of a projection.
    ///
    /// # Errors
    /// A sentence about a column that is not declared.
    pub(crate) fn of_projection(&self, projection: &SchemaRef) -> Result<Vec<Origin>, String> {
        let origin = |field: &std::sync::Arc<Field>| {
            let declared = self.origins.iter().find(|(name, _)| name == field.name());
            declared.map(|(_, origin)| *origin).ok_or_else(|| format!("`{}` is not declared", field.name()))
        };
        projection.fields().iter().map(origin).collect()
    }

    /// `k BIGINT, city STRING`: the key as it is declared.
    pub(crate) fn key_text(&self) -> String {
        let part = |part: &KeyPart| format!("{} {}", part.name, sql_type(&part.declared));
        self.parts.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    /// What to look at when a key is not what the declaration says: a column with a slip in its name is taken for a part of it.
    pub(crate) fn advice(&self) -> String {
        let slip = self.parts.iter().find_map(|p| Some((&p.name, closest_of(&p.name, &self.stored)?)));
        match slip {
            Some((name, near)) => {
                format!(
                    "`{name}` is no stored column and is taken for a part of the key; did you mean `{near}`?"
                )
            }
            None => format!(
                "declare the columns that the operator groups by, with their types and in their order, or none of them; stored \
                 beside the key are {}",
                self.stored_list()
            ),
        }
    }

    fn stored_list(&self) -> String {
        self.stored.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// The times that keys of a table begin with, of an operator that `has` these tables.
fn times_of(table: &str, has: impl Fn(&str) -> bool) -> Option<(usize, &'static str)> {
    if has(SLICES) {
        return Some(SLICE_TIMES);
    }
    (has(SESSIONS) && has(SESSION_KEYS) && table != SESSION_KEYS).then_some(SESSION_TIMES)
}

fn closest_of<'a>(name: &str, stored: &'a [String]) -> Option<&'a str> {
    let same = stored.iter().find(|s| s.eq_ignore_ascii_case(name)).map(String::as_str);
    same.or_else(|| closest(name, stored.iter().map(String::as_str)))
}

fn check_stored(field: &Field, stored: &DataType) -> Result<(), String> {
    let declared = field.data_type();
    if stored == declared || widens(stored, declared) {
        return Ok(());
    }
    let (name, stored, declared) = (field.name(), sql_type(stored), sql_type(declared));
    Err(format!(
        "the column `{name}` is stored as {stored} and declared as {declared}; declare it as {stored}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_windows_begin_with_times() {
        let times = |table: &str, tables: &[&str]| {
            times_of(table, |name| tables.contains(&name)).map_or(0, |(times, _)| times)
        };
        assert_eq!(times("groups", &["groups"]), 0);
        assert_eq!(times("slices", &["slices"]), 2);
        assert_eq!(times("values-1", &["slices", "values-1"]), 2);
        let sessions = ["sessions", "session-keys", "values-1"];
        assert_eq!(sessions.map(|table| times(table, &sessions)), [1, 0, 1]);
    }

    #[test]
    fn the_time_of_a_session_is_declared_as_one() {
        let part = |declared| KeyPart { name: "began".into(), declared, is_window_time: false };
        let columns = |declared| Columns { origins: vec![], parts: vec![part(declared)], stored: vec![] };
        let mut time = columns(DataType::Timestamp(TimeUnit::Millisecond, None));
        time.mark_window_times(SESSION_TIMES).unwrap();
        assert!(time.parts[0].is_window_time);
        let refused = columns(DataType::Utf8).mark_window_times(SESSION_TIMES).unwrap_err();
        assert!(
            refused.contains("begins with a time") && refused.contains("the first column that"),
            "{refused}"
        );
    }
}
