//! Readiness: what the probe of a container asks, and whether it is answered.

use std::time::Duration;

use millstream_api::k8s_openapi::api::core::v1::Container;
use millstream_api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How often a readiness probe is made: oftener than a kubelet does, so that tests are quick.
pub(super) const PROBE: Duration = Duration::from_millis(100);

/// Where a container is asked whether it is ready.
pub(super) struct Probe {
    address: String,
    path: String,
}

impl Probe {
    /// The readiness probe of a container at this address; `None` when it has none.
    pub(super) fn of(container: &Container, ip: &str) -> Option<Self> {
        let get = container.readiness_probe.as_ref()?.http_get.as_ref()?;
        let ports = container.ports.as_deref().unwrap_or_default();
        let port = match &get.port {
            IntOrString::Int(port) => *port,
            IntOrString::String(name) => {
                ports.iter().find(|port| port.name.as_ref() == Some(name)).unwrap().container_port
            }
        };
        Some(Self { address: format!("{ip}:{port}"), path: get.path.clone().unwrap_or_else(|| "/".into()) })
    }

    async fn is_answered(&self) -> bool {
        let asked = async {
            let mut stream = TcpStream::connect(&self.address).await.ok()?;
            let question = format!("GET {} HTTP/1.0\r\n\r\n", self.path);
            stream.write_all(question.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            Some(answer.starts_with("HTTP/1.0 200"))
        };
        timeout(Duration::from_secs(2), asked).await.ok().flatten() == Some(true)
    }
}

/// Whether the container is ready, a moment from now. One without a probe is.
pub(super) async fn is_ready(probe: Option<&Probe>) -> bool {
    sleep(PROBE).await;
    match probe {
        Some(probe) => probe.is_answered().await,
        None => true,
    }
}
