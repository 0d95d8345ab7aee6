//! Names that Kubernetes and the bucket see, and the rules they must follow.
//!
//! Owns the group, version, labels and annotations of the product. A job's name is at most 45 characters, because its
//! children append to it (`<name>-coordinator-99999` is 45 + 18 = 63 characters, the longest DNS label).

/// API group of every resource of the product.
pub const GROUP: &str = "millstream.dev";
/// Version of the API in this crate.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of a manifest.
pub const API_VERSION: &str = "millstream.dev/v1alpha1";
/// `kind` of a job.
pub const KIND: &str = "StreamJob";
/// Name of the CRD object.
pub const CRD_NAME: &str = "streamjobs.millstream.dev";
/// Annotation by which a person approves the plan with the id it carries.
pub const APPROVE_ANNOTATION: &str = "millstream.dev/approve";
/// Annotation that lets a deletion end at once, whatever becomes of the running job.
pub const SKIP_ANNOTATION: &str = "millstream.dev/skip-deletion-policy";
/// The one finalizer of a StreamJob.
pub const FINALIZER: &str = "millstream.dev/job";
/// Label of every child: name of its StreamJob.
pub const JOB_LABEL: &str = "millstream.dev/job";
/// Label of every child: number of the deployment that it belongs to.
pub const ATTEMPT_LABEL: &str = "millstream.dev/attempt";
/// Label of every child: generation of the spec that it was made for.
pub const GENERATION_LABEL: &str = "millstream.dev/generation";
/// Label of every child: id of the plan that it was made for.
pub const PLAN_LABEL: &str = "millstream.dev/plan";
/// Label of every child: coordinator, worker, planner, config, network, tls.
pub const COMPONENT_LABEL: &str = "millstream.dev/component";
/// Label of a pod that works for a StreamSnapshot: what it does.
pub const TASK_LABEL: &str = "millstream.dev/task";
/// Annotation of every child: checksum of what was applied, so that nothing is applied twice.
pub const APPLIED_ANNOTATION: &str = "millstream.dev/applied";
/// Label of a StreamSnapshot that the schedule made; only such ones are subject to retention.
pub const SCHEDULED_LABEL: &str = "millstream.dev/scheduled";
/// The one finalizer of a StreamSnapshot, which only one has whose files go with it.
pub const SNAPSHOT_FINALIZER: &str = "millstream.dev/snapshot";
/// `kind` of a snapshot.
pub const SNAPSHOT_KIND: &str = "StreamSnapshot";
/// Name of the snapshots' CRD object.
pub const SNAPSHOT_CRD_NAME: &str = "streamsnapshots.millstream.dev";
/// Namespace of a job whose manifest names none.
pub const DEFAULT_NAMESPACE: &str = "default";
/// Longest name of a job, in characters.
pub const MAX_JOB_NAME: usize = 45;
/// Longest DNS label, in characters.
pub const MAX_LABEL: usize = 63;
/// Longest DNS subdomain (names of secrets and config maps), in characters.
pub const MAX_SUBDOMAIN: usize = 253;

/// Whether `name` is an RFC 1123 label of at most `max` characters: lower case letters, digits and `-`, with a letter
/// or digit at both ends.
pub fn is_label(name: &str, max: usize) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty()
        && name.len() <= max
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether `name` can be a job's: a label of at most 45 characters that begins with a letter, since services are named after the job and
/// their names are RFC 1035 labels.
pub fn is_job_name(name: &str) -> bool {
    is_label(name, MAX_JOB_NAME) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether `name` is an RFC 1123 subdomain: labels joined by dots, at most 253 characters.
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= MAX_SUBDOMAIN && name.split('.').all(|label| is_label(label, MAX_SUBDOMAIN))
}

/// Turns any text into a job name: lower case, each run of other characters one `-`, cut to 45 characters.
///
/// `Flight Delays_2013` becomes `flight-delays-2013`, and `2013` becomes `job-2013`. Text without a single letter or digit becomes `job`, so the answer
/// is always a valid name.
pub fn job_name_from(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "job-");
    }
    name.truncate(MAX_JOB_NAME);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "job".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (name, expected) in [
            ("fraud-alerts", true),
            ("0day", true),
            ("a", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("Fraud", false),
            ("a.b", false),
            ("a_b", false),
            ("é", false),
        ] {
            assert_eq!(is_label(name, MAX_JOB_NAME), expected, "{name:?}");
        }
        assert!(is_label(&"a".repeat(45), MAX_JOB_NAME));
        assert!(!is_label(&"a".repeat(46), MAX_JOB_NAME));
    }

    #[test]
    fn names_of_jobs_begin_with_a_letter() {
        for (name, expected) in [("day0", true), ("0day", false), ("-a", false), ("", false), ("a", true)] {
            assert_eq!(is_job_name(name), expected, "{name:?}");
        }
        assert!(!is_job_name(&"a".repeat(46)));
    }

    #[test]
    fn subdomains() {
        for (name, expected) in [
            ("kafka.credentials", true),
            ("a", true),
            ("a..b", false),
            (".a", false),
            ("A", false),
            ("", false),
        ] {
            assert_eq!(is_subdomain(name), expected, "{name:?}");
        }
        assert!(!is_subdomain(&"a".repeat(254)));
    }

    #[test]
    fn file_stems_become_names() {
        for (stem, expected) in [
            ("Flight Delays_2013", "flight-delays-2013"),
            ("streamjob", "streamjob"),
            ("--x--", "x"),
            ("日本", "job"),
            ("", "job"),
            ("a.b.c", "a-b-c"),
            ("2013", "job-2013"),
        ] {
            assert_eq!(job_name_from(stem), expected);
            assert!(is_job_name(&job_name_from(stem)));
        }
        assert_eq!(job_name_from(&"ab-".repeat(40)).len(), 44, "a cut at a dash drops the dash");
    }
}
