//! The connectors that every build has.

use std::sync::Arc;

use crate::blackhole::BlackholeConnector;
use crate::clock::Clock;
use crate::datagen::DatagenConnector;
use crate::filesystem::FilesystemConnector;
use crate::nexmark::NexmarkConnector;
use crate::print::{PrintConnector, PrintTarget};
use crate::registry::ConnectorRegistry;

/// What the built-in connectors need from the process they run in.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// For `datagen` and `nexmark`, and for files that are read at a pace.
    pub clock: Clock,
    /// Where `print` writes.
    pub output: PrintTarget,
    /// Where `print` writes with `'standard-error' = 'true'`.
    pub errors: PrintTarget,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            output: PrintTarget::new(std::io::stdout()),
            errors: PrintTarget::new(std::io::stderr()),
        }
    }
}

/// `blackhole`, `datagen`, `filesystem`, `nexmark` and `print`, with the machine's clock and the process's output.
#[must_use]
pub fn builtin_registry() -> ConnectorRegistry {
    builtin_registry_in(&Surroundings::default())
}

/// The same in other surroundings.
#[must_use]
pub fn builtin_registry_in(surroundings: &Surroundings) -> ConnectorRegistry {
    let mut registry = ConnectorRegistry::new();
    registry.register(Arc::new(BlackholeConnector));
    registry.register(Arc::new(DatagenConnector::new(surroundings.clock.clone())));
    registry.register(Arc::new(FilesystemConnector::new(surroundings.clock.clone())));
    registry.register(Arc::new(NexmarkConnector::new(surroundings.clock.clone())));
    registry
        .register(Arc::new(PrintConnector::new(surroundings.output.clone(), surroundings.errors.clone())));
    registry
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;
    use crate::options::{OptionKind, OptionSpec};
    use crate::test_table::table;

    #[test]
    fn every_default_passes_its_own_check() {
        let registry = builtin_registry();
        assert_eq!(
            registry.names().collect::<Vec<_>>(),
            ["blackhole", "datagen", "filesystem", "nexmark", "print"]
        );
        for name in registry.names() {
            let connector = registry.get(name).unwrap();
            for format in ["json", "csv"] {
                let mut bare = table("t", &[("id", DataType::Int64)], &[]);
                if name == "filesystem" {
                    bare.options =
                        [("path", "x"), ("format", format)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
                }
                let specs: Vec<OptionSpec> = connector.options(&bare);
                for spec in &specs {
                    assert!(!spec.doc.is_empty(), "{name}: {}", spec.key);
                    if let Some(default) = spec.default
                        && !matches!(spec.kind, OptionKind::Refused(_))
                    {
                        let mut given = bare.clone();
                        given.options.insert(spec.key.to_owned(), default.to_owned());
                        crate::options::check_options(&given, &specs).unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn each_connector_reads_or_writes() {
        let registry = builtin_registry();
        let sides = |name: &str, options: &[(&str, &str)]| {
            let table = table("t", &[("id", DataType::Int64)], options);
            let connector = registry.get(name).unwrap();
            (connector.source(&table).unwrap().is_some(), connector.sink(&table).unwrap().is_some())
        };
        assert_eq!(sides("blackhole", &[]), (false, true));
        assert_eq!(sides("print", &[]), (false, true));
        assert_eq!(sides("datagen", &[]), (true, false));
        assert_eq!(sides("filesystem", &[("path", "x"), ("format", "csv")]), (true, true));
    }
}
