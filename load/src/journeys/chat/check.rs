//! The check after a run: does the history have what was acknowledged, and has everybody read the same?
//!
//! Where connections can be held open, it also removes members and sees that they get nothing more, and closes connections
//! and sees that their users are shown as offline.

mod history;
mod presence;
mod removal;

use std::time::Duration;

use super::{
    api::HistoryPage,
    judge::{RoomEvidence, judge, nothing_found},
    ledger_state::RoomLog,
    workload::{Goal, Workload},
};
use crate::{
    journeys::Check,
    ledger::LedgerVerdict,
    live::LiveLane,
    sender::{Lane, SenderError},
};

/// How long connections may take to be ready, at most.
const ATTACHED_WITHIN: Duration = Duration::from_secs(20);

/// The connections that are held open, and what they do.
struct Held<'a> {
    workload: &'a mut Workload,
    live: &'a mut LiveLane,
}

impl Held<'_> {
    /// Opens what is to be open, and receives until a goal is reached, or for so long. Returns whether it was.
    fn until(&mut self, goal: Goal, within: Duration) -> Result<bool, SenderError> {
        self.workload.goal = goal;
        let reached = self.live.make_ready(self.workload, within, &mut || true);
        self.workload.goal = Goal::Attached;
        reached
    }
}

/// Checks the histories alone.
pub(super) fn check(workload: &mut Workload, lane: &mut Lane, check: &Check) -> LedgerVerdict {
    concluded(workload, |workload, verdict| examine_histories(workload, None, lane, check, verdict))
}

/// Checks the histories, removals and presence.
pub(super) fn check_live(
    workload: &mut Workload,
    live: &mut LiveLane,
    lane: &mut Lane,
    check: &Check,
) -> LedgerVerdict {
    concluded(workload, |workload, verdict| {
        let mut held = Held { workload, live };
        if !held.until(Goal::Attached, check.deadline.min(ATTACHED_WITHIN))? {
            verdict.not_asked(1);
            verdict.example(|| "not every connection could be opened after the load".to_owned());
        }
        removal::examine(&mut held, lane, check, verdict)?;
        presence::examine(&mut held, lane, check, verdict)?;
        examine_histories(workload, Some(live), lane, check, verdict)
    })
}

/// The verdict of an examination, with what was counted during the load.
fn concluded(
    workload: &mut Workload,
    examine: impl FnOnce(&mut Workload, &mut LedgerVerdict) -> Result<(), SenderError>,
) -> LedgerVerdict {
    let mut verdict = nothing_found();
    workload.is_checked = true;
    let examined = examine(workload, &mut verdict);
    workload.is_checked = false;
    if let Err(error) = examined {
        verdict.not_asked(1);
        verdict.example(|| format!("the check was broken off: {error}"));
    }
    workload.ledger.add_to(&mut verdict);
    workload.ledger.opinion.add_to(&mut verdict);
    verdict
}

/// Compares the histories with what was acknowledged and delivered. Rooms with a finding are read a second time, after the time
/// limit for late deliveries.
fn examine_histories(
    workload: &mut Workload,
    mut live: Option<&mut LiveLane>,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> Result<(), SenderError> {
    let mut rooms: Vec<usize> = (0..workload.crowd.rooms).collect();
    let logs = workload.ledger.rooms()?;
    wait(workload, live.as_deref_mut(), Goal::Level, check)?;
    for is_last in [false, true] {
        let mut wrong = Vec::new();
        for batch in rooms.chunks(history::ROOMS_AT_ONCE) {
            let histories = history::read((&workload.crowd, &workload.ledger), batch, lane, check)?;
            verdict.not_asked(if is_last { histories.unanswered } else { 0 });
            for room in batch {
                let Some(history) = histories.rooms.get(room) else {
                    wrong.push(*room);
                    continue;
                };
                let found = examine(workload, (*room, history), logs.get(room), live.is_some());
                if is_last || !found.is_broken() {
                    verdict.merge(found);
                } else {
                    wrong.push(*room);
                }
            }
        }
        if wrong.is_empty() {
            break;
        }
        rooms = wrong;
        if !is_last {
            wait(workload, live.as_deref_mut(), Goal::Time, check)?;
        }
    }
    Ok(())
}

/// Waits until a goal is reached, or until whatever may still happen has happened.
fn wait(
    workload: &mut Workload,
    live: Option<&mut LiveLane>,
    goal: Goal,
    check: &Check,
) -> Result<(), SenderError> {
    let Some(live) = live else {
        std::thread::sleep(check.settle);
        return Ok(());
    };
    Held { workload, live }.until(goal, check.settle).map(drop)
}

/// Judges one room.
fn examine(
    workload: &Workload,
    (room, history): (usize, &HistoryPage),
    log: Option<&RoomLog>,
    is_live: bool,
) -> LedgerVerdict {
    let RoomLog { acknowledged, mut readings } = log.cloned().unwrap_or_default();
    let members = &workload.members[workload.crowd.members_of(room)];
    readings.extend(members.iter().filter_map(|member| member.reading.clone()));
    let attached = if is_live { workload.attached(room).collect() } else { Vec::new() };
    let HistoryPage { entries, end } = history.clone();
    let mut found = nothing_found();
    judge(
        &workload.crowd,
        &RoomEvidence { room, acknowledged, readings, attached, entries, end },
        &mut found,
    );
    found
}
