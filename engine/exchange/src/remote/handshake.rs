//! What two workers tell each other before the first frame.
//!
//! The dialling side sends eight bytes that no other protocol begins with and its [`Hello`]; the other one answers with the
//! reason why it does not want it, or with none. Both are behind their length.

use millstream_model::Generation;
use millstream_model::control::WorkerId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::broken;

const MAGIC: &[u8; 8] = b"MSTRMX01";

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
