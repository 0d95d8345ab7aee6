use millstream_model::key_group::{key_group_of, key_hash};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::segment::decode_segment;
use crate::spill::MemorySpill;

const GROUPS: u32 = 8;
const ALL: KeyGroupRange = KeyGroupRange { start: 0, end: GROUPS };

/// Sets `s0`, `s1`, ... of keys, beside what they must be and what a store of checkpoints has of them.
struct Checked {
    sets: KeySets,
    model: BTreeMap<String, BTreeSet<u8>>,
    stored: BTreeMap<String, RestoredTable>,
    budget: Option<usize>,
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|set| format!("s{set}")).collect()
}

fn key_of(n: u8) -> Vec<u8> {
    // Longer than what lies beside its length, and shorter.
    vec![n; 3 + n as usize % 20]
}

fn new_sets(count: usize, budget: Option<usize>) -> KeySets {
    let mut sets = KeySets::new(names(count), ALL, GROUPS);
    if let Some(budget) = budget {
        sets.spill_to(TableSpill { store: Arc::new(MemorySpill::default()), table: 1, budget }).unwrap();
    }
    sets
}

impl Checked {
    fn new(count: usize, budget: Option<usize>) -> Self {
        let model = names(count).into_iter().map(|name| (name, BTreeSet::new())).collect();
        Self { sets: new_sets(count, budget), model, stored: BTreeMap::new(), budget }
    }

    fn add(&mut self, rows: &[(u8, u8)]) {
        let mut keys = EncodedKeys::default();
        rows.iter().for_each(|(n, _)| keys.push(&[&key_of(*n)]));
        let count = self.model.len();
        let mut wanted: Vec<u8> =
            rows.iter().map(|(_, sets)| sets & (u8::MAX >> (KeySets::MAX - count))).collect();
        let mut expected = Vec::new();
        for ((n, _), wanted) in rows.iter().zip(&wanted) {
            let is_new = |(set, (_, keys)): (usize, (&String, &mut BTreeSet<u8>))| {
                u8::from(wanted & (1 << set) != 0 && keys.insert(*n)) << set
            };
            expected.push(self.model.iter_mut().enumerate().map(is_new).sum::<u8>());
        }
        let key_groups: Vec<KeyGroup> =
            rows.iter().map(|(n, _)| key_group_of(key_hash(&key_of(*n)), GROUPS)).collect();
        self.sets.add(&keys, key_groups.into_iter(), &mut wanted).unwrap();
        assert_eq!(wanted, expected);
    }

    fn store(&mut self, parts: Vec<FrozenTable>) {
        for part in parts {
            let segment = part.into_segment().unwrap();
            let table = self
                .stored
                .entry(segment.table.clone())
                .or_insert_with(|| RestoredTable::new(&segment.table));
            if segment.is_base {
                table.segments.clear();
            }
            table.push_segment(&segment.bytes, ALL).unwrap();
        }
    }

    fn checkpoint(&mut self, full: bool) {
        if full && let Some(base) = self.sets.spilled_base().unwrap() {
            let parts = base.collect::<Result<Vec<_>, _>>().unwrap();
            self.store(parts);
        }
        let parts = self.sets.freeze(full).unwrap();
        self.store(parts);
        for (name, keys) in &self.model {
            let stored = self.stored.get(name).map(rows_of).unwrap_or_default();
            let expected: BTreeSet<Vec<u8>> = keys.iter().map(|n| key_of(*n)).collect();
            assert_eq!(stored, expected, "{name}");
        }
    }

    /// Into memory or a store, whatever it was.
    fn restore(&mut self, budget: Option<usize>) {
        self.budget = budget;
        self.sets = new_sets(self.model.len(), budget);
        for table in self.stored.values() {
            self.sets.restore(table).unwrap();
        }
        self.checkpoint(true);
    }
}

fn rows_of(table: &RestoredTable) -> BTreeSet<Vec<u8>> {
    let mut rows = BTreeSet::new();
    for segment in &table.segments {
        assert_eq!(segment.column(KEY_COLUMNS).null_count(), segment.num_rows(), "no counts");
        rows.extend(segment.column(1).as_binary::<i32>().iter().flatten().map(<[u8]>::to_vec));
    }
    rows
}

#[test]
fn a_key_is_new_once_in_each_set() {
    let mut checked = Checked::new(2, None);
    checked.add(&[(5, 0b11), (5, 0b01), (3, 0b10), (5, 0b10)]);
    let stored = checked.sets.freeze(false).unwrap();
    let counts: Vec<_> = stored.iter().map(|t| (t.table.as_str(), t.row_count())).collect();
    assert_eq!(counts, [("s0", 1), ("s1", 2)]);
    checked.add(&[(5, 0b11), (3, 0b10)]);
    assert!(checked.sets.freeze(false).unwrap().is_empty(), "nothing was new");
    checked.add(&[(3, 0b01)]);
    assert_eq!(checked.sets.freeze(false).unwrap()[0].table, "s0");
}

#[test]
fn a_copy_of_many_long_keys_stays_as_it_was() {
    let long = |n: u32| format!("{n:0>70}").into_bytes();
    let add = |sets: &mut KeySets, numbers: std::ops::Range<u32>| {
        let mut keys = EncodedKeys::default();
        numbers.clone().for_each(|n| keys.push(&[&long(n)]));
        let key_groups: Vec<KeyGroup> = numbers.map(|n| key_group_of(key_hash(&long(n)), GROUPS)).collect();
        let mut wanted = vec![0b1; key_groups.len()];
        sets.add(&keys, key_groups.into_iter(), &mut wanted).unwrap();
        wanted
    };
    let mut sets = new_sets(1, None);
    add(&mut sets, 0..40_000);
    let copy = sets.freeze(true).unwrap();
    add(&mut sets, 40_000..80_000);
    let mut stored = RestoredTable::new("s0");
    for part in copy.into_iter().chain(sets.freeze(false).unwrap()) {
        stored.push_segment(&part.into_segment().unwrap().bytes, ALL).unwrap();
    }
    assert_eq!(rows_of(&stored), (0..80_000).map(long).collect());
    let mut restored = new_sets(1, None);
    restored.restore(&stored).unwrap();
    assert!(add(&mut restored, 0..80_000).iter().all(|wanted| *wanted == 0), "all are there");
}

#[test]
fn counts_below_one_and_foreign_tables_are_refused() {
    let mut counted = SortedMap::new("s0");
    counted.add(b"a", b"x", 1, -1);
    let mut stored = RestoredTable::new("s0");
    for part in counted.freeze(true).unwrap() {
        stored.push_segment(&part.into_segment().unwrap().bytes, ALL).unwrap();
    }
    let error = new_sets(1, None).restore(&stored).unwrap_err().to_string();
    assert!(error.contains("a count below 1"), "{error}");
    stored.name = "s7".into();
    let error = new_sets(1, None).restore(&stored).unwrap_err().to_string();
    assert!(error.contains("there is no set s7"), "{error}");
}

#[test]
fn what_a_counting_map_removed_is_not_there() {
    let mut counted = SortedMap::new("s0");
    let mut stored = RestoredTable::new("s0");
    for (key, delta) in [(b"x", 2), (b"y", 1), (b"y", -1)] {
        counted.add(b"a", key, 1, delta);
        for part in counted.freeze(false).unwrap() {
            stored.segments.push(decode_segment(&part.into_segment().unwrap().bytes).unwrap());
        }
    }
    let mut sets = new_sets(2, None);
    sets.restore(&stored).unwrap();
    let mut keys = EncodedKeys::default();
    keys.push(&[b"ax"]);
    keys.push(&[b"ay"]);
    let mut wanted = [0b11, 0b11];
    sets.add(&keys, [1, 1].into_iter(), &mut wanted).unwrap();
    assert_eq!(wanted, [0b10, 0b11]);
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<(u8, u8)>),
    Checkpoint(bool),
    Restore(Option<usize>),
}

fn budgets() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![Just(None), Just(Some(1)), Just(Some(4_000))]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec((0_u8..60, any::<u8>()), 1..30).prop_map(Step::Add),
        2 => any::<bool>().prop_map(Step::Checkpoint),
        1 => budgets().prop_map(Step::Restore),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_are_sets_wherever_they_lie(count in 1_usize..=8, budget in budgets(), steps in steps()) {
        let mut checked = Checked::new(count, budget);
        checked.checkpoint(true);
        for step in steps {
            match step {
                Step::Add(rows) => checked.add(&rows),
                Step::Checkpoint(full) => checked.checkpoint(full),
                Step::Restore(budget) => {
                    checked.checkpoint(false);
                    checked.restore(budget);
                }
            }
        }
    }
}

#[test]
fn a_counting_map_takes_over_what_was_not_counted() {
    let mut checked = Checked::new(2, None);
    checked.add(&[(5, 0b01), (7, 0b11)]);
    checked.checkpoint(false);
    let stored = &checked.stored["s0"];
    let error = SortedMap::new("s0").restore(stored).unwrap_err().to_string();
    assert!(error.contains("the table s0 has no counts"), "{error}");
    let mut counted = SortedMap::new("s0").with_unknown_count(1);
    counted.restore(stored).unwrap();
    let key_group = key_group_of(key_hash(&key_of(7)), GROUPS);
    assert_eq!(counted.add(&key_of(7), b"", key_group, 1).before, 1);
}
