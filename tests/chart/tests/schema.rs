//! Values that are refused before anything is rendered.

use millstream_test_chart::render;

/// What is wrong, and what the complaint has to name.
const WRONG: &[(&str, &str)] = &[
    ("replica: 1", "replica"),
    ("replicas: two", "replicas"),
    ("replicas: -1", "replicas"),
    ("image: {repositry: x}", "repositry"),
    ("image: {repository: 'Not An Image'}", "repository"),
    ("image: {pullPolicy: Sometimes}", "pullPolicy"),
    ("image: {digest: abc}", "digest"),
    ("engine: {image: {tag: 'a b'}}", "tag"),
    ("engine: {image: {pullPolicy: never}}", "pullPolicy"),
    ("jobs: {plaintext: 'yes'}", "plaintext"),
    ("jobs: {certificateLifetime: 90d}", "certificateLifetime"),
    ("jobs: {serviceAccount: {createIn: payments}}", "createIn"),
    ("watch: {namespaces: [a]}", "namespaces"),
    ("watch: {namespace: Payments}", "namespace"),
    ("leaderElection: {enabled: 'true'}", "enabled"),
    ("log: {format: xml}", "format"),
    ("http: {port: 80}", "port"),
    ("http: {port: '8080'}", "port"),
    ("crds: {install: 1}", "install"),
    ("crds: {annotations: {a: 1}}", "annotations"),
    ("resources: {request: {cpu: 1}}", "request"),
    ("strategy: {type: Sudden}", "type"),
    ("tolerations: {key: a}", "tolerations"),
    ("extraArgs: '--log=text'", "extraArgs"),
    ("extraEnv: {A: b}", "extraEnv"),
    ("podDisruptionBudget: {minAvailable: half}", "minAvailable"),
    ("networkPolicy: {from: all}", "from"),
    ("metrics: {serviceMonitor: {interval: 30}}", "interval"),
    ("metrics: {rules: {runbookUrl: docs}}", "runbookUrl"),
    ("metrics: {dashboards: {labels: [a]}}", "labels"),
];

#[test]
fn wrong_values_are_refused_by_name() {
    for (values, name) in WRONG {
        let said = render(values).err().unwrap_or_else(|| panic!("{values} is taken"));
        assert!(said.contains("values don't meet the specifications of the schema"), "{values}: {said}");
        assert!(said.contains(name), "{values}: {said}");
    }
}

#[test]
fn values_that_do_not_fit_together_are_refused() {
    let cases = [
        ("leaderElection: {enabled: false}", "several replicas would all act"),
        ("tls: {enabled: false}", "without a certificate the operator can only talk in the clear"),
        (
            "jobs: {serviceAccount: {createIn: [a]}}",
            "jobs.serviceAccount.createIn needs jobs.serviceAccount.name",
        ),
        (
            "metrics: {service: {enabled: false}, serviceMonitor: {enabled: true}}",
            "metrics.serviceMonitor needs metrics.service.enabled",
        ),
    ];
    for (values, message) in cases {
        let said = render(values).unwrap_err();
        assert!(said.contains(message), "{values}: {said}");
    }
}
