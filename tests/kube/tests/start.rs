//! Starting and ending a control plane.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use millstream_test_kube::{ControlPlane, checkout, script};

fn words_of(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    assert!(!ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    String::from_utf8(ended.stderr).unwrap()
}

/// Processes that name the folder in their command line.
fn processes_of(folder: &Path) -> Vec<PathBuf> {
    let names = |process: &PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(folder.to_str().unwrap())
    };
    fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(names).collect()
}

#[test]
fn missing_programs_are_named_with_the_command_that_installs_them() {
    for arguments in ["up", "hold", "env"] {
        let words =
            words_of(script().arg(arguments).env("MILLSTREAM_CACHE", checkout().join("nothing-here")));
        assert_eq!(
            words,
            "kubernetes: etcd, kube-apiserver, kube-controller-manager and kubectl are missing; install them with: scripts/install kubernetes\n"
        );
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let words = words_of(script().args(["down", "crds"]));
    assert!(
        words.ends_with("crds holds something else; name a folder that is empty or not there yet\n"),
        "{words}"
    );
    assert!(checkout().join("crds/streamjobs.millstream.dev.yaml").exists());
}

#[test]
fn two_run_side_by_side_and_nothing_stays_of_them() {
    let own = ControlPlane::start();
    let config = Path::new(own.kubectl().kubeconfig()).to_owned();
    let folder = config.parent().unwrap().to_owned();
    let shared = ControlPlane::shared().kubectl();
    assert_ne!(Path::new(shared.kubeconfig()), config);
    own.kubectl().run(["get", "--raw=/readyz"]).succeeded();
    // The CRDs are in one of them only.
    shared.run(["get", "streamjobs"]).succeeded();
    own.kubectl().run(["get", "streamjobs"]).refused();
    assert!(processes_of(&folder).len() >= 3);

    drop(own);
    assert_eq!(processes_of(&folder), Vec::<PathBuf>::new());
    assert!(!folder.exists());
    shared.run(["get", "--raw=/readyz"]).succeeded();
}

/// A person may kill what holds the control plane; `down` finds the rest by the folder.
#[test]
fn down_finds_what_a_killed_script_has_left() {
    let mut plane = ControlPlane::start();
    let folder = Path::new(plane.kubectl().kubeconfig()).parent().unwrap().to_owned();
    plane.holder().kill().unwrap();
    plane.holder().wait().unwrap();
    assert!(folder.join("kube-apiserver.pid").exists());
    let ended: Child = script().arg("down").arg(&folder).spawn().unwrap();
    assert!(ended.wait_with_output().unwrap().status.success());
    assert_eq!(processes_of(&folder), Vec::<PathBuf>::new());
    assert!(!folder.exists());
}
