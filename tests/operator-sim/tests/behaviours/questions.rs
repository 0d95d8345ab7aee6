//! What is asked.

use serde_json::{Value, json};

use crate::server::Server;

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn labelled(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})
}

fn job(spec: Value) -> Value {
    json!({"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "metadata": {"name": "j"}, "spec": spec})
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {
            "terminationGracePeriodSeconds": 7, "automountServiceAccountToken": false,
            "containers": [{"name": "c", "image": "i"}],
        },
    })
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

pub(crate) async fn objects_are_made_once(s: Server) {
    s.get("configmaps/a").await;
    s.post("configmaps", config_map("a", json!({"x": "1"}))).await;
    s.post("configmaps", config_map("a", json!({"x": "2"}))).await;
    s.get("configmaps/a").await;
    s.post("streamjobs", job(json!({"sql": "SELECT 1"}))).await;
    s.post("streamjobs", job(json!({"sql": "SELECT 1"}))).await;
    s.get("streamjobs/k").await;
    s.put("configmaps/b", config_map("b", json!({}))).await;
    s.merge("configmaps/b", json!({"data": {"x": "1"}})).await;
    s.delete("configmaps/b", json!({})).await;
    s.delete("configmaps/a", json!({})).await;
    s.get("configmaps/a").await;
    s.post("configmaps", config_map("a", json!({"x": "3"}))).await;
    s.get("nothings/a").await;
}

pub(crate) async fn a_version_is_a_lock(s: Server) {
    let first = s.post("configmaps", config_map("a", json!({"x": "1"}))).await;
    let mut second = first.clone();
    second["data"]["x"] = json!("2");
    s.put("configmaps/a", second.clone()).await;
    second["data"]["x"] = json!("3");
    s.put("configmaps/a", second.clone()).await;
    // Without a version there is no lock, on what is built in.
    second["metadata"] = json!({"name": "a"});
    s.put("configmaps/a", second).await;
    let lock = |object: &Value| json!({"metadata": {"resourceVersion": version(object)}, "data": {"x": "4"}});
    s.merge("configmaps/a", lock(&first)).await;
    let newest = s.get("configmaps/a").await;
    s.merge("configmaps/a", lock(&newest)).await;
    let mut other = newest.clone();
    other["metadata"]["uid"] = json!("11111111-1111-4111-8111-111111111111");
    other["metadata"]["resourceVersion"] = json!("");
    s.put("configmaps/a", other).await;

    let first = s.post("streamjobs", job(json!({"sql": "SELECT 1"}))).await;
    s.put("streamjobs/j", job(json!({"sql": "SELECT 2"}))).await;
    let mut status = first.clone();
    status["status"] = json!({"phase": "Running"});
    s.put("streamjobs/j/status", status.clone()).await;
    status["status"] = json!({"phase": "Failed"});
    s.put("streamjobs/j/status", status).await;
}

pub(crate) async fn what_changes_nothing_makes_no_version(s: Server) {
    let made = s.post("configmaps", config_map("a", json!({"x": "1"}))).await;
    s.put("configmaps/a", made.clone()).await;
    s.merge("configmaps/a", json!({"data": {"x": "1"}})).await;
    s.merge("configmaps/a", json!({"data": {"y": null}})).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {}}})).await;
    s.apply("configmaps/b", "m", true, config_map("b", json!({"x": "1"}))).await;
    s.apply("configmaps/b", "m", true, config_map("b", json!({"x": "1"}))).await;
    let made = s.post("streamjobs", job(json!({"sql": "SELECT 1"}))).await;
    s.put("streamjobs/j", made.clone()).await;
    s.put("streamjobs/j/status", made).await;
    s.merge("streamjobs/j", json!({"spec": {"sql": "SELECT 1"}})).await;
}

pub(crate) async fn a_merge_patch_takes_fields_away(s: Server) {
    s.post("configmaps", config_map("a", json!({"x": "1", "y": "2"}))).await;
    s.merge("configmaps/a", json!({"data": {"x": null, "z": "3"}})).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}})).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {"a": null}}})).await;
    s.merge("configmaps/a", json!({"metadata": {"finalizers": ["x.test/y", "x.test/z"]}})).await;
    s.merge("configmaps/a", json!({"metadata": {"finalizers": []}})).await;
    s.merge("configmaps/a", json!({"data": null})).await;
}

pub(crate) async fn metadata_alone(s: Server) {
    s.post("configmaps", labelled("a", json!({"x": "1"}))).await;
    s.metadata("GET", "configmaps/a", "", Value::Null).await;
    s.metadata("GET", "configmaps/b", "", Value::Null).await;
    let patch = json!({"metadata": {"labels": {"x": "2"}}});
    s.metadata("PATCH", "configmaps/a", "application/merge-patch+json", patch).await;
    s.metadata("GET", "configmaps?labelSelector=x", "", Value::Null).await;
}

pub(crate) async fn generations_count_specs(s: Server) {
    let mut made = job(json!({"sql": "SELECT 1"}));
    made["status"] = json!({"phase": "Running"});
    s.post("streamjobs", made).await;
    s.merge("streamjobs/j", json!({"metadata": {"labels": {"a": "b"}}})).await;
    s.merge("streamjobs/j", json!({"status": {"phase": "Running"}})).await;
    s.merge("streamjobs/j/status", json!({"status": {"phase": "Running"}, "spec": {"sql": "SELECT 3"}}))
        .await;
    s.merge("streamjobs/j", json!({"spec": {"sql": "SELECT 2"}})).await;
    let newest = s.get("streamjobs/j").await;
    let mut changed = newest.clone();
    changed["spec"]["parallelism"] = json!(3);
    changed["status"] = json!({"phase": "Failed"});
    changed["metadata"]["generation"] = json!(99);
    s.put("streamjobs/j", changed).await;
}

pub(crate) async fn a_schema_is_applied(s: Server) {
    s.post(
        "streamjobs",
        job(json!({"sql": "SELECT 1", "unheard": 1, "checkpoint": {"interval": "5s", "of": "x"}})),
    )
    .await;
    s.merge("streamjobs/j/status", json!({"status": {"phase": "Running", "unheard": {"a": 1}}})).await;
    s.merge("streamjobs/j", json!({"spec": {"parallelism": null}})).await;
    s.merge(
        "streamjobs/j",
        json!({"spec": {"worker": {"podTemplate": {"metadata": {"labels": {"any": "thing"}}}}}}),
    )
    .await;
}

pub(crate) async fn finalizers_hold_what_is_deleted(s: Server) {
    let mut made = job(json!({"sql": "SELECT 1"}));
    made["metadata"]["finalizers"] = json!(["x.test/one", "x.test/two"]);
    s.post("streamjobs", made).await;
    s.delete("streamjobs/j", json!({})).await;
    s.delete("streamjobs/j", json!({})).await;
    s.merge("streamjobs/j", json!({"spec": {"sql": "SELECT 2"}})).await;
    s.merge(
        "streamjobs/j",
        json!({"metadata": {"finalizers": ["x.test/one", "x.test/two", "x.test/three"]}}),
    )
    .await;
    s.merge("streamjobs/j", json!({"metadata": {"finalizers": ["x.test/two"]}})).await;
    s.merge("streamjobs/j", json!({"metadata": {"finalizers": []}})).await;
    s.get("streamjobs/j").await;
    s.merge("streamjobs/j", json!({"metadata": {"finalizers": []}})).await;
}

pub(crate) async fn a_deletion_can_have_conditions(s: Server) {
    let first = s.post("configmaps", config_map("a", json!({"x": "1"}))).await;
    let uid = |uid: &str| json!({"preconditions": {"uid": uid}});
    s.delete("configmaps/a", uid("11111111-1111-4111-8111-111111111111")).await;
    s.merge("configmaps/a", json!({"data": {"x": "2"}})).await;
    s.delete("configmaps/a", json!({"preconditions": {"resourceVersion": version(&first)}})).await;
    s.get("configmaps/a").await;
    s.delete("configmaps/a", uid(first["metadata"]["uid"].as_str().unwrap())).await;
    s.delete("configmaps/a", uid(first["metadata"]["uid"].as_str().unwrap())).await;
}

pub(crate) async fn a_pod_on_a_node_has_its_time(s: Server) {
    s.post("pods", pod()).await;
    s.delete("pods/p", json!({})).await;
    s.get("pods/p").await;
    s.post("pods", pod()).await;
    s.bind("p").await;
    s.delete("pods/p", json!({})).await;
    s.get("pods/p").await;
    s.delete("pods/p", json!({"gracePeriodSeconds": 60})).await;
    s.delete("pods/p", json!({"gracePeriodSeconds": 3})).await;
    s.delete("pods/p", json!({"gracePeriodSeconds": 0})).await;
    s.get("pods/p").await;
}

pub(crate) async fn who_applied_a_field_owns_it(s: Server) {
    s.apply("configmaps/a", "one", false, config_map("a", json!({"x": "1", "y": "1"}))).await;
    s.apply("configmaps/a", "two", false, config_map("a", json!({"x": "1", "z": "2"}))).await;
    s.apply("configmaps/a", "two", false, config_map("a", json!({"x": "2", "z": "2"}))).await;
    s.apply("configmaps/a", "two", true, config_map("a", json!({"x": "2", "z": "2"}))).await;
    s.apply("configmaps/a", "one", false, config_map("a", json!({"x": "3"}))).await;
    // Who patches owns, too.
    s.merge("configmaps/a?fieldManager=three", json!({"data": {"w": "1"}})).await;
    s.apply("configmaps/a", "one", false, config_map("a", json!({"w": "2"}))).await;
    s.apply("configmaps/a", "one", true, config_map("a", json!({"w": "2"}))).await;
}

pub(crate) async fn what_is_not_applied_any_more_goes(s: Server) {
    let mut whole = config_map("a", json!({"x": "1", "y": "1"}));
    whole["metadata"]["labels"] = json!({"l": "1"});
    s.apply("configmaps/a", "one", true, whole).await;
    s.apply("configmaps/a", "two", true, config_map("a", json!({"x": "1"}))).await;
    s.apply("configmaps/a", "one", true, config_map("a", json!({"z": "1"}))).await;
    s.apply("configmaps/a", "two", true, config_map("a", json!({"y": "2"}))).await;
    let mut kept = config_map("a", json!({"z": "1"}));
    kept["metadata"]["annotations"] = json!({"n": "1"});
    s.apply("configmaps/a", "one", true, kept).await;
    s.apply("configmaps/a", "one", true, config_map("a", json!({"z": "2"}))).await;
}

pub(crate) async fn lists_are_selected(s: Server) {
    for (name, labels) in [
        ("a", json!({"app": "x", "tier": "1"})),
        ("b", json!({"app": "x", "tier": "2"})),
        ("c", json!({"app": "y"})),
        ("d", json!({})),
    ] {
        s.post("configmaps", labelled(name, labels)).await;
    }
    for selector in [
        "app%3Dx",
        "app%3D%3Dy",
        "app%3Dx%2Ctier%21%3D2",
        "app",
        "app%2C%21tier",
        "app+in+%28x%2Cz%29",
        "app%2Capp+notin+%28x%2Cz%29",
        "app%3Dnothing",
    ] {
        s.get(&format!("configmaps?labelSelector={selector}")).await;
    }
    s.get("configmaps?fieldSelector=metadata.name%3Db").await;
    s.get("configmaps?fieldSelector=metadata.name%3De").await;
    s.get("streamjobs").await;
}

pub(crate) async fn pages_are_of_one_version(s: Server) {
    for name in ["a", "b", "c", "d", "e"] {
        s.post("streamjobs", {
            let mut job = job(json!({"sql": "SELECT 1"}));
            job["metadata"]["name"] = json!(name);
            job
        })
        .await;
    }
    let first = s.get("streamjobs?limit=2").await;
    // What happens now belongs to a later version.
    s.delete("streamjobs/d", json!({})).await;
    s.merge("streamjobs/e", json!({"metadata": {"labels": {"a": "b"}}})).await;
    let token = |page: &Value| page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    let second = s.get(&format!("streamjobs?limit=2&continue={}", token(&first))).await;
    s.get(&format!("streamjobs?limit=2&continue={}", token(&second))).await;
    s.get("streamjobs?limit=9").await;
}

pub(crate) async fn a_watch_tells_what_changes(s: Server) {
    let made = s.post("configmaps", config_map("a", json!({"x": "1"}))).await;
    s.post("configmaps", config_map("b", json!({}))).await;
    s.merge("configmaps/a", json!({"data": {"x": "2"}})).await;
    s.delete("configmaps/a", json!({})).await;
    s.post("configmaps", config_map("a", json!({"x": "3"}))).await;
    let path = format!("configmaps?watch=1&resourceVersion={}", version(&made));
    s.watch(&path, 4).await;
    let path =
        format!("configmaps?watch=1&fieldSelector=metadata.name%3Da&resourceVersion={}", version(&made));
    s.watch(&path, 3).await;
    // Without a version: what is there, and then what changes.
    s.watch("configmaps?watch=1&fieldSelector=metadata.name%3Da&timeoutSeconds=3", 2).await;
}

pub(crate) async fn a_watch_sees_through_its_selector(s: Server) {
    let made = s.post("configmaps", labelled("a", json!({"in": "no"}))).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {"in": "yes"}}})).await;
    s.merge("configmaps/a", json!({"data": {"x": "1"}})).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {"in": "no"}}})).await;
    s.merge("configmaps/a", json!({"data": {"x": "2"}})).await;
    s.merge("configmaps/a", json!({"metadata": {"labels": {"in": "yes"}}})).await;
    s.delete("configmaps/a", json!({})).await;
    let path = format!("configmaps?watch=1&labelSelector=in%3Dyes&resourceVersion={}", version(&made));
    s.watch(&path, 5).await;
}

pub(crate) async fn versions_that_are_forgotten(s: Server) {
    let first = s.post("configmaps", config_map("a", json!({}))).await;
    s.post("configmaps", config_map("b", json!({}))).await;
    let page = s.get("configmaps?limit=1").await;
    s.merge("configmaps/a", json!({"data": {"x": "1"}})).await;
    s.forget();
    let token = page["metadata"]["continue"].as_str().unwrap();
    s.get(&format!("configmaps?limit=1&continue={token}")).await;
    s.watch(&format!("configmaps?watch=1&resourceVersion={}", version(&first)), 1).await;
}

pub(crate) async fn what_belongs_to_nobody_goes(s: Server) {
    let owner = s.post("configmaps", config_map("owner", json!({}))).await;
    let mut child = config_map("child", json!({}));
    child["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    }]);
    s.post("configmaps", child).await;
    s.delete("configmaps/owner", json!({"propagationPolicy": "Background"})).await;
    assert!(s.until_gone("configmaps/child").await, "nobody collects what belongs to nobody");
    s.get("configmaps/child").await;
}
