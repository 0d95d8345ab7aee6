//! Every metric that a panel or an alert names is exported by a running system.

use std::collections::BTreeSet;

use millstream_test_chart::render;
use serde_json::Value;

use crate::running::life;

/// Metrics in an expression: all of ours and of processes begin so. Labels and functions do not.
fn metrics(expression: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_word(c));
    let ours = words.filter(|word| ["millstream_", "process_"].iter().any(|begin| word.starts_with(begin)));
    ours.map(str::to_owned).collect()
}

/// All expressions below a value.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| ["expr", "definition", "query"].contains(&key.as_str())) {
                    Some(expression) if expression != "prometheus" => found.push(expression.to_owned()),
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

fn dashboards() -> Vec<Value> {
    let rendered = render("metrics: {dashboards: {enabled: true}}").unwrap();
    let text =
        |map: &Value| map["data"].as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
    rendered.of("ConfigMap").into_iter().map(|map| serde_json::from_str(&text(map)).unwrap()).collect()
}

#[test]
fn a_running_system_exports_every_metric_that_is_named() {
    let rules = render("metrics: {rules: {enabled: true}}").unwrap().one("PrometheusRule")["spec"].clone();
    let mut named = Vec::new();
    expressions(&rules, &mut named);
    dashboards().iter().for_each(|dashboard| expressions(dashboard, &mut named));
    assert!(named.len() > 60, "{}", named.len());
    let exported: BTreeSet<_> = life().metrics.values().flatten().cloned().collect();
    for expression in named {
        let metrics = metrics(&expression);
        assert!(!metrics.is_empty(), "{expression} names no metric of ours");
        for metric in metrics {
            assert!(exported.contains(&metric), "nobody exports {metric}: {expression}\n{exported:#?}");
        }
    }
}

#[test]
fn panels_have_places_titles_and_a_source_that_can_be_chosen() {
    let all = dashboards();
    let uids: Vec<_> = all.iter().map(|dashboard| dashboard["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, ["millstream-fleet", "millstream-job"]);
    for dashboard in all {
        let panels = dashboard["panels"].as_array().unwrap();
        let titles: BTreeSet<_> = panels.iter().map(|panel| panel["title"].as_str().unwrap()).collect();
        assert_eq!(titles.len(), panels.len());
        let mut taken = BTreeSet::new();
        for panel in panels {
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(taken.insert((x, y)), "{} lies over another panel", panel["title"]);
                }
            }
        }
    }
}
