//! The chart and the images on real nodes: kubelet, containerd, a network of pods, DNS, and an S3 server beside them.
//!
//! `scripts/node` makes the cluster, with nothing but addresses of its own, so that this also runs beside other work. What comes out of a
//! job is read where it ends up: rows in the bucket, lines in the logs of containers. This crate never looks into a process.
#![allow(clippy::print_stdout, reason = "steps that take minutes say where they are")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]

mod cluster;
mod job;
mod logs;
mod rows;

pub use cluster::{Cluster, Programs};
pub use job::{Job, Manifest, is_ready};
pub use logs::{Line, Logs, longest_pause_s};
pub use rows::{Row, check, rows};
