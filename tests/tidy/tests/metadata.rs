//! What cargo says about the workspace and its dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::checkout::root;

/// The resolved graph for the machine that the tests run on.
pub(crate) fn metadata() -> &'static Metadata {
    static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
        let host = Command::new("rustc").arg("-vV").output().expect("rustc answers");
        let host = String::from_utf8(host.stdout).expect("rustc writes text");
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
        MetadataCommand::new()
            .manifest_path(root().join("Cargo.toml"))
            .other_options(["--locked", "--offline", "--filter-platform", host].map(str::to_owned))
            .exec()
            .expect("cargo metadata answers; when Cargo.lock is not up to date, run `cargo check`")
    });
    &METADATA
}

/// The packages of the workspace.
pub(crate) fn members() -> Vec<&'static Package> {
    metadata().workspace_packages()
}

/// Where a member lies: `engine/model`.
pub(crate) fn folder(package: &Package) -> String {
    let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
    folder
        .strip_prefix(root().to_str().expect("the root is text"))
        .expect("a member lies below the root")
        .to_string()
}

/// Names of the members that a member needs when it is built as a dependency.
pub(crate) fn normal_members(package: &Package) -> BTreeSet<String> {
    let ours: BTreeSet<_> = members().iter().map(|member| member.name.to_string()).collect();
    let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.clone()).filter(|name| ours.contains(name)).collect()
}

/// Every package that is built into `package`, with the shortest chain of names that leads to it.
pub(crate) fn transitive_normal(package: &Package) -> BTreeMap<String, String> {
    let resolve = metadata().resolve.as_ref().expect("cargo resolved the graph");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut chains = BTreeMap::from([(package.name.to_string(), package.name.to_string())]);
    let mut level = vec![(&package.id, package.name.to_string())];
    while !level.is_empty() {
        let mut next = Vec::new();
        for (id, chain) in level {
            for dependency in &nodes[id].deps {
                let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                let name = metadata()[&dependency.pkg].name.to_string();
                if normal && !chains.contains_key(&name) {
                    let chain = format!("{chain} -> {name}");
                    chains.insert(name, chain.clone());
                    next.push((&dependency.pkg, chain));
                }
            }
        }
        level = next;
    }
    chains
}

/// Every package that is built for this machine, tests included.
///
/// From `cargo tree`, because the graph in the metadata also has optional packages that no feature turns on.
pub(crate) fn built() -> &'static [&'static Package] {
    static BUILT: LazyLock<Vec<&'static Package>> = LazyLock::new(|| {
        let tree = tree("normal,build,dev", "{p}");
        let built: BTreeSet<(&str, &str)> = tree
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                words.next().zip(words.next()?.strip_prefix('v'))
            })
            .collect();
        let is_built = |p: &&Package| built.contains(&(p.name.as_str(), p.version.to_string().as_str()));
        let built: Vec<_> = metadata().packages.iter().filter(is_built).collect();
        assert!(built.len() > members().len(), "cargo tree names no package");
        built
    });
    &BUILT
}

/// What `cargo tree` prints for the whole workspace, a package a line, without the marks of repetition.
pub(crate) fn tree(edges: &str, format: &str) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--workspace", "--prefix", "none"])
        .args(["--edges", edges, "--format", format])
        .current_dir(root())
        .output()
        .expect("cargo tree answers");
    String::from_utf8(tree.stdout).expect("cargo writes text").replace(" (*)", "")
}

/// Names of the packages that `package` is built with directly.
pub(crate) fn direct(package: &Package) -> BTreeSet<String> {
    let resolve = metadata().resolve.as_ref().expect("cargo resolved the graph");
    let node = resolve.nodes.iter().find(|node| node.id == package.id);
    node.into_iter().flat_map(|node| &node.deps).map(|d| metadata()[&d.pkg].name.to_string()).collect()
}
