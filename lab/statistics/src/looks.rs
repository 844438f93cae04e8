//! Sequential looks (a group sequential test, with alpha spending): the confidence of each interval in a run that stops as soon as it has decided.
//!
//! Looking at equal arms repeatedly finds a difference in the end: five looks at 95 % find one in 14 % of
//! runs, twenty in 25 % (Armitage, McPherson and Rowe, "Repeated significance tests on accumulating data",
//! JRSS A 132, 1969).
//! So all looks share one allowance of false alarms. Each look spends a part of it in proportion to the data
//! since the previous look, and the last one spends the rest (Lan and DeMets, "Discrete sequential boundaries
//! for clinical trials", Biometrika 70, 1983, with the linear spending function of Kim and DeMets, Biometrika
//! 74, 1987). The parts add up by Boole's inequality, which needs no knowledge of the dependence between
//! looks; for jackknifed and bootstrapped intervals that is not known exactly. The price is that intervals
//! are slightly wider than necessary.

/// The looks of one run.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    next: u32,
    most: u32,
    spent: f64,
}

impl Looks {
    /// Looks after `first` launches, after each doubling of that, and at the end: after `most` launches, or
    /// when time is up.
    pub fn new(first: u32, most: u32) -> Self {
        let first = first.max(1);
        Self { next: first, most: most.max(first), spent: 0.0 }
    }

    /// The share of the allowance to spend after this many launches; `None` if this is not a look.
    ///
    /// Whether a launch is the last must not depend on the findings.
    pub fn after(&mut self, launches: u32, is_last: bool) -> Option<f64> {
        if is_last || launches >= self.most {
            return Some(1.0 - self.spent);
        }
        if launches < self.next {
            return None;
        }
        self.next = self.next.saturating_mul(2);
        let until_now = f64::from(launches) / f64::from(self.most);
        let share = until_now - self.spent;
        self.spent = until_now;
        Some(share)
    }
}

#[cfg(test)]
mod tests {
    use super::Looks;

    #[test]
    fn all_looks_together_spend_one_allowance() {
        for (most, ends) in [(48, 48), (48, 30), (7, 7), (6, 6), (3, 3), (500, 1)] {
            let mut looks = Looks::new(6, most);
            let spent: Vec<f64> =
                (1..=ends).filter_map(|launch| looks.after(launch, launch == ends)).collect();
            assert!((spent.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{most}, {ends}: {spent:?}");
            assert!(spent.iter().all(|share| *share > 0.0), "{most}, {ends}: {spent:?}");
        }
        let mut looks = Looks::new(6, 48);
        let at: Vec<u32> = (1..=48).filter(|launch| looks.after(*launch, false).is_some()).collect();
        assert_eq!(at, [6, 12, 24, 48]);
    }
}
