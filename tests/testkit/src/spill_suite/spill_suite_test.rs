//! The store in memory passes, and stores that are wrong on purpose do not.

use std::ops::ControlFlow;

use millstream_state::{Change, MemorySpill, MemorySpills, ScanOrder, Spill, SpillChunk, SpillError};

use super::{check, check_factory, sequences};

#[test]
fn the_store_in_memory_passes() {
    check(&MemorySpill::default(), 1, sequences(500)).unwrap();
}

#[test]
fn the_factory_in_memory_passes() {
    check_factory(&MemorySpills).unwrap();
}

/// What a real store could get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    EmptyValueIsAbsent,
    RangeRemovesItsEnd,
    RangeKeepsKeysOfFf,
    ScanMissesTheLastEntryDescending,
    ScanGoesOn,
    PositionsStartAnewAfter256Keys,
    ChangesAfter256AreLost,
    SnapshotSeesLaterWrites,
    SnapshotEndsEarly,
    SnapshotHasAnEmptyChunk,
}

#[derive(Debug)]
struct Wrong {
    right: std::sync::Arc<MemorySpill>,
    fault: Fault,
}

impl Spill for Wrong {
    fn get(&self, keys: &[&[u8]], found: &mut dyn FnMut(usize, &[u8])) -> Result<(), SpillError> {
        let fault = self.fault;
        self.right.get(keys, &mut |at, value| match fault {
            Fault::EmptyValueIsAbsent if value.is_empty() => {}
            Fault::PositionsStartAnewAfter256Keys => found(at % 256, value),
            _ => found(at, value),
        })
    }

    fn write(&self, changes: &[Change<'_>]) -> Result<(), SpillError> {
        let lost = self.fault == Fault::ChangesAfter256AreLost;
        self.right.write(&changes[..if lost { changes.len().min(256) } else { changes.len() }])
    }

    fn delete_range(&self, from: &[u8], to: &[u8]) -> Result<(), SpillError> {
        if self.fault == Fault::RangeRemovesItsEnd && from < to {
            self.right.write(&[(to, None)])?;
        }
        if self.fault == Fault::RangeKeepsKeysOfFf && to.len() > 1_024 {
            return self.right.delete_range(from, b"\xff\xff\xff");
        }
        self.right.delete_range(from, to)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        order: ScanOrder,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), SpillError> {
        match self.fault {
            Fault::ScanGoesOn => self.right.scan(from, to, order, &mut |key, value| {
                let _ = visit(key, value);
                ControlFlow::Continue(())
            }),
            Fault::ScanMissesTheLastEntryDescending if order == ScanOrder::Descending => {
                let mut first = true;
                self.right.scan(from, to, order, &mut |key, value| {
                    if std::mem::take(&mut first) { ControlFlow::Continue(()) } else { visit(key, value) }
                })
            }
            _ => self.right.scan(from, to, order, visit),
        }
    }

    fn snapshot(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>, SpillError> {
        let chunks = self.right.snapshot(from, to)?;
        match self.fault {
            Fault::SnapshotSeesLaterWrites => {
                let (right, from, to) = (self.right.clone(), from.to_vec(), to.to_vec());
                Ok(Box::new(
                    std::iter::once_with(move || right.snapshot(&from, &to)).flat_map(Result::unwrap),
                ))
            }
            Fault::SnapshotEndsEarly => Ok(Box::new(chunks.take(1).map(|chunk| {
                chunk.map(|mut entries| {
                    entries.truncate(20);
                    entries
                })
            }))),
            Fault::SnapshotHasAnEmptyChunk => Ok(Box::new(chunks.chain([Ok(Vec::new())]))),
            _ => Ok(chunks),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.right.memory_bytes()
    }

    fn disk_bytes(&self) -> u64 {
        self.right.disk_bytes()
    }
}

#[test]
fn wrong_stores_are_found() {
    for fault in [
        Fault::EmptyValueIsAbsent,
        Fault::RangeRemovesItsEnd,
        Fault::RangeKeepsKeysOfFf,
        Fault::ScanMissesTheLastEntryDescending,
        Fault::ScanGoesOn,
        Fault::PositionsStartAnewAfter256Keys,
        Fault::ChangesAfter256AreLost,
        Fault::SnapshotSeesLaterWrites,
        Fault::SnapshotEndsEarly,
        Fault::SnapshotHasAnEmptyChunk,
    ] {
        let wrong = Wrong { right: std::sync::Arc::default(), fault };
        let error = check(&wrong, 1, 500).expect_err(&format!("{fault:?}"));
        assert!(error.contains("of seed 1: "), "{error}");
    }
}
