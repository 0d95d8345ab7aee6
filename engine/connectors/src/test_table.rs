//! Tables for the tests of this crate.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::table::TableConfig;

/// A schema of nullable columns.
pub(crate) fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect::<Vec<_>>()))
}

/// A table of the connector `test`.
pub(crate) fn table(name: &str, columns: &[(&str, DataType)], options: &[(&str, &str)]) -> TableConfig {
    TableConfig {
        name: name.to_owned(),
        connector: "test".to_owned(),
        options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        schema: schema(columns),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: PathBuf::from("/"),
    }
}
