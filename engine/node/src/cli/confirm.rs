//! Questions before something that cannot be undone.

use std::io::{IsTerminal as _, Write as _};

use super::failure::Failure;

/// Asks on a terminal; elsewhere `--yes` must have been given.
pub(super) fn confirm(is_confirmed: bool, question: &str) -> Result<(), Failure> {
    if is_confirmed {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Mistake("not on a terminal: add --yes to confirm".into()));
    }
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::Mistake("nothing was changed".into()))
    }
}
