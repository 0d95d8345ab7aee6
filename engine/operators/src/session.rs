//! What makes sessions: which rows of a key follow each other closely, where a key's open sessions are kept, and when to look at
//! them again.
//!
//! Example: with a gap of 10 s, rows of one key at 0 s and 25 s are the sessions `[0, 10)` and `[25, 35)`. A row at 10 s makes the
//! first one `[0, 20)`, since windows that touch are one; a row at 15 s then joins both to `[0, 35)`.

mod assign;
mod key;
mod open_sessions;
mod span;
mod timers;

pub(crate) use assign::{Assignment, RowTimes, SessionOfRow};
pub(crate) use key::{index_hash, session_hash, session_key, user_key};
pub(crate) use open_sessions::{OpenSessions, SESSION_KEYS};
pub(crate) use timers::{Timer, Timers};
