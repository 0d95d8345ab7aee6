//! What two workers tell each other before the first frame.
//!
//! The dialling side sends eight bytes that no other protocol begins with and its [`Hello`]; the other one answers with the
//! reason why it does not want it, or with none. Both are behind their length.

use millstream_model::Generation;
use millstream_model::control::WorkerId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::broken;

/// What no other protocol begins with, and the number of this one.
const MAGIC: &[u8; 8] = b"MSTRMX01";

/// Bytes of it that are no number.
const NAME_BYTES: usize = 6;

/// Longest message: a job's name and a version are far shorter.
const MAX_BYTES: u32 = 4_096;

/// Who a worker is: to which job it belongs, under which coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The job, as its coordinator calls it.
    pub job: String,
    /// The coordinator that both ends work for.
    pub generation: Generation,
    /// Its number.
    pub worker: WorkerId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    version: String,
    job: String,
    generation: u64,
    from: WorkerId,
    to: WorkerId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    refusal: Option<String>,
}

/// The dialling side.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn introduce(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    me: &Membership,
    to: WorkerId,
) -> Result<(), String> {
    let hello = Hello {
        version: env!("CARGO_PKG_VERSION").into(),
        job: me.job.clone(),
        generation: me.generation.0,
        from: me.worker,
        to,
    };
    stream.write_all(MAGIC).await.map_err(|e| broken(&e))?;
    write(stream, &hello).await?;
    match read::<Answer>(stream).await?.refusal {
        None => Ok(()),
        Some(refusal) => Err(format!("it refused the connection: {refusal}")),
    }
}

/// The other side: who it is that dials.
///
/// # Errors
/// Why it is not wanted; it has been told.
pub(super) async fn receive(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    me: &Membership,
) -> Result<WorkerId, String> {
    let mut magic = [0; 8];
    stream.read_exact(&mut magic).await.map_err(|e| broken(&e))?;
    if magic[..NAME_BYTES] == MAGIC[..NAME_BYTES] && &magic != MAGIC {
        let refusal =
            "all workers of a job are of one version, and it speaks another protocol for rows".to_owned();
        write(stream, &Answer { refusal: Some(refusal.clone()) }).await?;
        return Err(format!("refused: {refusal}"));
    }
    if &magic != MAGIC {
        return Err("it does not speak the protocol of this port, which is for workers of one job".into());
    }
    let hello: Hello = read(stream).await?;
    let refusal = refusal(&hello, me);
    write(stream, &Answer { refusal: refusal.clone() }).await?;
    match refusal {
        None => Ok(hello.from),
        Some(refusal) => Err(format!("refused: {refusal}")),
    }
}

fn refusal(hello: &Hello, me: &Membership) -> Option<String> {
    let version = env!("CARGO_PKG_VERSION");
    if hello.version != version {
        return Some(format!("this is millstream {version}, not {}", hello.version));
    }
    if hello.job != me.job {
        return Some(format!("this worker runs job {}, not {}", me.job, hello.job));
    }
    if hello.generation != me.generation.0 {
        let (mine, its) = (me.generation, hello.generation);
        return Some(format!("this worker works for coordinator generation {mine}, not {its}"));
    }
    (hello.to != me.worker).then(|| format!("this is worker {}, not {}", me.worker, hello.to))
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> Result<(), String> {
    let bytes = postcard::to_stdvec(message).map_err(|e| e.to_string())?;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    stream.write_all(&length.to_le_bytes()).await.map_err(|e| broken(&e))?;
    stream.write_all(&bytes).await.map_err(|e| broken(&e))?;
    stream.flush().await.map_err(|e| broken(&e))
}

async fn read<T: for<'a> Deserialize<'a>>(stream: &mut (impl AsyncRead + Unpin)) -> Result<T, String> {
    let length = stream.read_u32_le().await.map_err(|e| broken(&e))?;
    if length > MAX_BYTES {
        return Err(format!("it introduces itself with {length} bytes, more than {MAX_BYTES}"));
    }
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await.map_err(|e| broken(&e))?;
    postcard::from_bytes(&bytes).map_err(|e| format!("its introduction cannot be read: {e}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    fn me() -> Membership {
        Membership { job: "ns.job.uid".into(), generation: Generation(3), worker: 2 }
    }

    fn hello(change: impl FnOnce(&mut Hello)) -> Vec<u8> {
        let (version, job) = (env!("CARGO_PKG_VERSION").into(), "ns.job.uid".into());
        let mut hello = Hello { version, job, generation: 3, from: 1, to: 2 };
        change(&mut hello);
        let hello = postcard::to_stdvec(&hello).unwrap();
        let length = u32::try_from(hello.len()).unwrap();
        [&MAGIC[..], &length.to_le_bytes(), &hello].concat()
    }

    /// What the receiver makes of these bytes, and what it answers.
    async fn met(bytes: &[u8]) -> (Result<WorkerId, String>, Vec<u8>) {
        let (mut stranger, mut here) = duplex(64 * 1024);
        stranger.write_all(bytes).await.unwrap();
        stranger.shutdown().await.unwrap();
        let outcome = receive(&mut here, &me()).await;
        drop(here);
        let mut answer = Vec::new();
        stranger.read_to_end(&mut answer).await.unwrap();
        (outcome, answer)
    }

    #[tokio::test]
    async fn whoever_introduces_itself_badly_is_not_let_in() {
        let good = hello(|_| {});
        assert_eq!(met(&good).await.0, Ok(1));
        let stranger = "it does not speak the protocol of this port, which is for workers of one job";
        let long = [&MAGIC[..], &u32::MAX.to_le_bytes()].concat();
        let unreadable = [&MAGIC[..], &3_u32.to_le_bytes(), &[0xff; 3]].concat();
        let table: Vec<(&[u8], &str)> = vec![
            (b"GET /status HTTP/1.1\r\nHost: worker\r\n\r\n", stranger),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", stranger),
            (b"SSH-2.0-OpenSSH_9.2\r\n", stranger),
            (&[0; 64], stranger),
            (&[0xff; 64], stranger),
            (b"", "it closed the connection"),
            (&MAGIC[..5], "it closed the connection"),
            (MAGIC, "it closed the connection"),
            (&good[..10], "it closed the connection"),
            (&good[..good.len() - 1], "it closed the connection"),
            (&long, "it introduces itself with 4294967295 bytes, more than 4096"),
            (&unreadable, "its introduction cannot be read: "),
        ];
        for (bytes, expected) in table {
            let (outcome, answer) = met(bytes).await;
            let error = outcome.unwrap_err();
            assert!(error.starts_with(expected), "{error} instead of {expected}");
            assert!(answer.is_empty(), "nobody is told anything who cannot understand it");
        }
    }

    #[tokio::test]
    async fn whoever_is_refused_is_told_why() {
        let refused = |change: fn(&mut Hello)| hello(change);
        let other_protocol = [b"MSTRMX99", &hello(|_| {})[8..]].concat();
        let version = env!("CARGO_PKG_VERSION");
        let table = [
            (
                refused(|hello| hello.version = "9.9.9".into()),
                format!("this is millstream {version}, not 9.9.9"),
            ),
            (refused(|hello| hello.job = String::new()), "this worker runs job ns.job.uid, not ".into()),
            (
                refused(|hello| hello.generation = u64::MAX),
                format!("this worker works for coordinator generation 3, not {}", u64::MAX),
            ),
            (refused(|hello| hello.to = 7), "this is worker 2, not 7".into()),
            (
                other_protocol,
                "all workers of a job are of one version, and it speaks another protocol for rows".into(),
            ),
        ];
        for (bytes, reason) in table {
            let (outcome, answer) = met(&bytes).await;
            assert_eq!(outcome, Err(format!("refused: {reason}")));
            let answer: Answer = read(&mut &answer[..]).await.unwrap();
            assert_eq!(answer.refusal, Some(reason));
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_none_is_an_error() {
        let table: [(&[u8], &str); 4] = [
            (b"", "it closed the connection"),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                "it introduces itself with 1347703880 bytes, more than 4096",
            ),
            (&[1, 0, 0, 0, 9], "its introduction cannot be read: "),
            (&[9, 0, 0, 0, 1], "it closed the connection"),
        ];
        for (answer, expected) in table {
            let (mut here, mut there) = duplex(64 * 1024);
            there.write_all(answer).await.unwrap();
            there.shutdown().await.unwrap();
            let error = introduce(&mut here, &me(), 1).await.unwrap_err();
            assert!(error.starts_with(expected), "{error} instead of {expected}");
        }
    }
}
