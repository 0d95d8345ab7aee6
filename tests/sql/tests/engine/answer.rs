//! Where the rows of a job go: a direct sink for plain runs, a staged and published one for runs with crashes.
//!
//! Owns what is visible. The staged sink's segments are lines, `+U<TAB>a<TAB>1`; publishing epoch 7 appends its lines and moves
//! the progress record to 7 in one step, so that a second publisher of epoch 7 does nothing.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use millstream_batch::{RowOp, StreamBatch};
use millstream_connectors::options::OptionSpec;
use millstream_connectors::sink::{
    ClosedSegment, Publisher, Sink, SinkWriter, StagedOutput, StagedReader, WriterContext,
};
use millstream_connectors::source::Source;
use millstream_connectors::{Connector, ConnectorError, TableConfig};
use millstream_model::Epoch;
use millstream_model::graph::{OperatorRole, RollPolicy};
use millstream_plan::{CompiledJob, OperatorSpec, SinkTarget};
use millstream_test_sql::{ChangeKind, Expected, Row, cells, parse_row, write_row};

/// The name of the staged connector.
const CONNECTOR: &str = "collected";

/// A changelog under way. Clones share it.
#[derive(Clone)]
pub(crate) struct Answer {
    columns: Arc<Expected>,
    visible: Arc<Mutex<Visible>>,
}

#[derive(Default)]
struct Visible {
    changes: Vec<(ChangeKind, Row)>,
    progress: Option<Epoch>,
}

impl Answer {
    pub(crate) fn new(columns: Arc<Expected>) -> Self {
        Self { columns, visible: Arc::default() }
    }

    /// What is visible now, in no promised order.
    pub(crate) fn changes(&self) -> Vec<(ChangeKind, Row)> {
        self.lock().changes.clone()
    }

    /// Whether the result has the recorded columns.
    pub(crate) fn check_schema(&self, schema: &SchemaRef) -> Result<(), String> {
        self.columns.compare_schema(schema).map_err(|e| e.to_string())
    }

    /// Shows rows at once.
    pub(crate) fn direct_sink(&self) -> Arc<dyn Sink> {
        Arc::new(AnswerSink { answer: self.clone(), is_staged: false })
    }

    /// Shows rows when their epoch is owned.
    pub(crate) fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(AnswerConnector { answer: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Visible> {
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self, batch: &StreamBatch) -> Result<Vec<(ChangeKind, Row)>, ConnectorError> {
        let rows = cells(batch.columns(), &self.columns).map_err(|e| failed(&e.to_string()))?;
        Ok(rows.into_iter().enumerate().map(|(index, row)| (kind(batch.op(index)), row)).collect())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

fn kind(op: RowOp) -> ChangeKind {
    match op {
        RowOp::Insert => ChangeKind::Insert,
        RowOp::UpdateBefore => ChangeKind::UpdateBefore,
        RowOp::UpdateAfter => ChangeKind::UpdateAfter,
        RowOp::Delete => ChangeKind::Delete,
    }
}

fn failed(message: &str) -> ConnectorError {
    ConnectorError::Encode { table: "result".into(), message: message.into() }
}

/// Sends the result of a bare SELECT to the staged connector instead of to the collecting sink.
pub(crate) fn stage_result(job: &mut CompiledJob) {
    for (chain, compiled) in job.graph.chains.iter_mut().zip(&mut job.chains) {
        for (node, spec) in chain.operators.iter_mut().zip(&mut compiled.operators) {
            let OperatorSpec::Sink(sink) = spec else { continue };
            if !matches!(sink.target, SinkTarget::Collect) {
                continue;
            }
            sink.target = SinkTarget::Table(TableConfig {
                name: "result".into(),
                connector: CONNECTOR.into(),
                options: Default::default(),
                schema: sink.schema.clone(),
                partition_keys: Vec::new(),
                primary_key: Vec::new(),
                parallelism: 1,
                base_dir: ".".into(),
            });
            node.role = OperatorRole::Sink { staged: true, roll: RollPolicy { bytes: 0, age_ms: 0 } };
        }
    }
}

struct AnswerConnector {
    answer: Answer,
}

impl Connector for AnswerConnector {
    fn name(&self) -> &'static str {
        CONNECTOR
    }

    fn options(&self, _: &TableConfig) -> Vec<OptionSpec> {
        Vec::new()
    }

    fn source(&self, _: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, _: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        Ok(Some(Arc::new(AnswerSink { answer: self.answer.clone(), is_staged: true })))
    }
}

struct AnswerSink {
    answer: Answer,
    is_staged: bool,
}

impl Sink for AnswerSink {
    fn accepts_updates(&self) -> bool {
        true
    }

    fn is_staged(&self) -> bool {
        self.is_staged
    }

    fn writer(&self, _: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let answer = self.answer.clone();
        Ok(if self.is_staged {
            Box::new(StagedWriter { answer, lines: String::new(), rows: 0 })
        } else {
            Box::new(DirectWriter { answer })
        })
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        Ok(self
            .is_staged
            .then(|| Box::new(AnswerPublisher { answer: self.answer.clone() }) as Box<dyn Publisher>))
    }
}

struct DirectWriter {
    answer: Answer,
}

impl SinkWriter for DirectWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        let rows = self.answer.rows(batch)?;
        self.answer.lock().changes.extend(rows);
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

struct StagedWriter {
    answer: Answer,
    lines: String,
    rows: u64,
}

impl SinkWriter for StagedWriter {
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
        for (index, (_, row)) in self.answer.rows(batch)?.into_iter().enumerate() {
            self.lines.push_str(&format!("{}\t{}\n", batch.op(index), write_row(&row)));
            self.rows += 1;
        }
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.lines.len()
    }

    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
        if self.rows == 0 {
            return Ok(Vec::new());
        }
        let bytes = Bytes::from(std::mem::take(&mut self.lines));
        let rows = std::mem::take(&mut self.rows);
        Ok(vec![ClosedSegment { partition: String::new(), bytes, rows }])
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

#[derive(Debug)]
struct AnswerPublisher {
    answer: Answer,
}

#[async_trait]
impl Publisher for AnswerPublisher {
    async fn progress(&mut self) -> Result<Option<Epoch>, ConnectorError> {
        Ok(self.answer.lock().progress)
    }

    async fn publish(
        &mut self,
        epoch: Epoch,
        outputs: &[StagedOutput],
        staged: &dyn StagedReader,
    ) -> Result<(), ConnectorError> {
        let mut changes = Vec::new();
        for segment in outputs.iter().flat_map(|o| &o.segments) {
            let bytes = staged.read(&segment.object).await.map_err(|e| failed(&e))?;
            let text = std::str::from_utf8(&bytes).map_err(|e| failed(&e.to_string()))?;
            for line in text.lines() {
                let (kind, row) = line.split_once('\t').ok_or_else(|| failed(line))?;
                changes
                    .push((kind.parse::<ChangeKind>().map_err(|e| failed(&e.to_string()))?, parse_row(row)));
            }
        }
        let mut visible = self.answer.lock();
        if visible.progress.is_none_or(|p| p < epoch) {
            visible.changes.extend(changes);
            visible.progress = Some(epoch);
        }
        Ok(())
    }
}
