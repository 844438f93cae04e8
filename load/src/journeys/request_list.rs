//! A finite list of requests, each asked until it is answered: how preparations and ledger checks talk to a system.

use std::collections::VecDeque;
use std::time::Duration;

use crate::http::{Reply, RequestBuf};
use crate::journey::{Begun, Failure, Journeys, Operation, Outcome, Step, common_outcome};
use crate::record::SliceRecord;
use crate::sender::{Lane, SenderError};

/// How often one question is asked before it counts as unanswered.
const TRIES: u8 = 5;
/// How many unanswered questions, or tries in a row without an answer, end a list: a system that is down is not
/// asked ten thousand times.
const GIVE_UP: u64 = 100;

/// A list of questions and what to do with their answers.
pub trait RequestList: Send {
    /// What a reply is an answer to; also all that is needed to ask again.
    type Question: Send;

    /// The next question, `None` after the last.
    fn next(&mut self) -> Option<Self::Question>;

    /// Writes the request of a question.
    fn ask(&self, question: &Self::Question, request: &mut RequestBuf);

    /// Takes a reply; `false` if it is no answer and the question is to be asked again.
    /// Refusals and 5xx statuses do not come here: they are asked again always.
    fn answer(&mut self, question: &Self::Question, reply: &Reply<'_>) -> bool;
}

/// Asks every question of `requests` and returns how many stayed unanswered, those never asked included as one.
///
/// At most `in_flight` questions are in flight, and all of it takes at most `longest` and a drain.
/// `watch` sees the record every few milliseconds; when it returns `false`, no more is asked.
pub fn request_all<S: RequestList>(
    requests: &mut S,
    lane: &mut Lane,
    in_flight: usize,
    longest: Duration,
    watch: &mut dyn FnMut(&SliceRecord) -> bool,
) -> Result<u64, SenderError> {
    let mut asking = Asking {
        requests,
        under_way: Vec::new(),
        again: VecDeque::new(),
        unanswered: 0,
        in_a_row: 0,
        exhausted: false,
    };
    lane.exhaust(&mut asking, in_flight, longest, watch)?;
    // A question that came back after the last wave is asked in another one.
    while !asking.again.is_empty() && !asking.is_hopeless() {
        let before = asking.again.len();
        lane.exhaust(&mut asking, in_flight, longest, watch)?;
        if asking.again.len() >= before {
            break;
        }
    }
    let cut_off = u64::from(!asking.exhausted);
    Ok(asking.unanswered + asking.again.len() as u64 + cut_off)
}

/// Asks one question, again where it is refused, and returns the status and the body of its answer, if there is one.
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
    type Question = ();

    fn next(&mut self) -> Option<()> {
        (!std::mem::replace(&mut self.asked, true)).then_some(())
    }

    fn ask(&self, (): &(), request: &mut RequestBuf) {
        (self.ask)(request);
    }

    fn answer(&mut self, (): &(), reply: &Reply<'_>) -> bool {
        self.answer = Some((reply.status, reply.body.to_vec()));
        true
    }
}

struct Asking<'a, S: RequestList> {
    requests: &'a mut S,
    /// Questions in flight, at the index that their operation has as its key.
    under_way: Vec<Option<(S::Question, u8)>>,
    again: VecDeque<(S::Question, u8)>,
    unanswered: u64,
    /// Tries since the last answer.
    in_a_row: u64,
    exhausted: bool,
}

impl<S: RequestList> Asking<'_, S> {
    fn is_hopeless(&self) -> bool {
        self.unanswered >= GIVE_UP || self.in_a_row >= GIVE_UP
    }

    fn next(&mut self) -> Option<(S::Question, u8)> {
        if self.is_hopeless() {
            return None;
        }
        if let Some(question) = self.requests.next() {
            return Some((question, 0));
        }
        self.exhausted = true;
        self.again.pop_front()
    }

    fn take(&mut self, op: &Operation) -> Option<(S::Question, u8)> {
        self.under_way.get_mut(op.key as usize)?.take()
    }

    fn retry(&mut self, question: S::Question, tried: u8) {
        self.in_a_row += 1;
        if tried + 1 < TRIES { self.again.push_back((question, tried + 1)) } else { self.unanswered += 1 }
    }
}

impl<S: RequestList> Journeys for Asking<'_, S> {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        let Some(asked) = self.next() else { return Begun::Exhausted };
        self.requests.ask(&asked.0, request);
        op.kind = "request";
        let free = self.under_way.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.under_way.push(None);
            self.under_way.len() - 1
        });
        self.under_way[at] = Some(asked);
        op.key = at as u64;
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        let Some((question, tried)) = self.take(op) else {
            return Step::Done(Outcome::Failed(Failure::Malformed));
        };
        if let Some(outcome) = common_outcome(reply.status) {
            self.retry(question, tried);
            return Step::Done(outcome);
        }
        if self.requests.answer(&question, reply) {
            self.in_a_row = 0;
            return Step::Done(Outcome::Success);
        }
        self.retry(question, tried);
        Step::Done(Outcome::Failed(Failure::UnexpectedStatus))
    }

    fn abandoned(&mut self, op: &mut Operation, _why: Failure) {
        if let Some((question, tried)) = self.take(op) {
            self.retry(question, tried);
        }
    }
}
