//! When a client comes back whose connection has ended.

use std::time::Duration;

use rand::{RngExt, rngs::Xoshiro256PlusPlus};

use crate::live::Ended;

/// The pause after the first end, on average three quarters of it, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// The longest pause after the first end of a connection whose server restarts: all its clients come back, spread over this
/// time.
const RESTART: Duration = Duration::from_secs(1);
/// How long a connection has to be open before its end counts as the first again.
const STAYED: Duration = Duration::from_secs(5);

/// The close codes that the API gives a meaning to which matters here.
pub(super) mod codes {
    /// The server restarts.
    pub(in super::super) const RESTART: u16 = 1012;
    /// Nothing can follow the position with which the client came: it has to read the history.
    pub(in super::super) const NO_RECOVERY: [u16; 3] = [4009, 4010, 4011];
}

/// How often a client came back in vain, or nearly so.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BackOff {
    tries: u32,
}

impl BackOff {
    /// The pause before a client comes back whose connection was open for so long.
    pub(super) fn pause(&mut self, why: Ended, open: Duration, random: &mut Xoshiro256PlusPlus) -> Duration {
        if open >= STAYED {
            self.tries = 0;
        }
        let tries = self.tries;
        self.tries = (tries + 1).min(16);
        if tries == 0 && why == Ended::ByTarget(Some(codes::RESTART)) {
            return RESTART.mul_f64(random.random());
        }
        let most = (FIRST * (1 << tries)).min(LONGEST);
        most.mul_f64(0.5 + random.random::<f64>() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const LOST: Ended = Ended::Lost;

    fn pauses(why: Ended, open: &[u64]) -> Vec<u128> {
        let (mut back_off, mut random) = (BackOff::default(), Xoshiro256PlusPlus::seed_from_u64(3));
        let pause =
            |seconds: &u64| back_off.pause(why, Duration::from_secs(*seconds), &mut random).as_millis();
        open.iter().map(pause).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let most = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000];
        for (pause, most) in pauses(LOST, &[0; 9]).into_iter().zip(most) {
            assert!(pause >= most / 2 && pause <= most, "{pause} of {most}");
        }
    }

    #[test]
    fn only_a_connection_that_stayed_makes_the_next_end_a_first_one() {
        let pauses = pauses(LOST, &[0, 0, 0, 4, 5, 60]);
        assert!(pauses[3] >= 400 && pauses[4] <= 100 && pauses[5] <= 100, "{pauses:?}");
    }

    #[test]
    fn the_clients_of_a_server_that_restarts_are_spread_over_a_second() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let restart = Ended::ByTarget(Some(codes::RESTART));
        let mut first = || BackOff::default().pause(restart, Duration::ZERO, &mut random).as_millis();
        let pauses: Vec<u128> = (0..1_000).map(|_| first()).collect();
        for tenth in 0..10 {
            let within = pauses.iter().filter(|pause| **pause / 100 == tenth).count();
            assert!((60..=140).contains(&within), "{within} in the {tenth}th tenth of the second");
        }
    }
}
