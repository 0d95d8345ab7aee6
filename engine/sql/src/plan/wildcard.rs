//! `*` and `t.*` beside other columns, written out, so that no two columns of a result have the same name.
//!
//! Owns only that: a `*` that stands alone is the planner's. Runs on a rewritten syntax tree, from the innermost query
//! outwards, and asks the planner for the columns of what stands behind FROM. Example: in `SELECT p.id, p.*` over a table
//! with the columns `id` and `who` the result has the columns `id`, `id0` and `who`.

use std::collections::HashSet;

use datafusion_sql::sqlparser::ast::{
    Cte, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Spanned, TableFactor, With,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diagnostic::Problem;
use crate::rewrite::{everything_from, free_name, name_columns, plain_name};

/// Names the columns of a query.
pub(crate) type ColumnsOf<'a> = &'a dyn Fn(Query) -> Result<Vec<String>, Problem>;

/// Writes out every wildcard of a query that has company in its select list.
///
/// # Errors
/// What the planner says about a relation.
pub(crate) fn expand_wildcards(query: &mut Query, columns_of: ColumnsOf<'_>) -> Result<(), Problem> {
    Expansion { columns_of }.query(query, &[])
}

struct Expansion<'a> {
    columns_of: ColumnsOf<'a>,
}

impl Expansion<'_> {
    /// `outer` are the WITH queries that are visible around this one.
    fn query(&self, query: &mut Query, outer: &[Cte]) -> Result<(), Problem> {
        let mut visible = outer.to_vec();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                self.query(&mut cte.query, &visible)?;
                visible.retain(|other| other.alias.name.value != cte.alias.name.value);
                visible.push(cte.clone());
            }
        }
        self.body(&mut query.body, &visible)
    }

    fn body(&self, body: &mut SetExpr, visible: &[Cte]) -> Result<(), Problem> {
        match body {
            SetExpr::Select(select) => self.select(select, visible),
            SetExpr::Query(query) => self.query(query, visible),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, visible)?;
                self.body(right, visible)
            }
            _ => Ok(()),
        }
    }

    fn select(&self, select: &mut Select, visible: &[Cte]) -> Result<(), Problem> {
        for from in &mut select.from {
            self.relation(&mut from.relation, visible)?;
        }
        let is_wildcard =
            |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        if select.projection.len() < 2 || !select.projection.iter().any(is_wildcard) {
            return Ok(());
        }
        let [from] = select.from.as_slice() else { return Ok(()) };
        let names = self.columns(&from.relation, visible)?;
        let relation = name_of(&from.relation);
        let mut taken: HashSet<String> = HashSet::new();
        let mut written = Vec::with_capacity(select.projection.len() + names.len());
        for item in select.projection.drain(..) {
            let is_own = match &item {
                SelectItem::Wildcard(_) => true,
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    relation.as_deref().is_some_and(|relation| is_last(name, relation))
                }
                _ => false,
            };
            if is_own {
                let span = item.span();
                written.extend(names.iter().map(|name| column(name, span, &mut taken)));
            } else {
                taken.insert(plain_name(&item, written.len()));
                written.push(item);
            }
        }
        select.projection = written;
        name_columns(select);
        Ok(())
    }

    fn relation(&self, relation: &mut TableFactor, visible: &[Cte]) -> Result<(), Problem> {
        match relation {
            TableFactor::Derived { subquery, .. } => self.query(subquery, visible),
            // A window function over a query.
            TableFactor::TableFunction { expr: Expr::Function(function), .. } => match &mut function.args {
                FunctionArguments::List(list) => self.arguments(&mut list.args, visible),
                _ => Ok(()),
            },
            TableFactor::Table { args: Some(args), .. } => self.arguments(&mut args.args, visible),
            _ => Ok(()),
        }
    }

    fn arguments(&self, args: &mut [FunctionArg], visible: &[Cte]) -> Result<(), Problem> {
        for arg in args {
            let (FunctionArg::Unnamed(value)
            | FunctionArg::Named { arg: value, .. }
            | FunctionArg::ExprNamed { arg: value, .. }) = arg;
            if let FunctionArgExpr::Expr(Expr::Subquery(query)) = value {
                self.query(query, visible)?;
            }
        }
        Ok(())
    }

    /// The columns of a relation that users can name.
    fn columns(&self, relation: &TableFactor, visible: &[Cte]) -> Result<Vec<String>, Problem> {
        let mut query = everything_from(relation.clone());
        if !visible.is_empty() {
            let with_token = datafusion_sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty();
            query.with = Some(With { with_token, recursive: false, cte_tables: visible.to_vec() });
        }
        let names = (self.columns_of)(query)?;
        Ok(names.into_iter().filter(|name| !name.starts_with('$')).collect())
    }
}

/// A column of a wildcard. In Flink it gives way to the columns before it at once, any other when all are there: `SELECT id,
/// id, *` has `id`, `id0` and `id00`, because the last one was `id0` before the second.
fn column(name: &str, span: Span, taken: &mut HashSet<String>) -> SelectItem {
    let free = free_name(name.to_owned(), taken);
    taken.insert(free.clone());
    let expr = Expr::Identifier(Ident::with_span(span, name));
    if free == name {
        return SelectItem::UnnamedExpr(expr);
    }
    SelectItem::ExprWithAlias { expr, alias: Ident::with_span(span, free) }
}

/// The name under which the columns of a relation may be qualified.
fn name_of(relation: &TableFactor) -> Option<String> {
    let (name, alias) = match relation {
        TableFactor::Table { name, alias, .. } => (Some(name), alias),
        TableFactor::Derived { alias, .. } | TableFactor::TableFunction { alias, .. } => (None, alias),
        _ => return None,
    };
    match alias {
        Some(alias) => Some(alias.name.value.clone()),
        None => name?.0.last()?.as_ident().map(|ident| ident.value.clone()),
    }
}

fn is_last(name: &ObjectName, relation: &str) -> bool {
    name.0.last().and_then(|part| part.as_ident()).is_some_and(|ident| ident.value == relation)
}
