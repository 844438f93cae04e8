//! Ctrl-C: the first stops in order, the second at once.

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
use scenario::diagnostic::Diagnostic;
use tokio::signal::unix::{SignalKind, signal};

use crate::owned_folder;

/// The interval at which sleeping parts of the lab check for a stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The exit code after a second Ctrl-C: 128 + SIGINT, as in shells.
const KILLED_BY_INTERRUPT: i32 = 130;

/// Whether a second Ctrl-C is ending this process.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Waits for a second Ctrl-C to end this process, if there was one; otherwise what it removes would stay.
///
/// Must be called last. Returns only if there was none.
pub fn leave_the_end_to_it() {
    while ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Whether the user has asked the lab to stop. Clones share one flag.
#[derive(Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    at_end: Arc<Mutex<Vec<AtEnd>>>,
}

/// An action for when a second Ctrl-C ends the lab.
type AtEnd = Box<dyn Fn() + Send + Sync>;

impl Interrupt {
    /// A flag that only [`Interrupt::ask`] sets: for tests.
    pub fn never() -> Self {
        Self::default()
    }

    /// Handles SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// The first one requests an orderly stop: the owners of children drain and stop them.
    /// A second one ends the lab at once; its children then end because their standard input does.
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
            // The terminal may be gone, which is no reason to stop handling signals.
            let _ = writeln!(anstream::stderr(), "stopping; once more ends it at once");
        }
    }

    /// Ends without draining: runs the actions of [`Interrupt::at_end`]; children end because their standard
    /// input does.
    fn end_now(&self) -> ! {
        ENDING.store(true, Ordering::SeqCst);
        self.do_at_end();
        std::process::exit(KILLED_BY_INTERRUPT)
    }

    /// Runs the actions of [`Interrupt::at_end`].
    pub(crate) fn do_at_end(&self) {
        let at_end = self.at_end.lock().unwrap_or_else(PoisonError::into_inner);
        // On another thread, because some actions block on a server in an event loop, and this thread is in
        // one already.
        thread::scope(|scope| {
            let _ = scope.spawn(|| at_end.iter().for_each(|end| end())).join();
        });
    }

    /// Registers an owned folder for removal when a second Ctrl-C ends the lab.
    pub fn remove_at_end(&self, folder: PathBuf) {
        // What cannot be removed now is removed at the start of the next run.
        self.at_end(move || owned_folder::remove(&folder));
    }

    /// Registers an action for when a second Ctrl-C ends the lab.
    pub fn at_end(&self, what: impl Fn() + Send + Sync + 'static) {
        self.at_end.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(what));
    }

    /// Requests an orderly stop, like a first Ctrl-C.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was requested.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Fails if a stop was requested.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() {
            return Err(Diagnostic::new("interrupted").into());
        }
        Ok(())
    }

    /// Sleeps until the time has passed or a stop is requested; returns whether the whole time passed.
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
