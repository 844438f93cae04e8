//! Sends the messages of one room by HTTP, each when it is due, from a thread of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use anyhow::Result;

use super::{
    http::Http,
    servers::{Room, Server},
};

/// Messages that are due and not sent yet.
const WAITING: usize = 1_024;
/// Before the due time in a text.
const DUE: &str = "due=";
/// The digits of a due time.
const DIGITS: usize = 20;

/// A message's text: when it was due, in nanoseconds of the monotonic clock, and so many bytes in all.
fn text(due: u64, bytes: usize) -> String {
    let text = format!("{DUE}{due:0DIGITS$} ");
    let padding = "x".repeat(bytes.saturating_sub(text.len()));
    text + &padding
}

/// When the message in a frame was due, if there is one.
pub(crate) fn due(frame: &str) -> Option<u64> {
    let digits = frame.find(DUE)? + DUE.len();
    frame.get(digits..digits + DIGITS)?.parse().ok()
}

/// The thread, and what it has done.
pub(crate) struct Publisher {
    due: Option<SyncSender<u64>>,
    thread: Option<JoinHandle<()>>,
    answered: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Publisher {
    /// Sends to a room, with texts of so many bytes.
    pub(crate) fn start(server: &dyn Server, room: &Room, bytes: usize) -> Self {
        let (due, waiting) = sync_channel(WAITING);
        let (answered, failure) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (own_answered, own_failure) = (Arc::clone(&answered), Arc::clone(&failure));
        let (http, post) = (Http::new(server.address()), Arc::clone(&room.post));
        let thread = thread::spawn(move || {
            if let Err(error) = send(http, &*post, &waiting, bytes, &own_answered) {
                *own_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
            }
        });
        Self { due: Some(due), thread: Some(thread), answered, failure }
    }

    /// A message is due. If too many wait or it has failed, it is not sent, and will be missing.
    pub(crate) fn publish(&self, due: u64) {
        if let Some(queue) = &self.due {
            let _ = queue.try_send(due);
        }
    }

    /// Messages that the server has acknowledged.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Acquire)
    }

    /// Why it has ended, if it has.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.due = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn send(
    mut http: Http,
    post: &(dyn Fn(&str) -> super::http::Post + Send + Sync),
    waiting: &Receiver<u64>,
    bytes: usize,
    answered: &AtomicU64,
) -> Result<()> {
    while let Ok(due) = waiting.recv() {
        http.post(&post(&text(due, bytes)))?;
        answered.fetch_add(1, Ordering::Release);
    }
    Ok(())
}
