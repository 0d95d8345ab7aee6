//! Certificates that were made here, as the processes of jobs take them.

use std::path::PathBuf;
use std::sync::Arc;

use millstream_tls::{Identity, Roles, Security, TlsFiles};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

fn files(ca: &str) -> TlsFiles {
    TlsFiles { ca: PathBuf::from(ca), cert: "tls.crt".into(), key: "tls.key".into() }
}

fn shows(pair: &Pair, ca: &str, role: Role) -> Security {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let texts = TlsTexts { ca: bytes(ca), cert: bytes(&pair.certificate), key: bytes(&pair.key) };
    Security::Tls(Arc::new(Identity::given(files("ca.crt"), texts, role).unwrap()))
}

fn operator(texts: &TlsTexts, authority: &str) -> Security {
    let texts = TlsTexts { ca: authority.as_bytes().to_vec(), ..texts.clone() };
    Security::Tls(Arc::new(Identity::given(files("ConfigMap/j-tls-1"), texts, Role::Client).unwrap()))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What the one that was connected to and the one that connected say.
async fn meet(server: &Security, client: &Security, to: Role) -> [Result<Roles, String>; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = async {
        let (mut stream, roles) = server.accept(listener.accept().await.unwrap().0).await?;
        stream.write_all(b"!").await.map_err(|e| e.to_string())?;
        Ok(roles)
    };
    let connecting = async {
        let mut stream = client.connect(TcpStream::connect(address).await.unwrap(), to).await?;
        stream.read_u8().await.map_err(|e| e.to_string())?;
        Ok(Roles::ANY)
    };
    let (accepted, connected) = tokio::join!(accepting, connecting);
    [accepted, connected]
}

#[tokio::test]
async fn processes_of_a_deployment_and_its_operator_let_each_other_in() {
    let now = Timestamp::now();
    let (job, me) = (issue("j-tls-1", YEAR, now).unwrap(), issue_operator(now).unwrap());
    let both = format!("{}{}", job.authority, text(&me.ca));
    let coordinator = shows(job.of(TlsRole::Coordinator), &both, Role::Coordinator);
    let worker = shows(job.of(TlsRole::Worker), &job.authority, Role::Worker);
    let operator = operator(&me, &job.authority);
    let [accepted, connected] = meet(&coordinator, &worker, Role::Coordinator).await;
    assert!(accepted.unwrap().has(Role::Worker) && connected.is_ok());
    let [accepted, connected] = meet(&worker, &worker, Role::Worker).await;
    assert!(accepted.unwrap().has(Role::Worker) && connected.is_ok());
    let [accepted, connected] = meet(&coordinator, &operator, Role::Coordinator).await;
    let roles = accepted.unwrap();
    assert!(roles.has(Role::Client) && !roles.has(Role::Worker) && connected.is_ok());
}

#[tokio::test]
async fn whoever_belongs_to_another_job_is_refused() {
    let now = Timestamp::now();
    let (job, other) = (issue("j-tls-1", YEAR, now).unwrap(), issue("k-tls-1", YEAR, now).unwrap());
    let me = issue_operator(now).unwrap();
    let both = format!("{}{}", job.authority, text(&me.ca));
    let coordinator = shows(job.of(TlsRole::Coordinator), &both, Role::Coordinator);
    let stranger = shows(other.of(TlsRole::Worker), &both, Role::Worker);
    let [accepted, connected] = meet(&coordinator, &stranger, Role::Coordinator).await;
    assert!(accepted.unwrap_err().contains("none of the CAs"));
    assert!(connected.unwrap_err().contains("from another CA"));
    // The operator has no business with workers, and takes a worker for no coordinator.
    let worker = shows(job.of(TlsRole::Worker), &job.authority, Role::Worker);
    let operator = operator(&me, &job.authority);
    let [accepted, connected] = meet(&worker, &operator, Role::Worker).await;
    assert!(accepted.is_err() && connected.is_err());
    let [_, connected] = meet(&worker, &operator, Role::Coordinator).await;
    assert!(connected.unwrap_err().contains("for another role"));
    // A coordinator whose CA the config map does not name.
    let impostor = shows(other.of(TlsRole::Coordinator), &both, Role::Coordinator);
    let [_, connected] = meet(&impostor, &operator, Role::Coordinator).await;
    let why = connected.unwrap_err();
    assert!(why.contains("none of the CAs in ConfigMap/j-tls-1"), "{why}");
}

#[tokio::test]
async fn certificates_that_expired_are_refused() {
    let now = Timestamp::now();
    let then = Timestamp::from_second(now.as_second() - 7_200).unwrap();
    let (old, me) =
        (issue("j-tls-1", Duration::from_secs(3_600), then).unwrap(), issue_operator(now).unwrap());
    assert_eq!(old.valid.until.as_second(), now.as_second() - 3_600);
    let both = format!("{}{}", old.authority, text(&me.ca));
    let coordinator = shows(old.of(TlsRole::Coordinator), &both, Role::Coordinator);
    let [_, connected] = meet(&coordinator, &operator(&me, &old.authority), Role::Coordinator).await;
    assert!(connected.unwrap_err().contains("expired"));
    let worker = shows(old.of(TlsRole::Worker), &old.authority, Role::Worker);
    let renewed = issue("j-tls-1", YEAR, now).unwrap();
    let trusted = format!("{}{both}", renewed.authority);
    let coordinator = shows(renewed.of(TlsRole::Coordinator), &trusted, Role::Coordinator);
    let [accepted, _] = meet(&coordinator, &worker, Role::Coordinator).await;
    assert!(accepted.is_err());
    let worker = shows(renewed.of(TlsRole::Worker), &trusted, Role::Worker);
    let [accepted, connected] = meet(&coordinator, &worker, Role::Coordinator).await;
    assert!(accepted.is_ok() && connected.is_ok());
}

/// In a renewal, one has the new certificate already and the other one does not.
#[tokio::test]
async fn old_and_new_certificates_get_on_while_both_cas_are_trusted() {
    let now = Timestamp::now();
    let (old, new) = (issue("j-tls-1", YEAR, now).unwrap(), issue("j-tls-1", YEAR, now).unwrap());
    let both = format!("{}{}", new.authority, old.authority);
    for (first, second) in [(&old, &new), (&new, &old), (&new, &new)] {
        let coordinator = shows(first.of(TlsRole::Coordinator), &both, Role::Coordinator);
        let worker = shows(second.of(TlsRole::Worker), &both, Role::Worker);
        let [accepted, connected] = meet(&coordinator, &worker, Role::Coordinator).await;
        assert!(accepted.is_ok() && connected.is_ok(), "{accepted:?} {connected:?}");
    }
}

/// The CA of the operator is trusted by every coordinator, so its key, were it not gone, must not make workers.
#[tokio::test]
async fn the_operators_ca_can_vouch_for_clients_only() {
    let now = Timestamp::now();
    let valid = Validity { since: now, until: after(now, YEAR) };
    let mine = Authority::new("millstream-operator", &[Role::Client.dns_name()], valid).unwrap();
    let job = issue("j-tls-1", YEAR, now).unwrap();
    let both = format!("{}{}", job.authority, mine.certificate);
    let coordinator = shows(job.of(TlsRole::Coordinator), &both, Role::Coordinator);
    let purposes = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    for (role, is_let_in) in [(Role::Client, true), (Role::Worker, false)] {
        let pair = mine.sign(role, &purposes).unwrap();
        let [accepted, _] = meet(&coordinator, &shows(&pair, &both, role), Role::Coordinator).await;
        assert_eq!(accepted.is_ok(), is_let_in, "{role}: {accepted:?}");
    }
}

#[test]
fn each_ca_is_another_one_and_its_key_is_nowhere() {
    let now = Timestamp::now();
    let (one, two) = (issue("j-tls-1", YEAR, now).unwrap(), issue("j-tls-1", YEAR, now).unwrap());
    assert_ne!(one.authority, two.authority);
    assert_eq!(one.authority.matches("BEGIN").count(), 1);
    assert!(one.authority.starts_with("-----BEGIN CERTIFICATE-----"));
    for role in [TlsRole::Coordinator, TlsRole::Worker] {
        let pair = one.of(role);
        assert_eq!(pair.certificate.matches("BEGIN CERTIFICATE").count(), 1);
        assert_eq!(pair.key.matches("BEGIN PRIVATE KEY").count(), 1);
        assert_ne!(pair.key, two.of(role).key);
    }
}
