//! The connectors that a process knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::ConnectorError;
use crate::options::OptionSpec;
use crate::sink::Sink;
use crate::source::Source;
use crate::table::TableConfig;

/// A kind of outside system, named by the option `connector`.
pub trait Connector: Send + Sync {
    /// Value of the option `connector`.
    fn name(&self) -> &'static str;

    /// The allowlist of options for a table, which may depend on other options (`format`). Unknown ones are refused with
    /// a suggestion before [`Self::source`] or [`Self::sink`] is called.
    fn options(&self, table: &TableConfig) -> Vec<OptionSpec>;

    /// The readable side; `None` if such tables cannot be read.
    ///
    /// # Errors
    /// When options are missing or wrong.
    fn source(&self, table: &TableConfig) -> Result<Option<Arc<dyn Source>>, ConnectorError>;

    /// The writable side; `None` if such tables cannot be written.
    ///
    /// # Errors
    /// When options are missing or wrong.
    fn sink(&self, table: &TableConfig) -> Result<Option<Arc<dyn Sink>>, ConnectorError>;
}

/// Connectors by name. Tests add their own.
#[derive(Clone, Default)]
pub struct ConnectorRegistry {
    connectors: BTreeMap<&'static str, Arc<dyn Connector>>,
}

impl ConnectorRegistry {
    /// A registry without connectors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a connector.
    pub fn register(&mut self, connector: Arc<dyn Connector>) {
        self.connectors.insert(connector.name(), connector);
    }

    /// The connector of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.connectors.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.connectors.keys().copied()
    }
}
