//! Conditions of a StreamJob and of a StreamSnapshot: their types and reasons.
//!
//! Owns the closed lists of them, so that alerts and scripts can match on them. `Ready`, `Reconciling` and `Stalled`
//! follow kstatus' rules: `Reconciling` and `Stalled` are never true together, and a suspended or finished job is Ready.

use std::fmt;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The name as it stands in status.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => stringify!($variant),)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// `type` of a condition.
    ConditionType {
        /// The job does what the spec says.
        Ready,
        /// The operator is working towards the spec.
        Reconciling,
        /// Nothing more will happen without a person.
        Stalled,
        /// The coordinator answers.
        CoordinatorAvailable,
        /// As many workers as needed are ready.
        WorkersAvailable,
        /// Checkpoints complete.
        CheckpointHealthy,
        /// The newest state fits the spec.
        StateCompatible,
        /// The last upgrade came to its end.
        UpgradeSucceeded,
        /// The autoscaler has what it needs.
        AutoscalingActive,
    }
}

names! {
    /// `reason` of a condition.
    Reason {
        /// Running and stable.
        Running,
        /// Bounded input came to its end.
        Finished,
        /// Stopped on purpose.
        Suspended,
        /// Objects are being made.
        Deploying,
        /// State is being read.
        Restoring,
        /// A new revision takes over.
        Upgrading,
        /// The parallelism changes.
        Rescaling,
        /// Waiting inside a restart pause.
        Restarting,
        /// A plan waits for a person.
        AwaitingApproval,
        /// The spec breaks a rule.
        InvalidSpec,
        /// The SQL was refused.
        SqlError,
        /// There is nothing to restore, and it was required.
        NothingToRestore,
        /// No attempt is left.
        RestartsExhausted,
        /// The new SQL would lose state.
        StateIncompatible,
        /// The new revision is being judged before anything stops.
        Planning,
        /// The new revision could not be judged.
        PlannerFailed,
        /// The newest checkpoint is too old to start from, and no savepoint can be taken.
        CheckpointTooOld,
        /// The running job could not be stopped with its state, and the spec forbids to go on without.
        StopFailed,
        /// The new revision was taken back.
        RolledBack,
        /// Going back would write output again, which nobody allowed.
        RollbackHeld,
        /// The revision did not become stable in its time.
        Unstable,
        /// Data flows, but the revision has not been stable for long enough.
        Stabilizing,
        /// The image cannot be had, or the container cannot be made.
        ImageUnavailable,
        /// No node takes the pods.
        Unschedulable,
        /// The API server does not take an object of the job: a policy, or a name that is taken.
        Denied,
        /// The job failed for good.
        JobFailed,
        /// The engine refused the job.
        JobRefused,
        /// Another coordinator owns the job.
        Fenced,
        /// The coordinator does not answer.
        CoordinatorSilent,
        /// Pods are missing.
        PodsMissing,
        /// The object is being deleted.
        Deleting,
        /// Somebody else wrote this status.
        StatusEdited,
        /// The config map with the SQL is not there.
        SqlMissing,
        /// Nothing is under way.
        Settled,
        /// Checkpoints fail while data flows.
        CheckpointsFailing,
        /// As it should be.
        Healthy,
        /// Cannot be told right now.
        Unknown,
    }
}

names! {
    /// `reason` of a condition of a StreamSnapshot.
    SnapshotReason {
        /// It is there.
        Completed,
        /// The job is writing it.
        Taking,
        /// Its files are being looked at.
        Checking,
        /// An attempt failed, and the next one comes after a pause.
        Retrying,
        /// There is no such job.
        JobNotFound,
        /// The job is suspended.
        JobSuspended,
        /// The job does not run right now.
        JobNotRunning,
        /// The job has finished.
        JobFinished,
        /// The job is being deleted, or was.
        JobDeleted,
        /// Another job has its name now.
        JobReplaced,
        /// No attempt is left.
        RetriesExhausted,
        /// What the spec names is no savepoint that can be used.
        NoSavepoint,
        /// The engine cannot do this.
        Unsupported,
        /// The spec breaks a rule.
        InvalidSpec,
        /// Its files are being deleted.
        Deleting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_kubernetes_accepts_and_unique() {
        let pattern = regex::Regex::new("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$").unwrap();
        let of_snapshots = SnapshotReason::ALL.iter().map(|reason| reason.as_str());
        for name in ConditionType::ALL
            .iter()
            .map(|t| t.as_str())
            .chain(Reason::ALL.iter().map(|r| r.as_str()))
            .chain(of_snapshots)
        {
            assert!(pattern.is_match(name), "{name}");
        }
        let mut reasons = Reason::ALL.to_vec();
        reasons.sort();
        reasons.dedup();
        assert_eq!(reasons.len(), Reason::ALL.len());
    }
}
