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
use millstream_lifecycle::build::UNTIL_ANNOTATION;
use millstream_lifecycle::time::Timestamp;
use millstream_tls::{Identity, Role, Security, TlsError, TlsFiles, TlsTexts};
use serde_json::json;

use crate::certificates::issue_operator;
use crate::named::NamespacedName;
use crate::observe::{MANAGED_BY, MANAGER};
use millstream_model::error::with_causes;

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
        let mut complaint = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let said = self.look().err().map(|error| error.to_string());
            if let Some(error) = said.as_ref().filter(|_| said != complaint) {
                tracing::warn!("this operator keeps the certificate that it has: {error}");
            }
            complaint = said;
        }
    }

    fn look(&self) -> Result<(), TlsError> {
        let texts = match read(&self.files) {
            // Not mounted yet, or its secret was deleted.
            Err(error) if is_absent(&error) => return Ok(()),
            read => read?,
        };
        let mut current = self.lock();
        if **current != texts {
            tracing::info!("this operator has a new certificate");
            *current = Arc::new(texts);
        }
        Ok(())
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
    let (texts, valid) = issue_operator(Timestamp::now()).map_err(CreateError::Certificate)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name.name, "namespace": name.namespace, "labels": {MANAGED_BY: MANAGER},
            "annotations": {UNTIL_ANNOTATION: valid.until.to_string()}},
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::credentials::{Credentials, Trust};

    struct Folder {
        folder: tempfile::TempDir,
        files: TlsFiles,
    }

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = |name: &str| folder.path().join(name);
            let files = TlsFiles { ca: file("ca.crt"), cert: file("tls.crt"), key: file("tls.key") };
            Self { folder, files }
        }

        fn write(&self, texts: &TlsTexts) {
            for (name, bytes) in [("ca.crt", &texts.ca), ("tls.crt", &texts.cert), ("tls.key", &texts.key)] {
                fs::write(self.folder.path().join(name), bytes).unwrap();
            }
        }
    }

    fn made() -> TlsTexts {
        issue_operator(Timestamp::now()).unwrap().0
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn files_that_are_replaced_are_taken_over_and_bad_ones_are_not() {
        let (folder, first, second) = (Folder::new(), made(), made());
        let identity = OperatorIdentity::new(folder.files.clone(), first.clone());
        identity.look().unwrap();
        assert_eq!(identity.client_ca(), text(&first.ca), "they are not mounted yet");
        folder.write(&TlsTexts { key: first.key.clone(), ..second.clone() });
        let refused = identity.look().unwrap_err().to_string();
        assert!(refused.contains("it is not the key of the certificate"), "{refused}");
        assert_eq!(identity.client_ca(), text(&first.ca));
        folder.write(&second);
        identity.look().unwrap();
        assert_eq!(identity.client_ca(), text(&second.ca));
        fs::remove_file(&folder.files.key).unwrap();
        identity.look().unwrap();
        assert_eq!(identity.client_ca(), text(&second.ca));
    }

    #[test]
    fn a_certificate_for_another_role_is_none_of_an_operators() {
        let folder = Folder::new();
        assert!(is_absent(&read(&folder.files).unwrap_err()));
        let job = crate::certificates::issue("j-tls-1", LOOK, Timestamp::now()).unwrap();
        let pair = job.of(millstream_lifecycle::names::TlsRole::Worker);
        let bytes = |text: &str| text.as_bytes().to_vec();
        folder.write(&TlsTexts {
            ca: bytes(&job.authority),
            cert: bytes(&pair.certificate),
            key: bytes(&pair.key),
        });
        let refused = read(&folder.files).unwrap_err();
        assert!(!is_absent(&refused) && refused.to_string().contains("client.millstream.internal"));
    }

    #[test]
    fn a_coordinator_without_a_ca_is_not_believed() {
        let identity = OperatorIdentity::new(Folder::new().files, made());
        let (with, without) = (Credentials::new(Some(Arc::new(identity))), Credentials::new(None));
        assert!(matches!(with.towards(&Trust::Plaintext), Ok(Security::Plaintext)));
        let by = |pem: &str| Trust::Authorities { pem: pem.into(), from: "ConfigMap/j-tls-1".into() };
        let authority = text(&made().ca);
        assert!(matches!(with.towards(&by(&authority)), Ok(Security::Tls(_))));
        for (credentials, pem, why) in [
            (&with, "", "there is no CA yet"),
            (&with, "nonsense", "ConfigMap/j-tls-1: there is no certificate in it"),
            (&without, authority.as_str(), "was started without --tls-ca"),
        ] {
            let refused = credentials.towards(&by(pem)).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        assert_eq!(without.client_ca(), "");
    }
}
