//! The chart as users and their clusters see it. Filters select a subject: `cargo test -p millstream-test-chart --test chart rbac`.
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod crds;
mod health;
mod images;
mod manifests;
mod metrics;
mod rbac;
mod render;
mod rules;
mod running;
mod schema;
mod settings;
mod values;
