//! Ctrl-C: the first stops gently, the second at once.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use scenario::complaint::Complaint;
use tokio::signal::unix::{SignalKind, signal};

use crate::claimed;

/// How often a sleeping part of the lab looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The exit code of a process that a second Ctrl-C ended: 128 + SIGINT, as shells have it.
const KILLED_BY_INTERRUPT: i32 = 130;

/// Whether a second Ctrl-C is ending this process.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Leaves it to a second Ctrl-C to end this process, if there was one: what it removes would stay otherwise.
///
/// To be called last. Returns only if there was none.
pub fn leave_the_end_to_it() {
    while ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Whether the person asked the lab to stop. Clones share one flag.
#[derive(Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_end: Arc<Mutex<Vec<AtEnd>>>,
}

/// What is done when a second Ctrl-C ends the lab.
type AtEnd = Box<dyn Fn() + Send + Sync>;

impl Interrupt {
    /// A flag that nothing but [`Interrupt::ask`] sets: for tests.
    pub fn never() -> Self {
        Self::default()
    }

    /// Listens for SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// The first asks for a gentle stop: whoever holds children drains and ends them.
    /// A second ends the lab at once; its children then end by the end of their standard input.
    pub fn install() -> Result<Self> {
        let interrupt = Self::default();
        let shared = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("cannot listen for signals")?;
        thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || runtime.block_on(shared.listen()))
            .context("cannot listen for signals")?;
        Ok(interrupt)
    }

    async fn listen(self) {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if self.asked.swap(true, Ordering::SeqCst) {
                self.end_now();
            }
            // The terminal may be gone: that is no reason to stop listening.
            let _ = writeln!(anstream::stderr(), "stopping; once more ends it at once");
        }
    }

    /// Without draining anything: what was left with [`Interrupt::at_end`] is done, children see their standard input
    /// end.
    fn end_now(&self) -> ! {
        ENDING.store(true, Ordering::SeqCst);
        self.do_at_end();
        std::process::exit(KILLED_BY_INTERRUPT)
    }

    /// Does what was left with [`Interrupt::at_end`].
    pub(crate) fn do_at_end(&self) {
        let at_end = self.at_end.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread of its own, for some of it waits for a server in an event loop, and this thread is in one already.
        thread::scope(|scope| {
            let _ = scope.spawn(|| at_end.iter().for_each(|end| end())).join();
        });
    }

    /// A claimed folder to remove should a second Ctrl-C end the lab.
    pub fn remove_at_end(&self, folder: PathBuf) {
        // What cannot be removed now is removed at the start of the next run.
        self.at_end(move || claimed::remove(&folder));
    }

    /// What to do should a second Ctrl-C end the lab.
    pub fn at_end(&self, what: impl Fn() + Send + Sync + 'static) {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(what));
    }

    /// Asks for a gentle stop, as a first Ctrl-C does.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Fails if a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() {
            return Err(Complaint::new("interrupted").into());
        }
        Ok(())
    }

    /// Sleeps, but no longer than until a stop is asked for; whether the whole time passed.
    pub fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while !self.is_asked() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
        false
    }
}
