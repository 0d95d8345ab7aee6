//! The connector as its users see it, by subject.

mod faults;
mod reading;
mod tables;
mod watching;
mod writing;

use std::io::Write as _;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};

use super::*;
use crate::conformance::source as conformance;
use crate::source::{Discovery, ReadOutcome};
use crate::test_table::{schema, table as test_table};

const COLUMNS: &[(&str, DataType)] =
    &[("id", DataType::Int64), ("text", DataType::Utf8), ("amount", DataType::Float64)];

fn connector() -> FilesystemConnector {
    FilesystemConnector::new(Clock::system())
}

fn table(base: &Path, options: &[(&str, &str)]) -> TableConfig {
    TableConfig {
        base_dir: base.to_path_buf(),
        connector: "filesystem".to_owned(),
        ..test_table("t", COLUMNS, options)
    }
}

fn source(base: &Path, options: &[(&str, &str)]) -> Result<Arc<dyn Source>, String> {
    let source = connector().source(&table(base, options)).map_err(|e| e.to_string())?;
    Ok(source.unwrap())
}

fn json_lines(ids: std::ops::Range<i64>) -> String {
    ids.map(|id| {
        format!(
            "{{\"id\":{id},\"text\":\"{}\",\"amount\":{id}.5}}\n",
            "x".repeat(usize::try_from(id % 13).unwrap())
        )
    })
    .collect()
}

fn ids(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<i64> {
    let mut ids: Vec<i64> =
        batches.into_iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    ids.sort_unstable();
    ids
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
