//! Scales from figures to pixels, and the ticks of an axis.

/// A range of an axis in pixels, with the values at its ends.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

impl Scale {
    /// The pixel of a value, linear; values beyond the ends are clamped.
    pub(crate) fn linear(&self, value: f64) -> f64 {
        self.at((value - self.low) / (self.high - self.low))
    }

    /// The pixel of a value, logarithmic; all must be above zero.
    pub(super) fn log(&self, value: f64) -> f64 {
        self.at((value / self.low).ln() / (self.high / self.low).ln())
    }

    fn at(&self, share: f64) -> f64 {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.start + share * (self.end - self.start)
    }
}

/// Round values from zero to at least `most`, about `wanted` of them.
pub(crate) fn linear_ticks(most: f64, wanted: f64) -> Vec<f64> {
    let rough = (most / wanted).max(f64::MIN_POSITIVE);
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * decade).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * decade);
    let last = (most / step).ceil() as u32;
    (0..=last).map(|at| f64::from(at) * step).collect()
}

/// The values 1, 2 and 5 of each decade between two ends, thinned to the decades if there are more than `most`.
pub(super) fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = |steps: &[f64]| -> Vec<f64> {
        (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
            .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
            .collect()
    };
    let fine = all(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]);
    if fine.len() <= most.min(6) {
        return fine;
    }
    let usual = all(&[1.0, 2.0, 5.0]);
    if usual.len() <= most { usual } else { all(&[1.0]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_data() {
        assert_eq!(linear_ticks(176.2, 6.0), [0.0, 50.0, 100.0, 150.0, 200.0]);
        let log = log_ticks(0.2, 15.0, 12);
        assert!((log[0] - 0.2).abs() < 1e-9 && log.len() == 6, "{log:?}");
    }

    #[test]
    fn a_scale_puts_its_ends_at_its_ends() {
        let scale = Scale { low: 1.0, high: 100.0, start: 0.0, end: 10.0 };
        assert!((scale.log(10.0) - 5.0).abs() < 1e-9);
        assert!((scale.linear(500.0) - 10.0).abs() < 1e-9);
        assert!(scale.log(0.0).abs() < 1e-9);
    }
}
