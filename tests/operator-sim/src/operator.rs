//! The operator's process: started, killed in the middle of a call, started again.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use millstream_controller::args::Arguments;
use millstream_controller::{Surroundings, operate};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::Connection;
use crate::world::{Switchboard, World};

/// How long the kubelet takes to start it again.
const RESTART: Duration = Duration::from_secs(2);

/// Runs one operator after the other, for ever: the next begins when one is killed.
///
/// # Panics
/// If it ends by itself.
pub async fn run(world: World) {
    loop {
        let (_end, ending) = watch::channel(false);
        tokio::select! {
            ended = operate(arguments(), surroundings(&world), ending) => panic!("the operator ended: {ended:?}"),
            () = world.calls.killed.notified() => {}
        }
        sleep(RESTART).await;
    }
}

fn arguments() -> Arguments {
    Arguments::parse_from(["millstream-operator", "--engine-image=millstream:sim", "--plaintext"])
}

fn surroundings(world: &World) -> Surroundings {
    Surroundings {
        client: Connection::client(&world.server, world.clock, world.calls.clone()),
        dialer: Arc::new(Switchboard(world.clone())),
        clock: world.clock,
        listener: None,
    }
}
