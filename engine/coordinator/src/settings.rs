//! What a coordinator is told beside the job itself.

use std::time::Duration;

use millstream_checkpoint_store::TakeOverRequest;

use crate::clock::SteeredClock;
use crate::outage::StartPatience;

/// Settings of a [`crate::Coordinator`]; plain data.
#[derive(Clone, Debug)]
pub struct CoordinatorSettings {
    /// What to go on from.
    pub take_over: TakeOverRequest,
    /// Whether to claim nothing until [`crate::Request::Activate`] comes.
    pub is_standby: bool,
    /// Whether to try first if the store keeps the promises that exactly-once rests on. Some ten calls.
    pub probe: bool,
    /// How long to go on with a storage that does not answer while the job is taken over.
    pub start_patience: StartPatience,
    /// A worker that sends no heartbeat for this long while tasks run is lost. `None` in one process, where a worker that
    /// ends closes its queue.
    pub heartbeat_timeout: Option<Duration>,
    /// A target that does not answer a publish for this long has failed it; its publisher is dropped, and a new one tries
    /// again. Long enough for the largest publication over a slow line.
    pub publish_deadline: Duration,
    /// How often the status takes in what the tasks counted.
    pub status_interval: Duration,
    /// Where time comes from if not from the machine: for suites that decide when it passes.
    pub clock: Option<SteeredClock>,
}

impl Default for CoordinatorSettings {
    fn default() -> Self {
        Self {
            take_over: TakeOverRequest::default(),
            is_standby: false,
            probe: true,
            start_patience: StartPatience::default(),
            heartbeat_timeout: None,
            publish_deadline: Duration::from_secs(600),
            status_interval: Duration::from_millis(250),
            clock: None,
        }
    }
}
