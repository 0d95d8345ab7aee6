//! StreamSnapshots: observed, decided on by [`millstream_lifecycle::decide_snapshot()`], and acted on.
//!
//! | module | owns |
//! |---|---|
//! | `kept` | what of a StreamSnapshot is kept in memory |
//! | `listing` | the snapshots of each job, for the job's own decisions |
//! | `pods` | pods that work for snapshots |
//! | `calls` | orders for savepoints, given in the background |
//! | `observe` | one snapshot with everything that its decision needs |
//! | `act` | carrying out what was decided |
//! | `scheduled` | snapshots that a job's schedule makes and discards |
//! | [`run()`] | starting and ending all of it |

mod act;
mod calls;
mod kept;
mod listing;
mod observe;
mod pods;
mod run;
pub(crate) mod scheduled;

pub(crate) use listing::Listing;
pub(crate) use run::run;

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use millstream_api::StreamSnapshot;

/// Namespace and name of a StreamSnapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotKey {
    namespace: String,
    name: String,
}

/// StreamSnapshots of a namespace, as they are stored.
fn stored(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<StreamSnapshot>(&());
    Api::namespaced_with(client.clone(), namespace, &resource)
}
