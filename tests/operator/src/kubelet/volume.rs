//! What a volume holds: config maps and secrets, as they are at the moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kube::Api;
use millstream_api::k8s_openapi::api::core::v1::{ConfigMap, KeyToPath, Secret, Volume};

use super::Node;

type Files = BTreeMap<String, Vec<u8>>;

/// Writes a volume's files into a folder; an error when one of its objects is not there. A file that has changed is replaced as a whole.
pub(super) async fn fill(node: &Node, volume: &Volume, folder: &Path) -> Result<(), String> {
    let mut files = Files::new();
    if let Some(source) = &volume.config_map {
        files.extend(config_map(node, &source.name, source.items.as_deref()).await?);
    }
    if let Some(source) = &volume.secret {
        let name = source.secret_name.as_deref().unwrap_or_default();
        files.extend(secret(node, name, source.items.as_deref()).await?);
    }
    let projected = volume.projected.as_ref().and_then(|projected| projected.sources.as_ref());
    for source in projected.into_iter().flatten() {
        if let Some(source) = &source.config_map {
            files.extend(config_map(node, &source.name, source.items.as_deref()).await?);
        }
        if let Some(source) = &source.secret {
            files.extend(secret(node, &source.name, source.items.as_deref()).await?);
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

async fn config_map(node: &Node, name: &str, items: Option<&[KeyToPath]>) -> Result<Files, String> {
    let maps: Api<ConfigMap> = Api::namespaced(node.client.clone(), &node.namespace);
    let map = maps.get(name).await.map_err(|e| e.to_string())?;
    let data = map.data.unwrap_or_default().into_iter();
    chosen(data.map(|(key, text)| (key, text.into_bytes())).collect(), items)
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
