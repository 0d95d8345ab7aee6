//! What a process is, as its certificate says.

use std::fmt;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Coordinates the job.
    Coordinator,
    /// Runs its tasks.
    Worker,
    /// Asks and orders: `millstream status`, `stop`, `cancel`, `savepoint`.
    Client,
}

impl Role {
    const ALL: [Self; 3] = [Self::Coordinator, Self::Worker, Self::Client];

    /// The DNS name that stands for it in a certificate's `subjectAltName`.
    #[must_use]
    pub const fn dns_name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator.millstream.internal",
            Self::Worker => "worker.millstream.internal",
            Self::Client => "client.millstream.internal",
        }
    }

    /// Who may connect to it.
    #[must_use]
    pub const fn lets_in(self) -> Roles {
        match self {
            Self::Coordinator => Roles { coordinator: false, worker: true, client: true },
            Self::Worker => Roles { coordinator: false, worker: true, client: false },
            Self::Client => Roles { coordinator: false, worker: false, client: false },
        }
    }

    pub(crate) fn server_name(self) -> Result<ServerName<'static>, rustls::Error> {
        ServerName::try_from(self.dns_name()).map_err(|e| rustls::Error::General(e.to_string()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
            Self::Client => "client",
        })
    }
}

/// Some roles: a certificate may name several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    coordinator: bool,
    worker: bool,
    client: bool,
}

impl Roles {
    /// Every role: what whoever connects in the clear is believed to be.
    pub const ANY: Self = Self { coordinator: true, worker: true, client: true };

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        match role {
            Role::Coordinator => self.coordinator,
            Role::Worker => self.worker,
            Role::Client => self.client,
        }
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        (self.coordinator && other.coordinator)
            || (self.worker && other.worker)
            || (self.client && other.client)
    }

    /// What a certificate names.
    ///
    /// # Errors
    /// It is no certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let names = |role: Role| {
            Ok::<_, rustls::Error>(verify_server_name(&certificate, &role.server_name()?).is_ok())
        };
        Ok(Self {
            coordinator: names(Role::Coordinator)?,
            worker: names(Role::Worker)?,
            client: names(Role::Client)?,
        })
    }
}

/// `worker.millstream.internal or client.millstream.internal`
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Role::ALL.into_iter().filter(|role| self.has(*role)).map(Role::dns_name);
        f.write_str(&names.collect::<Vec<_>>().join(" or "))
    }
}
