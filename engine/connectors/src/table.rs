//! A table as a connector sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;

/// Declaration of a table: name, connector, options, physical columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// Name in SQL; for messages.
    pub name: String,
    /// Value of the option `connector`.
    pub connector: String,
    /// The other options, as written.
    pub options: BTreeMap<String, String>,
    /// Physical columns: no computed ones.
    pub schema: SchemaRef,
    /// Names of the `PARTITIONED BY` columns.
    pub partition_keys: Vec<String>,
    /// Names of the `PRIMARY KEY` columns; empty if there is none.
    pub primary_key: Vec<String>,
    /// Subtasks of each chain of the job: what a source that makes its rows up divides them by when the job first starts.
    pub parallelism: u32,
    /// Folder that relative paths start from: that of the file with the SQL.
    pub base_dir: PathBuf,
}

impl TableConfig {
    /// An option's text, if it was given.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }
}
