//! The ends of a job: tables that are written, or the caller of a bare SELECT.

use std::sync::Arc;

use millstream_connectors::sink::Sink;
use millstream_model::graph::RollPolicy;
use millstream_plan::{SinkSpec, SinkTarget};

use super::compile::internal;
use super::identity::long_hash;
use super::node::{Changelog, Node, NodeId, NodeKind, SinkNode};
use super::query::Lowering;
use super::stream::Stream;
use super::{Output, PlannedOutput};
use crate::catalog::{StreamTable, connector_problem};
use crate::diagnostic::Problem;
use crate::dialect::statement::Name;
use crate::dialect::tokens::is_word;

impl Lowering<'_> {
    /// Ends a stream in its destination.
    ///
    /// # Errors
    /// Tables that cannot be written, and updates into a sink that takes inserts only: the message names the clause.
    pub(crate) fn sink(&mut self, stream: Stream, output: &PlannedOutput) -> Result<(), Problem> {
        let stream = self.materialize(stream)?;
        let stream = self.flush_without(stream, |_| false)?;
        let node = match &output.output {
            Output::Collect => self.collect(&stream),
            Output::Table { table, name } => self.table_sink(&stream, table, name, output)?,
        };
        self.graph.add(node);
        Ok(())
    }

    fn collect(&self, stream: &Stream) -> Node {
        let input = self.graph.node(stream.node);
        let spec = SinkSpec {
            target: SinkTarget::Collect,
            schema: Arc::clone(&input.schema),
            not_null: Vec::new(),
            order: self.order(stream.node),
        };
        self.sink_node(stream, spec, "collect", "Collect", false, RollPolicy { bytes: 0, age_ms: 0 }, Some(1))
    }

    /// How a complete result is shown. Groups have no order of their own, and in what order they come depends on threads:
    /// they are sorted by their key, as far as the result has it, else by everything. Rows that were only read stay as they
    /// come.
    fn order(&self, id: NodeId) -> Vec<usize> {
        let node = self.graph.node(id);
        match &node.unique_key {
            Some(key) => {
                let mut key = key.clone();
                key.sort_unstable();
                key
            }
            None if self.is_grouped(id) => (0..node.schema.fields().len()).collect(),
            None => Vec::new(),
        }
    }

    fn is_grouped(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        matches!(
            node.kind,
            NodeKind::GroupAggregate { .. }
                | NodeKind::WindowAggregate { .. }
                | NodeKind::ProcessingWindowAggregate { .. }
        ) || node.inputs.iter().any(|input| self.is_grouped(*input))
    }

    fn table_sink(
        &self,
        stream: &Stream,
        table: &StreamTable,
        name: &Name,
        output: &PlannedOutput,
    ) -> Result<Node, Problem> {
        let connector = self
            .environment
            .connectors
            .get(&table.config.connector)
            .ok_or_else(|| internal("no connector"))?;
        let sink: Arc<dyn Sink> = connector
            .sink(&table.config)
            .map_err(|error| connector_problem(&error, name.span, &table.option_spans))?
            .ok_or_else(|| {
                Problem::new(name.span, format!("table `{}` cannot be written", name.value))
                    .label(format!("the connector '{}' only reads", table.config.connector))
            })?;
        let input = self.graph.node(stream.node);
        if input.changelog != Changelog::AppendOnly && !sink.accepts_updates() {
            return Err(self.refuse_updates(input, table, name, output));
        }
        let not_null = table
            .physical()
            .enumerate()
            .filter(|(index, column)| column.not_null && input.schema.field(*index).is_nullable())
            .map(|(index, _)| index)
            .collect();
        let spec = SinkSpec {
            target: SinkTarget::Table(table.config.clone()),
            schema: Arc::clone(&input.schema),
            not_null,
            order: Vec::new(),
        };
        let label = format!("Sink({})", table.config.name);
        Ok(self.sink_node(
            stream,
            spec,
            &table.config.name,
            &label,
            sink.is_staged(),
            sink.roll_policy(),
            sink.max_parallelism(),
        ))
    }

    fn refuse_updates(
        &self,
        input: &Node,
        table: &StreamTable,
        name: &Name,
        output: &PlannedOutput,
    ) -> Problem {
        let cause = input.update_cause.map_or("the query", |cause| cause.name());
        let place = input.update_cause.and_then(|cause| {
            let token = output.tokens.iter().find(|token| is_word(token, cause.keyword()));
            token.map(|token| token.span)
        });
        Problem::new(
            place.unwrap_or(name.span),
            format!("table `{}` takes inserts only, but {cause} updates earlier results", table.config.name),
        )
        .label("gives updates")
        .help(format!(
            "aggregate by windows (TUMBLE, HOP, CUMULATE, SESSION), or write to a connector that takes updates; '{}' does not",
            table.config.connector
        ))
    }

    #[expect(clippy::too_many_arguments, reason = "what a connector says about its sink")]
    fn sink_node(
        &self,
        stream: &Stream,
        spec: SinkSpec,
        uid: &str,
        name: &str,
        staged: bool,
        roll: RollPolicy,
        limit: Option<u32>,
    ) -> Node {
        let input = self.graph.node(stream.node);
        let delivery = if staged {
            "exactly once: published with checkpoints"
        } else {
            "at least once: written at once"
        };
        let details = match spec.target {
            SinkTarget::Collect => Vec::new(),
            SinkTarget::Table(_) => vec![("delivery", delivery.to_owned())],
        };
        Node {
            inputs: vec![stream.node],
            schema: Arc::clone(&spec.schema),
            changelog: input.changelog,
            unique_key: input.unique_key.clone(),
            lineage: input.lineage.clone(),
            update_cause: input.update_cause,
            uid: uid.to_owned(),
            meaning: long_hash(&format!("sink\n{uid}\n{}", input.meaning)),
            anchors: input.anchors.clone(),
            name: name.to_owned(),
            details,
            bounded: input.bounded,
            kind: NodeKind::Sink(Box::new(SinkNode { spec, staged, roll, limit })),
        }
    }
}
