//! Two processes that meet, of which one or the other is not as it should be.

use std::fs;
use std::sync::Arc;

use millstream_test_testkit::certificates::{TestCa, TestCertificate};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const COORDINATOR: &str = "coordinator.millstream.internal";
const WORKER: &str = "worker.millstream.internal";
const CLIENT: &str = "client.millstream.internal";

fn files(certificate: &TestCertificate) -> TlsFiles {
    let TestCertificate { ca, cert, key } = certificate.clone();
    TlsFiles { ca, cert, key }
}

fn secured(certificate: &TestCertificate, role: Role) -> Security {
    Security::Tls(Arc::new(Identity::open(files(certificate), role).unwrap()))
}

/// Certificates of one CA in a folder, whose name is cut out of messages.
struct Bench {
    folder: TempDir,
    ca: TestCa,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = TestCa::new(folder.path());
        Self { folder, ca }
    }

    fn coordinator(&self) -> Security {
        secured(&self.ca.issue("coordinator", &[COORDINATOR]), Role::Coordinator)
    }

    fn worker(&self) -> Security {
        secured(&self.ca.issue("worker", &[WORKER]), Role::Worker)
    }

    fn client(&self) -> Security {
        secured(&self.ca.issue("client", &[CLIENT]), Role::Client)
    }

    /// What both sides see: who came, and what was answered, or why not.
    async fn meet(&self, server: &Security, client: &Security, to: Role) -> [Result<String, String>; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = async {
            let (mut stream, roles) = server.accept(listener.accept().await.unwrap().0).await?;
            let mut said = [0; 5];
            stream.read_exact(&mut said).await.map_err(|e| e.to_string())?;
            stream.write_all(b"you!!").await.map_err(|e| e.to_string())?;
            Ok(roles.to_string())
        };
        let connecting = async {
            let tcp = TcpStream::connect(address).await.unwrap();
            let mut stream = client.connect(tcp, to).await?;
            stream.write_all(b"hello").await.map_err(|e| e.to_string())?;
            let mut answer = [0; 5];
            let read = stream.read_exact(&mut answer).await.map_err(|e| e.to_string());
            assert_eq!(stream.trouble().reason(), read.as_ref().err().map(String::as_str));
            read.map(|_| String::from_utf8_lossy(&answer).into_owned())
        };
        let (accepted, connected) = tokio::join!(accepting, connecting);
        let here = format!("{}/", self.folder.path().display());
        [accepted, connected].map(|side| side.map_err(|words| words.replace(&here, "")))
    }
}

fn refused(words: &str) -> Result<String, String> {
    Err(words.into())
}

#[tokio::test]
async fn roles_of_one_ca_meet_as_they_should() {
    let bench = Bench::new();
    let (coordinator, worker, client) = (bench.coordinator(), bench.worker(), bench.client());
    let met = bench.meet(&coordinator, &worker, Role::Coordinator).await;
    assert_eq!(met, [Ok(WORKER.into()), Ok("you!!".into())]);
    let met = bench.meet(&coordinator, &client, Role::Coordinator).await;
    assert_eq!(met, [Ok(CLIENT.into()), Ok("you!!".into())]);
    let met = bench.meet(&worker, &worker, Role::Worker).await;
    assert_eq!(met, [Ok(WORKER.into()), Ok("you!!".into())]);
    let both = secured(&bench.ca.issue("both", &[COORDINATOR, CLIENT]), Role::Client);
    let met = bench.meet(&coordinator, &both, Role::Coordinator).await;
    assert_eq!(met, [Ok(format!("{COORDINATOR} or {CLIENT}")), Ok("you!!".into())]);
    let met = bench.meet(&Security::Plaintext, &Security::Plaintext, Role::Coordinator).await;
    assert_eq!(met, [Ok(format!("{COORDINATOR} or {WORKER} or {CLIENT}")), Ok("you!!".into())]);
}

#[tokio::test]
async fn a_wrong_role_is_refused_and_both_sides_say_so() {
    let bench = Bench::new();
    let (coordinator, worker, client) = (bench.coordinator(), bench.worker(), bench.client());
    let role = |names: &str| {
        format!("its certificate is for another role: it needs the DNS name {names} in its subjectAltName")
    };
    let met = bench.meet(&worker, &client, Role::Worker).await;
    let told =
        "it refused the certificate of this client (client.crt): it is for a role that has no business there";
    assert_eq!(met, [Err(role(WORKER)), refused(told)]);
    let met = bench.meet(&coordinator, &coordinator, Role::Coordinator).await;
    let told = "it refused the certificate of this coordinator (coordinator.crt): it is for a role that has no business there";
    assert_eq!(met, [Err(role(&format!("{WORKER} or {CLIENT}"))), refused(told)]);
    // A worker that plays the coordinator.
    let met = bench.meet(&worker, &worker, Role::Coordinator).await;
    let told = "it refused the certificate of this worker (worker.crt): it is for another role than the one that is expected there";
    assert_eq!(met, [refused(told), Err(role(COORDINATOR))]);
}

#[tokio::test]
async fn a_certificate_that_is_no_good_is_refused_and_both_sides_say_so() {
    let bench = Bench::new();
    let (coordinator, worker) = (bench.coordinator(), bench.worker());
    let other = TestCa::new(&bench.folder.path().join("other"));
    let foreign = other.issue("worker", &[WORKER]);
    // It trusts the job's CA, which does not trust it.
    let foreign =
        secured(&TestCertificate { ca: bench.folder.path().join("ca.crt"), ..foreign }, Role::Worker);
    let met = bench.meet(&coordinator, &foreign, Role::Coordinator).await;
    let stranger = "its certificate is from none of the CAs in ca.crt: all processes of a job need certificates of one CA";
    let told = "it refused the certificate of this worker (other/worker.crt): it is from another CA than those that it trusts";
    assert_eq!(met, [refused(stranger), refused(told)]);
    let met = bench.meet(&foreign, &worker, Role::Worker).await;
    assert_eq!(met, [refused(told), refused(stranger)]);
    let expired = secured(&bench.ca.issue_expired("old", &[WORKER]), Role::Worker);
    let met = bench.meet(&coordinator, &expired, Role::Coordinator).await;
    let old = "its certificate has expired: replace its file, which is read again for the next connection";
    let told = "it refused the certificate of this worker (old.crt): it has expired, or the clocks differ";
    assert_eq!(met, [refused(old), refused(told)]);
    let met = bench.meet(&expired, &worker, Role::Worker).await;
    assert_eq!(met, [refused(told), refused(old)]);
}

#[tokio::test]
async fn plaintext_and_tls_do_not_mix_and_both_sides_say_so() {
    let bench = Bench::new();
    let (coordinator, worker) = (bench.coordinator(), bench.worker());
    let instead =
        "it does not speak TLS: start it with --tls-ca, --tls-cert and --tls-key instead of --plaintext";
    let both = "it wants TLS, but this process was started with --plaintext: start both with --plaintext, or both with \
                --tls-ca, --tls-cert and --tls-key";
    let met = bench.meet(&coordinator, &Security::Plaintext, Role::Coordinator).await;
    assert_eq!(met, [refused(instead), refused(both)]);
    let met = bench.meet(&Security::Plaintext, &worker, Role::Coordinator).await;
    assert_eq!(met, [refused(both), refused(instead)]);
}

/// It is told by what it reads, but it writes.
#[tokio::test]
async fn whoever_only_writes_is_told_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut stream = Security::Plaintext.connect(tcp, Role::Coordinator).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let (mut refusing, _) = listener.accept().await.unwrap();
    refusing.readable().await.unwrap();
    refusing.write_all(&[0x15, 3, 3, 0, 2, 2, 70]).await.unwrap();
    // What it did not read makes this a broken connection.
    drop(refusing);
    let error = loop {
        if let Err(error) = stream.write_all(b"more").await {
            break error.to_string();
        }
    };
    assert!(error.starts_with("it wants TLS, but this process was started with --plaintext"), "{error}");
}

/// A process that trusts the CA but shows nothing, as any TLS client may.
#[tokio::test]
async fn no_certificate_is_refused() {
    let bench = Bench::new();
    let coordinator = bench.coordinator();
    let mut roots = rustls::RootCertStore::empty();
    let ca = fs::read(bench.folder.path().join("ca.crt")).unwrap();
    roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(&ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = async { coordinator.accept(listener.accept().await.unwrap().0).await.map(|_| ()) };
    let connecting = async {
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = Role::Coordinator.server_name().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        connector.connect(name, tcp).await.unwrap().read_u8().await.unwrap_err().to_string()
    };
    let (accepted, told) = tokio::join!(accepting, connecting);
    assert_eq!(accepted.unwrap_err(), "it showed no certificate: start it with --tls-cert and --tls-key");
    assert!(told.contains("CertificateRequired"), "{told}");
}

#[tokio::test]
async fn files_that_are_replaced_are_used_for_the_next_connection_unless_they_are_no_good() {
    let bench = Bench::new();
    let coordinator = bench.coordinator();
    let certificate = bench.ca.issue_expired("worker", &[WORKER]);
    let worker = secured(&certificate, Role::Worker);
    let works = async || bench.meet(&coordinator, &worker, Role::Coordinator).await.iter().all(Result::is_ok);
    assert!(!works().await);
    bench.ca.issue("worker", &[WORKER]);
    assert!(works().await, "the new certificate is used");
    let good = fs::read(&certificate.cert).unwrap();
    for bad in [
        &b"nonsense"[..],
        b"",
        &good[..good.len() / 2],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(&certificate.cert, bad).unwrap();
        assert!(works().await, "the old certificate stays");
    }
    fs::remove_file(&certificate.cert).unwrap();
    assert!(works().await, "the old certificate stays");
    bench.ca.issue("worker", &[CLIENT]);
    assert!(works().await, "a certificate of another role is not used");
    bench.ca.issue_expired("worker", &[WORKER]);
    assert!(!works().await, "what is in the files counts again");
    bench.ca.issue("worker", &[WORKER]);
    assert!(works().await);
    // A new CA: the coordinator goes on to trust the old one until its own file is replaced.
    let next = TestCa::new(&bench.folder.path().join("next"));
    let both = [
        fs::read(bench.folder.path().join("ca.crt")).unwrap(),
        fs::read(bench.folder.path().join("next/ca.crt")).unwrap(),
    ];
    let issued = next.issue("worker", &[WORKER]);
    fs::write(bench.folder.path().join("ca.crt"), both.concat()).unwrap();
    fs::copy(issued.key, &certificate.key).unwrap();
    assert!(works().await, "a key without its certificate is not used");
    fs::copy(issued.cert, &certificate.cert).unwrap();
    assert!(works().await, "both CAs are trusted");
}

#[test]
fn files_that_are_no_good_are_named() {
    let bench = Bench::new();
    let good = bench.ca.issue("good", &[WORKER]);
    let other = bench.ca.issue("other", &[CLIENT]);
    let path = |name: &str| bench.folder.path().join(name);
    fs::write(path("empty"), "").unwrap();
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(path("damaged"), damaged).unwrap();
    let table: Vec<(TlsFiles, &str)> = vec![
        (TlsFiles { ca: path("none"), ..files(&good) }, "--tls-ca none: cannot be read: No such file"),
        (TlsFiles { cert: path("none"), ..files(&good) }, "--tls-cert none: cannot be read: No such file"),
        (TlsFiles { key: path(""), ..files(&good) }, "--tls-key : cannot be read: Is a directory"),
        (
            TlsFiles { ca: path("empty"), ..files(&good) },
            "--tls-ca empty: there is no certificate in it (PEM)",
        ),
        (
            TlsFiles { ca: path("damaged"), ..files(&good) },
            "--tls-ca damaged: a certificate in it cannot be trusted: ",
        ),
        (
            TlsFiles { cert: path("good.key"), ..files(&good) },
            "--tls-cert good.key: there is no certificate in it (PEM)",
        ),
        (
            TlsFiles { cert: path("damaged"), ..files(&good) },
            "--tls-cert damaged: its first certificate cannot be read: ",
        ),
        (
            TlsFiles { key: path("good.crt"), ..files(&good) },
            "--tls-key good.crt: there is no private key in it (PEM): ",
        ),
        (
            TlsFiles { key: path("other.key"), ..files(&good) },
            "--tls-key other.key: it is not the key of the certificate in good.crt",
        ),
        (
            files(&other),
            "--tls-cert other.crt: this process is a worker, and its certificate must say so with the DNS name \
             worker.millstream.internal in its subjectAltName",
        ),
    ];
    let here = format!("{}/", bench.folder.path().display());
    for (files, expected) in table {
        let error = Identity::open(files, Role::Worker).unwrap_err().to_string().replace(&here, "");
        assert!(error.starts_with(expected), "{error} instead of {expected}");
    }
}
