//! Keyed state of operators, in memory, with marks for what changed since the last checkpoint.
//!
//! This crate owns where a key's state lies, what changed, and the form in which it goes to and comes from storage. It never
//! does I/O, never knows what the values mean (an operator brings them as columns, see [`ValueColumns`]), and never decides
//! when to snapshot. Example: a table with 1,000,000 groups of which 3 changed since the last checkpoint freezes a batch of
//! 3 rows.
//!
//! The way of a checkpoint: [`GroupTable::freeze`] copies the changed groups (the only part that stops the task),
//! [`FrozenTable::into_segment`] sorts and encodes them on another thread, and a restore reads them with
//! [`RestoredTable::push_segment`] and hands them to [`GroupTable::restore`].

mod base_policy;
mod copy_buffers;
mod error;
mod frozen_table;
mod group_index;
mod group_table;
mod key_arena;
mod key_sets;
mod parts;
mod restored;
mod segment;
mod side_table;
mod sorted_map;
mod spill;
mod spilled_rows;

pub use base_policy::BasePolicy;
pub use copy_buffers::CopyBuffers;
pub use error::StateError;
pub use frozen_table::FrozenTable;
pub use group_index::GroupIndex;
pub use group_table::{GroupTable, KeyHashes, Resolved, StorePlace, StoreStep, ValueColumns};
pub use key_sets::KeySets;
pub use restored::{RestoredTable, filter_key_groups};
pub use segment::{EncodedSegment, KEY_COLUMNS, MAX_SEGMENT_ROWS, decode_segment, segment_schema};
pub use side_table::SideTable;
pub use sorted_map::{CountChange, SortedMap};
pub use spill::{Change, MemorySpill, MemorySpills, ScanOrder, Spill, SpillChunk, SpillError, SpillFactory};
pub use spilled_rows::{SpilledBase, TableSpill};
