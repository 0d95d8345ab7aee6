//! Programs of `scripts/install gitops`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use millstream_test_kube::checkout;

/// A program, to be run from the root of the checkout.
///
/// # Panics
/// If it was not built, with the command that builds it.
pub fn program(name: &str) -> Command {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let told = Command::new(checkout().join("scripts/gitops")).arg("programs").output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap().trim().into()
    });
    let path = FOLDER.join(name);
    assert!(path.exists(), "{} is missing; install it with: scripts/install gitops", path.display());
    let mut command = Command::new(path);
    command.current_dir(checkout());
    command
}

/// What a program prints when it reads this; what it complains about when it fails.
pub(crate) fn answer(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Beside the reading: a program may answer before it has read everything.
    let writing = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let ended = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
}
