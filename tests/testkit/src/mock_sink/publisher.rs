//! Publishes to the mock target: one transaction a slot, then one for the marker.

use std::collections::BTreeMap;

use async_trait::async_trait;
use millstream_connectors::ConnectorError;
use millstream_connectors::sink::{Publisher, StagedOutput, StagedReader};
use millstream_model::Epoch;

use crate::mock_sink::target::{Producer, Session, TargetError};

/// See the module. After any failure it forgets its producers and asks for new ones, since only a new producer knows what
/// became of a transaction without an answer.
#[derive(Debug)]
pub struct MockPublisher {
    table: String,
    session: Session,
    producers: BTreeMap<String, Producer>,
}

impl MockPublisher {
    /// A publisher of the sink `table` over a connection.
    #[must_use]
    pub fn new(table: &str, session: Session) -> Self {
        Self { table: table.to_owned(), session, producers: BTreeMap::new() }
    }

    fn marker(&self) -> String {
        format!("{}/marker", self.table)
    }

    async fn producer(&mut self, id: &str) -> Result<Producer, TargetError> {
        if let Some(producer) = self.producers.get(id) {
            return Ok(producer.clone());
        }
        let producer = self.session.init(id).await?;
        self.producers.insert(id.to_owned(), producer.clone());
        Ok(producer)
    }

    /// The progress of an id, with a producer that is newer than every transaction that could still change it.
    async fn progress_of(&mut self, id: &str) -> Result<Option<u64>, TargetError> {
        let producer = self.producer(id).await?;
        self.session.read_progress(&producer).await
    }

    /// Rows and progress in one transaction.
    async fn transact(&mut self, id: &str, epoch: Epoch, batches: &[Vec<String>]) -> Result<(), TargetError> {
        let producer = self.producer(id).await?;
        self.session.begin(&producer).await?;
        for rows in batches {
            self.session.append(&producer, rows).await?;
        }
        self.session.write_progress(&producer, epoch.0).await?;
        self.session.commit(&producer).await
    }

    async fn publish_rows(
        &mut self,
        epoch: Epoch,
        by_slot: &BTreeMap<u32, Vec<Vec<String>>>,
    ) -> Result<(), TargetError> {
        let marker = self.marker();
        let is_done = |progress: Option<u64>| progress.is_some_and(|p| p >= epoch.0);
        if is_done(self.progress_of(&marker).await?) {
            return Ok(());
        }
        for (slot, batches) in by_slot {
            let id = format!("{}/{slot}", self.table);
            if !is_done(self.progress_of(&id).await?) {
                self.transact(&id, epoch, batches).await?;
            }
        }
        self.transact(&marker, epoch, &[]).await
    }

    fn failed(&mut self, action: &str, error: &TargetError) -> ConnectorError {
        self.producers.clear();
        match error {
            TargetError::Fenced(_) => {
                ConnectorError::Fenced { table: self.table.clone(), message: error.to_string() }
            }
            _ => ConnectorError::Io {
                table: self.table.clone(),
                action: action.to_owned(),
                cause: error.to_string(),
            },
        }
    }
}

#[async_trait]
impl Publisher for MockPublisher {
    async fn progress(&mut self) -> Result<Option<Epoch>, ConnectorError> {
        let marker = self.marker();
        match self.progress_of(&marker).await {
            Ok(progress) => Ok(progress.map(Epoch)),
            Err(error) => Err(self.failed("cannot read the progress", &error)),
        }
    }

    async fn publish(
        &mut self,
        epoch: Epoch,
        outputs: &[StagedOutput],
        staged: &dyn StagedReader,
    ) -> Result<(), ConnectorError> {
        let mut by_slot: BTreeMap<u32, Vec<Vec<String>>> = BTreeMap::new();
        for output in outputs {
            let batches = by_slot.entry(output.slot).or_default();
            for segment in &output.segments {
                let bytes = staged.read(&segment.object).await.map_err(|cause| ConnectorError::Io {
                    table: self.table.clone(),
                    action: format!("cannot read the staged output {}", segment.object.key),
                    cause,
                })?;
                batches.push(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect());
            }
        }
        match self.publish_rows(epoch, &by_slot).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed(&format!("cannot publish epoch {epoch}"), &error)),
        }
    }
}
