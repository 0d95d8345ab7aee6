//! Finds the place of a mistake that the planner reports without one.
//!
//! Type errors of operators and functions have no position in the library. The smallest expression that fails in the same
//! way when it is selected alone is the place: for `SELECT a, k + ts FROM t` the trials `SELECT a + ..` and so on cost a few
//! plans, and only after a mistake.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, Spanned, TableFactor, Visit, Visitor,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diagnostic::Problem;

/// Trials for one mistake: enough for a wide query, short of a noticeable wait.
const MAX_TRIALS: usize = 300;

/// The place of `problem` in `query`, if a part of it alone has the same problem. `plan` plans a query.
pub(crate) fn locate(
    query: &Query,
    problem: &Problem,
    plan: &dyn Fn(&Query) -> Result<(), Problem>,
) -> Option<Span> {
    let mut search = Search { message: &problem.message, plan, trials: 0 };
    search.query(query)
}

struct Search<'a> {
    message: &'a str,
    plan: &'a dyn Fn(&Query) -> Result<(), Problem>,
    trials: usize,
}

impl Search<'_> {
    fn fails(&mut self, query: &Query) -> bool {
        self.trials += 1;
        self.trials <= MAX_TRIALS && (self.plan)(query).is_err_and(|problem| problem.message == self.message)
    }

    fn query(&mut self, query: &Query) -> Option<Span> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            if self.fails(&cte.query) {
                return self.query(&cte.query);
            }
        }
        self.body(query, &query.body)
    }

    fn body(&mut self, query: &Query, body: &SetExpr) -> Option<Span> {
        match body {
            SetExpr::SetOperation { left, right, .. } => {
                for side in [left, right] {
                    if self.fails(&with_body(query, side)) {
                        return self.body(query, side);
                    }
                }
                None
            }
            SetExpr::Query(inner) => self.query(inner),
            SetExpr::Select(select) => self.select(query, select),
            _ => None,
        }
    }

    fn select(&mut self, query: &Query, select: &Select) -> Option<Span> {
        for from in &select.from {
            if let TableFactor::Derived { subquery, .. } = &from.relation
                && self.fails(subquery)
            {
                return self.query(subquery);
            }
        }
        let mut parts: Vec<&Expr> = Vec::new();
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                parts.push(expr);
            }
        }
        parts.extend(&select.selection);
        parts.extend(&select.having);
        if let GroupByExpr::Expressions(expressions, _) = &select.group_by {
            parts.extend(expressions);
        }
        for part in parts {
            if self.fails(&selecting(query, select, part)) {
                return self.smallest(query, select, part).or(Some(part.span()));
            }
        }
        None
    }

    /// The first sub-expression, inner ones first, that fails alone.
    fn smallest(&mut self, query: &Query, select: &Select, part: &Expr) -> Option<Span> {
        let mut inner = Inner(Vec::new());
        // The visitor never breaks.
        let _ = part.visit(&mut inner);
        let found = inner.0.into_iter().find(|expr| self.fails(&selecting(query, select, expr)));
        found.map(|expr| expr.span()).filter(|span| *span != Span::empty())
    }
}

/// Sub-expressions, inner ones first.
struct Inner(Vec<Expr>);

impl Visitor for Inner {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(
            expr,
            Expr::Function(_)
                | Expr::BinaryOp { .. }
                | Expr::UnaryOp { .. }
                | Expr::Case { .. }
                | Expr::Like { .. }
                | Expr::InList { .. }
                | Expr::Between { .. }
                | Expr::Extract { .. }
        ) {
            self.0.push(expr.clone());
        }
        ControlFlow::Continue(())
    }
}

fn with_body(query: &Query, body: &SetExpr) -> Query {
    Query { body: Box::new(body.clone()), ..query.clone() }
}

/// `SELECT part FROM ..` with nothing else.
fn selecting(query: &Query, select: &Select, part: &Expr) -> Query {
    let item = SelectItem::ExprWithAlias { expr: part.clone(), alias: Ident::new("x") };
    let select = Select {
        projection: vec![item],
        selection: None,
        having: None,
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        distinct: None,
        ..select.clone()
    };
    with_body(query, &SetExpr::Select(Box::new(select)))
}

/// Where the condition of the outermost WHERE that is not BOOLEAN stands; the text is how the condition begins.
pub(crate) fn condition(query: &Query) -> Option<Span> {
    match &*query.body {
        SetExpr::Select(select) => select.selection.as_ref().map(Spanned::span),
        _ => None,
    }
}
