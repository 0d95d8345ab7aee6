//! Starting and ending the operator.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use kube::Client;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::runtime::controller::{Config, Controller, Error as ControllerError};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use millstream_api::StreamJob;
use millstream_lifecycle::observed::{OperatorSettings, Transport};
use millstream_model::error::with_causes;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::api_calls::counted;
use crate::args::{Arguments, PullPolicy};
use crate::calls::Calls;
use crate::children::{Children, JobKey};
use crate::clock::Clock;
use crate::context::Context;
use crate::credentials::Credentials;
use crate::denials::Denials;
use crate::engines::Engines;
use crate::http::{self, Pages};
use crate::identity::OperatorIdentity;
use crate::leadership::Leadership;
use crate::line::{Dialer, Lines, Network};
use crate::metrics::Metrics;
use crate::observe::MANAGER;
use crate::reconcile::{after_error, reconcile};
use crate::snapshots::{self, Listing};
use crate::sql_maps::SqlMaps;
use crate::watch::{KINDS, api, keep, resource};
use crate::writes::Writes;

/// Jobs that are looked at at the same time.
const CONCURRENCY: u16 = 32;
/// How soon to look again for what is not installed yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks after StreamJobs until SIGTERM or SIGINT; what is being done then is done to its end.
///
/// # Errors
/// There is no cluster to talk to, or no port to answer on. What can pass, as CRDs that are not installed yet, is waited for.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let ending = ending()?;
    let client = Client::try_default().await.context("no way to reach a Kubernetes API server")?;
    let listener =
        TcpListener::bind(arguments.http).await.with_context(|| format!("--http {}", arguments.http))?;
    let around =
        Surroundings { client, dialer: Arc::new(Network), clock: Clock::wall(), listener: Some(listener) };
    operate(arguments, around, ending).await
}

/// What the operator finds around it.
pub struct Surroundings {
    /// The way to the API server.
    pub client: Client,
    /// The way to coordinators.
    pub dialer: Arc<dyn Dialer>,
    /// What time it is.
    pub clock: Clock,
    /// Where to answer on health and metrics, if at all.
    pub listener: Option<TcpListener>,
}

/// Looks after StreamJobs until `ending` is true; what is being done then is done to its end.
///
/// Dropped before that, it ends as a process that is killed does: at once, with all that it does in the background but orders to
/// coordinators.
///
/// # Errors
/// Its lease cannot be had, or is lost.
pub async fn operate(
    arguments: Arguments,
    around: Surroundings,
    ending: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let Surroundings { client, dialer, clock, listener } = around;
    let mut tasks = JoinSet::new();
    let (ready, is_ready) = watch::channel(false);
    let (stored, stores) = watch::channel(None);
    let metrics = Arc::new(Metrics::new()?);
    let children = Arc::new(Children::default());
    let client = counted(client, metrics.clone());
    let pages =
        Pages { ready: is_ready, metrics: metrics.clone(), children: children.clone(), clock, jobs: stores };
    if let Some(listener) = listener {
        tasks.spawn(async move {
            if let Err(error) = http::serve(listener, pages).await {
                tracing::warn!("health and metrics are not answered any more: {error}");
            }
        });
    }
    let jobs = ApiResource::erase::<StreamJob>(&());
    tokio::select! {
        () = installed(&client, &jobs, arguments.namespace.as_deref()) => {}
        () = ended(ending.clone()) => return Ok(()),
    }
    let credentials = tokio::select! {
        opened = credentials(&client, &arguments) => opened?,
        () = ended(ending.clone()) => return Ok(()),
    };
    let (news, changed) = mpsc::unbounded_channel();
    let mut filled = Vec::new();
    for kind in KINDS {
        let (full, is_full) = watch::channel(false);
        let api = api(&client, &resource(kind), arguments.namespace.as_deref());
        tasks.spawn(keep(kind, api, children.clone(), full, news.clone()));
        filled.push(is_full);
    }
    tokio::select! {
        () = all(filled) => {}
        () = ended(ending.clone()) => return Ok(()),
    }
    ready.send_replace(true);
    let lines = Lines::new(dialer, credentials.clone());
    let context = Arc::new(Context {
        settings: settings(&arguments),
        certificate_lifetime: arguments.certificate_lifetime,
        jobs,
        children,
        engines: Engines::new(clock, lines.clone(), news.clone()),
        calls: Calls::new(clock, lines.clone(), news.clone(), metrics.clone()),
        lines,
        credentials,
        snapshots: Arc::new(Listing::new(news.clone())),
        sql: SqlMaps::new(client.clone(), arguments.namespace.clone(), news),
        metrics,
        writes: Writes::default(),
        denials: Denials::default(),
        events: Recorder::new(client.clone(), reporter()),
        failures: std::sync::Mutex::default(),
        client: client.clone(),
        clock,
    });
    let leadership = match &arguments.lease {
        Some(lease) => tokio::select! {
            acquired = Leadership::acquire(client.clone(), lease, identity()) => Some(acquired?),
            () = ended(ending.clone()) => return Ok(()),
        },
        None => None,
    };
    tracing::info!("looking after StreamJobs{}", scope(&arguments));
    let lost = async {
        match &leadership {
            Some(leadership) => leadership.lost().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = control(&arguments, changed, context, ending, stored) => {}
        // Another one acts already: nothing is done to its end here.
        () = lost => anyhow::bail!("the lease is lost"),
    }
    if let Some(leadership) = leadership {
        leadership.release().await;
    }
    Ok(())
}

/// What this operator shows to coordinators: nothing, if it was started so.
async fn credentials(client: &Client, arguments: &Arguments) -> anyhow::Result<Credentials> {
    let Some(files) = arguments.tls_files() else { return Ok(Credentials::new(None)) };
    let identity = OperatorIdentity::open(client, files, arguments.tls_secret.as_ref()).await?;
    let identity = Arc::new(identity);
    tokio::spawn(identity.clone().keep());
    Ok(Credentials::new(Some(identity)))
}

async fn control(
    arguments: &Arguments,
    changed: mpsc::UnboundedReceiver<JobKey>,
    context: Arc<Context>,
    ending: watch::Receiver<bool>,
    stored: watch::Sender<Option<Store<DynamicObject>>>,
) {
    let jobs = context.jobs.clone();
    let mut config = watcher::Config::default();
    if let Some(selector) = &arguments.selector {
        config = config.labels(selector);
    }
    let resource = jobs.clone();
    let changed = futures::stream::unfold(changed, |mut changed| async move {
        changed.recv().await.map(|job| (job, changed))
    })
    .map(move |job| ObjectRef::new_with(&job.name, resource.clone()).within(&job.namespace));
    let forgetting = context.clone();
    let api = api(&context.client, &jobs, arguments.namespace.as_deref());
    let writer = Writer::new(jobs.clone());
    let store = writer.as_reader();
    // Who manages which field takes more memory than all the rest, and nobody here asks.
    let seen = watcher(api, config).modify(|job: &mut DynamicObject| job.metadata.managed_fields = None);
    let controller = Controller::for_stream_with(seen.reflect(writer).applied_objects(), store.clone(), jobs);
    stored.send_replace(Some(store.clone()));
    let snapshots = snapshots::run(arguments, context.clone(), store, ended(ending.clone()));
    let jobs = controller
        .with_config(Config::default().concurrency(CONCURRENCY))
        .reconcile_on(changed)
        .graceful_shutdown_on(ended(ending))
        .run(reconcile, after_error, context)
        .for_each(|done| {
            match done {
                // Logged where it happened.
                Ok(_) | Err(ControllerError::ReconcilerFailed(..)) => {}
                Err(ControllerError::ObjectNotFound(job)) => {
                    let namespace = job.namespace.unwrap_or_default();
                    forgetting.forget(&JobKey { namespace, name: job.name }, "");
                }
                Err(error) => tracing::warn!("{}", with_causes(&error)),
            }
            std::future::ready(())
        });
    tokio::join!(jobs, snapshots);
}

/// Waits until the API server serves StreamJobs.
async fn installed(client: &Client, jobs: &ApiResource, namespace: Option<&str>) {
    let api = api(client, jobs, namespace);
    let one = ListParams::default().limit(1);
    let mut said = None;
    while let Err(error) = api.list(&one).await {
        let why = match &error {
            kube::Error::Api(status) if status.code == 404 => {
                "the CRDs are not installed; waiting for them".to_owned()
            }
            error => format!("StreamJobs cannot be listed yet: {}", with_causes(error)),
        };
        if said.as_ref() != Some(&why) {
            tracing::warn!("{why}");
            said = Some(why);
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

async fn all(filled: Vec<watch::Receiver<bool>>) {
    for mut full in filled {
        let _ = full.wait_for(|full| *full).await;
    }
}

/// Becomes true at the first SIGTERM or SIGINT.
fn ending() -> anyhow::Result<watch::Receiver<bool>> {
    let (end, ending) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending");
        end.send_replace(true);
    });
    Ok(ending)
}

async fn ended(mut ending: watch::Receiver<bool>) {
    if ending.wait_for(|ending| *ending).await.is_err() {
        std::future::pending().await
    }
}

fn settings(arguments: &Arguments) -> OperatorSettings {
    let policy = arguments.pull_policy.map(|policy| match policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    });
    OperatorSettings {
        image: arguments.engine_image.clone(),
        pull_policy: policy.map(str::to_owned),
        service_account: arguments.service_account.clone(),
        tls: if arguments.plaintext { Transport::Plaintext } else { Transport::Tls },
        // The newest, with each look at a job.
        client_ca: String::new(),
    }
}

fn reporter() -> Reporter {
    Reporter { controller: MANAGER.into(), instance: Some(identity()) }
}

/// What this process is called: its pod, and a number, since the container of a pod can be started again.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "operator".to_owned());
    format!("{host}-{}", std::process::id())
}

fn scope(arguments: &Arguments) -> String {
    let namespace = arguments.namespace.as_ref().map_or_else(
        || " of all namespaces".to_owned(),
        |namespace| format!(" of the namespace {namespace}"),
    );
    let labels = arguments.selector.as_ref().map(|selector| format!(" with the labels {selector}"));
    namespace + &labels.unwrap_or_default()
}
