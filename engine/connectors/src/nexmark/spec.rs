//! The options of a table, and what enumerator and readers make of them.
//!
//! Names and defaults are the original's. Example: `first-event.rate` = 10,000 over four splits is an event every 400 us in each.

use std::sync::{Arc, Mutex, PoisonError};

use super::generator::Shape;
use super::random::SplittableRandom;
use super::split::NexmarkSplit;
use super::text::TextPool;
use crate::error::ConnectorError;
use crate::options::{OptionKind, OptionSpec, ParsedOptions};
use crate::table::TableConfig;

/// More would cost more than they bring.
const MAX_SPLITS: i64 = 1_024;
/// Java's `int`, which the original reads these options as.
const MAX_COUNT: i64 = i32::MAX as i64;

const NO_EFFECT: &str = "has no effect, as in the original";

/// All options, for the documentation and the check of a table.
pub(super) fn option_specs() -> Vec<OptionSpec> {
    let count = |key, default, doc| OptionSpec::with_default(key, OptionKind::Integer(1), default, doc);
    let bytes = |key, default, doc| OptionSpec::with_default(key, OptionKind::Bytes, default, doc);
    let switch = |key, default, doc| OptionSpec::with_default(key, OptionKind::Boolean, default, doc);
    let mut specs = vec![
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
    ];
    specs.extend(added());
    specs.extend(without_effect());
    specs
}

/// What the original does not have.
fn added() -> Vec<OptionSpec> {
    vec![
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
        OptionSpec::with_default(
            "generate-all-columns",
            OptionKind::Boolean,
            "false",
            "whether columns and fields that no query reads are made all the same, for measuring",
        ),
    ]
}

fn without_effect() -> Vec<OptionSpec> {
    vec![
        OptionSpec::with_default("next-event.rate", OptionKind::Integer(1), "10000", NO_EFFECT),
        OptionSpec::with_default("rate.shape", OptionKind::OneOf(&["SQUARE", "SINE"]), "SQUARE", NO_EFFECT),
        OptionSpec::with_default("rate.period", OptionKind::Duration, "600 s", NO_EFFECT),
        OptionSpec::with_default("rate.limited", OptionKind::Boolean, "false", NO_EFFECT),
        OptionSpec::refused("scan.parallelism", "the parallelism of the job is used"),
    ]
}

/// What enumerator and readers of one table share.
#[derive(Debug)]
pub(super) struct NexmarkSpec {
    pub(super) table: String,
    /// `None`: without end.
    pub(super) events: Option<i64>,
    /// `events.num`, or 0.
    declared_events: i64,
    pub(super) stays_alive: bool,
    pub(super) is_unpaced: bool,
    pub(super) makes_all_columns: bool,
    pub(super) seed: Option<u64>,
    pub(super) base_ms: Option<i64>,
    pub(super) splits: u32,
    /// As the option says; otherwise the splits follow the job.
    pub(super) fixed_splits: Option<u32>,
    rate: i64,
    /// Of one generator that starts at 1970.
    shape: Shape,
    /// Made when the first reader is opened; all of a job have the same seed.
    texts: Mutex<Option<(u64, Arc<TextPool>)>>,
}

impl NexmarkSpec {
    pub(super) fn new(table: &TableConfig, options: &ParsedOptions) -> Result<Self, ConnectorError> {
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
    pub(super) fn shape(&self, splits: u32, base_ms: i64) -> Shape {
        Shape { delay_us: 1e6 / self.rate as f64 * f64::from(splits), base_ms, ..self.shape }
    }

    /// The generators of a job that starts now.
    pub(super) fn splits_at(&self, start_ms: i64) -> Vec<NexmarkSplit> {
        // Any number will do that is another one the next time.
        let seed = self.seed.unwrap_or_else(|| {
            let mut random = SplittableRandom::new(start_ms.cast_unsigned());
            u64::from(random.bits())
        });
        let each = self.id_room() / i64::from(self.splits);
        let split = |index| NexmarkSplit {
            index,
            splits: self.splits,
            first_event_id: 1 + i64::from(index) * each,
            seed,
            base_ms: self.base_ms.unwrap_or(start_ms),
            start_ms,
        };
        (0..self.splits).map(split).collect()
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
    pub(super) fn largest_bytes(&self) -> usize {
        let shape = &self.shape;
        shape.person_bytes.max(shape.auction_bytes).max(shape.bid_bytes).max(1) as usize
    }

    pub(super) fn texts(&self, seed: u64) -> Arc<TextPool> {
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
