//! How fast rows go through an exchange: in one process, and over a connection.
//!
//! ```text
//! cargo run --release -p millstream-exchange --example exchange_rate -- --rows 20000000 --channels 1,2,4,8,16,32,64
//! cargo run --release -p millstream-exchange --example exchange_rate -- --connection --rows-per-batch 8192,1000
//! ```
//!
//! Printed as one JSON object for each measurement. CPU is that of the whole process, so that of both ends. With `--connection`,
//! bare TCP comes first: machines differ in it by a factor of five, and nothing over a connection is faster.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints its result, or has none"
)]

mod bare;
mod connection;
mod local;

use std::fs;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use millstream_batch::StreamBatch;
use millstream_exchange::{ExchangeError, Gate, GateEvent, Inbox};
use millstream_model::{Attempt, Watermark};
use tokio::task::LocalSet;

/// As in the engine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const COLUMNS: u64 = 5;
const ROW_BYTES: u64 = COLUMNS * 8;
/// Different batches that are sent in turn.
const BATCHES: u64 = 64;
/// A multiplier that spreads successive numbers over all keys.
const SPREAD: u64 = 2_654_435_761;
const ATTEMPT: Attempt = Attempt(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")).as_str())
    };
    let numbers = |text: &str| text.split(',').map(|number| number.parse().unwrap()).collect::<Vec<u64>>();
    let rows: u64 = value("--rows").unwrap_or("20000000").parse().unwrap();
    if arguments.iter().any(|argument| argument == "--connection") {
        let round_trips = value("--round-trips").unwrap_or("50000").parse().unwrap();
        bare::rate(rows * ROW_BYTES);
        for batch_rows in numbers(value("--rows-per-batch").unwrap_or("8192,1600,100")) {
            connection::rate(rows, batch_rows);
        }
        bare::round_trips(round_trips, (connection::KILOBYTE_ROWS * ROW_BYTES) as usize);
        connection::round_trips(round_trips);
        return;
    }
    for channels in numbers(value("--channels").unwrap_or("1,2,4,8,16,32,64")) {
        local::rate(rows, usize::try_from(channels).unwrap());
    }
}

fn batches(rows: u64) -> Vec<StreamBatch> {
    (0..BATCHES).map(|number| batch(number, rows)).collect()
}

fn batch(number: u64, rows: u64) -> StreamBatch {
    let ids = number * rows..(number + 1) * rows;
    let column = |factor: u64| {
        let values = ids.clone().map(|id| (id.wrapping_mul(factor) >> 8).cast_signed());
        Arc::new(Int64Array::from_iter_values(values)) as arrow::array::ArrayRef
    };
    let fields: Vec<Field> =
        (0..COLUMNS).map(|c| Field::new(format!("c{c}"), DataType::Int64, false)).collect();
    let columns = (0..COLUMNS).map(|c| column(SPREAD + c)).collect();
    StreamBatch::new(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap())
}

async fn receive(inbox: Inbox) -> Result<u64, ExchangeError> {
    let mut gate = Gate::new(inbox, ATTEMPT, Watermark::MIN);
    let mut rows = 0;
    loop {
        match gate.poll()? {
            Some(GateEvent::Batch(batch)) => rows += batch.num_rows() as u64,
            Some(GateEvent::End) => return Ok(rows),
            Some(_) => {}
            None => gate.readable().await,
        }
    }
}

/// As a slot does.
fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

#[expect(clippy::disallowed_methods, reason = "this is a measurement of time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

/// As fields of a JSON object.
fn percentiles(mut micros: Vec<f64>) -> String {
    micros.sort_by(f64::total_cmp);
    let at = |part: f64| micros[((micros.len() - 1) as f64 * part) as usize];
    format!("\"p50_us\": {:.1}, \"p99_us\": {:.1}, \"p999_us\": {:.1}", at(0.5), at(0.99), at(0.999))
}

fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
