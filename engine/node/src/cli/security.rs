//! From options to what a process demands of its connections.

use std::path::PathBuf;
use std::sync::Arc;

use millstream_tls::{Identity, Role, Security, TlsFiles};

use super::args::SecurityArguments;
use super::failure::Failure;

const WAYS: &str = "give --tls-ca, --tls-cert and --tls-key, or --plaintext to connect without encryption and to believe \
                    whoever connects";

/// What was asked for. Nobody sends anything in the clear without having said so.
pub(super) fn security(arguments: &SecurityArguments, role: Role) -> Result<Security, Failure> {
    let SecurityArguments { plaintext, tls_ca, tls_cert, tls_key } = arguments;
    let files = [("--tls-ca", tls_ca), ("--tls-cert", tls_cert), ("--tls-key", tls_key)];
    let given = files.iter().find(|(_, file)| file.is_some());
    match (given, plaintext) {
        (None, true) => return Ok(Security::Plaintext),
        (None, false) => {
            return Err(Failure::Mistake(format!("a {role} needs to know how to connect: {WAYS}")));
        }
        (Some((flag, _)), true) => {
            return Err(Failure::Mistake(format!("{flag} and --plaintext exclude each other: {WAYS}")));
        }
        (Some(_), false) => {}
    }
    let file = |flag: &str, file: &Option<PathBuf>| {
        file.clone().ok_or_else(|| Failure::Mistake(format!("{flag} is missing: {WAYS}")))
    };
    let files = TlsFiles {
        ca: file("--tls-ca", tls_ca)?,
        cert: file("--tls-cert", tls_cert)?,
        key: file("--tls-key", tls_key)?,
    };
    let identity = Identity::open(files, role).map_err(|e| Failure::Mistake(e.to_string()))?;
    Ok(Security::Tls(Arc::new(identity)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_guessed() {
        let none = SecurityArguments { plaintext: false, tls_ca: None, tls_cert: None, tls_key: None };
        let refused = |arguments: &SecurityArguments| {
            security(arguments, Role::Worker).unwrap_err().message().to_owned()
        };
        assert!(refused(&none).starts_with("a worker needs to know how to connect: give --tls-ca, "));
        let part = SecurityArguments { tls_ca: Some("ca".into()), tls_key: Some("key".into()), ..none };
        assert!(refused(&part).starts_with("--tls-cert is missing: give --tls-ca, "));
        let both = SecurityArguments { plaintext: true, ..part };
        assert!(refused(&both).starts_with("--tls-ca and --plaintext exclude each other: "));
        let clear = SecurityArguments { tls_ca: None, tls_key: None, ..both };
        assert!(matches!(security(&clear, Role::Worker), Ok(Security::Plaintext)));
    }
}
