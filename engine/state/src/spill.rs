//! Where state goes that does not fit into memory: an ordered map of bytes on this machine.
//!
//! It holds nothing that must survive: what a checkpoint needs is uploaded as segments, and a restore fills it anew. So it
//! keeps no log and never syncs. Callers sort before they call: every call's keys ascend strictly, because that is what
//! ordered stores are four times quicker at.
//!
//! Example: a table of 20,000,000 groups keeps the 1,000,000 that were used last as columns and the rest here, some 40 bytes
//! each.

mod memory;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

pub use memory::{MemorySpill, MemorySpills};

/// The store failed: the disk is full, or a file is damaged. The task has to fail and be restored.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} spilled state in {place}: {cause}")]
pub struct SpillError {
    /// As in "could not ...": read, write.
    pub action: &'static str,
    /// The directory.
    pub place: String,
    /// What the store said.
    pub cause: String,
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOrder {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// A change of one entry: a new value, or `None` to remove it.
pub type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Entries of a [`Spill::snapshot`], some at a time, ascending.
pub type SpillChunk = Vec<(Vec<u8>, Vec<u8>)>;

/// An ordered map of bytes that one subtask owns. It is emptied when it is opened.
pub trait Spill: Send + Sync + fmt::Debug {
    /// Looks the keys up, which ascend strictly, and calls `found` with the position of each that is there, in order.
    ///
    /// # Errors
    /// [`SpillError`].
    fn get(&self, keys: &[&[u8]], found: &mut dyn FnMut(usize, &[u8])) -> Result<(), SpillError>;

    /// Applies changes, whose keys ascend strictly. Later reads see all of them.
    ///
    /// # Errors
    /// [`SpillError`]; some of them may have been applied.
    fn write(&self, changes: &[Change<'_>]) -> Result<(), SpillError>;

    /// Removes all entries of `from..to`.
    ///
    /// # Errors
    /// [`SpillError`].
    fn delete_range(&self, from: &[u8], to: &[u8]) -> Result<(), SpillError>;

    /// Visits the entries of `from..to` in order until the visitor breaks. The visitor must not call the store.
    ///
    /// # Errors
    /// [`SpillError`].
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        order: ScanOrder,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), SpillError>;

    /// The entries of `from..to` as they are now, ascending, to be read by another thread while writes go on here. Chunks are
    /// of moderate size and never empty.
    ///
    /// # Errors
    /// [`SpillError`].
    fn snapshot(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>, SpillError>;

    /// Bytes of memory that the store itself holds for this subtask, by its own account.
    fn memory_bytes(&self) -> usize;

    /// Bytes on disk, by estimate.
    fn disk_bytes(&self) -> u64;
}

/// Makes stores. One for a process: what its stores share (block cache, write buffers) is part of it.
pub trait SpillFactory: Send + Sync + fmt::Debug {
    /// An empty store under this name, which no other open store has; what an earlier one left there is removed.
    ///
    /// # Errors
    /// [`SpillError`].
    fn open(&self, name: &str) -> Result<Arc<dyn Spill>, SpillError>;
}
