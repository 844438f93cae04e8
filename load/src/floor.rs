//! The floor of every latency: the load generator's own share (its overhead), measured with the same load on a server that does
//! nothing. It calibrates how small a latency can be told.
//!
//! The server is one thread that reads a request and writes a constant reply. What remains of a latency is
//! the timer that wakes the sender, two system calls at either end, the loopback device, and two context
//! switches.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    ops::RangeInclusive,
    thread,
    time::Duration,
};

use crate::{
    journeys::plain::Get,
    record::{SliceRecord, Summary},
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, SenderError, Slice, SlicePlan, Target},
};

/// The server's constant reply.
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// The measured rates: enough operations for a median, and few enough for one thread to serve.
const RATES: RangeInclusive<f64> = 50.0..=5_000.0;
/// The longest measurement, after a slice that only warms up.
const AT_MOST: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(200);
/// Enough operations for a 99th percentile.
const ENOUGH: f64 = 1_100.0;

/// Measures the floor at about `rate` operations a second, in at most 1.2 s; latencies are from the due time.
///
/// Calls `pinned` on the server's thread before it serves, to set its CPU affinity.
pub fn measure(rate: f64, pinned: impl FnOnce() + Send + 'static) -> Result<Summary, SenderError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // The thread ends when the sender closes its one connection.
    thread::Builder::new().name("floor".to_owned()).spawn(move || {
        pinned();
        listener.accept().and_then(|(stream, _)| serve(stream))
    })?;
    let arm = Arm { target: Target::at("floor", address), journeys: Box::new(Get::new("/", 200)) };
    let mut sender = Sender::new(vec![arm], &Limits { connections: 1, ..Limits::default() })?;
    let rate = rate.clamp(*RATES.start(), *RATES.end());
    let load = Load::Open { arrivals: Arrivals::Poisson, profile: Profile::Steady { rate }, seed: 1 };
    let length = AT_MOST.min(Duration::from_secs_f64(ENOUGH / rate));
    let mut last = Last(SliceRecord::default());
    for slice_length in [WARM_UP, length] {
        sender.run(&SlicePlan { arms: 1, slice_length, rounds: 1, seed: 1 }, &load, &mut last)?;
    }
    Ok(Summary::of(&last.0.latency))
}

/// Serves one connection until it ends.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut read, mut held) = ([0; 4096], 0);
    loop {
        match stream.read(&mut read[held..])? {
            0 => return Ok(()),
            more => held += more,
        }
        // Requests come one at a time and without a body.
        if read[..held].ends_with(b"\r\n\r\n") {
            stream.write_all(REPLY)?;
            held = 0;
        }
    }
}

/// The record of the last slice.
struct Last(SliceRecord);

impl Observer for Last {
    fn slice_ended(&mut self, _slice: &Slice, record: &SliceRecord) {
        self.0 = record.clone();
    }
}
