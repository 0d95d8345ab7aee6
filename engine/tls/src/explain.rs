//! What went wrong between two processes, in words: what is wrong, with what, and what to do.
//!
//! All sentences are about the other side: "it showed no certificate".

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::identity::Identity;
use crate::role::Role;

/// What is said to a plaintext process by one that wants TLS.
pub(crate) const IT_WANTS_TLS: &str = "it wants TLS, but this process was started with --plaintext: start both with \
                                       --plaintext, or both with --tls-ca, --tls-cert and --tls-key";

/// The words for an error of a TLS connection; `to` is who was to be at the other end of one that this process made.
pub(crate) fn explain(error: &io::Error, me: &Identity, to: Option<Role>) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(error) => words(error, me, to),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "it closed the connection".into(),
        None => error.to_string(),
    }
}

fn words(error: &Error, me: &Identity, to: Option<Role>) -> String {
    match error {
        Error::NoCertificatesPresented => {
            "it showed no certificate: start it with --tls-cert and --tls-key".into()
        }
        Error::InvalidCertificate(wrong) => certificate(wrong, me, to),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS: start it with --tls-ca, --tls-cert and --tls-key instead of --plaintext"
                .into()
        }
        Error::AlertReceived(alert) => refused(*alert, me),
        other => format!("no TLS connection: {other}"),
    }
}

fn certificate(wrong: &CertificateError, me: &Identity, to: Option<Role>) -> String {
    match wrong {
        // A CA that was made again under its old name is another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "its certificate is from none of the CAs in {}: all processes of a job need certificates of one CA",
            me.files().ca.display()
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: replace its file, which is read again for the next connection".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: compare the clocks of both hosts".into()
        }
        CertificateError::NotValidForName
        | CertificateError::NotValidForNameContext { .. }
        | CertificateError::ApplicationVerificationFailure => {
            let expected = to.map_or_else(|| me.role().lets_in().to_string(), |role| role.dns_name().into());
            format!("its certificate is for another role: it needs the DNS name {expected} in its subjectAltName")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is for another purpose: its extendedKeyUsage must allow clientAuth and serverAuth".into()
        }
        other => format!("its certificate is no good: {other}"),
    }
}

/// The other side does not want this one.
fn refused(alert: AlertDescription, me: &Identity) -> String {
    let why = match alert {
        AlertDescription::CertificateExpired => "it has expired, or the clocks differ",
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "it is from another CA than those that it trusts"
        }
        AlertDescription::AccessDenied => "it is for a role that has no business there",
        AlertDescription::BadCertificate => "it is for another role than the one that is expected there",
        AlertDescription::CertificateRequired => "there is none",
        AlertDescription::UnsupportedCertificate => "it is for another purpose",
        other => return format!("it ended the TLS connection: {other:?}"),
    };
    format!("it refused the certificate of this {} ({}): {why}", me.role(), me.files().cert.display())
}
