//! `kubectl` as a process, and what it answered.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::checkout;

/// Runs `kubectl` against one cluster, from the root of the checkout.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: String,
    kubeconfig: String,
    cache: String,
    namespace: Option<String>,
}

/// What `kubectl` answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it ended with 0.
    pub success: bool,
    /// What it printed.
    pub output: String,
    /// What it complained about: refusals and warnings.
    pub errors: String,
}

impl Kubectl {
    /// From the lines of `scripts/kubernetes hold`.
    pub(crate) fn new(told: &BTreeMap<String, String>) -> Self {
        Self {
            program: format!("{}/kubectl", told["PROGRAMS"]),
            kubeconfig: told["KUBECONFIG"].clone(),
            cache: told["KUBECACHEDIR"].clone(),
            namespace: None,
        }
    }

    /// The same in one namespace only: an object that names another one is refused.
    pub fn within(&self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self.clone() }
    }

    /// The file that says which cluster it talks to.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The folder that it lies in.
    pub fn programs(&self) -> &str {
        self.program.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The namespace that it works in.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Starts `kubectl`, for what goes on while it runs; see [`Answer::of`].
    pub fn start<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Child {
        Command::new(&self.program)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", &self.cache)
            .current_dir(checkout())
            .args(self.namespace.iter().flat_map(|namespace| ["--namespace", namespace]))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs `kubectl` to its end.
    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Answer {
        Answer::of(self.start(arguments))
    }

    /// Runs `kubectl` with a text as its input, for `-f -`.
    pub fn run_with<'a>(&self, input: &str, arguments: impl IntoIterator<Item = &'a str>) -> Answer {
        let mut child = self.start(arguments);
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Answer::of(child)
    }

    /// `kubectl apply -f -`.
    pub fn apply(&self, manifest: &str) -> Answer {
        self.run_with(manifest, ["apply", "-f", "-"])
    }

    /// `kubectl apply --server-side -f -` as somebody else does it: another owner of fields, who insists.
    pub fn apply_as(&self, manager: &str, manifest: &str) -> Answer {
        let manager = format!("--field-manager={manager}");
        self.run_with(manifest, ["apply", "--server-side", "--force-conflicts", &manager, "-f", "-"])
    }

    /// An object as JSON.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        serde_json::from_str(&self.run(["get", kind, name, "-o", "json"]).succeeded()).unwrap()
    }

    /// Writes status as an operator does, by a merge patch on the subresource.
    pub fn patch_status(&self, name: &str, status: &Value) {
        let patch = serde_json::json!({ "status": status }).to_string();
        self.run(["patch", "streamjob", name, "--subresource=status", "--type=merge", "--patch", &patch])
            .succeeded();
    }
}

impl Answer {
    /// Waits for the end of a started `kubectl`.
    pub fn of(child: Child) -> Self {
        let ended = child.wait_with_output().unwrap();
        Self {
            success: ended.status.success(),
            output: String::from_utf8(ended.stdout).unwrap(),
            errors: String::from_utf8(ended.stderr).unwrap(),
        }
    }

    /// The output.
    ///
    /// # Panics
    /// If it failed, with its complaint.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.success, "kubectl failed:\n{}{}", self.output, self.errors);
        self.output
    }

    /// The complaint.
    ///
    /// # Panics
    /// If it did not fail, with its output.
    #[track_caller]
    pub fn refused(self) -> String {
        assert!(!self.success, "kubectl succeeded:\n{}{}", self.output, self.errors);
        self.errors
    }
}
