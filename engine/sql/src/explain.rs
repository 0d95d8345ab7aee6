//! The plan of a job for people and for programs.
//!
//! A tree from the sinks down to the sources, one operator a line, with what matters when it runs: the changes it emits,
//! its keys, its state, its watermark, its parallelism and its uid. An operator that is read twice is shown once and
//! referred to afterwards.

use std::fmt::Write as _;

use millstream_plan::TtlTime;
use serde_json::{Value, json};

use crate::lower::chain::{Chained, output_parallelism};
use crate::lower::node::{Changelog, Graph, NodeId, NodeKind};

/// A plan that can be printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    roots: Vec<PlanNode>,
    /// What to know before running it: state without bounds, input without end.
    pub warnings: Vec<String>,
}

/// One operator of an explained plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanNode {
    /// Its name: `Aggregate(origin)`.
    pub name: String,
    /// Its stable identity.
    pub uid: String,
    /// The changes it emits: `append-only` or `retract`, with the key that identifies a row if there is one.
    pub changelog: String,
    /// Number of parallel subtasks.
    pub parallelism: u32,
    /// More about it, in a fixed order: columns, keys, calls, window, state, watermark.
    pub details: Vec<(String, String)>,
    /// What it reads.
    pub inputs: Vec<PlanNode>,
    /// Whether it was shown before, under another reader.
    pub is_repeated: bool,
}

impl Explanation {
    pub(crate) fn new(graph: &Graph, chained: &Chained) -> Self {
        let mut shown = Vec::new();
        let sinks = graph.nodes.iter().enumerate().filter(|(_, node)| matches!(node.kind, NodeKind::Sink(_)));
        let roots = sinks.map(|(index, _)| plan_node(graph, chained, NodeId(index), &mut shown)).collect();
        Self { roots, warnings: warnings(graph) }
    }

    /// The plan's sinks, each with what it reads.
    #[must_use]
    pub fn roots(&self) -> &[PlanNode] {
        &self.roots
    }

    /// The tree as text, ending in a newline, the warnings below it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for root in &self.roots {
            write_node(&mut text, root, "", "", "");
        }
        for warning in &self.warnings {
            // Writing to a string never fails.
            let _ = writeln!(text, "warning: {warning}");
        }
        text
    }

    /// The tree as JSON: `{"plan": [...], "warnings": [...]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "plan": self.roots.iter().map(node_json).collect::<Vec<_>>(), "warnings": self.warnings })
    }
}

fn plan_node(graph: &Graph, chained: &Chained, id: NodeId, shown: &mut Vec<NodeId>) -> PlanNode {
    let node = graph.node(id);
    let is_repeated = shown.contains(&id);
    shown.push(id);
    let columns = |key: &[usize]| {
        let names: Vec<&str> = key.iter().map(|index| node.schema.field(*index).name().as_str()).collect();
        names.join(", ")
    };
    let changelog = match (node.changelog, node.unique_key.as_deref()) {
        (Changelog::AppendOnly, _) => "append-only".to_owned(),
        (Changelog::Retract, Some(key)) if !key.is_empty() => format!("retract by ({})", columns(key)),
        (Changelog::Retract, _) => "retract".to_owned(),
    };
    let inputs = if is_repeated {
        Vec::new()
    } else {
        node.inputs.iter().map(|input| plan_node(graph, chained, *input, shown)).collect()
    };
    PlanNode {
        name: node.name.clone(),
        uid: chained.uids.get(id.0).cloned().unwrap_or_default(),
        changelog,
        parallelism: output_parallelism(graph, chained, id),
        details: node.details.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        inputs,
        is_repeated,
    }
}

fn warnings(graph: &Graph) -> Vec<String> {
    let mut warnings = Vec::new();
    for node in &graph.nodes {
        if let NodeKind::GroupAggregate { global, .. } = &node.kind
            && !global.keys.is_empty()
            && global.ttl.is_none()
            && !node.bounded
        {
            warnings.push(format!(
                "the state of {} grows with every new key and is never dropped: its input has no end; aggregate by windows or set 'table.exec.state.ttl' to bound it",
                node.name
            ));
        }
        if node.ttl().is_some_and(|ttl| ttl.time == TtlTime::Event) && !has_watermark(graph, &node.inputs) {
            warnings.push(format!(
                "the state of {} never expires: it does so in event time, and no watermark reaches it",
                node.name
            ));
        }
        if matches!(node.kind, NodeKind::WindowAggregate { .. })
            && !has_watermark(graph, node.inputs.as_slice())
        {
            warnings
                .push(format!("{} never fires before the end of input: no watermark reaches it", node.name));
        }
    }
    warnings
}

fn has_watermark(graph: &Graph, inputs: &[NodeId]) -> bool {
    inputs.iter().all(|input| match &graph.node(*input).kind {
        NodeKind::Source { spec, .. } => spec.watermark.is_some(),
        _ => has_watermark(graph, &graph.node(*input).inputs),
    })
}

fn write_node(text: &mut String, node: &PlanNode, lead: &str, branch: &str, below: &str) {
    let again = if node.is_repeated { " (see above)" } else { "" };
    // Writing to a string never fails.
    let _ = writeln!(
        text,
        "{lead}{branch}{}{again}  [{}, parallelism {}]",
        node.name, node.changelog, node.parallelism
    );
    let bar = if node.inputs.is_empty() || node.is_repeated { "  " } else { "│ " };
    if !node.is_repeated {
        for (key, value) in &node.details {
            let _ = writeln!(text, "{lead}{below}{bar}  {key}: {value}");
        }
        let _ = writeln!(text, "{lead}{below}{bar}  uid: {}", node.uid);
    }
    let lead = format!("{lead}{below}");
    let last = node.inputs.len().saturating_sub(1);
    for (index, input) in node.inputs.iter().enumerate() {
        let (branch, below) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        write_node(text, input, &lead, branch, below);
    }
}

fn node_json(node: &PlanNode) -> Value {
    let mut object = json!({
        "name": node.name,
        "uid": node.uid,
        "changelog": node.changelog,
        "parallelism": node.parallelism,
        "inputs": node.inputs.iter().map(node_json).collect::<Vec<_>>(),
    });
    if let Some(map) = object.as_object_mut() {
        for (key, value) in &node.details {
            map.insert(key.clone(), Value::String(value.clone()));
        }
        if node.is_repeated {
            map.insert("repeated".to_owned(), Value::Bool(true));
        }
    }
    object
}
