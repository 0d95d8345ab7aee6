//! What pods wrote, for `kubectl logs`: the API server fetches it from the node, over TLS, and believes any certificate.
//!
//! Of the many options `tailLines`, `follow` and `previous` are known; whoever asks for another one is told.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The longest question; the API server's have some hundred bytes.
const LONGEST: usize = 16 << 10;
/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The log files of pods, by namespace and name.
#[derive(Clone, Default)]
pub(super) struct Logs(Arc<Mutex<BTreeMap<(String, String), PathBuf>>>);

impl Logs {
    /// From now on this pod writes here.
    pub(super) fn add(&self, namespace: &str, pod: &str, file: PathBuf) {
        self.0.lock().unwrap().insert((namespace.to_owned(), pod.to_owned()), file);
    }

    /// The pod is gone.
    pub(super) fn remove(&self, namespace: &str, pod: &str) {
        self.0.lock().unwrap().remove(&(namespace.to_owned(), pod.to_owned()));
    }

    fn file(&self, namespace: &str, pod: &str) -> Option<PathBuf> {
        self.0.lock().unwrap().get(&(namespace.to_owned(), pod.to_owned())).cloned()
    }
}

/// The file of the log of the container before the one of this log.
pub(super) fn previous(file: &std::path::Path) -> PathBuf {
    file.with_extension("previous")
}

/// Answers until the runtime ends, at the returned port of loopback.
pub(super) async fn serve(logs: Logs) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, logs) = (acceptor.clone(), logs.clone());
            tokio::spawn(async move {
                if let Err(error) = answer(acceptor, stream, &logs).await {
                    eprintln!("test kubelet: a log was not read to its end: {error}");
                }
            });
        }
    });
    port
}

fn config() -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["node".to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, logs: &Logs) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let (status, question) = match Question::parse(target) {
        Ok(question) => ("200 OK", Ok(question)),
        Err(why) => ("501 Not Implemented", Err(why)),
    };
    let header = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    stream.write_all(header.as_bytes()).await?;
    match question {
        Ok(question) => {
            let mut sent = 0;
            loop {
                let more = question.text(logs, &mut sent);
                stream.write_all(more.as_deref().unwrap_or_default()).await?;
                stream.flush().await?;
                if more.is_none() || !question.follow {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Err(why) => stream.write_all(why.as_bytes()).await?,
    }
    stream.shutdown().await
}

struct Question {
    namespace: String,
    pod: String,
    tail: Option<usize>,
    follow: bool,
    previous: bool,
}

impl Question {
    fn parse(target: &str) -> Result<Self, String> {
        let (path, options) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let ["containerLogs", namespace, pod, _] = parts[..] else {
            return Err(format!("a node of tests does not answer {path}"));
        };
        let mut question = Self {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            tail: None,
            follow: false,
            previous: false,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("tailLines", lines)) => question.tail = lines.parse().ok(),
                Some(("follow", value)) => question.follow = value == "true",
                Some(("previous", value)) => question.previous = value == "true",
                _ => return Err(format!("a node of tests does not know {option}")),
            }
        }
        Ok(question)
    }

    /// What was not sent yet; `None` when the pod is gone.
    fn text(&self, logs: &Logs, sent: &mut usize) -> Option<Vec<u8>> {
        let file = logs.file(&self.namespace, &self.pod)?;
        let bytes = fs::read(if self.previous { previous(&file) } else { file }).unwrap_or_default();
        let begin = match self.tail.filter(|_| *sent == 0) {
            Some(lines) => begin_of_last(&bytes, lines),
            None => (*sent).min(bytes.len()),
        };
        *sent = bytes.len();
        Some(bytes[begin..].to_vec())
    }
}

/// Where the last so many lines begin.
fn begin_of_last(bytes: &[u8], lines: usize) -> usize {
    let ends: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let mut begins = vec![0];
    begins.extend(ends.into_iter().filter(|end| *end < bytes.len()));
    begins.get(begins.len().saturating_sub(lines)).copied().unwrap_or(bytes.len())
}
