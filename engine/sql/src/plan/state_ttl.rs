//! From the hint `STATE_TTL` of a query to the aggregates of that query, and of no other.
//!
//! The planner knows no hints. So the relation behind FROM is put into parentheses under a name that says how long; the hook for
//! relations makes a [`StateTtlNode`] of it, which changes nothing and stays below the query's aggregates through all rules. Beside
//! a hinted query, a subquery without a name gets a node without a hint: what is inside it belongs to another query. Example: the
//! plan of `SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM t GROUP BY k` is `Aggregate(StateTtl(t))`.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Ident, Query, Select, TableAlias, TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};

use super::state_ttl_node::TtlHint;
use super::window_call::{call_of, parse_window_call};
use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::hint::{is_hint, state_ttl};

/// Names that no user can write without backquotes.
const MARK: &str = "$state_ttl";

/// The hints of a query and its subqueries, by the place of their SELECT.
#[derive(Debug, Default)]
pub(crate) struct TtlHints(Vec<(Span, TtlHint)>);

/// Finds the hints before anything is rewritten.
///
/// # Errors
/// Names that are no input of their query.
pub(crate) fn hints_of(query: &Query, tokens: &[TokenWithSpan]) -> Result<TtlHints, Problem> {
    let mut hints = TtlHints::default();
    if !tokens.iter().any(is_hint) {
        return Ok(hints);
    }
    match query.visit(&mut Reader { tokens, hints: &mut hints }) {
        ControlFlow::Break(problem) => Err(*problem),
        ControlFlow::Continue(()) => Ok(hints),
    }
}

struct Reader<'a> {
    tokens: &'a [TokenWithSpan],
    hints: &'a mut TtlHints,
}

impl Visitor for Reader<'_> {
    type Break = Box<Problem>;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        match self.read(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(problem) => ControlFlow::Break(Box::new(problem)),
        }
    }
}

impl Reader<'_> {
    fn read(&mut self, select: &Select) -> Result<(), Problem> {
        let place = select.select_token.0.span;
        let at = self.tokens.partition_point(|token| token.span.start < place.start);
        let (select_token, behind) = (self.tokens.get(at), self.tokens.get(at + 1));
        let Some(token) = behind.filter(|token| is_hint(token)) else { return Ok(()) };
        let inputs = select.from.first().map_or_else(Vec::new, |from| names_of(&from.relation));
        let mut entries = state_ttl(token, select_token)?.into_iter();
        let Some(first) = entries.next() else { return Ok(()) };
        if !inputs.contains(&first.alias.value) {
            let help = match inputs.last() {
                None => "give the input behind FROM a name with AS".to_owned(),
                Some(name) => did_you_mean(&first.alias.value, inputs.iter().map(String::as_str))
                    .unwrap_or_else(|| format!("its input is `{name}`")),
            };
            let message = format!("`{}` is no input of this query", first.alias.value);
            return Err(Problem::new(first.alias.span, message).label("not behind its FROM").help(help));
        }
        if let Some(second) = entries.next() {
            return Err(Problem::new(
                second.alias.span,
                "the query has one input, and STATE_TTL names it twice",
            )
            .label("one too many"));
        }
        self.hints.0.push((place, TtlHint { millis: first.millis, span: token.span }));
        Ok(())
    }
}

/// The alias of a relation and the name of its table, whichever it has.
fn names_of(relation: &TableFactor) -> Vec<String> {
    let of_alias =
        |alias: &Option<TableAlias>| alias.iter().map(|a| a.name.value.clone()).collect::<Vec<_>>();
    match relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            let table = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
            of_alias(alias).into_iter().chain(table).collect()
        }
        TableFactor::Table { alias, .. } | TableFactor::TableFunction { alias, .. } => {
            let call =
                call_of(relation).and_then(|(name, args)| parse_window_call(name, args).ok().flatten());
            of_alias(alias).into_iter().chain(call.iter().flat_map(|call| names_of(&call.input))).collect()
        }
        TableFactor::Derived { alias, .. } => of_alias(alias),
        TableFactor::NestedJoin { table_with_joins, .. } => names_of(&table_with_joins.relation),
        _ => Vec::new(),
    }
}

/// Marks the relations of a rewritten query, right before it is planned.
pub(crate) fn mark(query: &mut Query, hints: &TtlHints) {
    if !hints.0.is_empty() {
        // It never breaks.
        let _ = query.visit(&mut Marker(hints));
    }
}

struct Marker<'a>(&'a TtlHints);

impl VisitorMut for Marker<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        let place = select.select_token.0.span;
        let hint = self.0.0.iter().find(|(found, _)| *found == place).map(|(_, hint)| *hint);
        if let Some(from) = select.from.first_mut() {
            let is_nameless = matches!(from.relation, TableFactor::Derived { alias: None, .. });
            if hint.is_some() || is_nameless {
                let inner = TableWithJoins { relation: from.relation.clone(), joins: Vec::new() };
                from.relation = marked(inner, hint);
            }
        }
        ControlFlow::Continue(())
    }
}

fn marked(inner: TableWithJoins, hint: Option<TtlHint>) -> TableFactor {
    let name = hint.map_or_else(|| MARK.to_owned(), |hint| format!("{MARK} {}", hint.millis));
    let span = hint.map_or(Span::empty(), |hint| hint.span);
    let name = Ident::with_span(span, name);
    let alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
    TableFactor::NestedJoin { table_with_joins: Box::new(inner), alias }
}

/// What is marked in a relation, and with which hint; `None` for any other relation.
pub(crate) fn unmarked(relation: &TableFactor) -> Option<(&TableFactor, Option<TtlHint>)> {
    let TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } = relation else { return None };
    let rest = alias.name.value.strip_prefix(MARK)?;
    let hint = rest.trim().parse().ok().map(|millis| TtlHint { millis, span: alias.name.span });
    Some((&table_with_joins.relation, hint))
}
