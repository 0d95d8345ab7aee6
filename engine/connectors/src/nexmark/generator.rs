//! One generator: the events of a split, one after the other.
//!
//! Owns the order of the random draws, which makes event `n` what it is in the original, whoever reads which column. Example: the
//! first event of the first generator has the id 2 and is an auction.

use super::columns::{Columns, Wanted};
use super::random::SplittableRandom;
use super::text::{self, COLD_CHANNELS, HOT_CHANNELS, TextPool};

/// What the table's options say about the events; shared by all generators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) persons: u32,
    pub(super) auctions: u32,
    pub(super) bids: u32,
    pub(super) hot_auctions: u32,
    pub(super) hot_bidders: u32,
    pub(super) hot_sellers: u32,
    pub(super) person_bytes: u32,
    pub(super) auction_bytes: u32,
    pub(super) bid_bytes: u32,
    /// Between two events of a generator.
    pub(super) delay_us: f64,
    /// Of the first event, in milliseconds since 1970.
    pub(super) base_ms: i64,
}

const FIRST_ID: i64 = 1_000;
const FIRST_CATEGORY: i64 = 10;
const CATEGORIES: u32 = 5;
/// Auctions that are bid on: this many before the newest, and ids after it that may not exist yet.
const AUCTIONS_IN_FLIGHT: i64 = 100;
const ACTIVE_PEOPLE: i64 = 1_000;
const ID_LEAD: i64 = 10;
/// One id in so many is hot.
const HOT_BATCH: i64 = 100;
const HOT_CHANNEL_RATIO: u32 = 2;

const FIRST_NAMES: [&str; 11] =
    ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];

/// What kind an event is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    Auction,
    Bid,
}

/// Where a generator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Events before the next one.
    pub(super) events: i64,
    /// State of the random numbers.
    pub(super) random: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Generator {
    shape: Shape,
    /// Id of the generator's event number 0; the first one that is made has number 1.
    first_event_id: i64,
    events: i64,
    random: SplittableRandom,
}

/// The next event, before its values are drawn.
#[derive(Clone, Copy)]
struct Event {
    kind: Kind,
    number: i64,
    time_ms: i64,
    last_person: i64,
    last_auction: i64,
}

impl Generator {
    /// The generator that starts with the id `first_event_id + 1`.
    pub(super) fn start(seed: u64, first_event_id: i64) -> Place {
        Place { events: 0, random: seed.wrapping_add(first_event_id.cast_unsigned()) }
    }

    pub(super) fn new(shape: Shape, first_event_id: i64, place: Place) -> Self {
        Self { shape, first_event_id, events: place.events, random: SplittableRandom::new(place.random) }
    }

    pub(super) fn place(&self) -> Place {
        Place { events: self.events, random: self.random.state() }
    }

    /// Event time of the event with this number (the first one has 1), in milliseconds since 1970.
    pub(super) fn time_ms(&self, number: i64) -> i64 {
        // First whole microseconds, then whole milliseconds, as in the original.
        self.shape.base_ms + (number as f64 * self.shape.delay_us) as i64 / 1_000
    }

    /// Draws the next event; what is wanted of it is put at `row`.
    #[inline]
    pub(super) fn next(&mut self, texts: &TextPool, wanted: &Wanted, row: usize, out: &mut Columns) -> Kind {
        let event = self.event();
        match event.kind {
            Kind::Person => self.person(event, texts, wanted, row, out),
            Kind::Auction => self.auction(event, texts, wanted, row, out),
            Kind::Bid => self.bid(event, texts, wanted, row, out),
        }
        self.events += 1;
        event.kind
    }

    #[inline]
    fn event(&self) -> Event {
        let number = self.events + 1;
        let id = self.first_event_id + number;
        let (persons, auctions) = (i64::from(self.shape.persons), i64::from(self.shape.auctions));
        let all = persons + auctions + i64::from(self.shape.bids);
        let (round, place) = (id / all, id % all);
        let kind = if place < persons {
            Kind::Person
        } else if place < persons + auctions {
            Kind::Auction
        } else {
            Kind::Bid
        };
        let last_auction = if place < persons {
            (round - 1) * auctions + auctions - 1
        } else {
            round * auctions + (place - persons).min(auctions - 1)
        };
        Event {
            kind,
            number,
            time_ms: self.time_ms(number),
            last_person: round * persons + place.min(persons - 1),
            last_auction,
        }
    }

    fn person(&mut self, event: Event, texts: &TextPool, wanted: &Wanted, row: usize, out: &mut Columns) {
        let (random, wanted, out) = (&mut self.random, &wanted.person, &mut out.person);
        let mut length = 8;
        if wanted.id {
            out.id.put(row, FIRST_ID + event.last_person);
        }
        let (first, last) = (pick(random, &FIRST_NAMES), pick(random, &LAST_NAMES));
        length += first.len() + 1 + last.len();
        if wanted.name {
            let name = out.name.at(row);
            name.extend_from_slice(first.as_bytes());
            name.push(b' ');
            name.extend_from_slice(last.as_bytes());
        }
        if wanted.email_address {
            let address = out.email_address.at(row);
            let before = address.len();
            text::letters(random, 7, b' ', address);
            address.push(b'@');
            text::letters(random, 5, b' ', address);
            address.extend_from_slice(b".com");
            length += address.len() - before;
        } else {
            length += text::skip_letters(random, 7) as usize + text::skip_letters(random, 5) as usize + 5;
        }
        if wanted.credit_card {
            let card = out.credit_card.at(row);
            for group in 0..4 {
                if group > 0 {
                    card.push(b' ');
                }
                let digits = random.below(10_000);
                card.extend([1_000, 100, 10, 1].map(|power| b'0' + (digits / power % 10) as u8));
            }
        } else {
            (0..4).for_each(|_| random.skip_below(10_000));
        }
        length += 19;
        let (city, state) = (pick(random, &CITIES), pick(random, &STATES));
        length += city.len() + state.len();
        if wanted.city {
            out.city.put(row, city);
        }
        if wanted.state {
            out.state.put(row, state);
        }
        if wanted.date_time {
            out.date_time.put(row, event.time_ms);
        }
        let extra = wanted.extra.then(|| out.extra.at(row));
        texts.filling(random, length as u32, self.shape.person_bytes, extra);
    }

    fn auction(&mut self, event: Event, texts: &TextPool, wanted: &Wanted, row: usize, out: &mut Columns) {
        let (wanted, out) = (&wanted.auction, &mut out.auction);
        if wanted.id {
            out.id.put(row, FIRST_ID + event.last_auction);
        }
        let seller = if self.random.below(self.shape.hot_sellers) > 0 {
            event.last_person / HOT_BATCH * HOT_BATCH
        } else {
            self.any_person(event)
        };
        if wanted.seller {
            out.seller.put(row, FIRST_ID + seller);
        }
        let category = self.random.below(CATEGORIES);
        if wanted.category {
            out.category.put(row, FIRST_CATEGORY + i64::from(category));
        }
        let initial_bid = if wanted.initial_bid || wanted.reserve {
            self.price()
        } else {
            self.random.skip_unit();
            0
        };
        if wanted.initial_bid {
            out.initial_bid.put(row, initial_bid);
        }
        let horizon = self.auction_horizon_ms(event);
        let open = self.random.below(u32::try_from((2 * horizon).max(1)).unwrap_or(1));
        if wanted.expires {
            out.expires.put(row, event.time_ms + 1 + i64::from(open));
        }
        let mut length = 8 + 40;
        for (most, wanted, text) in
            [(20, wanted.item_name, &mut out.item_name), (100, wanted.description, &mut out.description)]
        {
            if wanted {
                let text = text.at(row);
                let before = text.len();
                text::letters(&mut self.random, most, b' ', text);
                length += (text.len() - before) as u32;
            } else {
                length += text::skip_letters(&mut self.random, most);
            }
        }
        if wanted.reserve {
            let over = self.price();
            out.reserve.put(row, initial_bid + over);
        } else {
            self.random.skip_unit();
        }
        if wanted.date_time {
            out.date_time.put(row, event.time_ms);
        }
        let extra = wanted.extra.then(|| out.extra.at(row));
        texts.filling(&mut self.random, length, self.shape.auction_bytes, extra);
    }

    #[inline]
    fn bid(&mut self, event: Event, texts: &TextPool, wanted: &Wanted, row: usize, out: &mut Columns) {
        let (wanted, out) = (&wanted.bid, &mut out.bid);
        let auction = if self.random.below(self.shape.hot_auctions) > 0 {
            event.last_auction / HOT_BATCH * HOT_BATCH
        } else {
            let first = (event.last_auction - AUCTIONS_IN_FLIGHT).max(0);
            first + i64::from(self.random.below((event.last_auction - first + 1 + ID_LEAD) as u32))
        };
        if wanted.auction {
            out.auction.put(row, FIRST_ID + auction);
        }
        let bidder = if self.random.below(self.shape.hot_bidders) > 0 {
            event.last_person / HOT_BATCH * HOT_BATCH + 1
        } else {
            self.any_person(event)
        };
        if wanted.bidder {
            // The original adds the first id twice.
            out.bidder.put(row, FIRST_ID + FIRST_ID + bidder);
        }
        if wanted.price {
            let price = self.price();
            out.price.put(row, price);
        } else {
            self.random.skip_unit();
        }
        if self.random.below(HOT_CHANNEL_RATIO) > 0 {
            let channel = self.random.below(HOT_CHANNELS.len() as u32);
            if wanted.channel {
                let name = HOT_CHANNELS.get(channel as usize).copied().unwrap_or_default();
                out.channel.put(row, name);
            }
            if wanted.url {
                out.url.put(row, texts.hot_url(channel));
            }
        } else if wanted.channel || wanted.url {
            let channel = self.random.below(COLD_CHANNELS);
            if wanted.channel {
                out.channel.put(row, texts.cold_channel(channel));
            }
            if wanted.url {
                out.url.put(row, texts.cold_url(channel));
            }
        } else {
            self.random.skip_below(COLD_CHANNELS);
        }
        if wanted.date_time {
            out.date_time.put(row, event.time_ms);
        }
        let extra = wanted.extra.then(|| out.extra.at(row));
        texts.filling(&mut self.random, 32, self.shape.bid_bytes, extra);
    }

    /// Base 0.
    #[inline]
    fn any_person(&mut self, event: Event) -> i64 {
        let people = event.last_person + 1;
        let active = people.min(ACTIVE_PEOPLE);
        people - active + i64::from(self.random.below((active + ID_LEAD) as u32))
    }

    #[inline]
    fn price(&mut self) -> i64 {
        (10_f64.powf(self.random.unit() * 6.0) * 100.0 + 0.5).floor() as i64
    }

    /// How long it takes until about a hundred more auctions have been opened.
    fn auction_horizon_ms(&self, event: Event) -> i64 {
        let all = i64::from(self.shape.persons + self.shape.auctions + self.shape.bids);
        let events = AUCTIONS_IN_FLIGHT * all / i64::from(self.shape.auctions);
        self.time_ms(event.number + events) - event.time_ms
    }
}

fn pick(random: &mut SplittableRandom, words: &'static [&'static str]) -> &'static str {
    let index = random.below(words.len() as u32) as usize;
    words.get(index).copied().unwrap_or_default()
}
