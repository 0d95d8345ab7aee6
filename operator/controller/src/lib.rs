//! The only code that talks to Kubernetes: it sees, hands what it saw to [`millstream_lifecycle::decide()`], and does what comes back.
//!
//! | module | owns |
//! |---|---|
//! | [`Surroundings`] | the cluster, the coordinators and the clock, which tests replace |
//! | [`observe`] | from Kubernetes' objects and the engine's words to facts; pure |
//! | `children` | what is known of the objects that belong to jobs, kept up to date by watches |
//! | `engines` | what coordinators say: one that runs is asked again and again, in the background |
//! | `calls` | orders to coordinators, given in the background |
//! | `reconcile` | one look at one job: observe, decide, act |
//! | `snapshots` | the same for StreamSnapshots |
//! | `sql_maps` | the config maps that jobs have their SQL in |
//! | `act`, `apply` | carrying out what was decided |
//! | `denials` | what the API server did not let be made |
//! | `certify`, `certificates` | certificates of deployments: writing them, making them |
//! | `identity`, `credentials` | the operator's own certificate, and by what it knows coordinators |
//! | `writes` | statuses that this process wrote and has not seen in its watch yet |
//! | `metrics`, `http` | what was counted, and whether the operator is well |
//! | `leadership` | which of several operators acts |
//! | [`run()`] | starting and ending all of it |
//!
//! Nothing is decided here, and nothing in a reconcile waits for an engine: what a coordinator says is what it said last.

mod act;
mod api_calls;
mod apply;
pub mod args;
mod calls;
mod certificates;
mod certify;
mod children;
mod clock;
mod context;
mod credentials;
mod denials;
mod engine_client;
mod engines;
mod http;
mod identity;
mod leadership;
mod line;
mod metrics;
mod named;
pub mod observe;
mod reconcile;
mod run;
mod snapshots;
mod sql_maps;
mod watch;
mod writes;

pub use clock::Clock;
pub use line::{Dialer, Line, Network};
pub use named::NamespacedName;
pub use run::{Surroundings, operate, run};
