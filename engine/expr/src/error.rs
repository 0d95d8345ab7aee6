//! What can go wrong when an expression is planned, compiled or evaluated.
//!
//! Owns the one error type of this crate and the way an error travels through DataFusion and comes out again: a
//! kernel raises a [`ValueError`] as an external error, and `CompiledExpr` unwraps it, so that a user reads
//! `cannot cast 'abc' to INT` and never DataFusion's own prefixes.

use std::error::Error as StdError;

use datafusion_common::DataFusionError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ExprError {
    /// The expression cannot be turned into something that runs.
    #[error("cannot compile {expression}: {reason}")]
    Compile {
        /// The expression as text.
        expression: String,
        /// Why, without the expression.
        reason: String,
    },
    /// A row's value does not allow the operation; the user's query or data must change.
    #[error("{expression}: {source}")]
    Value {
        /// The expression that was being evaluated.
        expression: String,
        /// The value and the operation.
        source: ValueError,
    },
    /// Evaluation failed in Arrow or DataFusion for a reason that names no value.
    #[error("cannot evaluate {expression}: {reason}")]
    Evaluate {
        /// The expression that was being evaluated.
        expression: String,
        /// Why, without the expression.
        reason: String,
    },
    /// An aggregate function does not take an argument of this type.
    #[error("{function} does not take an argument of type {argument}; {expected}")]
    AggregateArgument {
        /// The function's name in upper case.
        function: &'static str,
        /// The type that was given, in Flink's spelling.
        argument: String,
        /// What it takes, as a half sentence.
        expected: &'static str,
    },
}

/// A value for which an operation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A cast of a value that does not look like the target type.
    #[error("cannot cast '{value}' to {target}")]
    Cast {
        /// The value as text.
        value: String,
        /// The target in Flink's spelling.
        target: String,
    },
    /// An integer or decimal divided by zero.
    #[error("division of {dividend} by zero")]
    DivisionByZero {
        /// The dividend as text.
        dividend: String,
    },
    /// An argument that the function cannot work with.
    #[error("{function}: {reason}")]
    Argument {
        /// The function's name in upper case.
        function: String,
        /// The value and what is wrong with it.
        reason: String,
    },
}

impl ValueError {
    /// Wraps the error so that it travels through DataFusion and is found again by [`value_error`].
    pub(crate) fn raise(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }
}

/// The [`ValueError`] inside `error`, if it was raised by one of our kernels.
pub(crate) fn value_error(error: &DataFusionError) -> Option<ValueError> {
    let mut current: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(inner) = current {
        if let Some(found) = inner.downcast_ref::<ValueError>() {
            return Some(found.clone());
        }
        if let Some(DataFusionError::External(boxed)) = inner.downcast_ref::<DataFusionError>()
            && let Some(found) = boxed.downcast_ref::<ValueError>()
        {
            return Some(found.clone());
        }
        current = inner.source();
    }
    None
}

/// The message of `error` without DataFusion's prefixes and without a request to report a bug.
///
/// `Error during planning: Execution error: x` becomes `x`; the backtrace and the help text behind a blank line go.
pub fn plain_message(error: &DataFusionError) -> String {
    if let Some(value) = value_error(error) {
        return value.to_string();
    }
    let full = error.strip_backtrace();
    let mut text = full.as_str();
    const PREFIXES: [&str; 9] = [
        "Error during planning: ",
        "Execution error: ",
        "Internal error: ",
        "External error: ",
        "Schema error: ",
        "This feature is not implemented: ",
        "Arrow error: ",
        "Cast error: ",
        "Compute error: ",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    match text.find("\nThis issue was likely caused by a bug") {
        Some(at) => text[..at].trim_end_matches(['.', '\n']).to_string(),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_error_is_found_through_every_wrapper() {
        let raised = ValueError::DivisionByZero { dividend: "7".into() };
        let wrapped = raised.clone().raise().context("outer").context("outermost");
        assert_eq!(value_error(&wrapped), Some(raised));
        assert_eq!(plain_message(&wrapped), "division of 7 by zero");
        assert_eq!(value_error(&DataFusionError::Execution("x".into())), None);
    }

    #[test]
    fn prefixes_are_taken_off() {
        let cases = [
            (DataFusionError::Plan("no such thing".into()), "no such thing"),
            (DataFusionError::Execution("Arrow error: Cast error: bad".into()), "bad"),
            (DataFusionError::Internal("oops".into()), "oops"),
        ];
        for (error, expected) in cases {
            assert_eq!(plain_message(&error), expected);
        }
    }
}
