//! The edges between chains: ordered channels, merged by gates, fed by outboxes.
//!
//! A channel belongs to one pair of subtasks on one edge. It owns a queue with a credit in bytes: data waits for credit,
//! control elements (watermarks, barriers, status, end) never do, and all keep their order. Two subtasks of one process share
//! the queue. Between processes one connection carries all channels of one direction, with the same credit ([`Network`]).
//!
//! This crate knows neither operators nor tasks, and nothing of SQL.

mod align;
mod clock;
mod element;
mod error;
mod gate;
mod inbox;
mod outbox;
mod remote;
mod sender;
#[cfg(test)]
mod test_rows;

pub use element::{Element, Frame};
pub use error::ExchangeError;
pub use gate::{Gate, GateEvent};
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use remote::{Compression, LinkSettings, Membership, Network, Peer};
pub use sender::ChannelSender;
