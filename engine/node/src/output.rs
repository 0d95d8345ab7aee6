//! The result of a bare SELECT on stdout: a table, JSON or CSV. The form `changelog` is the print connector's.

mod cells;
mod collect;
mod csv;
mod json;
mod table;

pub use collect::{CollectSink, ResultWriter};
pub use csv::CsvWriter;
pub use json::JsonWriter;
pub use table::TableWriter;
