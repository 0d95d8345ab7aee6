//! Images made without a Docker engine, from the programs of this build.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use millstream_test_kube::checkout;
use millstream_test_operator::program;
use serde_json::Value;

/// An image, unpacked.
struct Image {
    folder: tempfile::TempDir,
    config: Value,
}

impl Image {
    fn of(name: &str) -> Self {
        Self::with(name, &[])
    }

    fn with(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tar = folder.path().join("image.tar");
        let mut script = Command::new(checkout().join("scripts/image"));
        script.arg(program(name)).arg(format!("registry.example/{name}:1")).arg(&tar).args(arguments);
        succeeded(&mut script);
        fs::create_dir(folder.path().join("layout")).unwrap();
        succeeded(Command::new("tar").arg("xf").arg(&tar).arg("-C").arg(folder.path().join("layout")));
        let read = |path: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.path().join("layout").join(path)).unwrap()).unwrap()
        };
        let blob = |descriptor: &Value| {
            format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"))
        };
        let index = read("index.json");
        let names = &index["manifests"][0]["annotations"];
        assert_eq!(names["io.containerd.image.name"], format!("registry.example/{name}:1"));
        let manifest = read(&blob(&index["manifests"][0]));
        let config = read(&blob(&manifest["config"]));
        fs::create_dir(folder.path().join("root")).unwrap();
        let layer = folder.path().join("layout").join(blob(&manifest["layers"][0]));
        succeeded(Command::new("tar").arg("xzf").arg(layer).arg("-C").arg(folder.path().join("root")));
        Self { folder, config }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// All files, without folders.
    fn files(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.insert(entry.path().strip_prefix(self.root()).unwrap().display().to_string());
                }
            }
        }
        found
    }

    /// The entrypoint with `--version`, as the image's user, with the image as its root. Where this may not change its root, the image's
    /// loader starts it, and finds every library in the image.
    fn version(&self) -> String {
        let user = self.config["config"]["User"].as_str().unwrap();
        let entrypoint = self.config["config"]["Entrypoint"][0].as_str().unwrap();
        // A user namespace of one's own where this is not root.
        let mut command = if is_root() {
            let mut command = Command::new("chroot");
            command.arg(format!("--userspec={user}"));
            command
        } else {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "chroot"]);
            command
        };
        let ended = command.arg(self.root()).arg(entrypoint).arg("--version").output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        if said.contains("unshare:") || said.contains("cannot change root directory") {
            return self.version_by_its_loader(entrypoint);
        }
        assert!(ended.status.success(), "{said}");
        String::from_utf8(ended.stdout).unwrap()
    }

    fn version_by_its_loader(&self, entrypoint: &str) -> String {
        let root = self.root();
        let libraries: Vec<_> =
            self.files().iter().filter(|file| is_library(file)).map(|file| root.join(file)).collect();
        let loader = libraries.iter().find(|path| path.to_string_lossy().contains("/ld-linux")).unwrap();
        let folders: BTreeSet<_> =
            libraries.iter().map(|path| path.parent().unwrap().display().to_string()).collect();
        let folders = folders.into_iter().collect::<Vec<_>>().join(":");
        let start = |option: &str| {
            let program = root.join(entrypoint.trim_start_matches('/'));
            let mut command = Command::new(loader);
            command.args(["--inhibit-cache", "--library-path", &folders]);
            let ended = match option {
                "--list" => command.arg(option).arg(program).output(),
                _ => command.arg(program).arg(option).output(),
            };
            let ended = ended.unwrap();
            assert!(ended.status.success(), "{option}: {}", String::from_utf8_lossy(&ended.stderr));
            String::from_utf8(ended.stdout).unwrap()
        };
        for line in start("--list").lines() {
            let Some((library, place)) = line.split_once(" => ") else { continue };
            assert!(place.starts_with(&*root.to_string_lossy()), "{library} is not in the image: {place}");
        }
        start("--version")
    }
}

fn is_library(file: &str) -> bool {
    file.contains(".so")
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn succeeded(command: &mut Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

#[track_caller]
fn check(name: &str) {
    let image = Image::of(name);
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"][0], format!("/usr/bin/{name}"));
    let files = image.files();
    let others: Vec<_> = files.iter().filter(|file| !is_library(file)).cloned().collect();
    let program = format!("usr/bin/{name}");
    let expected =
        ["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", &program];
    assert_eq!(others, expected, "and nothing else, so no shell");
    let libraries = ["libc", "libm", "libgcc_s", "libstdc++", "ld-linux", "libpthread", "libdl", "librt"];
    for library in files.iter().filter(|file| is_library(file)) {
        let file = Path::new(library).file_name().unwrap().to_string_lossy().into_owned();
        assert!(libraries.iter().any(|known| file.starts_with(known)), "{library} is not known");
    }
    let version = image.version();
    assert!(version.starts_with(&format!("{name} {}", env!("CARGO_PKG_VERSION"))), "{version}");
}

#[test]
fn the_operator_runs_from_its_image_as_nobody_without_a_shell() {
    check("millstream-operator");
}

#[test]
fn the_engine_runs_from_its_image_as_nobody_without_a_shell() {
    check("millstream");
}

#[test]
fn what_a_program_gets_where_a_pod_names_nothing_is_in_its_image() {
    assert_eq!(Image::with("millstream-operator", &["--version"]).config["config"]["Cmd"][0], "--version");
    assert!(Image::of("millstream-operator").config["config"]["Cmd"].is_null());
}

#[test]
fn what_is_no_program_or_no_reference_is_refused() {
    let refused = |arguments: &[&str]| {
        let ended = Command::new(checkout().join("scripts/image")).args(arguments).output().unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    };
    let program = program("millstream-operator").display().to_string();
    assert_eq!(refused(&["README.md"]), "image: usage: scripts/image PROGRAM REFERENCE FILE [ARGUMENT...]\n");
    assert_eq!(refused(&["nothing", "a/b:1", "x.tar"]), "image: nothing is no program\n");
    let said = refused(&[&program, "a/b", "x.tar"]);
    assert!(said.starts_with("image: a/b is no reference with a tag"), "{said}");
}
