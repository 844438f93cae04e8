//! Requests on the side, while connections are held open: a thread of its own removes members, and adds them.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::{api, crowd::Crowd, ledger_state::LedgerState};
use crate::{
    journeys::request_list::request_one,
    sender::{Lane, Limits},
};

/// The most errands that wait, and the most that are done and not heard of.
pub(super) const MOST: usize = 64;
/// The time limit of one, retries included.
const LONGEST: Duration = Duration::from_secs(10);

/// An errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A member is to be removed.
    Remove(usize),
    /// A member is to be added.
    Add(usize),
}

/// The thread that does errands; it ends with this.
#[derive(Debug)]
pub(super) struct Errands {
    asked: SyncSender<Errand>,
    done: Receiver<(Errand, bool)>,
}

impl Errands {
    /// Starts the thread; `None` before the preparation, or if the machine has no thread for it.
    pub(super) fn start(crowd: &Crowd, ledger: &Arc<LedgerState>) -> Option<Self> {
        let limits = Limits { connections: 1, ..Limits::default() };
        let mut lane = Lane::new(ledger.target()?.clone(), &limits).ok()?;
        let (asked, to_do) = sync_channel(MOST);
        let (tell, done) = sync_channel(MOST);
        let (crowd, ledger) = (crowd.clone(), Arc::clone(ledger));
        let work = move || {
            while let Ok(errand) = to_do.recv() {
                let is_done = run(errand, &crowd, &ledger, &mut lane);
                if tell.send((errand, is_done)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("errands".to_owned()).spawn(work).ok()?;
        Some(Self { asked, done })
    }

    /// Asks for an errand; `false` if too many wait.
    pub(super) fn ask(&self, errand: Errand) -> bool {
        self.asked.try_send(errand).is_ok()
    }

    /// An errand that has ended, and whether it was done.
    pub(super) fn ended(&self) -> Option<(Errand, bool)> {
        self.done.try_recv().ok()
    }
}

/// Does an errand, as the owner of the member's room.
pub(super) fn run(errand: Errand, crowd: &Crowd, ledger: &LedgerState, lane: &mut Lane) -> bool {
    let (Errand::Remove(member) | Errand::Add(member)) = errand;
    let token = ledger.token(crowd.owner_of(crowd.room_of(member)));
    let (wanted, answer) = match errand {
        Errand::Remove(_) => {
            (204, request_one(lane, LONGEST, |request| api::remove(crowd, member, token, request)))
        }
        Errand::Add(_) => {
            (200, request_one(lane, LONGEST, |request| api::add(crowd, &[member], token, request)))
        }
    };
    matches!(answer, Ok(Some((status, _))) if status == wanted)
}
