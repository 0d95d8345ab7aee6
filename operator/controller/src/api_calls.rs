//! Counts what the API server is asked, and what it answers.

use std::sync::Arc;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use tower::service_fn;

use crate::metrics::Metrics;

/// The same client, every call of which is counted when it is answered.
pub(crate) fn counted(client: Client, metrics: Arc<Metrics>) -> Client {
    let (namespace, valid_until) = (client.default_namespace().to_owned(), *client.valid_until());
    let service = service_fn(move |request: Request<Body>| {
        let (client, metrics) = (client.clone(), metrics.clone());
        async move {
            let method = request.method().clone();
            let answer: kube::Result<Response<Body>> = client.send(request).await;
            let status = answer.as_ref().map(Response::status);
            metrics.asked(method.as_str(), status.as_ref().map_or("none", |status| status.as_str()));
            answer
        }
    });
    Client::new(service, namespace).with_valid_until(valid_until)
}
