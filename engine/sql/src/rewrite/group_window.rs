//! Group windows: `GROUP BY TUMBLE(ts, INTERVAL '1' HOUR), k` with `TUMBLE_START(..)` in the select list.
//!
//! The relation is wrapped in the window table function, and the calls become its columns under names that no user can
//! write: `GROUP BY $window_start, $window_end, k`. So there is one kind of window in everything that follows.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Select, Spanned,
    TableAlias, TableFactor, VisitMut, VisitorMut,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use super::call::quoted;
use super::star::everything_from;
use crate::diagnostic::Problem;
use crate::dialect::flink::{TABLE_ARGUMENT, call};
use crate::plan::window_call::{ASKED_PROCTIME, ASKED_ROWTIME, GROUP_HOP, GROUP_SESSION, GROUP_TUMBLE};
use crate::plan::window_node::WindowColumns;

/// Rewrites the group window of a SELECT, if it has one.
///
/// # Errors
/// Two group windows, arguments that do not fit, and TUMBLE_START and its kin without the window or with another one.
pub(super) fn rewrite(select: &mut Select) -> Result<(), Problem> {
    let GroupByExpr::Expressions(groups, _) = &mut select.group_by else { return Ok(()) };
    let mut windows =
        groups.iter().enumerate().filter_map(|(index, expr)| window_of(expr).map(|w| (index, w)));
    let Some((index, window)) = windows.next() else { return refuse_functions(select, None) };
    if let Some((_, second)) = windows.next() {
        return Err(Problem::new(second.span, "a query has one group window").label("second window"));
    }
    let names = WindowColumns::hidden();
    groups[index] = column(&names.start, window.span);
    groups.insert(index + 1, column(&names.end, window.span));
    let mut calls = Calls { window: Some(&window), names: &names, time: None };
    visit_outputs(select, &mut calls)?;
    let time = calls.time;
    wrap_relation(select, &window, time)?;
    if time.is_some()
        && let GroupByExpr::Expressions(groups, _) = &mut select.group_by
    {
        groups.insert(index + 2, column(&names.time, window.span));
    }
    Ok(())
}

/// The functions, and the table functions that they become.
const FAMILIES: [(&str, &str); 3] =
    [("TUMBLE", GROUP_TUMBLE), ("HOP", GROUP_HOP), ("SESSION", GROUP_SESSION)];

/// A call of TUMBLE, HOP or SESSION in GROUP BY.
struct GroupWindow {
    family: (&'static str, &'static str),
    time: Ident,
    /// Everything behind the time: slide and size, size, or gap.
    lengths: Vec<Expr>,
    /// The arguments as text, to compare with those of TUMBLE_START.
    text: String,
    span: Span,
}

fn window_of(expr: &Expr) -> Option<GroupWindow> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.to_string().to_uppercase();
    let family = *FAMILIES.iter().find(|(family, _)| *family == name)?;
    let args = arguments(function);
    let time = match args.first()? {
        Expr::Identifier(ident) => ident.clone(),
        Expr::CompoundIdentifier(parts) => parts.last()?.clone(),
        // The window call will say that this is no column.
        other => Ident::with_span(other.span(), other.to_string()),
    };
    let lengths = args.get(1..).unwrap_or(&[]).iter().map(|expr| (*expr).clone()).collect();
    Some(GroupWindow { family, time, lengths, text: text_of(function), span: function.name.span() })
}

fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expressions = list.args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    expressions.collect()
}

fn text_of(function: &Function) -> String {
    function.args.to_string().to_uppercase()
}

fn column(name: &str, span: Span) -> Expr {
    Expr::Identifier(Ident::with_span(span, name))
}

/// `FROM t AS x` becomes `FROM TABLE($tumble(TABLE t, DESCRIPTOR(ts), ..)) AS x`.
fn wrap_relation(
    select: &mut Select,
    window: &GroupWindow,
    time: Option<&'static str>,
) -> Result<(), Problem> {
    let [from] = select.from.as_mut_slice() else {
        return Err(Problem::new(window.span, "a group window needs one table").label("in this query"));
    };
    let (input, alias) = match &from.relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
            let alias = alias.clone().or_else(|| parts.last().map(|ident| plain_alias(ident.clone())));
            (call(TABLE_ARGUMENT, name.span(), vec![Expr::CompoundIdentifier(parts)]), alias)
        }
        TableFactor::Derived { subquery, alias, .. } => (Expr::Subquery(subquery.clone()), alias.clone()),
        other => (Expr::Subquery(Box::new(everything_from(other.clone()))), alias_of(other)),
    };
    let descriptor = call("DESCRIPTOR", window.time.span, vec![Expr::Identifier(window.time.clone())]);
    let args = [input, descriptor].into_iter().chain(window.lengths.iter().cloned()).collect();
    let (_, name) = window.family;
    let name = format!("{name}{}", time.unwrap_or_default());
    let mut expr = call(&name, window.span, args);
    if let Expr::Function(function) = &mut expr {
        function.name = quoted(&name, window.span);
    }
    from.relation = TableFactor::TableFunction { expr, alias };
    Ok(())
}

fn plain_alias(name: Ident) -> TableAlias {
    TableAlias { explicit: false, name, columns: Vec::new(), at: None }
}

fn alias_of(factor: &TableFactor) -> Option<TableAlias> {
    match factor {
        TableFactor::Table { alias, .. } | TableFactor::TableFunction { alias, .. } => alias.clone(),
        _ => None,
    }
}

fn refuse_functions(select: &mut Select, window: Option<&GroupWindow>) -> Result<(), Problem> {
    let names = WindowColumns::hidden();
    visit_outputs(select, &mut Calls { window, names: &names, time: None })
}

fn visit_outputs(select: &mut Select, calls: &mut Calls<'_>) -> Result<(), Problem> {
    let mut flow = select.projection.visit(calls);
    if flow.is_continue() {
        flow = select.having.visit(calls);
    }
    match flow {
        ControlFlow::Break(problem) => Err(*problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Replaces TUMBLE_START(..) and its kin by columns.
struct Calls<'a> {
    window: Option<&'a GroupWindow>,
    names: &'a WindowColumns,
    /// Which kind of time the query takes the window's for, as a suffix of the window function's name.
    time: Option<&'static str>,
}

impl VisitorMut for Calls<'_> {
    type Break = Box<Problem>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.to_string().to_uppercase();
        let Some((family, part)) = name.split_once('_') else { return ControlFlow::Continue(()) };
        if FAMILIES.iter().all(|(known, _)| *known != family)
            || !matches!(part, "START" | "END" | "ROWTIME" | "PROCTIME")
        {
            return ControlFlow::Continue(());
        }
        match self.replacement(function, family, part) {
            Ok(replacement) => {
                *expr = replacement;
                ControlFlow::Continue(())
            }
            Err(problem) => ControlFlow::Break(Box::new(problem)),
        }
    }
}

impl Calls<'_> {
    fn replacement(&mut self, function: &Function, family: &str, part: &str) -> Result<Expr, Problem> {
        let span = function.name.span();
        let fits = self.window.filter(|window| window.family.0 == family && window.text == text_of(function));
        if fits.is_none() {
            return Err(Problem::new(span, format!("{family}_{part} without its window in GROUP BY"))
                .label("no such window")
                .help(format!("add `{family}{}` to GROUP BY, with the same arguments", function.args)));
        }
        match part {
            "START" => Ok(column(&self.names.start, span)),
            "END" => Ok(column(&self.names.end, span)),
            _ => {
                let asked = if part == "ROWTIME" { ASKED_ROWTIME } else { ASKED_PROCTIME };
                if self.time.replace(asked).is_some_and(|other| other != asked) {
                    let message = format!("{family}_ROWTIME and {family}_PROCTIME of one window");
                    return Err(Problem::new(span, message)
                        .label("a window is over event time or over processing time"));
                }
                Ok(column(&self.names.time, span))
            }
        }
    }
}
