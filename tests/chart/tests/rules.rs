//! The alerts: Prometheus' own tool takes them, they fire when they should, and each has its runbook.

use std::fs;
use std::process::Command;

use millstream_test_chart::{program, render};
use millstream_test_kube::checkout;
use serde_json::Value;

/// The rules as the chart renders them.
fn rules() -> Value {
    render("metrics: {rules: {enabled: true}}").unwrap().one("PrometheusRule")["spec"].clone()
}

fn promtool(arguments: &[&str], folder: &std::path::Path) -> String {
    let mut command: Command = program("promtool");
    let ended = command.args(arguments).current_dir(folder).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{said}");
    said
}

#[test]
fn promtool_takes_the_rules_and_they_fire_when_they_should() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.json"), rules().to_string()).unwrap();
    fs::copy(checkout().join("tests/chart/tests/alerts.yaml"), folder.path().join("alerts.yaml")).unwrap();
    let said = promtool(&["check", "rules", "--lint=all", "--lint-fatal", "rules.json"], folder.path());
    assert!(said.contains("SUCCESS"), "{said}");
    let said = promtool(&["test", "rules", "alerts.yaml"], folder.path());
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn every_alert_is_tested_and_has_a_runbook() {
    let tests = fs::read_to_string(checkout().join("tests/chart/tests/alerts.yaml")).unwrap();
    let runbooks = fs::read_to_string(checkout().join("docs/runbooks.md")).unwrap();
    let rules = rules();
    let all = rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let mut count = 0;
    for rule in all {
        let name = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("{{alertname=\"{name}\"}}")), "{name} is not tested");
        let link = rule["annotations"]["runbook_url"].as_str().unwrap();
        let (page, heading) = link.split_once('#').unwrap();
        assert!(page.ends_with("/docs/runbooks.md"), "{page}");
        assert_eq!(heading, name.to_lowercase());
        assert!(runbooks.lines().any(|line| line == format!("## {name}")), "no runbook for {name}");
        count += 1;
    }
    assert_eq!(count, runbooks.lines().filter(|line| line.starts_with("## Millstream")).count());
}
