//! The kinds of objects that are served.

/// A kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for the core.
    pub group: &'static str,
    /// Version in that group.
    pub version: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Name in objects.
    pub kind: &'static str,
    /// Whether a CRD defines it.
    pub is_custom: bool,
    /// Whether its status is written by itself.
    pub has_status: bool,
    /// Whether its spec has a generation.
    pub has_generation: bool,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    (has_status, has_generation): (bool, bool),
) -> Kind {
    let is_custom = has_status && has_generation && matches!(version.as_bytes(), b"v1alpha1");
    Kind { group, version, plural, kind, is_custom, has_status, has_generation }
}

/// All of them, in the order of their keys.
#[rustfmt::skip]
pub(super) static KINDS: [Kind; 11] = [
    kind("", "v1", "namespaces", "Namespace", (true, false)),
    kind("", "v1", "configmaps", "ConfigMap", (false, false)),
    kind("", "v1", "secrets", "Secret", (false, false)),
    kind("", "v1", "services", "Service", (true, false)),
    kind("", "v1", "pods", "Pod", (true, true)),
    kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", (false, true)),
    kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", (true, true)),
    kind("events.k8s.io", "v1", "events", "Event", (false, false)),
    kind("coordination.k8s.io", "v1", "leases", "Lease", (false, false)),
    kind("millstream.dev", "v1alpha1", "streamjobs", "StreamJob", (true, true)),
    kind("millstream.dev", "v1alpha1", "streamsnapshots", "StreamSnapshot", (true, true)),
];

impl Kind {
    /// The kind with this name in paths.
    pub fn named(plural: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.plural == plural)
    }

    /// The kind behind a path.
    pub(super) fn at(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Its name in messages.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}
