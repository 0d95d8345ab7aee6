//! Who may talk to whom between the processes of a job, and how: TLS by certificate files, or in the clear.
//!
//! Owns the one place where TLS is set up. A process shows a certificate that names its [`Role`] and accepts only roles that it
//! deals with, under the job's own CA: `worker.millstream.internal` is let in by coordinators and by workers,
//! `client.millstream.internal` by coordinators only. Hosts are not checked: pods change theirs. Files are read again for each
//! new connection, so that certificates are renewed without a restart.
//! Who deals with many jobs, each with a CA of its own, has an [`Identity`] for each of them from memory.
//!
//! This crate never sends anything of its own: what is spoken over a connection is no matter of it.

mod explain;
mod files;
mod identity;
mod role;
mod security;
#[cfg(test)]
mod security_test;
mod stream;
mod verify;

pub use files::{TlsError, TlsFiles, TlsTexts};
pub use identity::Identity;
pub use role::{Role, Roles};
pub use security::Security;
pub use stream::{ReadHalf, Stream, Trouble, WriteHalf};
