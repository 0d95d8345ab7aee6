//! A server that is asked, and what it said in a form in which two servers can be compared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use millstream_controller::Clock;
use millstream_lifecycle::time::Timestamp;
use millstream_test_kube::Kubectl;
use millstream_test_operator_sim::api_server::{ApiServer, Ask, Key, Store, Verb};
use millstream_test_operator_sim::connection::Connection;
use serde_json::{Value, json};
use tokio::time::timeout;

/// How long a change may take to be told.
const SOON: Duration = Duration::from_secs(10);

/// The real one or the other one.
#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
    namespace: String,
    fake: Option<ApiServer>,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    answers: Vec<(String, Value)>,
    /// Versions of each object in the order in which they were seen, and uids: both are compared by their order only.
    known: HashMap<String, Vec<String>>,
}

impl Server {
    pub(crate) fn fake(namespace: &str) -> Self {
        let clock = Clock::wall();
        let server = ApiServer::new(Store::default());
        let key = Key::new("namespaces", "", namespace);
        let body = json!({"metadata": {"name": namespace}});
        server.answer(&Ask::by_a_person(Verb::Create, &key, body), clock.now());
        let client = Connection::client(&server, clock, Arc::default());
        Self { client, namespace: namespace.to_owned(), fake: Some(server), said: Arc::default() }
    }

    pub(crate) async fn real(kubectl: &Kubectl) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubectl.kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        // Pods are refused until their account is there.
        let accounts = kubectl.run(["wait", "--for=create", "serviceaccount/default", "--timeout=60s"]);
        accounts.succeeded();
        Self { client, namespace: kubectl.namespace().to_owned(), fake: None, said: Arc::default() }
    }

    pub(crate) fn said(&self) -> Vec<(String, Value)> {
        self.said.lock().unwrap().answers.clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "", Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, "application/json", body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        self.ask("PUT", path, "application/json", body).await
    }

    pub(crate) async fn merge(&self, path: &str, body: Value) -> Value {
        self.ask("PATCH", path, "application/merge-patch+json", body).await
    }

    pub(crate) async fn delete(&self, path: &str, options: Value) -> Value {
        self.ask("DELETE", path, "application/json", options).await
    }

    /// Server-side apply as this manager.
    pub(crate) async fn apply(&self, path: &str, manager: &str, force: bool, body: Value) -> Value {
        let path = format!("{path}?fieldManager={manager}&force={force}");
        self.ask("PATCH", &path, "application/apply-patch+yaml", body).await
    }

    /// Asks, and remembers the answer.
    async fn ask(&self, method: &str, path: &str, content: &str, body: Value) -> Value {
        let (code, document) = self.send(method, path, content, "application/json", body).await;
        self.remember(&format!("{method} {path}"), code, &document);
        document
    }

    /// Asks for metadata alone.
    pub(crate) async fn metadata(&self, method: &str, path: &str, content: &str, body: Value) -> Value {
        let kind = if path.contains('?') || !path.contains('/') {
            "PartialObjectMetadataList"
        } else {
            "PartialObjectMetadata"
        };
        let accept = format!("application/json;as={kind};g=meta.k8s.io;v=v1");
        let (code, document) = self.send(method, path, content, &accept, body).await;
        self.remember(&format!("{method} {path} as {kind}"), code, &document);
        document
    }

    /// Asks, and forgets the answer: what is compared follows.
    pub(crate) async fn look(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, "", "application/json", Value::Null).await
    }

    async fn send(&self, method: &str, path: &str, content: &str, accept: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut request = Request::builder().method(method).uri(self.uri(path)).header("accept", accept);
        if !content.is_empty() {
            request = request.header("content-type", content);
        }
        let response = self.client.send(request.body(Body::from(body)).unwrap()).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes))))
    }

    /// The first changes that a watch tells.
    pub(crate) async fn watch(&self, path: &str, count: usize) {
        let request = Request::get(self.uri(path)).body(Body::empty()).unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let mut body = response.into_body();
        let (mut text, mut events) = (String::new(), Vec::new());
        while events.len() < count {
            let frame = timeout(SOON, body.frame()).await;
            let Ok(Some(Ok(frame))) = frame else { break };
            text += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
            while let Some((line, rest)) = text.clone().split_once('\n') {
                events.push(serde_json::from_str::<Value>(line).unwrap());
                text = rest.to_owned();
            }
        }
        for event in events.into_iter().take(count) {
            let kind = event["type"].as_str().unwrap().to_owned();
            self.remember(&format!("WATCH {path}: {kind}"), code, &event["object"]);
        }
    }

    /// Lets what others do behind an answer happen; `true` when it has.
    pub(crate) async fn until_gone(&self, path: &str) -> bool {
        for _ in 0..200 {
            if let Some(server) = &self.fake {
                server.collect_garbage(Timestamp::now());
            }
            if self.look(path).await.0 == 404 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Makes the simulation forget all versions but the newest.
    pub(crate) fn forget(&self) {
        self.fake.as_ref().unwrap().compact();
    }

    /// Places a pod on a node, as a scheduler does.
    pub(crate) async fn bind(&self, name: &str) {
        if let Some(server) = &self.fake {
            let key = Key::new("pods", &self.namespace, name);
            server.with(|store| store.edit(&key, |pod| pod["spec"]["nodeName"] = json!("node")));
        } else {
            let body = json!({
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "node"},
            });
            let path = format!("pods/{name}/binding");
            assert_eq!(self.send("POST", &path, "application/json", "application/json", body).await.0, 201);
        }
    }

    /// `configmaps/a` in its namespace, of its group.
    fn uri(&self, path: &str) -> String {
        let group = match path.split(['/', '?']).next().unwrap() {
            "streamjobs" => "apis/millstream.dev/v1alpha1",
            _ => "api/v1",
        };
        format!("/{group}/namespaces/{}/{path}", self.namespace)
    }

    fn remember(&self, question: &str, code: u16, document: &Value) {
        let mut said = self.said.lock().unwrap();
        // Where the namespaces and the versions are the servers' own.
        let question = question.replace(|c: char| c.is_ascii_digit(), "");
        let comparable = said.comparable(document);
        said.answers.push((question, json!({"code": code, "document": comparable})));
    }
}

impl Said {
    /// The order of this text among those seen of the same thing.
    fn order(&mut self, of: &str, text: &str) -> usize {
        let known = self.known.entry(of.to_owned()).or_default();
        known.iter().position(|other| other == text).unwrap_or_else(|| {
            known.push(text.to_owned());
            known.len() - 1
        })
    }

    fn comparable(&mut self, document: &Value) -> Value {
        match document["kind"].as_str() {
            Some("Status") => status(document),
            Some(kind) if kind.ends_with("List") => {
                let items = document["items"].as_array().cloned().unwrap_or_default();
                let has_more =
                    document["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty());
                let items: Vec<Value> = items.iter().map(|item| self.object(item)).collect();
                json!({
                    "kind": kind, "items": items, "has more": has_more,
                    "left": document["metadata"]["remainingItemCount"],
                })
            }
            _ => self.object(document),
        }
    }

    fn object(&mut self, object: &Value) -> Value {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let version = self.order(name, &text("resourceVersion"));
        let uid = self.order("uids", &text("uid"));
        let mut shown = json!({
            "name": name, "version": version, "uid": uid, "labels": metadata["labels"],
            "annotations": metadata["annotations"], "finalizers": metadata["finalizers"],
            "is deleted": metadata["deletionTimestamp"].is_string(), "grace": metadata["deletionGracePeriodSeconds"],
        });
        let (kind, version) = (object["kind"].as_str().unwrap_or_default(), object["apiVersion"].as_str());
        // Items of a list do not say what they are.
        if version.is_some() && kind != "ConfigMap" && kind != "StreamJob" {
            shown["kind"] = json!(kind);
        }
        if object["kind"] != "Pod" {
            shown["generation"] = metadata["generation"].clone();
            shown["data"] = object["data"].clone();
            shown["spec"] = object["spec"].clone();
            shown["status"] = object["status"].clone();
        }
        shown
    }
}

/// A refusal, or a confirmation: its words are the server's own, but for those that people are used to.
fn status(document: &Value) -> Value {
    let reason = document["reason"].as_str().unwrap_or_default();
    let message = document["message"].as_str().unwrap_or_default();
    let is_known = matches!(reason, "NotFound" | "AlreadyExists") || message.contains("has been modified");
    let mut details = document["details"].clone();
    if let Some(details) = details.as_object_mut() {
        details.retain(|name, _| matches!(name.as_str(), "name" | "kind" | "group"));
    }
    json!({
        "status": document["status"], "reason": document["reason"], "code": document["code"], "details": details,
        "message": if is_known { message } else { "" },
    })
}
