//! Typed expressions with Flink's semantics, compiled to run over Arrow batches.
//!
//! This crate owns Flink's SQL types, its built-in scalar functions, casts, arithmetic and comparison rules, the result
//! types of aggregates, and [`CompiledExpr`], the only form in which an expression leaves it. Beside `sql` it is the only
//! crate that names DataFusion: operators see [`CompiledExpr`] and nothing below it.
//!
//! This crate never reads a clock (the time is handed in), a file or the network, and it never plans a query: it answers what one expression
//! means and what it is for a batch. For example `CAST('5.7' AS INT) + 1` over a batch of 3 rows is a column of three
//! `Int32` with the value 6.
//!
//! The way of an expression: the planner of the `sql` crate asks [`scalar_functions`], [`aggregate_functions`] and
//! [`expr_planners`] while it turns SQL into a DataFusion `Expr`, gives it Flink's types with [`coerce()`], lets the
//! analyzer coerce what is left, and hands the result to [`CompiledExpr::compile`].

pub mod aggregate;
pub mod cast;
pub mod coerce;
pub mod compiled;
pub mod error;
pub mod functions;
pub mod planner;
pub mod types;
pub mod zone;

mod calendar;
mod choice;
mod column;
mod decimal;
mod interval;
mod java;
mod lazy;
mod pattern;
mod row_field;
mod type_of;
mod unify;

pub use aggregate::{AggregateKind, aggregate_functions, result_type};
pub use cast::{can_cast, cast, type_field};
pub use coerce::{coerce, coerce_plan};
pub use compiled::CompiledExpr;
pub use error::{ExprError, ValueError, plain_message};
pub use functions::{has_clock, is_proctime, proctime, scalar_functions};
pub use planner::expr_planners;
pub use row_field::{field_access, field_of};
pub use types::{ColumnType, SqlType, type_name};

#[cfg(test)]
mod testing;
