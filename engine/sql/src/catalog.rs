//! The tables and views of a job, in the order of its statements.
//!
//! A table's schema is what a query sees: physical and computed columns in the order of their declaration. Nothing here
//! touches the outside; a connector is asked for its source or sink only when a statement reads or writes the table.

mod define;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion_expr::{LogicalPlan, TableSource};
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_connectors::ConnectorRegistry;

pub(crate) use define::define_table;
pub(crate) use table::{StreamTable, TableColumn, TableWatermark};

use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::statement::Name;

/// Tables and views by name.
#[derive(Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<String, Entry>,
}

enum Entry {
    Table(Arc<StreamTable>),
    View(Arc<table::View>),
}

/// What a table's declaration needs to know besides its text.
pub(crate) struct TableEnvironment<'a> {
    pub(crate) connectors: &'a ConnectorRegistry,
    pub(crate) base_dir: &'a Path,
}

impl Catalog {
    /// What the planner scans under this name.
    pub(crate) fn source(&self, name: &str) -> Option<Arc<dyn TableSource>> {
        match self.entries.get(name)? {
            Entry::Table(table) => Some(Arc::clone(table) as Arc<dyn TableSource>),
            Entry::View(view) => Some(Arc::clone(view) as Arc<dyn TableSource>),
        }
    }

    /// The table to write to.
    ///
    /// # Errors
    /// When there is none of this name, or it is a view.
    pub(crate) fn table(&self, name: &Name) -> Result<Arc<StreamTable>, Problem> {
        match self.entries.get(&name.value) {
            Some(Entry::Table(table)) => Ok(Arc::clone(table)),
            Some(Entry::View(_)) => Err(Problem::new(name.span, format!("`{}` is a view", name.value))
                .label("cannot be written")
                .help("INSERT INTO a table with a connector")),
            None => Err(self.unknown(name, "table")),
        }
    }

    /// Adds a table or leaves the one that is there.
    ///
    /// # Errors
    /// When the name is taken and `if_not_exists` is not set.
    pub(crate) fn add_table(
        &mut self,
        name: &Name,
        table: StreamTable,
        if_not_exists: bool,
    ) -> Result<(), Problem> {
        self.add(name, Entry::Table(Arc::new(table)), if_not_exists)
    }

    /// Adds a view or leaves the one that is there.
    ///
    /// # Errors
    /// As [`Self::add_table`].
    pub(crate) fn add_view(
        &mut self,
        name: &Name,
        plan: LogicalPlan,
        if_not_exists: bool,
    ) -> Result<(), Problem> {
        self.add(name, Entry::View(Arc::new(table::View::new(plan))), if_not_exists)
    }

    fn add(&mut self, name: &Name, entry: Entry, if_not_exists: bool) -> Result<(), Problem> {
        if self.entries.contains_key(&name.value) {
            if if_not_exists {
                return Ok(());
            }
            return Err(Problem::new(name.span, format!("`{}` exists already", name.value))
                .label("second definition")
                .help("give it another name, or write IF NOT EXISTS"));
        }
        self.entries.insert(name.value.clone(), entry);
        Ok(())
    }

    /// Removes a table or view.
    ///
    /// # Errors
    /// When there is none of this kind and name and `if_exists` is not set.
    pub(crate) fn drop(&mut self, name: &Name, is_view: bool, if_exists: bool) -> Result<(), Problem> {
        let kind = if is_view { "view" } else { "table" };
        match self.entries.get(&name.value) {
            Some(Entry::View(_)) if is_view => {}
            Some(Entry::Table(_)) if !is_view => {}
            _ if if_exists => return Ok(()),
            _ => return Err(self.unknown(name, kind)),
        }
        self.entries.remove(&name.value);
        Ok(())
    }

    fn unknown(&self, name: &Name, kind: &str) -> Problem {
        Problem::new(name.span, format!("unknown {kind} `{}`", name.value))
            .label(format!("no {kind} of this name"))
            .help(
                self.suggestion(&name.value)
                    .unwrap_or_else(|| format!("define it with CREATE {}", kind.to_uppercase())),
            )
    }

    /// Help for a name that is not there.
    pub(crate) fn suggestion(&self, name: &str) -> Option<String> {
        did_you_mean(name, self.entries.keys().map(String::as_str))
    }
}

/// Turns a connector's complaint into a problem at the option it speaks of, else at the table's name.
pub(crate) fn connector_problem(
    error: &millstream_connectors::ConnectorError,
    name: Span,
    options: &[(String, Span)],
) -> Problem {
    let message = match error {
        millstream_connectors::ConnectorError::Options { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let named = options.iter().find(|(key, _)| message.contains(&format!("'{key}'")));
    let (span, label) = named.map_or((name, "in this table"), |(_, span)| (*span, "this option"));
    let (message, help) = match message.split_once("; did you mean ") {
        Some((message, word)) => (message.to_owned(), Some(format!("did you mean {word}"))),
        None => (message, None),
    };
    Problem::new(span, message).label(label).maybe_help(help)
}
