use std::collections::BTreeMap as Model;

use proptest::prelude::*;

use super::*;
use crate::{MemorySpill, TableSpill};
use millstream_model::KeyGroupRange;

/// A key of a fixed length, so that no key is a prefix of another one.
fn key(n: u8) -> [u8; 2] {
    [n, 0xff - n]
}

fn key_group(group: u8) -> KeyGroup {
    u16::from(group) % 16
}

fn content(map: &SortedMap) -> Model<(u8, Vec<u8>), i64> {
    let mut content = Model::new();
    for g in 0..=255 {
        map.visit_group(&key(g), key_group(g), &mut |k, c| {
            assert_eq!(content.insert((g, k.to_vec()), c), None, "shown twice");
        })
        .unwrap();
    }
    content
}

/// With a store behind it if there is a budget.
fn within(budget: Option<usize>) -> SortedMap {
    let mut map = SortedMap::new("values");
    if let Some(budget) = budget {
        map.spill_to(TableSpill { store: Arc::new(MemorySpill::default()), table: 1, budget }).unwrap();
    }
    map
}

fn frozen(map: &mut SortedMap, full: bool) -> Vec<FrozenTable> {
    let base = if full { map.spilled_base().unwrap() } else { None };
    let base: Vec<FrozenTable> = base.into_iter().flatten().map(Result::unwrap).collect();
    [base, map.freeze(full).unwrap()].concat()
}

fn restored(budget: Option<usize>, segments: &[Vec<u8>]) -> SortedMap {
    let mut stored = RestoredTable::new("values");
    for bytes in segments {
        stored.push_segment(bytes, KeyGroupRange { start: 0, end: 16 }).unwrap();
    }
    let mut map = within(budget);
    map.restore(&stored).unwrap();
    map
}

fn encoded(parts: Vec<FrozenTable>) -> Vec<Vec<u8>> {
    parts.into_iter().map(|p| p.into_segment().unwrap().bytes.to_vec()).collect()
}

#[test]
fn first_and_last_skip_counts_below_one() {
    let mut map = SortedMap::default();
    for (value, delta) in [(5, 1), (3, 1), (9, -1), (1, -2), (3, 1)] {
        map.add(&key(7), &[value], 0, delta);
        map.add(&key(8), &[value + 100], 0, 1);
    }
    let first = |map: &SortedMap, g| map.first(&key(g), 0).unwrap();
    let last = |map: &SortedMap, g| map.last(&key(g), 0).unwrap();
    assert_eq!((first(&map, 7), last(&map, 7)), (Some(vec![3]), Some(vec![5])));
    assert_eq!(map.add(&key(7), &[3], 0, -2), CountChange { before: 2, after: 0 });
    assert_eq!(first(&map, 7), Some(vec![5]));
    assert_eq!((first(&map, 6), last(&map, 9)), (None, None));
    map.remove_group(&key(7), 0).unwrap();
    assert_eq!((first(&map, 7), first(&map, 8).is_some()), (None, true));
}

#[test]
fn groups_at_the_edges_of_the_byte_range_do_not_mix() {
    let mut map = SortedMap::default();
    for group in [0, 1, 0xfe, 0xff] {
        map.add(&key(group), &[0xff, 0xff], 0, i64::from(group) + 1);
    }
    for group in [0, 1, 0xfe, 0xff] {
        let found: Vec<i64> = map.group(&key(group)).map(|(_, count)| count).collect();
        assert_eq!(found, [i64::from(group) + 1]);
    }
    assert_eq!(
        (successor(&[]), successor(&[0xff, 0xff]), successor(&[1, 0xff])),
        (None, None, Some(vec![2]))
    );
    assert_eq!(map.group(&[]).count(), 4, "an empty group key is the one global group");
}

#[test]
fn what_came_and_went_leaves_nothing() {
    let mut map = SortedMap::default();
    for n in 0..100_000_u32 {
        map.add(b"g", &n.to_be_bytes(), 0, 1);
        map.add(b"g", &n.to_be_bytes(), 0, -1);
    }
    assert!(map.bytes() < 100_000, "{} bytes", map.bytes());
    assert!(map.freeze(false).unwrap().is_empty());
}

#[test]
fn a_stored_entry_leaves_a_tombstone_once() {
    let mut map = SortedMap::default();
    map.add(b"g", b"a", 3, 1);
    let mut segments = encoded(map.freeze(false).unwrap());
    map.add(b"g", b"a", 3, -1);
    let delta = map.freeze(false).unwrap();
    assert!(delta[0].rows.column(2).as_boolean().value(0));
    segments.extend(encoded(delta));
    assert!(map.freeze(false).unwrap().is_empty());
    assert!(restored(None, &segments).is_empty());
}

#[test]
fn what_is_gone_takes_memory_until_it_is_frozen() {
    let mut map = SortedMap::default();
    let keys = [[1_u8; 1_000], [2; 1_000], [3; 1_000]];
    for key in &keys {
        map.add(b"g", key, 3, 1);
    }
    map.freeze(false).unwrap();
    let held = map.bytes();
    for key in &keys {
        map.add(b"g", key, 3, -1);
    }
    assert!(map.bytes() >= held && held > 3_000, "{} bytes after {held}", map.bytes());
    map.add(b"g", &keys[0], 3, 1);
    map.freeze(false).unwrap();
    assert!(map.bytes() > 1_000 && map.bytes() < 2_500, "{} bytes", map.bytes());
}

#[test]
fn large_entries_make_many_parts_of_a_base() {
    let mut map = within(Some(1));
    for n in 0..3_000_u16 {
        map.add(b"g", &n.to_be_bytes().repeat(10_000), 3, 1);
    }
    map.load(std::iter::empty()).unwrap();
    let parts: Vec<FrozenTable> = map.spilled_base().unwrap().unwrap().map(Result::unwrap).collect();
    assert_eq!(parts.iter().map(|p| p.rows.num_rows()).sum::<usize>(), 3_000);
    assert!(parts.len() >= 2 && parts.iter().all(|p| p.bytes() < 40 << 20), "{} parts", parts.len());
    assert!(parts[0].is_base && parts[1..].iter().all(|p| !p.is_base));
}

#[test]
fn a_count_of_zero_is_damage() {
    let mut map = SortedMap::default();
    map.add(b"g", b"a", 3, 1);
    let mut part = map.freeze(true).unwrap().remove(0);
    let mut columns = part.rows.columns().to_vec();
    columns[3] = Arc::new(Int64Array::from(vec![0]));
    part.rows = arrow::array::RecordBatch::try_new(part.rows.schema(), columns).unwrap();
    let mut stored = RestoredTable::new("values");
    stored.push_segment(&part.into_segment().unwrap().bytes, KeyGroupRange { start: 0, end: 16 }).unwrap();
    let error = SortedMap::default().restore(&stored).unwrap_err().to_string();
    assert_eq!(error, "damaged state segment: a count of 0 in the table values");
}

#[derive(Clone, Debug)]
enum Step {
    Add { group: u8, value: u8, delta: i64 },
    RemoveGroup(u8),
    Freeze { full: bool },
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let edge = prop_oneof![Just(0_u8), Just(1), Just(0xfe), Just(0xff)];
    prop_oneof![
        8 => (edge.clone(), 0_u8..6, -2_i64..3).prop_map(|(group, value, delta)| Step::Add { group, value, delta }),
        1 => edge.prop_map(Step::RemoveGroup),
        1 => any::<bool>().prop_map(|full| Step::Freeze { full }),
        1 => Just(Step::Restore),
    ]
}

proptest! {
    #[test]
    fn it_is_a_map_that_survives_restores(
        steps in prop::collection::vec(step(), 1..150),
        // Everything in memory, what one step needs in memory, some entries in memory.
        budget in prop_oneof![Just(None), Just(Some(1)), Just(Some(700))],
    ) {
        let mut map = within(budget);
        let mut model: Model<(u8, Vec<u8>), i64> = Model::new();
        let mut segments: Vec<Vec<u8>> = Vec::new();
        for step in steps {
            match step {
                Step::Add { group, value, delta } => {
                    map.load([(key_group(group), &key(group)[..], &[value][..])].into_iter()).unwrap();
                    let change = map.add(&key(group), &[value], key_group(group), delta);
                    let count = model.entry((group, vec![value])).or_default();
                    prop_assert_eq!(change, CountChange { before: *count, after: *count + delta });
                    *count += delta;
                    model.retain(|_, count| *count != 0);
                }
                Step::RemoveGroup(group) => {
                    map.remove_group(&key(group), key_group(group)).unwrap();
                    model.retain(|(g, _), _| *g != group);
                }
                Step::Freeze { full } => {
                    if full {
                        segments.clear();
                    }
                    segments.extend(encoded(frozen(&mut map, full)));
                }
                Step::Restore => {
                    segments.extend(encoded(map.freeze(false).unwrap()));
                    map = restored(budget, &segments);
                }
            }
            prop_assert_eq!(content(&map), model.clone());
            prop_assert!(budget.is_some() || map.len() == model.len());
            for group in [0, 1, 0xfe, 0xff] {
                let mut positive = model.iter().filter(|((g, _), c)| *g == group && **c > 0).map(|((_, v), _)| v.clone());
                prop_assert_eq!(map.first(&key(group), key_group(group)).unwrap(), positive.next());
                let mut positive = model.iter().filter(|((g, _), c)| *g == group && **c > 0).map(|((_, v), _)| v.clone());
                prop_assert_eq!(map.last(&key(group), key_group(group)).unwrap(), positive.next_back());
            }
        }
    }
}
