//! SQL text to a compiled job, in Flink's dialect.
//!
//! The way of a text: `source_text` fills in variables; `dialect` reads statements, under limits that keep every recursion
//! bounded; `check` refuses clauses that cannot run; `rewrite` gives literals, names and windows Flink's meaning; `plan`
//! resolves names and types through DataFusion; `lower` makes operators, chains and stable identities; `explain` shows
//! them. What is wrong comes back as [`Diagnostics`]: what, where, and what to write instead.
//!
//! This crate never reads a file, a clock or the network, and never runs a query. Beside `expr` it is the only crate that
//! names DataFusion; nothing of it leaves. Example: `INSERT INTO out SELECT k, COUNT(*) FROM t GROUP BY k` becomes two
//! chains, `source -> local aggregate` and `aggregate -> sink`, joined by an exchange by key group.

mod catalog;
mod check;
mod compile;
mod diagnostic;
mod dialect;
mod explain;
mod lower;
mod plan;
mod rewrite;
mod settings;
mod source_text;

pub use compile::{CompileOptions, Compiled, compile};
pub use diagnostic::{Diagnostic, Diagnostics, Span};
pub use explain::{Explanation, PlanNode};
