//! What stands behind FROM.

use datafusion_sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Join, JoinOperator, ObjectName,
    TableFactor, TableVersion,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use super::{Checker, not_yet, span};
use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::flink::PARTITIONED;

const WINDOW_FUNCTIONS: &[&str] = &["TUMBLE", "HOP", "CUMULATE", "SESSION"];

impl Checker<'_> {
    pub(super) fn join(&self, join: &Join) -> Problem {
        let at = self.word_before(span(&join.relation), "JOIN");
        if let TableFactor::Table { version: Some(_), .. } = &join.relation {
            return not_yet(at, "temporal joins (FOR SYSTEM_TIME AS OF) are");
        }
        if matches!(
            &join.relation,
            TableFactor::Function { lateral: true, .. } | TableFactor::Derived { lateral: true, .. }
        ) {
            return not_yet(at, "lateral joins are");
        }
        let is_unnest = match &join.relation {
            TableFactor::UNNEST { .. } => true,
            TableFactor::Table { name, args: Some(_), .. } => name.to_string().eq_ignore_ascii_case("UNNEST"),
            _ => false,
        };
        if is_unnest {
            return not_yet(at, "UNNEST is");
        }
        let what = match &join.join_operator {
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => "LEFT JOIN is",
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => "RIGHT JOIN is",
            JoinOperator::FullOuter(_) => "FULL JOIN is",
            JoinOperator::CrossJoin(_) => "CROSS JOIN is",
            _ => "JOIN is",
        };
        not_yet(at, what).help(
            "write the rows of both tables into one stream with UNION ALL and aggregate by the common key",
        )
    }

    pub(super) fn relation(&mut self, factor: &TableFactor) -> Result<(), Problem> {
        match factor {
            TableFactor::Table {
                name,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                ..
            } => {
                let at = span(name);
                if let Some(version) = version {
                    return Err(match version {
                        TableVersion::ForSystemTimeAsOf(time) => not_yet(
                            self.word_before(span(time), "FOR"),
                            "reading a table as of a time (FOR SYSTEM_TIME AS OF) is",
                        ),
                        _ => Problem::new(at, "a table's version is not part of Flink SQL")
                            .label("in this table"),
                    });
                }
                let foreign = !with_hints.is_empty()
                    || *with_ordinality
                    || !partitions.is_empty()
                    || json_path.is_some()
                    || sample.is_some()
                    || !index_hints.is_empty();
                if foreign {
                    return Err(Problem::new(at, "a clause of this table is not part of Flink SQL")
                        .label("behind it"));
                }
                match args {
                    None => Ok(()),
                    Some(args) => {
                        self.window_function(name, at)?;
                        self.allow_query_arguments(&args.args);
                        Ok(())
                    }
                }
            }
            TableFactor::TableFunction { expr: Expr::Function(function), .. } => {
                self.window_function(&function.name, span(&function.name))?;
                if let FunctionArguments::List(list) = &function.args {
                    self.allow_query_arguments(&list.args);
                }
                plain_call(function)
            }
            TableFactor::TableFunction { expr, .. } => {
                Err(Problem::new(span(expr), "expected a window function")
                    .label("TABLE(...) takes a call of TUMBLE, HOP, CUMULATE or SESSION")
                    .help("write `TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE))`"))
            }
            TableFactor::Derived { lateral: true, subquery, .. } => {
                Err(not_yet(self.word_before(span(&**subquery), "LATERAL"), "LATERAL is"))
            }
            TableFactor::Derived { sample: None, .. } => Ok(()),
            TableFactor::Derived { subquery, .. } => Err(not_yet(span(&**subquery), "TABLESAMPLE is")),
            TableFactor::NestedJoin { table_with_joins, .. } => match table_with_joins.joins.first() {
                Some(join) => Err(self.join(join)),
                None => Ok(()),
            },
            TableFactor::Function { name, .. } => {
                Err(not_yet(self.word_before(span(name), "LATERAL"), "LATERAL TABLE is"))
            }
            TableFactor::UNNEST { array_exprs, .. } => {
                let at = array_exprs.first().map_or(Span::empty(), span);
                Err(not_yet(self.word_before(at, "UNNEST"), "UNNEST is"))
            }
            TableFactor::MatchRecognize { table, .. } => {
                Err(not_yet(self.word_behind(span(&**table), "MATCH_RECOGNIZE"), "MATCH_RECOGNIZE is"))
            }
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => {
                Err(Problem::new(span(factor), "PIVOT is not part of Flink SQL")
                    .label("not supported")
                    .help("write one aggregate with FILTER (WHERE ...) for each value"))
            }
            _ => Err(Problem::new(span(factor), "this table expression is not part of Flink SQL")
                .label("not supported")),
        }
    }

    /// Refuses table functions other than the windows that can run.
    fn window_function(&self, name: &ObjectName, at: Span) -> Result<(), Problem> {
        let text = name.to_string();
        let upper = text.to_uppercase();
        match upper.as_str() {
            "TUMBLE" | "HOP" | "CUMULATE" | "SESSION" => Ok(()),
            _ => {
                Err(Problem::new(at, format!("unknown table function `{text}`"))
                    .label("not a window function")
                    .help(did_you_mean(&text, WINDOW_FUNCTIONS.iter().copied()).unwrap_or_else(|| {
                        "table functions are TUMBLE, HOP, CUMULATE and SESSION".to_owned()
                    })))
            }
        }
    }

    fn allow_query_arguments(&mut self, args: &[FunctionArg]) {
        for arg in args {
            let (FunctionArg::Unnamed(value)
            | FunctionArg::Named { arg: value, .. }
            | FunctionArg::ExprNamed { arg: value, .. }) = arg;
            match value {
                FunctionArgExpr::Expr(Expr::Subquery(query)) => self.windowed_queries.push(span(&**query)),
                FunctionArgExpr::Expr(Expr::Function(function))
                    if function.name.to_string() == PARTITIONED =>
                {
                    if let FunctionArguments::List(list) = &function.args {
                        self.allow_query_arguments(&list.args);
                    }
                }
                _ => {}
            }
        }
    }
}

fn plain_call(function: &Function) -> Result<(), Problem> {
    let plain = function.filter.is_none() && function.over.is_none() && function.within_group.is_empty();
    if plain {
        Ok(())
    } else {
        Err(Problem::new(span(function), "a window function takes arguments only").label("here"))
    }
}
