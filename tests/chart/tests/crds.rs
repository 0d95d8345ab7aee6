//! The CRDs of the chart: generated files that are carried along, and what the values do to them.

use std::fs;

use millstream_test_chart::{CHART, render};
use millstream_test_kube::checkout;
use serde_json::{Value, json};

const FILES: [&str; 2] = ["streamjobs.millstream.dev.yaml", "streamsnapshots.millstream.dev.yaml"];

/// `cargo xtask codegen` writes both copies.
#[test]
fn the_files_are_the_generated_ones() {
    for name in FILES {
        let read = |folder: &str| fs::read_to_string(checkout().join(folder).join(name)).unwrap();
        assert!(
            read(&format!("{CHART}/files/crds")) == read("crds"),
            "{name} differs; run: cargo xtask codegen"
        );
    }
    let all = fs::read_dir(checkout().join(CHART).join("files/crds")).unwrap();
    assert_eq!(all.count(), FILES.len());
}

#[test]
fn what_is_rendered_is_the_file_with_labels_and_the_policy() {
    let kept = json!({"helm.sh/resource-policy": "keep"});
    for (values, annotations) in [("{}", kept), ("crds: {keep: false}", Value::Null)] {
        let rendered = render(values).unwrap();
        let crds = rendered.of("CustomResourceDefinition");
        for (crd, name) in crds.into_iter().zip(FILES) {
            let text = fs::read_to_string(checkout().join("crds").join(name)).unwrap();
            let mut file: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(crd["metadata"]["annotations"], annotations);
            file["metadata"] = crd["metadata"].clone();
            assert!(same(crd, &file), "{name} is not what was generated");
            assert_eq!(crd["metadata"]["name"], name.trim_end_matches(".yaml"));
        }
    }
    assert!(render("crds: {install: false}").unwrap().of("CustomResourceDefinition").is_empty());
}

/// Helm's numbers are all doubles.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
