//! The connector `nexmark`: the events of the Nexmark benchmark, persons, auctions and bids, in one table.
//!
//! Names, types and defaults of the options are the original's, and with a `seed` and a `base-time` every event is the
//! original's byte for byte. An event is a pure function of these two, of the options and of its number in its generator, so
//! that a restored job reads the same rows. This module knows no query: which fields it makes is told by the projection.
//!
//! Example: with `splits = 4` and `events.num = 103` the generators 0 to 2 make 25 events each, and generator 3 makes 28; their
//! event ids begin at 2, 27, 52 and 77.

mod columns;
mod generator;
mod random;
mod reader;
mod rows;
mod spec;
mod split;
mod text;

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use millstream_model::snapshot::SplitState;

use crate::clock::Clock;
use crate::error::ConnectorError;
use crate::fixed_splits::FixedSplits;
use crate::format::sql_type;
use crate::options::{OptionSpec, check_options};
use crate::registry::Connector;
use crate::sink::Sink;
use crate::source::{Enumerator, Source, SplitReader};
use crate::table::TableConfig;
use columns::all_columns;
use reader::NexmarkReader;
use spec::{NexmarkSpec, option_specs};
use split::NexmarkSplit;

/// See the module.
#[derive(Clone, Debug)]
pub struct NexmarkConnector {
    clock: Clock,
}

impl NexmarkConnector {
    /// Paces events, and starts their times, by `clock`.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Connector for NexmarkConnector {
    fn name(&self) -> &'static str {
        "nexmark"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        option_specs()
    }

    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        let options = check_options(table, &self.options(table))?;
        check_schema(table.schema.fields(), &all_columns(), "").map_err(|m| options.error(m))?;
        let spec = Arc::new(NexmarkSpec::new(table, &options)?);
        Ok(Some(Arc::new(NexmarkSource { spec, clock: self.clock.clone() })))
    }

    fn sink(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(None)
    }
}

/// Columns and fields may be left out; those that are there have the original's types.
fn check_schema(declared: &Fields, known: &Fields, path: &str) -> Result<(), String> {
    for field in declared {
        let name = field.name();
        let Some((_, original)) = known.find(name) else {
            let names: Vec<&str> = known.iter().map(|field: &FieldRef| field.name().as_str()).collect();
            return Err(format!("there is no `{path}{name}` in its events; there are {}", names.join(", ")));
        };
        match (field.data_type(), original.data_type()) {
            (DataType::Struct(declared), DataType::Struct(known)) => {
                check_schema(declared, known, &format!("{path}{name}."))?;
            }
            (found, expected) if found == expected => {}
            (found, expected) => {
                let (found, expected) = (sql_type(found), sql_type(expected));
                return Err(format!("`{path}{name}` is {found}, but must be {expected}"));
            }
        }
    }
    Ok(())
}

#[derive(Debug)]
struct NexmarkSource {
    spec: Arc<NexmarkSpec>,
    clock: Clock,
}

impl Source for NexmarkSource {
    fn is_bounded(&self) -> bool {
        self.spec.events.is_some() && !self.spec.stays_alive
    }

    fn max_parallelism(&self) -> Option<u32> {
        self.spec.fixed_splits
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        let (spec, clock) = (self.spec.clone(), self.clock.clone());
        let describe =
            move || spec.splits_at(clock.unix_ms()).into_iter().map(NexmarkSplit::encode).collect();
        Ok(Box::new(FixedSplits::new(&self.spec.table, describe)))
    }

    fn open(
        &self,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(NexmarkReader::open(self.spec.clone(), self.clock.clone(), split, projection)?))
    }
}

#[cfg(test)]
mod nexmark_test;
