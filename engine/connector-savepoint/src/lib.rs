//! The connector `savepoint`: SQL over the state tables of a savepoint, as a bounded source.
//!
//! This crate owns how a declared table is matched with a stored one, and how its files become splits and its rows columns.
//! It never writes, and it knows neither jobs nor operators: what a savepoint says about itself is all it sees. It is a crate of
//! its own because the other connectors know nothing of checkpoints.
//!
//! Example: `GROUP BY k` with `COUNT(*)` keeps a table `groups` whose value columns are `COUNT(*)` and `rows`. Declared as
//! `(k BIGINT, COUNT(*) BIGINT, key_group INT)`, the second column is the stored one of its name, the third the key group, and
//! what is left, `k`, is decoded from the 9 bytes of the key.

mod columns;
mod connector;
mod enumerator;
mod failure;
mod key;
mod opened;
mod place;
mod reader;
mod source;

pub use connector::SavepointConnector;
