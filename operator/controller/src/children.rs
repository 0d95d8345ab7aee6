//! What is known of the objects that belong to jobs.
//!
//! Watches put in what they see; a reconcile takes out what belongs to its job. Only facts are kept, not objects: a thousand jobs have
//! seven thousand of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use millstream_lifecycle::observed::ChildKind;
use millstream_lifecycle::time::Timestamp;

use crate::observe::Seen;

/// Namespace and name of a StreamJob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Kind, namespace and name of an object.
type ObjectKey = (ChildKind, String, String);

/// Everything that was seen.
#[derive(Debug, Default)]
pub(crate) struct Children {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    of: HashMap<JobKey, BTreeMap<ObjectKey, Seen>>,
    job_of: HashMap<ObjectKey, JobKey>,
    /// What a list that is under way has brought so far.
    listing: HashMap<ChildKind, HashSet<ObjectKey>>,
}

impl Children {
    /// A watch of this kind begins, or begins again: what its list does not bring is gone.
    pub(crate) fn begin(&self, kind: ChildKind) {
        self.lock().listing.insert(kind, HashSet::new());
    }

    /// The list is complete. The jobs that have lost something by it.
    pub(crate) fn done(&self, kind: ChildKind) -> Vec<JobKey> {
        let mut known = self.lock();
        let listed = known.listing.remove(&kind).unwrap_or_default();
        let gone: Vec<ObjectKey> =
            known.job_of.keys().filter(|key| key.0 == kind && !listed.contains(key)).cloned().collect();
        gone.into_iter().filter_map(|key| known.remove(&key)).collect()
    }

    /// An object is so. The jobs for which that is news.
    pub(crate) fn put(&self, namespace: &str, seen: Seen) -> Vec<JobKey> {
        let mut known = self.lock();
        let key = (seen.child.kind, namespace.to_owned(), seen.child.name.clone());
        if let Some(listed) = known.listing.get_mut(&key.0) {
            listed.insert(key.clone());
        }
        let job = JobKey { namespace: namespace.to_owned(), name: seen.job.clone() };
        let before = known.job_of.get(&key).filter(|before| **before != job).cloned();
        let mut news: Vec<JobKey> = before.and_then(|_| known.remove(&key)).into_iter().collect();
        known.job_of.insert(key.clone(), job.clone());
        let children = known.of.entry(job.clone()).or_default();
        if children.get(&key) != Some(&seen) {
            children.insert(key, seen);
            news.push(job);
        }
        news
    }

    /// An object is gone, or no job's any more. The job that has lost it.
    pub(crate) fn remove(&self, kind: ChildKind, namespace: &str, name: &str) -> Option<JobKey> {
        self.lock().remove(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// Everything with the label of this job.
    pub(crate) fn of(&self, job: &JobKey) -> Vec<Seen> {
        self.lock().of.get(job).map(|children| children.values().cloned().collect()).unwrap_or_default()
    }

    /// When the first certificate expires of a deployment that has pods: what has ended keeps its certificates, and needs no new ones.
    pub(crate) fn first_expiry(&self) -> Option<Timestamp> {
        let known = self.lock();
        let of_job = |children: &BTreeMap<ObjectKey, Seen>| {
            let is_up = |attempt: i64| {
                let of_attempt = children.values().filter(|seen| seen.child.attempt == attempt);
                of_attempt.filter_map(|seen| seen.child.pod.as_ref()).any(|pod| !pod.is_over())
            };
            let in_use = children.values().filter(|seen| is_up(seen.child.attempt));
            in_use.filter_map(|seen| seen.child.certificates.as_ref()?.valid).map(|valid| valid.until).min()
        };
        known.of.values().filter_map(of_job).min()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is complete before anything can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remove(&mut self, key: &ObjectKey) -> Option<JobKey> {
        let job = self.job_of.remove(key)?;
        if let Some(children) = self.of.get_mut(&job) {
            children.remove(key);
            if children.is_empty() {
                self.of.remove(&job);
            }
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use serde_json::json;

    use super::*;
    use crate::observe::child;

    fn seen(name: &str, job: &str, plan: &str) -> Seen {
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {
                "millstream.dev/job": job, "millstream.dev/plan": plan,
            }},
        }))
        .unwrap();
        child(ChildKind::Service, &object).unwrap()
    }

    fn key(name: &str) -> JobKey {
        JobKey { namespace: "n".into(), name: name.into() }
    }

    fn names(children: &Children, job: &str) -> Vec<String> {
        children.of(&key(job)).into_iter().map(|seen| seen.child.name).collect()
    }

    fn certified(name: &str, job: &str, until: &str) -> Seen {
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {
                "name": name, "namespace": "n", "uid": name,
                "labels": {
                    "millstream.dev/job": job, "millstream.dev/component": "tls", "millstream.dev/attempt": "1",
                },
                "annotations": {
                    "millstream.dev/certificates-since": "2026-01-01T00:00:00Z",
                    "millstream.dev/certificates-until": until,
                },
            },
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"},
        }))
        .unwrap();
        child(ChildKind::ConfigMap, &object).unwrap()
    }

    fn pod(job: &str, phase: &str) -> Seen {
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": format!("{job}-coordinator-1"), "namespace": "n", "uid": format!("{job}-pod"), "labels": {
                "millstream.dev/job": job, "millstream.dev/component": "coordinator", "millstream.dev/attempt": "1",
            }},
            "status": {"phase": phase},
        }))
        .unwrap();
        child(ChildKind::Pod, &object).unwrap()
    }

    #[test]
    fn the_first_expiry_is_that_of_all_jobs_that_have_pods() {
        let children = Children::default();
        assert_eq!(children.first_expiry(), None);
        for job in ["a", "b", "c"] {
            children.put("n", pod(job, "Running"));
        }
        children.put("n", certified("d-tls-1", "d", "2026-01-01T00:00:00Z"));
        children.put("n", pod("d", "Succeeded"));
        children.put("n", certified("a-tls-1", "a", "2026-03-01T00:00:00Z"));
        children.put("n", certified("b-tls-1", "b", "2026-02-01T00:00:00Z"));
        children.put("n", certified("c-tls-1", "c", "soon"));
        children.put("n", seen("s", "a", "p"));
        assert_eq!(children.first_expiry(), Some("2026-02-01T00:00:00Z".parse().unwrap()));
        children.remove(ChildKind::ConfigMap, "n", "b-tls-1");
        assert_eq!(children.first_expiry(), Some("2026-03-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn only_what_changed_is_news() {
        let children = Children::default();
        assert_eq!(children.put("n", seen("s", "a", "p1")), [key("a")]);
        assert_eq!(children.put("n", seen("s", "a", "p1")), []);
        assert_eq!(children.put("n", seen("s", "a", "p2")), [key("a")]);
        assert_eq!(children.put("n", seen("s", "b", "p2")), [key("a"), key("b")], "it has another job now");
        assert_eq!((names(&children, "a"), names(&children, "b")), (vec![], vec!["s".to_owned()]));
        assert_eq!(children.remove(ChildKind::Service, "n", "s"), Some(key("b")));
        assert_eq!(children.remove(ChildKind::Service, "n", "s"), None);
    }

    #[test]
    fn what_a_list_does_not_bring_is_gone() {
        let children = Children::default();
        for name in ["s1", "s2", "s3"] {
            children.put("n", seen(name, "a", "p"));
        }
        children.begin(ChildKind::Pod);
        assert_eq!(children.done(ChildKind::Pod), [], "a list of another kind says nothing");
        children.begin(ChildKind::Service);
        children.put("n", seen("s2", "a", "p"));
        assert_eq!(children.done(ChildKind::Service), [key("a"), key("a")]);
        assert_eq!(names(&children, "a"), ["s2"]);
    }
}
