//! Calls and special forms: `COUNT(*)`, CAST, units of time that stand as bare words.

use datafusion_sql::sqlparser::ast::{
    CeilFloorKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, Spanned, Value,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diagnostic::Problem;
use crate::dialect::flink::{CAST, TRY_CAST, call};

/// Functions whose first argument is a unit: `TIMESTAMPDIFF(DAY, a, b)`.
const UNIT_FIRST: &[&str] = &["TIMESTAMPADD", "TIMESTAMPDIFF"];

/// Rewrites an expression that the planner would not read, or read wrongly.
pub(super) fn rewrite(expr: &mut Expr) -> Result<(), Problem> {
    let span = expr.span();
    match expr {
        Expr::Function(function) => rewrite_function(function),
        Expr::Floor { expr: inner, field: CeilFloorKind::DateTimeField(unit) }
            if *unit != datafusion_sql::sqlparser::ast::DateTimeField::NoDateTime =>
        {
            let unit = text(&unit.to_string(), span);
            *expr = call("floor", span, vec![(**inner).clone(), unit]);
            Ok(())
        }
        Expr::Ceil { expr: inner, field: CeilFloorKind::DateTimeField(unit) }
            if *unit != datafusion_sql::sqlparser::ast::DateTimeField::NoDateTime =>
        {
            let unit = text(&unit.to_string(), span);
            *expr = call("ceil", span, vec![(**inner).clone(), unit]);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn rewrite_function(function: &mut Function) -> Result<(), Problem> {
    let name = function.name.to_string();
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    if name == CAST || name == TRY_CAST {
        return cast(&name, &mut function.name, list);
    }
    if name.eq_ignore_ascii_case("COUNT")
        && matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)])
    {
        list.args.clear();
    }
    if name.eq_ignore_ascii_case("UNIX_TIMESTAMP") && list.args.is_empty() {
        // Without a text to read it is one of the functions that read the clock.
        function.name = quoted("$unix_timestamp", function.name.span());
        return Ok(());
    }
    if UNIT_FIRST.iter().any(|known| name.eq_ignore_ascii_case(known))
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut()
        && let Expr::Identifier(unit) = first
    {
        *first = text(&unit.value.to_uppercase(), unit.span);
    }
    Ok(())
}

/// `$cast(x, 'TYPE')` becomes `` `$cast TYPE`(x) ``: the name carries the type to the function's lookup.
fn cast(name: &str, object_name: &mut ObjectName, list: &mut FunctionArgumentList) -> Result<(), Problem> {
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(target)))) = list.args.pop() else {
        return Err(Problem::new(object_name.span(), "CAST takes an expression and a type").label("here"));
    };
    let Value::SingleQuotedString(target) = target.value else {
        return Err(Problem::new(object_name.span(), "CAST takes an expression and a type").label("here"));
    };
    *object_name = quoted(&format!("{name} {target}"), object_name.span());
    Ok(())
}

/// A function's name that keeps its case.
pub(super) fn quoted(name: &str, span: Span) -> ObjectName {
    let ident = Ident { value: name.to_owned(), quote_style: Some('`'), span };
    ObjectName(vec![ObjectNamePart::Identifier(ident)])
}

fn text(value: &str, span: Span) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).with_span(span))
}
