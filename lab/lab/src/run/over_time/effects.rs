//! What a disturbance did to an episode. `docs/measurement.md` defines each figure.
//!
//! Read in this order: this file (the figures of one episode, and of an arm), `goodput` (the time to recover, and what was
//! lost), `notice` (the time to detect), `amplification`.

mod amplification;
mod goodput;
mod notice;

use std::time::Duration;

use load::episode::Episode;
use report::model::{FaultEffect, Spread};
use scenario::plan::{ArmPlan, Plan};

use self::goodput::Goodput;
use super::{Disturbance, Watched, readings::Counted};

/// The length of the buckets of what processes counted: that of the interval between readings.
pub(super) const BIN: Duration = super::sampler::EVERY;

/// The figures of one episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Of each disturbance, in the order of the scenario's faults.
    effects: Vec<Effect>,
    pub(super) goodput_ratio: Option<f64>,
    pub(super) amplification: Option<f64>,
}

/// What one disturbance did to one episode.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Effect {
    fault: Option<usize>,
    detect_ms: Option<f64>,
    recover_ms: Option<f64>,
    lost_operations: Option<f64>,
    amplification: Option<f64>,
}

/// The figures of an episode with these disturbances.
pub(super) fn figures(
    plan: &Plan,
    arm: &ArmPlan,
    episode: &Watched,
    counted: &Counted,
    disturbances: &[Disturbance],
) -> Figures {
    let seen = &episode.seen;
    // Without a disturbance it is the first phase, if there is another.
    let first = match scenario::phases::spans(&plan.load.phases).as_slice() {
        [first, _, ..] => Some(first.length),
        _ => None,
    };
    let undisturbed = disturbances.iter().map(|disturbance| disturbance.began).min().or(first);
    let goodput = Goodput::of(seen, undisturbed.unwrap_or_default());
    let paths = amplification::Paths::of(arm, counted, undisturbed);
    let effects = disturbances.iter().map(|disturbance| {
        let recovered = goodput.recovered(disturbance.ended, disturbance.until);
        let felt_until = recovered.unwrap_or(disturbance.until);
        Effect {
            fault: disturbance.fault,
            detect_ms: notice::noticed(seen, &counted.signs, undisturbed.unwrap_or_default(), disturbance)
                .map(ms),
            recover_ms: recovered.map(|at| ms(at.saturating_sub(disturbance.ended))),
            lost_operations: Some(goodput.lost(disturbance.began, felt_until)),
            amplification: paths.highest(disturbance.began, felt_until.max(disturbance.ended)),
        }
    });
    let after = disturbances.iter().map(|disturbance| disturbance.ended).max();
    let effects: Vec<Effect> = effects.collect();
    let felt = effects.iter().filter_map(|effect| effect.amplification).max_by(f64::total_cmp);
    Figures {
        effects,
        goodput_ratio: ratio(plan, seen, undisturbed.zip(after)),
        amplification: felt.or_else(|| paths.highest(undisturbed.unwrap_or_default(), plan.load.slice)),
    }
}

/// Goodput of the last phase by that of the first; without phases, of the time after the disturbances by that of the time
/// before them.
fn ratio(plan: &Plan, seen: &Episode, disturbed: Option<(Duration, Duration)>) -> Option<f64> {
    let spans = scenario::phases::spans(&plan.load.phases);
    if let [first, .., last] = spans.as_slice() {
        let within = |span: &scenario::phases::Span<'_>| (span.start, span.start + span.length);
        return goodput::ratio(seen, within(last), within(first));
    }
    let (began, ended) = disturbed?;
    goodput::ratio(seen, (ended, plan.load.slice), (Duration::ZERO, began))
}

/// The effects of the disturbances of an arm's episodes, one for each disturbance.
pub(super) fn of_faults(episodes: &[Figures]) -> Vec<FaultEffect> {
    let mut faults: Vec<Option<usize>> =
        episodes.iter().flat_map(|episode| episode.effects.iter().map(|effect| effect.fault)).collect();
    faults.sort_unstable();
    faults.dedup();
    let of = |fault: Option<usize>| {
        let effects: Vec<&Effect> = episodes
            .iter()
            .filter_map(|episode| episode.effects.iter().find(|effect| effect.fault == fault))
            .collect();
        let over = |figure: fn(&Effect) -> Option<f64>| Spread {
            episodes: effects.iter().map(|effect| figure(effect).map(rounded)).collect(),
        };
        FaultEffect {
            fault,
            detect_ms: over(|effect| effect.detect_ms),
            recover_ms: over(|effect| effect.recover_ms),
            lost_operations: over(|effect| effect.lost_operations),
            amplification: over(|effect| effect.amplification),
        }
    };
    faults.into_iter().map(of).collect()
}

/// A figure over episodes; `None` if no episode has it.
pub(super) fn spread(values: impl Iterator<Item = Option<f64>>) -> Option<Spread> {
    let episodes: Vec<Option<f64>> = values.map(|value| value.map(rounded)).collect();
    episodes.iter().any(Option::is_some).then_some(Spread { episodes })
}

/// Three decimals: a microsecond, and a thousandth of an operation, mean nothing here.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(fault: usize, recover_ms: Option<f64>) -> Effect {
        Effect { fault: Some(fault), recover_ms, lost_operations: Some(1.0), ..Effect::default() }
    }

    #[test]
    fn the_effects_of_a_fault_are_gathered_over_the_episodes() {
        let episode = |effects| Figures { effects, ..Figures::default() };
        let episodes = [
            episode(vec![effect(0, Some(20.0)), effect(1, None)]),
            episode(vec![effect(0, Some(10.0)), effect(1, Some(5.0))]),
        ];
        let [first, second] = of_faults(&episodes).try_into().expect("two faults");
        assert_eq!((first.fault, first.recover_ms.episodes), (Some(0), vec![Some(20.0), Some(10.0)]));
        assert_eq!((second.fault, second.recover_ms.episodes), (Some(1), vec![None, Some(5.0)]));
        assert_eq!(second.lost_operations.median(), Some(1.0));
    }

    #[test]
    fn a_figure_that_no_episode_has_is_absent() {
        assert_eq!(spread([None, None].into_iter()), None);
        let some = spread([None, Some(1.000_04)].into_iter()).map(|spread| spread.episodes);
        assert_eq!(some, Some(vec![None, Some(1.0)]));
    }
}
