//! What the jobs must have written, computed here from the rows themselves.

use std::collections::BTreeMap;

use super::job::Target;
use super::numbers::rows;

/// Rows of a table with how often each is there.
pub(crate) type Bag = BTreeMap<Vec<i64>, i64>;

const WINDOW_MS: i64 = 3_000;

/// Every table of a job with its rows.
pub(crate) fn expected(target: Target) -> BTreeMap<&'static str, Bag> {
    let plain: Bag = rows().map(|r| (vec![r.id, r.k, r.v], 1)).collect();
    let second = match target {
        Target::Files => ("windows", windows()),
        Target::Transactions => ("totals", totals()),
    };
    BTreeMap::from([("plain", plain), second])
}

fn windows() -> Bag {
    let mut windows: BTreeMap<(i64, i64), (i64, i64, i64)> = BTreeMap::new();
    for row in rows() {
        let (count, sum, low) = windows.entry((row.ms / WINDOW_MS, row.k)).or_insert((0, 0, i64::MAX));
        *count += 1;
        *sum += row.v;
        *low = row.id.min(*low);
    }
    let mut bag = Bag::new();
    for ((_, k), (count, sum, low)) in windows {
        *bag.entry(vec![k, count, sum, low]).or_default() += 1;
    }
    bag
}

fn totals() -> Bag {
    let mut totals: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
    for row in rows() {
        let (count, sum, low) = totals.entry(row.k).or_insert((0, 0, i64::MAX));
        *count += 1;
        *sum += row.v;
        *low = row.id.min(*low);
    }
    totals.into_iter().map(|(k, (count, sum, low))| (vec![k, count, sum, low], 1)).collect()
}
