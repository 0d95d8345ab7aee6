//! Random walks: edits, faults, crashes of the operator between any two actions. The model keeps the invariants on the way; when
//! everything is well again, the job settles, or is gone when it was deleted, and a restore that was asked for has been carried out.

use millstream_api::conditions::ConditionType;
use millstream_api::status::Phase;
use proptest::prelude::*;
use serde_json::json;

use super::world::World;
use crate::observed::{Exit, Judgement, PlannerState};

#[derive(Clone, Debug)]
enum Event {
    Rounds(usize),
    CrashAfter(usize),
    Sql(u8),
    BadSpec,
    Parallelism(u8),
    Suspend,
    Resume,
    Restart(u8),
    Restore(u8),
    Move(u8),
    Mode(u8),
    Kill(u8),
    Evict(bool),
    Image(bool),
    Room(bool),
    WorkerRoom(bool),
    Slow(bool),
    SlowPlanner(bool),
    Silence(bool),
    CallsFail(bool),
    CallsSucceedLate(bool),
    Checkpoints(bool),
    RescaleInPlace(bool),
    Poison(u8),
    RescaleUnseen(bool),
    Planner(u8),
    EditStatus(u8),
    Hours,
    Delete,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (1..12_usize).prop_map(Event::Rounds),
        6 => (0..3_usize).prop_map(Event::CrashAfter),
        5 => (1..4_u8).prop_map(Event::Sql),
        1 => Just(Event::BadSpec),
        2 => (1..6_u8).prop_map(Event::Parallelism),
        1 => Just(Event::Suspend),
        2 => Just(Event::Resume),
        1 => any::<u8>().prop_map(Event::Restart),
        1 => any::<u8>().prop_map(Event::Restore),
        1 => any::<u8>().prop_map(Event::Move),
        1 => (0..4_u8).prop_map(Event::Mode),
        2 => (0..6_u8).prop_map(Event::Kill),
        2 => any::<bool>().prop_map(Event::Evict),
        1 => any::<bool>().prop_map(Event::Image),
        1 => any::<bool>().prop_map(Event::Room),
        1 => any::<bool>().prop_map(Event::WorkerRoom),
        1 => any::<bool>().prop_map(Event::Slow),
        1 => any::<bool>().prop_map(Event::SlowPlanner),
        1 => any::<bool>().prop_map(Event::Silence),
        1 => any::<bool>().prop_map(Event::CallsFail),
        1 => any::<bool>().prop_map(Event::CallsSucceedLate),
        1 => any::<bool>().prop_map(Event::Checkpoints),
        1 => any::<bool>().prop_map(Event::RescaleInPlace),
        1 => (0..4_u8).prop_map(Event::Poison),
        1 => any::<bool>().prop_map(Event::RescaleUnseen),
        1 => (0..3_u8).prop_map(Event::Planner),
        1 => (0..3_u8).prop_map(Event::EditStatus),
        1 => Just(Event::Hours),
        1 => Just(Event::Delete),
    ]
}

fn happen(world: &mut World, event: &Event) {
    let judged = || PlannerState::Judged(Judgement::default());
    match event {
        Event::Rounds(rounds) => world.run(*rounds),
        Event::CrashAfter(actions) => {
            world.step_until_crash(*actions);
            world.pass(2);
        }
        Event::Sql(n) => world.edit(json!({"sql": format!("SELECT {n}")})),
        Event::BadSpec => world.edit(json!({"sql": " "})),
        Event::Parallelism(n) => world.edit(json!({"parallelism": n})),
        Event::Suspend => world.edit(json!({"desiredState": "Suspended"})),
        Event::Resume => world.edit(json!({"desiredState": "Running"})),
        Event::Restart(n) => world.edit(json!({"restart": {"nonce": n}})),
        Event::Restore(n) => world.edit(json!({"restore": {"from": "s3://b/s", "nonce": n}})),
        Event::Move(n) => world.edit(json!({
            "state": {"storage": format!("s3://b/{}", n % 2)}, "restore": {"from": "s3://b/s", "nonce": n},
        })),
        Event::Mode(n) => {
            let modes = [
                json!({"mode": "Savepoint"}),
                json!({"mode": "LastState", "warm": "Never"}),
                json!({"mode": "Savepoint", "fallback": "Wait", "warm": "Never"}),
                json!({"mode": "Stateless"}),
            ];
            world.edit(json!({"upgrade": modes[usize::from(*n)]}));
        }
        Event::Kill(n) => {
            let exit = [
                Exit::Crashed(137),
                Exit::Crashed(1),
                Exit::Failed("boom".into()),
                Exit::Stopped,
                Exit::Fenced,
                Exit::Finished,
            ][usize::from(*n)]
            .clone();
            let newest = world.processes.keys().next_back().copied();
            newest.into_iter().for_each(|attempt| world.end(attempt, exit.clone()));
        }
        Event::Evict(first) => {
            let pods = world.pods();
            let pod = if *first { pods.first() } else { pods.last() };
            pod.into_iter().for_each(|name| world.evict(name));
        }
        Event::Image(fault) => world.faults.no_image = *fault,
        Event::Room(fault) => world.faults.no_room = *fault,
        Event::WorkerRoom(fault) => world.faults.worker_room = fault.then_some(1),
        Event::Slow(fault) => world.faults.slow = *fault,
        Event::SlowPlanner(fault) => world.faults.slow_planner = *fault,
        Event::Silence(fault) => world.faults.silent = *fault,
        Event::CallsFail(fault) => world.faults.calls_fail = *fault,
        Event::CallsSucceedLate(fault) => world.faults.calls_succeed_late = *fault,
        Event::Checkpoints(fault) => world.faults.no_checkpoints = *fault,
        Event::RescaleInPlace(fault) => world.faults.no_rescale = *fault,
        Event::Poison(n) => world.faults.poison = Some((format!("SELECT {n}"), Exit::Crashed(134))),
        Event::RescaleUnseen(fault) => world.faults.rescale_unseen = *fault,
        Event::Planner(0) => world.verdict = PlannerState::Refused("no table".into()),
        Event::Planner(1) => world.fail_planners("evicted"),
        Event::Planner(_) => world.verdict = judged(),
        Event::EditStatus(0) => world.status = Default::default(),
        Event::EditStatus(1) => world.status.attempt = Some(1),
        Event::EditStatus(_) => world.status.intent = None,
        Event::Hours => world.pass(7_200),
        Event::Delete => {
            world.object.deleted = world.object.deleted.or(Some(world.now));
            // Nothing holds an object without a finalizer.
            world.is_gone |= !world.object.has_finalizer;
        }
    }
}

/// While a spec is bad, nothing is done to what runs that could end it.
fn check_bad_spec(world: &World) {
    let decision = world.decide();
    let is_bad = world.spec["sql"] == " ";
    if is_bad && world.object.deleted.is_none() && world.status.intent.is_none() {
        assert!(!decision.actions.iter().any(crate::Action::is_irreversible), "{decision}");
    }
}

proptest! {
    // Each case takes a tenth of a second. `PROPTEST_CASES=2000 cargo test ... walk` looks longer.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64),
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_it_settles_and_no_invariant_breaks(events in proptest::collection::vec(event(), 1..25)) {
        let mut world = World::new(json!({})).with_operators("SELECT 3", &["agg"]);
        for event in &events {
            if world.is_gone {
                return Ok(());
            }
            happen(&mut world, event);
            check_bad_spec(&world);
        }
        world.faults = Default::default();
        world.verdict = PlannerState::Judged(Judgement::default());
        if world.spec["sql"] == " " {
            world.edit(json!({"sql": "SELECT 1"}));
        }
        world.settle();
        prop_assert!(world.is_gone || world.object.deleted.is_none(), "deletion ends");
        // Of a status that was edited it cannot be known which nonces were acted on.
        let is_edited = events.iter().any(|event| matches!(event, Event::EditStatus(_)));
        let runs = world.status.phase == Some(Phase::Running) && world.condition(ConditionType::Ready) == "True";
        let asked = world.spec["restore"]["nonce"].as_i64().filter(|_| runs && !is_edited);
        prop_assert!(asked.is_none() || asked == world.restored, "asked {asked:?}: {:#?}", world.log);
        let deployed = world.status.attempt.and_then(|attempt| world.sql_of(attempt));
        prop_assert!(!runs || deployed.as_deref() == world.spec["sql"].as_str(), "{deployed:?} runs: {:#?}", world.log);
        if !world.is_gone {
            let first = world.decide();
            prop_assert!(first.actions.is_empty() && first.status.is_none(), "{first}");
        }
    }
}
