//! Builds a subtask from the compiled job and its restore.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use millstream_connectors::sink::{Sink, WriterContext};
use millstream_connectors::{ConnectorError, ConnectorRegistry};
use millstream_model::control::FromWorker;
use millstream_model::error::with_causes;
use millstream_model::graph::{Chain as GraphChain, OperatorNode};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, StateSegment, SubtaskRestore};
use millstream_model::{Attempt, ErrorKind, Generation, KeyGroupRange, OperatorUid, SubtaskId, Watermark};
use millstream_operators::{BuildContext, Clock, OperatorSpill};
use millstream_plan::{CompiledJob, OperatorSpec, SinkSpec, SinkTarget, SourceSpec};
use millstream_state::{BasePolicy, RestoredTable};
use tokio::sync::mpsc;

use super::chain::{Chain, Stage, Tail};
use super::fetch::Fetcher;
use super::run::{Control, Core, SharedProgress};
use super::sink::SinkStage;
use super::snapshot::Snapshots;
use super::source::SourceHead;
use super::{pipeline, source};
use crate::clock::{now, wall_clock_ms};
use crate::error::TaskError;
use crate::memory::SlotMemory;
use crate::operator_factory::OperatorFactory;
use crate::sabotage::Sabotage;
use crate::spill::SpillSettings;
use crate::store::{ObjectScope, SnapshotStore};
use millstream_exchange::Gate;
use millstream_exchange::Inbox;
use millstream_exchange::Outbox;

/// Segments of a restore that are fetched while one is taken over.
const FETCHED_SEGMENTS: usize = 3;

/// What every subtask of a worker is built from.
#[derive(Clone)]
pub(crate) struct Blueprint {
    pub(crate) job: Arc<CompiledJob>,
    pub(crate) connectors: ConnectorRegistry,
    /// Takes the rows of a bare SELECT.
    pub(crate) collect: Option<Arc<dyn Sink>>,
    pub(crate) store: Arc<dyn SnapshotStore>,
    pub(crate) batch_rows: usize,
    pub(crate) sabotage: Sabotage,
    pub(crate) operators: OperatorFactory,
    /// Where state goes beyond a budget; `None` keeps all of it in memory.
    pub(crate) spill: Option<SpillSettings>,
    /// The account of each slot.
    pub(crate) slots: Vec<SlotMemory>,
}

/// One subtask to build and run.
pub(crate) struct Deployment {
    pub(crate) attempt: Attempt,
    pub(crate) generation: Generation,
    pub(crate) subtask: SubtaskId,
    /// Which of the worker's slots it runs in.
    pub(crate) slot: usize,
    pub(crate) restore: SubtaskRestore,
    pub(crate) inbox: Inbox,
    pub(crate) outboxes: Vec<Outbox>,
    pub(crate) control: mpsc::Receiver<Control>,
    pub(crate) reports: mpsc::Sender<FromWorker>,
    pub(crate) progress: SharedProgress,
}

impl Blueprint {
    /// Builds the subtask, reports that it runs, and runs it until shutdown or failure.
    pub(crate) async fn run(&self, deployment: Deployment) -> Result<(), TaskError> {
        let Deployment {
            attempt,
            generation,
            subtask,
            slot,
            restore,
            inbox,
            outboxes,
            control,
            reports,
            progress,
        } = deployment;
        let (graph_chain, specs) = self.chain(subtask)?;
        let key_groups =
            KeyGroupRange::of_subtask(subtask.index, graph_chain.parallelism, self.job.graph.max_parallelism);
        // A slot runs a subtask of every chain.
        let keyed =
            self.job.chains.iter().flat_map(|c| &c.operators).filter(|spec| has_keyed_state(spec)).count();
        let facts: BTreeMap<OperatorUid, OperatorFacts> =
            restore.facts.iter().map(|f| (f.operator.clone(), f.clone())).collect();
        let max_parallelism = self.job.graph.max_parallelism;
        let context = BuildContext { key_groups, max_parallelism, clock: Clock::new(wall_clock_ms) };

        let mut head = None;
        let mut stages = Vec::new();
        let mut tail = Tail::Exchange(outboxes);
        for (node, spec) in graph_chain.operators.iter().zip(specs) {
            let stored = facts.get(&node.uid);
            match spec {
                OperatorSpec::Source(spec) => head = Some(self.source(node, spec, stored)?),
                OperatorSpec::Sink(spec) => {
                    tail = Tail::Sink(Box::new(self.sink(
                        node,
                        spec,
                        stored,
                        subtask,
                        graph_chain.parallelism,
                    )?));
                }
                other => {
                    let mut stage = self.stage(node, other, context)?;
                    if let Some(spill) = self.spill.as_ref().filter(|_| has_keyed_state(other)) {
                        let name = format!(
                            "{generation}.{attempt}.{}-{}.{}",
                            subtask.chain.0,
                            subtask.index,
                            stages.len()
                        );
                        spill_state(&mut stage, spill, &name, keyed)?;
                    }
                    self.restore_stage(&mut stage, &restore, key_groups, stored).await?;
                    stages.push(stage);
                }
            }
        }
        let scope = ObjectScope { generation, attempt, subtask };
        let slot = self.slots.get(slot).cloned().unwrap_or_else(|| SlotMemory::new(None, false));
        let memory = Rc::new(slot.task());
        let snapshots =
            Snapshots::new(scope, key_groups, self.store.clone(), memory.clone(), reports.clone());
        // The first stage's input watermark is the gate's.
        let gate_watermark = match (stages.first(), &tail) {
            (Some(first), _) => first.watermark,
            (None, Tail::Sink(sink)) => sink.watermark,
            (None, Tail::Exchange(_)) => Watermark::MIN,
        };
        let policy = if self.spill.is_some() { BasePolicy::of_spilled() } else { BasePolicy::default() };
        let policies = vec![policy; stages.len()];
        let core = Core {
            memory,
            inbox: inbox.clone(),
            attempt,
            subtask,
            chain: Chain::new(stages, tail),
            snapshots,
            reports,
            progress,
            policies,
            is_finished: false,
            started: now(),
            spilled: Cell::new((now(), 0)),
            idle: Duration::ZERO,
            aborted: None,
            sabotage: self.sabotage,
        };
        core.report(FromWorker::SubtaskRunning { attempt, subtask }).await;
        match head {
            Some(head) => source::run(core, head, control).await,
            None => {
                let gate = Gate::new(inbox, attempt, gate_watermark)
                    .dropping_buffered(self.sabotage.drop_buffered_rows);
                pipeline::run(core, gate, control).await
            }
        }
    }

    fn chain(&self, subtask: SubtaskId) -> Result<(&GraphChain, &[OperatorSpec]), TaskError> {
        let index = subtask.chain.0 as usize;
        match (self.job.graph.chains.get(index), self.job.chains.get(index)) {
            (Some(chain), Some(compiled)) if chain.operators.len() == compiled.operators.len() => {
                Ok((chain, &compiled.operators))
            }
            _ => Err(TaskError::Bug {
                action: format!("deploy subtask {subtask}"),
                cause: "the compiled job has no such chain".into(),
            }),
        }
    }

    /// The rows of a segment that are of these key groups.
    async fn fetch_segment(
        &self,
        segment: &StateSegment,
        key_groups: KeyGroupRange,
    ) -> Result<RestoredTable, TaskError> {
        let bytes = self.store.fetch(&segment.object).await.map_err(|e| TaskError::State {
            action: format!("restore operator {}", segment.operator),
            kind: e.kind,
            cause: e.message,
        })?;
        let mut table = RestoredTable::new(segment.table.clone());
        table.push_segment(&bytes, key_groups).map_err(|e| TaskError::State {
            action: format!("read state segment {}", segment.object.key),
            cause: with_causes(&e),
            kind: ErrorKind::State,
        })?;
        Ok(table)
    }

    /// Restores an operator one segment at a time, so that no more than a few of them are in memory beside its tables.
    async fn restore_stage(
        &self,
        stage: &mut Stage,
        restore: &SubtaskRestore,
        key_groups: KeyGroupRange,
        stored: Option<&OperatorFacts>,
    ) -> Result<(), TaskError> {
        stage.watermark = stored.map_or(Watermark::MIN, |f| f.watermark);
        let uid = stage.uid.clone();
        let segments = restore.segments.iter().filter(|s| s.operator == uid);
        let fetched = segments.map(|segment| self.fetch_segment(segment, key_groups));
        let mut tables = pin!(stream::iter(fetched).buffered(FETCHED_SEGMENTS));
        while let Some(table) = tables.try_next().await? {
            restore_tables(stage, vec![table])?;
        }
        if let Some(stored) = stored {
            // What has a watermark and no rows is restored, too.
            restore_tables(stage, Vec::new())?;
            stage.operator.restore_counters(stored.counters);
        }
        let ended = stage.operator.end_restore();
        ended.map_err(|e| TaskError::from_operator(&stage.name, &e))
    }

    fn source(
        &self,
        node: &OperatorNode,
        spec: &SourceSpec,
        stored: Option<&OperatorFacts>,
    ) -> Result<SourceHead, TaskError> {
        let connector =
            self.connectors.get(&spec.table.connector).ok_or_else(|| unknown_connector(&spec.table.name))?;
        let reader = connector.source(&spec.table)?.ok_or_else(|| ConnectorError::Options {
            table: spec.table.name.clone(),
            message: format!("connector `{}` cannot be read from", spec.table.connector),
        })?;
        let idle_timeout = spec.watermark.as_ref().and_then(|w| w.idle_timeout_ms).map(Duration::from_millis);
        let fetcher =
            Fetcher::start(&spec.table.name, reader, spec.decode.clone(), self.batch_rows, idle_timeout)
                .map_err(|e| TaskError::bug("start a reading thread", &e))?;
        let counters = stored.map_or_else(OperatorCounters::default, |f| f.counters);
        let watermark = stored.map_or(Watermark::MIN, |f| f.watermark);
        Ok(SourceHead::new(node.uid.clone(), node.name.clone(), spec.clone(), fetcher, counters, watermark))
    }

    fn sink(
        &self,
        node: &OperatorNode,
        spec: &SinkSpec,
        stored: Option<&OperatorFacts>,
        subtask: SubtaskId,
        parallelism: u32,
    ) -> Result<SinkStage, TaskError> {
        let sink = match &spec.target {
            SinkTarget::Collect => self.collect.clone().ok_or_else(|| TaskError::Bug {
                action: "collect the result of a SELECT".into(),
                cause: "nobody takes it".into(),
            })?,
            SinkTarget::Table(table) => {
                let connector =
                    self.connectors.get(&table.connector).ok_or_else(|| unknown_connector(&table.name))?;
                connector.sink(table)?.ok_or_else(|| ConnectorError::Options {
                    table: table.name.clone(),
                    message: format!("connector `{}` cannot be written to", table.connector),
                })?
            }
        };
        let writer = sink.writer(WriterContext { index: subtask.index, parallelism })?;
        let not_null = spec.not_null.iter().map(|c| (*c, spec.schema.field(*c).name().clone())).collect();
        let mut stage = SinkStage::new(node.uid.clone(), node.name.clone(), writer, not_null);
        if let Some(stored) = stored {
            stage.watermark = stored.watermark;
            stage.counters = stored.counters;
        }
        Ok(stage)
    }

    fn stage(
        &self,
        node: &OperatorNode,
        spec: &OperatorSpec,
        context: BuildContext,
    ) -> Result<Stage, TaskError> {
        let operator = self.operators.build(spec, context);
        let operator = operator.map_err(|e| TaskError::from_operator(&node.name, &e))?;
        Ok(Stage::new(node.uid.clone(), node.name.clone(), operator, Watermark::MIN))
    }
}

fn restore_tables(stage: &mut Stage, tables: Vec<RestoredTable>) -> Result<(), TaskError> {
    let restored = stage.operator.restore(tables, stage.watermark);
    restored.map_err(|e| TaskError::from_operator(&stage.name, &e))
}

/// Gives an operator its own store, and its share of the subtask's memory.
fn spill_state(
    stage: &mut Stage,
    spill: &SpillSettings,
    name: &str,
    operators: usize,
) -> Result<(), TaskError> {
    let store = spill.stores.open(name).map_err(|e| TaskError::State {
        action: format!("open a store for the state of {}", stage.name),
        cause: with_causes(&e),
        kind: ErrorKind::Transient,
    })?;
    stage.store = Some(store.clone());
    let budget = spill.table_bytes / operators.max(1);
    let spilling = stage.operator.spill_to(&OperatorSpill { store, budget });
    spilling.map_err(|e| TaskError::from_operator(&stage.name, &e))
}

const fn has_keyed_state(spec: &OperatorSpec) -> bool {
    matches!(
        spec,
        OperatorSpec::WindowAggregate(_)
            | OperatorSpec::ProcessingWindowAggregate(_)
            | OperatorSpec::GroupAggregate(_)
    )
}

fn unknown_connector(table: &str) -> ConnectorError {
    ConnectorError::Options {
        table: table.into(),
        message: "its connector is not known to this worker".into(),
    }
}
