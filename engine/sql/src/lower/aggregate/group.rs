//! Unbounded aggregates by key: a changelog, and state that grows with the keys unless it expires.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion_expr::{Expr, LogicalPlan};
use millstream_plan::{AggregateCall, GroupAggregateSpec, LocalAggregateSpec, StateTtl, partial_schema};

use super::call::{CallText, Rows};
use super::{details, name_calls, titled, unique_schema};
use crate::diagnostic::Problem;
use crate::lower::identity::{long_hash, shape_of, stateful_uid, typed_keys};
use crate::lower::node::{Changelog, Node, NodeId, NodeKind, UpdateCause};
use crate::lower::query::{Lowering, fault};
use crate::lower::stream::{Stream, StreamColumn, reference};

impl Lowering<'_> {
    pub(super) fn group_aggregate(
        &mut self,
        mut stream: Stream,
        groups: &[Expr],
        calls: &[Expr],
        input: &LogicalPlan,
        names: &[String],
        cause: UpdateCause,
    ) -> Result<Stream, Problem> {
        let mut rows = Rows::default();
        let mut keys = Vec::new();
        for group in groups {
            let expr = stream.resolve(group, input.schema()).map_err(fault)?;
            keys.push(rows.column(&expr));
        }
        let (calls, texts) =
            self.calls(&stream, calls, input, names.get(groups.len()..).unwrap_or(&[]), &mut rows)?;
        let node = self.rows_node(&mut stream, &rows)?;
        let ttl = self.state_ttl(input);
        let added = self.group_node(node, &keys, calls, &texts, (cause, ttl));
        let schema = Arc::clone(&added.schema);
        let id = self.graph.add(added);
        let columns = names
            .iter()
            .zip(schema.fields())
            .map(|(name, field)| StreamColumn {
                name: name.clone(),
                expr: reference(field.name()),
                bound: None,
            })
            .collect();
        Ok(Stream { node: id, filter: None, columns, window: None, attached: None })
    }

    fn group_node(
        &self,
        input: NodeId,
        keys: &[usize],
        calls: Vec<AggregateCall>,
        texts: &[CallText],
        (cause, ttl): (UpdateCause, Option<StateTtl>),
    ) -> Node {
        let node = self.graph.node(input);
        let rows_schema = Arc::clone(&node.schema);
        let call_texts: Vec<String> = texts.iter().map(|text| text.lineage(&node.lineage)).collect();
        let mut calls = calls;
        calls.iter_mut().zip(&call_texts).for_each(|(call, text)| call.identity.clone_from(text));
        name_calls(&mut calls, texts, &rows_schema);
        let is_retracting = node.changelog == Changelog::Retract;
        let local = self.two_phases(&calls, is_retracting).then(|| {
            let prefix: Vec<Field> = keys.iter().map(|key| rows_schema.field(*key).clone()).collect();
            LocalAggregateSpec {
                keys: keys.to_vec(),
                calls: calls.clone(),
                max_hold_ms: None,
                schema: partial_schema(&prefix, &calls),
            }
        });
        let key_columns = keys
            .iter()
            .map(|key| rows_schema.field(*key))
            .map(|field| (field.name().clone(), field.data_type().clone(), true));
        let call_columns = calls.iter().map(|call| (call.name.clone(), call.result_type.clone(), true));
        let schema = unique_schema(key_columns.chain(call_columns));
        let key_lineages: Vec<String> =
            keys.iter().map(|key| node.lineage.get(*key).cloned().unwrap_or_default()).collect();
        let uid_keys = typed_keys(&key_lineages, keys, &rows_schema);
        let uid = stateful_uid("aggregate", &uid_keys, &call_texts, &node.anchors);
        let meaning = long_hash(&format!("aggregate\n{}\n{uid}\n{is_retracting}", node.meaning));
        let lineage = key_lineages
            .iter()
            .cloned()
            .chain(call_texts.iter().map(|call| format!("{}.{call}", shape_of(&uid))))
            .collect();
        // Without calls a group's row never changes: it is the first of its kind, and stays.
        let is_append_only = calls.is_empty() && !is_retracting;
        let key_names: Vec<&str> = keys.iter().map(|key| rows_schema.field(*key).name().as_str()).collect();
        let state = match (keys.is_empty(), ttl) {
            (true, _) => "one row",
            (false, None) => "unbounded: one row for every key there ever was",
            (false, Some(_)) => "one row for every key that has not expired",
        };
        let mut lines = details(&key_names, &calls, state);
        lines.extend(ttl.map(|ttl| ("ttl", ttl.to_string())));
        Node {
            inputs: vec![input],
            schema: Arc::clone(&schema),
            changelog: if is_append_only { Changelog::AppendOnly } else { Changelog::Retract },
            unique_key: Some((0..keys.len()).collect()),
            lineage,
            update_cause: if is_append_only { node.update_cause } else { Some(cause) },
            anchors: vec![uid.clone()],
            uid,
            meaning,
            name: titled("Aggregate", &key_names),
            details: lines,
            bounded: node.bounded,
            kind: NodeKind::GroupAggregate {
                global: Box::new(GroupAggregateSpec {
                    keys: keys.to_vec(),
                    calls,
                    rows_schema,
                    is_merging: local.is_some(),
                    is_retracting,
                    emits_update_before: true,
                    ttl,
                    schema,
                }),
                local,
            },
        }
    }
}
