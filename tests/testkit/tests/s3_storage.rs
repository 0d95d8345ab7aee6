//! The promises of a store, on a real S3 server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use millstream_storage::{S3Storage, conformance};
use millstream_test_testkit::s3_server::S3Server;

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_promises_of_a_store() {
    let server = S3Server::start();
    let settings = server.settings();
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let storage = S3Storage::with_settings(S3Server::BUCKET, "streams/x", &settings).unwrap();
    conformance::run(Arc::new(storage)).await;
}
