//! Golden plans: each file in `plans/` has a text, a line `---- plan`, and the plan at parallelism 2.
//!
//! `UPDATE_PLANS=1 cargo test -p millstream-sql plans` writes them again; read the difference before committing it.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::support::{TABLES, compile_at};

const MARK: &str = "---- plan\n";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/plans")
}

fn plan_of(text: &str) -> String {
    let text = format!("{TABLES}\n{text}");
    match compile_at(&text, 2) {
        Ok(compiled) => {
            let mut shown = compiled.plan.map_or_else(String::new, |plan| plan.to_text());
            for explained in &compiled.explains {
                let _ = write!(shown, "EXPLAIN\n{}", explained.to_text());
            }
            if let Some(warnings) = &compiled.warnings {
                let _ = writeln!(shown, "{}", warnings.render_warnings(false));
            }
            if let Some(job) = &compiled.job {
                for chain in &job.graph.chains {
                    let _ = writeln!(shown, "chain {} x{}: {}", chain.id, chain.parallelism, chain.name);
                }
                for edge in &job.graph.edges {
                    let _ = writeln!(shown, "edge {} -> {}: {:?}", edge.from, edge.to, edge.partitioning);
                }
                for (chain, compiled) in job.graph.chains.iter().zip(&job.chains) {
                    assert_eq!(chain.operators.len(), compiled.operators.len());
                }
            }
            shown
        }
        Err(diagnostics) => format!("{}\n", diagnostics.render(false)),
    }
}

#[test]
fn plans_are_as_recorded() {
    let update = std::env::var_os("UPDATE_PLANS").is_some();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 30, "{} plans", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let content = std::fs::read_to_string(&file).unwrap();
        let (text, expected) = content.split_once(MARK).unwrap_or((content.as_str(), ""));
        let found = plan_of(text);
        if update {
            std::fs::write(&file, format!("{}\n{MARK}{found}", text.trim_end())).unwrap();
        } else if found != expected {
            wrong.push(format!("{}\nexpected\n{expected}\nfound\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_golden_compiles() {
    if std::env::var_os("UPDATE_PLANS").is_some() {
        return;
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        let content = std::fs::read_to_string(&file).unwrap();
        assert!(!content.contains("\nerror: "), "{} holds a mistake", file.display());
        assert!(content.contains(MARK), "{} has no plan", file.display());
    }
}
