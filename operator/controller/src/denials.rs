//! What the API server did not let this process make: a quota, a policy, a name that is taken.
//!
//! That is a fact about the job and no failure of a look at it: whoever reads the job's status has to learn it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::Error;
use millstream_lifecycle::observed::{Denial, Trouble};

use crate::apply::ApplyError;
use crate::children::JobKey;

/// What of each deployment was denied last, by job.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    of: Mutex<HashMap<JobKey, BTreeMap<i64, Denial>>>,
}

impl Denials {
    /// Those of a job that are about these deployments; others are over.
    pub(crate) fn of(&self, job: &JobKey, attempts: &[i64]) -> BTreeMap<i64, Denial> {
        let mut denials = self.lock().get(job).cloned().unwrap_or_default();
        denials.retain(|attempt, _| attempts.contains(attempt));
        denials
    }

    /// Notes what became of the objects of a deployment.
    pub(crate) fn note(&self, job: &JobKey, attempt: i64, denial: Option<Denial>) {
        let mut of = self.lock();
        match denial {
            Some(denial) => {
                of.entry(job.clone()).or_default().insert(attempt, denial);
            }
            None => {
                if let Some(denials) = of.get_mut(job) {
                    denials.remove(&attempt);
                }
            }
        }
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, job: &JobKey) {
        self.lock().remove(job);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobKey, BTreeMap<i64, Denial>>> {
        // Every change is complete before anything can panic.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error is an answer that the same object will get again; `None` for what passes by itself.
pub(crate) fn denial(what: &str, error: &ApplyError) -> Option<Denial> {
    let (trouble, why) = match error {
        ApplyError::Taken { .. } => (Trouble::Denied, error.to_string()),
        ApplyError::Kube(Error::Api(status)) if matches!(status.code, 400 | 403 | 422) => {
            let is_quota = status.message.contains("exceeded quota");
            (if is_quota { Trouble::Unschedulable } else { Trouble::Denied }, status.message.clone())
        }
        ApplyError::Kube(_) | ApplyError::Certificates(_) => return None,
    };
    Some(Denial { trouble, message: format!("{what} cannot be made: {why}") })
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answered(code: u16, message: &str) -> Option<Denial> {
        let status = Status::failure(message, "Reason").with_code(code);
        denial("Pod/orders-worker-1-0", &ApplyError::Kube(Error::Api(Box::new(status))))
    }

    #[test]
    fn what_stays_is_told_from_what_passes() {
        let quota = answered(403, "pods \"w\" is forbidden: exceeded quota: few, requested: pods=1").unwrap();
        assert_eq!(quota.trouble, Trouble::Unschedulable);
        assert!(quota.message.starts_with("Pod/orders-worker-1-0 cannot be made: pods"), "{}", quota.message);
        assert_eq!(answered(403, "violates PodSecurity").unwrap().trouble, Trouble::Denied);
        assert_eq!(answered(422, "spec.containers[0].env: Invalid value").unwrap().trouble, Trouble::Denied);
        for code in [404, 409, 429, 500, 503, 504] {
            assert_eq!(answered(code, "later"), None, "{code}");
        }
    }

    #[test]
    fn a_denial_is_known_until_the_objects_are_made() {
        let denials = Denials::default();
        let job = JobKey { namespace: "n".into(), name: "orders".into() };
        let denial = answered(403, "no");
        denials.note(&job, 2, denial.clone());
        denials.note(&job, 3, None);
        assert_eq!(denials.of(&job, &[0, 2]).get(&2), denial.as_ref());
        assert!(denials.of(&job, &[0, 3]).is_empty(), "that deployment is over");
        denials.note(&job, 2, None);
        assert!(denials.of(&job, &[0, 2]).is_empty());
    }
}
