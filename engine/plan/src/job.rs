//! `CompiledJob`: the whole of a job, as every process of it compiles it from the same SQL.

use arrow::datatypes::SchemaRef;
use millstream_model::graph::JobGraph;

use crate::operator::{OperatorSpec, SinkSpec, SinkTarget};

/// A job that can run.
#[derive(Clone, Debug)]
pub struct CompiledJob {
    /// The skeleton.
    pub graph: JobGraph,
    /// At which parallelism it was compiled. Chains with a limit of their own have less.
    pub parallelism: u32,
    /// What each chain computes, at the same index as in `graph.chains`.
    pub chains: Vec<CompiledChain>,
    /// The SQL text after variables were filled in, for manifests.
    pub sql: String,
}

/// One chain: as many specifications as its `graph` counterpart has operators.
#[derive(Clone, Debug)]
pub struct CompiledChain {
    /// In the order in which a batch passes them.
    pub operators: Vec<OperatorSpec>,
}

impl CompiledJob {
    /// Slots that the job needs: each runs a subtask of every chain.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.graph.chains.iter().map(|chain| chain.parallelism).max().unwrap_or(1)
    }

    /// Schema of a bare SELECT's result, if the job is one.
    #[must_use]
    pub fn collected(&self) -> Option<&SchemaRef> {
        self.result().map(|result| &result.schema)
    }

    /// A bare SELECT's result, if the job is one.
    #[must_use]
    pub fn result(&self) -> Option<&SinkSpec> {
        self.chains.iter().flat_map(|c| &c.operators).find_map(|operator| match operator {
            OperatorSpec::Sink(sink) if matches!(sink.target, SinkTarget::Collect) => Some(sink),
            _ => None,
        })
    }
}

impl CompiledChain {
    /// Schema of what leaves the chain; `None` for a chain that ends in a sink.
    #[must_use]
    pub fn output_schema(&self) -> Option<SchemaRef> {
        self.operators.last().and_then(OperatorSpec::output_schema)
    }
}
