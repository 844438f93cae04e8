//! Debts: the keys whose merged admissions leave no room for one request. They are refused until one fits.

use std::{collections::HashMap, time::Duration};

use limiter::{Algorithm, Charge, CountKey, Fields, Limit, LocalCounts, Standing};

/// Keys that may be in debt at once; the debt of a further one is forgiven.
const MAX_DEBTS: usize = 10_000;

/// The keys in debt.
#[derive(Default)]
pub(super) struct Debts(HashMap<CountKey, Debt>);

struct Debt {
    limit: Limit,
    /// The end of the debt, in nanoseconds since 1970: then one request fits.
    until: u64,
    /// The merged state, valid from the end of the debt on.
    sum: Fields,
}

impl Debts {
    /// Records a debt that lasts this long; `false` if too many keys are in debt.
    pub(super) fn record(
        &mut self,
        key: &CountKey,
        limit: &Limit,
        sum: Fields,
        now: u64,
        duration: Duration,
    ) -> bool {
        let has_room = self.0.len() < MAX_DEBTS || self.0.contains_key(key);
        if has_room {
            let until = now.saturating_add(duration.as_nanos() as u64);
            self.0.insert(key.clone(), Debt { limit: *limit, until, sum });
        }
        has_room
    }

    /// Removes a debt that a newer sum has replaced.
    pub(super) fn remove(&mut self, key: &CountKey) {
        self.0.remove(key);
    }

    /// The standing of each charge whose key is in debt; `None` for the others, which the local counts judge.
    pub(super) fn standings(
        &mut self,
        charges: &[Charge],
        algorithm: Algorithm,
        counts: &LocalCounts,
        now: u64,
    ) -> Vec<Option<Standing>> {
        for charge in charges {
            self.settle(&charge.key, counts, now);
        }
        let standing = |(index, charge): (usize, &Charge)| {
            let debt = self.0.get(&charge.key)?;
            Some(debt.standing(algorithm, cost_on_top(&charges[..index], charge), now))
        };
        charges.iter().enumerate().map(standing).collect()
    }

    /// Ends the debt of a key if it is due, and restores its state.
    fn settle(&mut self, key: &CountKey, counts: &LocalCounts, now: u64) {
        if self.0.get(key).is_some_and(|debt| debt.until <= now)
            && let Some(debt) = self.0.remove(key)
        {
            counts.set_fields(key, &debt.limit, debt.sum);
        }
    }

    /// Ends the debts that are due, and restores their states.
    pub(super) fn settle_all(&mut self, counts: &LocalCounts, now: u64) {
        for (key, debt) in self.0.extract_if(|_, debt| debt.until <= now) {
            counts.set_fields(&key, &debt.limit, debt.sum);
        }
    }
}

impl Debt {
    /// The standing of a request of this cost while the debt lasts.
    ///
    /// At the end of the debt exactly one request fits, and a cost above 1 has to wait on. So the merged state is judged as
    /// of that moment, and what it says is counted from there.
    fn standing(&self, algorithm: Algorithm, cost: u32, now: u64) -> Standing {
        let at_end = algorithm.judge(self.sum, &self.limit, cost, self.until);
        let until_one_fits = Duration::from_nanos(self.until - now);
        Standing {
            admits: false,
            remaining: 0,
            more_after: until_one_fits,
            reset_after: until_one_fits + at_end.reset_after,
            retry_after: at_end.retry_after.map(|after| until_one_fits + after),
            wait: Duration::ZERO,
        }
    }
}

/// The cost of a charge on top of the earlier enforced charges of the same key, none of which fits while it is in debt: the
/// request comes back when there is room for all of them.
fn cost_on_top(before: &[Charge], charge: &Charge) -> u32 {
    let same = before.iter().filter(|other| other.key == charge.key && other.enforced);
    same.map(|other| other.cost).fold(charge.cost.max(1), u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contract::Ticks;
    use limiter::{Capacity, CountError, Take};

    use super::*;

    const START: u64 = 1_800_000_000_000_000_000;

    struct At(u64);

    impl Ticks for At {
        fn ticks(&self) -> u64 {
            self.0
        }
    }

    fn charge(cost: u32, enforced: bool) -> Charge {
        // Ten a second, and a burst of five; a queue holds as many, because a second's worth is ten.
        let limit = Limit::new(10, Duration::from_secs(1), Some(5)).expect("a limit");
        Charge { key: CountKey("key".to_owned()), limit, enforced, cost }
    }

    /// The standings of a key for which one request fits in 300 ms.
    fn in_debt(algorithm: Algorithm, charges: &[Charge]) -> (Vec<Standing>, Fields) {
        let spacing = 100_000_000;
        // Where GCRA's and the queue's states are when one request fits.
        let one_fits = if algorithm == Algorithm::Gcra { 4 * spacing } else { 5 * spacing };
        let sum = Fields([START + 300_000_000 + one_fits, 0, 0]);
        let (mut debts, limit) = (Debts::default(), charges[0].limit);
        assert!(debts.record(&charges[0].key, &limit, sum, START, Duration::from_millis(300)));
        let counts = counts(algorithm, START);
        let standings = debts.standings(charges, algorithm, &counts, START);
        (standings.into_iter().map(|standing| standing.expect("it is in debt")).collect(), sum)
    }

    fn counts(algorithm: Algorithm, now: u64) -> LocalCounts {
        LocalCounts::new(algorithm, Capacity::default(), [7; 16], Arc::new(At(now)))
    }

    /// Whether the charges fit when they come back after this long, with nothing charged in between.
    fn fits_after(
        algorithm: Algorithm,
        sum: Fields,
        charges: &[Charge],
        after: Duration,
    ) -> Result<bool, CountError> {
        let counts = counts(algorithm, START + after.as_nanos() as u64);
        counts.set_fields(&charges[0].key, &charges[0].limit, sum);
        let taken = counts.take_now(&Take { charges: charges.to_vec() })?;
        Ok(taken.standings.iter().all(|standing| standing.admits))
    }

    #[test]
    fn a_key_in_debt_is_told_when_this_request_fits_and_not_when_one_does() {
        for algorithm in [Algorithm::Gcra, Algorithm::LeakyBucket] {
            for (costs, retry_ms) in
                [(vec![0], 300), (vec![1], 300), (vec![2], 400), (vec![5], 700), (vec![2, 3], 700)]
            {
                let charges: Vec<_> = costs.iter().map(|cost| charge(*cost, true)).collect();
                let (standings, sum) = in_debt(algorithm, &charges);
                let told =
                    standings.iter().map(|standing| standing.retry_after.expect("it fits some time")).max();
                assert_eq!(told, Some(Duration::from_millis(retry_ms)), "{algorithm:?}, {costs:?}");
                let told = told.unwrap_or_default();
                assert_eq!(fits_after(algorithm, sum, &charges, told), Ok(true), "{algorithm:?}, {costs:?}");
                let sooner = told.saturating_sub(Duration::from_millis(1));
                assert_eq!(
                    fits_after(algorithm, sum, &charges, sooner),
                    Ok(false),
                    "{algorithm:?}, {costs:?}"
                );
                for standing in standings {
                    assert!(!standing.admits && standing.remaining == 0);
                    assert_eq!(standing.more_after, Duration::from_millis(300));
                }
            }
        }
    }

    #[test]
    fn a_key_in_debt_never_has_room_for_more_than_its_burst() {
        let (standings, _) = in_debt(Algorithm::Gcra, &[charge(6, true)]);
        assert_eq!(standings[0].retry_after, None);
        let (standings, _) = in_debt(Algorithm::Gcra, &[charge(3, true), charge(3, true)]);
        assert_eq!(standings[1].retry_after, None, "nor for two charges that are more");
        let (standings, _) = in_debt(Algorithm::Gcra, &[charge(3, false), charge(3, true)]);
        assert_eq!(standings[1].retry_after, Some(Duration::from_millis(500)), "a dry run is not charged");
    }

    #[test]
    fn a_key_in_debt_is_told_when_its_whole_limit_is_back() {
        let (standings, _) = in_debt(Algorithm::Gcra, &[charge(1, true)]);
        assert_eq!(standings[0].reset_after, Duration::from_millis(700), "and not a window after the debt");
    }
}
