//! What coordinators say.
//!
//! One that runs is asked again and again by a task of its own; its job is looked at when the answer is another one than before, and
//! as often as its last decision wanted. So a reconcile never waits for an engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millstream_lifecycle::observed::Engine;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::children::JobKey;
use crate::clock::Clock;
use crate::credentials::Trust;
use crate::engine_client::EngineClient;
use crate::line::Lines;

/// How long between two questions while something is under way.
pub(crate) const BRISK: Duration = Duration::from_millis(500);
/// How long between two questions to a job that is settled.
pub(crate) const CALM: Duration = Duration::from_secs(15);
/// How many questions in a row must fail before a coordinator counts as silent: one can be lost in a connection that broke.
const FAILURES: u32 = 2;

/// The coordinators of all jobs.
#[derive(Debug)]
pub(crate) struct Engines {
    clock: Clock,
    lines: Lines,
    news: mpsc::UnboundedSender<JobKey>,
    asked: Mutex<HashMap<JobKey, BTreeMap<i64, Asked>>>,
}

/// A coordinator that is being asked.
#[derive(Debug)]
struct Asked {
    address: String,
    /// Uid of its pod: another pod of the same name is another coordinator.
    pod: String,
    pace: watch::Sender<Duration>,
    trust: watch::Sender<Trust>,
    said: Arc<Mutex<Engine>>,
    task: AbortHandle,
}

/// A coordinator that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port.
    pub(crate) address: String,
    /// Uid of the pod.
    pub(crate) pod: String,
    /// By what it is known.
    pub(crate) trust: Trust,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engines {
    /// Jobs whose coordinator says something new go to `news`.
    pub(crate) fn new(clock: Clock, lines: Lines, news: mpsc::UnboundedSender<JobKey>) -> Self {
        Self { clock, lines, news, asked: Mutex::default() }
    }

    /// What each of these coordinators of a job said last. Those that are new are asked from now on, all others no more.
    pub(crate) fn look(&self, job: &JobKey, there: &BTreeMap<i64, Address>) -> BTreeMap<i64, Engine> {
        let mut asked = self.lock();
        let of_job = asked.entry(job.clone()).or_default();
        of_job.retain(|attempt, asked| {
            there.get(attempt).is_some_and(|at| at.address == asked.address && at.pod == asked.pod)
        });
        for (attempt, at) in there {
            let asked = of_job.entry(*attempt).or_insert_with(|| self.ask(job, at));
            asked.trust.send_if_modified(|old| {
                *old != at.trust && {
                    old.clone_from(&at.trust);
                    true
                }
            });
        }
        let said = of_job.iter().map(|(attempt, asked)| (*attempt, asked.last())).collect();
        if of_job.is_empty() {
            asked.remove(job);
        }
        said
    }

    /// What the coordinator of a deployment said last, if it is being asked.
    pub(crate) fn last(&self, job: &JobKey, attempt: i64) -> Engine {
        self.lock().get(job).and_then(|of_job| of_job.get(&attempt)).map(Asked::last).unwrap_or_default()
    }

    /// How often the coordinators of a job are asked from now on.
    pub(crate) fn pace(&self, job: &JobKey, pace: Duration) {
        for asked in self.lock().get(job).into_iter().flat_map(BTreeMap::values) {
            asked.pace.send_if_modified(|old| std::mem::replace(old, pace) != pace);
        }
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, job: &JobKey) {
        self.lock().remove(job);
    }

    fn ask(&self, job: &JobKey, at: &Address) -> Asked {
        let (pace, paced) = watch::channel(BRISK);
        let (trust, trusted) = watch::channel(at.trust.clone());
        let said = Arc::new(Mutex::new(Engine::Unknown));
        let asking = Asking {
            job: job.clone(),
            address: at.address.clone(),
            clock: self.clock,
            lines: self.lines.clone(),
            trust: trusted,
            said: said.clone(),
            news: self.news.clone(),
        };
        let task = tokio::spawn(asking.go_on(paced)).abort_handle();
        Asked { address: at.address.clone(), pod: at.pod.clone(), pace, trust, said, task }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobKey, BTreeMap<i64, Asked>>> {
        // Every change is complete before anything can panic.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn last(&self) -> Engine {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The task that asks.
struct Asking {
    job: JobKey,
    address: String,
    clock: Clock,
    lines: Lines,
    trust: watch::Receiver<Trust>,
    said: Arc<Mutex<Engine>>,
    news: mpsc::UnboundedSender<JobKey>,
}

impl Asking {
    async fn go_on(self, mut pace: watch::Receiver<Duration>) {
        let mut connection = None;
        let mut failures = 0;
        loop {
            match self.once(&mut connection).await {
                Ok(engine) => {
                    failures = 0;
                    let is_calm = *pace.borrow() >= CALM;
                    self.hear(engine, is_calm);
                }
                Err(why) => {
                    connection = None;
                    failures += 1;
                    tracing::debug!("the coordinator of {} at {}: {why}", self.job.name, self.address);
                    if failures >= FAILURES {
                        self.hear(Engine::Silent { since: self.clock.now() }, false);
                    }
                }
            }
            let pause = if failures == 0 { *pace.borrow_and_update() } else { BRISK };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = pace.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn once(&self, connection: &mut Option<EngineClient>) -> Result<Engine, String> {
        let client = match connection {
            Some(client) => client,
            none => {
                let trust = self.trust.borrow().clone();
                none.insert(self.lines.connect(&self.address, &trust).await?)
            }
        };
        Ok(Engine::Answered(Box::new(client.status().await?)))
    }

    /// Keeps what was said. One that is silent has been so since the first time; and what is as before is no news, nor is one more
    /// checkpoint of a job that is settled.
    fn hear(&self, engine: Engine, is_calm: bool) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!((&*said, &engine), (Engine::Silent { .. }, Engine::Silent { .. })) {
            return;
        }
        let is_news = if is_calm { !said.is_alike(&engine) } else { *said != engine };
        *said = engine;
        drop(said);
        if is_news {
            let _ = self.news.send(self.job.clone());
        }
    }
}
