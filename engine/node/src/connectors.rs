//! The connectors of the binary: the built-in ones, and those that are crates of their own.

use std::sync::Arc;

use millstream_connector_savepoint::SavepointConnector;
use millstream_connectors::{ConnectorRegistry, builtin_registry};

/// Every connector that a table may name.
pub(crate) fn registry() -> ConnectorRegistry {
    let mut registry = builtin_registry();
    registry.register(Arc::new(SavepointConnector::new()));
    registry
}
