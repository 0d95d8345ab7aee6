//! What a manifest is made of, case by case.

use millstream_model::snapshot::{StagedSegment, StateSegment};

use super::*;
use crate::testing::{
    a_manifest, base, delta, finished, graph, job, range, snapshot, split, staged, subtask, uid,
};

/// The parts of a checkpoint, owned, with defaults that make one: parallelism 1 and 2, nothing in it.
struct Case {
    parent: Option<Manifest>,
    graph: JobGraph,
    snapshots: Vec<SubtaskSnapshot>,
    enumerator: EnumeratorState,
    kind: BarrierKind,
    roll: Roll,
    now_ms: u64,
    discarded: BTreeSet<Epoch>,
}

impl Case {
    fn new(aggregates: u32) -> Self {
        let graph = graph(1, aggregates);
        Self {
            parent: None,
            snapshots: graph.subtasks().map(snapshot).collect(),
            graph,
            enumerator: EnumeratorState {
                source: uid("src"),
                state: vec![9],
                unassigned: vec![],
                forgotten: vec![],
            },
            kind: BarrierKind::Checkpoint,
            roll: Roll::ByPolicy,
            now_ms: 0,
            discarded: BTreeSet::new(),
        }
    }

    fn after(parent: &Manifest, aggregates: u32) -> Self {
        Self { parent: Some(parent.clone()), ..Self::new(aggregates) }
    }

    fn of(&mut self, chain: u32, index: u32) -> &mut SubtaskSnapshot {
        self.snapshots.iter_mut().find(|s| s.subtask == subtask(chain, index)).unwrap()
    }

    fn reports(mut self, index: u32, segments: &[StateSegment]) -> Self {
        self.of(1, index).segments = segments.to_vec();
        self
    }

    fn stages(mut self, index: u32, segments: &[StagedSegment]) -> Self {
        self.of(1, index).staged = segments.to_vec();
        self
    }

    fn reads(mut self, splits: &[SplitState]) -> Self {
        self.of(0, 0).splits = splits.to_vec();
        self
    }

    fn at(mut self, now_ms: u64) -> Self {
        self.now_ms = now_ms;
        self
    }

    fn run(&self) -> Result<Manifest, AssembleError> {
        assemble(&CheckpointParts {
            job: &job(),
            sql: "SELECT 1",
            engine_version: "0.1.0",
            checkpoint: CheckpointId(self.parent.as_ref().map_or(1, |p| p.checkpoint.0 + 1)),
            generation: Generation(2),
            attempt: Attempt(1),
            kind: self.kind,
            now_ms: self.now_ms,
            roll: self.roll,
            parent: self.parent.as_ref(),
            parent_epoch: self.parent.as_ref().map(|p| Epoch(p.checkpoint.0 * 10)),
            discarded: &self.discarded,
            graph: &self.graph,
            snapshots: &self.snapshots,
            enumerators: std::slice::from_ref(&self.enumerator),
        })
    }

    fn ok(&self) -> Manifest {
        self.run().unwrap()
    }

    fn error(&self) -> String {
        self.run().unwrap_err().to_string()
    }
}

/// Keys of the aggregate's segments.
fn state(manifest: &Manifest) -> Vec<&str> {
    manifest.operator(&uid("agg")).unwrap().segments.iter().map(|s| s.object.key.as_str()).collect()
}

/// `published | pending | repeated` of the sink: publications in brackets.
fn output(manifest: &Manifest) -> String {
    let keys = |segments: &[StagedSegment]| {
        segments.iter().map(|s| s.object.key.clone()).collect::<Vec<_>>().join(" ")
    };
    let sink = manifest.sink(&uid("out")).unwrap();
    let publications: Vec<_> = sink.publications.iter().map(|p| format!("[{}]", keys(&p.segments))).collect();
    format!("{} | {} | {}", publications.join(""), keys(&sink.pending), sink.repeated.join(" "))
}

#[test]
fn facts_are_merged_over_subtasks() {
    let manifest = Case::new(3).ok();
    let agg = manifest.operator(&uid("agg")).unwrap();
    assert_eq!(agg.facts.watermark, Watermark(100), "the slowest subtask's");
    assert_eq!(agg.facts.counters.rows_in, 30);
    assert_eq!((agg.parallelism, agg.is_stateful, agg.meaning.as_str()), (3, true, "agg-v1"));
    assert_eq!(manifest.operators.len(), 3);
    assert_eq!((manifest.checkpoint, manifest.outcome), (CheckpointId(1), Outcome::Running));
}

#[test]
fn deltas_pile_up_until_a_base_covers_them() {
    let (left, right) = (range(0, 2), range(1, 2));
    let first = Case::new(2).reports(0, &[delta("l1", left)]).reports(1, &[delta("r1", right)]).ok();
    assert_eq!(state(&first), ["l1", "r1"]);
    let second = Case::after(&first, 2).reports(0, &[delta("l2", left)]).ok();
    assert_eq!(state(&second), ["l1", "r1", "l2"]);
    let third = Case::after(&second, 2).reports(0, &[base("l3", left), delta("l4", left)]).ok();
    assert_eq!(state(&third), ["r1", "l3", "l4"]);
    let other_table = StateSegment { table: "timers".to_owned(), ..base("t", left) };
    let fourth = Case::after(&third, 2).reports(0, &[other_table]).ok();
    assert_eq!(state(&fourth), ["r1", "l3", "l4", "t"], "a base supersedes its own table only");
}

#[test]
fn segments_that_come_again_stand_once_and_in_order() {
    let left = range(0, 2);
    let (d1, b2, d3) = (delta("d1", left), base("b2", left), delta("d3", left));
    let first = Case::new(2).reports(0, std::slice::from_ref(&d1)).ok();
    let second = Case::after(&first, 2).reports(0, &[d1.clone(), b2.clone()]).ok();
    assert_eq!(state(&second), ["b2"]);
    let third = Case::after(&second, 2).reports(0, &[d1, b2, d3]).ok();
    assert_eq!(state(&third), ["b2", "d3"], "what a base had replaced does not come back");
}

#[test]
fn after_a_rescale_bases_replace_everything() {
    let (left, right) = (range(0, 2), range(1, 2));
    let before = Case::new(2).reports(0, &[base("l", left)]).reports(1, &[base("r", right)]).ok();
    let thirds: Vec<_> = (0..3).map(|i| base(["x", "y", "z"][i as usize], range(i, 3))).collect();
    let all = (0..3).fold(Case::after(&before, 3), |c, i| c.reports(i, &thirds[i as usize..][..1]));
    assert_eq!(state(&all.ok()), ["x", "y", "z"]);
    let one_missing = (0..2).fold(Case::after(&before, 3), |c, i| c.reports(i, &thirds[i as usize..][..1]));
    assert_eq!(
        one_missing.error(),
        "operator agg changed its parallelism, and no base replaces segment r of table main"
    );
    let only_a_delta = one_missing.reports(2, &[delta("z", range(2, 3))]);
    assert!(only_a_delta.error().contains("no base replaces segment r"));
    let whole = Case::after(&before, 1).reports(0, &[base("w", range(0, 1))]).ok();
    assert_eq!(state(&whole), ["w"]);
    assert_eq!(state(&Case::after(&all.ok(), 3).ok()), ["x", "y", "z"], "from then on deltas build on them");
}

#[test]
fn several_bases_may_cover_one_segment_together() {
    let groups = |start, end| millstream_model::KeyGroupRange { start, end };
    let first = Case::new(1).reports(0, &[delta("d", groups(10, 40))]).ok();
    let table = [
        (vec![(10, 40)], true),
        (vec![(0, 128)], true),
        (vec![(0, 20), (20, 128)], true),
        (vec![(30, 50), (5, 12), (12, 30)], true),
        (vec![(10, 39)], false),
        (vec![(0, 20), (21, 128)], false),
    ];
    for (bases, is_gone) in table {
        let bases: Vec<_> = bases.iter().map(|(s, e)| base(&format!("b{s}"), groups(*s, *e))).collect();
        let second = Case::after(&first, 1).reports(0, &bases).ok();
        assert_eq!(!state(&second).contains(&"d"), is_gone, "{bases:?}");
    }
}

#[test]
fn splits_are_carried_on() {
    let first = Case {
        enumerator: EnumeratorState {
            unassigned: vec![split("b", ""), split("c", "")],
            ..Case::new(1).enumerator
        },
        ..Case::new(1)
    };
    let first = first.reads(&[split("a", "1")]).ok();
    let names = |m: &Manifest| -> Vec<String> {
        let splits = &m.source(&uid("src")).unwrap().splits;
        splits
            .iter()
            .map(|s| {
                format!(
                    "{}{}{}",
                    s.split,
                    String::from_utf8_lossy(&s.position),
                    if s.is_finished { "!" } else { "" }
                )
            })
            .collect()
    };
    assert_eq!(names(&first), ["a1", "b", "c"]);
    assert_eq!(first.sources[0].enumerator, [9]);
    let second =
        Case::after(&first, 1).reads(&[split("c", "1"), split("b", "2"), finished(split("a", "9"))]).ok();
    assert_eq!(names(&second), ["a9!", "b2", "c1"]);
    let third = Case::after(&second, 1).reads(&[split("b", "3"), split("c", "3"), split("d", "1")]).ok();
    assert_eq!(names(&third), ["a9!", "b3", "c3", "d1"], "a finished split stays though nobody reports it");
    let mut fourth =
        Case::after(&third, 1).reads(&[finished(split("b", "9")), split("c", "4"), split("d", "1")]);
    fourth.enumerator.forgotten =
        vec![SplitId("a".to_owned()), SplitId("b".to_owned()), SplitId("c".to_owned())];
    assert_eq!(
        names(&fourth.ok()),
        ["c4", "d1"],
        "finished splits that the enumerator remembers are dropped"
    );
}

#[test]
fn splits_in_no_place_or_two_are_refused() {
    let parent = Case::new(1).reads(&[split("a", "1"), finished(split("z", "9"))]).ok();
    let table = [
        (Case::after(&parent, 1), "split a of source src is neither assigned, nor waiting, nor finished"),
        (
            Case::after(&parent, 1).reads(&[split("a", "2"), split("a", "3")]),
            "split a of source src is in two places",
        ),
        (
            Case {
                enumerator: EnumeratorState { unassigned: vec![split("a", "1")], ..Case::new(1).enumerator },
                ..Case::after(&parent, 1).reads(&[split("a", "2")])
            },
            "split a of source src is in two places",
        ),
        (
            Case::after(&parent, 1).reads(&[split("a", "2"), split("z", "1")]),
            "split z of source src was finished and is being read again",
        ),
    ];
    for (case, message) in table {
        assert_eq!(case.error(), message);
    }
}

#[test]
fn the_roll_policy_decides_by_bytes_and_age() {
    // 100 bytes or 1,000 ms.
    let segments = |lengths: &[(u64, u64)]| -> Vec<StagedSegment> {
        let one = |(i, (length, closed)): (usize, &(u64, u64))| staged(&format!("s{i}"), 0, *length, *closed);
        lengths.iter().enumerate().map(one).collect()
    };
    type Row = (&'static [(u64, u64)], u64, &'static str);
    let table: [Row; 8] = [
        (&[], 5_000, " |  | "),
        (&[(50, 4_500)], 5_000, " | s0 | "),
        (&[(50, 4_000)], 5_000, "[s0] |  | "),
        (&[(50, 4_500), (50, 4_900)], 5_000, "[s0 s1] |  | "),
        (&[(99, 4_900), (1, 4_900), (99, 4_900)], 5_000, "[s0 s1] | s2 | "),
        (&[(250, 4_900), (100, 4_900), (10, 4_900)], 5_000, "[s0][s1] | s2 | "),
        (&[(250, 3_000), (10, 3_000), (10, 4_900)], 5_000, "[s0][s1 s2] |  | "),
        (&[(10, 6_000)], 5_000, " | s0 | "),
    ];
    for (lengths, now_ms, expected) in table {
        let case = Case::new(1).stages(0, &segments(lengths)).at(now_ms);
        assert_eq!(output(&case.ok()), expected, "{lengths:?} at {now_ms}");
    }
}

#[test]
fn what_must_go_goes_at_once() {
    let case = || Case::new(1).stages(0, &[staged("s", 0, 1, 0)]);
    assert_eq!(output(&case().ok()), " | s | ");
    assert_eq!(output(&Case { roll: Roll::Everything, ..case() }.ok()), "[s] |  | ");
    let stopped = Case { kind: BarrierKind::Stop, ..case() }.ok();
    assert_eq!((output(&stopped).as_str(), stopped.outcome), ("[s] |  | ", Outcome::Stopped));
    let mut ended = case();
    ended.of(0, 0).is_finished = true;
    let half = ended.ok();
    assert_eq!((half.outcome, half.finished.len()), (Outcome::Running, 1));
    ended.of(1, 0).is_finished = true;
    ended.kind = BarrierKind::Stop;
    let ended = ended.ok();
    assert_eq!((output(&ended).as_str(), ended.outcome), ("[s] |  | ", Outcome::Finished));
}

#[test]
fn slots_and_partitions_are_published_apart_and_numbered_by_slot() {
    let part = |key: &str, slot, partition: &str| StagedSegment {
        partition: partition.to_owned(),
        ..staged(key, slot, 100, 0)
    };
    let case = Case::new(2)
        .stages(0, &[part("a", 0, "x"), part("b", 0, "y"), part("c", 0, "x")])
        .stages(1, &[part("d", 1, "x")]);
    let manifest = case.ok();
    let sink = manifest.sink(&uid("out")).unwrap();
    let seen: Vec<_> = sink
        .publications
        .iter()
        .map(|p| format!("{} {} {}", p.id, p.partition, p.segments[0].object.key))
        .collect();
    assert_eq!(
        seen,
        ["0000000001-2-0-0 x a", "0000000001-2-0-1 x c", "0000000001-2-0-2 y b", "0000000001-2-1-0 x d"]
    );
    assert_eq!(sink.publications[0].rows(), 3);
    assert_eq!(sink.publications[0].bytes(), 100);
    assert_eq!(sink.slots, 2);
    assert_eq!(Case::after(&manifest, 1).ok().sinks[0].slots, 2, "slots only grow");
    assert_eq!(Case::after(&manifest, 3).ok().sinks[0].slots, 3);
}

#[test]
fn output_that_is_reported_again_is_published_once() {
    let s = |n: u64, length| staged(&format!("s{n}"), 0, length, 0);
    let first = Case::new(1).stages(0, &[s(1, 100), s(2, 10)]).ok();
    assert_eq!(output(&first), "[s1] | s2 | ");
    // The subtask has not heard that the first checkpoint is owned.
    let second = Case::after(&first, 1).stages(0, &[s(1, 100), s(2, 10), s(3, 90)]).ok();
    assert_eq!(output(&second), "[s2 s3] |  | s1");
    let third = Case::after(&second, 1).stages(0, &[s(1, 100), s(2, 10), s(3, 90), s(4, 1)]).ok();
    assert_eq!(output(&third), " | s4 | s1 s2 s3");
    // Now it has heard of the third.
    let fourth = Case::after(&third, 1).stages(0, &[s(5, 1)]).ok();
    assert_eq!(output(&fourth), " | s4 s5 | ");
}

#[test]
fn an_aborted_checkpoint_gives_its_output_to_the_next() {
    let s = |n: u64| staged(&format!("s{n}"), 0, 100, 0);
    let owned = Case::new(1).ok();
    let aborted = Case::after(&owned, 1).stages(0, &[s(1)]).ok();
    assert_eq!(output(&aborted), "[s1] |  | ");
    let next = Case::after(&owned, 1).stages(0, &[s(1), s(2)]).ok();
    assert_eq!(output(&next), "[s1][s2] |  | ");
}

#[test]
fn incomplete_or_foreign_reports_are_refused() {
    let mut missing = Case::new(2);
    missing.snapshots.pop();
    let mut twice = Case::new(2);
    twice.snapshots.push(snapshot(subtask(1, 1)));
    let mut unknown = Case::new(2);
    unknown.snapshots.push(snapshot(subtask(1, 2)));
    let mut no_facts = Case::new(2);
    no_facts.of(1, 1).facts.pop();
    let mut foreign_facts = Case::new(2);
    foreign_facts.of(0, 0).facts[0].operator = uid("agg");
    let foreign_state =
        Case::new(2).reports(0, &[StateSegment { operator: uid("out"), ..delta("d", range(0, 2)) }]);
    let foreign_output =
        Case::new(2).stages(0, &[StagedSegment { sink: uid("agg"), ..staged("s", 0, 1, 0) }]);
    let foreign_range = Case::new(2).reports(0, &[delta("d", range(0, 1))]);
    let mut no_enumerator = Case::new(2);
    no_enumerator.enumerator.source = uid("other");
    let mut other_groups = Case::after(&a_manifest(), 2);
    other_groups.graph.max_parallelism = 64;
    let table = [
        (missing, "subtask 1/1 reported no snapshot"),
        (twice, "subtask 1/1 is not in the graph or reported twice"),
        (unknown, "subtask 1/2 is not in the graph or reported twice"),
        (no_facts, "subtask 1/1 reported no facts of operator out"),
        (foreign_facts, "subtask 0/0 reported facts of operator agg, which is not in its chain"),
        (foreign_state, "subtask 1/0 reported state of operator out, which is not in its chain"),
        (foreign_output, "subtask 1/0 reported staged output of operator agg, which is not in its chain"),
        (foreign_range, "subtask 1/0 reported a segment of agg.main outside its key groups"),
        (no_enumerator, "there is no enumerator state of source src"),
        (other_groups, "the job has 64 key groups, its last checkpoint has 128"),
    ];
    for (case, message) in table {
        assert_eq!(case.error(), message);
        assert_eq!(case.run().unwrap_err().kind(), ErrorKind::Bug);
    }
}

#[test]
fn the_newest_output_of_a_sink_is_remembered() {
    let last = |m: &Manifest| m.sink(&uid("out")).unwrap().last_output;
    // Case::run says that checkpoint 1 is epoch 10, 2 is 20, ...
    let first = Case { roll: Roll::Everything, ..Case::new(1) }.stages(0, &[staged("a", 0, 10, 0)]).ok();
    assert_eq!((output(&first).as_str(), last(&first)), ("[a] |  | ", None));
    let second = Case::after(&first, 1).ok();
    assert_eq!(last(&second), Some(Epoch(10)), "the parent had output");
    let third = Case::after(&second, 1).ok();
    assert_eq!(last(&third), Some(Epoch(10)), "the parent had none");
    let given_up = Case { discarded: BTreeSet::from([Epoch(10)]), ..Case::after(&third, 1) };
    assert_eq!(last(&given_up.ok()), None, "no target will know of it");
    let mut redefined = Case::after(&third, 1);
    let sink = redefined.graph.chains.iter_mut().flat_map(|c| &mut c.operators).find(|o| o.uid == uid("out"));
    sink.unwrap().meaning = "another path".to_owned();
    assert_eq!(last(&redefined.ok()), None, "another target");
}
