//! The values, their description and their page.

use std::fs;

use millstream_test_chart::{CHART, documented, recorded};
use millstream_test_kube::checkout;
use serde_json::Value;

pub(crate) fn chart_file(name: &str) -> String {
    fs::read_to_string(checkout().join(CHART).join(name)).unwrap()
}

fn defaults() -> Value {
    serde_saphyr::from_str(&chart_file("values.yaml")).unwrap()
}

/// Paths of everything that is no map, or an empty one.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, &path, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn every_value_is_described() {
    let described: Vec<_> = documented().into_iter().map(|value| value.path).collect();
    let mut all = Vec::new();
    leaves(&defaults(), "", &mut all);
    for leaf in all {
        let is_in = |path: &String| leaf == *path || leaf.starts_with(&format!("{path}."));
        assert!(described.iter().any(is_in), "values.yaml says nothing about {leaf}");
    }
    for value in documented() {
        assert!(value.meaning.ends_with('.'), "{}: {}", value.path, value.meaning);
    }
}

/// Keys that the schema knows below a value whose keys are known.
fn properties(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Some(fields) = schema["properties"].as_object() else { return found.push(path.to_owned()) };
    assert_eq!(schema["additionalProperties"], false, "{path} takes anything");
    for (key, field) in fields {
        properties(field, &format!("{path}/{key}"), found);
    }
}

#[test]
fn the_schema_has_the_values_and_no_others() {
    let schema: Value = serde_json::from_str(&chart_file("values.schema.json")).unwrap();
    let (mut known, defaults) = (Vec::new(), defaults());
    properties(&schema, "", &mut known);
    // What Helm brings itself, and what has no default.
    let others = ["/global", "/resources/claims", "/strategy/type", "/strategy/rollingUpdate"];
    for path in &known {
        assert!(defaults.pointer(path).is_some() || others.contains(&path.as_str()), "{path} is no value");
    }
    for value in documented() {
        let path = format!("/{}", value.path.replace('.', "/"));
        let is_in = |known: &String| *known == path || known.starts_with(&format!("{path}/"));
        assert!(known.iter().any(is_in), "the schema does not know {}", value.path);
    }
}

#[test]
fn the_page_has_every_value() {
    let mut page = "# millstream-operator

A Helm chart for the operator of [Millstream](../../README.md), which runs StreamJobs on Kubernetes.
[docs/install.md](../../docs/install.md) installs it, [docs/monitoring.md](../../docs/monitoring.md) turns on its metrics.

```sh
helm install millstream-operator charts/millstream-operator --namespace millstream-system --create-namespace
```

Kubernetes 1.30 or newer. The CRDs are templates: they are upgraded with the release, and kept when it is uninstalled. Values are checked
by a schema, so a misspelt one is an error.

<!-- The table is made of values.yaml by `make manifests`. -->

| value | default | |
|---|---|---|
"
    .to_owned();
    for value in documented() {
        let default = value.default.to_string().replace('|', "\\|");
        let meaning = value.meaning.replace('|', "\\|");
        page += &format!("| `{}` | `{default}` | {meaning} |\n", value.path);
    }
    recorded(&format!("{CHART}/README.md"), &page);
}

#[test]
fn versions_are_those_of_the_workspace() {
    let chart: Value = serde_saphyr::from_str(&chart_file("Chart.yaml")).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
