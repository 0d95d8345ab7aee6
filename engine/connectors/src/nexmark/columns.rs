//! The fields of the three kinds of events, by name, and which of them are wanted.
//!
//! Owns the table's schema: names and types are those of the original. Never draws a value.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Fields};

use super::rows::{Numbers, Texts, Times};

/// The fields of one kind of event as columns, and as switches.
macro_rules! kind {
    ($columns:ident, $wanted:ident, $($field:ident: $column:ident = $name:literal),+) => {
        #[derive(Debug, Default)]
        pub(super) struct $columns {
            $(pub(super) $field: $column,)+
        }

        impl $columns {
            /// The row's fields, in the original's order.
            pub(super) fn fields() -> Fields {
                [$(Field::new($name, $column::TYPE, true)),+].into_iter().collect()
            }

            /// The values of a field in `rows` rows; the column begins anew.
            pub(super) fn finish(&mut self, name: &str, rows: usize) -> Option<ArrayRef> {
                match name {
                    $($name => Some(self.$field.finish(rows)),)+
                    _ => None,
                }
            }

            /// Forgets what nobody asked for.
            pub(super) fn clear(&mut self) {
                $(self.$field.clear();)+
            }
        }

        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(super) struct $wanted {
            $(pub(super) $field: bool,)+
        }

        impl $wanted {
            pub(super) const ALL: Self = Self { $($field: true,)+ };

            /// Those of `fields`.
            pub(super) fn of(fields: &Fields) -> Self {
                Self { $($field: fields.iter().any(|field| field.name() == $name),)+ }
            }
        }
    };
}

kind!(PersonColumns, WantedPerson,
    id: Numbers = "id",
    name: Texts = "name",
    email_address: Texts = "emailAddress",
    credit_card: Texts = "creditCard",
    city: Texts = "city",
    state: Texts = "state",
    date_time: Times = "dateTime",
    extra: Texts = "extra");
kind!(AuctionColumns, WantedAuction,
    id: Numbers = "id",
    item_name: Texts = "itemName",
    description: Texts = "description",
    initial_bid: Numbers = "initialBid",
    reserve: Numbers = "reserve",
    date_time: Times = "dateTime",
    expires: Times = "expires",
    seller: Numbers = "seller",
    category: Numbers = "category",
    extra: Texts = "extra");
kind!(BidColumns, WantedBid,
    auction: Numbers = "auction",
    bidder: Numbers = "bidder",
    price: Numbers = "price",
    channel: Texts = "channel",
    url: Texts = "url",
    date_time: Times = "dateTime",
    extra: Texts = "extra");

/// All columns under construction.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) person: PersonColumns,
    pub(super) auction: AuctionColumns,
    pub(super) bid: BidColumns,
}

/// Which fields are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) person: WantedPerson,
    pub(super) auction: WantedAuction,
    pub(super) bid: WantedBid,
}

/// The column that tells the kind of an event: 0 a person, 1 an auction, 2 a bid.
pub(super) const EVENT_TYPE: &str = "event_type";

impl Wanted {
    pub(super) const ALL: Self =
        Self { person: WantedPerson::ALL, auction: WantedAuction::ALL, bid: WantedBid::ALL };

    /// What these columns of the table need.
    pub(super) fn of(projection: &Fields) -> Self {
        let fields = |name: &str| match projection.find(name).map(|(_, field)| field.data_type()) {
            Some(DataType::Struct(fields)) => fields.clone(),
            _ => Fields::empty(),
        };
        Self {
            person: WantedPerson::of(&fields("person")),
            auction: WantedAuction::of(&fields("auction")),
            bid: WantedBid::of(&fields("bid")),
        }
    }
}

/// The columns that a table may have.
pub(super) fn all_columns() -> Fields {
    let row = |name: &str, fields: Fields| Field::new(name, DataType::Struct(fields), true);
    [
        Field::new(EVENT_TYPE, DataType::Int32, true),
        row("person", PersonColumns::fields()),
        row("auction", AuctionColumns::fields()),
        row("bid", BidColumns::fields()),
    ]
    .into_iter()
    .collect()
}
