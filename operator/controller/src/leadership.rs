//! Which of several operators acts.
//!
//! One that waits has filled its caches already, so it acts as soon as the lease is its own: 15 s behind the last sign of one that was
//! killed, at once behind one that ended in order.

use anyhow::Context as _;
use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::named::NamespacedName;
use crate::observe::MANAGER;

/// Seconds for which a lease holds when it is not renewed.
const HELD: u64 = 15;
/// Seconds before that in which it is renewed.
const RENEWED: u64 = 5;

/// A claim to a lease. Dropping it leaves the lease to run out.
pub(crate) struct Leadership {
    leads: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl Leadership {
    /// Waits until this process holds the lease.
    pub(crate) async fn acquire(
        client: Client,
        lease: &NamespacedName,
        identity: String,
    ) -> anyhow::Result<Self> {
        let manager = LeaseManagerBuilder::new(client, &lease.name)
            .with_namespace(&lease.namespace)
            .with_field_manager(format!("{MANAGER}-{identity}"))
            .with_identity(identity)
            .with_duration(HELD)
            .with_grace(RENEWED)
            .build()
            .await
            .with_context(|| format!("the lease {lease}"))?;
        let (mut leads, task) = manager.watch().await;
        tracing::info!("waiting for the lease {lease}");
        leads.wait_for(|leads| *leads).await.context("the lease cannot be watched")?;
        tracing::info!("this operator has the lease");
        Ok(Self { leads, task })
    }

    /// Ends when the lease is lost.
    pub(crate) async fn lost(&self) {
        let mut leads = self.leads.clone();
        let _ = leads.wait_for(|leads| !*leads).await;
    }

    /// Gives the lease back.
    pub(crate) async fn release(self) {
        drop(self.leads);
        if let Ok(Ok(manager)) = self.task.await
            && let Err(error) = manager.release().await
        {
            tracing::warn!("the lease runs out by itself: {error}");
        }
    }
}
