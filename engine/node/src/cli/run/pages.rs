//! The pages of `--http`, from before anything is looked for.
//!
//! What a job starts from may take minutes to find or to restore, and whoever watches the process asks meanwhile if it is
//! alive. A port that is taken is refused before anything is claimed.

use std::net::SocketAddr;
use std::sync::Arc;

use millstream_coordinator::JobStatus;
use millstream_coordinator::control::JobCompiler;
use millstream_coordinator::http::Pages;
use millstream_jobmaster::JobPhase;
use millstream_plan::CompiledJob;
use tokio::net::TcpListener;

use crate::cli::failure::Failure;
use crate::clock;
use crate::job_file::JobFile;

/// What is known of a job before its storage was looked at.
pub(in crate::cli) fn starting(file: &JobFile, job: &CompiledJob, is_standby: bool) -> JobStatus {
    let (name, graph) = (file.identity.to_string(), (&job.graph, job.parallelism));
    JobStatus {
        is_standby,
        next: Some("find out what the job starts from".into()),
        ..JobStatus::before_the_job(&name, graph, JobPhase::Starting, clock::unix_ms())
    }
}

/// Answers at this address, if there is to be an answer, with `starting` until the pages follow a coordinator.
pub(in crate::cli) async fn open(
    address: Option<SocketAddr>,
    starting: JobStatus,
    compiler: Arc<dyn JobCompiler>,
) -> Result<Option<Pages>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let failed = |e| Failure::Mistake(format!("--http {address}: cannot listen there: {e}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(
        "status on http://{address}/status, metrics on http://{address}/metrics, plan on http://{address}/plan"
    );
    let pages = Pages::new(starting);
    tokio::spawn(pages.serve(listener, compiler));
    Ok(Some(pages))
}
