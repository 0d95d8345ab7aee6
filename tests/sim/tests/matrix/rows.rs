//! The door of a worker for rows of other workers.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::member::{Condition, Member};
use super::stage::Stage;

/// Listens in front of `target`; what comes in waits while the worker cannot be reached. Gives the address to dial.
pub(crate) async fn door(
    target: String,
    member: Arc<Member>,
    stage: Arc<Stage>,
    tasks: &mut JoinSet<()>,
) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((from, _)) = listener.accept().await {
            let Ok(to) = TcpStream::connect(&target).await else { continue };
            let _ = (from.set_nodelay(true), to.set_nodelay(true));
            let ((from_reader, from_writer), (to_reader, to_writer)) = (from.into_split(), to.into_split());
            connections.spawn(carry(from_reader, to_writer, member.clone(), stage.clone()));
            connections.spawn(carry(to_reader, from_writer, member.clone(), stage.clone()));
        }
    });
    Ok(address)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, member: Arc<Member>, stage: Arc<Stage>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            () = member.dead() => 0,
        };
        member.reachable().await;
        stage.stirs();
        if count == 0 || member.is(Condition::Dead) || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
