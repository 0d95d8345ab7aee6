//! YAML as a tree whose every node knows its place.
//!
//! Owns parsing and its limits. The tree says what kubectl would send: plain `yes` and `on` are booleans, `10` is a
//! number, and nothing is turned into text because a field wants text. So the shape check sees what the API server
//! would see.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Spanned};

use super::{Position, Problem};

/// Deepest nesting. A level costs several stack frames while parsing; this many fit into the 2 MiB of a thread.
const MAX_DEPTH: usize = 32;

/// One node of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above `i64`.
    Huge(u64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) position: Position,
    pub(super) name: String,
}

impl Node {
    /// The entry `name` of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a text node.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the node is, in words: `the number 5`, `a list`.
    pub(super) fn in_words(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Int(value) => format!("the number {value}"),
            Value::Huge(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) if text.chars().count() <= 40 && !text.contains('\n') => {
                format!("the text {text:?}")
            }
            Value::Text(_) => "a text".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

/// The one document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut documents: Vec<Node> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| as_problem(&error))?;
    let count = documents.len();
    if let Some(second) = documents.get(1) {
        let message = format!("holds {count} documents");
        return Err(Problem::new(second.position, "", message)
            .with_hint("one file holds one StreamJob: put the others into files of their own"));
    }
    documents.pop().ok_or_else(|| {
        Problem::new(Position { line: 1, column: 1 }, "", "holds no document, only comments or null")
            .with_hint("a manifest begins with apiVersion: millstream.dev/v1alpha1 and kind: StreamJob")
    })
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: 100_000,
            max_events: 400_000,
            max_anchors: 1_000,
            max_aliases: 1_000,
            max_documents: 64,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
        },
    }
}

fn as_problem(error: &Error) -> Problem {
    let error = error.without_snippet();
    let position = error.location().map_or(Position { line: 1, column: 1 }, position_of);
    let problem = |message: &str| Problem::new(position, "", message);
    match error {
        Error::DuplicateMappingKey { key, .. } => match key {
            Some(key) => problem(&format!("{key:?} stands twice in the same map")),
            None => problem("a key stands twice in the same map"),
        },
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => problem("is too large once its anchors are filled in")
            .with_hint("write it out with fewer anchors or levels"),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            problem(&format!("is nested more than {MAX_DEPTH} levels deep"))
        }
        Error::Budget { .. } => problem("has more nodes, anchors or documents than a manifest can have"),
        Error::UnknownAnchor { .. } => problem("refers to an anchor that is not defined before"),
        Error::RecursiveReferencesRequireWeakTypes { .. } => problem("refers to an anchor from inside of it"),
        Error::AliasError { error, .. } => as_problem(error),
        other => {
            let text = other.to_string();
            // The place is told in front of the message, not behind it.
            let message = text.split(" at line ").next().unwrap_or(&text).trim();
            problem(&format!("is not valid YAML: {message}"))
        }
    }
}

fn position_of(location: Location) -> Position {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
    Position { line: number(location.line()), column: number(location.column()) }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node { position: position_of(spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(i64::try_from(v).map_or(Value::Huge(v), Value::Int))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let position = position_of(key.referenced);
            map.push((Key { position, name: key.value }, entries.next_value()?));
        }
        Ok(Value::Map(map))
    }
}
