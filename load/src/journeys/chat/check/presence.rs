//! Whether users with an open connection are shown as online, and those who have closed theirs are not, after a while.

use std::{collections::BTreeSet, time::Duration};

use super::Held;
use crate::{
    journeys::{
        Check,
        chat::{api, facts, member::Standing, workload::Goal},
        request_list::request_one,
    },
    ledger::LedgerVerdict,
    live::Moment,
    sender::{Lane, SenderError},
};

/// The rooms whose presence is looked at.
const ROOMS: usize = 10;
/// How long a change may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(15);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// The time limit of a request.
const LONGEST: Duration = Duration::from_secs(10);

/// Looks at who is online, has some leave, and looks again.
pub(super) fn examine(
    held: &mut Held<'_>,
    lane: &mut Lane,
    check: &Check,
    verdict: &mut LedgerVerdict,
) -> Result<(), SenderError> {
    let rooms = held.workload.crowd.rooms.min(ROOMS);
    let here: Vec<usize> = (0..held.workload.crowd.members_of(rooms - 1).end)
        .filter(|member| held.workload.members[*member].is_attached())
        .collect();
    let not_shown = wait(held, lane, check, (rooms, &here), |online, user| !online.contains(user))?;
    tell(verdict, not_shown, "is connected, and not shown as online");
    let leaving: Vec<usize> = (0..rooms).filter_map(|room| leaver(held, room)).collect();
    for member in &leaving {
        held.workload.leave(*member, Moment::now());
        held.workload.members[*member].standing = Standing::Away;
        held.workload.to_close.push(*member);
    }
    held.until(Goal::Time, PAUSE)?;
    let still_shown = wait(held, lane, check, (rooms, &leaving), BTreeSet::contains)?;
    tell(verdict, still_shown, "has closed the connection, and is shown as online");
    for member in leaving {
        held.workload.members[member].standing = Standing::In;
    }
    Ok(())
}

/// Who leaves a room: the first who reads, but for the owner, by whose token the room is looked at.
fn leaver(held: &Held<'_>, room: usize) -> Option<usize> {
    let mut others = held.workload.crowd.members_of(room).skip(1);
    others.find(|member| held.workload.members[*member].can_send())
}

/// Looks until nobody of these members is shown wrongly, or for as long as a change may take. Returns the names of those who
/// are; `None` if the rooms could not be looked at.
fn wait(
    held: &mut Held<'_>,
    lane: &mut Lane,
    check: &Check,
    (rooms, members): (usize, &[usize]),
    is_wrong: impl Fn(&BTreeSet<String>, &String) -> bool,
) -> Result<Option<Vec<String>>, SenderError> {
    let (began, patience) = (Moment::now(), SEEN_WITHIN.min(check.deadline));
    loop {
        let Some(online) = online(held, rooms, lane)? else { return Ok(None) };
        let users = members.iter().map(|member| held.workload.crowd.user(*member));
        let wrong: Vec<String> = users.filter(|user| is_wrong(&online, user)).collect();
        if wrong.is_empty() || Moment::now().since(began) >= patience {
            return Ok(Some(wrong));
        }
        held.until(Goal::Time, PAUSE)?;
    }
}

/// Who is online in the first rooms; `None` if a page could not be read.
fn online(held: &Held<'_>, rooms: usize, lane: &mut Lane) -> Result<Option<BTreeSet<String>>, SenderError> {
    let (crowd, ledger) = (&held.workload.crowd, &held.workload.ledger);
    let mut online = BTreeSet::new();
    for room in 0..rooms {
        let (id, token) = (crowd.room_id(room), ledger.token(crowd.owner_of(room)));
        let mut after: Option<String> = None;
        loop {
            let ask = |request: &mut _| api::presence(id, after.as_deref(), token, request);
            let answer = request_one(lane, LONGEST, ask)?.filter(|(status, _)| *status == 200);
            let Some(page) = answer.and_then(|(_, body)| api::read_presence(&body)) else { return Ok(None) };
            online.extend(page.online);
            // A page that does not go on would be read for ever.
            after = match page.next {
                Some(next) if after.as_ref() < Some(&next) => Some(next),
                _ => break,
            };
        }
    }
    Ok(Some(online))
}

fn tell(verdict: &mut LedgerVerdict, wrong: Option<Vec<String>>, what: &str) {
    match wrong {
        None => verdict.not_asked(1),
        Some(users) => {
            for user in users {
                verdict.broken(facts::PRESENCE_WRONG, || format!("`{user}` {what}"));
            }
        }
    }
}
