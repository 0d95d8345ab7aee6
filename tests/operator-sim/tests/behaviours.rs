//! The API server of the simulation answers as the real one does: each question is put to both.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says how far it came"
)]

#[path = "behaviours/questions.rs"]
mod questions;
#[path = "behaviours/server.rs"]
mod server;

use std::sync::LazyLock;

use millstream_test_kube::ControlPlane;
use serde_json::Value;
use server::Server;

/// Puts the same questions to both, each in a namespace of its own, and compares all answers.
fn compare<F: Future<Output = ()>>(name: &str, ask: impl Fn(Server) -> F) {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    });
    let namespace = ControlPlane::shared().namespace(name);
    let (fake, real) = RUNTIME.block_on(async {
        let fake = Server::fake(namespace.namespace());
        ask(fake.clone()).await;
        let real = Server::real(&namespace).await;
        ask(real.clone()).await;
        (fake.said(), real.said())
    });
    assert!(!real.is_empty(), "nothing was asked");
    for (number, (fake, real)) in fake.iter().zip(&real).enumerate() {
        let show = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        assert_eq!(
            show(&fake.1),
            show(&real.1),
            "answer {number}, to {}: left the simulation's, right the real one",
            real.0
        );
    }
    assert_eq!(fake.len(), real.len());
}

macro_rules! behaviours {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            compare(&stringify!($name).replace('_', "-"), questions::$name);
        })*
    };
}

behaviours! {
    objects_are_made_once
    a_version_is_a_lock
    what_changes_nothing_makes_no_version
    a_merge_patch_takes_fields_away
    metadata_alone
    generations_count_specs
    a_schema_is_applied
    finalizers_hold_what_is_deleted
    a_deletion_can_have_conditions
    a_pod_on_a_node_has_its_time
    who_applied_a_field_owns_it
    what_is_not_applied_any_more_goes
    lists_are_selected
    pages_are_of_one_version
    a_watch_tells_what_changes
    a_watch_sees_through_its_selector
    what_belongs_to_nobody_goes
}

/// A real server forgets versions after minutes, so this is not compared: a watch says so inside of its stream, as documented.
#[tokio::test]
async fn a_version_can_be_too_old() {
    let server = Server::fake("forgetful");
    questions::versions_that_are_forgotten(server.clone()).await;
    let codes: Vec<Value> =
        server.said().iter().map(|(_, answer)| answer["document"]["code"].clone()).collect();
    assert_eq!(codes[codes.len() - 2..], [410, 410], "{:#?}", server.said());
}
