//! The check after a run: did the limiter keep its promise, and how exact was it?

use super::{
    api::{self, ClientName, PoliciesView},
    facts,
    ledger_state::LedgerState,
    mix::Mix,
};
use crate::{
    journeys::{Check, request_list::request_one},
    ledger::LedgerVerdict,
    sender::{Lane, SenderError},
};

/// A verdict in which every fact is zero.
pub(super) fn nothing_found() -> LedgerVerdict {
    let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
    for fact in facts::ALL {
        if fact.breaks.is_some() {
            verdict.breach(fact.name, 0);
        } else {
            verdict.note(fact.name, 0);
        }
    }
    verdict
}

/// Sums up the ledger, and checks that the policy is still stored.
pub(super) fn check(
    seed: u64,
    mix: Mix,
    ledger: &LedgerState,
    lane: &mut Lane,
    check: &Check,
) -> LedgerVerdict {
    let mut verdict = nothing_found();
    for (number, client) in ledger.clients() {
        let admitted = client.admitted + client.uncounted;
        verdict.note(facts::DECISIONS, admitted + client.refused);
        verdict.note(facts::ADMITTED, admitted);
        verdict.note(facts::UNCOUNTED, client.uncounted);
        verdict.note(facts::REFUSED, client.refused);
        verdict.note(facts::OVER_ADMITTED, client.over_admitted());
        verdict.note(facts::FALSE_REFUSALS, client.false_refusals);
        if client.is_quiet() {
            verdict.note(facts::QUIET_REFUSED, client.refused);
        }
        let (over, under) = (client.over_bound(), client.under_bound());
        verdict.breach(facts::OVER_BOUND, over);
        verdict.breach(facts::UNDER_BOUND, under);
        let name = ClientName { seed, number };
        for (times, what) in [(over, "let pass"), (under, "refused")] {
            if times > 0 {
                verdict.example(|| {
                    format!("requests of client `{name}` that were {what} beyond what is promised, in one window or in the long run: {times}")
                });
            }
        }
    }
    let (wrong, first) = ledger.wrong_headers();
    verdict.breach(facts::HEADERS_WRONG, wrong);
    if let Some(first) = first {
        verdict.example(|| first.to_owned());
    }
    if let Err(error) = policy(mix, lane, check, &mut verdict) {
        verdict.not_asked(1);
        verdict.example(|| format!("the check was broken off: {error}"));
    }
    verdict
}

/// Whether the acknowledged policy is still stored.
fn policy(mix: Mix, lane: &mut Lane, check: &Check, verdict: &mut LedgerVerdict) -> Result<(), SenderError> {
    verdict.note(facts::ACKNOWLEDGED, 1);
    let answer = request_one(lane, check.pass, api::read_policies)?;
    let view = match &answer {
        Some((200, body)) => PoliciesView::read(body),
        _ => None,
    };
    verdict.note(facts::CHECKED, u64::from(view.is_some()));
    match view {
        None => verdict.not_asked(1),
        Some(view) if view.has(mix) => {}
        Some(_) => verdict.broken(facts::LOST, || {
            format!("the policy `{}` was acknowledged and is not in force any more", mix.policy())
        }),
    }
    Ok(())
}
