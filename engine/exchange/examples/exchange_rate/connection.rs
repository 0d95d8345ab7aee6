//! Two workers joined by connections over loopback: each with a runtime for them, as the role `worker` has, and a thread for its
//! subtask.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_exchange::{ChannelSender, Element, Gate, GateEvent, Inbox, Membership, Network, Peer};
use millstream_model::{ChainId, Generation, SubtaskId, Watermark};
use millstream_tls::Security;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::{
    ATTEMPT, BATCHES, ROW_BYTES, batch, batches, clock, cpu_seconds, on_one_thread, percentiles, receive,
};

const SUBTASK: SubtaskId = SubtaskId { chain: ChainId(1), index: 0 };
/// 26 rows of 40 bytes.
pub(crate) const KILOBYTE_ROWS: u64 = 26;
const WARM_UP: usize = 2_000;

struct Worker {
    runtime: Runtime,
    network: Network,
    me: Peer,
    inbox: Inbox,
}

impl Worker {
    fn start(worker: u32) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = Arc::new(runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap());
        let address = listener.local_addr().unwrap().to_string();
        let membership = Membership { job: "rate".into(), generation: Generation(1), worker };
        let network = {
            let _inside = runtime.enter();
            Network::start(listener, membership, Security::Plaintext)
        };
        let inbox = Inbox::new(1);
        network.deploy(ATTEMPT, BTreeMap::from([(SUBTASK, inbox.clone())]));
        Self { runtime, network, me: Peer { worker, address }, inbox }
    }

    fn sender_to(&self, other: &Self) -> ChannelSender {
        let _inside = self.runtime.enter();
        self.network.sender(&other.me, ATTEMPT, SUBTASK, 0)
    }
}

/// One channel, as much as it takes.
pub(crate) fn rate(rows: u64, batch_rows: u64) {
    let (from, to) = (Worker::start(1), Worker::start(2));
    let mut sender = from.sender_to(&to);
    let batches = batches(batch_rows);
    let count = rows / batch_rows;
    let (wall, cpu) = (clock(), cpu_seconds());
    let inbox = to.inbox.clone();
    let receiver = std::thread::spawn(move || on_one_thread(receive(inbox)).unwrap());
    on_one_thread(async {
        for number in 0..count {
            sender.credit().await;
            sender.send(Element::Batch(batches[(number % BATCHES) as usize].clone()));
        }
        sender.send(Element::End);
    });
    let received = receiver.join().unwrap();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert_eq!(received, count * batch_rows, "rows were lost");
    let gigabytes = (received * ROW_BYTES) as f64 / 1e9;
    println!(
        "{{\"rows_per_batch\": {batch_rows}, \"rows\": {received}, \"wall_seconds\": {wall:.2}, \"cpu_seconds\": {cpu:.2}, \
         \"gb_per_second\": {:.2}, \"gb_per_cpu_second\": {:.2}}}",
        gigabytes / wall,
        gigabytes / cpu,
    );
}

/// One batch of 1 KB there and back, again and again.
pub(crate) fn round_trips(count: usize) {
    let (here, there) = (Worker::start(1), Worker::start(2));
    let (mut out, mut back) = (here.sender_to(&there), there.sender_to(&here));
    let inbox = there.inbox.clone();
    let echo = std::thread::spawn(move || {
        on_one_thread(async {
            let mut gate = Gate::new(inbox, ATTEMPT, Watermark::MIN);
            for _ in 0..count + WARM_UP {
                let GateEvent::Batch(batch) = next(&mut gate).await else { panic!("no batch came") };
                back.send(Element::Batch(batch));
            }
            back
        })
    });
    let micros = on_one_thread(async {
        let mut gate = Gate::new(here.inbox.clone(), ATTEMPT, Watermark::MIN);
        let rows = batch(0, KILOBYTE_ROWS);
        let mut micros = Vec::with_capacity(count);
        for number in 0..count + WARM_UP {
            let since = clock();
            out.send(Element::Batch(rows.clone()));
            next(&mut gate).await;
            if number >= WARM_UP {
                micros.push(since.elapsed().as_secs_f64() * 1e6);
            }
        }
        micros
    });
    drop(echo.join().unwrap());
    println!(
        "{{\"round_trips\": {count}, \"bytes\": {}, {}}}",
        KILOBYTE_ROWS * ROW_BYTES,
        percentiles(micros)
    );
}

async fn next(gate: &mut Gate) -> GateEvent {
    loop {
        if let Some(event) = gate.poll().unwrap() {
            return event;
        }
        gate.readable().await;
    }
}
