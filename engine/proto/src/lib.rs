//! Messages between the processes of a job, as they travel: the only place that knows both the wire and the model.
//!
//! `generated/` is made from `proto/control.proto` by `make proto`. Reports and orders travel in the engine's own encoding
//! inside those messages, since both ends are of the same version, which is the first thing that they tell each other.
//! Connections are made here, too, because gRPC wants them in its own form.

mod arrivals;
mod convert;
mod dial;
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    unreachable_pub,
    reason = "written by a generator"
)]
mod generated {
    include!("generated/millstream.control.v1.rs");
}

pub use arrivals::{Arrival, Caller, arrivals};
pub use convert::{DecodeError, MAX_MESSAGE_BYTES, decode, encode};
pub use dial::{DialError, Dialed, dial};
pub use generated::control_client::ControlClient;
pub use generated::control_server::{Control, ControlServer};
pub use generated::from_worker::Message as FromWorkerMessage;
pub use generated::to_worker::Message as ToWorkerMessage;
pub use generated::workers_client::WorkersClient;
pub use generated::workers_server::{Workers, WorkersServer};
pub use generated::{
    ActivateRequest, ActivateResponse, AfterSavepoint, CancelRequest, CancelResponse, FromWorker,
    GetPlanRequest, GetPlanResponse, GetStatusRequest, GetStatusResponse, Hello, Leave, RescaleRequest,
    RescaleResponse, StopRequest, StopResponse, ToWorker, TriggerSavepointRequest, TriggerSavepointResponse,
    Welcome,
};

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    #[test]
    fn the_generated_code_is_that_of_the_proto_file() {
        let proto = Sha256::digest(include_bytes!("../proto/control.proto"));
        let hash: String = proto.iter().map(|byte| format!("{byte:02x}")).collect();
        let generated = include_str!("generated/millstream.control.v1.rs");
        let first = generated.lines().next().unwrap();
        assert_eq!(first, format!("// sha256 of control.proto: {hash}"), "stale: run `make proto`");
    }
}
