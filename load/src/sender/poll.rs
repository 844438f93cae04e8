//! Epoll, and a timer that wakes it with nanosecond resolution.
//!
//! A timerfd and not `epoll_pwait2`, because it needs no unsafe code and stays armed across other events: it
//! is set only when the next due time changes.
//! A timerfd is a high-resolution kernel timer without slack (timers(2): slack applies to time-outs of waits,
//! not to timerfd).

use std::{io, os::fd::AsFd};

use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
};

use super::TICK;
use crate::clock::{self, Nanos};

/// The token of the timer; connections have smaller ones.
const TIMER: u64 = u64::MAX;
/// The most events of one wait: few, so that a due operation does not wait behind many replies.
const BATCH: usize = 32;

/// The readiness of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The token of its registration.
    pub(crate) token: u64,
    /// It is writable, or connecting has ended.
    pub(crate) writable: bool,
    /// It has bytes, an end or an error to read.
    pub(crate) readable: bool,
    /// The peer has closed its side.
    pub(crate) ended: bool,
}

/// One epoll instance with its timer.
pub(crate) struct Poller {
    epoll: Epoll,
    timer: TimerFd,
    /// The time for which the timer is set; `None` after it has fired.
    armed: Option<Nanos>,
    events: [EpollEvent; BATCH],
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        // Edge-triggered: an expiry is reported once, so the timer never has to be read.
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, TIMER))?;
        Ok(Self { epoll, timer, armed: None, events: [EpollEvent::empty(); BATCH] })
    }

    /// Registers a connection once for all events, edge-triggered; closing the socket removes it.
    pub(crate) fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        Ok(self.epoll.add(socket, EpollEvent::new(flags, token))?)
    }

    /// Waits for an event, for `wake` or for a tick; returns the number of events.
    pub(crate) fn wait(&mut self, wake: Option<Nanos>) -> io::Result<usize> {
        if let Some(wake) = wake
            && self.armed != Some(wake)
        {
            self.timer
                .set(Expiration::OneShot(clock::timespec(wake)), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            self.armed = Some(wake);
        }
        let tick = EpollTimeout::from(TICK.as_millis() as u8);
        match self.epoll.wait(&mut self.events, tick) {
            Ok(count) => Ok(count),
            Err(Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The event at `index` of the last wait; `None` if it was the timer.
    pub(crate) fn event(&mut self, index: usize) -> Option<Ready> {
        let event = self.events[index];
        if event.data() == TIMER {
            self.armed = None;
            return None;
        }
        let flags = event.events();
        let ended = flags.intersects(EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        Some(Ready {
            token: event.data(),
            writable: ended || flags.contains(EpollFlags::EPOLLOUT),
            readable: ended || flags.contains(EpollFlags::EPOLLIN),
            ended,
        })
    }
}
