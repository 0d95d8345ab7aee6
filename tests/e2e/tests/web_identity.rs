//! Credentials for S3 from a web identity, as Kubernetes gives them to pods: a token in a file, for which a token service hands out a
//! key for a while.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millstream_test_testkit::certificates::TestCa;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{S3Server, lines_of, millstream, run};

const TOKEN: &str = "the-token-of-the-pod";
const ROLE: &str = "arn:aws:iam::123456789012:role/streams";

/// A token service on loopback, and how often it was asked. It hands out the keys of the test's S3 server, which knows no session
/// tokens.
struct TokenService {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl TokenService {
    fn start(ca: &TestCa) -> Self {
        let files = ca.issue("sts", &["localhost"]);
        let chain = CertificateDer::pem_file_iter(&files.cert).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
                let mut request = vec![0; 16 * 1024];
                let Ok(length) = tls.read(&mut request) else { continue };
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let is_right = request.contains("Action=AssumeRoleWithWebIdentity")
                    && request.contains(&format!("WebIdentityToken={TOKEN}"))
                    && request.contains("role%2Fstreams");
                count.fetch_add(usize::from(is_right), Ordering::SeqCst);
                let (status, body) =
                    if is_right { ("200 OK", credentials()) } else { ("403 Forbidden", String::new()) };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        });
        Self { url, asked }
    }
}

fn credentials() -> String {
    let (user, password) = S3Server::KEYS;
    format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{user}</AccessKeyId>\
         <SecretAccessKey>{password}</SecretAccessKey><SessionToken></SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>"
    )
}

#[test]
fn a_job_gets_its_credentials_from_the_token_service() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ca = TestCa::new(&folder.join("tls"));
    let service = TokenService::start(&ca);
    fs::create_dir(folder.join("in")).unwrap();
    fs::write(folder.join("in/a.csv"), "1\n2\n3\n").unwrap();
    fs::write(folder.join("token"), TOKEN).unwrap();
    let sql = "CREATE TABLE t (id INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv');
CREATE TABLE o (id INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO o SELECT id FROM t;\n";
    fs::write(folder.join("j.sql"), sql).unwrap();
    let command = |token: &str| {
        let mut command = millstream();
        command.current_dir(folder).args(["run", "j.sql", "--storage", "s3://streams/identity"]);
        server.configure(&mut command);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_WEB_IDENTITY_TOKEN_FILE", folder.join(token)).env("AWS_ROLE_ARN", ROLE);
        command.env("AWS_ENDPOINT_URL_STS", &service.url).env("SSL_CERT_FILE", folder.join("tls/ca.crt"));
        command
    };
    run(&mut command("token")).code(0).says("finished at epoch");
    assert_eq!(lines_of(&folder.join("out")), ["1", "2", "3"]);
    assert!(service.asked.load(Ordering::SeqCst) > 0);
    run(&mut command("absent")).code(1).says("Failed to read token file");
}
