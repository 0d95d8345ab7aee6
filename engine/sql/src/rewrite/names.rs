//! Names of result columns and tables, as Flink gives them.

use std::collections::HashSet;

use datafusion_sql::sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, Spanned};

use crate::diagnostic::Problem;
use crate::dialect::cursor::local_name;
use crate::dialect::statement::Name;

/// Gives every computed column of a select list a name, and a second name to columns that would be named twice.
pub(crate) fn name_columns(select: &mut Select) {
    let mut taken: HashSet<String> = HashSet::new();
    for (position, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, span) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = name_of(expr, position);
                let is_plain = matches!(&*expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                if is_plain && taken.insert(name.clone()) {
                    continue;
                }
                let span = expr.span();
                (expr.clone(), name, span)
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                if taken.insert(alias.value.clone()) {
                    continue;
                }
                (expr.clone(), alias.value.clone(), alias.span)
            }
            _ => continue,
        };
        let free = free_name(name, &taken);
        taken.insert(free.clone());
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_span(span, free) };
    }
}

/// The name of an item at this position of a select list, whatever the others are called.
pub(crate) fn plain_name(item: &SelectItem, position: usize) -> String {
    match item {
        SelectItem::UnnamedExpr(expr) => name_of(expr, position),
        SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
        _ => String::new(),
    }
}

fn name_of(expr: &Expr, position: usize) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(parts) => parts.last().map_or_else(String::new, |ident| ident.value.clone()),
        _ => format!("EXPR${position}"),
    }
}

/// Whether a select list has a wildcard and more. Its columns get their names when the wildcard is written out.
pub(super) fn has_company(select: &Select) -> bool {
    let is_wildcard =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    select.projection.len() > 1 && select.projection.iter().any(is_wildcard)
}

/// The name, or the name with a number that is not taken.
pub(crate) fn free_name(name: String, taken: &HashSet<String>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    let mut number = 0_usize;
    while taken.contains(&format!("{name}{number}")) {
        number += 1;
    }
    format!("{name}{number}")
}

/// Takes the default catalog and database off a table's name.
pub(super) fn local_table_name(name: &mut ObjectName) -> Result<(), Problem> {
    let parts: Vec<Name> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|ident| Name { value: ident.value.clone(), span: ident.span })
        .collect();
    if parts.len() < 2 {
        return Ok(());
    }
    let last = local_name(&parts)?;
    name.0 = vec![ObjectNamePart::Identifier(Ident::with_span(last.span, last.value))];
    Ok(())
}
