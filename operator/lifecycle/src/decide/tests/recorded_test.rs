//! The statuses of a job in each situation of the design's table, committed beside the crate: `tests/chart` lets kstatus, Argo CD and Flux
//! judge them.
//!
//! `MILLSTREAM_RECORD=1 cargo test -p millstream-lifecycle recorded` writes them again; read the difference before you commit it.

use std::fs;
use std::path::Path;

use millstream_api::names::{API_VERSION, KIND};
use serde_json::{Value, json};

use super::world::World;
use crate::observed::{Exit, PlannerState, SqlText};

#[derive(Default)]
struct Statuses {
    lines: String,
}

impl Statuses {
    /// The job as a client of the API server sees it.
    fn record(&mut self, situation: &str, world: &World) {
        let object = &world.object;
        let mut metadata = json!({
            "name": object.name, "namespace": object.namespace, "uid": object.uid, "generation": object.generation,
            "creationTimestamp": object.created.to_string(),
        });
        if let Some(deleted) = object.deleted {
            metadata["deletionTimestamp"] = deleted.to_string().into();
            metadata["finalizers"] = json!([millstream_api::names::FINALIZER]);
        }
        // What others judge by. The rest would make each change of a plan a change of this file.
        let status = &world.status;
        let status = json!({
            "phase": status.phase, "observedGeneration": status.observed_generation, "conditions": status.conditions,
        });
        let job = json!({
            "apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": world.spec, "status": status,
        });
        let line: Value = json!({"situation": situation, "object": job});
        self.lines += &format!("{line}\n");
    }

    /// A job of this spec, as it is after so many steps.
    fn of(&mut self, situation: &str, mut world: World, then: impl FnOnce(&mut World)) {
        then(&mut world);
        self.record(situation, &world);
    }
}

fn statuses() -> String {
    let mut statuses = Statuses::default();
    let running = || World::running(json!({}));
    statuses.of("created", World::new(json!({})), |world| {
        world.step();
    });
    statuses.of("deploying", World::new(json!({})), |world| world.run(3));
    statuses.of("running", running(), |_| {});
    statuses.of("edited and not looked at yet", running(), |world| world.edit(json!({"sql": "SELECT 2"})));
    statuses.of("upgrading", running(), |world| {
        world.edit(json!({"sql": "SELECT 2"}));
        world.run(4);
    });
    statuses.of("on trial", running(), |world| {
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to("on trial");
    });
    statuses.of("upgraded", running(), |world| {
        world.edit(json!({"sql": "SELECT 2"}));
        world.settle();
    });
    statuses.of(
        "a plan waits for its approval",
        World::running(json!({"upgrade": {"approval": "Manual"}})),
        |world| {
            world.edit(json!({"sql": "SELECT 2"}));
            world.settle();
        },
    );
    statuses.of("rescaling", running(), |world| {
        world.edit(json!({"parallelism": 4}));
        world.run(2);
    });
    statuses.of("restoring", running(), |world| {
        world.edit(json!({"restore": {"from": "s3://b/s"}}));
        world.run(4);
    });
    statuses.of("restarting", running(), |world| {
        world.end(1, Exit::Crashed(137));
        world.run(1);
    });
    statuses.of("finished", running(), |world| {
        world.end(1, Exit::Finished);
        world.settle();
    });
    statuses.of("suspended", running(), |world| {
        world.edit(json!({"desiredState": "Suspended"}));
        world.settle();
    });
    statuses.of("created suspended", World::new(json!({"desiredState": "Suspended"})), World::settle);
    statuses.of("checkpoints fail", running(), |world| {
        world.faults.no_checkpoints = true;
        world.run(3);
    });
    statuses.of("restarts exhausted", World::running(json!({"restart": {"strategy": "Never"}})), |world| {
        world.end(1, Exit::Crashed(137));
        world.settle();
    });
    statuses.of("bad spec", World::new(json!({"parallelism": 0})), World::settle);
    statuses.of("bad spec over a running job", running(), |world| {
        world.edit(json!({"parallelism": 0}));
        world.settle();
    });
    statuses.of("bad SQL over a running job", running(), |world| {
        world.edit(json!({"sql": "SELECT FROM"}));
        world.verdict = PlannerState::Refused("line 1: no table `t`".into());
        world.settle();
    });
    statuses.of("config map with the SQL missing", World::new(json!({})), |world| {
        world.edit(json!({"sql": null, "sqlFrom": {"configMapKeyRef": {"name": "sql", "key": "job.sql"}}}));
        world.sql = SqlText::Missing("there is no ConfigMap sql in this namespace".into());
        world.settle();
    });
    statuses.of("nothing to restore", running(), |world| {
        world.end(1, Exit::NothingToRestore("epoch 9 is missing".into()));
        world.settle();
    });
    statuses.of("image missing", World::new(json!({})), |world| {
        world.faults.no_image = true;
        world.run(3);
    });
    statuses.of("rolled back", running(), |world| {
        world.faults.poison = Some(("SELECT 2".into(), Exit::Crashed(1)));
        world.edit(json!({"sql": "SELECT 2"}));
        world.settle();
    });
    statuses.of("being deleted", running(), |world| {
        world.object.deleted = Some(world.now);
        world.step();
    });
    statuses.lines
}

#[test]
fn statuses_are_as_recorded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statuses.jsonl");
    let statuses = statuses();
    if std::env::var_os("MILLSTREAM_RECORD").is_some() {
        fs::write(&file, &statuses).unwrap();
    }
    let recorded = fs::read_to_string(&file).unwrap();
    for (now, before) in statuses.lines().zip(recorded.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(statuses.lines().count(), recorded.lines().count());
}
