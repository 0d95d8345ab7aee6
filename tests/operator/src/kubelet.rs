//! The node: it watches pods, of one namespace or of all, and runs them.

mod folder;
mod heartbeat;
mod images;
mod logs;
mod pod;
mod probe;
mod status;
mod token;
mod volume;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::config::{Cluster, KubeConfigOptions, Kubeconfig};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Config};
use millstream_api::k8s_openapi;
use millstream_test_kube::Kubectl;
use tokio::sync::{oneshot, watch};

use logs::Logs;

pub use images::{ENGINE_IMAGE, Images};

/// A pod with this node selector never finds a node.
pub const UNSCHEDULABLE: &str = "millstream.test/nowhere";

/// A node. All of its processes end with it.
pub struct Kubelet {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    processes: Processes,
}

/// Ids of the processes that run, by the names of their pods.
type Processes = Arc<Mutex<BTreeMap<String, u32>>>;

/// Addresses by namespace and name of a pod. One that is made again has the same: here nobody resolves the name of its service anew,
/// as processes in a cluster do with each try to connect.
type Addresses = Arc<Mutex<HashMap<(String, String), String>>>;

/// What every pod of a node needs to know.
#[derive(Clone)]
struct Node {
    client: Client,
    /// Where the API server is, for pods that have a token for it.
    cluster: Cluster,
    /// The namespace of the pod.
    namespace: String,
    name: String,
    images: Arc<Images>,
    processes: Processes,
    addresses: Addresses,
    logs: Logs,
}

impl Kubelet {
    /// Runs the pods of this `kubectl`'s namespace, with this program for the engine.
    pub fn start(kubectl: &Kubectl, engine: PathBuf) -> Self {
        let namespace = kubectl.namespace().to_owned();
        let images = Images::default().with(ENGINE_IMAGE, engine);
        Self::run(kubectl, format!("node-of-{namespace}"), Some(namespace), images)
    }

    /// Runs the pods of all namespaces.
    pub fn of_all_namespaces(kubectl: &Kubectl, images: Images) -> Self {
        Self::run(kubectl, "node".to_owned(), None, images)
    }

    fn run(kubectl: &Kubectl, name: String, namespace: Option<String>, images: Images) -> Self {
        let (end, ended) = oneshot::channel();
        let processes = Processes::default();
        let running = processes.clone();
        let kubeconfig = kubectl.kubeconfig().to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config = Kubeconfig::read_from(kubeconfig).unwrap();
                let cluster = config.clusters[0].cluster.clone().unwrap();
                let options = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
                let client = Client::try_from(config).unwrap();
                let node = Node {
                    client,
                    cluster,
                    // Of a pod, this is its own.
                    namespace: String::new(),
                    name,
                    images: Arc::new(images),
                    processes: running,
                    addresses: Addresses::default(),
                    logs: Logs::default(),
                };
                tokio::select! {
                    () = work(node, namespace) => {}
                    _ = ended => {}
                }
            });
        });
        Self { end: Some(end), thread: Some(thread), processes }
    }

    /// Sends a signal, such as `KILL` or `STOP`, to the process of a pod, behind the back of everybody.
    ///
    /// # Panics
    /// If no process of that pod runs.
    pub fn signal(&self, pod: &str, signal: &str) {
        let processes = self.processes.lock().unwrap();
        let id = processes.get(pod).unwrap_or_else(|| panic!("{pod} does not run: {processes:?}"));
        let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status().unwrap();
        assert!(sent.success(), "kill -{signal} {id}");
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

impl Node {
    fn address(&self, pod: &Pod) -> String {
        let key = (self.namespace.clone(), pod.metadata.name.clone().unwrap());
        self.addresses.lock().unwrap().entry(key).or_insert_with(new_address).clone()
    }
}

async fn work(node: Node, namespace: Option<String>) {
    let port = logs::serve(node.logs.clone()).await;
    tokio::spawn(heartbeat::beat(node.client.clone(), node.name.clone(), port));
    let pods: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(node.client.clone(), &namespace),
        None => Api::all(node.client.clone()),
    };
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
                        let namespace = seen.borrow().metadata.namespace.clone().unwrap_or_default();
                        tokio::spawn(pod::run(Node { namespace, ..node.clone() }, seen));
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
