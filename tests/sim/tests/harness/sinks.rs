//! The engine's file sink and the mock target, with the storage of one process and an eye on what is published.

use std::sync::Arc;

use async_trait::async_trait;
use millstream_connectors::filesystem::{FilesystemConnector, sink_over};
use millstream_connectors::options::OptionSpec;
use millstream_connectors::sink::{Publisher, Sink, SinkWriter, StagedOutput, StagedReader, WriterContext};
use millstream_connectors::source::Source;
use millstream_connectors::{Clock, Connector, ConnectorError, TableConfig};
use millstream_model::Epoch;
use millstream_model::graph::RollPolicy;
use millstream_test_testkit::mock_sink::{MockPublisher, MockSinkConnector, MockTarget, Session};

use super::life::{Event, Process};
use super::storage::Below;

/// The folder of the bucket that tables are written to.
pub(crate) const TABLES: &str = "tables/";

/// `filesystem` for sinks: table `t` is the folder `tables/t/` of the process's storage.
#[derive(Debug)]
pub(crate) struct Files(pub(crate) Arc<Process>);

impl Connector for Files {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn options(&self, table: &TableConfig) -> Vec<OptionSpec> {
        FilesystemConnector::new(Clock::system()).options(table)
    }

    fn source(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        let prefix = format!("{TABLES}{}/", table.name);
        let inner = sink_over(table, Arc::new(Below { inner: self.0.storage.clone(), prefix }))?;
        let table = table.name.clone();
        Ok(Some(Arc::new(WatchedSink { inner, table, mock: None, process: self.0.clone() })))
    }
}

/// `mock-transactional`, where the death of a publisher is the death of its process and the other way round.
#[derive(Debug)]
pub(crate) struct Transactions(pub(crate) Arc<Process>, pub(crate) MockTarget);

impl Connector for Transactions {
    fn name(&self) -> &'static str {
        "mock-transactional"
    }

    fn options(&self, _table: &TableConfig) -> Vec<OptionSpec> {
        Vec::new()
    }

    fn source(&self, _table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError> {
        Ok(None)
    }

    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError> {
        let Some(inner) = MockSinkConnector::new(self.1.clone()).sink(table)? else { return Ok(None) };
        let (table, mock) = (table.name.clone(), Some(self.1.clone()));
        Ok(Some(Arc::new(WatchedSink { inner, table, mock, process: self.0.clone() })))
    }
}

struct WatchedSink {
    inner: Arc<dyn Sink>,
    table: String,
    mock: Option<MockTarget>,
    process: Arc<Process>,
}

impl Sink for WatchedSink {
    fn accepts_updates(&self) -> bool {
        self.inner.accepts_updates()
    }

    fn is_staged(&self) -> bool {
        true
    }

    fn roll_policy(&self) -> RollPolicy {
        self.inner.roll_policy()
    }

    fn writer(&self, context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        self.inner.writer(context)
    }

    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError> {
        let (inner, session): (Box<dyn Publisher>, _) = match &self.mock {
            Some(target) => {
                let session = self.process.connect(target);
                (Box::new(MockPublisher::new(&self.table, session.clone())), Some(session))
            }
            None => match self.inner.publisher()? {
                Some(publisher) => (publisher, None),
                None => return Ok(None),
            },
        };
        let (table, process) = (self.table.clone(), self.process.clone());
        Ok(Some(Box::new(WatchedPublisher { inner, table, session, process })))
    }
}

#[derive(Debug)]
struct WatchedPublisher {
    inner: Box<dyn Publisher>,
    table: String,
    session: Option<Session>,
    process: Arc<Process>,
}

impl WatchedPublisher {
    fn check_alive(&self) -> Result<(), ConnectorError> {
        if self.session.as_ref().is_some_and(Session::is_dead) {
            self.process.faults.kill();
        }
        if !self.process.faults.is_dead() {
            return Ok(());
        }
        Err(ConnectorError::Io {
            table: self.table.clone(),
            action: "cannot publish".into(),
            cause: "the process is dead".into(),
        })
    }
}

#[async_trait]
impl Publisher for WatchedPublisher {
    fn set_owner(&mut self, owner: &str) {
        self.inner.set_owner(owner);
    }

    async fn progress(&mut self) -> Result<Option<Epoch>, ConnectorError> {
        self.check_alive()?;
        let progress = self.inner.progress().await;
        self.check_alive()?;
        progress
    }

    async fn publish(
        &mut self,
        epoch: Epoch,
        outputs: &[StagedOutput],
        staged: &dyn StagedReader,
    ) -> Result<(), ConnectorError> {
        self.check_alive()?;
        self.process.happened(Event::PublishBegan(self.table.clone(), epoch));
        self.process.may_go_on().await;
        self.check_alive()?;
        let published = self.inner.publish(epoch, outputs, staged).await;
        if published.is_ok() {
            self.process.happened(Event::Published(self.table.clone(), epoch));
            self.process.may_go_on().await;
        }
        self.check_alive()?;
        published
    }
}
