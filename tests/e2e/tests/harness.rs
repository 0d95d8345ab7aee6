//! What the tests share: processes, an S3 server, input that can be checked, output read back.

mod binary;
mod http;
mod input;
mod output;
mod process;
mod proxy;
mod s3;
mod storage;

pub(crate) use binary::{millstream, run, run_in};
pub(crate) use http::get;
pub(crate) use input::{Input, Row};
pub(crate) use output::{Difference, Files, lines_of};
pub(crate) use process::{Ended, Process, now};
pub(crate) use proxy::Proxy;
pub(crate) use s3::S3Server;
pub(crate) use storage::JobFolder;
