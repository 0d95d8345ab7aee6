//! From an empty cluster to an upgraded job, as docs/first-job.md says.

use millstream_test_docs::{Shell, Walk};

#[test]
fn a_new_user_comes_from_an_empty_cluster_to_an_upgraded_job_and_back() {
    let shell = Shell::start();
    let mut walk = Walk::begin("docs/first-job.md", &shell, &[]);
    walk.all();
    walk.end();
    shell.assert_empty();
}
