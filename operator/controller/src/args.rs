//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser, ValueEnum};
use millstream_api::parse_duration;
use millstream_tls::TlsFiles;

use crate::NamespacedName;

/// Runs StreamJobs: turns each into a coordinator and workers, upgrades and rescales them with their state, and says in their status
/// what is going on.
#[derive(Debug, Parser)]
#[command(name = "millstream-operator", version, about, max_term_width = 100)]
// Whoever gives neither is told of both.
#[command(group(ArgGroup::new("transport").args(["tls_ca", "plaintext"]).required(true).multiple(true)))]
pub struct Arguments {
    /// Image of the engine for new deployments; those that run keep theirs
    #[arg(long, env = "MILLSTREAM_ENGINE_IMAGE", value_name = "IMAGE")]
    pub engine_image: String,

    /// When the kubelet pulls that image
    #[arg(long, env = "MILLSTREAM_PULL_POLICY", value_name = "POLICY")]
    pub pull_policy: Option<PullPolicy>,

    /// Service account of job pods; it needs no rights, and its token is not mounted
    #[arg(long, env = "MILLSTREAM_SERVICE_ACCOUNT", value_name = "NAME")]
    pub service_account: Option<String>,

    /// Look after the jobs of this namespace only, which takes rights in this namespace only
    #[arg(long, env = "MILLSTREAM_NAMESPACE", value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Look after jobs with these labels only, so that several operators can share a cluster: shard=a
    #[arg(long, env = "MILLSTREAM_SELECTOR", value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Act only while this lease is one's own, so that of several operators with the same jobs one acts at a time
    #[arg(long, env = "MILLSTREAM_LEASE", value_name = "NAMESPACE/NAME")]
    pub lease: Option<NamespacedName>,

    /// Where to answer /healthz, /readyz and /metrics
    #[arg(long, env = "MILLSTREAM_HTTP", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub http: SocketAddr,

    /// CAs (PEM) of this operator's own certificate; coordinators let in whom they vouch for
    #[arg(long, env = "MILLSTREAM_TLS_CA", value_name = "FILE", requires = "tls_cert")]
    pub tls_ca: Option<PathBuf>,

    /// This operator's certificate (PEM), which it shows to coordinators: for client.millstream.internal
    #[arg(long, env = "MILLSTREAM_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Key of that certificate (PEM)
    #[arg(long, env = "MILLSTREAM_TLS_KEY", value_name = "FILE", requires = "tls_ca")]
    pub tls_key: Option<PathBuf>,

    /// The secret that these files are mounted from; when they are not there yet, a certificate is made and put there
    #[arg(long, env = "MILLSTREAM_TLS_SECRET", value_name = "NAMESPACE/NAME", requires = "tls_ca")]
    pub tls_secret: Option<NamespacedName>,

    /// How long certificates of jobs' processes are valid; they are renewed when two thirds of it are over
    #[arg(long, env = "MILLSTREAM_CERTIFICATE_LIFETIME", value_name = "DURATION", default_value = "2160h")]
    #[arg(value_parser = lifetime)]
    pub certificate_lifetime: Duration,

    /// Let the processes of new deployments talk in the clear: whoever reaches a pod can order it
    #[arg(long, env = "MILLSTREAM_PLAINTEXT")]
    pub plaintext: bool,

    /// How to log
    #[arg(long, env = "MILLSTREAM_LOG", value_name = "FORMAT", default_value = "text")]
    pub log: LogFormat,
}

impl Arguments {
    /// The files of the operator's own certificate.
    pub(crate) fn tls_files(&self) -> Option<TlsFiles> {
        Some(TlsFiles { ca: self.tls_ca.clone()?, cert: self.tls_cert.clone()?, key: self.tls_key.clone()? })
    }
}

/// The least time for which certificates are made: renewing takes a third of it, and a kubelet its time.
const LEAST: Duration = Duration::from_secs(30);

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = parse_duration(text).map_err(|e| format!("{e}: write 2160h, 30m or 90s"))?;
    if lifetime < LEAST { Err(format!("is shorter than {} s", LEAST.as_secs())) } else { Ok(lifetime) }
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    /// Each time that a pod starts
    Always,
    /// When the node does not have it
    IfNotPresent,
    /// Never: the node has it
    Never,
}

/// Formats of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// An object a line
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<Arguments, String> {
        let words =
            ["millstream-operator", "--engine-image", "e:1"].into_iter().chain(more.split_whitespace());
        Arguments::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_goes_in_the_clear_that_was_not_asked_for() {
        let refused = parse("").unwrap_err();
        assert!(refused.contains("--tls-ca <FILE>|--plaintext"), "{refused}");
        assert!(parse("--plaintext").unwrap().tls_files().is_none());
        let all = parse("--tls-ca a --tls-cert b --tls-key c").unwrap();
        assert_eq!(all.tls_files(), Some(TlsFiles { ca: "a".into(), cert: "b".into(), key: "c".into() }));
        assert!(!all.plaintext);
        for part in [
            "--tls-ca a",
            "--tls-ca a --tls-cert b",
            "--plaintext --tls-key c",
            "--plaintext --tls-secret n/s",
        ] {
            assert!(parse(part).is_err(), "{part}");
        }
        // Deployments with certificates may be there still.
        let both = parse("--plaintext --tls-ca a --tls-cert b --tls-key c").unwrap();
        assert!(both.plaintext && both.tls_files().is_some());
    }

    #[test]
    fn lifetimes() {
        let of = |text: &str| parse(&format!("--plaintext --certificate-lifetime {text}"));
        assert_eq!(parse("--plaintext").unwrap().certificate_lifetime, Duration::from_secs(90 * 24 * 3_600));
        assert_eq!(of("30s").unwrap().certificate_lifetime, LEAST);
        for (text, why) in
            [("90d", "is not a duration"), ("29s", "is shorter than 30 s"), ("90", "has no unit")]
        {
            let refused = of(text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
