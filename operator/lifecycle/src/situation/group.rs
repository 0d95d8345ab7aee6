//! The children of one deployment, and how it is.

use std::collections::BTreeMap;

use millstream_api::status::EndStatus;

use crate::ended::exit_of;
use crate::observed::{
    Answer, Certificates, Child, Component, Denial, Deployed, Engine, Exit, Observed, Pod, PodState, Trouble,
};

/// The children of one deployment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group<'a> {
    pub(crate) children: Vec<&'a Child>,
    pub(crate) deployed: Option<&'a Deployed>,
    pub(crate) config: Option<&'a Child>,
    pub(crate) certificates: Option<&'a Certificates>,
    pub(crate) coordinator: Option<(&'a Child, &'a Pod)>,
    pub(crate) workers: BTreeMap<u32, (&'a Child, &'a Pod)>,
    pub(crate) engine: Option<&'a Engine>,
    /// How a coordinator ended whose pod is gone, and the uid of that.
    pub(crate) remembered: Option<(Exit, &'a EndStatus)>,
    /// What of it cannot be made.
    pub(crate) denial: Option<&'a Denial>,
}

impl<'a> Group<'a> {
    pub(crate) fn answer(&self) -> Option<&'a Answer> {
        // What a coordinator said before it ended is no answer any more.
        self.engine.filter(|_| !self.is_down()).and_then(Engine::answer)
    }

    /// Whether no coordinator of this deployment can own an epoch any more, as far as can be known.
    pub(crate) fn is_down(&self) -> bool {
        self.coordinator.is_none_or(|(_, pod)| pod.is_over() || pod.state == PodState::Lost)
    }

    /// Whether the coordinator's container runs.
    pub(crate) fn has_process(&self) -> bool {
        self.coordinator.is_some_and(|(_, pod)| matches!(pod.state, PodState::Running { .. }))
    }

    /// Whether there is somebody to ask who was not asked yet: what is not known so far will be in a moment.
    pub(crate) fn is_unasked(&self) -> bool {
        let stays = self.coordinator.is_some_and(|(child, _)| !child.is_terminating());
        stays && self.has_process() && matches!(self.engine, None | Some(Engine::Unknown))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.answer().is_some() && self.engine.is_some_and(Engine::is_running)
    }

    /// How the coordinator ended, as its pod says, or said before it was gone.
    pub(crate) fn exit(&self) -> Option<&Exit> {
        match &self.coordinator {
            Some((_, Pod { state: PodState::Ended { exit, .. }, .. })) => Some(exit),
            Some(_) => None,
            None => self.remembered.as_ref().map(|(exit, _)| exit),
        }
    }

    /// Uid of the coordinator's pod, if that has ended.
    pub(crate) fn ended_pod(&self) -> Option<&'a str> {
        match self.coordinator {
            Some((child, pod)) => pod.is_over().then_some(child.uid.as_str()),
            None => self.remembered.as_ref().map(|(_, end)| end.pod.as_str()),
        }
    }

    /// What keeps some pod from starting, or from being made, the coordinator's first.
    pub(crate) fn trouble(&self) -> Option<(Trouble, &'a str)> {
        self.troubles().next()
    }

    /// The same of each pod that something keeps.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = (Trouble, &'a str)> {
        let workers = self.workers.values().map(|(_, pod)| *pod);
        let pods = self.coordinator.map(|(_, pod)| pod).into_iter().chain(workers);
        let denial = self.denial.map(|denial| (denial.trouble, denial.message.as_str()));
        pods.filter_map(Pod::trouble).chain(denial)
    }

    pub(crate) fn ready_workers(&self) -> u32 {
        self.count_workers(Pod::is_ready)
    }

    pub(crate) fn running_workers(&self) -> u32 {
        self.count_workers(|pod| matches!(pod.state, PodState::Running { .. }))
    }

    fn count_workers(&self, is_so: impl Fn(&Pod) -> bool) -> u32 {
        u32::try_from(self.workers.values().filter(|(_, pod)| is_so(pod)).count()).unwrap_or(u32::MAX)
    }
}

/// Groups children by the number on their label; 0 is the planner's.
pub(super) fn by_attempt<'a>(ours: &[&'a Child], observed: &'a Observed) -> BTreeMap<i64, Group<'a>> {
    let mut groups: BTreeMap<i64, Group<'a>> = BTreeMap::new();
    for child in ours.iter().copied() {
        let group = groups.entry(child.attempt).or_default();
        group.children.push(child);
        if let Some(deployed) = &child.deployed {
            group.deployed = Some(deployed);
            group.config = Some(child);
        }
        if let Some(certificates) = &child.certificates {
            group.certificates = Some(certificates);
        }
        if let Some(pod) = &child.pod {
            match pod.component {
                Component::Coordinator => group.coordinator = Some((child, pod)),
                Component::Worker(index) => {
                    group.workers.insert(index, (child, pod));
                }
                Component::Planner => {}
            }
        }
    }
    for (attempt, denial) in &observed.denials {
        groups.entry(*attempt).or_default().denial = Some(denial);
    }
    for (attempt, group) in &mut groups {
        group.engine = observed.engines.get(attempt);
        let ended = observed.status.ended.as_ref().filter(|end| end.attempt == *attempt);
        group.remembered = ended.map(|end| (exit_of(end), end));
    }
    groups
}
