//! One process: a sender on one thread routes batches of 8,192 rows of 40 bytes by their key; receivers on another thread take
//! them.

use millstream_batch::StreamBatch;
use millstream_exchange::{Inbox, Outbox};
use millstream_model::graph::Partitioning;

use crate::{ATTEMPT, BATCHES, ROW_BYTES, batches, clock, cpu_seconds, on_one_thread, receive};

const BATCH_ROWS: u64 = 8_192;
const MAX_PARALLELISM: u32 = 256;

pub(crate) fn rate(rows: u64, channels: usize) {
    let inboxes: Vec<Inbox> = (0..channels).map(|_| Inbox::new(1)).collect();
    let senders = inboxes.iter().map(|inbox| inbox.sender(0, ATTEMPT)).collect();
    let outbox = Outbox::new(&Partitioning::Hash { columns: vec![0] }, senders, MAX_PARALLELISM, 0);
    let batches = batches(BATCH_ROWS);
    let (wall, cpu) = (clock(), cpu_seconds());
    let receivers = std::thread::spawn(move || on_one_thread(receive_all(inboxes)));
    on_one_thread(send(outbox, batches, rows / BATCH_ROWS));
    let received = receivers.join().unwrap();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert_eq!(received, rows / BATCH_ROWS * BATCH_ROWS, "rows were lost");
    let bytes = received * ROW_BYTES;
    println!(
        "{{\"channels\": {channels}, \"rows\": {received}, \"wall_seconds\": {wall:.2}, \"cpu_seconds\": {cpu:.2}, \
         \"rows_per_second\": {:.0}, \"rows_per_cpu_second\": {:.0}, \"mib_per_cpu_second\": {:.0}}}",
        received as f64 / wall,
        received as f64 / cpu,
        bytes as f64 / cpu / f64::from(1 << 20),
    );
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
