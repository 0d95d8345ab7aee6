//! Unbounded aggregate by key: `GROUP BY` without a window, and `SELECT DISTINCT`.
//!
//! Emits a changelog, one change a key and batch; see `group_output`. A group without rows is gone, its state too; so a global
//! aggregate over empty input emits nothing, as in Flink's streaming mode. Example: `COUNT(*)` by `origin` over a batch
//! `JFK JFK` and a batch `JFK` emits `+I JFK 2` and `-U JFK 2, +U JFK 3`.
//!
//! With a TTL, groups that nobody wrote for that long are absent: see `expiry`. The writes of a batch are those of the groups that
//! its rows belong to. As in Flink, updates that change nothing are emitted then, or groups downstream would seem idle.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use millstream_batch::{StreamBatch, compact, decode_keys};
use millstream_model::Watermark;
use millstream_model::key_group::key_hash;
use millstream_model::snapshot::OperatorCounters;
use millstream_plan::GroupAggregateSpec;
use millstream_state::{
    FrozenTable, GroupTable, KeyHashes, Resolved, RestoredTable, SpilledBase, ValueColumns as _,
};

use crate::aggregate::{Aggregates, Changes, with_last_write};
use crate::batch_keys::BatchKeys;
use crate::error::OperatorError;
use crate::expiry::{Expiry, remove};
use crate::group_output::{Moment, Wanted, changes};
use crate::operator::{BuildContext, Expiring, Operator, OperatorSpill, Output, Progress, TableSchema};
use crate::pending::Pending;

/// The table of groups. Stored under this name.
const GROUPS: &str = "groups";

/// The operator.
pub(crate) struct GroupAggregate {
    spec: GroupAggregateSpec,
    /// Key columns of the input.
    key_columns: Vec<usize>,
    key_types: Vec<DataType>,
    table: GroupTable,
    aggregates: Aggregates,
    /// Of groups that expire.
    expiry: Option<Expiry>,
    resolved: Resolved,
    /// Number of the batch that last touched each group.
    touched_by: Vec<u64>,
    batch_number: u64,
    pending: Pending,
    counters: OperatorCounters,
}

impl GroupAggregate {
    pub(crate) fn new(spec: GroupAggregateSpec, context: BuildContext) -> Result<Self, OperatorError> {
        if spec.is_merging && (spec.is_retracting || spec.calls.iter().any(|c| c.is_distinct)) {
            return Err(OperatorError::Plan("retractions and DISTINCT have one phase".into()));
        }
        let changes = if spec.is_retracting { Changes::Retracting } else { Changes::AppendOnly };
        let key_columns = if spec.is_merging { (0..spec.keys.len()).collect() } else { spec.keys.clone() };
        let key_types = spec.keys.iter().map(|k| spec.rows_schema.field(*k).data_type().clone()).collect();
        let aggregates = Aggregates::new(&spec.calls, changes)?;
        let aggregates = match spec.ttl {
            Some(ttl) => aggregates.with_last_writes(ttl.time),
            None => aggregates.in_lasting_groups(context.key_groups, context.max_parallelism),
        };
        Ok(Self {
            aggregates,
            expiry: spec.ttl.map(|ttl| Expiry::new(ttl, context.clock)),
            table: GroupTable::new(GROUPS, context.key_groups, context.max_parallelism),
            resolved: Resolved::default(),
            key_columns,
            key_types,
            spec,
            touched_by: Vec::new(),
            batch_number: 0,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    fn apply(&mut self, batch: &StreamBatch) -> Result<(), OperatorError> {
        let keys = BatchKeys::of(batch, &self.key_columns)?;
        let hashes = KeyHashes { key: &keys.hashes, index: &keys.hashes };
        let mut resolved = std::mem::take(&mut self.resolved);
        self.table.resolve(&keys.encoded, hashes, &mut self.aggregates, &mut resolved)?;
        let groups = &resolved.groups;
        self.aggregates.resize(self.table.slots());
        let (touched, first_rows) = self.touched(groups);
        // Once a batch: all of its rows see the same time.
        let now = self.expiry.as_ref().and_then(Expiry::now_ms);
        if let Some(expiry) = &mut self.expiry {
            expiry.owe(resolved.created.len());
            expiry.empty_expired(&touched, now, &self.table, &mut self.aggregates)?;
        }

        let before = self.moment(&touched);
        if self.spec.is_merging {
            self.aggregates.merge(groups, &batch.columns().columns()[self.key_columns.len()..])?;
        } else {
            let lost = self.aggregates.update(batch, groups, &self.table)?;
            // Rows may well have expired before they are retracted: such a retraction is late, and no sign of a fault.
            let counter = if self.expiry.is_some() {
                &mut self.counters.late_dropped
            } else {
                &mut self.counters.lost_retractions
            };
            *counter += lost;
        }
        let after = self.moment(&touched);

        let key_values = self.key_values(batch, &touched, first_rows)?;
        if let Some(writes) = self.aggregates.last_writes_mut() {
            touched.iter().for_each(|group| writes.note(*group, now));
        }
        let is_gone = |(_, exists): &(&u32, &bool)| !**exists;
        let gone: Vec<u32> = touched.iter().zip(&after.exists).filter(is_gone).map(|(g, _)| *g).collect();
        remove(&gone, &mut self.table, &mut self.aggregates)?;
        let emitted = changes(&self.spec.schema, &key_values, &before, &after, self.wanted())?;
        emitted.into_iter().for_each(|b| self.pending.push(b));
        self.resolved = resolved;
        Ok(())
    }

    /// The groups of a batch, each once, in the order of their first rows; and those rows.
    fn touched(&mut self, groups: &[u32]) -> (Vec<u32>, Vec<u32>) {
        self.batch_number += 1;
        self.touched_by.resize(self.table.slots(), 0);
        let (mut touched, mut first_rows) = (Vec::new(), Vec::new());
        for (row, group) in groups.iter().enumerate() {
            let last = &mut self.touched_by[*group as usize];
            if *last != self.batch_number {
                *last = self.batch_number;
                touched.push(*group);
                first_rows.push(row as u32);
            }
        }
        (touched, first_rows)
    }

    fn wanted(&self) -> Wanted {
        // A distinct row that is there already is no change that an append-only reader could take.
        let is_append_only = self.spec.calls.is_empty() && !self.spec.is_retracting;
        Wanted {
            updates_before: self.spec.emits_update_before,
            equal_updates: self.expiry.is_some() && !is_append_only,
        }
    }

    fn moment(&self, groups: &[u32]) -> Moment {
        Moment {
            exists: groups.iter().map(|g| self.aggregates.rows(*g) > 0).collect(),
            results: self.aggregates.results(groups),
        }
    }

    /// Key columns of the touched groups. Floats come from the encoded key, where `-0.0` and `0.0` are one value: the rows of a
    /// group must show the same key at all times.
    fn key_values(
        &self,
        batch: &StreamBatch,
        touched: &[u32],
        first_rows: Vec<u32>,
    ) -> Result<Vec<ArrayRef>, OperatorError> {
        if self.key_types.iter().any(DataType::is_floating) {
            return Ok(decode_keys(touched.iter().map(|g| self.table.key(*g)), &self.key_types)?);
        }
        let rows = UInt32Array::from(first_rows);
        let columns = self.key_columns.iter().map(|c| take(batch.column(*c), &rows, None));
        columns.collect::<Result<_, _>>().map_err(OperatorError::columns("gather keys"))
    }
}

impl Operator for GroupAggregate {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        // Rows that cancel are writes, too.
        let batch = if self.aggregates.keeps_values() && self.expiry.is_none() {
            compact(&batch).map_err(OperatorError::columns("cancel opposite rows"))?
        } else {
            batch
        };
        if batch.num_rows() > 0 {
            self.apply(&batch)?;
        }
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(self.pending.drain(out, &mut self.counters))
    }

    fn on_watermark(&mut self, watermark: Watermark, _out: &mut Output) -> Result<Progress, OperatorError> {
        if let Some(expiry) = &mut self.expiry {
            expiry.advance(watermark, &mut self.aggregates);
        }
        Ok(Progress::Done)
    }

    fn expire(&mut self) -> Result<Expiring, OperatorError> {
        match &mut self.expiry {
            Some(expiry) => expiry.walk(&mut self.table, &mut self.aggregates),
            None => Ok(Expiring::Never),
        }
    }

    fn spill_to(&mut self, spill: &OperatorSpill) -> Result<(), OperatorError> {
        Ok(self.aggregates.spill_to(&mut self.table, spill)?)
    }

    fn spilled_bases(&mut self) -> Result<Vec<SpilledBase>, OperatorError> {
        Ok(self.aggregates.spilled_bases(&mut self.table)?)
    }

    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(self.aggregates.take_spilled(&mut self.table)?)
    }

    fn tables(&self) -> Vec<TableSchema> {
        self.aggregates.tables(&self.table)
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(self.aggregates.freeze(&mut self.table, full)?)
    }

    /// Whether groups expire may have changed since they were stored: without a time of the last write they were written now.
    fn restore(&mut self, tables: Vec<RestoredTable>, watermark: Watermark) -> Result<(), OperatorError> {
        if let Some(expiry) = &mut self.expiry {
            expiry.advance(watermark, &mut self.aggregates);
        }
        let now = self.expiry.as_ref().and_then(Expiry::now_ms);
        for mut table in tables {
            if table.name != GROUPS {
                self.aggregates.restore_kept(&table)?;
                continue;
            }
            for rows in &mut table.segments {
                *rows = with_last_write(rows, self.aggregates.last_writes(), now)
                    .map_err(OperatorError::columns("restore the times of last writes"))?;
            }
            self.table.restore(&table, &mut self.aggregates, key_hash)?;
        }
        Ok(())
    }

    fn counters(&self) -> OperatorCounters {
        self.counters
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.counters = counters;
    }

    fn state_bytes(&self) -> usize {
        self.table.bytes()
            + self.aggregates.bytes()
            + self.aggregates.kept_bytes()
            + self.touched_by.capacity() * 8
    }
}
