//! What is done to an episode: its faults, or the phases between the first and the last.

use std::time::Duration;

use scenario::phases::{Phase, spans};

use crate::run::faults::Happened;

/// A disturbance; times count from the start of the episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disturbance {
    /// The index of the scenario's fault; `None` for phases.
    pub(super) fault: Option<usize>,
    pub(super) began: Duration,
    pub(super) ended: Duration,
    /// The time to which its effect is followed: the beginning of the next one, or the end of the episode.
    pub(super) until: Duration,
}

/// The disturbances of an episode of this length, in the order of the scenario's faults.
pub(super) fn disturbances(phases: &[Phase], faults: &[Happened], length: Duration) -> Vec<Disturbance> {
    if faults.is_empty() {
        return trigger(phases, length).into_iter().collect();
    }
    let of = |happened: &Happened| {
        let next = faults.iter().map(|other| other.began).filter(|began| *began >= happened.ended).min();
        Disturbance {
            fault: Some(happened.fault),
            began: happened.began,
            ended: happened.ended.min(length),
            until: next.unwrap_or(length).min(length),
        }
    };
    let mut all: Vec<Disturbance> = faults.iter().map(of).collect();
    all.sort_by_key(|disturbance| disturbance.fault);
    all
}

/// The phases between the first and the last.
fn trigger(phases: &[Phase], length: Duration) -> Option<Disturbance> {
    let spans = spans(phases);
    let [first, .., _, last] = spans.as_slice() else { return None };
    let began = first.start + first.length;
    Some(Disturbance { fault: None, began, ended: last.start, until: length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_fault_is_followed_until_the_next_one_that_begins_after_it() {
        let happened =
            |fault, began, ended| Happened { fault, began: ms(began), ended: ms(ended), back: None };
        // In the order in which they ended; the second begins during the first.
        let faults = [happened(1, 500, 800), happened(0, 200, 900), happened(2, 2_000, 3_500)];
        let found = disturbances(&[], &faults, ms(3_000));
        let times = found.iter().map(|one| (one.fault, one.began, one.ended, one.until));
        let expected = [
            (Some(0), ms(200), ms(900), ms(2_000)),
            (Some(1), ms(500), ms(800), ms(2_000)),
            (Some(2), ms(2_000), ms(3_000), ms(3_000)),
        ];
        assert!(times.eq(expected), "{found:?}");
    }

    #[test]
    fn without_faults_the_phases_between_the_first_and_the_last_are_the_disturbance() {
        let phase = |name: &str, ms| Phase {
            name: name.to_owned(),
            repeat: 1,
            pieces: vec![scenario::phases::Piece { ms, from: 1.0, to: 1.0 }],
        };
        let phases =
            [phase("steady", 1_000), phase("up", 500), phase("over", 300), phase("steady again", 2_000)];
        let expected = Disturbance { fault: None, began: ms(1_000), ended: ms(1_800), until: ms(3_800) };
        assert_eq!(disturbances(&phases, &[], ms(3_800)), [expected]);
        for phases in [&phases[..2], &[]] {
            assert_eq!(disturbances(phases, &[], ms(1_500)), []);
        }
    }
}
