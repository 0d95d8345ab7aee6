//! A CA for one test, and certificates of it.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

/// Signs certificates, and keeps them as files in a folder.
#[derive(Debug)]
pub struct TestCa {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// Files of one process.
#[derive(Clone, Debug)]
pub struct TestCertificate {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The process's certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TestCa {
    /// A new CA that nobody trusts yet; its certificate is `ca.crt`.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().expect("keys can be made");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a CA signs itself");
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::write(folder.join("ca.crt"), certificate.pem()).expect("the folder can be written");
        Self { folder: folder.to_owned(), issuer: Issuer::new(params, key) }
    }

    /// A certificate for these DNS names, valid for long: `name.crt` and `name.key`, which are replaced if they exist.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn issue(&self, name: &str, dns_names: &[&str]) -> TestCertificate {
        self.issue_until(name, dns_names, 4_000)
    }

    /// One that expired long ago.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn issue_expired(&self, name: &str, dns_names: &[&str]) -> TestCertificate {
        self.issue_until(name, dns_names, 2_001)
    }

    fn issue_until(&self, name: &str, dns_names: &[&str], year: i32) -> TestCertificate {
        let names: Vec<String> = dns_names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("these are DNS names");
        params.not_before = date_time_ymd(2_000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the CA signs");
        let file = |ending: &str, text: &str| {
            let path = self.folder.join(format!("{name}.{ending}"));
            fs::write(&path, text).expect("the folder can be written");
            path
        };
        TestCertificate {
            ca: self.folder.join("ca.crt"),
            cert: file("crt", &certificate.pem()),
            key: file("key", &key.serialize_pem()),
        }
    }
}
