//! Who a job is, where its state goes, which fields count.

use std::fs;
use std::path::Path;

use super::{COPIED, COPY, ORDERS, folder, manifest, millstream_in};
use crate::harness::lines_of;

fn jobs_in(storage: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(storage)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.retain(|n| !n.starts_with('.'));
    names.sort();
    names
}

#[test]
fn the_name_comes_from_the_manifest_the_option_or_the_file() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("My Copy_2.sql"), format!("{ORDERS}{COPY}")).unwrap();
    let manifest_of_team = manifest("", &format!("{ORDERS}{COPY}"))
        .replace("name: orders", "name: orders\n  namespace: team")
        .replace("'out'", "'team-out'");
    fs::write(path.join("team.yaml"), manifest_of_team).unwrap();
    for (arguments, job, identity) in [
        (&["run", "job.yaml"][..], "orders", "default.orders.local"),
        (&["run", "team.yaml"], "orders", "team.orders.local"),
        (&["run", "My Copy_2.sql"], "my-copy-2", "default.my-copy-2.local"),
        (&["run", "My Copy_2.sql", "--name", "other"], "other", "default.other.local"),
    ] {
        let _ = fs::remove_dir_all(path.join("out"));
        let ended = crate::harness::run_in(path, arguments);
        ended.code(0).says(&format!("{job}: finished at epoch")).says(identity);
        assert!(jobs_in(&path.join(".millstream")).contains(&identity.to_owned()), "{identity}");
    }
}

#[test]
fn state_lies_beside_the_file_and_paths_start_there() {
    let folder = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    let job = folder.path().join("job.yaml");
    let ended = crate::harness::run_in(elsewhere.path(), &["run", job.to_str().unwrap()]);
    ended.code(0).says(&format!("state is kept in file://{}/.millstream", folder.path().display()));
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        0,
        "something depends on the working directory"
    );
}

#[test]
fn the_bucket_of_a_manifest_is_used_only_when_asked_for() {
    let folder = folder();
    let (path, bucket) = (folder.path(), tempfile::tempdir().unwrap());
    let uri = format!("file://{}", bucket.path().display());
    fs::write(
        path.join("job.yaml"),
        manifest(&format!("state:\n  storage: {uri}"), &format!("{ORDERS}{COPY}")),
    )
    .unwrap();
    millstream_in(path, "run job.yaml").code(0).says(&format!("spec.state.storage ({uri}) is not used here"));
    assert!(jobs_in(bucket.path()).is_empty());
    fs::remove_dir_all(path.join("out")).unwrap();
    millstream_in(path, "run job.yaml --storage from-manifest")
        .code(0)
        .says(&format!("state is kept in {uri}"));
    assert_eq!(jobs_in(bucket.path()), ["default.orders.local"]);
    // A path on the command line starts at the working directory.
    fs::remove_dir_all(path.join("out")).unwrap();
    fs::create_dir(path.join("below")).unwrap();
    millstream_in(&path.join("below"), "run ../job.yaml --storage mine").code(0);
    assert_eq!(jobs_in(&path.join("below/mine")), ["default.orders.local"]);
    // In memory, nothing is left, and the job runs again.
    fs::remove_dir_all(path.join("out")).unwrap();
    millstream_in(path, "run job.yaml --storage memory://m").code(0).says("memory://m");
    fs::write(path.join("job.yaml"), manifest("", &format!("{ORDERS}{COPY}"))).unwrap();
    millstream_in(path, "run job.yaml --storage from-manifest")
        .code(2)
        .says("the manifest has no spec.state.storage");
}

#[test]
fn options_and_variables_reach_the_sql() {
    let folder = folder();
    let sql = format!("{ORDERS}SELECT id, customer FROM orders WHERE customer = '${{WHO}}';\n");
    fs::write(folder.path().join("who.yaml"), manifest("variables:\n  WHO: bob", &sql)).unwrap();
    let from_manifest = millstream_in(folder.path(), "run who.yaml");
    assert_eq!(from_manifest.code(0).stdout, "+I[2, bob]\n+I[5, bob]\n");
    let from_line = millstream_in(folder.path(), "run who.yaml --var WHO=ann --var WHO=cat");
    assert_eq!(from_line.code(0).stdout, "+I[6, cat]\n");
    fs::write(folder.path().join("who.yaml"), manifest("", &sql)).unwrap();
    millstream_in(folder.path(), "run who.yaml").code(2).says("WHO");
    millstream_in(folder.path(), "plan query.sql --set parallelism.default=5")
        .code(0)
        .prints("parallelism 5");
}

#[test]
fn options_without_an_effect_are_named() {
    let folder = folder();
    for (line, says) in [
        ("--set no.such.option=1", "warning: setting 'no.such.option' has no effect"),
        ("--set paralelism.default=2", "did you mean `parallelism.default`?"),
        ("--set restart-strategy.type=none", "write spec.restart in the job's manifest"),
        ("--set pipeline.name=x", "setting 'pipeline.name' has no effect"),
    ] {
        for command in ["plan", "run"] {
            millstream_in(folder.path(), &format!("{command} query.sql {line}")).code(0).says(says);
        }
    }
    millstream_in(folder.path(), "run query.sql --set execution.checkpointing.timeout=1ms")
        .code(2)
        .says("must be at least 10 ms");
}

#[test]
fn the_command_line_wins_over_the_manifest_and_the_manifest_over_its_sql() {
    let folder = folder();
    let sql = format!("SET 'parallelism.default' = '4';\n{ORDERS}{COPY}");
    fs::write(folder.path().join("job.yaml"), manifest("parallelism: 2", &sql)).unwrap();
    let plan = millstream_in(folder.path(), "plan job.yaml");
    plan.code(0)
        .prints("parallelism 2")
        .says("'parallelism.default' = '4' has no effect: spec.parallelism is 2");
    let plan = millstream_in(folder.path(), "plan job.yaml --set parallelism.default=3");
    plan.code(0).prints("parallelism 3").is_silent_on("no effect");
}

#[test]
fn fields_of_clusters_are_named_and_ignored() {
    let folder = folder();
    let fields = "upgrade: {mode: Savepoint}\nautoscaling: {mode: Disabled}";
    fs::write(folder.path().join("job.yaml"), manifest(fields, &format!("{ORDERS}{COPY}"))).unwrap();
    let ended = millstream_in(folder.path(), "run job.yaml");
    ended.code(0).says("spec.upgrade is ignored").says("spec.autoscaling is ignored");
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
}

#[test]
fn sql_of_a_config_map_needs_a_file() {
    let folder = folder();
    let text = manifest("", "").replace("sql: |", "sqlFrom: {configMapKeyRef: {name: queries, key: orders}}");
    fs::write(folder.path().join("job.yaml"), text).unwrap();
    let refused = millstream_in(folder.path(), "run job.yaml");
    refused.code(2).says("spec.sqlFrom").says("the config map queries (key orders)").says("--sql-from FILE");
    let ended = millstream_in(folder.path(), "run job.yaml --sql-from query.sql");
    assert_eq!(ended.code(0).stdout.lines().count(), 3, "{ended}");
}

#[test]
fn a_suspended_job_is_one_sentence() {
    let folder = folder();
    fs::write(
        folder.path().join("job.yaml"),
        manifest("desiredState: Suspended", &format!("{ORDERS}{COPY}")),
    )
    .unwrap();
    let ended = millstream_in(folder.path(), "run job.yaml");
    ended.code(0).says("suspended (spec.desiredState); nothing was run");
    assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""), "{ended}");
    assert!(!folder.path().join(".millstream").exists() && !folder.path().join("out").exists());
}
