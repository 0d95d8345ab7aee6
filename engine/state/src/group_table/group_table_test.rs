use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray as _, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use millstream_batch::{EncodedKeys, encode_keys};
use millstream_model::key_group::key_hash;
use proptest::prelude::*;

use super::*;
use crate::FrozenTable;
use crate::{MemorySpill, RestoredTable, decode_segment};

const MAX_PARALLELISM: u32 = 16;

fn all_groups() -> KeyGroupRange {
    KeyGroupRange { start: 0, end: MAX_PARALLELISM }
}

/// A table with one column of sums.
struct Sums {
    table: GroupTable,
    values: Values,
}

#[derive(Default)]
struct Values(Vec<i64>);

impl ValueColumns for Values {
    fn fields(&self) -> Vec<Field> {
        vec![Field::new("sum", DataType::Int64, true)]
    }

    fn gather(&self, groups: &[u32], _buffers: &CopyBuffers) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from_iter_values(groups.iter().map(|g| self.0[*g as usize])))]
    }

    fn reset(&mut self, group: u32) {
        self.0[group as usize] = 0;
    }

    fn load(&mut self, slots: usize, groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError> {
        self.0.resize(slots, 0);
        for (group, value) in groups.iter().zip(columns[0].as_primitive::<Int64Type>().values()) {
            self.0[*group as usize] = *value;
        }
        Ok(())
    }

    fn reserve(&mut self, slots: usize) {
        self.0.reserve_exact(slots.saturating_sub(self.0.len()));
    }

    fn bytes(&self) -> usize {
        self.0.capacity() * 8
    }
}

/// Every other one is too long to lie beside its length.
fn encoded_keys(keys: &[i64]) -> EncodedKeys {
    let texts = keys.iter().map(|key| (key % 2 != 0).then_some("more than twelve bytes"));
    let columns: [ArrayRef; 2] =
        [Arc::new(texts.collect::<StringArray>()), Arc::new(Int64Array::from(keys.to_vec()))];
    encode_keys(&columns, keys.len()).unwrap()
}

impl Sums {
    fn new(range: KeyGroupRange) -> Self {
        Self { table: GroupTable::new("sums", range, MAX_PARALLELISM), values: Values::default() }
    }

    /// With a store behind it if there is a budget.
    fn within(range: KeyGroupRange, budget: Option<usize>) -> Self {
        let mut sums = Self::new(range);
        if let Some(budget) = budget {
            let spill = TableSpill { store: Arc::new(MemorySpill::default()), table: 3, budget };
            sums.table.spill_to(spill, &sums.values).unwrap();
        }
        sums
    }

    /// Adds 1 to each key, or deletes it.
    fn apply(&mut self, keys: &[i64], is_delete: bool) -> Result<Vec<u32>, StateError> {
        let encoded = encoded_keys(keys);
        let hashes = encoded.hashes();
        let mut resolved = Resolved::default();
        let hashes = KeyHashes { key: &hashes, index: &hashes };
        self.table.resolve(&encoded, hashes, &mut self.values, &mut resolved)?;
        let Resolved { groups, created } = resolved;
        self.values.0.resize(self.table.slots(), 0);
        assert!(created.iter().all(|g| self.values.0[*g as usize] == 0), "a new group has old values");
        for group in &groups {
            if is_delete {
                self.values.reset(*group);
                self.table.delete(*group);
            } else {
                self.values.0[*group as usize] += 1;
            }
        }
        Ok(groups)
    }

    fn freeze(&mut self, full: bool) -> Vec<FrozenTable> {
        let base = if full { self.table.spilled_base().unwrap() } else { None };
        let base: Vec<FrozenTable> = base.into_iter().flatten().map(Result::unwrap).collect();
        [base, self.table.freeze(&self.values, full).unwrap()].concat()
    }

    fn restored(range: KeyGroupRange, budget: Option<usize>, segments: &[Vec<u8>]) -> Self {
        let mut stored = RestoredTable::new("sums");
        for bytes in segments {
            stored.push_segment(bytes, range).unwrap();
        }
        let mut sums = Self::within(range, budget);
        sums.table.restore(&stored, &mut sums.values, key_hash).unwrap();
        sums
    }

    fn content(&mut self) -> BTreeMap<Vec<u8>, i64> {
        let mut content = BTreeMap::new();
        for part in self.table.spilled_base().unwrap().into_iter().flatten().map(Result::unwrap) {
            let values = part.rows.column(3).as_primitive::<Int64Type>().values().to_vec();
            let keys = keys_of(&part.rows);
            content.extend(keys.iter().flatten().map(<[u8]>::to_vec).zip(values));
        }
        let groups = self.table.live_groups();
        content.extend(groups.map(|g| (self.table.key(g).to_vec(), self.values.0[g as usize])));
        content
    }
}

fn encoded(parts: Vec<FrozenTable>) -> Vec<Vec<u8>> {
    parts.into_iter().map(|p| p.into_segment().unwrap().bytes.to_vec()).collect()
}

fn keys_of(rows: &RecordBatch) -> BinaryArray {
    arrow::compute::cast(rows.column(1), &DataType::Binary).unwrap().as_binary().clone()
}

/// `(key's last byte, is deleted, value)` of each frozen row, sorted by key.
fn rows(parts: &[FrozenTable]) -> Vec<(u8, bool, i64)> {
    let mut all = Vec::new();
    for part in parts {
        let rows = &part.rows;
        let (keys, deleted) = (keys_of(rows), rows.column(2).as_boolean());
        let values = rows.column(3).as_primitive::<Int64Type>();
        for i in 0..rows.num_rows() {
            let last_byte = *keys.value(i).last().unwrap();
            all.push((last_byte, deleted.value(i), values.value(i)));
        }
    }
    all.sort_unstable();
    all
}

#[test]
fn a_delta_has_what_changed() {
    let mut sums = Sums::new(all_groups());
    assert_eq!(sums.apply(&[1, 2, 1], false).unwrap(), [0, 1, 0]);
    assert_eq!(rows(&sums.freeze(false)), [(1, false, 2), (2, false, 1)]);
    assert!(sums.freeze(false).is_empty(), "nothing changed");
    sums.apply(&[2, 3], false).unwrap();
    assert_eq!(rows(&sums.freeze(false)), [(2, false, 2), (3, false, 1)]);
    let full = sums.freeze(true);
    assert_eq!((rows(&full).len(), full[0].is_base, full[0].live_rows), (3, true, 3));
}

#[test]
fn a_stored_group_leaves_a_tombstone_once() {
    let mut sums = Sums::new(all_groups());
    sums.apply(&[1, 2], false).unwrap();
    sums.freeze(false);
    sums.apply(&[1], true).unwrap();
    assert_eq!(sums.table.len(), 1);
    assert_eq!(rows(&sums.freeze(false)), [(1, true, 0)]);
    assert!(sums.freeze(false).is_empty());
    assert_eq!(sums.apply(&[3], false).unwrap(), [0], "the number is used again");
}

#[test]
fn a_group_that_came_and_went_leaves_nothing() {
    let mut sums = Sums::new(all_groups());
    // Short ones: gaps that long ones leave are closed when they are many.
    for key in (0..2_000).step_by(2) {
        sums.apply(&[key], false).unwrap();
        sums.apply(&[key], true).unwrap();
    }
    assert_eq!((sums.table.slots(), sums.table.len()), (1, 0));
    assert!(sums.freeze(false).is_empty());
    assert!(sums.table.bytes() < 10_000, "{} bytes", sums.table.bytes());
}

#[test]
fn a_deleted_group_that_returns_starts_anew() {
    let mut sums = Sums::new(all_groups());
    sums.apply(&[1, 1, 1], false).unwrap();
    sums.freeze(false);
    sums.apply(&[1], true).unwrap();
    sums.apply(&[1], false).unwrap();
    assert_eq!(rows(&sums.freeze(false)), [(1, false, 1)]);
}

#[test]
fn a_full_freeze_of_nothing_is_an_empty_base() {
    let mut sums = Sums::new(all_groups());
    sums.apply(&[1], false).unwrap();
    sums.freeze(true);
    sums.apply(&[1], true).unwrap();
    let base = sums.freeze(true);
    assert_eq!((base.len(), base[0].is_base, base[0].rows.num_rows()), (1, true, 0));
    assert!(sums.freeze(false).is_empty(), "the base made the tombstone unnecessary");
}

#[test]
fn a_row_of_another_subtask_is_refused() {
    let mut sums = Sums::new(KeyGroupRange { start: 0, end: 0 });
    let error = sums.apply(&[1], false).unwrap_err().to_string();
    assert!(error.ends_with("arrived at the subtask of the key groups [0, 0)"), "{error}");
}

#[test]
fn columns_of_another_operator_are_refused() {
    let mut sums = Sums::new(all_groups());
    sums.apply(&[1], false).unwrap();
    let mut part = sums.freeze(true).remove(0);
    let fields = [Field::new("max", DataType::Utf8, true)];
    let strings = StringArray::from(vec!["x"]);
    let mut columns = part.rows.columns()[..3].to_vec();
    columns[1] = Arc::new(keys_of(&part.rows));
    columns.push(Arc::new(strings));
    part.rows = RecordBatch::try_new(crate::segment_schema(&fields), columns).unwrap();
    let mut stored = RestoredTable::new("sums");
    stored.push_segment(&part.into_segment().unwrap().bytes, all_groups()).unwrap();
    let error = sums.table.restore(&stored, &mut sums.values, key_hash).unwrap_err().to_string();
    assert_eq!(
        error,
        "state table sums was stored with the columns (max Utf8) but the operator expects (sum Int64)"
    );
}

#[test]
fn segments_are_sorted_by_key_group_and_key() {
    let mut sums = Sums::new(all_groups());
    sums.apply(&(0..500).rev().collect::<Vec<_>>(), false).unwrap();
    let bytes = encoded(sums.freeze(false)).remove(0);
    // The order is checked while decoding.
    assert_eq!(decode_segment(&bytes).unwrap().num_rows(), 500);
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<i64>),
    Delete(i64),
    Freeze {
        full: bool,
    },
    /// Freezes a delta, then goes on with what is stored, on this many subtasks.
    Restore {
        parallelism: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(0_i64..30, 1..20).prop_map(Step::Add),
        3 => (0_i64..30).prop_map(Step::Delete),
        1 => any::<bool>().prop_map(|full| Step::Freeze { full }),
        1 => (1_u32..4).prop_map(|parallelism| Step::Restore { parallelism }),
    ]
}

#[test]
fn a_restore_keeps_in_memory_what_fits() {
    let range = KeyGroupRange { start: 0, end: MAX_PARALLELISM };
    let keys: Vec<i64> = (0..60_000).collect();
    let mut before = Sums::new(range);
    before.apply(&keys, false).unwrap();
    let base = encoded(before.freeze(true));
    before.apply(&keys[10_000..50_000], false).unwrap();
    before.apply(&keys[20_000..25_000], true).unwrap();
    let segments = [base, encoded(before.freeze(false))].concat();
    let mut restored = Sums::restored(range, Some(6 << 20), &segments);
    let held = restored.table.len();
    assert!((8_192..50_000).contains(&held) && restored.table.has_spilled(), "{held} groups are in memory");
    assert_eq!(restored.content(), before.content());
    assert_eq!(Sums::restored(range, Some(64 << 20), &segments).table.len(), 55_000);
}

proptest! {
    /// Whatever is added, deleted, frozen, and restored at another parallelism: the tables hold what a map holds.
    #[test]
    fn restores_at_any_parallelism_lose_nothing(
        steps in prop::collection::vec(step(), 1..60),
        // Everything in memory, one batch in memory, some ten groups in memory.
        budget in prop_oneof![Just(None), Just(Some(1)), Just(Some(1_500))],
    ) {
        let owner = |key: i64, parallelism: u32| {
            let bytes = encoded_keys(&[key]);
            let group = key_group_of(key_hash(bytes.get(0)), MAX_PARALLELISM);
            millstream_model::key_group::subtask_of(group, parallelism, MAX_PARALLELISM) as usize
        };
        let mut subtasks = vec![Sums::within(all_groups(), budget)];
        let mut segments: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
        let mut model: BTreeMap<i64, i64> = BTreeMap::new();
        for step in steps {
            let parallelism = subtasks.len() as u32;
            match step {
                Step::Add(keys) => for key in keys {
                    subtasks[owner(key, parallelism)].apply(&[key], false).unwrap();
                    *model.entry(key).or_default() += 1;
                },
                Step::Delete(key) => {
                    subtasks[owner(key, parallelism)].apply(&[key], true).unwrap();
                    model.remove(&key);
                }
                Step::Freeze { full } => for (subtask, stored) in subtasks.iter_mut().zip(&mut segments) {
                    if full {
                        stored.clear();
                    }
                    stored.extend(encoded(subtask.freeze(full)));
                },
                Step::Restore { parallelism } => {
                    for (subtask, stored) in subtasks.iter_mut().zip(&mut segments) {
                        stored.extend(encoded(subtask.freeze(false)));
                    }
                    let all: Vec<Vec<u8>> = segments.concat();
                    let ranges = (0..parallelism).map(|i| KeyGroupRange::of_subtask(i, parallelism, MAX_PARALLELISM));
                    subtasks = ranges.map(|range| Sums::restored(range, budget, &all)).collect();
                    // Each subtask writes a base next; until then it depends on everything that it read.
                    segments = subtasks.iter_mut().map(|s| encoded(s.freeze(true))).collect();
                }
            }
            let content: BTreeMap<Vec<u8>, i64> = subtasks.iter_mut().flat_map(Sums::content).collect();
            let expected: BTreeMap<Vec<u8>, i64> = model.iter().map(|(key, sum)| {
                (encoded_keys(&[*key]).get(0).to_vec(), *sum)
            }).collect();
            prop_assert_eq!(content, expected);
        }
    }
}

#[test]
fn groups_beyond_the_budget_lie_in_the_store() {
    let mut sums = Sums::within(all_groups(), Some(2_000_000));
    for start in (0..100_000).step_by(1_000) {
        sums.apply(&(start..start + 1_000).collect::<Vec<_>>(), false).unwrap();
        let bytes = sums.table.group_bytes() + sums.values.bytes();
        assert!(bytes <= 2_250_000, "{bytes} bytes at {start}");
        let copies = sums.table.bytes() - sums.table.group_bytes();
        assert!(copies <= 1_000_000, "{copies} bytes for copies at {start}");
    }
    assert!(sums.table.len() < 40_000, "{}", sums.table.len());
    // Groups that come back have kept their values, and are not created again.
    sums.apply(&(0..1_000).collect::<Vec<_>>(), false).unwrap();
    let content = sums.content();
    assert_eq!((content.len(), content.values().sum::<i64>()), (100_000, 101_000));
}

#[test]
fn evicted_changes_are_parts_of_the_next_checkpoint() {
    let mut sums = Sums::within(all_groups(), Some(1));
    for (key, is_delete) in [(1, false), (2, false), (3, false), (1, true)] {
        sums.apply(&[key], is_delete).unwrap();
    }
    assert!(sums.table.take_spilled().unwrap().is_empty(), "little: it waits for the barrier");
    let delta = sums.freeze(false);
    assert_eq!(delta.len(), 1, "small parts are one");
    assert_eq!(rows(&delta), [(1, false, 1), (1, true, 0), (2, false, 1), (3, false, 1)]);
    let stored = decode_segment(&encoded(delta)[0]).unwrap();
    let deleted = stored.column(2).as_boolean();
    assert_eq!((stored.num_rows(), deleted.true_count()), (3, 1), "of equal keys the last one counts");
    sums.apply(&[4], false).unwrap();
    assert_eq!(rows(&sums.freeze(false)), [(4, false, 1)], "nothing is said twice");
    let base = sums.freeze(true);
    assert_eq!((rows(&base).len(), base[0].is_base, base.iter().filter(|p| p.is_base).count()), (3, true, 1));
}

#[test]
fn many_evicted_changes_are_handed_out_before_the_barrier() {
    let mut sums = Sums::within(all_groups(), Some(1));
    let mut handed = 0;
    for start in (0..200_000).step_by(1_000) {
        sums.apply(&(start..start + 1_000).collect::<Vec<_>>(), false).unwrap();
        handed += rows(&sums.table.take_spilled().unwrap()).len();
    }
    assert!((50_000..200_000).contains(&handed), "{handed}");
    assert_eq!(handed + rows(&sums.freeze(false)).len(), 200_000);
}

#[test]
fn a_walk_over_the_store_finds_every_group_once_and_passes_over_what_is_in_memory() {
    let mut sums = Sums::within(all_groups(), Some(10_000_000));
    sums.apply(&(0..1_000).collect::<Vec<_>>(), false).unwrap();
    sums.table.evict_all(&mut sums.values).unwrap();
    sums.apply(&(0..300).collect::<Vec<_>>(), false).unwrap();
    let in_memory: Vec<u32> = (0..10).flat_map(|n| sums.table.live_among(n * 100..n * 100 + 100)).collect();
    assert_eq!((in_memory.len(), sums.table.len()), (300, 300));
    assert_eq!(in_memory, sums.table.live_groups().collect::<Vec<_>>());
    let (mut place, mut steps, mut found) = (StorePlace::default(), 0, 0);
    loop {
        // All but the first of each step; they are deleted, as a walk that looks for expired groups does.
        let but_first = |columns: &[ArrayRef]| (1..columns[0].len() as u32).collect();
        let step = sums.table.load_next(&place, 64, key_hash, but_first, &mut sums.values).unwrap();
        for group in &step.groups {
            assert_eq!(std::mem::take(&mut sums.values.0[*group as usize]), 1, "its value came along");
            sums.table.delete(*group);
        }
        (steps, found) = (steps + 1, found + step.groups.len());
        match step.next {
            Some(next) => place = next,
            None => break,
        }
    }
    assert_eq!(steps, 16);
    assert!((700 - 16..=700).contains(&found), "{found}");
    assert_eq!(sums.table.len(), 300);
    let deleted = rows(&sums.freeze(false)).iter().filter(|row| row.1).count();
    assert_eq!((deleted, sums.content().len()), (found, 1_000 - found));
}
