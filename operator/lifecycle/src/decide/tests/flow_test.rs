//! Whole lives, decision by decision.

use serde_json::json;

use super::world::World;

#[test]
fn create() {
    let mut world = World::new(json!({}));
    world.settle();
    println!("{:#?}", world.log);
    world.log.clear();
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    println!("{:#?}", world.log);
    world.log.clear();
    world.edit(json!({"desiredState": "Suspended"}));
    world.settle();
    println!("{:#?} {:?}", world.log, world.status);
    world.log.clear();
    world.edit(json!({"desiredState": "Running"}));
    world.settle();
    println!("{:#?}", world.log);
    world.log.clear();
    world.edit(json!({"parallelism": 7}));
    world.settle();
    println!("{:#?}", world.log);
    world.log.clear();
    world.object.deleted = Some(world.now);
    world.settle();
    println!("{:#?}", world.log);
}
