//! What the spec asks for, or why it cannot be acted on.
//!
//! Owns the rules that validation alone cannot see: those about what runs already, and about what is outside of the spec.

use millstream_api::conditions::Reason;
use millstream_api::streamjob::UpgradeMode;
use millstream_api::{FieldError, ValidatedJob};

use crate::build::config::with_sql;
use crate::diff::revision;
use crate::observed::{Deployed, Observed, SqlText};

/// A spec that cannot be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

/// The spec as it can be acted on: its SQL found, its state in a place that pods share, its fixed fields unchanged.
pub(super) fn target(
    job: Result<&ValidatedJob, &[FieldError]>,
    observed: &Observed,
    deployed: Option<&Deployed>,
) -> Result<ValidatedJob, Refusal> {
    let refuse = |reason, message: String| Err(Refusal { reason, message });
    let job = match job {
        Ok(job) => job.clone(),
        Err(errors) => {
            let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return refuse(Reason::InvalidSpec, texts.join("; "));
        }
    };
    let job = match &observed.sql {
        SqlText::Inline => job,
        SqlText::Found(sql) => with_sql(job, sql),
        SqlText::Missing(why) => return refuse(Reason::SqlMissing, format!("spec.sqlFrom: {why}")),
    };
    if job.storage.as_deref().is_none_or(|uri| uri.starts_with("memory:")) {
        let message = "spec.state.storage: pods share no disk: name a bucket, such as s3://bucket/streams";
        return refuse(Reason::InvalidSpec, message.into());
    }
    let Some(deployed) = deployed else { return Ok(job) };
    if deployed.job.max_parallelism != job.max_parallelism {
        let was = deployed.job.max_parallelism;
        let message =
            format!("spec.maxParallelism: is {was} for this job's life, since state is stored by key group");
        return refuse(Reason::InvalidSpec, message);
    }
    // As the CRD's rule on this change: what is stateless stays so without a permission, what has state does not become so.
    let (was, upgrade) = (deployed.job.cluster.upgrade.mode, job.cluster.upgrade);
    if upgrade.mode == UpgradeMode::Stateless && was != UpgradeMode::Stateless && !upgrade.allow_state_loss {
        let message = "spec.upgrade.mode: changing it to Stateless gives up the job's state: set spec.upgrade.allowStateLoss to true \
                       for this change";
        return refuse(Reason::InvalidSpec, message.into());
    }
    let nonces = observed.status.nonces.as_ref();
    let restore = job.restore.as_ref().and_then(|r| r.from.as_deref());
    let restores = restore.is_some() && restore != nonces.and_then(|n| n.restored.as_deref());
    // What was begun was permitted when it was.
    let begun = observed.status.intent.as_ref().is_some_and(|intent| intent.revision == revision(&job));
    if deployed.job.storage != job.storage && !restores && !begun && !job.cluster.upgrade.allow_state_loss {
        let message = "spec.state.storage: moving it leaves the job's state behind: name it in a new spec.restore.from, or \
                       set spec.upgrade.allowStateLoss to true for this change";
        return refuse(Reason::InvalidSpec, message.into());
    }
    Ok(job)
}
