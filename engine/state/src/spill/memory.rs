//! The same in memory: for tests, and the measure of every other store.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Change, ScanOrder, Spill, SpillChunk, SpillError, SpillFactory};

/// Entries of a chunk.
const CHUNK: usize = 1_024;

/// A [`Spill`] that keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemorySpill {
    entries: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemorySpill {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `from..to`; nothing if the bounds are the wrong way round, which a map would panic at.
fn range<'a>(from: &'a [u8], to: &'a [u8]) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    (Bound::Included(from), Bound::Excluded(to.max(from)))
}

impl Spill for MemorySpill {
    fn get(&self, keys: &[&[u8]], found: &mut dyn FnMut(usize, &[u8])) -> Result<(), SpillError> {
        let entries = self.entries();
        for (i, key) in keys.iter().enumerate() {
            if let Some(value) = entries.get(*key) {
                found(i, value);
            }
        }
        Ok(())
    }

    fn write(&self, changes: &[Change<'_>]) -> Result<(), SpillError> {
        let mut entries = self.entries();
        for (key, value) in changes {
            match value {
                Some(value) => entries.insert(key.to_vec(), value.to_vec()),
                None => entries.remove(*key),
            };
        }
        Ok(())
    }

    fn delete_range(&self, from: &[u8], to: &[u8]) -> Result<(), SpillError> {
        let mut entries = self.entries();
        let keys: Vec<Vec<u8>> = entries.range::<[u8], _>(range(from, to)).map(|(k, _)| k.clone()).collect();
        keys.iter().for_each(|key| drop(entries.remove(key)));
        Ok(())
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        order: ScanOrder,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), SpillError> {
        let entries = self.entries();
        let range = entries.range::<[u8], _>(range(from, to));
        let mut each = |(key, value): (&Vec<u8>, &Vec<u8>)| visit(key, value);
        let _ = match order {
            ScanOrder::Ascending => range.into_iter().try_for_each(&mut each),
            ScanOrder::Descending => range.into_iter().rev().try_for_each(&mut each),
        };
        Ok(())
    }

    fn snapshot(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>, SpillError> {
        let entries = self.entries();
        let all: SpillChunk =
            entries.range::<[u8], _>(range(from, to)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let chunks: Vec<_> = all.chunks(CHUNK).map(|chunk| Ok(chunk.to_vec())).collect();
        Ok(Box::new(chunks.into_iter()))
    }

    fn memory_bytes(&self) -> usize {
        self.entries().iter().map(|(key, value)| key.len() + value.len() + 64).sum()
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

/// Makes [`MemorySpill`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemorySpills;

impl SpillFactory for MemorySpills {
    fn open(&self, _name: &str) -> Result<Arc<dyn Spill>, SpillError> {
        Ok(Arc::new(MemorySpill::default()))
    }
}
