//! The values of the chart and what is said about them.

use std::fs;

use millstream_test_kube::checkout;
use serde_json::Value;

use crate::CHART;

/// A value with its description.
#[derive(Clone, Debug, PartialEq)]
pub struct Documented {
    /// Keys with dots between them.
    pub path: String,
    /// Its default.
    pub default: Value,
    /// What it is for.
    pub meaning: String,
}

/// All values of `values.yaml` that have a description, in their order.
pub fn documented() -> Vec<Documented> {
    let text = fs::read_to_string(checkout().join(CHART).join("values.yaml")).unwrap();
    let defaults: Value = serde_saphyr::from_str(&text).unwrap();
    read(&text)
        .into_iter()
        .map(|(path, meaning)| {
            let pointer = format!("/{}", path.replace('.', "/"));
            let default = defaults.pointer(&pointer).unwrap_or_else(|| panic!("{path} is not there")).clone();
            Documented { path, default, meaning }
        })
        .collect()
}

/// Path and description of what follows each `# --`.
fn read(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut keys: Vec<(usize, &str)> = Vec::new();
    let mut meaning = String::new();
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = line.len() - rest.len();
        if let Some(words) = rest.strip_prefix('#') {
            match words.trim().strip_prefix("-- ") {
                Some(begins) => meaning = begins.to_owned(),
                None if !meaning.is_empty() => meaning += &format!(" {}", words.trim()),
                None => {}
            }
            continue;
        }
        let Some((key, _)) = rest.split_once(':').filter(|_| !rest.starts_with('-')) else { continue };
        keys.retain(|(outer, _)| *outer < indent);
        keys.push((indent, key));
        if !meaning.is_empty() {
            let path: Vec<_> = keys.iter().map(|(_, key)| *key).collect();
            found.push((path.join("."), std::mem::take(&mut meaning)));
        }
    }
    found
}
