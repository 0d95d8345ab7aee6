//! How fast rows go through an exchange: one sender, 1 to 64 receivers.
//!
//! ```text
//! cargo run --release --workspace --example exchange_rate -- --rows 20000000 --channels 1,2,4,8,16,32,64
//! ```
//!
//! Printed as one JSON object for each number of channels. A sender on one thread routes batches of 8,192 rows of 40 bytes by their key;
//! receivers on another thread take them. CPU is that of the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints its result, or has none"
)]

use std::fs;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use millstream_batch::StreamBatch;
use millstream_exchange::{ExchangeError, Gate, GateEvent, Inbox, Outbox};
use millstream_model::graph::Partitioning;
use millstream_model::{Attempt, Watermark};
use tokio::task::LocalSet;

/// As in the engine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const BATCH_ROWS: u64 = 8_192;
const COLUMNS: u64 = 5;
const MAX_PARALLELISM: u32 = 256;
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
    let rows: u64 = value("--rows").unwrap_or("20000000").parse().unwrap();
    let channels = value("--channels").unwrap_or("1,2,4,8,16,32,64");
    for channels in channels.split(',').map(|number| number.parse::<usize>().unwrap()) {
        measure(rows, channels);
    }
}

fn measure(rows: u64, channels: usize) {
    let inboxes: Vec<Inbox> = (0..channels).map(|_| Inbox::new(1)).collect();
    let senders = inboxes.iter().map(|inbox| inbox.sender(0, ATTEMPT)).collect();
    let outbox = Outbox::new(&Partitioning::Hash { columns: vec![0] }, senders, MAX_PARALLELISM, 0);
    let batches: Vec<StreamBatch> = (0..BATCHES).map(batch).collect();
    let (wall, cpu) = (clock(), cpu_seconds());
    let receivers = std::thread::spawn(move || on_one_thread(receive_all(inboxes)));
    on_one_thread(send(outbox, batches, rows / BATCH_ROWS));
    let received = receivers.join().unwrap();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert_eq!(received, rows / BATCH_ROWS * BATCH_ROWS, "rows were lost");
    let bytes = received * COLUMNS * 8;
    println!(
        "{{\"channels\": {channels}, \"rows\": {received}, \"wall_seconds\": {wall:.2}, \"cpu_seconds\": {cpu:.2}, \
         \"rows_per_second\": {:.0}, \"rows_per_cpu_second\": {:.0}, \"mib_per_cpu_second\": {:.0}}}",
        received as f64 / wall,
        received as f64 / cpu,
        bytes as f64 / cpu / f64::from(1 << 20),
    );
}

fn batch(number: u64) -> StreamBatch {
    let ids = number * BATCH_ROWS..(number + 1) * BATCH_ROWS;
    let column = |factor: u64| {
        let values = ids.clone().map(|id| (id.wrapping_mul(factor) >> 8).cast_signed());
        Arc::new(Int64Array::from_iter_values(values)) as arrow::array::ArrayRef
    };
    let fields: Vec<Field> =
        (0..COLUMNS).map(|c| Field::new(format!("c{c}"), DataType::Int64, false)).collect();
    let columns = (0..COLUMNS).map(|c| column(SPREAD + c)).collect();
    StreamBatch::new(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap())
}

async fn send(mut outbox: Outbox, batches: Vec<StreamBatch>, count: u64) {
    for number in 0..count {
        outbox.send(batches[(number % BATCHES) as usize].clone()).await.unwrap();
    }
    outbox.end().await.unwrap();
}

/// Every receiver is a task, as the subtasks of a slot are.
async fn receive_all(inboxes: Vec<Inbox>) -> u64 {
    let tasks: Vec<_> = inboxes.into_iter().map(|inbox| tokio::task::spawn_local(receive(inbox))).collect();
    let mut rows = 0;
    for task in tasks {
        rows += task.await.unwrap().unwrap();
    }
    rows
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

fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

#[expect(clippy::disallowed_methods, reason = "this is a measurement of time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
