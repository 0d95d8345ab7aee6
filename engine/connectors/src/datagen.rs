//! The connector `datagen`: rows out of nothing, for trying and for tests.
//!
//! Options are Flink's. Unlike Flink's, a row is a pure function of `seed` and its number, so that a job that is restored, or
//! runs with another parallelism, reads the same rows; row `i` goes to split `i mod splits`. Extensions: `seed`, `splits`, and
//! sequences of timestamps (`fields.t.kind` = `sequence`, `fields.t.start`, `fields.t.interval`). "Now" is the moment when
//! the job first started plus the row's number over `rows-per-second`.
//!
//! Example: `fields.id.start = 1`, `fields.id.end = 100`, `splits = 2`: split 0 holds the ids 1, 3, 5, ..., split 1 the ids
//! 2, 4, 6, ...

mod column;
mod field;
mod random;
mod reader;
mod split;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millstream_model::snapshot::SplitState;

use crate::clock::Clock;
use crate::datagen::field::FieldSpec;
use crate::datagen::reader::DatagenReader;
use crate::datagen::split::DatagenSplit;
use crate::error::ConnectorError;
use crate::fixed_splits::FixedSplits;
use crate::options::{OptionKind, OptionSpec, check_options};
use crate::registry::Connector;
use crate::sink::Sink;
use crate::source::{Enumerator, Source, SplitReader};
use crate::table::TableConfig;

/// See the module.
#[derive(Clone, Debug)]
pub struct DatagenConnector {
    clock: Clock,
}

impl DatagenConnector {
    /// Paces rows, and starts timestamps, by `clock`.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

/// More would cost more than they bring.
const MAX_SPLITS: i64 = 1_024;

impl Connector for DatagenConnector {
    fn name(&self) -> &'static str {
        "datagen"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        vec![
            OptionSpec::with_default(
                "rows-per-second",
                OptionKind::Integer(0),
                "10000",
                "how fast, over all readers; 0: as fast as they are taken",
            ),
            OptionSpec::optional(
                "number-of-rows",
                OptionKind::Integer(0),
                "after how many rows the table ends; never, unless a sequence ends",
            ),
            OptionSpec::with_default(
                "seed",
                OptionKind::Integer(i64::MIN),
                "0",
                "another number gives other random values",
            ),
            OptionSpec::with_default(
                "splits",
                OptionKind::Integer(1),
                "1",
                "how many readers can work at the same time; with 1 the rows come in order",
            ),
            OptionSpec::optional(
                "fields.*",
                OptionKind::Text,
                "fields.<column>.kind (random, sequence), .min, .max, .length, .var-len, .null-rate, .max-past, .start, .end, \
                 .interval",
            ),
            OptionSpec::refused("scan.parallelism", "the parallelism of the job is used"),
        ]
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        let options = check_options(table, &self.options(table))?;
        let splits = options.integer("splits").unwrap_or(1);
        if splits > MAX_SPLITS {
            return Err(options.error(format!("'splits' = '{splits}': must be at most {MAX_SPLITS}")));
        }
        let fields = FieldSpec::all_of(table).map_err(|m| options.error(m))?;
        let number_of_rows = options.integer("number-of-rows").and_then(|n| u64::try_from(n).ok());
        let ends = fields.iter().filter_map(FieldSpec::length).chain(number_of_rows);
        Ok(Some(Arc::new(DatagenSource {
            spec: Arc::new(DatagenSpec {
                table: table.name.clone(),
                rows_per_second: options
                    .integer("rows-per-second")
                    .and_then(|r| u64::try_from(r).ok())
                    .unwrap_or(0),
                rows: ends.min(),
                seed: options.integer("seed").unwrap_or(0).cast_unsigned(),
                splits: u32::try_from(splits).unwrap_or(1),
                fields,
            }),
            clock: self.clock.clone(),
        })))
    }

    fn sink(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(None)
    }
}

/// What enumerator and readers of one table share.
#[derive(Debug)]
struct DatagenSpec {
    table: String,
    /// 0: no limit.
    rows_per_second: u64,
    /// `None`: without end.
    rows: Option<u64>,
    seed: u64,
    splits: u32,
    fields: Vec<FieldSpec>,
}

#[derive(Debug)]
struct DatagenSource {
    spec: Arc<DatagenSpec>,
    clock: Clock,
}

impl Source for DatagenSource {
    fn is_bounded(&self) -> bool {
        self.spec.rows.is_some()
    }

    fn max_parallelism(&self) -> Option<u32> {
        Some(self.spec.splits)
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        let (splits, clock) = (self.spec.splits, self.clock.clone());
        let describe = move || {
            let start_ms = clock.unix_ms();
            (0..splits).map(|index| DatagenSplit { index, splits, start_ms }.encode()).collect()
        };
        Ok(Box::new(FixedSplits::new(&self.spec.table, describe)))
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(DatagenReader::open(self.spec.clone(), self.clock.clone(), split, projection)?))
    }
}

#[cfg(test)]
mod datagen_test;
