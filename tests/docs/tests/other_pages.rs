//! The commands of the pages that take a running job for there, and the list of all that no test types.

use std::collections::BTreeSet;
use std::fs;

use millstream_api::conditions::Reason;
use millstream_test_docs::{Page, Shell, Walk, assert_left_out};
use millstream_test_kube::checkout;

const RUNS_UNTIL_STOPPED: &str = "a process that runs until it is stopped";

/// Blocks of docs/operator.md that are not run.
const OPERATOR: &[(&str, &str)] = &[(
    "kubectl apply --server-side -f crds",
    "the operator outside of a cluster: each test of tests/operator starts it so",
)];
/// Blocks of docs/cluster.md that are not run.
const CLUSTER: &[(&str, &str)] = &[
    ("export MILLSTREAM_PLAINTEXT=true   # or certificates, see below", RUNS_UNTIL_STOPPED),
    (
        "bin/millstream worker --tls-ca ca.crt --tls-cert worker.crt --tls-key worker.key --coordinator coordinator.example:6123",
        RUNS_UNTIL_STOPPED,
    ),
    (
        "bin/millstream status    --coordinator coordinator.example:6123                 # or -o json: the document of /status",
        "they end a job one after the other: tests/e2e asks each of a cluster of its own",
    ),
];
/// Pages that no test walks along, and why.
const NOT_WALKED: &[(&str, &str)] = &[(
    "docs/savepoints.md",
    "no cluster is needed: tests/e2e takes, restores, reads and deletes savepoints with the binary",
)];

/// What the Prometheus operator brings: without its own rules for them, which tests/chart holds the objects against.
const MONITORING: &[(&str, &str)] = &[
    ("ServiceMonitor", "servicemonitors"),
    ("PodMonitor", "podmonitors"),
    ("PrometheusRule", "prometheusrules"),
];

#[test]
fn the_commands_for_a_job_that_runs_are_those_that_work() {
    let shell = Shell::start();
    for (kind, plural) in MONITORING {
        let singular = kind.to_lowercase();
        let crd = format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.monitoring.coreos.com}},
              spec: {{group: monitoring.coreos.com, scope: Namespaced,
                names: {{kind: {kind}, plural: {plural}, singular: {singular}}},
                versions: [{{name: v1, served: true, storage: true,
                  schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]}}}}"
        );
        shell.kubectl().apply(&crd).succeeded();
    }
    shell.run("kubectl wait --for=condition=Established crd --all --timeout=60s").unwrap();
    let mut monitoring = Walk::begin("docs/monitoring.md", &shell, &[]);
    monitoring.all();
    monitoring.end();
    let made =
        shell.run("kubectl get servicemonitors,podmonitors,prometheusrules -A -o name | wc -l").unwrap();
    assert_eq!(made.trim(), "3");

    // The manifest that gitops.md takes for there is that of the first job.
    let mut first_job = Walk::begin("docs/first-job.md", &shell, &[]);
    first_job.sections(&["A place for state"]);
    first_job.beginning_with("cat >orders.yaml");
    shell.run("kubectl create namespace argocd && kubectl -n argocd create configmap argocd-cm").unwrap();
    let mut gitops = Walk::begin("docs/gitops.md", &shell, &[]);
    gitops.all();
    gitops.end();
    let health = shell.run("kubectl -n argocd get configmap argocd-cm -o yaml").unwrap();
    assert!(health.contains("millstream.dev_StreamJob"), "{health}");

    // The autoscaler that the page shows is one that the API server takes.
    let page = Page::read("docs/gitops.md");
    let autoscaler = page.blocks.iter().find(|block| block.text.contains("HorizontalPodAutoscaler")).unwrap();
    shell.kubectl().run_with(&autoscaler.text, ["apply", "--dry-run=server", "-f", "-"]).succeeded();

    for (page, left_out) in [
        ("docs/runbooks.md", &[][..]),
        ("docs/troubleshooting.md", &[]),
        ("docs/security.md", &[]),
        ("docs/operator.md", OPERATOR),
        ("docs/upgrades.md", &[]),
    ] {
        let mut walk = Walk::begin(page, &shell, left_out);
        walk.all();
        walk.end();
    }
}

/// What a condition says of a job that is well, or that nothing is known of for a moment.
const NO_TROUBLE: &[Reason] = &[
    Reason::Running,
    Reason::Finished,
    Reason::Suspended,
    Reason::Settled,
    Reason::Healthy,
    Reason::Unknown,
];

#[test]
fn every_reason_for_trouble_is_explained() {
    let page = fs::read_to_string(checkout().join("docs/troubleshooting.md")).unwrap();
    let silent = Reason::ALL.iter().filter(|reason| !page.contains(&format!("`{reason}`")));
    let silent: Vec<_> = silent.filter(|reason| !NO_TROUBLE.contains(reason)).collect();
    assert!(silent.is_empty(), "docs/troubleshooting.md does not say what these mean: {silent:?}");
}

#[test]
fn certificates_are_made_as_the_page_says() {
    let page = Page::read("docs/cluster.md");
    assert_left_out(&page, CLUSTER);
    let run: Vec<_> = page.commands().filter(|block| !block.is_marked).collect();
    assert_eq!(run.len(), 1, "{run:?}");
    let folder = tempfile::tempdir().unwrap();
    let typed = std::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", &run[0].text])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(typed.status.success(), "{}", String::from_utf8_lossy(&typed.stderr));
    for role in ["coordinator", "worker", "client"] {
        let certificate = folder.path().join(format!("{role}.crt"));
        let verified = std::process::Command::new("openssl")
            .args(["verify", "-CAfile"])
            .arg(folder.path().join("ca.crt"))
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{role}: {}", String::from_utf8_lossy(&verified.stderr));
    }
}

#[test]
fn every_page_with_commands_is_walked_along_or_named_here() {
    let walked = [
        "cluster",
        "first-job",
        "gitops",
        "install",
        "monitoring",
        "operator",
        "runbooks",
        "security",
        "troubleshooting",
        "upgrades",
    ]
    .map(|name| format!("docs/{name}.md"));
    let known: BTreeSet<String> =
        walked.into_iter().chain(NOT_WALKED.iter().map(|(path, _)| (*path).to_owned())).collect();
    let pages = fs::read_dir(checkout().join("docs")).unwrap().map(|entry| entry.unwrap());
    let with_commands: BTreeSet<String> = pages
        .filter(|page| fs::read_to_string(page.path()).is_ok_and(|text| text.contains("\n```sh\n")))
        .map(|page| format!("docs/{}", page.file_name().to_string_lossy()))
        .collect();
    assert_eq!(with_commands, known);
}
