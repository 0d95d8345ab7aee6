//! What a coordinator needs of a job's connectors: its sources, to find what there is to read, and its staged sinks, to
//! publish.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_connectors::sink::Sink;
use millstream_connectors::source::Source;
use millstream_connectors::{ConnectorError, ConnectorRegistry, TableConfig};
use millstream_model::{ErrorKind, JobError, OperatorUid};
use millstream_plan::{CompiledJob, OperatorSpec, SinkTarget};

pub(crate) type Endpoints = (BTreeMap<OperatorUid, Arc<dyn Source>>, BTreeMap<OperatorUid, Arc<dyn Sink>>);

/// Every source, and every staged sink, of the job.
///
/// # Errors
/// When a table's connector refuses its options.
pub(crate) fn endpoints(job: &CompiledJob, connectors: &ConnectorRegistry) -> Result<Endpoints, JobError> {
    let (mut sources, mut sinks) = Endpoints::default();
    for (chain, compiled) in job.graph.chains.iter().zip(&job.chains) {
        for (node, spec) in chain.operators.iter().zip(&compiled.operators) {
            match spec {
                OperatorSpec::Source(source) => {
                    let made =
                        connector(connectors, &source.table)?.source(&source.table).map_err(refused)?;
                    sources
                        .insert(node.uid.clone(), made.ok_or_else(|| one_way(&source.table, "read from"))?);
                }
                OperatorSpec::Sink(sink) => {
                    let SinkTarget::Table(table) = &sink.target else { continue };
                    let made = connector(connectors, table)?.sink(table).map_err(refused)?;
                    let made = made.ok_or_else(|| one_way(table, "written to"))?;
                    if made.is_staged() {
                        sinks.insert(node.uid.clone(), made);
                    }
                }
                _ => {}
            }
        }
    }
    Ok((sources, sinks))
}

fn connector<'a>(
    connectors: &'a ConnectorRegistry,
    table: &TableConfig,
) -> Result<&'a Arc<dyn millstream_connectors::Connector>, JobError> {
    connectors.get(&table.connector).ok_or_else(|| {
        JobError::new(
            ErrorKind::User,
            format!("table `{}`: there is no connector `{}`", table.name, table.connector),
        )
    })
}

fn refused(error: ConnectorError) -> JobError {
    JobError::new(error.kind(), error.to_string())
}

fn one_way(table: &TableConfig, what: &str) -> JobError {
    let message = format!("table `{}`: connector `{}` cannot be {what}", table.name, table.connector);
    JobError::new(ErrorKind::User, message)
}
