//! Log lines on stderr.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Starts logging at `level`, a filter like `warn,millstream=info`, which `RUST_LOG` overrides.
///
/// A second call in one process changes nothing.
pub fn start<W>(is_json: bool, level: &str, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    let _ = if is_json { builder.json().try_init() } else { builder.compact().with_ansi(false).try_init() };
}
