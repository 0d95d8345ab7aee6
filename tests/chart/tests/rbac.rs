//! The operator may do what it does, and nothing else.

use std::collections::BTreeSet;

use crate::running::{Call, life, life_in_one_namespace};

/// Why those are not called.
const SCHEDULE: &str = "by a schedule, once a minute at most; tests/operator lives through it";
const OWNERS: &str = "no call: an owner that blocks deletion asks for it where admission checks that";

/// Granted, and not called in the life that the test leads.
const RARE: &[(&str, &str, &str, &str)] = &[
    (
        "",
        "secrets",
        "update",
        "when certificates are renewed, after months, or were begun twice, by chance; tests/operator lives through both",
    ),
    ("millstream.dev", "streamsnapshots", "create", SCHEDULE),
    ("millstream.dev", "streamsnapshots", "delete", SCHEDULE),
    ("millstream.dev", "streamsnapshots/finalizers", "update", OWNERS),
    ("millstream.dev", "streamjobs/finalizers", "update", OWNERS),
];

fn rare() -> BTreeSet<Call> {
    RARE.iter()
        .map(|(group, resource, verb, _)| ((*group).into(), (*resource).into(), (*verb).into()))
        .collect()
}

#[test]
fn what_is_granted_is_what_is_called() {
    let life = life();
    assert_eq!(life.refused, Vec::<String>::new());
    let called: BTreeSet<Call> = life.called.union(&rare()).cloned().collect();
    let surplus: Vec<_> = life.granted.difference(&called).collect();
    assert!(surplus.is_empty(), "granted and never called: {surplus:?}");
    let lacking: Vec<_> = called.difference(&life.granted).collect();
    assert!(lacking.is_empty(), "called and not granted: {lacking:?}");
    let by_chance = ("".to_owned(), "secrets".to_owned(), "update".to_owned());
    let known: Vec<Call> =
        rare().intersection(&life.called).filter(|call| **call != by_chance).cloned().collect();
    assert!(known.is_empty(), "called after all: {known:?}");
}

#[test]
fn rights_in_one_namespace_are_enough_for_its_jobs() {
    let life = life_in_one_namespace();
    assert_eq!(life.refused, Vec::<String>::new());
    assert!(life.called.iter().all(|call| life.granted.contains(call)), "{:?}", life.called);
}
