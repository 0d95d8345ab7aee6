//! `cargo xtask codegen` writes the generated files; `cargo xtask codegen --check` fails when one is stale.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "Chores of the Millstream workspace")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the files that are generated from the code: crds/ and the chart's copies, and the pages of docs/ about
    /// connectors, StreamJobs and StreamSnapshots.
    Codegen {
        /// Write nothing; fail when a file is missing or differs.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Args::parse().task {
        Task::Codegen { check: false } => xtask::codegen::write(&root)?,
        Task::Codegen { check: true } => {
            let stale = xtask::codegen::stale(&root)?;
            if !stale.is_empty() {
                anyhow::bail!("stale: {}; run `cargo xtask codegen`", stale.join(", "));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
