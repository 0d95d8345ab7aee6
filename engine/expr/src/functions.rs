//! Flink's built-in scalar functions under Flink's names, with Flink's types.
//!
//! Owns the table of functions; each subject has a file below `functions/`, and `definition` is the shape that all share.
//! Names are registered in lower case, the planner looks them up whatever their case. No function reads a clock or is
//! random: `CURRENT_TIMESTAMP` and its kin are not here. Strings count in Unicode code points everywhere (Flink counts in
//! UTF-16 units in `LPAD`, `RPAD` and `OVERLAY`, which differs only beyond U+FFFF), and positions begin at 1.

mod arithmetic;
mod conditional;
mod definition;

use std::sync::{Arc, LazyLock};

use datafusion_common::Result;
use datafusion_expr::expr::Like;
use datafusion_expr::{Expr, ScalarUDF};

pub(crate) use arithmetic::ArithmeticFunction;
pub(crate) use conditional::Conditional;
use definition::{Definition, FlinkFunction};

/// All functions, for the planner. The order is that of the subjects and has no meaning.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let subjects: [fn() -> Vec<Definition>; 1] = [conditional::definitions];
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

/// Whether some value of a row can make the function fail; true when it is not known.
pub(crate) fn can_fail(function: &ScalarUDF) -> bool {
    match function.inner().downcast_ref::<FlinkFunction>() {
        Some(own) => own.definition().can_fail,
        None => true,
    }
}

/// Whether this is `ROUND` or `TRUNCATE` as the user wrote it.
pub(crate) fn is_rounding(_function: &ScalarUDF) -> bool {
    false
}

pub(crate) fn inner_rounding(function: &Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    function.clone()
}

pub(crate) fn similar_to(like: Like) -> Result<Expr> {
    Ok(Expr::SimilarTo(like))
}
