//! The commands of `millstream`.

mod args;
mod compile;
mod config_file;
mod confirm;
mod coordinator;
mod ending;
mod failure;
mod plan;
mod progress;
mod remote;
mod run;
mod savepoint;
mod security;
mod storage;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
pub use failure::Failure;

/// Runs a command line and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match config_file::expand(arguments.into_iter().collect()) {
        Ok(arguments) => arguments,
        Err(failure) => {
            failure.print();
            return ExitCode::from(failure.code());
        }
    };
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes; clap knows which stream each belongs on.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = match arguments.command {
        Command::Run(run) => run::run(run),
        Command::Coordinator(coordinator) => coordinator::coordinator(&coordinator),
        Command::Worker(worker) => worker::worker(&worker),
        Command::Status(arguments) => remote::status(&arguments),
        Command::Checkpoints(arguments) => remote::checkpoints(&arguments),
        Command::Exceptions(arguments) => remote::exceptions(&arguments),
        Command::Activate(arguments) => remote::activate(&arguments),
        Command::Rescale(arguments) => remote::rescale(&arguments),
        Command::Stop(arguments) => remote::stop(&arguments),
        Command::Cancel(arguments) => remote::cancel(&arguments),
        Command::Savepoint(savepoint) => savepoint::savepoint(*savepoint),
        Command::Plan(plan) => plan::plan(plan),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}
