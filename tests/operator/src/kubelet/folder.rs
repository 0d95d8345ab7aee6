//! A pod's volumes as folders, and what its arguments mean here.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use kube::Api;
use millstream_api::k8s_openapi::api::core::v1::{Container, Pod, Service, Volume};

use super::volume::{disk, fill};
use super::{Node, token};

/// How often volumes are brought up to date: a kubelet takes a minute or more.
const SYNC: Duration = Duration::from_secs(1);

/// How much of a log a kubelet takes for a termination message.
const LOG_BYTES: usize = 2_048;

/// A pod's files. Removed with it.
pub(super) struct Folder {
    root: tempfile::TempDir,
    pod: Pod,
    /// Volumes that change, and their folders.
    volumes: Vec<(Volume, PathBuf)>,
    /// Paths in the container, and where they are.
    mounts: Vec<(String, PathBuf)>,
    /// The same for disks only.
    disks: Vec<(String, PathBuf)>,
}

impl Folder {
    /// Makes the volumes of a pod; an error for one that is not there (yet).
    pub(super) async fn make(node: &Node, pod: &Pod, container: &Container) -> Result<Self, String> {
        let root = tempfile::tempdir().unwrap();
        let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.clone()).unwrap_or_default();
        let mut places = BTreeMap::new();
        for volume in &volumes {
            let place = match disk(node, volume).await? {
                Some(disk) => disk,
                None => root.path().join(&volume.name),
            };
            fs::create_dir_all(&place).unwrap();
            places.insert(volume.name.clone(), place);
        }
        let mut mounts: Vec<(String, PathBuf)> = container
            .volume_mounts
            .iter()
            .flatten()
            .map(|mount| (mount.mount_path.clone(), places[&mount.name].clone()))
            .collect();
        let is_on_disk = |place: &PathBuf| !place.starts_with(root.path());
        let disks = mounts.iter().filter(|(_, place)| is_on_disk(place)).cloned().collect();
        let log = container.termination_message_path.clone().unwrap_or_else(|| "/dev/termination-log".into());
        mounts.push((log, root.path().join("termination-log")));
        let changing = volumes.into_iter().map(|volume| (places[&volume.name].clone(), volume));
        let changing =
            changing.filter(|(place, _)| !is_on_disk(place)).map(|(place, volume)| (volume, place));
        let volumes = changing.collect();
        let folder = Self { root, pod: pod.clone(), volumes, mounts, disks };
        folder.fill(node).await?;
        Ok(folder)
    }

    async fn fill(&self, node: &Node) -> Result<(), String> {
        for (volume, place) in &self.volumes {
            fill(node, &self.pod, volume, place, |text| self.text(text)).await?;
        }
        Ok(())
    }

    /// Brings what changes in config maps and secrets into the volumes, for ever. What is gone stays as it was.
    pub(super) async fn keep(&self, node: &Node) {
        loop {
            tokio::time::sleep(SYNC).await;
            for (volume, place) in &self.volumes {
                let _ = fill(node, &self.pod, volume, place, |text| self.text(text)).await;
            }
        }
    }

    /// A config map as it has to be here: SQL names paths on disks.
    fn text(&self, text: &str) -> String {
        self.disks.iter().fold(text.to_owned(), |text, (path, place)| {
            text.replace(&format!("{path}/"), &format!("{}/", place.display()))
        })
    }

    /// The way to the API server, for a pod that has a token.
    pub(super) fn kubeconfig(&self, node: &Node) -> Option<PathBuf> {
        let (_, place) = self.mounts.iter().find(|(path, _)| path == token::HOME)?;
        Some(token::kubeconfig(node, place))
    }

    /// What the container left in its termination message; the end of its log where it left none, if it is to be so.
    pub(super) fn message(&self, code: i32, container: &Container) -> String {
        let left = fs::read_to_string(self.root.path().join("termination-log")).unwrap_or_default();
        let falls_back = container.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
        if !left.is_empty() || code == 0 || !falls_back {
            return left;
        }
        let log = fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_BYTES)..]).into_owned()
    }

    /// Where the container's output goes.
    pub(super) fn log(&self) -> PathBuf {
        self.root.path().join("log")
    }

    /// An argument or a variable as it has to be here.
    pub(super) fn meant(&self, text: &str, ip: &str, name: &str) -> String {
        let text = text.replace("$(POD_IP)", ip).replace("$(POD_NAME)", name);
        let text = text.replace("0.0.0.0:", &format!("{ip}:"));
        let (flag, value) = text.split_once('=').map_or(("", text.as_str()), |(flag, value)| (flag, value));
        let is_within = |path: &str| value == path || value.starts_with(&format!("{path}/"));
        match self.mounts.iter().find(|(path, _)| is_within(path)) {
            Some((path, here)) => {
                let equals = if flag.is_empty() { "" } else { "=" };
                format!("{flag}{equals}{}{}", here.display(), &value[path.len()..])
            }
            None => text,
        }
    }
}

/// `service.namespace.svc:port` as the address of the pod behind that service; an error while there is none.
pub(super) async fn resolved(node: &Node, argument: &str) -> Result<String, String> {
    let suffix = format!(".{}.svc:", node.namespace);
    let Some((before, port)) = argument.split_once(&suffix) else { return Ok(argument.to_owned()) };
    let (flag, name) = before.rsplit_once('=').map_or(("", before), |(flag, name)| (flag, name));
    let services: Api<Service> = Api::namespaced(node.client.clone(), &node.namespace);
    let service = services.get(name).await.map_err(|e| e.to_string())?;
    let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(node.client.clone(), &node.namespace);
    let all = pods.list(&kube::api::ListParams::default()).await.map_err(|e| e.to_string())?;
    let is_behind = |pod: &Pod| {
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        pod.metadata.deletion_timestamp.is_none()
            && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let ip = all.into_iter().filter(is_behind).find_map(|pod| pod.status?.pod_ip);
    let ip = ip.ok_or_else(|| format!("no pod behind the service {name}"))?;
    let flag = if flag.is_empty() { String::new() } else { format!("{flag}=") };
    Ok(format!("{flag}{ip}:{port}"))
}
