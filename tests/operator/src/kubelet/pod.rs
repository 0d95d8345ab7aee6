//! The life of one pod.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use millstream_api::k8s_openapi::api::core::v1::{Container, Pod};
use serde_json::json;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::folder::{Folder, resolved};
use super::logs::previous;
use super::probe::{PROBE, Probe, is_ready};
use super::status::Status;
use super::{Node, UNSCHEDULABLE};

/// The pause before a container is started again, which grows at a kubelet.
const RESTART: Duration = Duration::from_secs(1);

/// Runs a pod from its binding to its end.
pub(super) async fn run(node: Node, mut seen: watch::Receiver<Pod>) {
    let pod = seen.borrow().clone();
    let ip = node.address(&pod);
    let mut status = Status::new(&node, &pod, &ip);
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.clone()).unwrap_or_default();
    if selector.contains_key(UNSCHEDULABLE) {
        return status.unschedulable().await;
    }
    if pod.metadata.deletion_timestamp.is_none() {
        bind(&node, &pod).await;
        work(&node, &pod, &mut status, &ip, &mut seen).await;
    }
    // Also one that has ended stays until somebody deletes it.
    wait_for_deletion(&mut seen).await;
    remove(&node, &pod).await;
}

async fn work(node: &Node, pod: &Pod, status: &mut Status, ip: &str, seen: &mut watch::Receiver<Pod>) {
    let container = pod.spec.as_ref().unwrap().containers[0].clone();
    let Some(program) = node.images.program(container.image.as_deref()) else {
        status.waiting("ErrImagePull", "no such image").await;
        sleep(Duration::from_millis(500)).await;
        return status.waiting("ImagePullBackOff", "Back-off pulling image").await;
    };
    status.waiting("ContainerCreating", "").await;
    let Some(folder) = until_deleted(seen, volumes(node, pod, &container)).await else { return };
    let policy = pod.spec.as_ref().unwrap().restart_policy.clone();
    let is_restarted = |code: i32| match policy.as_deref() {
        Some("Never") => false,
        Some("OnFailure") => code != 0,
        _ => true,
    };
    let _readable = Readable::new(node, pod, &folder);
    loop {
        let command = command(node, program, &container, &folder, pod, ip);
        let Some(command) = until_deleted(seen, command).await else {
            return;
        };
        let Some(ended) = attend(node, &folder, command, pod, status, seen).await else { return };
        let code = ended.code().unwrap_or(137);
        if !is_restarted(code) {
            return status.ended(code, &folder.message(code, &container)).await;
        }
        status.restarted();
        status.waiting("CrashLoopBackOff", "back-off restarting failed container").await;
        if until_deleted(seen, sleep(RESTART)).await.is_none() {
            return;
        }
    }
}

async fn volumes(node: &Node, pod: &Pod, container: &Container) -> Folder {
    loop {
        match Folder::make(node, pod, container).await {
            Ok(folder) => return folder,
            Err(_) => sleep(PROBE).await,
        }
    }
}

/// The process of a container; waits until the services that it names have somebody behind them, as DNS would make it fail until then.
async fn command(
    node: &Node,
    program: &Path,
    container: &Container,
    folder: &Folder,
    pod: &Pod,
    ip: &str,
) -> Command {
    let name = pod.metadata.name.clone().unwrap();
    let mut command = Command::new(program);
    command.env("HOSTNAME", &name).env_remove("KUBECONFIG");
    if let Some(kubeconfig) = folder.kubeconfig(node) {
        command.env("KUBECONFIG", kubeconfig);
    }
    for argument in container.args.iter().flatten() {
        let argument = loop {
            match resolved(node, argument).await {
                Ok(argument) => break argument,
                Err(_) => sleep(PROBE).await,
            }
        };
        command.arg(folder.meant(&argument, ip, &name));
    }
    for variable in container.env.iter().flatten() {
        if let Some(value) = &variable.value {
            command.env(&variable.name, folder.meant(value, ip, &name));
        }
    }
    // Of an earlier container of this pod.
    let _ = std::fs::rename(folder.log(), previous(&folder.log()));
    let log = File::options().create(true).append(true).open(folder.log()).unwrap();
    let also = log.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(log).stderr(also).kill_on_drop(true);
    command
}

/// Runs a process to its end; `None` when the pod was deleted meanwhile, and the process ended for that.
async fn attend(
    node: &Node,
    folder: &Folder,
    mut command: Command,
    pod: &Pod,
    status: &Status,
    seen: &mut watch::Receiver<Pod>,
) -> Option<ExitStatus> {
    let mut child = command.spawn().unwrap();
    let _listed = Listed::new(node, pod, &child);
    status.running(false).await;
    let mut was_ready = false;
    let mut keeping = std::pin::pin!(folder.keep(node));
    let probe = Probe::of(&pod.spec.as_ref().unwrap().containers[0], status.ip());
    loop {
        tokio::select! {
            ended = child.wait() => return ended.ok(),
            () = wait_for_deletion(seen) => {
                end(&mut child, pod).await;
                return None;
            }
            () = &mut keeping => {}
            is_ready = is_ready(probe.as_ref()) => if is_ready != was_ready {
                was_ready = is_ready;
                status.running(is_ready).await;
            }
        }
    }
}

/// A log that `kubectl logs` can show, until this is dropped.
struct Readable<'a> {
    node: &'a Node,
    pod: String,
}

impl<'a> Readable<'a> {
    fn new(node: &'a Node, pod: &Pod, folder: &Folder) -> Self {
        let pod = pod.metadata.name.clone().unwrap();
        node.logs.add(&node.namespace, &pod, folder.log());
        Self { node, pod }
    }
}

impl Drop for Readable<'_> {
    fn drop(&mut self) {
        self.node.logs.remove(&self.node.namespace, &self.pod);
    }
}

/// A process that can be signalled, until this is dropped.
struct Listed<'a> {
    node: &'a Node,
    pod: String,
}

impl<'a> Listed<'a> {
    fn new(node: &'a Node, pod: &Pod, child: &Child) -> Self {
        let pod = pod.metadata.name.clone().unwrap();
        node.processes.lock().unwrap().insert(pod.clone(), child.id().unwrap());
        Self { node, pod }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.node.processes.lock().unwrap().remove(&self.pod);
    }
}

/// SIGTERM, and SIGKILL when the grace is over.
async fn end(child: &mut Child, pod: &Pod) {
    let Some(id) = child.id() else { return };
    let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
    let _ = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
    let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
    if timeout(grace, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

async fn wait_for_deletion(seen: &mut watch::Receiver<Pod>) {
    // An error: the pod is gone altogether.
    let _ = seen.wait_for(|pod| pod.metadata.deletion_timestamp.is_some()).await;
}

async fn until_deleted<T>(seen: &mut watch::Receiver<Pod>, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = what => Some(done),
        () = wait_for_deletion(seen) => None,
    }
}

async fn bind(node: &Node, pod: &Pod) {
    let name = pod.metadata.name.clone().unwrap();
    let pods: Api<Pod> = Api::namespaced(node.client.clone(), &node.namespace);
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node.name},
    });
    // One that is bound already was seen before this node was started again.
    let _: Result<serde_json::Value, _> =
        pods.create_subresource("binding", &name, &PostParams::default(), &binding).await;
}

async fn remove(node: &Node, pod: &Pod) {
    let pods: Api<Pod> = Api::namespaced(node.client.clone(), &node.namespace);
    let parameters = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions { uid: pod.metadata.uid.clone(), resource_version: None }),
        ..DeleteParams::default()
    };
    let _ = pods.delete(pod.metadata.name.as_ref().unwrap(), &parameters).await;
}
