//! Removes a member of a few rooms while the connection is open: it has to end, and nothing may arrive that is sent afterwards.

use std::time::Duration;

use super::Held;
use crate::{
    journeys::{
        Check,
        chat::{
            api,
            errands::{self, Errand},
            ledger_state::{Acknowledged, Seen},
            member::Standing,
            pending::LIMIT,
            workload::Goal,
        },
        request_list::request_one,
    },
    ledger::LedgerVerdict,
    live::Moment,
    sender::{Lane, SenderError},
};

/// The number of the check as a thread that sends messages.
const CHECK_FORK: u8 = u8::MAX;
/// The rooms in which a member is removed.
const ROOMS: usize = 5;
/// The time limit of a request.
const LONGEST: Duration = Duration::from_secs(10);

/// Removes members, has messages sent, and adds the members again.
pub(super) fn examine(
    held: &mut Held<'_>,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> Result<(), SenderError> {
    let chosen = chosen(held);
    for member in &chosen {
        let is_done = remove(held, *member, lane)?;
        verdict.not_asked(u64::from(!is_done));
    }
    held.until(Goal::Gone, LIMIT.min(check.deadline))?;
    for member in chosen {
        let workload = &mut *held.workload;
        let it = &workload.members[member];
        if matches!(it.standing, Standing::Leaving(Some(_))) && it.is_open() {
            let user = workload.crowd.user(member);
            workload
                .ledger
                .broken(Seen::AfterRemoval, || format!("`{user}` was removed, and stays connected"));
        }
        let is_added = errands::run(Errand::Add(member), &workload.crowd, &workload.ledger, lane);
        verdict.not_asked(u64::from(!is_added));
        workload.rejoin(member);
    }
    held.until(Goal::Attached, LIMIT.min(check.deadline)).map(drop)
}

/// One member in each of the first rooms in which there is one who reads: not the owner.
fn chosen(held: &Held<'_>) -> Vec<usize> {
    let workload = &held.workload;
    let of_room = |room: usize| {
        let owner = workload.crowd.owner_of(room);
        let mut others = workload.crowd.members_of(room).rev().filter(|member| *member != owner);
        others.find(|member| workload.members[*member].can_send())
    };
    (0..workload.crowd.rooms).filter_map(of_room).take(ROOMS).collect()
}

/// Removes a member, and has the owner of the room send a message after that. Returns whether both were done.
fn remove(held: &mut Held<'_>, member: usize, lane: &mut Lane) -> Result<bool, SenderError> {
    let workload = &mut *held.workload;
    workload.leave(member, Moment::now());
    if !errands::run(Errand::Remove(member), &workload.crowd, &workload.ledger, lane) {
        return Ok(false);
    }
    let (room, number) = (workload.crowd.room_of(member), workload.next_check_number());
    workload.has_left(member, CHECK_FORK, number);
    let owner = workload.crowd.owner_of(room);
    let key = workload.crowd.key(CHECK_FORK, owner, number);
    let (crowd, token) = (&workload.crowd, workload.ledger.token(owner));
    let answer = request_one(lane, LONGEST, |request| api::post(crowd, key, token, request))?;
    let body = answer.filter(|(status, _)| *status == 201).map(|(_, body)| body);
    let Some(position) = body.and_then(|body| api::read_sent(&body)) else { return Ok(false) };
    workload.ledger.acknowledged(Acknowledged { key, position });
    workload.has_heard_of(room, position);
    Ok(true)
}
