//! The command line.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};

use crate::Lease;

/// Runs StreamJobs: turns each into a coordinator and workers, upgrades and rescales them with their state, and says in their status
/// what is going on.
#[derive(Debug, Parser)]
#[command(name = "millstream-operator", version, about, max_term_width = 100)]
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
    pub lease: Option<Lease>,

    /// Where to answer /healthz, /readyz and /metrics
    #[arg(long, env = "MILLSTREAM_HTTP", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub http: SocketAddr,

    /// Let the processes of jobs talk in the clear: whoever reaches a pod can order it. The only way yet
    #[arg(long, env = "MILLSTREAM_PLAINTEXT", required = true)]
    pub plaintext: bool,

    /// How to log
    #[arg(long, env = "MILLSTREAM_LOG", value_name = "FORMAT", default_value = "text")]
    pub log: LogFormat,
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
