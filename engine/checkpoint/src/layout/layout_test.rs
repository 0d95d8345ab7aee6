//! Keys are a persistent format: what is asserted here may never change.

use millstream_model::ChainId;
use proptest::prelude::*;

use super::*;

fn a_writer() -> Writer {
    Writer {
        generation: Generation(3),
        attempt: Attempt(2),
        subtask: SubtaskId { chain: ChainId(4), index: 1 },
    }
}

#[test]
fn keys_look_as_documented_and_can_be_parsed() {
    let uid = OperatorUid("agg-1f".to_owned());
    let table = [
        (generation(Generation(3)), "generation/0000000003", Some(ObjectKind::Generation(Generation(3)))),
        (epoch(Epoch(42)), "epoch/0000000042", Some(ObjectKind::Epoch(Epoch(42)))),
        (
            manifest(CheckpointId(40), Generation(3)),
            "checkpoint/0000000040.3/manifest",
            Some(ObjectKind::Manifest(CheckpointId(40), Generation(3))),
        ),
        (
            published(CheckpointId(40), Generation(3)),
            "checkpoint/0000000040.3/published",
            Some(ObjectKind::Published(CheckpointId(40), Generation(3))),
        ),
        (
            state(&uid, "main", a_writer(), 0xc0_ffee),
            "state/agg-1f/main/3.2.4-1.0000000000c0ffee",
            Some(ObjectKind::State(a_writer())),
        ),
        (
            staged(&uid, a_writer(), u64::MAX),
            "staged/agg-1f/3.2.4-1.ffffffffffffffff",
            Some(ObjectKind::Staged(a_writer())),
        ),
        (pin("restore 4"), "pin/restore%204", Some(ObjectKind::Pin)),
    ];
    for (key, expected, kind) in table {
        assert_eq!(key, expected);
        assert_eq!(parse(&key), kind, "{key}");
    }
}

#[test]
fn numbers_sort_as_text() {
    let numbers = [0, 1, 9, 10, 99, 12_345, 9_999_999_999_u64];
    let keys = numbers.map(|n| epoch(Epoch(n)));
    assert!(keys.is_sorted(), "{keys:?}");
}

#[test]
fn what_we_did_not_write_is_not_ours() {
    let foreign = [
        "",
        "epoch",
        "epoch/7",
        "epoch/+000000007",
        "epoch/00000000042",
        "epoch/000000004x",
        "epoch/0000000042/x",
        "generation/-000000001",
        "checkpoint/0000000040/manifest",
        "checkpoint/0000000040.03/manifest",
        "checkpoint/0000000040.3/manifest.bak",
        "state/a/3.2.4-1.0000000000c0ffee",
        "state/a/b/3.2.4.0000000000c0ffee",
        "state/a/b/3.2.4-1.c0ffee",
        "state/a/b/3.2.4-1.0000000000C0FFEE",
        "staged/a/3.99999999999.4-1.0000000000c0ffee",
        "staged/a/b/3.2.4-1.0000000000c0ffee",
        "savepoint/x/manifest",
        "pin/a/b",
        "README.md",
    ];
    for key in foreign {
        assert_eq!(parse(key), None, "{key:?}");
    }
}

#[test]
fn a_job_has_one_folder_and_shares_it_with_none() {
    let job = |namespace: &str, name: &str, uid: &str| JobIdentity {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
    };
    assert_eq!(job_folder(&job("default", "flights", "local")), "default.flights.local/");
    assert_ne!(job_folder(&job("a", "b.c", "d")), job_folder(&job("a.b", "c", "d")));
    assert_ne!(job_folder(&job("a", "", "d")), job_folder(&job("a", "%", "d")));
}

proptest! {
    #[test]
    fn any_uid_gives_one_safe_part(uid in any::<String>(), other in any::<String>()) {
        let key = staged(&OperatorUid(uid.clone()), a_writer(), 1);
        prop_assert_eq!(parse(&key), Some(ObjectKind::Staged(a_writer())));
        let part = key.split('/').nth(1).unwrap();
        prop_assert!(!part.is_empty() && part.len() <= LONGEST_PART && part != "." && part != "..");
        prop_assert!(part.bytes().all(|b| b.is_ascii_graphic() && b != b'/'));
        if uid != other {
            prop_assert_ne!(escaped(&uid), escaped(&other));
        }
    }

    #[test]
    fn long_names_differ_by_their_hash(tail in "[a-z]{1,20}", other in "[a-z]{1,20}") {
        let long = "operator ".repeat(100);
        let (a, b) = (escaped(&format!("{long}{tail}")), escaped(&format!("{long}{other}")));
        prop_assert!(a.len() <= LONGEST_PART);
        prop_assert_eq!(a == b, tail == other);
    }

    #[test]
    fn parsing_never_panics(key in any::<String>()) {
        let _ = parse(&key);
    }
}
