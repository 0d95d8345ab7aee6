//! The edges between chains: ordered channels, merged by gates, fed by outboxes.
//!
//! A channel belongs to one pair of subtasks on one edge. It owns a queue with a credit in bytes: data waits for credit,
//! control elements (watermarks, barriers, status, end) never do, and all keep their order.

pub(crate) mod align;
pub(crate) mod element;
pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod outbox;
