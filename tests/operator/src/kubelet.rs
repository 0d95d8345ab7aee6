//! The node: it watches pods of one namespace and runs them.

mod folder;
mod heartbeat;
mod pod;
mod status;
mod volume;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Config};
use millstream_api::k8s_openapi;
use millstream_test_kube::Kubectl;
use tokio::sync::{oneshot, watch};

/// The image that is the engine of this build.
pub const ENGINE_IMAGE: &str = "millstream.test/engine:1";
/// A pod with this node selector never finds a node.
pub const UNSCHEDULABLE: &str = "millstream.test/nowhere";

/// A node. All of its processes end with it.
pub struct Kubelet {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every pod of a node needs to know.
#[derive(Clone)]
struct Node {
    client: Client,
    namespace: String,
    name: String,
    engine: PathBuf,
}

impl Kubelet {
    /// Runs the pods of this `kubectl`'s namespace.
    pub fn start(kubectl: &Kubectl, engine: PathBuf) -> Self {
        let (end, ended) = oneshot::channel();
        let (kubeconfig, namespace) = (kubectl.kubeconfig().to_owned(), kubectl.namespace().to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config = Kubeconfig::read_from(kubeconfig).unwrap();
                let options = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
                let client = Client::try_from(config).unwrap();
                let node = Node { client, name: format!("node-of-{namespace}"), namespace, engine };
                tokio::select! {
                    () = work(node) => {}
                    _ = ended => {}
                }
            });
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn work(node: Node) {
    tokio::spawn(heartbeat::beat(node.client.clone(), node.name.clone()));
    let pods: Api<Pod> = Api::namespaced(node.client.clone(), &node.namespace);
    let mut running: HashMap<String, watch::Sender<Pod>> = HashMap::new();
    let mut events = std::pin::pin!(watcher(pods, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                let uid = pod.metadata.uid.clone().unwrap();
                match running.get(&uid) {
                    Some(newest) => {
                        newest.send_replace(pod);
                    }
                    None => {
                        let (newest, seen) = watch::channel(pod);
                        running.insert(uid, newest);
                        tokio::spawn(pod::run(node.clone(), seen));
                    }
                }
            }
            Ok(Event::Delete(pod)) => {
                running.remove(&pod.metadata.uid.unwrap());
            }
            Ok(Event::Init | Event::InitDone) => {}
            Err(error) => eprintln!("test kubelet: {error:?}"),
        }
    }
}

/// An address of loopback that no other pod of this machine has, with high probability: 127.x.y.z of the process and a number.
fn new_address() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("127.{}.{}.{}", 20 + std::process::id() % 200, number / 250 % 250, 1 + number % 250)
}
