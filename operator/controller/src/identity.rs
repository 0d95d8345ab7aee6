//! The operator's own certificate, which it shows to coordinators.
//!
//! It comes from files, which are looked at again and again: whoever mounted them may replace them. An installation that has no
//! certificate yet gets one: it is made here, put into a secret with `create`, and used from memory until that secret is mounted. So the
//! secret is never read through the API, and of several operators that start at once, one makes it and the others wait for the files.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use millstream_api::k8s_openapi::api::core::v1::Secret;
use millstream_lifecycle::time::Timestamp;
use millstream_tls::{Identity, Role, Security, TlsError, TlsFiles, TlsTexts};
use serde_json::json;

use crate::causes::with_causes;
use crate::certificates::issue_operator;
use crate::named::NamespacedName;
use crate::observe::{MANAGED_BY, MANAGER};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How soon to try again what has not worked.
const PATIENCE: Duration = Duration::from_secs(2);

/// The operator's certificate, as it is at the moment.
pub(crate) struct OperatorIdentity {
    files: TlsFiles,
    texts: Mutex<Arc<TlsTexts>>,
}

impl OperatorIdentity {
    /// Takes the certificate from the files. When they are not there and a secret is named, one is made and put there; when that secret
    /// exists already, its files are waited for.
    ///
    /// # Errors
    /// The files are no good, or not there while no secret is named.
    pub(crate) async fn open(
        client: &Client,
        files: TlsFiles,
        secret: Option<&NamespacedName>,
    ) -> anyhow::Result<Self> {
        let mut said = None;
        loop {
            match (read(&files), secret) {
                (Ok(texts), _) => return Ok(Self::new(files, texts)),
                (Err(error), Some(secret)) if is_absent(&error) => {
                    let why = match create(client, secret).await {
                        Ok(texts) => {
                            tracing::info!("made a certificate for this operator, in the secret {secret}");
                            return Ok(Self::new(files, texts));
                        }
                        Err(CreateError::Kube(Error::Api(status))) if status.code == 409 => {
                            let there = files.cert.display();
                            format!("the secret {secret} is there; waiting for it to be mounted: {there}")
                        }
                        Err(CreateError::Kube(error)) => {
                            format!("the secret {secret} cannot be made: {}", with_causes(&error))
                        }
                        Err(CreateError::Certificate(error)) => return Err(error.into()),
                    };
                    if said.as_ref() != Some(&why) {
                        tracing::warn!("{why}");
                        said = Some(why);
                    }
                    tokio::time::sleep(PATIENCE).await;
                }
                (Err(error), _) => return Err(error).context("the operator's own certificate"),
            }
        }
    }

    fn new(files: TlsFiles, texts: TlsTexts) -> Self {
        Self { files, texts: Mutex::new(Arc::new(texts)) }
    }

    /// Takes over what is in the files, for ever. Files that are gone or no good change nothing.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut complained = false;
        loop {
            tokio::time::sleep(LOOK).await;
            match read(&self.files) {
                Ok(texts) => {
                    complained = false;
                    let mut current = self.lock();
                    if **current != texts {
                        tracing::info!("this operator has a new certificate");
                        *current = Arc::new(texts);
                    }
                }
                Err(error) if !complained => {
                    complained = true;
                    tracing::warn!("this operator keeps the certificate that it has: {error}");
                }
                Err(_) => {}
            }
        }
    }

    /// CAs of the certificate (PEM), in lines that end: text can follow.
    pub(crate) fn client_ca(&self) -> String {
        let mut ca = String::from_utf8_lossy(&self.lock().ca).trim().to_owned();
        ca.push('\n');
        ca
    }

    /// Shows the certificate, and trusts these CAs (PEM) from a place of this name.
    ///
    /// # Errors
    /// There are none among them.
    pub(crate) fn trusting(&self, authorities: &str, from: PathBuf) -> Result<Security, String> {
        let own = self.lock().clone();
        let texts =
            TlsTexts { ca: authorities.as_bytes().to_vec(), cert: own.cert.clone(), key: own.key.clone() };
        let files = TlsFiles { ca: from, ..self.files.clone() };
        let identity = Identity::given(files, texts, Role::Client).map_err(|error| match error {
            TlsError::Content { path, what, .. } => format!("{}: {what}", path.display()),
            error @ TlsError::Read { .. } => error.to_string(),
        })?;
        Ok(Security::Tls(Arc::new(identity)))
    }

    fn lock(&self) -> MutexGuard<'_, Arc<TlsTexts>> {
        // It is replaced as a whole.
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for OperatorIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorIdentity").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Reads the files, if they are of use to an operator.
fn read(files: &TlsFiles) -> Result<TlsTexts, TlsError> {
    let texts = files.read()?;
    Identity::given(files.clone(), texts.clone(), Role::Client)?;
    Ok(texts)
}

fn is_absent(error: &TlsError) -> bool {
    matches!(error, TlsError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

enum CreateError {
    Certificate(rcgen::Error),
    Kube(Error),
}

/// Makes a certificate and the secret that holds it.
async fn create(client: &Client, name: &NamespacedName) -> Result<TlsTexts, CreateError> {
    let texts = issue_operator(Timestamp::now()).map_err(CreateError::Certificate)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name.name, "namespace": name.namespace, "labels": {MANAGED_BY: MANAGER}},
        "type": "kubernetes.io/tls",
        "stringData": {"ca.crt": text(&texts.ca), "tls.crt": text(&texts.cert), "tls.key": text(&texts.key)},
    });
    let secret: Secret =
        serde_json::from_value(secret).map_err(|e| CreateError::Kube(Error::SerdeError(e)))?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &name.namespace);
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    secrets.create(&parameters, &secret).await.map_err(CreateError::Kube)?;
    Ok(texts)
}
