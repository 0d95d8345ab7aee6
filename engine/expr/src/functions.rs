//! Flink's built-in scalar functions under Flink's names, with Flink's types.
//!
//! Owns the table of functions; each subject has a file below `functions/`, and `definition` is the shape that all share.
//! Names are registered in lower case, the planner looks them up whatever their case. No function is
//! random, and those that read the clock are given the time (see `clock`). Strings count in Unicode code points everywhere (Flink counts in
//! UTF-16 units in `LPAD`, `RPAD` and `OVERLAY`, which differs only beyond U+FFFF), and positions begin at 1.

mod arithmetic;
mod clock;
mod conditional;
mod datetime;
mod definition;
mod encoding;
mod json;
mod math;
mod regex;
mod rounding;
mod string;

use std::sync::{Arc, LazyLock};

use datafusion_expr::ScalarUDF;

pub(crate) use arithmetic::ArithmeticFunction;
pub(crate) use clock::{bind, reads_clock};
pub use clock::{has_clock, is_proctime, proctime};
pub(crate) use conditional::Conditional;
use definition::{Definition, FlinkFunction};
pub(crate) use regex::{like, similar_to};

use crate::row_field::is_field_access;

/// All functions, for the planner. The order is that of the subjects and has no meaning.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let subjects: [fn() -> Vec<Definition>; 9] = [
        clock::definitions,
        string::definitions,
        math::definitions,
        rounding::definitions,
        conditional::definitions,
        datetime::definitions,
        regex::definitions,
        encoding::definitions,
        json::definitions,
    ];
    let mut functions: Vec<Arc<ScalarUDF>> = subjects
        .into_iter()
        .flat_map(|definitions| definitions())
        .map(|definition| Arc::new(ScalarUDF::from(FlinkFunction::new(definition))))
        .collect();
    functions.push(Arc::new(ScalarUDF::from(ArithmeticFunction::modulo())));
    functions
});

/// The function registered as `name`, in lower case.
pub(crate) fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    let known = |function: &&Arc<ScalarUDF>| {
        function.name() == name || function.aliases().iter().any(|alias| alias == name)
    };
    FUNCTIONS.iter().find(known).cloned()
}

/// Which conditional function this is, if it is one.
pub(crate) fn conditional(function: &ScalarUDF) -> Option<Conditional> {
    function.inner().downcast_ref::<FlinkFunction>()?.definition().conditional
}

/// Whether this is the function behind one of the operators `+ - * / %`.
pub(crate) fn is_arithmetic(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<ArithmeticFunction>().is_some()
}

/// Whether some value of a row can make the function fail; true when it is not known.
pub(crate) fn can_fail(function: &ScalarUDF) -> bool {
    match function.inner().downcast_ref::<FlinkFunction>() {
        Some(own) => own.definition().can_fail,
        None => !is_field_access(function),
    }
}

/// The function behind `ROUND` or `TRUNCATE` that keeps the scale of a decimal, if `function` is one of these two as the
/// user calls them.
pub(crate) fn rounding_in_place(function: &ScalarUDF) -> Option<Arc<ScalarUDF>> {
    match function.inner().downcast_ref::<FlinkFunction>()?.definition().name {
        "round" => self::function("round_in_place"),
        "truncate" => self::function("truncate_in_place"),
        _ => None,
    }
}

#[cfg(test)]
mod extreme_test;
