//! The oracles against every subset, and against limiters whose decisions are known.

use proptest::prelude::*;

use super::*;

/// The window of every test.
const WINDOW: Nanos = 10;

/// A request: when it was sent, decided and answered.
#[derive(Clone, Copy, Debug)]
struct Request {
    sent: Nanos,
    decided: Nanos,
    replied: Nanos,
}

/// Requests whose messages take up to `slow` each way.
fn requests(count: usize, span: Nanos, slow: Nanos) -> impl Strategy<Value = Vec<Request>> {
    let request = (0..span, 0..=slow, 0..=slow).prop_map(|(sent, there, back)| Request {
        sent,
        decided: sent + there,
        replied: sent + there + back,
    });
    prop::collection::vec(request, 0..count)
}

/// The requests that an exact limiter admits, in the order of its decisions.
fn sliding_log(most: usize, requests: &[Request]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&nth| requests[nth].decided);
    let mut log: Vec<Nanos> = Vec::new();
    let mut admits = vec![false; requests.len()];
    for nth in order {
        let now = requests[nth].decided;
        admits[nth] = log.iter().filter(|&&then| then + WINDOW > now).count() < most;
        if admits[nth] {
            log.push(now);
        }
    }
    admits
}

fn by_reply(requests: &[Request]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&nth| requests[nth].replied);
    order
}

/// The excess if all of these requests were admitted.
fn excess(most: u64, requests: &[Request]) -> u64 {
    let mut excess = Excess::beyond(most, WINDOW);
    for nth in by_reply(requests) {
        excess.admitted(requests[nth].sent, requests[nth].replied);
    }
    excess.count()
}

/// Whether no window certainly holds more than `most` of the chosen requests; a window may begin at any send
/// time.
fn holds(most: usize, chosen: &[Request]) -> bool {
    let within = |from: Nanos| {
        let inside = |request: &&Request| request.sent >= from && request.replied < from + WINDOW;
        chosen.iter().filter(inside).count()
    };
    chosen.iter().all(|first| within(first.sent) <= most)
}

/// The size of the smallest set of requests whose removal satisfies every window, by exhaustive search.
fn fewest_to_remove(most: usize, requests: &[Request]) -> usize {
    let chosen = |set: u32| -> Vec<Request> {
        let is_in = |nth: &usize| set & (1 << nth) != 0;
        (0..requests.len()).filter(is_in).map(|nth| requests[nth]).collect()
    };
    let sets = (0..1_u32 << requests.len()).map(chosen).filter(|chosen| holds(most, chosen));
    requests.len() - sets.map(|chosen| chosen.len()).max().unwrap_or(0)
}

/// The refusals of a limiter that were certainly false; each request is reported as the sender sees it.
fn false_refusals(most: u64, requests: &[Request], admits: &[bool]) -> Vec<usize> {
    let mut room = Room::within(most, WINDOW);
    let order = by_reply(requests);
    let mut found = Vec::new();
    for (place, &nth) in order.iter().enumerate() {
        let request = requests[nth];
        let open =
            order[place + 1..].iter().filter(|&&later| requests[later].sent <= request.replied).count();
        if admits[nth] {
            room.maybe_admitted(request.replied);
        } else if room.was_certain(request.sent, request.replied, open) {
            found.push(nth);
        }
    }
    found
}

proptest! {
    #[test]
    fn the_excess_is_the_fewest_that_would_have_to_go(requests in requests(10, 40, 8), most in 1_usize..4) {
        prop_assert_eq!(excess(most as u64, &requests), fewest_to_remove(most, &requests) as u64);
    }

    #[test]
    fn an_exact_limiter_is_never_accused(requests in requests(60, 120, 9), most in 1_usize..6) {
        let admits = sliding_log(most, &requests);
        let admitted = |nth: usize| admits[nth].then_some(requests[nth]);
        let admitted: Vec<Request> = (0..requests.len()).filter_map(admitted).collect();
        prop_assert_eq!(excess(most as u64, &admitted), 0);
        prop_assert_eq!(false_refusals(most as u64, &requests, &admits), Vec::<usize>::new());
    }

    #[test]
    fn what_was_answered_at_once_is_judged_exactly(requests in requests(60, 120, 0), most in 1_usize..6) {
        let refused = sliding_log(most, &requests).iter().filter(|admits| !**admits).count();
        prop_assert_eq!(excess(most as u64, &requests), refused as u64);
    }

    #[test]
    fn a_refusal_that_nothing_explains_is_found(requests in requests(40, 200, 2), most in 1_usize..6) {
        // Nothing is ever admitted, and few are in flight.
        let nothing = vec![false; requests.len()];
        let found = false_refusals(most as u64, &requests, &nothing);
        for (nth, request) in requests.iter().enumerate() {
            let is_near = |other: &&Request| other.sent <= request.replied && other.replied >= request.sent;
            let crowd = requests.iter().filter(is_near).count();
            prop_assert!(crowd > most || found.contains(&nth), "request {nth} of {requests:?}");
        }
    }

    #[test]
    fn no_window_is_busier_than_it_is_told(requests in requests(60, 120, 0)) {
        let mut sent: Vec<Nanos> = requests.iter().map(|request| request.sent).collect();
        sent.sort_unstable();
        let mut busyness = Busyness::over(WINDOW);
        for &at in &sent {
            busyness.sent(at);
        }
        for &from in &sent {
            let within = sent.iter().filter(|&&at| at >= from && at < from + WINDOW).count() as u64;
            prop_assert!(within <= busyness.most());
        }
    }
}

#[test]
fn a_burst_at_the_edge_of_two_fixed_windows_is_beyond_the_policy_and_within_its_bound() {
    // A fixed window of 3 in 10 admits three just before a boundary and three just after it.
    let burst = [7, 8, 9, 10, 11, 12].map(|at| Request { sent: at, decided: at, replied: at });
    assert_eq!(excess(3, &burst), 3);
    assert_eq!(excess(6, &burst), 0);
}

#[test]
fn an_admission_that_may_lie_in_another_window_is_no_excess() {
    let slow = Request { sent: 0, decided: 0, replied: WINDOW };
    assert_eq!(excess(1, &[slow, slow, slow]), 0);
    let quick = Request { sent: 0, decided: 0, replied: WINDOW - 1 };
    assert_eq!(excess(1, &[quick, quick, quick]), 2);
}

#[test]
fn a_request_without_an_answer_may_have_taken_the_room() {
    let mut room = Room::within(1, WINDOW);
    assert!(room.was_certain(100, 101, 0));
    assert!(!room.was_certain(100, 101, 1), "one that is in flight may have taken it");
    room.maybe_admitted(99 + SLOWEST);
    room.maybe_admitted(90);
    assert!(!room.was_certain(100, 101, 0));
    assert!(!room.was_certain(98 + SLOWEST + WINDOW, 99 + SLOWEST + WINDOW, 0));
    assert!(room.was_certain(99 + SLOWEST + WINDOW, 100 + SLOWEST + WINDOW, 0));
    assert!(!room.was_certain(90 * SLOWEST, 92 * SLOWEST, 0), "what took so long is not judged");
}

#[test]
fn memory_is_bounded_by_the_limit_and_by_the_window() {
    let mut excess = Excess::beyond(3, WINDOW);
    let mut room = Room::within(1_000_000, WINDOW);
    for at in 0..100_000 {
        excess.admitted(at, at);
        room.maybe_admitted(at * SLOWEST);
    }
    assert!(excess.kept.len() <= 3 && room.latest.len() <= 4);
}
