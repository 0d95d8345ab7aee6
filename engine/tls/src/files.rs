//! Certificates and keys, as they lie in files.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, ServerConfig};
use thiserror::Error;

use crate::role::{Role, Roles};
use crate::verify::RoleVerifier;

/// Where a process finds what it shows and what it trusts: PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the CAs that it trusts.
    pub ca: PathBuf,
    /// Its own certificate, then those between it and the CA.
    pub cert: PathBuf,
    /// The key of its own certificate.
    pub key: PathBuf,
}

/// What is wrong with the files.
#[derive(Debug, Error)]
pub enum TlsError {
    /// One is not there, or not to be read.
    #[error("{flag} {}: cannot be read: {source}", path.display())]
    Read {
        /// The option that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One holds something else, or nothing.
    #[error("{flag} {}: {what}", path.display())]
    Content {
        /// The option that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
}

/// What is in the files.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsTexts {
    /// Certificates of the CAs that are trusted.
    pub ca: Vec<u8>,
    /// The own certificate, then those between it and the CA.
    pub cert: Vec<u8>,
    /// The key of the own certificate.
    pub key: Vec<u8>,
}

/// Nothing: a key must not come into a log.
impl fmt::Debug for TlsTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTexts").finish_non_exhaustive()
    }
}

/// What new connections are made with.
#[derive(Clone, Debug)]
pub(crate) struct Configs {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// Which one cannot be read. Whether they are any good is another matter.
    pub fn read(&self) -> Result<TlsTexts, TlsError> {
        let read = |flag, path: &Path| {
            fs::read(path).map_err(|source| TlsError::Read { flag, path: path.to_owned(), source })
        };
        Ok(TlsTexts {
            ca: read("--tls-ca", &self.ca)?,
            cert: read("--tls-cert", &self.cert)?,
            key: read("--tls-key", &self.key)?,
        })
    }

    /// Makes configurations for a process of this role.
    pub(crate) fn configure(&self, texts: &TlsTexts, role: Role) -> Result<Configs, TlsError> {
        let ca = |what: String| TlsError::Content { flag: "--tls-ca", path: self.ca.clone(), what };
        let cert = |what: String| TlsError::Content { flag: "--tls-cert", path: self.cert.clone(), what };
        let key = |what: String| TlsError::Content { flag: "--tls-key", path: self.key.clone(), what };
        let mut roots = RootCertStore::empty();
        for trusted in certificates(&texts.ca).map_err(ca)? {
            roots.add(trusted).map_err(|e| ca(format!("a certificate in it cannot be trusted: {e}")))?;
        }
        let chain = certificates(&texts.cert).map_err(cert)?;
        let own = chain.first().ok_or_else(|| cert("there is no certificate in it".into()))?;
        let named = Roles::of(own).map_err(|e| cert(format!("its first certificate cannot be read: {e}")))?;
        if !named.has(role) {
            return Err(cert(format!(
                "this process is a {role}, and its certificate must say so with the DNS name {} in its subjectAltName",
                role.dns_name()
            )));
        }
        let private = PrivateKeyDer::from_pem_slice(&texts.key)
            .map_err(|e| key(format!("there is no private key in it (PEM): {e}")))?;
        let unfit = |e: rustls::Error| match e {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                key(format!("it is not the key of the certificate in {}", self.cert.display()))
            }
            other => key(format!("it cannot be used: {other}")),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = Arc::new(roots);
        let client =
            self.client(&provider, roots.clone(), chain.clone(), private.clone_key()).map_err(unfit)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
        let verifier = verifier.map_err(|e| ca(e.to_string()))?;
        let server = self.server(&provider, RoleVerifier::new(verifier, role.lets_in()), chain, private);
        Ok(Configs { client: Arc::new(client), server: Arc::new(server.map_err(unfit)?) })
    }

    fn client(
        &self,
        provider: &Arc<CryptoProvider>,
        roots: Arc<RootCertStore>,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<ClientConfig, rustls::Error> {
        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        // A resumed connection is not verified again.
        client.resumption = Resumption::disabled();
        Ok(client)
    }

    fn server(
        &self,
        provider: &Arc<CryptoProvider>,
        verifier: RoleVerifier,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<ServerConfig, rustls::Error> {
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(chain, key)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(server)
    }
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|e| format!("it is damaged (PEM): {e}"))?;
    if all.is_empty() { Err("there is no certificate in it (PEM)".into()) } else { Ok(all) }
}
