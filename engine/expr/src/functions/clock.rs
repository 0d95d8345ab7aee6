//! The functions that read the clock: `CURRENT_TIMESTAMP`, `NOW`, `CURRENT_ROW_TIMESTAMP`, `PROCTIME`, `LOCALTIMESTAMP`,
//! `CURRENT_DATE`, `CURRENT_TIME`, `LOCALTIME` and `UNIX_TIMESTAMP()`.
//!
//! Owns that no clock is ever read here: before an expression is compiled, [`bind`] turns every call into a function of a
//! column that holds the time, which whoever evaluates the expression hands in. So all calls of one evaluation see the same
//! time, the optimizer finds nothing to compute in advance, and a test says what time it is. For example at 1704067200123 in
//! `Europe/Berlin`, `LOCALTIMESTAMP` is 2024-01-01 01:00:00.123 and `UNIX_TIMESTAMP()` is 1704067200.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, Result, exec_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{Expr, ScalarUDF};

use super::definition::{Call, Definition, FlinkFunction, Parameter, Returns};
use crate::calendar::Moment;
use crate::types::SqlType;
use crate::zone;

/// The function behind processing-time attributes.
const PROCTIME: &str = "proctime";

/// Functions as the user calls them, their other names, and the function of a time that stands behind each.
const CLOCKS: [(&str, &[&str], &str, SqlType); 6] = [
    ("current_timestamp", &["now", "current_row_timestamp"], "$instant_of", SqlType::TimestampLtz(3)),
    // The planner tells it from the others: a column that is one is a time attribute.
    (PROCTIME, &[], "$instant_of", SqlType::TimestampLtz(3)),
    ("localtimestamp", &[], "$wall_clock_of", SqlType::Timestamp(3)),
    ("current_date", &[], "$date_of", SqlType::Date),
    ("current_time", &["localtime"], "$time_of_day_of", SqlType::Time(0)),
    // UNIX_TIMESTAMP with arguments reads a text instead.
    ("$unix_timestamp", &[], "$unix_seconds_of", SqlType::BigInt),
];

pub(super) fn definitions() -> Vec<Definition> {
    let mut all: Vec<Definition> = Vec::new();
    for (name, aliases, behind, sql_type) in CLOCKS {
        all.push(reading(name, sql_type).aliases(aliases));
        if all.iter().any(|known| known.name == behind) {
            continue;
        }
        let kernel = if sql_type == SqlType::BigInt { unix_seconds } else { wall_clock };
        all.push(Definition::new(behind, &[Parameter::Temporal], Returns::Type(sql_type), kernel));
    }
    all
}

fn reading(name: &'static str, sql_type: SqlType) -> Definition {
    Definition::new(name, &[], Returns::Type(sql_type), never).reading_clock()
}

/// Whether the value of this function depends on when it is asked.
pub(crate) fn reads_clock(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<FlinkFunction>().is_some_and(|own| own.definition().reads_clock)
}

/// Whether `expr` is a call of `PROCTIME` and nothing else.
#[must_use]
pub fn is_proctime(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if reads_clock(&call.func) && call.func.name() == PROCTIME)
}

/// A call of `PROCTIME`.
#[must_use]
pub fn proctime() -> Expr {
    let function = FlinkFunction::new(reading(PROCTIME, SqlType::TimestampLtz(3)));
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), Vec::new()))
}

/// Whether some part of `expr` reads the clock.
pub fn has_clock(expr: &Expr) -> bool {
    let mut found = false;
    // The closure never fails.
    let _ = expr.apply(|node| {
        found = matches!(node, Expr::ScalarFunction(call) if reads_clock(&call.func));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// `expr` with every reading of the clock turned into a function of the column `now`, a `TIMESTAMP_LTZ(3)`.
pub(crate) fn bind(expr: Expr, now: &str) -> Result<Expr> {
    let bound = expr.transform_up(|node| match node {
        Expr::ScalarFunction(call) if reads_clock(&call.func) => {
            let behind = CLOCKS.iter().find(|(name, ..)| *name == call.func.name());
            match behind.and_then(|(_, _, behind, _)| super::function(behind)) {
                Some(function) => {
                    let time = Expr::Column(Column::from_name(now));
                    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![time]))))
                }
                None => exec_err!("nothing stands behind {}", call.func.name()),
            }
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(bound.data)
}

/// Constant folding asks a function directly; refusing leaves the call for [`bind`].
fn never(call: &Call<'_>) -> Result<ArrayRef> {
    exec_err!("{} reads the clock", call.name.to_uppercase())
}

/// The instant itself, or the session's wall clock at it, as far as the type of the result goes.
fn wall_clock(call: &Call<'_>) -> Result<ArrayRef> {
    let moments = call.moments(0)?;
    let stays = SqlType::from_arrow(call.return_type) == Some(SqlType::TimestampLtz(3));
    let is_time = SqlType::from_arrow(call.return_type) == Some(SqlType::Time(0));
    call.temporals(|row| {
        let Some(moment) = moments.get(row) else { return Ok(None) };
        if stays {
            return Ok(Some(moment));
        }
        let nanos = if is_time { 0 } else { moment.nanos };
        Ok(Some(Moment::new(zone::to_local(call.zone, moment.seconds), nanos)))
    })
}

fn unix_seconds(call: &Call<'_>) -> Result<ArrayRef> {
    let moments = call.moments(0)?;
    call.bigints(|row| Ok(moments.get(row).map(|moment| moment.seconds)))
}
