//! The chart and what is made of it, as tests see it: rendered by Helm's own code, and judged by that of Argo CD, Flux and Prometheus.
//!
//! The programs are built by `scripts/install gitops` from the Go module in `tests/gitops`. This crate never reads a template itself: what
//! it compares is what a user's Helm makes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod chart;
mod judge;
mod program;
mod recorded;
mod values;

pub use chart::{CHART, Rendered, render, render_as};
pub use judge::{Verdict, Verdicts, judge};
pub use program::program;
pub use recorded::recorded;
pub use values::{Documented, documented};
