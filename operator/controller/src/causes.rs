//! An error with everything behind it: kube's own text often is only "client error (Connect)".

use std::error::Error;

/// The error and its causes, each behind a colon; a cause that the text before it says already is left out.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in anyhow::Chain::new(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("not connected")]
    struct Outer(#[source] io::Error);

    #[test]
    fn causes_follow() {
        let error = Outer(io::Error::other("refused"));
        assert_eq!(with_causes(&error), "not connected: refused");
        assert_eq!(with_causes(&io::Error::other("not connected")), "not connected");
    }
}
