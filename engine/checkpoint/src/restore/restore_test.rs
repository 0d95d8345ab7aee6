//! Who gets what back.

use millstream_model::Watermark;

use super::*;
use crate::testing::{a_manifest, graph, subtask, uid};

fn plan(graph: &JobGraph, droppable: &[&str]) -> RestorePlan {
    plan_restore(&a_manifest(), graph, &droppable.iter().map(|d| uid(d)).collect()).unwrap()
}

fn segments(plan: &RestorePlan, index: u32) -> Vec<&str> {
    plan.subtasks[&subtask(1, index)].segments.iter().map(|s| s.object.key.as_str()).collect()
}

fn without(graph: &JobGraph, name: &str) -> JobGraph {
    let mut graph = graph.clone();
    for chain in &mut graph.chains {
        for operator in &mut chain.operators {
            if operator.uid == uid(name) {
                operator.uid = uid("renamed");
            }
        }
    }
    graph
}

#[test]
fn each_subtask_gets_the_segments_of_its_key_groups_in_order() {
    let table: [(u32, &[&[&str]]); 4] = [
        (1, &[&["b0", "d0", "b1"]]),
        (2, &[&["b0", "d0"], &["b1"]]),
        (3, &[&["b0", "d0"], &["b0", "d0", "b1"], &["b1"]]),
        (4, &[&["b0", "d0"], &["b0", "d0"], &["b1"], &["b1"]]),
    ];
    for (parallelism, expected) in table {
        let plan = plan(&graph(2, parallelism), &[]);
        for (index, keys) in expected.iter().enumerate() {
            assert_eq!(segments(&plan, index as u32), *keys, "subtask {index} of {parallelism}");
        }
        assert_eq!(plan.subtasks.len(), 2 + parallelism as usize);
    }
}

#[test]
fn watermarks_go_to_all_and_counters_to_one() {
    let plan = plan(&graph(2, 3), &[]);
    for index in 0..3 {
        let facts = &plan.subtasks[&subtask(1, index)].facts;
        assert_eq!(facts.len(), 2);
        assert_eq!(facts[0].watermark, Watermark::MAX, "subtask {index}");
        assert_eq!(facts[0].counters.rows_out, if index == 0 { 2 } else { 0 }, "subtask {index}");
    }
}

#[test]
fn the_same_graph_keeps_everything() {
    let plan = plan(&graph(2, 2), &[]);
    assert_eq!(plan.kept, [uid("src"), uid("agg"), uid("out")]);
    assert!(
        plan.changed.is_empty() && plan.new.is_empty() && plan.lost.is_empty() && plan.dropped.is_empty()
    );
    assert_eq!(plan.parent, a_manifest());
    assert_eq!(plan.sources, a_manifest().sources);
}

#[test]
fn a_changed_meaning_is_told() {
    let mut graph = graph(2, 2);
    graph.chains[1].operators[0].meaning = "agg-v2".to_owned();
    let plan = plan(&graph, &[]);
    assert_eq!(plan.changed, [uid("agg")]);
    assert_eq!(segments(&plan, 1), ["b1"]);
}

#[test]
fn what_has_no_operator_is_lost_until_it_is_named() {
    let table = [
        ("agg", LossKind::State { rows: 15 }),
        ("src", LossKind::Positions { records: 5 }),
        ("out", LossKind::StagedOutput { rows: 3 }),
    ];
    for (name, what) in table {
        let graph = without(&graph(2, 2), name);
        let loss = Loss { uid: uid(name), name: format!("Operator({name})"), what };
        let refused = plan(&graph, &[]);
        assert_eq!(refused.lost, std::slice::from_ref(&loss), "{name}");
        assert_eq!(refused.new, [uid("renamed")], "{name}");
        let allowed = plan(&graph, &[name]);
        assert_eq!((allowed.lost.as_slice(), allowed.dropped.as_slice()), (&[][..], &[loss][..]), "{name}");
        assert!(
            allowed.parent.operator(&uid(name)).is_none(),
            "{name}: the next checkpoint does not inherit it"
        );
    }
}

#[test]
fn a_role_that_cannot_take_the_state_loses_it() {
    let mut graph = graph(2, 2);
    graph.chains[1].operators[0].role = OperatorRole::Stateless;
    let plan = plan(&graph, &[]);
    assert_eq!(plan.lost.len(), 1);
    assert!(segments(&plan, 0).is_empty());
}

#[test]
fn state_can_be_given_up_while_the_operator_stays() {
    let plan = plan(&graph(2, 2), &["agg"]);
    assert_eq!(plan.dropped.len(), 1);
    assert_eq!((plan.new.as_slice(), plan.lost.len()), (&[uid("agg")][..], 0));
    assert!(segments(&plan, 0).is_empty());
}

#[test]
fn the_number_of_key_groups_is_fixed_once_there_is_state() {
    let mut graph = graph(2, 2);
    graph.max_parallelism = 256;
    let error = plan_restore(&a_manifest(), &graph, &BTreeSet::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the job's state is divided into 128 key groups, and maxParallelism is now 256; it is fixed for the life of a job"
    );
    let plan = plan(&graph, &["agg"]);
    assert_eq!(plan.parent.max_parallelism, 256);
}
