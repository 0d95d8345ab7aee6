//! The compiled job: a job graph with what each of its operators computes.
//!
//! Produced by `sql`, consumed by `operators` and `worker`. The skeleton (`model::graph::JobGraph`) is plain data for the
//! job master; the specifications here hold Arrow schemas and compiled expressions. This crate computes nothing
//! but which window a time belongs to.

mod aggregate;
mod job;
mod operator;
mod state_ttl;
mod window;
mod window_zone;

pub use aggregate::{AggregateCall, partial_schema, state_fields};
pub use job::{CompiledChain, CompiledJob};
pub use operator::{
    CalcSpec, GroupAggregateSpec, LocalAggregateSpec, OperatorSpec, SinkSpec, SinkTarget, SourceSpec,
    WatermarkSpec, WindowAggregateSpec, WindowAssignSpec, WindowField,
};
pub use state_ttl::{StateTtl, TtlTime};
pub use window::{WindowKind, WindowSpec};
pub use window_zone::WindowZone;
