//! What a volume holds: config maps and secrets as they are at the moment, tokens, and what lies on a claim's disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kube::Api;
use millstream_api::k8s_openapi::api::core::v1::{
    ConfigMap, KeyToPath, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Volume,
};

use super::{Node, token};

type Files = BTreeMap<String, Vec<u8>>;

/// Where the files of a claim are: on the disk that it is bound to, which has to be a folder of this machine. An error until it is bound.
pub(super) async fn disk(node: &Node, volume: &Volume) -> Result<Option<PathBuf>, String> {
    let Some(source) = &volume.persistent_volume_claim else { return Ok(None) };
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(node.client.clone(), &node.namespace);
    let claim = claims.get(&source.claim_name).await.map_err(|e| e.to_string())?;
    let bound = claim.spec.and_then(|spec| spec.volume_name);
    let bound = bound.ok_or_else(|| format!("the claim {} is not bound", source.claim_name))?;
    let disks: Api<PersistentVolume> = Api::all(node.client.clone());
    let disk = disks.get(&bound).await.map_err(|e| e.to_string())?;
    let folder = disk.spec.and_then(|spec| spec.host_path).map(|folder| folder.path.into());
    Ok(Some(folder.ok_or_else(|| format!("the disk {bound} is no folder of this machine"))?))
}

/// Writes a volume's files into a folder; an error when one of its objects is not there. A file that has changed is replaced as a whole.
/// `meant` says what a path in a config map means here.
pub(super) async fn fill(
    node: &Node,
    pod: &Pod,
    volume: &Volume,
    folder: &Path,
    meant: impl Fn(&str) -> String,
) -> Result<(), String> {
    let mut files = Files::new();
    if let Some(source) = &volume.config_map {
        files.extend(config_map(node, &source.name, source.items.as_deref(), &meant).await?);
    }
    if let Some(source) = &volume.secret {
        let name = source.secret_name.as_deref().unwrap_or_default();
        match secret(node, name, source.items.as_deref()).await {
            Err(_) if source.optional == Some(true) => {}
            found => files.extend(found?),
        }
    }
    let projected = volume.projected.as_ref().and_then(|projected| projected.sources.as_ref());
    for source in projected.into_iter().flatten() {
        if let Some(source) = &source.config_map {
            files.extend(config_map(node, &source.name, source.items.as_deref(), &meant).await?);
        }
        if let Some(source) = &source.secret {
            files.extend(secret(node, &source.name, source.items.as_deref()).await?);
        }
        // It outlives every test, so one is enough.
        if let Some(source) = source.service_account_token.as_ref().filter(|s| !folder.join(&s.path).exists())
        {
            files.insert(source.path.clone(), token::request(node, pod, source.expiration_seconds).await?);
        }
    }
    for (name, bytes) in files {
        let (path, new) = (folder.join(&name), folder.join(format!("..{name}")));
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            fs::write(&new, bytes).unwrap();
            fs::rename(new, path).unwrap();
        }
    }
    Ok(())
}

async fn config_map(
    node: &Node,
    name: &str,
    items: Option<&[KeyToPath]>,
    meant: impl Fn(&str) -> String,
) -> Result<Files, String> {
    let maps: Api<ConfigMap> = Api::namespaced(node.client.clone(), &node.namespace);
    let map = maps.get(name).await.map_err(|e| e.to_string())?;
    let data = map.data.unwrap_or_default().into_iter();
    chosen(data.map(|(key, text)| (key, meant(&text).into_bytes())).collect(), items)
}

async fn secret(node: &Node, name: &str, items: Option<&[KeyToPath]>) -> Result<Files, String> {
    let secrets: Api<Secret> = Api::namespaced(node.client.clone(), &node.namespace);
    let secret = secrets.get(name).await.map_err(|e| e.to_string())?;
    chosen(secret.data.unwrap_or_default().into_iter().map(|(key, bytes)| (key, bytes.0)).collect(), items)
}

/// All keys, or those that are asked for under the names that are.
fn chosen(data: Files, items: Option<&[KeyToPath]>) -> Result<Files, String> {
    let Some(items) = items else { return Ok(data) };
    let file = |item: &KeyToPath| {
        let bytes = data.get(&item.key).ok_or_else(|| format!("there is no key {}", item.key))?;
        Ok((item.path.clone(), bytes.clone()))
    };
    items.iter().map(file).collect()
}
