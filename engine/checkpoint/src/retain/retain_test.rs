//! What goes, when, and what never does.

use millstream_model::ChainId;
use millstream_model::SubtaskId;
use millstream_model::snapshot::ObjectRef;

use super::*;
use crate::layout;

const NOW: u64 = 100_000;

fn owned(epoch: u64) -> OwnedCheckpoint {
    let (checkpoint, generation) = (CheckpointId(epoch * 10), Generation(2));
    let key = layout::manifest(checkpoint, generation);
    OwnedCheckpoint {
        epoch: Epoch(epoch),
        checkpoint,
        generation,
        manifest: ObjectRef { key, length: 1, checksum: 1 },
    }
}

fn state(generation: u64, attempt: u32, nonce: u64) -> String {
    let subtask = SubtaskId { chain: ChainId(0), index: 0 };
    let writer = Writer { generation: Generation(generation), attempt: Attempt(attempt), subtask };
    layout::state(&millstream_model::OperatorUid("agg".to_owned()), "main", writer, nonce)
}

fn stored(key: &str) -> StoredObject {
    StoredObject { key: key.to_owned(), modified_ms: NOW - 60_000 }
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|k| (*k).to_owned()).collect()
}

/// Sweeps as generation 2, whose attempt 3 runs unless told otherwise; every object was suspected before.
struct Case {
    listed: Vec<StoredObject>,
    kept: BTreeSet<CheckpointKey>,
    reachable: BTreeSet<String>,
    suspects: BTreeSet<String>,
    was_owned: BTreeSet<String>,
    newest_published: Option<CheckpointKey>,
    is_running: bool,
}

impl Case {
    fn of(keys: &[String]) -> Self {
        Self {
            // The store's clock is what its newest object says.
            listed: keys
                .iter()
                .map(|k| stored(k))
                .chain([StoredObject { key: "README".to_owned(), modified_ms: NOW }])
                .collect(),
            kept: BTreeSet::new(),
            reachable: BTreeSet::new(),
            suspects: keys.iter().cloned().collect(),
            was_owned: BTreeSet::new(),
            newest_published: None,
            is_running: true,
        }
    }

    fn plan(&self) -> SweepPlan {
        let running =
            Running { attempt: Attempt(3), was_owned: &self.was_owned, newest_owned: Some(CheckpointId(50)) };
        Sweep {
            listed: &self.listed,
            kept: &self.kept,
            reachable: &self.reachable,
            suspects: &self.suspects,
            newest_published: self.newest_published,
            generation: Generation(2),
            running: self.is_running.then_some(running),
            min_age_ms: 30_000,
        }
        .plan()
    }

    fn deleted(&self) -> Vec<String> {
        self.plan().batches.concat()
    }
}

#[test]
fn newest_unpublished_and_pinned_are_kept() {
    let lineage: Vec<_> = [9, 8, 7, 5].map(owned).into();
    let epochs = |retained, unpublished: &[u64], pinned: &[u64]| {
        let list = |numbers: &[u64]| numbers.iter().map(|n| owned(*n)).collect::<Vec<_>>();
        let (unpublished, pinned) = (list(unpublished), list(pinned));
        let keep = Keep { lineage: &lineage, retained, unpublished: &unpublished, pinned: &pinned };
        assert_eq!(keep.keys().len(), keep.epochs().len());
        keep.epochs().into_iter().map(|e| e.0).collect::<Vec<_>>()
    };
    assert_eq!(epochs(3, &[6], &[2]), [2, 6, 7, 8, 9]);
    assert_eq!(epochs(1, &[], &[]), [9]);
    assert_eq!(epochs(0, &[], &[]), [9], "the newest always stays");
    assert_eq!(epochs(10, &[9], &[]), [5, 7, 8, 9]);
}

#[test]
fn data_goes_only_when_nobody_can_name_it_any_more() {
    let (old_generation, old_attempt) = (state(1, 9, 1), state(2, 2, 1));
    let (running, newer) = (state(2, 3, 1), state(3, 1, 1));
    let all = [&old_generation, &old_attempt, &running, &newer].map(Clone::clone);
    let case = Case::of(&all);
    assert_eq!(case.deleted(), [old_generation.clone(), old_attempt.clone()]);
    let ended = Case { is_running: false, ..Case::of(&all) };
    assert_eq!(ended.deleted(), [old_generation.clone(), old_attempt.clone(), running.clone()]);
    let was_owned = Case { was_owned: set(&[&running]), ..Case::of(&all) };
    assert_eq!(was_owned.deleted(), [old_generation.clone(), old_attempt.clone(), running.clone()]);
    let reachable =
        Case { reachable: set(&[&old_attempt, &running]), was_owned: set(&[&running]), ..Case::of(&all) };
    assert_eq!(reachable.deleted(), [old_generation]);
}

#[test]
fn manifests_go_when_they_are_neither_kept_nor_under_way() {
    let manifest = |c, g| layout::manifest(CheckpointId(c), Generation(g));
    let all = [manifest(40, 2), manifest(50, 2), manifest(51, 2), manifest(99, 1), manifest(1, 3)];
    let mut case = Case::of(&all);
    case.kept = BTreeSet::from([(CheckpointId(50), Generation(2))]);
    assert_eq!(case.deleted(), [manifest(40, 2), manifest(99, 1)]);
    case.is_running = false;
    assert_eq!(case.deleted(), [manifest(40, 2), manifest(51, 2), manifest(99, 1)]);
}

#[test]
fn claims_the_log_pins_and_foreign_objects_never_go() {
    let keys =
        ["generation/0000000001", "epoch/0000000001", "pin/x", "README", "state/notes.txt", "savepoint/a/b"];
    let case = Case { is_running: false, ..Case::of(&keys.map(str::to_owned)) };
    assert_eq!(case.plan(), SweepPlan::default());
}

#[test]
fn an_object_must_be_suspected_twice_and_be_old() {
    let key = state(1, 1, 1);
    let mut case = Case::of(std::slice::from_ref(&key));
    case.suspects.clear();
    let first = case.plan();
    assert_eq!((first.batches.len(), first.suspects.len()), (0, 1));
    case.suspects = first.suspects;
    assert_eq!(case.deleted(), [key]);
    case.listed[0].modified_ms = NOW - 29_999;
    assert!(case.deleted().is_empty(), "it is younger than the limit by the store's own clock");
    assert_eq!(case.plan().suspects.len(), 1);
}

#[test]
fn data_goes_before_manifests_and_manifests_before_markers() {
    let data: Vec<String> = (0..250).map(|n| state(1, 1, n)).collect();
    let manifest = layout::manifest(CheckpointId(1), Generation(1));
    let marker = layout::published(CheckpointId(1), Generation(1));
    let mut all = vec![marker.clone(), manifest.clone()];
    all.extend(data.clone());
    let plan = Case::of(&all).plan();
    let sizes: Vec<_> = plan.batches.iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 100, 50, 1, 1]);
    assert_eq!(plan.batches[3], [manifest]);
    assert_eq!(plan.batches[4], [marker]);
}

#[test]
fn the_marker_of_the_newest_published_checkpoint_stays_alone() {
    let key = |c| (CheckpointId(c), Generation(2));
    let objects = |c| [layout::manifest(key(c).0, key(c).1), layout::published(key(c).0, key(c).1)];
    let all = [objects(30), objects(40)].concat();
    let case = Case { newest_published: Some(key(40)), ..Case::of(&all) };
    assert_eq!(case.deleted(), [&objects(30)[0], &objects(40)[0], &objects(30)[1]].map(Clone::clone));
}
