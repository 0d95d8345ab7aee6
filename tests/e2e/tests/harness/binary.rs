//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::process::{Ended, LIMIT, Process};

/// A command line of `millstream`, without what the caller's environment would change.
pub(crate) fn millstream() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("AWS_") || name.starts_with("MILLSTREAM_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command
}

/// Runs `millstream` to its end in a folder.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = millstream();
    command.args(arguments).current_dir(folder);
    run(&mut command)
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    Process::start(command).end(LIMIT)
}

/// `MILLSTREAM_BIN`, else `millstream` beside the folder that holds this test.
fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let given = std::env::var_os("MILLSTREAM_BIN").map(PathBuf::from);
        let path = given.unwrap_or_else(|| {
            std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("millstream")
        });
        assert!(
            path.is_file(),
            "{} is missing; build it with: cargo build --workspace --bin millstream",
            path.display()
        );
        path
    });
    &BINARY
}
