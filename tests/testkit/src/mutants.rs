//! Operators that are wrong on purpose: each breaks one promise, and a general test suite must notice every one of them with
//! no assertion written for it.
//!
//! Example: [`Mutant::LoseDirtyRow`] forgets one changed row of every incremental checkpoint; the output is right until the
//! job is restored.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::{filter_record_batch, not};
use millstream_batch::{RowOp, StreamBatch};
use millstream_model::Watermark;
use millstream_model::snapshot::OperatorCounters;
use millstream_operators::{Expiring, Operator, OperatorError, Output, Progress};
use millstream_state::{FrozenTable, RestoredTable};

use crate::harness::Wrap;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The last row of every batch of two or more is not seen.
    DropLastRow,
    /// Removals are not seen.
    IgnoreRetraction,
    /// Removals count as inserts.
    InsertForRetraction,
    /// Windows fire one second early.
    EarlyWindows,
    /// Rows are judged by the operator's watermark alone.
    IgnoreRowWatermark,
    /// The first row of every delta is not stored.
    LoseDirtyRow,
    /// Removed groups are not stored as removed.
    ForgetRemovals,
    /// The first batch after a restore counts twice.
    DoubleAfterRestore,
    /// Windows that fired before a restore may fire again.
    ForgetWatermark,
    /// Older segments overwrite newer ones.
    ReverseSegments,
    /// `-U` rows are not emitted.
    DropUpdateBefore,
    /// What is held back is not emitted.
    SkipFlush,
    /// What did not fit into the output is not emitted.
    StopAtBudget,
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Self; 13] = [
        Self::DropLastRow,
        Self::IgnoreRetraction,
        Self::InsertForRetraction,
        Self::EarlyWindows,
        Self::IgnoreRowWatermark,
        Self::LoseDirtyRow,
        Self::ForgetRemovals,
        Self::DoubleAfterRestore,
        Self::ForgetWatermark,
        Self::ReverseSegments,
        Self::DropUpdateBefore,
        Self::SkipFlush,
        Self::StopAtBudget,
    ];

    /// Puts the mutant in front of every operator of a harness.
    #[must_use]
    pub fn wrap(self) -> Wrap {
        Arc::new(move |inner| {
            Box::new(Mutated { inner, mutant: self, is_restored: false, held_back: Vec::new() })
        })
    }
}

/// An operator behind a mutant.
struct Mutated {
    inner: Box<dyn Operator>,
    mutant: Mutant,
    is_restored: bool,
    /// Segments that came one at a time, to be restored in the wrong order as soon as the last one is there.
    held_back: Vec<(RestoredTable, Watermark)>,
}

impl Mutated {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    fn input(&self, batch: StreamBatch) -> Result<StreamBatch, OperatorError> {
        let failed = |source| OperatorError::Columns { action: "mutate a batch", source };
        match self.mutant {
            Mutant::DropLastRow if batch.num_rows() > 1 => Ok(batch.slice(0, batch.num_rows() - 1)),
            Mutant::IgnoreRetraction => keep(&batch, RowOp::is_addition).map_err(failed),
            Mutant::InsertForRetraction => Ok(batch.with_ops(None)),
            Mutant::IgnoreRowWatermark => Ok(batch.with_row_watermark(None)),
            _ => Ok(batch),
        }
    }

    fn restore_held_back(&mut self) -> Result<(), OperatorError> {
        let held_back = std::mem::take(&mut self.held_back);
        held_back
            .into_iter()
            .rev()
            .try_for_each(|(table, watermark)| self.inner.restore(vec![table], watermark))
    }

    fn output(&self, out: &mut Output) -> Result<(), OperatorError> {
        if self.is(Mutant::DropUpdateBefore) {
            for batch in out.take() {
                let kept = keep(&batch, |op| op != RowOp::UpdateBefore);
                out.emit(kept.map_err(|source| OperatorError::Columns { action: "mutate a batch", source })?);
            }
        }
        Ok(())
    }
}

fn keep(
    batch: &StreamBatch,
    is_kept: impl Fn(RowOp) -> bool,
) -> Result<StreamBatch, arrow::error::ArrowError> {
    batch.filter(&BooleanArray::from_iter((0..batch.num_rows()).map(|row| Some(is_kept(batch.op(row))))))
}

impl Operator for Mutated {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        let batch = self.input(batch)?;
        if self.is(Mutant::DoubleAfterRestore) && std::mem::take(&mut self.is_restored) {
            let mut progress = self.inner.process(batch.clone(), out)?;
            while progress == Progress::More {
                progress = self.inner.resume(out)?;
            }
        }
        let progress = self.inner.process(batch, out)?;
        self.output(out)?;
        Ok(progress)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        if self.is(Mutant::StopAtBudget) {
            let mut dropped = Output::new(usize::MAX, usize::MAX);
            return self.inner.resume(&mut dropped);
        }
        let progress = self.inner.resume(out)?;
        self.output(out)?;
        Ok(progress)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress, OperatorError> {
        let early = if self.is(Mutant::EarlyWindows) { 1_000_000 } else { 0 };
        self.inner.on_watermark(Watermark(watermark.0.saturating_add(early)), out)
    }

    fn on_clock(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.inner.on_clock(out)
    }

    fn wakes_at_ms(&self) -> Option<i64> {
        self.inner.wakes_at_ms()
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        if self.is(Mutant::SkipFlush) { Ok(Progress::Done) } else { self.inner.flush(out) }
    }

    fn expire(&mut self) -> Result<Expiring, OperatorError> {
        self.inner.expire()
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, OperatorError> {
        let mut frozen = self.inner.freeze(full)?;
        for table in &mut frozen {
            if self.is(Mutant::LoseDirtyRow) && !full {
                table.change_rows(|rows| Ok::<_, OperatorError>(rows.slice(1, rows.num_rows() - 1)))?;
            }
            if self.is(Mutant::ForgetRemovals) {
                let failed = |source| OperatorError::Columns { action: "mutate a frozen table", source };
                table.change_rows(|rows| {
                    let kept = not(rows.column(2).as_boolean()).map_err(failed)?;
                    filter_record_batch(rows, &kept).map_err(failed)
                })?;
            }
        }
        Ok(frozen)
    }

    fn restore(&mut self, mut tables: Vec<RestoredTable>, watermark: Watermark) -> Result<(), OperatorError> {
        self.is_restored = true;
        if self.is(Mutant::ReverseSegments) {
            // The worker hands over a segment at a time; others all of them at once.
            if let [table] = tables.as_slice()
                && table.segments.len() == 1
            {
                self.held_back.push((table.clone(), watermark));
                return Ok(());
            }
            self.restore_held_back()?;
            tables.iter_mut().for_each(|t| t.segments.reverse());
        }
        let watermark = if self.is(Mutant::ForgetWatermark) { Watermark::MIN } else { watermark };
        self.inner.restore(tables, watermark)
    }

    fn end_restore(&mut self) -> Result<(), OperatorError> {
        self.restore_held_back()?;
        self.inner.end_restore()
    }

    fn counters(&self) -> OperatorCounters {
        self.inner.counters()
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.inner.restore_counters(counters);
    }

    fn state_bytes(&self) -> usize {
        self.inner.state_bytes()
    }
}
