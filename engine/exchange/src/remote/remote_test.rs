//! Two workers on loopback, and peers that do not behave.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use millstream_model::control::{Barrier, BarrierKind};
use millstream_model::{Attempt, ChainId, CheckpointId, Generation, SubtaskId, Watermark};
use millstream_tls::Security;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::codec::Compression;
use super::frame::{Header, Kind, MAX_BODY_BYTES};
use super::handshake::introduce;
use super::{Membership, Network, Peer};
use crate::element::Element;
use crate::error::ExchangeError;
use crate::gate::{Gate, GateEvent};
use crate::inbox::{CHANNEL_CREDIT_BYTES, Inbox};
use crate::sender::ChannelSender;
use crate::test_rows::{batch, values};

const SUBTASK: SubtaskId = SubtaskId { chain: ChainId(1), index: 0 };

fn membership(worker: u32) -> Membership {
    Membership { job: "ns.job.uid".into(), generation: Generation(3), worker }
}

async fn network(worker: u32) -> (Network, Peer) {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap().to_string();
    (Network::start(listener, membership(worker), Security::Plaintext), Peer { worker, address })
}

/// A receiving worker with one subtask of so many channels.
async fn receiver(channels: usize, attempt: Attempt) -> (Network, Peer, Gate) {
    let (network, peer) = network(2).await;
    let inbox = Inbox::new(channels);
    network.deploy(attempt, BTreeMap::from([(SUBTASK, inbox.clone())]));
    (network, peer, Gate::new(inbox, attempt, Watermark::MIN))
}

async fn next(gate: &mut Gate) -> Result<GateEvent, ExchangeError> {
    loop {
        if let Some(event) = gate.poll()? {
            return Ok(event);
        }
        gate.readable().await;
    }
}

/// What the gate fails with, behind all that came before.
async fn failure(gate: &mut Gate) -> ExchangeError {
    loop {
        if let Err(error) = next(gate).await {
            return error;
        }
    }
}

fn barrier(number: u64, kind: BarrierKind) -> Element {
    Element::Barrier(Barrier { checkpoint: CheckpointId(number), kind })
}

#[tokio::test]
async fn elements_arrive_in_their_order() {
    let (sending, _) = network(1).await;
    let (_receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    sender.send(Element::Batch(batch(&[1, 2])));
    sender.send(Element::Watermark(Watermark(-5)));
    for (number, kind) in
        [BarrierKind::Checkpoint, BarrierKind::Savepoint, BarrierKind::Stop, BarrierKind::Drain]
            .iter()
            .enumerate()
    {
        sender.send(barrier(number as u64, *kind));
    }
    sender.send(Element::Idle(true));
    sender.send(Element::Idle(false));
    sender.send(Element::Batch(batch(&[3])));
    sender.send(Element::End);
    let mut seen = Vec::new();
    loop {
        seen.push(match next(&mut gate).await.unwrap() {
            GateEvent::Batch(batch) => format!("{:?}", values(&batch)),
            GateEvent::Watermark(watermark) => format!("watermark {}", watermark.0),
            GateEvent::Idle(is_idle) => format!("idle {is_idle}"),
            GateEvent::Barrier(barrier) => format!("{:?} {}", barrier.kind, barrier.checkpoint),
            GateEvent::End => break,
        });
    }
    let expected = [
        "[1, 2]",
        "watermark -5",
        "Checkpoint 0",
        "Savepoint 1",
        "Stop 2",
        "Drain 3",
        "idle true",
        "idle false",
        "[3]",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn credit_is_used_up_and_comes_back_and_channels_do_not_stall_each_other() {
    let (sending, _) = network(1).await;
    let (network, peer) = network(2).await;
    let inbox = Inbox::new(2);
    network.deploy(Attempt(1), BTreeMap::from([(SUBTASK, inbox.clone())]));
    let mut full = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    let mut other = sending.sender(&peer, Attempt(1), SUBTASK, 1);
    let rows = vec![7; CHANNEL_CREDIT_BYTES / 8 / 4];
    let mut sent = 0;
    while full.has_credit() {
        full.send(Element::Batch(batch(&rows)));
        sent += 1;
    }
    assert_eq!(sent, 4);
    other.send(Element::Batch(batch(&[9])));
    let from_other = loop {
        match inbox.poll(0, |channel| channel == 0) {
            Some((1, frame)) => break frame,
            _ => inbox.readable().await,
        }
    };
    assert!(matches!(from_other.element, Element::Batch(_)));
    assert!(!full.has_credit(), "nobody took anything out of the full channel");
    for _ in 0..sent {
        while inbox.poll(0, |channel| channel == 1).is_none() {
            inbox.readable().await;
        }
    }
    full.credit().await;
    assert!(full.has_credit() && full.failure().is_none());
    assert_eq!(inbox.queued_bytes(), 0);
}

#[tokio::test]
async fn watermarks_that_wait_for_a_connection_coalesce() {
    let (sending, _) = network(1).await;
    let (_receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    // Nothing is written before this test waits for something.
    for number in 0..1_000 {
        sender.send(Element::Watermark(Watermark(number)));
    }
    sender.send(Element::Batch(batch(&[1])));
    sender.send(Element::Watermark(Watermark(2_000)));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Watermark(Watermark(999))));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Batch(_)));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Watermark(Watermark(2_000))));
}

#[tokio::test]
async fn a_sender_that_goes_fails_the_receiver() {
    let (sending, _) = network(1).await;
    let (_receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    sender.send(Element::Batch(batch(&[1])));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Batch(_)));
    drop(sending);
    let error = next(&mut gate).await.unwrap_err().to_string();
    assert!(error.starts_with("the connection from worker 1 is lost: "), "{error}");
}

#[tokio::test]
async fn a_receiver_that_goes_fails_the_sender_and_wakes_it() {
    let (sending, _) = network(1).await;
    let (receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    sender.send(Element::Batch(batch(&vec![1; CHANNEL_CREDIT_BYTES])));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Batch(_)));
    sender.send(Element::Batch(batch(&vec![1; CHANNEL_CREDIT_BYTES])));
    drop(receiving);
    sender.credit().await;
    let error = lost_reason(&sender).await;
    assert!(
        error.starts_with(&format!("the connection to worker 2 ({}) is lost: ", peer.address)),
        "{error}"
    );
}

#[tokio::test]
async fn the_next_attempt_connects_again_and_the_old_one_is_dropped() {
    let (sending, _) = network(1).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Peer { worker: 2, address: listener.local_addr().unwrap().to_string() }
    };
    let lost = sending.sender(&nobody, Attempt(1), SUBTASK, 0);
    while lost.failure().is_none() {
        tokio::task::yield_now().await;
    }
    let (receiving, peer, _) = receiver(1, Attempt(2)).await;
    let mut old = sending.sender(&peer, Attempt(2), SUBTASK, 0);
    old.send(Element::Watermark(Watermark(1)));
    let inbox = Inbox::new(1);
    receiving.deploy(Attempt(3), BTreeMap::from([(SUBTASK, inbox.clone())]));
    let mut new = sending.sender(&peer, Attempt(3), SUBTASK, 0);
    old.send(Element::Watermark(Watermark(2)));
    new.send(Element::Watermark(Watermark(3)));
    let mut gate = Gate::new(inbox, Attempt(3), Watermark::MIN);
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Watermark(Watermark(3))));
}

#[tokio::test]
async fn rows_of_an_attempt_that_is_not_known_yet_wait_for_it() {
    let (sending, _) = network(1).await;
    let (receiving, peer, _) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(2), SUBTASK, 0);
    sender.send(Element::Idle(true));
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let inbox = Inbox::new(1);
    receiving.deploy(Attempt(2), BTreeMap::from([(SUBTASK, inbox.clone())]));
    let mut gate = Gate::new(inbox, Attempt(2), Watermark::MIN);
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Idle(true)));
    assert!(sender.failure().is_none());
}

#[tokio::test]
async fn a_sender_is_told_why_its_connection_ends() {
    let (sending, _) = network(1).await;
    let (receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let nowhere = SubtaskId { chain: ChainId(9), index: 4 };
    let mut sender = sending.sender(&peer, Attempt(1), nowhere, 0);
    sender.send(Element::End);
    let lost = format!("the connection to worker 2 ({}) is lost: it ended the connection: ", peer.address);
    let expected = format!("{lost}it sent rows for channel 0 of 9/4, which is not here");
    assert_eq!(lost_reason(&sender).await, expected);
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    sender.send(Element::Idle(true));
    assert!(matches!(next(&mut gate).await.unwrap(), GateEvent::Idle(true)));
    drop(receiving);
    assert_eq!(lost_reason(&sender).await, format!("{lost}this worker's part in the job ended"));
}

async fn lost_reason(sender: &ChannelSender) -> String {
    loop {
        match sender.failure() {
            Some(error) => return error.to_string(),
            None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn strangers_are_told_why_they_are_refused() {
    let (_receiving, peer, _) = receiver(1, Attempt(1)).await;
    let table = [
        (
            Membership { job: "ns.other.uid".into(), ..membership(1) },
            2,
            "this worker runs job ns.job.uid, not ns.other.uid",
        ),
        (
            Membership { generation: Generation(2), ..membership(1) },
            2,
            "this worker works for coordinator generation 3, not 2",
        ),
        (membership(1), 5, "this is worker 2, not 5"),
    ];
    for (me, to, reason) in table {
        let mut stream = TcpStream::connect(&peer.address).await.unwrap();
        let error = introduce(&mut stream, &me, to).await.unwrap_err();
        assert_eq!(error, format!("it refused the connection: {reason}"));
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the connection is closed");
    }
}

/// Whatever comes to the port from outside: the channels of the job's own workers carry on.
#[tokio::test]
async fn strangers_do_not_disturb_those_who_belong_here() {
    let (sending, _) = network(1).await;
    let (_receiving, peer, mut gate) = receiver(1, Attempt(1)).await;
    let mut sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
    let strangers: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"MSTRMX01",
        b"MSTRMX01\xff\xff\xff\xff",
        b"MSTRMX02 and more of it",
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
        &[0; 100_000],
    ];
    let mut silent = Vec::new();
    for (number, bytes) in strangers.iter().enumerate() {
        silent.push(TcpStream::connect(&peer.address).await.unwrap());
        let mut stranger = TcpStream::connect(&peer.address).await.unwrap();
        // It may be closed before all of it is written.
        let _ = stranger.write_all(bytes).await;
        let _ = stranger.shutdown().await;
        let _ = stranger.read_to_end(&mut Vec::new()).await;
        sender.send(Element::Watermark(Watermark(number as i64)));
        let event = next(&mut gate).await.unwrap();
        assert!(matches!(event, GateEvent::Watermark(Watermark(w)) if w == number as i64), "{event:?}");
    }
}

/// Peers of this worker that do not answer as they should.
#[tokio::test]
async fn damage_on_the_way_back_fails_the_sender_with_what_was_wrong() {
    let header = |kind| Header::new(kind, Attempt(0), 0);
    let frame = |header: Header, body: &[u8]| {
        let mut bytes = BytesMut::new();
        header.write(&mut bytes);
        bytes.extend_from_slice(body);
        bytes.to_vec()
    };
    let welcome = [1, 0, 0, 0, 0];
    let farewell = Header { body: 5, ..header(Kind::Farewell) };
    let endless = Header { body: 1 << 20, ..header(Kind::Farewell) };
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![0; 32], "sent a frame of unknown kind 0"),
        (vec![0xff; 32], "sent a frame of unknown kind 255"),
        (vec![7; 5], "it closed the connection"),
        (frame(header(Kind::End), b""), "it answered with a frame of kind End"),
        (frame(header(Kind::Open), b""), "it answered with a frame of kind Open"),
        (frame(farewell, b"it is"), "it ended the connection: it is"),
        (frame(farewell, b"it"), "it ended the connection: it"),
        (frame(endless, &[b'x'; 4_096]), "it ended the connection: xxx"),
    ];
    for (bytes, expected) in table {
        let (sending, _) = network(1).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Peer { worker: 2, address: listener.local_addr().unwrap().to_string() };
        let sender = sending.sender(&peer, Attempt(1), SUBTASK, 0);
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&welcome).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let error = lost_reason(&sender).await;
        assert!(error.contains(&format!("is lost: {expected}")), "{error} instead of {expected}");
    }
}

/// A peer that introduces itself well, opens channel 0 and sends what it should not.
async fn misbehave(frames: &[(Header, &[u8])]) -> (Network, TcpStream, Gate) {
    let (receiving, peer, gate) = receiver(1, Attempt(1)).await;
    let mut stream = TcpStream::connect(&peer.address).await.unwrap();
    introduce(&mut stream, &membership(1), 2).await.unwrap();
    let mut bytes = BytesMut::new();
    let target = postcard::to_stdvec(&(SUBTASK, 0_u32)).unwrap();
    Header { body: target.len() as u32, ..Header::new(Kind::Open, Attempt(1), 0) }.write(&mut bytes);
    bytes.extend_from_slice(&target);
    Header { flags: 1, ..Header::new(Kind::Idle, Attempt(1), 0) }.write(&mut bytes);
    for (header, body) in frames {
        header.write(&mut bytes);
        bytes.extend_from_slice(body);
    }
    stream.write_all(&bytes).await.unwrap();
    (receiving, stream, gate)
}

#[tokio::test]
async fn damage_fails_the_subtask_with_what_was_wrong() {
    let header = |kind, sequence| Header { sequence, ..Header::new(kind, Attempt(1), 0) };
    let ipc = {
        let rows = batch(&[1, 2, 3]);
        let mut encoder = super::codec::BatchEncoder::new(Compression::None);
        let (_, parts) = encoder.encode(&rows).unwrap();
        parts.iter().flat_map(|part| part.to_vec()).collect::<Vec<u8>>()
    };
    let rows = |flags, body: &[u8]| Header { flags, body: body.len() as u32, ..header(Kind::Batch, 1) };
    let target = postcard::to_stdvec(&(SUBTASK, 0_u32)).unwrap();
    let open_again = Header { body: target.len() as u32, ..header(Kind::Open, 1) };
    let broken: Vec<u8> = ipc.iter().map(|byte| byte ^ 0x55).collect();
    let table: Vec<(Header, &[u8], &str)> = vec![
        (header(Kind::End, 2), b"", "channel 0 of attempt 1 skipped from element 1 to 2 of attempt 1"),
        (Header { attempt: Attempt(2), ..header(Kind::End, 1) }, b"", "to 1 of attempt 2: rows were lost"),
        (Header { channel: 4, ..header(Kind::End, 1) }, b"", "it used channel 4 before it opened it"),
        (header(Kind::Open, 1), b"", "it opened a channel that cannot be read: "),
        (open_again, &target, "it opened channel 0 twice"),
        (
            header(Kind::Farewell, 1),
            b"",
            "it sent a frame of kind Farewell, which is for the other direction",
        ),
        (Header { body: 9, ..header(Kind::End, 1) }, b"half", "it closed the connection within a frame"),
        (header(Kind::Credit, 1), b"", "it sent a frame of kind Credit, which is for the other direction"),
        (Header { flags: 9, ..header(Kind::Barrier, 1) }, b"", "it sent a barrier of unknown kind 9"),
        (
            Header { body: MAX_BODY_BYTES + 1, ..header(Kind::Batch, 1) },
            b"",
            "announced a frame of 268435457 bytes",
        ),
        (rows(8, b"garbage."), b"garbage.", "it sent damaged rows: "),
        (rows(8, &broken), &broken, "it sent damaged rows: "),
        (rows(8 | 2, &ipc), &ipc, "it sent damaged rows: 24 bytes beside its columns are missing"),
        (rows(0, &ipc[..8]), &ipc[..8], "it sent damaged rows: its columns are not complete"),
    ];
    for (header, body, expected) in table {
        let (_receiving, mut stream, mut gate) = misbehave(&[(header, body)]).await;
        stream.shutdown().await.unwrap();
        let error = failure(&mut gate).await.to_string();
        assert!(error.starts_with("the connection from worker 1 is lost: "), "{error}");
        assert!(error.contains(expected), "{error} instead of {expected}");
    }
}

/// Bits flipped anywhere in the rows give an error or other rows, never a hang or the end of the process.
#[tokio::test]
async fn flipped_bits_are_survived() {
    let mut encoder = super::codec::BatchEncoder::new(Compression::None);
    let (flags, parts) = encoder.encode(&batch(&[1, 2, 3])).unwrap();
    let ipc: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
    std::panic::set_hook(Box::new(|_| {}));
    for position in (0..ipc.len()).step_by(3) {
        let mut damaged = ipc.clone();
        damaged[position] ^= 0xff;
        let header = Header {
            flags,
            sequence: 1,
            body: damaged.len() as u32,
            ..Header::new(Kind::Batch, Attempt(1), 0)
        };
        let (_receiving, stream, mut gate) = misbehave(&[(header, &damaged)]).await;
        drop(stream);
        failure(&mut gate).await;
    }
    let _ = std::panic::take_hook();
}
