//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  millstream run examples/flight-delays/streamjob.yaml
      Run a StreamJob in this process; run it again to continue where it stopped
  millstream run query.sql -o changelog
      Run a file of SQL; a bare SELECT prints its changes
  millstream plan job.yaml
      Show what a job would do, without running it
  millstream savepoint job.yaml
      Keep the state of a running job, in files that anybody can read";

const RUN_EXAMPLES: &str = "\
Examples:
  millstream run job.yaml
      Continue from the newest epoch in .millstream/ beside the file, or start
  millstream run job.yaml --fresh --yes
      Start over; says what is discarded
  millstream run job.yaml --var TOPIC=clicks --set parallelism.default=4
      Fill ${TOPIC} in the SQL and set an option
  millstream run query.sql -o json > result.jsonl
      Results go to stdout, everything else to stderr
  millstream run job.yaml --storage s3://bucket/streams
      Keep checkpoints in S3 (credentials from AWS_* variables)
  millstream run job.yaml --from-savepoint s3://bucket/savepoints/nightly
      Start from a savepoint

Exit codes: 0 finished, or stopped by Ctrl-C after a final checkpoint; 1 the job failed or was fenced; 2 a mistake in
the manifest, the SQL or the options.";

const CLUSTER_EXAMPLES: &str = "\
Examples:
  millstream coordinator --job job.yaml --storage s3://bucket/streams --plaintext
      Wait for workers on 127.0.0.1:6123, and run the job on them
  millstream worker --coordinator 127.0.0.1:6123 --slots 2 --plaintext
      Offer two slots to it; start as many workers as the job needs slots

A worker gets the job from its coordinator. Its storage, and files that its SQL names, must be the same for all of them.

Exit codes of a coordinator are those of `run`. A worker ends with 0 when the job is over, with 2 when it can never work for
this coordinator, and tries again meanwhile.";

const SAVEPOINT_EXAMPLES: &str = "\
Examples:
  millstream savepoint job.yaml
      Ask the running job for a savepoint; it goes on meanwhile
  millstream savepoint job.yaml --stop --to s3://bucket/savepoints/before-upgrade
      The same, in a folder of its own; the job stops behind it
  millstream savepoint inspect s3://bucket/savepoints/before-upgrade
      Show what is in it: operators, tables, columns, rows, positions
  millstream run job.yaml --from-savepoint s3://bucket/savepoints/before-upgrade
      Start from it, at any parallelism and with any state backend

A savepoint belongs to whoever took it: it is kept until `millstream savepoint delete`.";

/// Stateful stream and batch processing with Flink SQL, exactly once.
#[derive(Debug, Parser)]
#[command(name = "millstream", version = super::failure::version(), after_help = EXAMPLES, subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a StreamJob manifest or a file of SQL in this process
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArguments>),
    /// Coordinate a StreamJob whose workers are other processes
    #[command(after_help = CLUSTER_EXAMPLES)]
    Coordinator(Box<CoordinatorArguments>),
    /// Work for a coordinator
    #[command(after_help = CLUSTER_EXAMPLES)]
    Worker(Box<WorkerArguments>),
    /// Show where a job stands that a coordinator runs
    Status(StatusArguments),
    /// Show the last checkpoints of a job that a coordinator runs
    Checkpoints(StatusArguments),
    /// Show what failed last in a job that a coordinator runs
    Exceptions(StatusArguments),
    /// Let a coordinator that was started with --standby take its job over
    Activate(RemoteArguments),
    /// Let a job that a coordinator runs go on at another parallelism
    Rescale(RescaleArguments),
    /// Stop a job that a coordinator runs, behind a final checkpoint
    Stop(RemoteArguments),
    /// End a job that a coordinator runs, where it is
    Cancel(RemoteArguments),
    /// Take a savepoint of a job, or look at savepoints
    #[command(after_help = SAVEPOINT_EXAMPLES)]
    Savepoint(Box<SavepointArguments>),
    /// Show the plan of a job: operators, changelog modes, keys, state, watermarks, parallelism
    Plan(PlanArguments),
}

/// A job.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobArguments {
    /// A StreamJob manifest (.yaml, .yml, .json) or a file of SQL (.sql)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: JobOptions,
}

/// What names and fills a job.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobOptions {
    /// Name of the job, for a file that does not give one; default: the file's name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Set an option, as SQL's SET does; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) settings: Vec<(String, String)>,
    /// Give ${NAME} in the SQL a value; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) variables: Vec<(String, String)>,
    /// Take the SQL from this file instead of the manifest's spec.sql or spec.sqlFrom
    #[arg(long, value_name = "FILE")]
    pub(crate) sql_from: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
    #[command(flatten)]
    pub(crate) start: StartArguments,
    /// Form of a bare SELECT's result; default: table on a terminal, changelog elsewhere
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<OutputFormat>,
    /// No progress display
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The coordinator's part of a job.
#[derive(Args, Debug)]
pub(crate) struct CoordinatorArguments {
    /// A StreamJob manifest (.yaml, .yml, .json) or a file of SQL (.sql)
    #[arg(long = "job", value_name = "FILE", env = "MILLSTREAM_JOB")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: JobOptions,
    #[command(flatten)]
    pub(crate) start: StartArguments,
    /// Where workers find it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6123", env = "MILLSTREAM_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Get ready and let workers come, but claim nothing until `millstream activate`
    #[arg(long, env = "MILLSTREAM_STANDBY", conflicts_with_all = ["fresh", "from_epoch", "from_savepoint"])]
    pub(crate) standby: bool,
    /// How long to try again when the storage does not answer while the job is started, before the process ends
    #[arg(long, value_name = "DURATION", default_value = "10min", value_parser = patience, env = "MILLSTREAM_START_TIMEOUT")]
    pub(crate) start_timeout: std::time::Duration,
    /// Leave word of how the job ended in this file, as one JSON object: for whoever started it, such as Kubernetes in
    /// /dev/termination-log
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_ENDING")]
    pub(crate) ending: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) link: LinkArguments,
}

/// A worker.
#[derive(Args, Debug)]
pub(crate) struct WorkerArguments {
    /// Where the coordinator listens for workers
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6123", env = "MILLSTREAM_COORDINATOR")]
    pub(crate) coordinator: String,
    /// Pipeline slices that run here, each on a thread of its own
    #[arg(long, value_name = "NUMBER", default_value = "1", env = "MILLSTREAM_SLOTS",
          value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub(crate) slots: u32,
    /// Where rows of other workers are taken; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", env = "MILLSTREAM_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// How other workers reach that; default: what --listen says, which must not be 0.0.0.0 then
    #[arg(long, value_name = "HOST[:PORT]", env = "MILLSTREAM_ADDRESS")]
    pub(crate) address: Option<String>,
    /// How rows are sent to other workers; each understands both
    #[arg(long, value_name = "CODEC", default_value = "none", env = "MILLSTREAM_COMPRESSION")]
    pub(crate) compression: RowCompression,
    /// What this worker is called; default: the host's name and the process's number
    #[arg(long, value_name = "NAME", env = "MILLSTREAM_NAME")]
    pub(crate) name: Option<String>,
    /// Folder for state that does not fit into memory, and for copies of state that make a restart quick
    #[arg(long, value_name = "DIR", default_value = ".millstream", env = "MILLSTREAM_DIR")]
    pub(crate) dir: PathBuf,
    /// Form of the log on stderr
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "MILLSTREAM_LOG")]
    pub(crate) log: LogFormat,
    /// Serve /healthz, /readyz, /status (JSON) and /metrics (Prometheus) on this address
    #[arg(long, value_name = "ADDR", env = "MILLSTREAM_HTTP")]
    pub(crate) http: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) link: LinkArguments,
}

/// A coordinator to ask.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoteArguments {
    /// Where the coordinator listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6123", env = "MILLSTREAM_COORDINATOR")]
    pub(crate) coordinator: String,
    #[command(flatten)]
    pub(crate) security: SecurityArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RescaleArguments {
    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
    /// The new parallelism, of all operators without one of their own; there must be as many slots
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) parallelism: u32,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
    /// Form of the answer; JSON is what is in the document of /status
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: PlanFormat,
}

/// How processes of a job watch and trust each other.
#[derive(Args, Debug)]
pub(crate) struct LinkArguments {
    /// Options that are neither typed nor in the environment, as `name: value` in YAML
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Whoever is silent for so long is lost
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration, env = "MILLSTREAM_HEARTBEAT_TIMEOUT")]
    pub(crate) heartbeat_timeout: std::time::Duration,
    #[command(flatten)]
    pub(crate) security: SecurityArguments,
}

/// How processes of a job know each other.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecurityArguments {
    /// Certificates of the CAs to trust (PEM); read again for each connection, as the next two are
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Certificate to show to others, with those between it and the CA behind it (PEM)
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of that certificate (PEM)
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Connect without encryption, and believe whoever connects
    #[arg(long, env = "MILLSTREAM_PLAINTEXT")]
    pub(crate) plaintext: bool,
}

/// What a job starts from, and how it is watched.
#[derive(Args, Debug)]
pub(crate) struct StartArguments {
    /// Where checkpoints go: a folder, file://, memory:// or s3:// address, or `from-manifest` for spec.state.storage;
    /// default: .millstream/ beside the file
    #[arg(long, value_name = "URI", env = "MILLSTREAM_STORAGE")]
    pub(crate) storage: Option<String>,
    /// Start over instead of continuing; asks first, or needs --yes
    #[arg(long, conflicts_with_all = ["from_epoch", "from_savepoint"])]
    pub(crate) fresh: bool,
    /// Answer yes to the question that --fresh, --from-epoch and --from-savepoint ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Go back to an older epoch; output of later epochs will be written again, and says so first
    #[arg(long, value_name = "EPOCH")]
    pub(crate) from_epoch: Option<u64>,
    /// Start from a savepoint: its folder, its address, or its name in the job's own storage
    #[arg(long, value_name = "SAVEPOINT", conflicts_with = "from_epoch")]
    pub(crate) from_savepoint: Option<String>,
    /// Go on from this epoch or a later one, and do not start if there is none: for whoever knows how far the job had got
    #[arg(long, value_name = "EPOCH", env = "MILLSTREAM_AT_LEAST_EPOCH",
          conflicts_with_all = ["fresh", "from_epoch", "from_savepoint"])]
    pub(crate) at_least_epoch: Option<u64>,
    /// Operators whose state may be lost because the SQL changed
    #[arg(long, value_name = "UID,...", value_delimiter = ',')]
    pub(crate) allow_state_loss: Vec<String>,
    /// What SIGTERM and SIGINT stop the job behind
    #[arg(long, value_name = "WHAT", default_value = "checkpoint", env = "MILLSTREAM_AT_SIGNAL")]
    pub(crate) at_signal: AtSignal,
    /// Form of the log on stderr
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "MILLSTREAM_LOG")]
    pub(crate) log: LogFormat,
    /// Serve /healthz, /readyz, /status and /plan (JSON), /metrics (Prometheus) on this address, for example 127.0.0.1:9090
    #[arg(long, value_name = "ADDR", env = "MILLSTREAM_HTTP")]
    pub(crate) http: Option<SocketAddr>,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArguments {
    /// A StreamJob manifest (.yaml, .yml, .json) or a file of SQL (.sql)
    #[arg(required_unless_present = "coordinator")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: JobOptions,
    /// Show what would become of the job's state, too: which operators keep it, begin without it, or lose it
    #[arg(long, conflicts_with = "coordinator")]
    pub(crate) state: bool,
    /// Where that state is, as for `millstream run`
    #[arg(long, value_name = "URI", env = "MILLSTREAM_STORAGE")]
    pub(crate) storage: Option<String>,
    /// Leave word in this file of what would become of the state, or of why there is no plan, as one JSON object
    #[arg(long, value_name = "FILE", requires = "state")]
    pub(crate) ending: Option<PathBuf>,
    /// Ask a coordinator for the plan of the job that it runs, instead of reading a file
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "file")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) security: SecurityArguments,
    /// Form of the plan; JSON has one document a line, that of the state last
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: PlanFormat,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SavepointArguments {
    #[command(subcommand)]
    pub(crate) command: Option<SavepointCommand>,
    #[command(flatten)]
    pub(crate) take: TakeArguments,
}

/// Taking a savepoint.
#[derive(Args, Debug)]
pub(crate) struct TakeArguments {
    /// The job: its manifest or file of SQL, or the name of one that was started in this folder
    #[arg(value_name = "FILE|NAME", required_unless_present = "coordinator")]
    pub(crate) job: Option<String>,
    /// Where the job's coordinator listens, instead of its file
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["job", "offline"])]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) security: SecurityArguments,
    /// Folder or address of the savepoint; default: a folder in the job's own storage, named by the time
    #[arg(long, value_name = "URI")]
    pub(crate) to: Option<String>,
    /// Name of the savepoint in the job's own storage
    #[arg(id = "as", long = "as", value_name = "NAME", conflicts_with = "to")]
    pub(crate) name: Option<String>,
    /// Stop the job behind the savepoint
    #[arg(long)]
    pub(crate) stop: bool,
    /// End the job's input first: windows fire, and the job is finished for good
    #[arg(long, requires = "stop")]
    pub(crate) drain: bool,
    /// The job runs nowhere: take the savepoint from its newest epoch
    #[arg(long, conflicts_with = "stop")]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// Which job, beside its file.
#[derive(Args, Debug)]
pub(crate) struct PlaceArguments {
    /// Name of the job, for a file that does not give one; default: the file's name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where the job's checkpoints are, as given to `run`; default: .millstream/ beside the file
    #[arg(long, value_name = "URI", env = "MILLSTREAM_STORAGE")]
    pub(crate) storage: Option<String>,
    /// The file of the job's SQL, as given to `run`
    #[arg(long, value_name = "FILE")]
    pub(crate) sql_from: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SavepointCommand {
    /// Show what is in a savepoint
    Inspect(InspectArguments),
    /// List the savepoints in a job's own storage
    List(ListArguments),
    /// Delete a savepoint, or what is left of one
    Delete(DeleteArguments),
}

#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// Its folder or address
    #[arg(value_name = "SAVEPOINT")]
    pub(crate) savepoint: String,
    /// Read every file and check it, not only the manifest
    #[arg(long)]
    pub(crate) check: bool,
    /// Form of the answer
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: PlanFormat,
    /// Leave word in this file of what came of it, as one JSON object: for whoever started it, such as Kubernetes in
    /// /dev/termination-log
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_ENDING")]
    pub(crate) ending: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// The job: its manifest or file of SQL, or the name of one that was started in this folder
    #[arg(value_name = "FILE|NAME")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArguments {
    /// Its folder or address
    #[arg(value_name = "SAVEPOINT")]
    pub(crate) savepoint: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Leave word in this file of what came of it, as one JSON object: for whoever started it, such as Kubernetes in
    /// /dev/termination-log
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_ENDING")]
    pub(crate) ending: Option<PathBuf>,
}

/// Form of a bare SELECT's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// The final rows, or a live view of unbounded input
    Table,
    /// One line a change, as Flink prints it
    Changelog,
    /// One JSON object a change, `"op"` first
    Json,
    /// One CSV line a change, the kind of change first
    Csv,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AtSignal {
    /// A final checkpoint, from which the next run goes on
    Checkpoint,
    /// A savepoint in the job's own storage, which stays
    Savepoint,
    /// The same behind the end of the input: windows fire, and the job is finished
    Drain,
}

/// Whether rows are made smaller on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowCompression {
    /// As they are: the least CPU
    None,
    /// LZ4: less to send, for a slow network
    Lz4,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// Form of a plan, or of what is in a savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// Text for people
    Text,
    /// JSON
    Json,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let shortest = std::time::Duration::from_millis(500);
    match millstream_connectors::options::parse_duration(text) {
        Some(duration) if duration >= shortest => Ok(duration),
        Some(_) => Err("it must be 500 ms or more: workers report four times a second".into()),
        None => Err(format!("{text} is no duration; write for example `10s`")),
    }
}

fn patience(text: &str) -> Result<std::time::Duration, String> {
    millstream_connectors::options::parse_duration(text)
        .ok_or_else(|| format!("{text} is no duration; write for example `10min`"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("it needs the form KEY=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn pairs_need_a_key_and_keep_the_rest() {
        assert_eq!(pair("a.b=c=d"), Ok(("a.b".into(), "c=d".into())));
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
        assert!(pair("a").is_err());
        assert!(pair("=a").is_err());
    }
}
