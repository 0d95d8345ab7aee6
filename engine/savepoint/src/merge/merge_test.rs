use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Int64Array, UInt16Array};
use arrow::datatypes::{DataType, Field, Int64Type};
use millstream_state::segment_schema;

use super::*;

type Row = (u16, &'static str, bool, i64);

fn slice(base_of: Option<(u32, u32)>, rows: &[Row]) -> Slice {
    let schema = segment_schema(&[Field::new("v", DataType::Int64, true)]);
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|r| r.0))),
        Arc::new(BinaryArray::from_iter_values(rows.iter().map(|r| r.1.as_bytes()))),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(r.2)))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))),
    ];
    let rows = RecordBatch::try_new(schema, columns).unwrap();
    Slice { rows, base_of: base_of.map(|(start, end)| KeyGroupRange { start, end }) }
}

fn merged(slices: &[Slice], range: (u32, u32), batch_rows: usize) -> Vec<(u16, String, i64)> {
    let range = KeyGroupRange { start: range.0, end: range.1 };
    let mut rows = Vec::new();
    for batch in merge(slices, range, batch_rows).unwrap() {
        assert!(batch.num_rows() <= batch_rows);
        assert_eq!(batch.num_columns(), 3);
        let (groups, keys) =
            (batch.column(0).as_primitive::<UInt16Type>(), batch.column(1).as_binary::<i32>());
        let values = batch.column(2).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let key = String::from_utf8(keys.value(row).to_vec()).unwrap();
            rows.push((groups.value(row), key, values.value(row)));
        }
    }
    rows
}

fn expect(slices: &[Slice], range: (u32, u32), expected: &[(u16, &str, i64)]) {
    let expected: Vec<_> = expected.iter().map(|(g, k, v)| (*g, (*k).to_owned(), *v)).collect();
    assert_eq!(merged(slices, range, 2), expected);
}

#[test]
fn the_documented_example_holds() {
    let base = slice(Some((0, 8)), &[(3, "a", false, 1), (3, "b", false, 2)]);
    let delta = slice(None, &[(3, "a", false, 5), (3, "b", true, 0), (7, "c", false, 9)]);
    expect(&[base, delta], (0, 8), &[(3, "a", 5), (7, "c", 9)]);
}

#[test]
fn a_base_ends_its_key_groups_and_no_others() {
    let old = slice(Some((0, 8)), &[(1, "a", false, 1), (5, "b", false, 2), (6, "c", false, 3)]);
    let delta = slice(None, &[(5, "b", false, 20), (6, "d", false, 4)]);
    let base = slice(Some((4, 6)), &[(4, "e", false, 5)]);
    let later = slice(None, &[(5, "f", false, 6)]);
    expect(
        &[old, delta, base, later],
        (0, 8),
        &[(1, "a", 1), (4, "e", 5), (5, "f", 6), (6, "c", 3), (6, "d", 4)],
    );
}

#[test]
fn an_empty_base_ends_everything() {
    let old = slice(Some((0, 8)), &[(1, "a", false, 1)]);
    expect(&[old, slice(Some((0, 8)), &[])], (0, 8), &[]);
    expect(&[], (0, 8), &[]);
}

#[test]
fn a_key_that_comes_back_is_there() {
    let base = slice(Some((0, 8)), &[(1, "a", false, 1)]);
    let gone = slice(None, &[(1, "a", true, 0)]);
    let back = slice(None, &[(1, "a", false, 7)]);
    expect(&[base.clone(), gone.clone(), back.clone()], (0, 8), &[(1, "a", 7)]);
    expect(&[base, back, gone], (0, 8), &[]);
}

#[test]
fn only_the_wanted_key_groups_count() {
    let base = slice(Some((0, 8)), &[(1, "a", false, 1), (2, "b", false, 2), (3, "c", false, 3)]);
    let delta = slice(None, &[(1, "x", false, 9), (2, "b", true, 0), (3, "c", false, 30)]);
    expect(&[base.clone(), delta.clone()], (2, 4), &[(3, "c", 30)]);
    expect(&[base, delta], (4, 8), &[]);
}

#[test]
fn the_same_as_a_map_says() {
    // A small generator of our own: random changes to 40 keys in 8 key groups, in segments, some of which are bases.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    for _ in 0..200 {
        let mut expected: BTreeMap<(u16, &str), i64> = BTreeMap::new();
        let mut slices = Vec::new();
        for _ in 0..1 + draw(6) {
            let base = (draw(3) == 0).then(|| {
                let start = draw(8) as u32;
                (start, start + draw(u64::from(9 - start)) as u32)
            });
            let owned = base.map_or(0..8, |(start, end)| start..end);
            if let Some((start, end)) = base {
                expected.retain(|(group, _), _| !(start..end).contains(&u32::from(*group)));
            }
            let mut changes: BTreeMap<(u16, &'static str), (bool, i64)> = BTreeMap::new();
            for _ in 0..draw(20) {
                let key = (draw(8) as u16, NAMES[draw(5) as usize]);
                if owned.contains(&u32::from(key.0)) {
                    changes.insert(key, (draw(4) == 0, draw(1_000) as i64));
                }
            }
            for (key, (is_deleted, value)) in &changes {
                if *is_deleted {
                    expected.remove(key);
                } else {
                    expected.insert(*key, *value);
                }
            }
            let rows: Vec<Row> = changes.into_iter().map(|((g, k), (d, v))| (g, k, d, v)).collect();
            slices.push(slice(base, &rows));
        }
        let expected: Vec<_> = expected.into_iter().map(|((g, k), v)| (g, k.to_owned(), v)).collect();
        for cut in [1, 3, 8] {
            let mut found = Vec::new();
            for start in (0..8).step_by(cut) {
                found.extend(merged(&slices, (start as u32, (start + cut).min(8) as u32), 4));
            }
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn heads_are_ordered_as_their_keys() {
    let mut keys: Vec<&[u8]> = vec![
        b"",
        b"\0",
        b"a",
        b"a\0",
        b"ab",
        b"abcdefgh",
        b"abcdefgh\0",
        b"abcdefghi",
        b"b",
        b"\xff",
        &[0xff; 9],
    ];
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| head_of(pair[0]) <= head_of(pair[1])));
    let base = slice(Some((0, 8)), &[(1, "", false, 1), (1, "\0", false, 2), (1, "abcdefgh", false, 3)]);
    let delta = slice(None, &[(1, "\0\0", false, 4), (1, "abcdefgh", false, 5), (1, "abcdefghi", false, 6)]);
    expect(
        &[base, delta],
        (0, 8),
        &[(1, "", 1), (1, "\0", 2), (1, "\0\0", 4), (1, "abcdefgh", 5), (1, "abcdefghi", 6)],
    );
}
