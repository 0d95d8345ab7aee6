//! Expressions: subqueries, OVER, nested types, operators and special forms of other dialects.

use datafusion_sql::sqlparser::ast::{
    BinaryOperator, DataType, DuplicateTreatment, Expr, Function, FunctionArguments, UnaryOperator, Value,
};

use datafusion_sql::sqlparser::tokenizer::Span;

use super::{Checker, not_yet, span};
use crate::diagnostic::Problem;

impl Checker<'_> {
    pub(super) fn expression(&mut self, expr: &Expr) -> Result<(), Problem> {
        let at = span(expr);
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::Subquery(query) if self.windowed_queries.contains(&span(&**query)) => Ok(()),
            Expr::Subquery(query) => Err(subquery(span(&**query), "subqueries in expressions are")),
            Expr::Exists { subquery: query, .. } => {
                Err(subquery(self.word_before(span(&**query), "EXISTS"), "EXISTS is"))
            }
            Expr::InSubquery { expr, .. } => {
                Err(subquery(self.word_behind(span(&**expr), "IN"), "IN with a subquery is"))
            }
            Expr::AnyOp { right, .. } => Err(subquery(span(&**right), "ANY and SOME are")),
            Expr::AllOp { right, .. } => Err(subquery(span(&**right), "ALL with a comparison is")),
            Expr::GroupingSets(_) => Err(grouping(self.word_before(at, "GROUPING"), "GROUPING SETS is")),
            Expr::Cube(_) => Err(grouping(self.word_before(at, "CUBE"), "CUBE is")),
            Expr::Rollup(_) => Err(grouping(self.word_before(at, "ROLLUP"), "ROLLUP is")),
            Expr::BinaryOp { left, op, right } => binary(op).map_err(|problem| {
                let place = Span::new(span(&**left).end, span(&**right).start);
                problem.or_at(if place.start.line == 0 { at } else { place })
            }),
            Expr::UnaryOp { op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not, .. } => {
                Ok(())
            }
            Expr::Value(value) => literal(&value.value).map_err(|problem| problem.or_at(value.span)),
            Expr::TypedString(literal) => match literal.data_type {
                DataType::Date | DataType::Timestamp(None, _) | DataType::Time(None, _) => Ok(()),
                _ => Err(Problem::new(at, "this kind of literal is not part of Flink SQL")
                    .label("not supported")
                    .help("write CAST('...' AS type)")),
            },
            Expr::Like { any: true, .. } => {
                Err(Problem::new(at, "LIKE ANY is not part of Flink SQL").label("not supported"))
            }
            Expr::Array(_) => Err(nested(self.word_before(at, "ARRAY"), "ARRAY")),
            Expr::Map(_) | Expr::Dictionary(_) => Err(nested(at, "MAP")),
            Expr::Struct { .. } | Expr::Tuple(_) => Err(nested(at, "ROW")),
            Expr::CompoundFieldAccess { .. } | Expr::JsonAccess { .. } => {
                Err(not_yet(at, "access to elements and fields is"))
            }
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::SimilarTo { .. }
            | Expr::Cast { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Interval(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..) => Ok(()),
            _ => Err(Problem::new(at, format!("`{}` is not part of Flink SQL", shortened(expr)))
                .label("not supported")),
        }
    }

    fn function(&self, function: &Function) -> Result<(), Problem> {
        let at = span(&function.name);
        if function.over.is_some() {
            return Err(
                not_yet(self.word_behind(at, "OVER"), "OVER is").help(over_help(&function.name.to_string()))
            );
        }
        if !function.within_group.is_empty() {
            return Err(not_yet(self.word_behind(at, "WITHIN"), "WITHIN GROUP is"));
        }
        if function.null_treatment.is_some() {
            return Err(not_yet(at, "IGNORE NULLS is"));
        }
        let name = function.name.to_string().to_uppercase();
        match name.as_str() {
            "RAND" | "RAND_INTEGER" | "UUID" => {
                return Err(not_yet(at, format!("{name}, which gives another value every time, is"))
                    .help("a restart would give other rows; put the value into the data that is read"));
            }
            "ROW" => return Err(nested(at, "ROW")),
            _ => {}
        }
        match &function.args {
            FunctionArguments::Subquery(query) => {
                Err(subquery(span(&**query), "subqueries in expressions are"))
            }
            FunctionArguments::List(list) if !list.clauses.is_empty() => {
                Err(not_yet(at, format!("a clause inside the arguments of {name} is")))
            }
            FunctionArguments::List(list)
                if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) && list.args.len() > 1 =>
            {
                Err(not_yet(at, "DISTINCT over several arguments is")
                    .help("count one column, or SELECT DISTINCT the columns in a view and count its rows"))
            }
            _ => Ok(()),
        }
    }
}

fn over_help(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("ROW_NUMBER") || name.eq_ignore_ascii_case("RANK") {
        "Top-N and deduplication are not supported yet; GROUP BY with MIN or MAX keeps one value a key"
    } else {
        "aggregate with GROUP BY, over windows where you need time"
    }
}

fn subquery(at: Span, what: &str) -> Problem {
    not_yet(at, what).help("list the values, or put the condition into the data that is read")
}

fn grouping(at: Span, what: &str) -> Problem {
    not_yet(at, what).help("write one query for each grouping and join them with UNION ALL")
}

fn nested(at: Span, what: &str) -> Problem {
    not_yet(at, format!("values of type {what} are")).help("use columns of their own, or a STRING")
}

fn literal(value: &Value) -> Result<(), Problem> {
    match value {
        Value::Number(..)
        | Value::SingleQuotedString(_)
        | Value::HexStringLiteral(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        _ => Err(Problem::new(Span::empty(), "this kind of literal is not part of Flink SQL")
            .label("not supported")),
    }
}

fn binary(op: &BinaryOperator) -> Result<(), Problem> {
    match op {
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::StringConcat
        | BinaryOperator::Gt
        | BinaryOperator::Lt
        | BinaryOperator::GtEq
        | BinaryOperator::LtEq
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::And
        | BinaryOperator::Or => Ok(()),
        _ => Err(Problem::new(Span::empty(), format!("`{op}` is not an operator of Flink SQL"))
            .label("not supported")),
    }
}

fn shortened(expr: &Expr) -> String {
    let text = expr.to_string();
    if text.chars().count() <= 40 { text } else { text.chars().take(37).chain("...".chars()).collect() }
}
