//! Certificates of a deployment, brought to the API server.
//!
//! The config map goes first and says which CA is coming, so that of two operators one is told that it came second. Then the secrets are
//! written, and last the config map says so. What breaks off in between is begun again with another CA. Secrets are created, or replaced
//! as a whole where there are older ones; they are never read, and it takes no right to do so.

use std::time::Duration;

use kube::api::{Api, DynamicObject, PostParams};
use kube::{Client, Error};
use millstream_lifecycle::build::{Built, CertificateOrder};
use millstream_lifecycle::certificates::{Due, announce, due, install};
use millstream_lifecycle::observed::{Certificates, ChildKind};
use millstream_lifecycle::time::Timestamp;
use serde_json::Value;

use crate::apply::{ApplyError, is_owned_by};
use crate::causes::with_causes;
use crate::certificates::{Issued, issue};
use crate::context::Context;
use crate::observe::{self, MANAGER};
use crate::watch::{api, resource};

/// Does what is due about the certificates of a deployment.
pub(crate) async fn certify(
    context: &Context,
    namespace: &str,
    owner: &str,
    order: &CertificateOrder,
) -> Result<(), ApplyError> {
    let client = &context.client;
    let maps = api(client, &resource(ChildKind::ConfigMap), Some(namespace));
    // The watch, by which it was decided, may be behind.
    let there = maps.get_opt(&order.name).await?;
    if there.as_ref().is_some_and(|there| !is_owned_by(&there.metadata, owner)) {
        return Err(ApplyError::Taken { kind: ChildKind::ConfigMap, name: order.name.clone() });
    }
    let before = there.as_ref().map(observe::certificates);
    let now = Timestamp::now();
    let patience = match due(before.as_ref(), now) {
        Due::Nothing => return Ok(()),
        Due::Issue => Duration::ZERO,
        Due::Renew { patience } => patience,
    };
    let issued = issue(&order.name, context.certificate_lifetime, now)?;
    let announced = announce(before.as_ref(), &issued.authority, issued.valid.since);
    let version = there.and_then(|there| there.metadata.resource_version);
    let there = write(&maps, &order.config_map(&announced), version).await?;
    context.metrics.wrote("ConfigMap");
    let installation = Installation {
        client: client.clone(),
        namespace: namespace.to_owned(),
        order: order.clone(),
        issued,
    };
    if patience.is_zero() {
        installation.finish(there).await?;
        context.metrics.wrote("Secret");
        return Ok(());
    }
    let metrics = context.metrics.clone();
    tokio::spawn(async move {
        let name = format!("{}/{}", installation.namespace, installation.order.name);
        tokio::time::sleep(patience).await;
        match installation.finish_later(&maps).await {
            Ok(()) => metrics.wrote("Secret"),
            // Somebody, most likely this process, will see that it did not come to its end.
            Err(error) => tracing::warn!("certificates {name} are not renewed yet: {}", with_causes(&error)),
        }
    });
    Ok(())
}

/// Certificates on their way into the secrets.
struct Installation {
    client: Client,
    namespace: String,
    order: CertificateOrder,
    issued: Issued,
}

impl Installation {
    /// Finishes, unless another renewal has been begun since.
    async fn finish_later(self, maps: &Api<DynamicObject>) -> Result<(), ApplyError> {
        let there = maps.get(&self.order.name).await?;
        if observe::certificates(&there).authorities.first() == Some(&self.issued.authority) {
            self.finish(there).await?;
        }
        Ok(())
    }

    /// Writes the secrets, and into the config map that they are there.
    async fn finish(self, there: DynamicObject) -> Result<(), ApplyError> {
        let owner = there.metadata.uid.clone().unwrap_or_default();
        let secrets = api(&self.client, &resource(ChildKind::Secret), Some(&self.namespace));
        for (role, name) in self.order.secrets() {
            let pair = self.issued.of(*role);
            let secret = self.order.secret(name, &owner, &pair.certificate, &pair.key);
            put(&secrets, name, secret).await?;
        }
        let announced: Certificates = observe::certificates(&there);
        let built = self.order.config_map(&install(&announced, self.issued.valid));
        let maps = api(&self.client, &resource(ChildKind::ConfigMap), Some(&self.namespace));
        write(&maps, &built, there.metadata.resource_version).await.map(drop)
    }
}

/// Creates an object, or replaces this version of it.
async fn write(
    maps: &Api<DynamicObject>,
    built: &Built,
    version: Option<String>,
) -> Result<DynamicObject, ApplyError> {
    let mut object = object(built.value.clone())?;
    if version.is_none() {
        return Ok(maps.create(&parameters(), &object).await?);
    }
    object.metadata.resource_version = version;
    Ok(maps.replace(&built.name, &parameters(), &object).await?)
}

/// Writes a secret, whatever was in it before.
async fn put(secrets: &Api<DynamicObject>, name: &str, value: Value) -> Result<(), ApplyError> {
    let object = object(value)?;
    let written = match secrets.create(&parameters(), &object).await {
        Err(Error::Api(status)) if status.code == 409 => secrets.replace(name, &parameters(), &object).await,
        created => created,
    };
    match written {
        // It cannot be changed into what it has to be, so it was made by somebody else.
        Err(Error::Api(status)) if status.code == 422 => {
            Err(ApplyError::Taken { kind: ChildKind::Secret, name: name.to_owned() })
        }
        written => Ok(written.map(drop)?),
    }
}

fn object(value: Value) -> Result<DynamicObject, ApplyError> {
    Ok(serde_json::from_value(value).map_err(Error::SerdeError)?)
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() }
}
