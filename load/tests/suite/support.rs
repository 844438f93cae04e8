//! A blocking HTTP server on standard threads; a test decides its replies and misdeeds.

pub(crate) mod bare;
pub(crate) mod cart;
pub(crate) mod chain;
pub(crate) mod chat;
pub(crate) mod limiter;
pub(crate) mod room;
pub(crate) mod shortener;
pub(crate) mod sockets;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use load::{
    journeys::{SystemUnderTest, find},
    ledger::LedgerVerdict,
    record::SliceRecord,
    sender::{Limits, Observer, Slice, Target},
};

/// A request as the server parsed it.
pub(crate) struct Request {
    /// The request's index on its connection, from 0.
    pub(crate) nth: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The server's reaction to a request.
pub(crate) enum Answer {
    /// Sends these bytes.
    Raw(Vec<u8>),
    /// Sends these bytes, and closes the connection.
    Last(Vec<u8>),
    /// Sends nothing and keeps the connection open.
    Silence,
    /// Closes the connection.
    Close,
}

impl Answer {
    /// An empty 200 with these headers, followed by closing the connection.
    pub(crate) fn last(headers: &str) -> Self {
        Self::Last(format!("HTTP/1.1 200 x\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes())
    }

    pub(crate) fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Raw(
            format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes(),
        )
    }
}

/// Starts a server on a free port; it runs until the test process ends.
pub(crate) fn serve(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || converse(stream, answer.as_ref()));
        }
    });
    address
}

/// An address where nothing listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn target(address: SocketAddr) -> Target {
    Target::at("test", address)
}

/// Limits with a time-out that a busy machine does not reach.
pub(crate) fn limits(connections: usize) -> Limits {
    Limits { connections, timeout: Duration::from_secs(20), ..Limits::default() }
}

/// Limits with a short time-out, for servers that do not reply.
pub(crate) fn hasty(connections: usize) -> Limits {
    Limits { connections, timeout: Duration::from_millis(300), ..Limits::default() }
}

/// Repeats a timed scene if the machine paused during it.
pub(crate) fn undisturbed<T>(mut scene: impl FnMut() -> T, record: impl Fn(&T) -> &SliceRecord) -> T {
    for _ in 0..20 {
        let played = scene();
        if record(&played).send_lag.max() < MOST_LAG.as_nanos() as u64 {
            return played;
        }
    }
    panic!("in twenty scenes the generator was late by {MOST_LAG:?} or more")
}

/// The largest lateness of an undisturbed generator.
const MOST_LAG: Duration = Duration::from_millis(50);

/// A system of the registry.
pub(crate) fn system(name: &str) -> &'static dyn SystemUnderTest {
    find(name).unwrap()
}

/// The facts of a verdict that are broken promises.
pub(crate) fn breaches(verdict: &LedgerVerdict) -> BTreeSet<&str> {
    verdict.facts.iter().filter(|fact| fact.breach).map(|fact| fact.name.as_str()).collect()
}

/// Keeps a copy of every slice's record.
#[derive(Default)]
pub(crate) struct Records(pub(crate) Vec<(Slice, SliceRecord)>);

impl Observer for Records {
    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.0.push((*slice, record.clone()));
    }
}

fn converse(stream: TcpStream, answer: &(impl Fn(&Request) -> Answer + ?Sized)) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    for nth in 0.. {
        let Some(request) = read_request(&mut reader, nth) else { return };
        match answer(&request) {
            Answer::Raw(bytes) => {
                if writer.write_all(&bytes).is_err() {
                    return;
                }
            }
            Answer::Last(bytes) => {
                let _ = writer.write_all(&bytes);
                return;
            }
            Answer::Silence => {}
            Answer::Close => return,
        }
    }
}

pub(crate) fn read_request(reader: &mut impl BufRead, nth: usize) -> Option<Request> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut request = Request { nth, method, path, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let count = reader.read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}
