//! The files of the checkout: those that are committed, or would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> =
        LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap());
    &ROOT
}

/// A file of the checkout.
pub(crate) struct SourceFile {
    /// Below the root, with `/` between the parts.
    pub(crate) path: String,
    /// Its content; `None` when it is not text.
    pub(crate) text: Option<String>,
}

impl SourceFile {
    /// Whether it is Rust that ships or is built on: not a test binary, not a file of tests beside the code.
    pub(crate) fn is_production_rust(&self) -> bool {
        let in_tests =
            self.path.split('/').any(|part| part == "tests" || part == "benches" || part == "examples");
        self.path.ends_with(".rs") && !in_tests && !self.path.ends_with("_test.rs")
    }

    /// The lines before the first module of tests.
    pub(crate) fn production_lines(&self) -> usize {
        let text = self.text.as_deref().unwrap_or_default();
        text.lines().take_while(|line| line.trim_end() != "#[cfg(test)]").count()
    }
}

/// Every file that git knows or would add, in order.
pub(crate) fn files() -> &'static [SourceFile] {
    static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(|| {
        let mut paths = from_git().unwrap_or_else(from_disk);
        paths.sort();
        paths.dedup();
        let read = |path: String| {
            let bytes = fs::read(root().join(&path)).ok()?;
            Some(SourceFile { path, text: String::from_utf8(bytes).ok() })
        };
        paths.into_iter().filter_map(read).collect()
    });
    &FILES
}

fn from_git() -> Option<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()?;
    let text = String::from_utf8(listing.stdout).ok()?;
    (listing.status.success() && !text.is_empty()).then(|| text.lines().map(str::to_owned).collect())
}

/// For a checkout without git, such as an unpacked archive.
fn from_disk() -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap_or_default();
            let generated = ["target", "bin", "out", ".git", ".millstream"].contains(&name.as_str());
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !generated => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let path = entry.path();
                    paths.push(path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    paths
}

#[test]
fn the_checkout_is_found() {
    assert!(files().iter().any(|file| file.path == "Cargo.toml"));
    assert!(from_disk().contains(&"tests/tidy/tests/checkout.rs".to_owned()));
}
