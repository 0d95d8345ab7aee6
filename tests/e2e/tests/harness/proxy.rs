//! A door between two processes that a test can lead elsewhere, shut or hold.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How often a connection looks at what the test wants.
const LOOK: Duration = Duration::from_millis(20);

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// Bytes wait, connections stay.
    Held,
    /// Every portion of bytes comes so much later.
    Slow(Duration),
    /// Connections break, new ones are closed at once.
    Shut,
}

#[derive(Debug)]
struct State {
    target: Option<SocketAddr>,
    mode: Mode,
    /// Connections of older numbers break.
    number: u64,
    is_over: bool,
}

/// Forwards connections to a port of loopback. It ends with its owner.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Leads nowhere yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { target: None, mode: Mode::Open, number: 0, is_over: false };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let State { target, mode, number, is_over } = &*shared.lock().unwrap();
                if *is_over {
                    return;
                }
                let (Some(target), true) = (*target, *mode != Mode::Shut) else { continue };
                let (number, shared) = (*number, shared.clone());
                thread::spawn(move || {
                    let Ok(there) = TcpStream::connect(target) else { return };
                    let back = (there.try_clone().unwrap(), stream.try_clone().unwrap());
                    let state = shared.clone();
                    thread::spawn(move || carry(back.0, back.1, number, &state));
                    carry(stream, there, number, &shared);
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Where new connections lead from now on.
    pub(crate) fn lead_to(&self, target: &str) {
        self.state.lock().unwrap().target = Some(target.parse().unwrap());
    }

    /// Breaks every connection and lets no new one in.
    pub(crate) fn shut(&self) {
        let mut state = self.state.lock().unwrap();
        state.mode = Mode::Shut;
        state.number += 1;
    }

    /// Lets no byte through; connections stay.
    pub(crate) fn hold(&self) {
        self.state.lock().unwrap().mode = Mode::Held;
    }

    /// Lets every portion of bytes wait for so long.
    pub(crate) fn slow_down(&self, pause: Duration) {
        self.state.lock().unwrap().mode = Mode::Slow(pause);
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().mode = Mode::Open;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        {
            let mut state = self.state.lock().unwrap();
            state.is_over = true;
            state.number += 1;
        }
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

/// Carries bytes one way until either side closes or the test says so.
fn carry(mut from: TcpStream, mut to: TcpStream, number: u64, state: &Mutex<State>) {
    let _ = from.set_nodelay(true);
    let _ = to.set_nodelay(true);
    let _ = from.set_read_timeout(Some(LOOK));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        {
            let state = state.lock().unwrap();
            if state.number != number {
                break;
            }
            if state.mode == Mode::Held {
                drop(state);
                thread::sleep(LOOK);
                continue;
            }
        }
        match from.read(&mut buffer) {
            // The other way goes on: a socket that is closed while bytes wait in it breaks the connection, and takes with it what
            // was sent last.
            Ok(0) => {
                let _ = to.shutdown(std::net::Shutdown::Write);
                return;
            }
            Ok(count) => {
                let mode = state.lock().unwrap().mode;
                if let Mode::Slow(pause) = mode {
                    thread::sleep(pause);
                }
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
