//! The loop that owns a job master: one event in, its commands carried out, then the next event.
//!
//! Commands to workers go out in order and at once. Writes run beside the loop, each answered with an event, so a slow bucket
//! holds up no barrier. Nothing is decided here: where an event must not matter, the job master knows its number.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use millstream_connectors::source::Source;
use millstream_jobmaster::{Command, Event, JobMaster, JobPhase, JobSpec, StatusReport, Takeover};
use millstream_model::control::FromWorker;
use millstream_model::{ErrorKind, JobError, OperatorUid};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::JobOutcome;
use crate::announce::announce;
use crate::clock::Clock;
use crate::enumerators::Enumerators;
use crate::handle::Request;
use crate::history::History;
use crate::links::{Links, Transport, WorkerLink};
use crate::membership::Membership;
use crate::metadata_io::MetadataIo;
use crate::rescales::RescaleDesk;
use crate::savepoints::{self, SavepointDesk};
use crate::settings::CoordinatorSettings;
use crate::status::{JobStatus, Progress};
use crate::timers::Timers;

#[cfg(test)]
mod driver_test;
#[cfg(test)]
mod savepoint_test;

/// Events of enumerators and connections that may wait; whoever has more waits too.
const EVENTS: usize = 256;

/// How often a coordinator whose job does not run asks whether it is still in charge. One that runs learns it with every claim;
/// one that was cut off from its workers would wait for slots for ever, and hold whatever worker finds it.
const FENCE_LOOK_MS: u64 = 5_000;

/// How long workers may take to fetch their last messages.
const LAST_MESSAGES: Duration = Duration::from_secs(2);

/// A job master and everything that carries its commands out.
pub(crate) struct Driver {
    master: JobMaster,
    job: String,
    /// Address of the job's folder.
    folder: String,
    clock: Clock,
    timers: Timers,
    links: Links,
    membership: Membership,
    enumerators: Enumerators,
    metadata: MetadataIo,
    /// Writes under way.
    writes: JoinSet<Option<Event>>,
    /// What enumerators and connections say.
    events: mpsc::Receiver<Event>,
    event_sender: mpsc::Sender<Event>,
    savepoints: SavepointDesk,
    rescales: RescaleDesk,
    version: String,
    report: StatusReport,
    history: History,
    progress: Progress,
    status: watch::Sender<JobStatus>,
    status_interval: Duration,
    started_at_ms: u64,
    next_fence_look_ms: u64,
}

impl Driver {
    pub(crate) fn new(
        spec: JobSpec,
        sources: BTreeMap<OperatorUid, Arc<dyn Source>>,
        metadata: MetadataIo,
        settings: CoordinatorSettings,
        clock: Clock,
        status: watch::Sender<JobStatus>,
    ) -> Self {
        let (event_sender, events) = mpsc::channel(EVENTS);
        let timeout_ms = settings.heartbeat_timeout.map(|t| t.as_millis().try_into().unwrap_or(u64::MAX));
        Self {
            job: spec.job.to_string(),
            folder: metadata.folder().0.location(),
            version: spec.engine_version.clone(),
            master: JobMaster::new(spec),
            started_at_ms: clock.now_ms(),
            next_fence_look_ms: clock.now_ms() + FENCE_LOOK_MS,
            clock,
            timers: Timers::default(),
            links: Links::default(),
            membership: Membership::new(timeout_ms),
            enumerators: Enumerators::new(sources, event_sender.clone()),
            metadata,
            writes: JoinSet::new(),
            events,
            event_sender,
            savepoints: SavepointDesk::default(),
            rescales: RescaleDesk::default(),
            report: StatusReport::default(),
            history: History::default(),
            progress: Progress::default(),
            status,
            status_interval: settings.status_interval,
        }
    }

    /// Runs until the job master ends the job.
    pub(crate) async fn run(
        mut self,
        takeover: Takeover,
        waiting: Vec<Request>,
        transport: Transport,
        mut requests: mpsc::Receiver<Request>,
    ) -> JobOutcome {
        let Transport { mut joining, mut incoming } = transport;
        // Before anything is decided, so that a job that is to be stopped does not begin.
        let mut end = waiting.into_iter().find_map(|request| self.asked(request));
        if end.is_none() {
            end = self.tell(Event::TookOver(Box::new(takeover)));
        }
        let mut refresh = interval(self.status_interval);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = loop {
            if let Some(end) = end {
                break end;
            }
            let (next_timer, clock) = (self.timers.next_ms(), self.clock.clone());
            let timer = async {
                match next_timer {
                    Some(ms) => clock.sleep_until(ms).await,
                    None => std::future::pending().await,
                }
            };
            end = tokio::select! {
                Some(request) = requests.recv() => self.asked(request),
                Some(link) = joining.recv() => self.joined(link),
                Some(message) = incoming.recv() => {
                    // Whoever speaks has come before.
                    while let Ok(link) = joining.try_recv() {
                        self.joined(link);
                    }
                    self.heard(message)
                }
                Some(event) = self.events.recv() => self.tell(event),
                Some(answer) = self.writes.join_next() => match answer {
                    Ok(Some(event)) => self.tell(event),
                    Ok(None) => None,
                    Err(panicked) => Some(broken(&panicked)),
                },
                () = timer => self.fire(),
                _ = refresh.tick() => self.refresh(),
            };
        };
        self.show();
        let Self { mut writes, mut enumerators, links, savepoints, .. } = self;
        writes.abort_all();
        enumerators.stop();
        links.close(LAST_MESSAGES).await;
        savepoints.close();
        outcome
    }

    fn asked(&mut self, request: Request) -> Option<JobOutcome> {
        let event = match request {
            Request::Savepoint(request) => self.savepoints.open(request)?,
            Request::Rescale(request) => self.rescales.open(request),
            // It has been.
            Request::Activate => return None,
            Request::Stop => Event::StopRequested,
            Request::Cancel => Event::CancelRequested,
        };
        self.tell(event)
    }

    fn joined(&mut self, link: WorkerLink) -> Option<JobOutcome> {
        self.links.open(link, self.event_sender.clone());
        None
    }

    fn heard(&mut self, message: FromWorker) -> Option<JobOutcome> {
        match message {
            FromWorker::Heartbeat { attempt, worker, progress } => {
                self.membership.heard(worker, self.clock.now_ms());
                self.progress.update(attempt, progress);
                None
            }
            FromWorker::SnapshotStored { attempt, ref snapshot, .. } => {
                self.progress.stored(attempt, snapshot, self.master.graph());
                self.tell(Event::FromWorker(message))
            }
            // A worker that was given up may still have something on its way.
            FromWorker::Registered { worker, .. } if !self.links.has(worker) => None,
            message => self.tell(Event::FromWorker(message)),
        }
    }

    fn fire(&mut self) -> Option<JobOutcome> {
        let timer = self.timers.take_due(self.clock.now_ms())?;
        self.tell(Event::TimerFired(timer))
    }

    /// Looks who is silent, and shows what the tasks counted.
    fn refresh(&mut self) -> Option<JobOutcome> {
        // Workers without tasks send no heartbeats.
        if !matches!(self.report.phase, JobPhase::Running | JobPhase::Stopping) {
            self.membership.forget_all();
            self.look_at_the_fence();
        }
        for (worker, silent_ms) in self.membership.take_lost(self.clock.now_ms()) {
            self.links.release(worker);
            let reason = format!("no heartbeat for {silent_ms} ms");
            let end = self.tell(Event::WorkerLost { worker, reason });
            if end.is_some() {
                return end;
            }
        }
        self.show();
        None
    }

    fn look_at_the_fence(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms >= self.next_fence_look_ms {
            self.next_fence_look_ms = now_ms + FENCE_LOOK_MS;
            self.writes.spawn(self.metadata.clone().look_at_the_fence());
        }
    }

    /// One event for the job master, and all that follows.
    fn tell(&mut self, event: Event) -> Option<JobOutcome> {
        let now_ms = self.clock.now_ms();
        if let Event::WorkerLost { worker, .. } = &event {
            self.links.release(*worker);
            self.membership.forget(*worker);
        }
        self.savepoints.hear(&event);
        let heard = event.to_string();
        let commands = self.master.handle(event, now_ms);
        tracing::debug!(at_ms = now_ms, "{heard} -> {}", Listed(&commands));
        let mut end = None;
        for command in commands {
            match command {
                Command::End(outcome) => end = Some(outcome),
                command => self.carry_out(command),
            }
        }
        end
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Send { worker, message } => {
                if !self.links.send(worker, message) && self.links.has(worker) {
                    self.lose(worker);
                }
            }
            Command::ReleaseWorker { worker, reason } => {
                tracing::warn!("worker {worker} is given up: {reason}");
                self.links.release(worker);
                self.membership.forget(worker);
            }
            Command::StartEnumerator { attempt, source, state } => {
                self.enumerators.start(attempt, source, state);
            }
            Command::StopEnumerators { .. } => self.enumerators.stop(),
            Command::SetTimer { timer, at_ms } => self.timers.set(timer, at_ms),
            Command::ReportStatus(report) => {
                announce(&self.report, &report);
                self.history.note(&self.report, &report, self.clock.now_ms());
                self.report = *report;
                self.show();
            }
            Command::WriteSavepoint { id, epoch } => {
                if let Some(location) = self.savepoints.location(id) {
                    let (metadata, version) = (self.metadata.clone(), self.version.clone());
                    let work = savepoints::write(metadata, id, location, epoch, version, self.clock.clone());
                    self.writes.spawn(async move { Some(work.await) });
                }
            }
            Command::RefuseSavepoint { id, error } => self.savepoints.refuse(id, error),
            Command::Rescaled { id, attempt } => self.rescales.answer(id, Ok(attempt)),
            Command::RefuseRescale { id, error } => self.rescales.answer(id, Err(error)),
            Command::End(_) => {}
            write => {
                self.writes.spawn(self.metadata.clone().carry_out(write));
            }
        }
    }

    /// A worker lets its messages pile up: its queue is closed, which its forwarder does not report, so that is done here,
    /// behind the commands that are being carried out.
    fn lose(&mut self, worker: millstream_model::control::WorkerId) {
        self.links.release(worker);
        let reason = "it does not take its messages".to_owned();
        self.writes.spawn(async move { Some(Event::WorkerLost { worker, reason }) });
    }

    fn show(&self) {
        let now_ms = self.clock.now_ms();
        let job = (self.job.as_str(), self.folder.as_str());
        let status = JobStatus::of(job, self.master.graph(), &self.report, &self.progress, now_ms);
        self.status.send_replace(JobStatus {
            started_at_ms: self.started_at_ms,
            checkpoints: self.history.checkpoints(),
            exceptions: self.history.exceptions(),
            ..status
        });
    }
}

fn broken(panicked: &tokio::task::JoinError) -> JobOutcome {
    let message = format!("the coordinator failed while writing: {panicked}; this is a bug in Millstream");
    JobOutcome::Failed(JobError::new(ErrorKind::Bug, message))
}

/// Commands in one line.
struct Listed<'a>(&'a [Command]);

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.0.iter().filter(|c| !matches!(c, Command::ReportStatus(_)));
        let mut separator = "";
        for command in shown {
            write!(f, "{separator}{command}")?;
            separator = "; ";
        }
        if separator.is_empty() { f.write_str("nothing to do") } else { Ok(()) }
    }
}
