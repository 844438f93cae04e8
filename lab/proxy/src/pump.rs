//! The pump: carries one direction of a connection, through the faults that are in force.
//!
//! It reads from one socket into a delay line and writes from there to the other, in one loop without a task or a queue
//! of its own.
//! Each turn first writes what is due, as far as the faults and the socket let it, and then waits for whatever comes
//! first: other faults, a time, room to write, something to read.
//! It reads only if the line has room, so a receiver that is slow, throttled or cut off slows its sender down.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{BufMut, BytesMut};
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    time::Instant,
};

use crate::{
    delay_line::{DelayLine, Piece},
    fault::Direction,
    fault_set::{Conditions, FaultSet, Gate, earlier},
    link::{Link, at},
    token_bucket::TokenBucket,
};

/// The most bytes of one read.
const READ_BYTES: usize = 32 * 1024;
/// A buffer with less room than this is replaced by a new one.
const LEAST_READ: usize = 4 * 1024;

/// One direction of a connection.
pub(crate) struct Pump<'c> {
    link: &'c Link,
    direction: Direction,
    source: ReadHalf<'c>,
    sink: WriteHalf<'c>,
    /// Whether a direction of this connection is broken: its receiver takes no more.
    is_broken: &'c AtomicBool,
    faults: watch::Receiver<Arc<FaultSet>>,
    /// What `faults` held when it was last looked at.
    set: Arc<FaultSet>,
    connection: u64,
    rng: Xoshiro256PlusPlus,
    buffer: BytesMut,
    line: DelayLine,
    grant: Option<Grant>,
    /// The source has ended or was reset; the line holds that, or held it.
    has_ended: bool,
    /// A blackhole has swallowed bytes: what comes after them must not arrive.
    has_lost: bool,
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its end was passed on.
    Passed,
    /// The receiver takes no more. What it has sent may still be read from it.
    Broken,
}

/// The connection has to be reset at once, both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Torn;

/// Bytes that a token bucket has reserved for this direction, and from when they may pass.
struct Grant {
    bytes: usize,
    from: Instant,
}

/// What a turn waits for.
#[derive(Default)]
struct Wait {
    to_read: bool,
    to_write: bool,
    until: Option<Instant>,
}

/// What a turn came to.
enum Turn {
    Wait(Wait),
    End(Ended),
}

impl<'c> Pump<'c> {
    /// A pump of a link's connection with this number, of which `is_broken` is shared by both directions.
    pub(crate) fn new(
        link: &'c Link,
        connection: u64,
        direction: Direction,
        (source, sink): (ReadHalf<'c>, WriteHalf<'c>),
        is_broken: &'c AtomicBool,
    ) -> Self {
        let faults = link.faults();
        let set = Arc::clone(&faults.borrow());
        let rng = random(&set, direction, connection);
        Self {
            link,
            direction,
            source,
            sink,
            is_broken,
            faults,
            set,
            connection,
            rng,
            buffer: BytesMut::new(),
            line: DelayLine::new(link.limits.line_bytes),
            grant: None,
            has_ended: false,
            has_lost: false,
        }
    }

    /// Carries until the direction has ended.
    pub(crate) async fn run(mut self) -> Result<Ended, Torn> {
        loop {
            let (set, now) = (Arc::clone(&self.set), Instant::now());
            let conditions = set.at(self.direction, now);
            if conditions.resets {
                return Err(Torn);
            }
            let turn = match conditions.gate {
                Gate::Open if self.has_lost => return Err(Torn),
                Gate::Open => self.deliver(&conditions, now)?,
                Gate::Discarding => self.discard(),
                Gate::Held => Turn::Wait(Wait::default()),
            };
            match turn {
                Turn::Wait(wait) => self.wait(wait, &conditions).await?,
                Turn::End(ended) => {
                    // A receiver that is gone cannot be told.
                    let _ = self.sink.shutdown().await;
                    return Ok(ended);
                }
            }
        }
    }

    /// Writes what is due, as far as it goes without waiting.
    fn deliver(&mut self, conditions: &Conditions<'_>, now: Instant) -> Result<Turn, Torn> {
        let mut wait = Wait::default();
        while let Some((due, piece)) = self.line.front() {
            // Without latency everything is due, also what was held by one that has ended.
            if conditions.latency.is_some() && due > now {
                wait.until = Some(due);
                break;
            }
            let bytes = match piece {
                // A socket tells of its reset once: the other direction heard of it, and this one of an end.
                Piece::Fin if self.is_broken.load(Ordering::Relaxed) => return Err(Torn),
                Piece::Fin => return Ok(Turn::End(Ended::Passed)),
                Piece::Reset => return Err(Torn),
                Piece::Data(bytes) => bytes,
            };
            let allowed = match granted(&mut self.grant, conditions.throttle, bytes.len(), now) {
                Ok(allowed) => allowed,
                Err(from) => {
                    wait.until = Some(from);
                    break;
                }
            };
            match self.sink.try_write(&bytes[..allowed]) {
                Ok(written) => self.written(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait.to_write = true;
                    break;
                }
                Err(_) => {
                    self.is_broken.store(true, Ordering::Relaxed);
                    return Ok(Turn::End(Ended::Broken));
                }
            }
        }
        wait.to_read = !self.has_ended && self.line.room() > 0;
        Ok(Turn::Wait(wait))
    }

    fn written(&mut self, bytes: usize) {
        self.line.advance(bytes);
        self.link.counters.let_go(bytes);
        self.link.counters.wrote(self.direction, bytes);
        self.grant = self.grant.take().and_then(|grant| grant.without(bytes));
    }

    /// Loses what is in the line, and goes on reading.
    ///
    /// It reads on at an end that was read before as well, because a socket tells its end as often as it is asked.
    fn discard(&mut self) -> Turn {
        let bytes = self.line.clear();
        self.link.counters.let_go(bytes);
        self.lose(bytes);
        Turn::Wait(Wait { to_read: true, ..Wait::default() })
    }

    fn lose(&mut self, bytes: usize) {
        self.has_lost |= bytes > 0;
        self.link.counters.discard(bytes);
    }

    /// Waits for what comes first, and reads if that is something to read.
    async fn wait(&mut self, wait: Wait, conditions: &Conditions<'_>) -> Result<(), Torn> {
        tokio::select! {
            // In this order, so that a fault takes effect at once, however much there is to read.
            biased;
            changed = self.faults.changed() => {
                // Without its proxy a connection has no end of its own.
                changed.map_err(|_| Torn)?;
                self.renew();
                Ok(())
            }
            () = at(earlier(wait.until, conditions.until)) => Ok(()),
            _ = self.sink.writable(), if wait.to_write => Ok(()),
            _ = self.source.readable(), if wait.to_read => self.read(conditions),
        }
    }

    /// Takes over other faults. What the old ones held goes on at once, if the new ones let it.
    fn renew(&mut self) {
        self.set = Arc::clone(&self.faults.borrow_and_update());
        self.line.release(Instant::now());
        self.grant = None;
        self.rng = random(&self.set, self.direction, self.connection);
    }

    fn read(&mut self, conditions: &Conditions<'_>) -> Result<(), Torn> {
        if self.buffer.capacity() < LEAST_READ {
            self.buffer.reserve(READ_BYTES);
        }
        let most = self.line.room().min(READ_BYTES);
        let read = self.source.try_read_buf(&mut (&mut self.buffer).limit(most));
        let piece = match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Ok(0) => Piece::Fin,
            Ok(_) => Piece::Data(self.buffer.split().freeze()),
            Err(_) => Piece::Reset,
        };
        if conditions.gate == Gate::Discarding {
            // Nothing more can come of a connection whose sender has ended: it is over, and its permit is free again.
            let Piece::Data(bytes) = piece else { return Err(Torn) };
            self.lose(bytes.len());
            return Ok(());
        }
        match &piece {
            Piece::Data(bytes) => self.link.counters.hold(bytes.len()),
            Piece::Fin | Piece::Reset => self.has_ended = true,
        }
        let delay = conditions.latency.map(|latency| latency.distribution.draw(&mut self.rng));
        self.line.push(piece, Instant::now() + delay.unwrap_or_default());
        Ok(())
    }
}

impl Drop for Pump<'_> {
    fn drop(&mut self) {
        self.link.counters.let_go(self.line.bytes());
    }
}

impl Grant {
    fn without(self, bytes: usize) -> Option<Self> {
        let left = self.bytes.saturating_sub(bytes);
        (left > 0).then_some(Self { bytes: left, ..self })
    }
}

/// How many of these bytes may pass now, or when the first of them may.
fn granted(
    grant: &mut Option<Grant>,
    throttle: Option<&TokenBucket>,
    wanted: usize,
    now: Instant,
) -> Result<usize, Instant> {
    let Some(bucket) = throttle else { return Ok(wanted) };
    let grant = grant.get_or_insert_with(|| {
        let bytes = wanted.min(bucket.quantum());
        Grant { bytes, from: bucket.reserve(bytes, now) }
    });
    if grant.from > now { Err(grant.from) } else { Ok(grant.bytes.min(wanted)) }
}

/// Random numbers that follow from the fault, the connection and the direction.
fn random(set: &FaultSet, direction: Direction, connection: u64) -> Xoshiro256PlusPlus {
    let seed = set.seed(direction, Instant::now());
    let stream = 2 * connection + u64::from(direction == Direction::From);
    // Splitmix's constant spreads neighbouring numbers over the whole range.
    Xoshiro256PlusPlus::seed_from_u64(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
