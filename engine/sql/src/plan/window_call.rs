//! Calls of TUMBLE, HOP, CUMULATE and SESSION as table functions, positional or with named arguments.
//!
//! `HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR)` takes the slide first, as Flink does, and CUMULATE the
//! step; by name the order is free: `HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => .., SIZE => ..)`.

use datafusion_sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Spanned,
    TableFactor,
};
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_plan::WindowKind;

use super::interval::duration_micros;
use super::window_node::{WindowColumns, WindowShape};
use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::flink::{PARTITIONED, TABLE_ARGUMENT};

/// Names under which group windows call these functions, to get columns that no user can name.
pub(crate) const GROUP_TUMBLE: &str = "$tumble";
/// The same for HOP.
pub(crate) const GROUP_HOP: &str = "$hop";
/// The same for SESSION.
pub(crate) const GROUP_SESSION: &str = "$session";

/// A window function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Tumble,
    Hop,
    Cumulate,
    Session,
}

impl Family {
    fn named(name: &str) -> Option<Self> {
        Some(match name.trim_start_matches('$') {
            "TUMBLE" => Self::Tumble,
            "HOP" => Self::Hop,
            "CUMULATE" => Self::Cumulate,
            "SESSION" => Self::Session,
            _ => return None,
        })
    }

    /// In the order of their positions.
    const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Tumble => &["DATA", "TIMECOL", "SIZE", "OFFSET"],
            Self::Hop => &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
            Self::Cumulate => &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
            Self::Session => &["DATA", "TIMECOL", "GAP"],
        }
    }

    const fn usage(self) -> &'static str {
        match self {
            Self::Tumble => "write TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE)",
            Self::Hop => {
                "write HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR): the slide, then the size"
            }
            Self::Cumulate => {
                "write CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY): the step, then the size"
            }
            Self::Session => {
                "write SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' MINUTE): the gap"
            }
        }
    }
}

/// Behind one of these names: the query asks for TUMBLE_ROWTIME or HOP_ROWTIME of this window.
pub(crate) const ASKED_ROWTIME: &str = "$rowtime";
/// The same for TUMBLE_PROCTIME and HOP_PROCTIME.
pub(crate) const ASKED_PROCTIME: &str = "$proctime";

/// The kind of time attribute that a query takes a window's time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedTime {
    Event,
    Processing,
}

/// A call taken apart.
pub(crate) struct WindowCall {
    pub(crate) input: TableFactor,
    pub(crate) time: Ident,
    pub(crate) shape: WindowShape,
    pub(crate) columns: WindowColumns,
    pub(crate) asked: Option<AskedTime>,
    /// Columns of the keys that have sessions of their own; `None`: the keys of the aggregate, or no sessions.
    pub(crate) partition: Option<Vec<Ident>>,
    pub(crate) span: Span,
}

/// Takes a call apart; `None` if the function is not a window.
///
/// # Errors
/// Missing, surplus or wrong arguments.
pub(crate) fn parse_window_call(
    name: &ObjectName,
    args: &[FunctionArg],
) -> Result<Option<WindowCall>, Problem> {
    let span = name.span();
    let written = name.to_string().replace('`', "");
    let (plain, asked) = asked_time(&written);
    let name = plain.to_uppercase();
    let Some(family) = Family::named(&name) else { return Ok(None) };
    let hidden = name.starts_with('$');
    let (parameters, usage) = (family.parameters(), family.usage());
    let bound = bind(args, parameters, span, usage)?;
    let argument = |name: &str| bound.iter().find(|(parameter, _)| *parameter == name).map(|(_, expr)| *expr);
    let required = |name: &str| {
        argument(name).ok_or_else(|| {
            Problem::new(span, format!("the window's {name} is missing")).label("incomplete").help(usage)
        })
    };
    let (input, partition) = input_of(required("DATA")?)?;
    let time = time_of(required("TIMECOL")?)?;
    let kind = match family {
        Family::Tumble => WindowKind::Tumble { size: positive(required("SIZE")?, "size")? },
        Family::Hop => {
            let (size, slide) = (positive(required("SIZE")?, "size")?, required("SLIDE")?);
            WindowKind::Hop { size, slide: check_slide(positive(slide, "slide")?, size, slide.span())? }
        }
        Family::Cumulate => {
            let (size, step) = (positive(required("SIZE")?, "size")?, required("STEP")?);
            WindowKind::Cumulate { size, step: check_step(positive(step, "step")?, size, step.span())? }
        }
        Family::Session => WindowKind::Session { gap: positive(required("GAP")?, "gap")? },
    };
    let partition = match (family, partition) {
        (Family::Session, columns) => (!hidden).then_some(columns),
        (_, columns) => match columns.first() {
            None => None,
            Some(column) => {
                return Err(Problem::new(column.span, "only SESSION takes PARTITION BY")
                    .label("not expected")
                    .help("group by the column behind the window"));
            }
        },
    };
    let offset = argument("OFFSET").map(duration_micros).transpose()?.unwrap_or(0);
    let columns = if hidden { WindowColumns::hidden() } else { WindowColumns::visible() };
    let shape = WindowShape { kind, offset, zone: None };
    Ok(Some(WindowCall { input, time, shape, columns, asked, partition, span }))
}

fn asked_time(name: &str) -> (&str, Option<AskedTime>) {
    match (name.strip_suffix(ASKED_ROWTIME), name.strip_suffix(ASKED_PROCTIME)) {
        (Some(plain), _) => (plain, Some(AskedTime::Event)),
        (_, Some(plain)) => (plain, Some(AskedTime::Processing)),
        (None, None) => (name, None),
    }
}

/// The arguments of a `TABLE(f(..))` or `f(..)` in FROM, if the relation is a call.
pub(crate) fn call_of(relation: &TableFactor) -> Option<(&ObjectName, &[FunctionArg])> {
    match relation {
        TableFactor::TableFunction { expr: Expr::Function(function), .. } => match &function.args {
            FunctionArguments::List(list) => Some((&function.name, &list.args)),
            _ => Some((&function.name, &[])),
        },
        TableFactor::Table { name, args: Some(args), .. } => Some((name, &args.args)),
        _ => None,
    }
}

fn bind<'a>(
    args: &'a [FunctionArg],
    parameters: &[&'static str],
    span: Span,
    usage: &str,
) -> Result<Vec<(&'static str, &'a Expr)>, Problem> {
    let mut bound: Vec<(&'static str, &Expr)> = Vec::new();
    for (position, arg) in args.iter().enumerate() {
        let (parameter, value) = match arg {
            FunctionArg::Unnamed(value) => {
                let parameter = parameters.get(position).copied().ok_or_else(|| {
                    Problem::new(arg.span(), "too many arguments for a window")
                        .label("not expected")
                        .help(usage)
                })?;
                (parameter, value)
            }
            FunctionArg::Named { name, arg, .. } => {
                let wanted = name.value.to_uppercase();
                let parameter =
                    parameters.iter().find(|parameter| **parameter == wanted).copied().ok_or_else(|| {
                        Problem::new(name.span, format!("unknown argument `{}`", name.value))
                            .label("not an argument")
                            .help(
                                did_you_mean(&wanted, parameters.iter().copied())
                                    .unwrap_or_else(|| format!("arguments are {}", parameters.join(", "))),
                            )
                    })?;
                (parameter, arg)
            }
            FunctionArg::ExprNamed { .. } => {
                return Err(Problem::new(arg.span(), "expected a named argument")
                    .label("not a name")
                    .help(usage));
            }
        };
        let FunctionArgExpr::Expr(expr) = value else {
            return Err(Problem::new(span, "`*` is not an argument of a window")
                .label("in this call")
                .help(usage));
        };
        if bound.iter().any(|(other, _)| *other == parameter) {
            return Err(Problem::new(arg.span(), format!("{parameter} is given twice")).label("again"));
        }
        bound.push((parameter, expr));
    }
    Ok(bound)
}

/// The table of a window and the columns of its PARTITION BY.
fn input_of(expr: &Expr) -> Result<(TableFactor, Vec<Ident>), Problem> {
    let arguments = match expr {
        Expr::Function(function) if function.name.to_string() == PARTITIONED => &function.args,
        _ => return Ok((table_of(expr)?, Vec::new())),
    };
    let FunctionArguments::List(list) = arguments else { return Err(not_a_table(expr)) };
    let mut arguments = list.args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    let table = table_of(arguments.next().ok_or_else(|| not_a_table(expr))?)?;
    let columns = arguments.filter_map(|expr| match expr {
        Expr::Identifier(ident) => Some(ident.clone()),
        _ => None,
    });
    Ok((table, columns.collect()))
}

fn table_of(expr: &Expr) -> Result<TableFactor, Problem> {
    let query: Box<Query> = match expr {
        Expr::Function(function) if function.name.to_string() == TABLE_ARGUMENT => {
            return match &function.args {
                FunctionArguments::List(list) => match list.args.as_slice() {
                    [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts)))] => {
                        Ok(table(parts))
                    }
                    _ => Err(not_a_table(expr)),
                },
                _ => Err(not_a_table(expr)),
            };
        }
        Expr::Subquery(query) => query.clone(),
        _ => return Err(not_a_table(expr)),
    };
    Ok(TableFactor::Derived { lateral: false, subquery: query, alias: None, sample: None })
}

fn not_a_table(expr: &Expr) -> Problem {
    let help = match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => format!("write `TABLE {expr}`"),
        _ => "write `TABLE t`, or a query in parentheses".to_owned(),
    };
    Problem::new(expr.span(), "the first argument of a window is a table").label("not a table").help(help)
}

/// A table by name.
pub(crate) fn table(parts: &[Ident]) -> TableFactor {
    TableFactor::Table {
        name: ObjectName(parts.iter().cloned().map(ObjectNamePart::Identifier).collect()),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

fn time_of(expr: &Expr) -> Result<Ident, Problem> {
    let wrong = || {
        Problem::new(expr.span(), "the second argument of a window is DESCRIPTOR(column)")
            .label("not a descriptor")
            .help("write DESCRIPTOR(ts), where ts is the column with the WATERMARK, or PROCTIME()")
    };
    let Expr::Function(function) = expr else { return Err(wrong()) };
    if !function.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") {
        return Err(wrong());
    }
    let FunctionArguments::List(list) = &function.args else { return Err(wrong()) };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(ident)))] => Ok(ident.clone()),
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts)))] => {
            parts.last().cloned().ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn positive(expr: &Expr, what: &str) -> Result<i64, Problem> {
    let micros = duration_micros(expr)?;
    if micros > 0 {
        return Ok(micros);
    }
    Err(Problem::new(expr.span(), format!("the {what} of a window must be positive")).label("not positive"))
}

/// Flink wants a size that is a whole number of slides.
fn check_slide(slide: i64, size: i64, span: Span) -> Result<i64, Problem> {
    if size % slide == 0 {
        return Ok(slide);
    }
    let message = if slide > size {
        "the slide of HOP must not be longer than its size"
    } else {
        "the size of HOP must be a whole number of slides"
    };
    Err(Problem::new(span, message)
        .label("the slide")
        .help("the slide comes first: HOP(TABLE t, DESCRIPTOR(ts), slide, size)"))
}

/// Flink wants a size that is a whole number of steps.
fn check_step(step: i64, size: i64, span: Span) -> Result<i64, Problem> {
    if size % step == 0 {
        return Ok(step);
    }
    let message = if step > size {
        "the step of CUMULATE must not be longer than its size"
    } else {
        "the size of CUMULATE must be a whole number of steps"
    };
    Err(Problem::new(span, message)
        .label("the step")
        .help("the step comes first: CUMULATE(TABLE t, DESCRIPTOR(ts), step, size)"))
}
