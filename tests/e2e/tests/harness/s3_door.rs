//! A door in front of the S3 server that understands requests: it can refuse them, be slow, or apply them and lose the answer.
//!
//! Which requests are hit is decided by a seed and by their order, which is that of real processes. Signatures stay good, because
//! the header `Host` goes through as the client wrote it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_testkit::s3_server::S3Server;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::process::now;

/// Connections without a request end after this time; clients open new ones.
const IDLE: Duration = Duration::from_secs(90);

/// What happens to requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weather {
    Fine,
    /// This share is answered with 500 or 503, and not applied.
    Refusing(f64),
    /// Every request takes so much longer.
    Slow(Duration),
    /// This share is applied; the answer is 500 or 503, or the connection breaks.
    Losing(f64),
    /// Every answer is this one: the status line, and the body.
    Answering(&'static str, &'static str),
    /// The same for every PUT.
    AnsweringPuts(&'static str, &'static str),
    /// Bodies of answers to a GET of keys that contain the text end after half of their bytes.
    Cutting(&'static str),
    /// Listings have no entries that contain the text.
    Forgetting(&'static str),
    /// A PUT whose condition does not hold is answered as if it did, and dropped.
    Unconditional,
}

/// A request that is to stand still, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) method: &'static str,
    /// Part of its key.
    pub(crate) part: &'static str,
    pub(crate) at: At,
}

/// Where it stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// The server has not seen it.
    Request,
    /// The server has applied it, and nobody knows.
    Answer,
}

#[derive(Debug)]
struct State {
    trap: Option<Trap>,
    is_holding: bool,
    weather: Weather,
    /// When it is fine again by itself.
    until: Option<Instant>,
    random: StdRng,
    hit: u64,
    is_over: bool,
}

/// Forwards requests to a port of loopback. It ends with its owner.
#[derive(Debug)]
pub(crate) struct S3Door {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What is done to one request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Pass,
    Refuse,
    Lose { by_answer: bool },
}

impl S3Door {
    pub(crate) fn before(server: &S3Server, seed: u64) -> Self {
        let port = server.port();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let random = StdRng::seed_from_u64(seed);
        let state = Arc::new(Mutex::new(State {
            trap: None,
            is_holding: false,
            weather: Weather::Fine,
            until: None,
            random,
            hit: 0,
            is_over: false,
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.lock().unwrap().is_over {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || {
                    // A client that leaves is no concern of the door.
                    let _ = serve(stream, port, &shared);
                });
            }
        });
        Self { address, state }
    }

    /// Lets a command find the server behind the door.
    pub(crate) fn configure(&self, command: &mut Command) {
        command.envs(S3Server::settings_at(self.address.port()));
    }

    /// From now on.
    pub(crate) fn set(&self, weather: Weather) {
        let mut state = self.state.lock().unwrap();
        (state.weather, state.until) = (weather, None);
    }

    /// From now on for so long.
    pub(crate) fn set_for(&self, weather: Weather, time: Duration) {
        let mut state = self.state.lock().unwrap();
        (state.weather, state.until) = (weather, Some(now() + time));
    }

    /// The next such request stands still until [`Self::release`].
    pub(crate) fn trap(&self, trap: Trap) {
        self.state.lock().unwrap().trap = Some(trap);
    }

    /// Whether it does.
    pub(crate) fn is_holding(&self) -> bool {
        self.state.lock().unwrap().is_holding
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        (state.trap, state.is_holding) = (None, false);
    }

    /// How many requests were hit so far.
    pub(crate) fn hit(&self) -> u64 {
        self.state.lock().unwrap().hit
    }
}

impl Drop for S3Door {
    fn drop(&mut self) {
        self.state.lock().unwrap().is_over = true;
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn weather(&mut self) -> Weather {
        if self.until.is_some_and(|until| now() >= until) {
            (self.weather, self.until) = (Weather::Fine, None);
        }
        self.weather
    }

    fn fate(&mut self) -> Fate {
        let fate = match self.weather() {
            Weather::Refusing(share) if self.random.random_bool(share) => Fate::Refuse,
            Weather::Losing(share) if self.random.random_bool(share) => {
                Fate::Lose { by_answer: self.random.random_bool(0.5) }
            }
            _ => Fate::Pass,
        };
        self.hit += u64::from(fate != Fate::Pass || self.weather != Weather::Fine);
        fate
    }

    fn refusal(&mut self) -> (&'static str, &'static str) {
        if self.random.random_bool(0.5) {
            (
                "503 Slow Down",
                "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
            )
        } else {
            (
                "500 Internal Server Error",
                "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
            )
        }
    }
}

fn serve(client: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(IDLE))?;
    let mut answers = client.try_clone()?;
    let mut requests = BufReader::new(client);
    let server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_nodelay(true)?;
    let mut to_server = server.try_clone()?;
    let mut from_server = BufReader::new(server);
    while let Some(request) = Message::read(&mut requests, false)? {
        let (fate, weather) = {
            let mut state = state.lock().unwrap();
            (state.fate(), state.weather)
        };
        match weather {
            Weather::Slow(pause) => thread::sleep(pause),
            Weather::Answering(status, body) => {
                write_answer(&mut answers, status, body)?;
                continue;
            }
            Weather::AnsweringPuts(status, body) if request.line().starts_with("PUT ") => {
                write_answer(&mut answers, status, body)?;
                continue;
            }
            _ => {}
        }
        hold(state, &request.line(), At::Request);
        if fate == Fate::Refuse {
            let (status, body) = state.lock().unwrap().refusal();
            write_answer(&mut answers, status, body)?;
            continue;
        }
        to_server.write_all(&request.head)?;
        to_server.write_all(&request.body)?;
        let has_no_body = request.line().starts_with("HEAD ");
        let Some(mut answer) = Message::read(&mut from_server, has_no_body)? else { return Ok(()) };
        hold(state, &request.line(), At::Answer);
        match (fate, weather) {
            (Fate::Lose { by_answer: true }, _) => {
                let (status, body) = state.lock().unwrap().refusal();
                write_answer(&mut answers, status, body)?;
                continue;
            }
            (Fate::Lose { by_answer: false }, _) => return Ok(()),
            (_, Weather::Cutting(part))
                if request.line().starts_with("GET ") && request.line().contains(part) =>
            {
                answers.write_all(&answer.head)?;
                answers.write_all(&answer.body[..answer.body.len() / 2])?;
                return Ok(());
            }
            (_, Weather::Unconditional) if answer.line().contains(" 412 ") => {
                write_answer(&mut answers, "200 OK", "")?;
                continue;
            }
            (_, Weather::Forgetting(part)) if request.line().contains("list-type=2") => answer.forget(part),
            _ => {}
        }
        answers.write_all(&answer.head)?;
        answers.write_all(&answer.body)?;
    }
    Ok(())
}

/// Waits if this is what the trap is for.
fn hold(state: &Mutex<State>, line: &str, at: At) {
    {
        let mut state = state.lock().unwrap();
        let is_it =
            |trap: &mut Trap| trap.at == at && line.starts_with(trap.method) && line.contains(trap.part);
        if state.trap.take_if(is_it).is_none() {
            return;
        }
        state.is_holding = true;
    }
    while state.lock().unwrap().is_holding {
        thread::sleep(Duration::from_millis(5));
    }
}

fn write_answer(client: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\netag: \"0\"\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A request or an answer, as it came.
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    /// `None` at the end of the connection.
    fn read(from: &mut BufReader<TcpStream>, has_no_body: bool) -> std::io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut head)? == 0 {
                return Ok(None);
            }
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let header = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let mut body = Vec::new();
        if !has_no_body {
            if let Some(length) = header("content-length") {
                body.resize(length.parse().unwrap_or(0), 0);
                from.read_exact(&mut body)?;
            } else if header("transfer-encoding").is_some_and(|encoding| encoding.contains("chunked")) {
                read_chunks(from, &mut body)?;
            }
        }
        Ok(Some(Self { head, body }))
    }

    fn line(&self) -> String {
        String::from_utf8_lossy(self.head.split(|byte| *byte == b'\r').next().unwrap_or_default())
            .into_owned()
    }

    /// Takes entries out of a listing.
    fn forget(&mut self, part: &str) {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let mut kept = String::new();
        for (at, entry) in text.split("<Contents>").enumerate() {
            let (entry, rest) = entry.split_once("</Contents>").unwrap_or(("", entry));
            if at > 0 && !entry.contains(part) {
                kept += &format!("<Contents>{entry}</Contents>");
            }
            kept += rest;
        }
        let status = self.line();
        self.body = kept.into_bytes();
        let length = self.body.len();
        self.head = format!("{status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n")
            .into_bytes();
    }
}

/// Reads chunks as they are on the wire, their lengths included.
fn read_chunks(from: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let begin = body.len();
        from.read_until(b'\n', body)?;
        let line = String::from_utf8_lossy(&body[begin..]).into_owned();
        let length = usize::from_str_radix(line.trim().split(';').next().unwrap_or(""), 16).unwrap_or(0);
        let data = body.len();
        body.resize(data + length + 2, 0);
        from.read_exact(&mut body[data..])?;
        if length == 0 {
            return Ok(());
        }
    }
}
