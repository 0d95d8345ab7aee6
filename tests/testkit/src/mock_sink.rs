//! The connector `mock-transactional`: a target with transactions, as Kafka has them, that misbehaves on demand.
//!
//! Rows go to a log; a transaction makes its rows and its progress record visible together. Each publisher slot has a
//! transactional id of its own, a marker id holds the progress of the whole sink and is moved last. What it can play:
//! answers that get lost, commits that arrive late, transactions that hang (and block readers of committed rows), and
//! publishers that die or sleep at any call. It exists so that the traits of sinks are not shaped by files alone.
//!
//! Example: slots 0 and 1 of epoch 7 commit, the marker does not: both slots' rows are visible, progress is still 5, and the
//! next publisher finds 7 in each slot's progress and only moves the marker.

mod connector;
mod fault;
mod publisher;
mod target;

pub use connector::MockSinkConnector;
pub use fault::{MockFault, MockFaults, Phase};
pub use publisher::MockPublisher;
pub use target::{CommittedRows, Gate, MockTarget, Session, TargetError};

#[cfg(test)]
mod mock_sink_test;
