//! Who this operator is towards coordinators, and by what it knows them.

use std::path::PathBuf;
use std::sync::Arc;

use millstream_tls::Security;

use crate::identity::OperatorIdentity;

/// By what a coordinator is known to be the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// By nothing: its deployment talks in the clear.
    Plaintext,
    /// By a certificate of one of these CAs.
    Authorities {
        /// PEM.
        pem: String,
        /// The object that says so.
        from: String,
    },
}

/// What this operator can show.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    identity: Option<Arc<OperatorIdentity>>,
}

impl Credentials {
    /// With a certificate, or without.
    pub(crate) fn new(identity: Option<Arc<OperatorIdentity>>) -> Self {
        Self { identity }
    }

    /// CAs of the own certificate (PEM); empty without one.
    pub(crate) fn client_ca(&self) -> String {
        self.identity.as_ref().map(|identity| identity.client_ca()).unwrap_or_default()
    }

    /// How to connect to a coordinator.
    ///
    /// # Errors
    /// It cannot be trusted, and why.
    pub(crate) fn towards(&self, coordinator: &Trust) -> Result<Security, String> {
        match (coordinator, &self.identity) {
            (Trust::Plaintext, _) => Ok(Security::Plaintext),
            (Trust::Authorities { pem, .. }, _) if pem.is_empty() => {
                Err("there is no CA yet that could vouch for it".to_owned())
            }
            (Trust::Authorities { pem, from }, Some(identity)) => identity.trusting(pem, PathBuf::from(from)),
            (Trust::Authorities { .. }, None) => Err(
                "it wants to see a certificate, and this operator was started without --tls-ca, --tls-cert and \
                 --tls-key"
                    .to_owned(),
            ),
        }
    }
}
