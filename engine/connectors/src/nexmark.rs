//! The connector `nexmark`: the events of the Nexmark benchmark, persons, auctions and bids, in one table.
//!
//! Names, types and defaults of the options are the original's, and with a `seed` and a `base-time` every event is the
//! original's byte for byte. An event is a pure function of these two, of the options and of its number in its generator, so
//! that a restored job reads the same rows. This module knows no query: which fields it makes is told by the projection.
//!
//! Example: with `splits = 4` and `events.num = 103` the generators 0 to 2 make 25 events each, and generator 3 makes 28; their
//! event ids begin at 2, 27, 52 and 77.

mod columns;
mod enumerator;
mod generator;
mod random;
mod reader;
mod rows;
mod split;
mod text;

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use millstream_model::snapshot::SplitState;

use crate::clock::Clock;
use crate::error::ConnectorError;
use crate::format::sql_type;
use crate::options::{OptionKind, OptionSpec, ParsedOptions, check_options};
use crate::registry::Connector;
use crate::sink::Sink;
use crate::source::{Enumerator, Source, SplitReader};
use crate::table::TableConfig;
use columns::all_columns;
use enumerator::NexmarkEnumerator;
use generator::Shape;
use reader::NexmarkReader;
use text::TextPool;

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

/// More would cost more than they bring.
const MAX_SPLITS: i64 = 1_024;
/// Java's `int`, which the original reads these options as.
const MAX_COUNT: i64 = i32::MAX as i64;

const NO_EFFECT: &str = "has no effect, as in the original";

impl Connector for NexmarkConnector {
    fn name(&self) -> &'static str {
        "nexmark"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        let count = |key, default, doc| OptionSpec::with_default(key, OptionKind::Integer(1), default, doc);
        let bytes = |key, default, doc| OptionSpec::with_default(key, OptionKind::Bytes, default, doc);
        let switch = |key, default, doc| OptionSpec::with_default(key, OptionKind::Boolean, default, doc);
        vec![
            count("first-event.rate", "10000", "events per second of event time, over all splits"),
            OptionSpec::with_default(
                "events.num",
                OptionKind::Integer(0),
                "0",
                "after how many events, over all splits, the table ends; 0: never",
            ),
            OptionSpec::with_default(
                "stop-at",
                OptionKind::Integer(-1),
                "-1",
                "ends the table after so many events, without changing the ids of splits; -1: does not",
            ),
            switch("keep-alive", "false", "whether the table stays open, without rows, after its last event"),
            switch(
                "max-emit-speed",
                "true",
                "whether events come as fast as they are taken; otherwise each comes when it is due by the wall clock, and after a stop those that were missed come at once",
            ),
            count("person.proportion", "1", "persons in a round of events"),
            count("auction.proportion", "3", "auctions in a round of events"),
            count("bid.proportion", "46", "bids in a round of events"),
            bytes("person.avg-size", "200b", "average size of a person; filled up by `extra`"),
            bytes("auction.avg-size", "500b", "average size of an auction; filled up by `extra`"),
            bytes("bid.avg-size", "100b", "average size of a bid; filled up by `extra`"),
            count("bid.hot-ratio.auctions", "2", "all but one in so many bids are for the hot auction"),
            count("bid.hot-ratio.bidders", "4", "all but one in so many bids are of the hot bidder"),
            count("auction.hot-ratio.sellers", "4", "all but one in so many auctions are of the hot seller"),
            OptionSpec::optional(
                "seed",
                OptionKind::Integer(i64::MIN),
                "the same number gives the same events; drawn anew for each job if it is not given",
            ),
            OptionSpec::optional(
                "base-time",
                OptionKind::Integer(i64::MIN),
                "event time before the first event, in milliseconds since 1970; when the job first started if it is not given",
            ),
            OptionSpec::optional(
                "splits",
                OptionKind::Integer(1),
                "how many generators work at the same time, each on the same stretch of event time with ids of its own; the parallelism with which the job first starts if it is not given",
            ),
            switch(
                "generate-all-columns",
                "false",
                "whether columns and fields that no query reads are made all the same, for measuring",
            ),
            count("next-event.rate", "10000", NO_EFFECT),
            OptionSpec::with_default(
                "rate.shape",
                OptionKind::OneOf(&["SQUARE", "SINE"]),
                "SQUARE",
                NO_EFFECT,
            ),
            OptionSpec::with_default("rate.period", OptionKind::Duration, "600 s", NO_EFFECT),
            switch("rate.limited", "false", NO_EFFECT),
            OptionSpec::refused("scan.parallelism", "the parallelism of the job is used"),
        ]
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

/// What enumerator and readers of one table share.
#[derive(Debug)]
struct NexmarkSpec {
    table: String,
    /// `None`: without end.
    events: Option<i64>,
    /// `events.num`, or 0.
    declared_events: i64,
    stays_alive: bool,
    is_unpaced: bool,
    makes_all_columns: bool,
    seed: Option<u64>,
    base_ms: Option<i64>,
    splits: u32,
    /// As the option says; otherwise the splits follow the job.
    fixed_splits: Option<u32>,
    rate: i64,
    /// Of one generator that starts at 1970.
    shape: Shape,
    /// Made when the first reader is opened; all of a job have the same seed.
    texts: Mutex<Option<(u64, Arc<TextPool>)>>,
}

impl NexmarkSpec {
    fn new(table: &TableConfig, options: &ParsedOptions) -> Result<Self, ConnectorError> {
        let count = |key: &str| match options.integer(key).unwrap_or(1) {
            found if found <= MAX_COUNT => Ok(found as u32),
            found => Err(options.error(format!("'{key}' = '{found}': must be at most {MAX_COUNT}"))),
        };
        let bytes = |key: &str| {
            // The pool that texts are cut from has 1 MiB.
            const MOST: u64 = 512 * 1024;
            match options.bytes(key).unwrap_or(0) {
                found if found <= MOST => Ok(found as u32),
                _ => Err(options.error(format!("'{key}' must be at most 512kb"))),
            }
        };
        let splits = options.integer("splits");
        if splits.is_some_and(|splits| splits > MAX_SPLITS) {
            return Err(options.error(format!("'splits' must be at most {MAX_SPLITS}")));
        }
        let fixed_splits = splits.and_then(|splits| u32::try_from(splits).ok());
        let rate = count("first-event.rate")?;
        let declared_events = options.integer("events.num").unwrap_or(0);
        let stop_at = options.integer("stop-at").filter(|stop_at| *stop_at >= 0);
        let limit = (declared_events > 0).then_some(declared_events);
        Ok(Self {
            table: table.name.clone(),
            events: limit.into_iter().chain(stop_at).min(),
            declared_events,
            stays_alive: options.boolean("keep-alive"),
            is_unpaced: options.boolean("max-emit-speed"),
            makes_all_columns: options.boolean("generate-all-columns"),
            seed: options.integer("seed").map(i64::cast_unsigned),
            base_ms: options.integer("base-time"),
            splits: fixed_splits.unwrap_or(table.parallelism).max(1),
            fixed_splits,
            rate: rate.into(),
            shape: Shape {
                persons: count("person.proportion")?,
                auctions: count("auction.proportion")?,
                bids: count("bid.proportion")?,
                hot_auctions: count("bid.hot-ratio.auctions")?,
                hot_bidders: count("bid.hot-ratio.bidders")?,
                hot_sellers: count("auction.hot-ratio.sellers")?,
                person_bytes: bytes("person.avg-size")?,
                auction_bytes: bytes("auction.avg-size")?,
                bid_bytes: bytes("bid.avg-size")?,
                delay_us: 1e6 / f64::from(rate),
                base_ms: 0,
            },
            texts: Mutex::new(None),
        })
    }

    /// The shape of one generator of `splits`.
    fn shape(&self, splits: u32, base_ms: i64) -> Shape {
        Shape { delay_us: 1e6 / self.rate as f64 * f64::from(splits), base_ms, ..self.shape }
    }

    /// Ids that the generators divide; without an end as many as the original takes.
    fn id_room(&self) -> i64 {
        if self.declared_events > 0 {
            return self.declared_events;
        }
        let shape = &self.shape;
        let round = i64::from(shape.persons) + i64::from(shape.auctions) + i64::from(shape.bids);
        i64::MAX / (round * self.largest_bytes() as i64)
    }

    /// Average size of the largest kind of event, at least 1.
    fn largest_bytes(&self) -> usize {
        let shape = &self.shape;
        shape.person_bytes.max(shape.auction_bytes).max(shape.bid_bytes).max(1) as usize
    }

    fn texts(&self, seed: u64) -> Arc<TextPool> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        match texts.as_ref() {
            Some((known, pool)) if *known == seed => Arc::clone(pool),
            _ => {
                let pool = Arc::new(TextPool::new(seed));
                *texts = Some((seed, Arc::clone(&pool)));
                pool
            }
        }
    }
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
        Ok(Box::new(NexmarkEnumerator::new(self.spec.clone(), self.clock.clone())))
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
