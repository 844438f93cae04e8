//! A finite list of requests, each sent until it has a response: used by preparations and ledger checks.

use std::{collections::VecDeque, time::Duration};

use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome},
    record::SliceRecord,
    sender::{Lane, SenderError},
};

/// How often a request is sent before it counts as having no response.
const TRIES: u8 = 5;
/// The number of requests without a response, or of consecutive tries without one, that ends a list: a system
/// that is down does not get ten thousand requests.
const GIVE_UP: u64 = 100;

/// A list of requests and the handling of their responses.
pub trait RequestList: Send {
    /// The subject of a request; enough to write it again.
    type Item: Send;

    /// The subject of the next request; `None` after the last.
    fn next(&mut self) -> Option<Self::Item>;

    /// Writes a request.
    fn write(&self, item: &Self::Item, request: &mut RequestBuf);

    /// Handles a reply; `false` if it is not a response and the request has to be sent again.
    /// Refusals and 5xx statuses do not reach this method: the list retries them.
    fn accept(&mut self, item: &Self::Item, reply: &Reply<'_>) -> bool;
}

/// Sends every request of a list; returns the number without a response, and one more if the list ended
/// early.
///
/// At most `in_flight` are in flight at once, and the whole takes at most `longest` and a drain.
/// `watch` sees the record every few milliseconds and stops the list by returning `false`.
pub fn request_all<S: RequestList>(
    requests: &mut S,
    lane: &mut Lane,
    in_flight: usize,
    longest: Duration,
    watch: &mut dyn FnMut(&SliceRecord) -> bool,
) -> Result<u64, SenderError> {
    let mut sending = Sending {
        requests,
        in_flight: Vec::new(),
        again: VecDeque::new(),
        unanswered: 0,
        in_a_row: 0,
        exhausted: false,
    };
    lane.exhaust(&mut sending, in_flight, longest, watch)?;
    // A request that has to be retried after the last wave is sent in another one.
    while !sending.again.is_empty() && !sending.is_hopeless() {
        let before = sending.again.len();
        lane.exhaust(&mut sending, in_flight, longest, watch)?;
        if sending.again.len() >= before {
            break;
        }
    }
    let cut_off = u64::from(!sending.exhausted);
    Ok(sending.unanswered + sending.again.len() as u64 + cut_off)
}

/// Sends one request, with retries; returns status and body of its response, if there is one.
pub fn request_one(
    lane: &mut Lane,
    longest: Duration,
    ask: impl Fn(&mut RequestBuf) + Send,
) -> Result<Option<(u16, Vec<u8>)>, SenderError> {
    let mut one = One { ask, asked: false, answer: None };
    request_all(&mut one, lane, 1, longest, &mut |_| true)?;
    Ok(one.answer)
}

struct One<F> {
    ask: F,
    asked: bool,
    answer: Option<(u16, Vec<u8>)>,
}

impl<F: Fn(&mut RequestBuf) + Send> RequestList for One<F> {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        (!std::mem::replace(&mut self.asked, true)).then_some(())
    }

    fn write(&self, (): &(), request: &mut RequestBuf) {
        (self.ask)(request);
    }

    fn accept(&mut self, (): &(), reply: &Reply<'_>) -> bool {
        self.answer = Some((reply.status, reply.body.to_vec()));
        true
    }
}

struct Sending<'a, S: RequestList> {
    requests: &'a mut S,
    /// The requests in flight, indexed by the key of their operation.
    in_flight: Vec<Option<(S::Item, u8)>>,
    again: VecDeque<(S::Item, u8)>,
    unanswered: u64,
    /// Consecutive tries without a response.
    in_a_row: u64,
    exhausted: bool,
}

impl<S: RequestList> Sending<'_, S> {
    fn is_hopeless(&self) -> bool {
        self.unanswered >= GIVE_UP || self.in_a_row >= GIVE_UP
    }

    fn next(&mut self) -> Option<(S::Item, u8)> {
        if self.is_hopeless() {
            return None;
        }
        if let Some(item) = self.requests.next() {
            return Some((item, 0));
        }
        self.exhausted = true;
        self.again.pop_front()
    }

    fn take(&mut self, op: &Operation) -> Option<(S::Item, u8)> {
        self.in_flight.get_mut(op.key as usize)?.take()
    }

    fn retry(&mut self, item: S::Item, tried: u8) {
        self.in_a_row += 1;
        if tried + 1 < TRIES { self.again.push_back((item, tried + 1)) } else { self.unanswered += 1 }
    }
}

impl<S: RequestList> Journeys for Sending<'_, S> {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        let Some(asked) = self.next() else { return Begun::Exhausted };
        self.requests.write(&asked.0, request);
        op.kind = "request";
        let free = self.in_flight.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.in_flight.push(None);
            self.in_flight.len() - 1
        });
        self.in_flight[at] = Some(asked);
        op.key = at as u64;
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        let Some((item, tried)) = self.take(op) else {
            return Step::Done(Outcome::Failed(Failure::Malformed));
        };
        if let Some(outcome) = common_outcome(reply.status) {
            self.retry(item, tried);
            return Step::Done(outcome);
        }
        if self.requests.accept(&item, reply) {
            self.in_a_row = 0;
            return Step::Done(Outcome::Success);
        }
        self.retry(item, tried);
        Step::Done(Outcome::Failed(Failure::UnexpectedStatus))
    }

    fn abandoned(&mut self, op: &mut Operation, _why: Failure) {
        if let Some((item, tried)) = self.take(op) {
            self.retry(item, tried);
        }
    }
}
