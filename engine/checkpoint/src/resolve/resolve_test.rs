//! Logs written as text, and what they mean.
//!
//! `S` is a start, `C` a checkpoint, `C!` a published one, `X` the end; `S(2)` starts from epoch 2, `S()` from nothing,
//! `S-3` discards epoch 3; `g2` before a record: from here on by generation 2.

use super::*;

struct Log {
    records: Vec<(Epoch, EpochRecord)>,
    marked: BTreeSet<CheckpointKey>,
}

fn log(text: &str) -> Log {
    let (mut records, mut marked) = (Vec::new(), BTreeSet::new());
    let mut generation = Generation(1);
    let mut epoch = FIRST_EPOCH;
    for word in text.split_whitespace() {
        if let Some(number) = word.strip_prefix('g') {
            generation = Generation(number.parse().unwrap());
            continue;
        }
        if word == "_" {
            epoch = epoch.next();
            continue;
        }
        let (head, discarded) = match word.split_once('-') {
            Some((head, list)) => (head, list.split(',').map(|e| Epoch(e.parse().unwrap())).collect()),
            None => (word, vec![]),
        };
        let kind = match head {
            "C" | "C!" => {
                let checkpoint = CheckpointId(epoch.0 * 10);
                if head == "C!" {
                    marked.insert((checkpoint, generation));
                }
                let key = crate::layout::manifest(checkpoint, generation);
                EpochKind::Checkpoint { checkpoint, manifest: ObjectRef { key, length: 1, checksum: 1 } }
            }
            "X" => EpochKind::Closed,
            "S" => EpochKind::Start { from: StartFrom::Newest, discarded },
            "S()" => EpochKind::Start { from: StartFrom::Empty, discarded },
            from => {
                let epoch = from.strip_prefix("S(").unwrap().strip_suffix(')').unwrap();
                EpochKind::Start { from: StartFrom::Epoch(Epoch(epoch.parse().unwrap())), discarded }
            }
        };
        records.push((epoch, EpochRecord { kind, generation, nonce: epoch.0 }));
        epoch = epoch.next();
    }
    Log { records, marked }
}

fn numbers(list: &[OwnedCheckpoint]) -> String {
    list.iter().map(|c| c.epoch.to_string()).collect::<Vec<_>>().join(" ")
}

/// `lineage | unpublished` of the whole log.
fn meaning(text: &str) -> String {
    let log = log(text);
    match resolve(&log.records, &log.marked, usize::MAX).unwrap() {
        Resolution::Complete(r) => {
            let end = if r.is_closed { " closed" } else { "" };
            format!("{} | {}{end}", numbers(&r.lineage), numbers(&r.unpublished))
        }
        Resolution::NeedsOlder => "needs older".to_owned(),
    }
}

#[test]
fn logs_mean_what_they_say() {
    let table = [
        ("", " | "),
        ("S", " | "),
        ("S C", "2 | 2"),
        ("S C! C! C", "4 3 2 | 4"),
        ("S C! C C", "4 3 2 | 3 4"),
        ("S C! C g2 S", "3 2 | 3"),
        ("S C! C! g2 S C g3 S", "5 3 2 | 5"),
        // Going back: 4 is another branch, but its output was owned and is still due.
        ("S C! C! C S(2)", "2 | 4"),
        ("S C! C! C S(2) C", "6 2 | 4 6"),
        ("S C! C! C S(2)-4 C", "6 2 | 6"),
        ("S C! C! C! S(2) C! g2 S S(3)", "3 2 | "),
        ("S C! C! S(2) S C", "6 2 | 6"),
        ("S C! C! C! S(3) S(2) C", "7 2 | 7"),
        // The first of two ways back leads on from where the second one left off.
        ("S C! C! C! S(3) C! S(6) C", "8 6 3 2 | 8"),
        // Anew.
        ("S C! C! S()", " | "),
        ("S C! C S()", " | 3"),
        ("S C! C S()-3", " | "),
        ("S C! C! S() g2 S", " | "),
        ("S C! C! S() C g2 S", "5 | 5"),
        ("S C! C! S() C! S(2)", "2 | "),
        ("S C! X", "2 |  closed"),
        ("S C! g2 X", "2 |  closed"),
    ];
    for (text, expected) in table {
        assert_eq!(meaning(text), expected, "{text}");
    }
}

#[test]
fn a_part_of_the_log_is_enough_when_it_has_what_is_asked() {
    let log = log("S C! C! C! g2 S C! C C g3 S");
    let tail = |from: usize, wanted| match resolve(&log.records[from..], &log.marked, wanted).unwrap() {
        Resolution::Complete(r) => format!("{} | {}", numbers(&r.lineage), numbers(&r.unpublished)),
        Resolution::NeedsOlder => "needs older".to_owned(),
    };
    assert_eq!(tail(8, 1), "needs older", "only the start");
    assert_eq!(tail(7, 1), "needs older", "8 may not be the oldest unpublished");
    assert_eq!(tail(6, 1), "needs older");
    assert_eq!(tail(5, 1), "8 7 6 | 7 8", "6 is published, so everything before it is");
    assert_eq!(tail(5, 3), "8 7 6 | 7 8");
    assert_eq!(tail(5, 4), "needs older");
    assert_eq!(tail(0, 4), "8 7 6 4 | 7 8");
}

#[test]
fn a_way_back_needs_its_target() {
    let log = log("S C! C! C! C! S(2) C!");
    assert_eq!(resolve(&log.records[4..], &log.marked, 1), resolve(&log.records, &log.marked, 1));
    assert_eq!(resolve(&log.records[4..], &log.marked, 2), Ok(Resolution::NeedsOlder));
    let Resolution::Complete(whole) = resolve(&log.records, &log.marked, 2).unwrap() else {
        panic!("complete")
    };
    assert_eq!(numbers(&whole.lineage), "7 2");
}

#[test]
fn the_newest_record_is_told() {
    let log = log("S C! g7 S C");
    let Resolution::Complete(r) = resolve(&log.records, &log.marked, 1).unwrap() else { panic!("complete") };
    assert_eq!((r.newest, r.generation), (Epoch(4), Generation(7)));
    assert_eq!(r.lineage[0].key(), (CheckpointId(40), Generation(7)));
}

#[test]
fn impossible_logs_are_refused() {
    let table = [
        ("S C _ C", "the epoch log has a gap: epoch 2 is followed by 4"),
        ("C", "epoch 1 is owned by generation 1, which never started"),
        ("S C g2 C", "epoch 3 is owned by generation 2, which never started"),
        ("g2 S g1 C", "epoch 2 was written by generation 1, although generation 2 had started before it"),
        ("S C S(5)", "epoch 3 continues from epoch 5, which is no checkpoint before it"),
        ("S C S(3)", "epoch 3 continues from epoch 3, which is no checkpoint before it"),
        ("S C S(1)", "epoch 3 continues from epoch 1, which is no checkpoint before it"),
        ("S C S C S(3)", "epoch 5 continues from epoch 3, which is no checkpoint before it"),
        ("S C S(0)", "epoch 3 continues from epoch 0, which is no checkpoint before it"),
        ("S X S", "epoch 2 closed the job, and a record follows"),
    ];
    for (text, message) in table {
        let log = log(text);
        let error = resolve(&log.records, &log.marked, usize::MAX).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(error.kind(), ErrorKind::State);
    }
}

#[test]
fn records_that_were_moved_are_noticed() {
    let good = log("S C C C! g2 S C C");
    assert!(resolve(&good.records, &good.marked, 1).is_ok());
    let swapped = |a: usize, b: usize| {
        let mut log = log("S C C C! g2 S C C");
        let (first, second) = (log.records[a].1.clone(), log.records[b].1.clone());
        (log.records[a].1, log.records[b].1) = (second, first);
        resolve(&log.records, &log.marked, 1).unwrap_err()
    };
    assert_eq!(
        swapped(1, 2).to_string(),
        "epoch 3 is checkpoint 20, although checkpoint 30 is owned before it"
    );
    // Whatever else is exchanged breaks another rule.
    for a in 0..7 {
        for b in a + 1..7 {
            let _ = swapped(a, b);
        }
    }
}

#[test]
fn the_newest_published_one_is_named_on_whatever_branch() {
    let newest = |text: &str| {
        let log = log(text);
        match resolve(&log.records, &log.marked, 1).unwrap() {
            Resolution::Complete(r) => (
                r.newest_published.map_or(0, |c| c.epoch.0),
                r.discarded.iter().map(|e| e.0).collect::<Vec<_>>(),
            ),
            Resolution::NeedsOlder => panic!("{text}: needs older"),
        }
    };
    assert_eq!(newest("S C C"), (0, vec![]));
    assert_eq!(newest("S C! C! C C"), (3, vec![]));
    assert_eq!(newest("S C! C! S(2) C"), (3, vec![]), "what was left is visible all the same");
    assert_eq!(newest("S C! C! S()"), (3, vec![]));
    assert_eq!(newest("S C! C C S-4 C"), (2, vec![4]));
}
