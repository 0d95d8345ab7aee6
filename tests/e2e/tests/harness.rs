//! What the tests share: processes, an S3 server, input that can be checked, output read back.

mod binary;
mod disk;
mod enough_time;
mod http;
mod input;
mod order;
mod output;
mod process;
mod proxy;
mod s3_door;
mod storage;

pub(crate) use binary::{millstream, run, run_in};
pub(crate) use disk::SmallDisk;
pub(crate) use enough_time::{STRETCH, too_early, with_enough_time};
pub(crate) use http::get;
pub(crate) use input::{Input, Row};
pub(crate) use millstream_test_testkit::s3_server::S3Server;
pub(crate) use order::{out_of_order, published};
pub(crate) use output::{Difference, Files, lines_of};
pub(crate) use process::{Ended, LIMIT, Process, now};
pub(crate) use proxy::Proxy;
pub(crate) use s3_door::{At, S3Door, Trap, Weather};
pub(crate) use storage::{JobFolder, blank, blank_segments, files_below};
