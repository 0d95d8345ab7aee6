//! Many jobs on the real API server, with pods and engines that cost nothing: what is measured is the operator.

mod coordinator;
mod node;
mod process;
mod seen;

use std::path::Path;
use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use millstream_api::StreamJob;
use millstream_test_kube::Kubectl;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

pub use process::{Measured, Usage};
pub use seen::Seen;

/// A namespace with a node, and an operator that looks after it.
pub struct Fleet {
    jobs: Api<DynamicObject>,
    /// What the API server tells of the jobs.
    pub seen: Seen,
    /// The operator.
    pub operator: Measured,
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Starts the node and the operator. Nothing of them outlives it.
    pub async fn start(kubectl: &Kubectl, operator: &Path) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubectl.kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let namespace = kubectl.namespace();
        let resource = ApiResource::erase::<StreamJob>(&());
        let jobs: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let seen = Seen::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(node::run(client.clone(), namespace.to_owned()));
        tasks.spawn(seen.clone().watch(jobs.clone()));
        let operator = Measured::start(operator, kubectl);
        Self { jobs, seen, operator, _tasks: tasks }
    }

    /// Creates jobs, so many in a second.
    ///
    /// # Panics
    /// If one is refused.
    pub async fn create(&self, names: impl Iterator<Item = String>, per_second: f64) {
        let began = Instant::now();
        for (number, name) in names.enumerate() {
            let due = Duration::from_secs_f64(f64::from(u32::try_from(number).unwrap()) / per_second);
            sleep(due.saturating_sub(began.elapsed())).await;
            let job = json!({
                "apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "metadata": {"name": name},
                "spec": {
                    "sql": "SELECT 1", "state": {"storage": format!("s3://bucket/{name}")},
                    "stability": {"minRunning": "1s", "minCheckpoints": 1},
                },
            });
            self.seen.applied(&name);
            let job = serde_json::from_value(job).unwrap();
            self.jobs.create(&PostParams::default(), &job).await.unwrap();
        }
    }

    /// Waits until so many jobs are ready and nothing was told of any for a while.
    ///
    /// # Panics
    /// If that takes longer than the limit.
    pub async fn settle(&self, count: usize, limit: Duration) {
        const QUIET: Duration = Duration::from_secs(20);
        let began = Instant::now();
        while self.seen.ready() < count || self.seen.quiet() < QUIET {
            assert!(
                began.elapsed() < limit,
                "{} of {count} jobs are ready after {limit:?}, the last change was {:?} ago\n{}",
                self.seen.ready(),
                self.seen.quiet(),
                self.operator.last_words()
            );
            sleep(Duration::from_millis(500)).await;
        }
    }
}
