//! The documents: links that lead somewhere, lists that are complete, commands that exist.

use crate::checkout::{files, root};
use crate::metadata::{folder, members};
use crate::report;

fn document(path: &str) -> &'static str {
    let file = files().iter().find(|file| file.path == path);
    file.and_then(|file| file.text.as_deref()).unwrap_or_else(|| panic!("{path} is missing"))
}

/// Targets of the links in a Markdown text, without those in code.
fn links(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            links.push(target.split(' ').next().unwrap_or_default());
        }
    }
    links
}

#[test]
fn relative_links_lead_somewhere() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let here = root().join(&file.path);
        for link in links(file.text.as_deref().unwrap_or_default()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !here.with_file_name(target).exists() {
                findings.push(format!("{}: {link}", file.path));
            }
        }
    }
    report(&findings, "The link leads to a file that is not there.");
}

#[test]
fn the_architecture_names_every_crate() {
    let text = document("ARCHITECTURE.md");
    let unnamed = members().into_iter().map(folder).filter(|folder| !text.contains(&format!("`{folder}`")));
    report(&unnamed.collect::<Vec<_>>(), "Say in ARCHITECTURE.md what the crate is for.");
}

#[test]
fn commands_in_the_documents_exist() {
    let makefile = document("Makefile");
    let mut findings = Vec::new();
    for path in ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"] {
        for (at, _) in document(path).match_indices("make ") {
            let text = document(path);
            // Only in code, where a back tick or the beginning of a line stands in front.
            if !matches!(text[..at].chars().next_back(), Some('`' | '\n')) {
                continue;
            }
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let target: String = text[at + 5..].chars().take_while(|c| word(*c)).collect();
            if !makefile.lines().any(|line| line.starts_with(&format!("{target}:"))) {
                findings.push(format!("{path}: make {target}"));
            }
        }
    }
    report(&findings, "The Makefile has no such target.");
}

#[test]
fn the_licence_is_the_declared_one() {
    assert!(document("LICENSE").contains("Apache License"));
    for member in members() {
        assert_eq!(member.license.as_deref(), Some("Apache-2.0"), "{}", member.name);
    }
}

#[test]
fn links_are_found() {
    let text = "see [a](x.md) and [b](y/z.md#part \"title\")\n```\n[no](code.md)\n```\n";
    assert_eq!(links(text), ["x.md", "y/z.md#part"]);
}
