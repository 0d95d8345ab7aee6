//! Clauses of queries and SELECTs.

use datafusion_sql::sqlparser::ast::{
    Distinct, GroupByExpr, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, SetOperator,
    SetQuantifier, WildcardAdditionalOptions,
};

use super::{Checker, not_yet, span};
use crate::diagnostic::Problem;
use crate::dialect::limits::check_columns;

impl Checker<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Result<(), Problem> {
        if let Some(with) = &query.with
            && with.recursive
        {
            return Err(not_yet(
                self.word_behind(with.with_token.0.span, "RECURSIVE"),
                "recursive queries are",
            ));
        }
        self.body(&query.body)?;
        if let Some(order_by) = &query.order_by {
            let first = match &order_by.kind {
                OrderByKind::Expressions(expressions) => {
                    expressions.first().map_or_else(|| span(query), |e| span(&e.expr))
                }
                OrderByKind::All(_) => span(query),
            };
            return Err(not_yet(self.word_before(first, "ORDER"), "ORDER BY is")
                .help("remove it: the rows of a stream come as they arise"));
        }
        if let Some(limit) = &query.limit_clause {
            let (value, word) = match limit {
                LimitClause::LimitOffset { limit: Some(limit), .. } => (span(limit), "LIMIT"),
                LimitClause::LimitOffset { offset: Some(offset), .. } => (span(&offset.value), "OFFSET"),
                LimitClause::LimitOffset { .. } => (span(query), "LIMIT"),
                LimitClause::OffsetCommaLimit { offset, .. } => (span(offset), "LIMIT"),
            };
            return Err(not_yet(self.word_before(value, word), format!("{word} is"))
                .help("remove it: a stream has no first rows; `datagen` takes 'number-of-rows'"));
        }
        if let Some(fetch) = &query.fetch {
            let at = fetch.quantity.as_ref().map_or_else(|| span(query), span);
            return Err(not_yet(self.word_before(at, "FETCH"), "FETCH FIRST is"));
        }
        let foreign = !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if foreign {
            return Err(
                Problem::new(span(query), "a clause of this query is not part of Flink SQL").label("in here")
            );
        }
        Ok(())
    }

    fn body(&self, body: &SetExpr) -> Result<(), Problem> {
        match body {
            // Their inner queries are visited by themselves.
            SetExpr::Select(_) | SetExpr::Query(_) => Ok(()),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.body(left)?;
                let at = self.word_before(span(&**right), &op.to_string());
                match (op, set_quantifier) {
                    (
                        SetOperator::Union,
                        SetQuantifier::All | SetQuantifier::None | SetQuantifier::Distinct,
                    ) => self.body(right),
                    (SetOperator::Union, _) => {
                        Err(Problem::new(at, "UNION BY NAME is not part of Flink SQL")
                            .label("matches columns by name")
                            .help("list the columns in the same order and write UNION ALL"))
                    }
                    (op, _) => Err(not_yet(at, format!("{op} is"))),
                }
            }
            SetExpr::Values(_) => Err(not_yet(span(body), "VALUES is").help(
                "read the rows from a table: `filesystem` reads them from a file, `datagen` makes them up",
            )),
            SetExpr::Table(_) => Err(Problem::new(span(body), "TABLE as a query is not supported")
                .label("not supported")
                .help("write SELECT * FROM the table")),
            _ => Err(Problem::new(span(body), "expected a query").label("not a query")),
        }
    }

    pub(super) fn select(&mut self, select: &Select) -> Result<(), Problem> {
        if let Some(Distinct::On(columns)) = &select.distinct {
            let at = columns.first().map_or_else(|| span(select), span);
            return Err(Problem::new(
                self.word_before(at, "DISTINCT"),
                "DISTINCT ON is not part of Flink SQL",
            )
            .label("not supported")
            .help("write SELECT DISTINCT, or GROUP BY with MIN or MAX"));
        }
        self.from(select)?;
        check_columns(select.projection.len(), span(select))?;
        for item in &select.projection {
            select_item(item)?;
        }
        self.group_by(select)?;
        if let Some(window) = select.named_window.first() {
            return Err(not_yet(self.word_before(window.0.span, "WINDOW"), "the WINDOW clause is"));
        }
        if let Some(condition) = &select.qualify {
            return Err(not_yet(self.word_before(span(condition), "QUALIFY"), "QUALIFY is"));
        }
        let foreign = select.top.is_some()
            || select.exclude.is_some()
            || select.into.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.value_table_mode.is_some()
            || select.select_modifiers.is_some();
        if foreign {
            return Err(Problem::new(span(select), "a clause of this SELECT is not part of Flink SQL")
                .label("in here"));
        }
        Ok(())
    }

    fn from(&self, select: &Select) -> Result<(), Problem> {
        match select.from.as_slice() {
            [] => Err(Problem::new(select.select_token.0.span, "a query needs a FROM clause")
                .label("reads no table")
                .help("a job transforms rows of tables: add FROM and the name of a table")),
            [from] => match from.joins.first() {
                Some(join) => Err(self.join(join)),
                None => Ok(()),
            },
            [_, second, ..] => Err(not_yet(span(&second.relation), "joins are")
                .help("write the rows of both tables into one stream with UNION ALL and aggregate by the common key")),
        }
    }

    fn group_by(&self, select: &Select) -> Result<(), Problem> {
        match &select.group_by {
            GroupByExpr::Expressions(expressions, modifiers) => {
                check_columns(expressions.len(), expressions.first().map_or_else(|| span(select), span))?;
                if modifiers.is_empty() {
                    return Ok(());
                }
                Err(Problem::new(span(&select.group_by), "GROUP BY with modifiers is not part of Flink SQL")
                    .label("not supported"))
            }
            GroupByExpr::All(_) => {
                Err(Problem::new(select.select_token.0.span, "GROUP BY ALL is not part of Flink SQL")
                    .label("in this query")
                    .help("list the columns"))
            }
        }
    }
}

fn select_item(item: &SelectItem) -> Result<(), Problem> {
    match item {
        SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => Ok(()),
        SelectItem::ExprWithAliases { .. } => {
            Err(Problem::new(span(item), "an expression takes one alias").label("several aliases"))
        }
        SelectItem::QualifiedWildcard(_, options) | SelectItem::Wildcard(options) => {
            let WildcardAdditionalOptions {
                opt_ilike: None,
                opt_exclude: None,
                opt_except: None,
                opt_replace: None,
                opt_rename: None,
                ..
            } = options
            else {
                return Err(Problem::new(span(item), "`*` takes no options in Flink SQL")
                    .label("not supported")
                    .help("list the columns"));
            };
            Ok(())
        }
    }
}
