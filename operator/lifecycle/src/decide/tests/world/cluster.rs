//! Objects and pods of the model: what is applied comes, what is deleted goes, both a little later.

use std::time::Duration;

use millstream_api::streamsnapshot::SnapshotPhase;

use super::{Process, World};
use crate::build::{Built, CertificateOrder, read_deployed};
use crate::certificates::{announce, install};
use crate::observed::{
    Child, ChildKind, Component, Denial, EnginePhase, Exit, Pod, PodState, Trouble, Validity,
};
use crate::time::after;

impl World {
    /// Server-side apply: makes what is not there; of a pod that is there only its metadata changes.
    pub(super) fn apply(&mut self, built: &Built) {
        let label =
            |name: &str| built.value["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned();
        let attempt: i64 = label("millstream.dev/attempt").parse().unwrap();
        let deployed = if attempt > 0 { read_deployed(&built.value).map(Box::new) } else { None };
        if let Some(child) = self.children.iter_mut().find(|c| c.kind == built.kind && c.name == built.name) {
            assert_eq!(child.owner, self.object.uid, "{} belongs to somebody else", child.name);
            child.applied.clone_from(&built.applied);
            if deployed.is_some() {
                child.deployed = deployed;
            }
            return;
        }
        if built.kind == ChildKind::Pod {
            self.denials.remove(&attempt);
            if let Some((_, trouble)) = self.faults.denied.filter(|(denied, _)| *denied == attempt) {
                let message = format!("Pod/{} cannot be made: no", built.name);
                self.denials.insert(attempt, Denial { trouble, message });
                return;
            }
        }
        let component = match label("millstream.dev/component").as_str() {
            "coordinator" => Component::Coordinator,
            "planner" => Component::Planner,
            _ => Component::Worker(built.name.rsplit('-').next().unwrap().parse().unwrap_or(0)),
        };
        if built.kind == ChildKind::Pod && built.value.to_string().contains("--tls-cert") {
            let has = |child: &Child| child.certificates.as_ref().is_some_and(|c| c.valid.is_some());
            let is_certified = self.children.iter().any(|child| child.attempt == attempt && has(child));
            assert!(is_certified, "{} has no certificate", built.name);
        }
        if built.kind == ChildKind::Pod && component == Component::Coordinator {
            self.coordinators.insert(attempt, built.value.clone());
        }
        if component == Component::Planner {
            self.planner_since = self.now;
        }
        self.uids += 1;
        self.children.push(Child {
            kind: built.kind,
            name: built.name.clone(),
            uid: format!("child-{}", self.uids),
            owner: self.object.uid.clone(),
            attempt,
            plan: label("millstream.dev/plan"),
            generation: label("millstream.dev/generation").parse().unwrap(),
            applied: built.applied.clone(),
            is_managed: true,
            ends_by: None,
            pod: (built.kind == ChildKind::Pod).then_some(Pod { component, state: PodState::Starting }),
            deployed,
            certificates: None,
        });
    }

    /// Makes certificates for 90 days, or announces those that are to come.
    pub(super) fn certify(&mut self, order: &CertificateOrder, is_complete: bool) {
        let seen = self.children.iter().find(|child| child.name == order.name);
        let before = seen.and_then(|child| child.certificates.as_deref());
        let mut certificates = announce(before, &format!("CA of {}\n", self.now), self.now);
        if is_complete {
            let until = after(self.now, Duration::from_secs(90 * 24 * 3_600));
            certificates = install(&certificates, Validity { since: self.now, until });
        }
        self.apply(&order.config_map(&certificates));
        let child = self.children.iter_mut().find(|child| child.name == order.name).unwrap();
        child.certificates = Some(Box::new(certificates));
    }

    pub(super) fn delete(&mut self, uid: &str) {
        let Some(index) = self.children.iter().position(|child| child.uid == uid) else { return };
        let is_pod = self.children[index].pod.is_some();
        if is_pod && self.children[index].owner == self.object.uid {
            self.children[index].ends_by = Some(self.now);
        } else {
            self.children.remove(index);
        }
    }

    /// Takes a pod away, as a drain does.
    pub(in super::super) fn evict(&mut self, name: &str) {
        let child = self.children.iter().find(|child| child.kind == ChildKind::Pod && child.name == name);
        if let Some(uid) = child.map(|child| child.uid.clone()) {
            self.delete(&uid);
        }
    }

    /// Ends a coordinator's process.
    pub(in super::super) fn end(&mut self, attempt: i64, exit: Exit) {
        self.processes.remove(&attempt);
        let at = self.now;
        for pod in
            self.children.iter_mut().filter(|child| child.attempt == attempt).filter_map(|c| c.pod.as_mut())
        {
            if pod.component == Component::Coordinator && matches!(pod.state, PodState::Running { .. }) {
                pod.state = PodState::Ended { exit: exit.clone(), at };
            }
        }
    }

    /// Lets this much time pass, in which everybody does what they do.
    pub(in super::super) fn pass(&mut self, seconds: u64) {
        self.now = after(self.now, Duration::from_secs(seconds));
        self.silent_since = match (self.faults.silent, self.silent_since) {
            (true, since) => since.or(Some(self.now)),
            (false, _) => None,
        };
        self.let_pods_go();
        self.answer_calls();
        self.let_pods_come();
        self.let_processes_work();
        self.probe_coordinators();
        for snapshot in &mut self.snapshots {
            snapshot.phase = match snapshot.phase {
                SnapshotPhase::Pending => SnapshotPhase::InProgress,
                SnapshotPhase::InProgress if self.faults.savepoints_fail => SnapshotPhase::Failed,
                SnapshotPhase::InProgress => SnapshotPhase::Completed,
                over => over,
            };
        }
    }

    pub(super) fn let_pods_go(&mut self) {
        for child in self.children.iter().filter(|child| child.is_terminating()) {
            if child.pod.as_ref().is_some_and(|pod| pod.component == Component::Coordinator) {
                self.processes.remove(&child.attempt);
            }
        }
        self.children.retain(|child| !child.is_terminating());
    }

    pub(super) fn let_pods_come(&mut self) {
        let (no_image, no_room) = (self.faults.no_image, self.faults.no_room);
        let is_worker = |pod: &Pod| matches!(pod.component, Component::Worker(_));
        let used = self.children.iter().filter_map(|child| child.pod.as_ref());
        let runs = |pod: &Pod| matches!(pod.state, PodState::Running { .. });
        let used = used.filter(|pod| is_worker(pod) && runs(pod)).count();
        let mut room = self.faults.worker_room.map(|room| room.saturating_sub(used));
        for child in &mut self.children {
            let Some(pod) = &mut child.pod else { continue };
            let stuck = |trouble, message: &str| PodState::Stuck { trouble, message: message.to_owned() };
            let is_new = matches!(pod.state, PodState::Starting | PodState::Stuck { .. });
            match () {
                () if !is_new => {}
                () if pod.component == Component::Planner && self.faults.slow_planner => {}
                () if pod.component == Component::Planner => pod.state = PodState::Running { ready: true },
                () if self.faults.slow => {}
                () if no_image => pod.state = stuck(Trouble::Image, "ErrImagePull"),
                () if no_room || is_worker(pod) && room == Some(0) => {
                    pod.state = stuck(Trouble::Unschedulable, "0/3 nodes")
                }
                () => {
                    if is_worker(pod) {
                        room = room.map(|room| room - 1);
                    }
                    pod.state = PodState::Running { ready: true };
                    if pod.component == Component::Coordinator {
                        let phase = if self.coordinators[&child.attempt].to_string().contains("\"--standby\"")
                        {
                            EnginePhase::Standby
                        } else {
                            EnginePhase::TakingOver
                        };
                        let process =
                            Process { phase, restarts: 0, parallelism: 0, restored_from: None, sql: None };
                        self.processes.insert(child.attempt, process);
                    }
                }
            }
        }
        self.take_workers();
    }

    /// Coordinators are ready while records flow or all is done.
    pub(super) fn probe_coordinators(&mut self) {
        for child in &mut self.children {
            let Some(pod) = child.pod.as_mut().filter(|pod| pod.component == Component::Coordinator) else {
                continue;
            };
            if let PodState::Running { ready } = &mut pod.state {
                let phase = self.processes.get(&child.attempt).map(|process| process.phase);
                *ready = matches!(
                    phase,
                    Some(
                        EnginePhase::Running
                            | EnginePhase::Stopping
                            | EnginePhase::Finished
                            | EnginePhase::Stopped
                    )
                );
            }
        }
    }

    /// A coordinator takes the workers that run; a standby takes none.
    fn take_workers(&mut self) {
        for child in &mut self.children {
            let Some(pod) = &mut child.pod else { continue };
            let takes = |process: &Process| process.phase != EnginePhase::Standby;
            if let (Component::Worker(_), PodState::Running { ready }) = (pod.component, &mut pod.state) {
                *ready = self.processes.get(&child.attempt).is_some_and(takes);
            }
        }
    }
}
