//! Making certificates.
//!
//! Owns what stands in them: whom they are for, in the words that `millstream-tls` looks for, and from when until when. The key of a CA
//! never leaves this module: it signs, and is dropped.

use std::time::Duration;

use millstream_lifecycle::names::TlsRole;
use millstream_lifecycle::observed::Validity;
use millstream_lifecycle::time::{Timestamp, after};
use millstream_tls::{Role, TlsTexts};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};

/// How far clocks may differ: certificates are valid from so long before they were made.
const SKEW: Duration = Duration::from_secs(300);
/// How long the operator's own certificate is valid: ten years, since nothing but a person replaces it.
const OPERATOR: Duration = Duration::from_secs(87_600 * 3_600);

/// Certificates of one deployment, by a CA that exists no more.
pub(crate) struct Issued {
    /// The CA's certificate (PEM).
    pub(crate) authority: String,
    pub(crate) valid: Validity,
    coordinator: Pair,
    worker: Pair,
}

/// A certificate and its key (PEM).
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Issued {
    /// That of a role.
    pub(crate) fn of(&self, role: TlsRole) -> &Pair {
        match role {
            TlsRole::Coordinator => &self.coordinator,
            TlsRole::Worker => &self.worker,
        }
    }
}

/// Makes a CA of this name and certificates for a deployment's pods.
pub(crate) fn issue(name: &str, lifetime: Duration, now: Timestamp) -> Result<Issued, Error> {
    // What is compared with an annotation must not differ by less than that can hold.
    let since = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let valid = Validity { since, until: after(since, lifetime) };
    let roles = [Role::Coordinator, Role::Worker].map(Role::dns_name);
    let authority = Authority::new(name, &roles, valid)?;
    let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(Issued {
        coordinator: authority.sign(Role::Coordinator, &both)?,
        worker: authority.sign(Role::Worker, &both)?,
        authority: authority.certificate,
        valid,
    })
}

/// Makes a CA and a certificate for the operator itself, which shows it to coordinators.
pub(crate) fn issue_operator(now: Timestamp) -> Result<TlsTexts, Error> {
    let valid = Validity { since: now, until: after(now, OPERATOR) };
    let authority = Authority::new("millstream-operator", &[Role::Client.dns_name()], valid)?;
    let pair = authority.sign(Role::Client, &[ExtendedKeyUsagePurpose::ClientAuth])?;
    Ok(TlsTexts {
        ca: authority.certificate.into_bytes(),
        cert: pair.certificate.into_bytes(),
        key: pair.key.into_bytes(),
    })
}

struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
    valid: Validity,
}

impl Authority {
    /// One that can vouch for these DNS names only.
    fn new(name: &str, names: &[&str], valid: Validity) -> Result<Self, Error> {
        let mut params = between(Vec::new(), valid)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let permitted = names.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned())).collect();
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key), valid })
    }

    fn sign(&self, role: Role, purposes: &[ExtendedKeyUsagePurpose]) -> Result<Pair, Error> {
        let mut params = between(vec![role.dns_name().to_owned()], self.valid)?;
        params.distinguished_name.push(DnType::CommonName, role.to_string());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = purposes.to_vec();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
}

fn between(names: Vec<String>, valid: Validity) -> Result<CertificateParams, Error> {
    let epoch = date_time_ymd(1970, 1, 1);
    let seconds = |at: Timestamp| Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0));
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = epoch + seconds(valid.since).saturating_sub(SKEW);
    params.not_after = epoch + seconds(valid.until);
    Ok(params)
}

#[cfg(test)]
mod certificates_test;
