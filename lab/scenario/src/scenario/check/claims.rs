//! The figures and arms that claims and answers may refer to.

use std::ops::Range;

use design::System;
use toml::Spanned;

use crate::{
    diagnostic::did_you_mean,
    scenario::{Claim, Comparison, Kind, Metric, OverTime, ScenarioFault, fault::Source, file::ClaimFile},
    systems,
};

/// The backings with their own processes; an embedded one is part of the cost of the process that uses it.
const OWN_COST: [&str; 4] = ["postgres", "kafka", "redis", "provider"];

/// What a scenario's runs measure, as far as it decides which figures they have.
pub(in crate::scenario) struct Measured {
    pub(in crate::scenario) system: &'static System,
    pub(in crate::scenario) kind: Kind,
    /// The number of its faults, and of its phases.
    pub(in crate::scenario) faults: usize,
    pub(in crate::scenario) phases: usize,
}

/// Checks a figure: a fact that the system's journeys report, or a backing with its own cost.
pub(in crate::scenario) fn figure(
    source: &Source<'_>,
    measured: &Measured,
    metric: &Metric,
    span: &Range<usize>,
) -> Result<(), ScenarioFault> {
    let system = measured.system;
    if let Metric::OverTime(figure) = metric {
        return over_time(source, measured, *figure, metric, span);
    }
    if let Metric::CpuOf(backing) = metric
        && !OWN_COST.contains(&backing.as_str())
    {
        let what = format!("there is no backing `{backing}` whose CPU is its own");
        return Err(source.at(span, what, did_you_mean(backing, OWN_COST)));
    }
    let (known, named) = (systems::facts(system.name), metric.facts(system.name));
    if let Some(fact) = metric.of_ledger()
        && !named.iter().any(|fact| known.contains(fact))
    {
        let what = format!("the ledger of `{}` has no fact `{fact}`", system.name);
        return Err(source.at(span, what, did_you_mean(fact, known)));
    }
    Ok(())
}

/// Checks a figure of the time of an episode: something has to happen in it.
fn over_time(
    source: &Source<'_>,
    measured: &Measured,
    figure: OverTime,
    metric: &Metric,
    span: &Range<usize>,
) -> Result<(), ScenarioFault> {
    let (name, kind) = (metric.name(), measured.kind);
    if kind != Kind::Episodes {
        let what = format!("`{name}` is a figure of `episodes`, and this is `{}`", kind.name());
        return Err(source.at(span, what, "say `kind = \"episodes\"`".to_owned()));
    }
    let phases = match figure {
        OverTime::Amplification => 0,
        OverTime::GoodputRatio => 2,
        OverTime::DetectMs | OverTime::RecoverMs | OverTime::LostOperations => 3,
    };
    if measured.faults == 0 && measured.phases < phases {
        let what = format!("`{name}` is about what a fault does, and nothing happens in these episodes");
        let hint = format!("add `[[faults]]`, or at least {phases} `[[load.phases]]`");
        return Err(source.at(span, what, hint));
    }
    Ok(())
}

/// The reason why an arm in a claim or an answer is invalid, if it is.
pub(in crate::scenario) fn arm_fault(
    source: &Source<'_>,
    comparison: &Comparison,
    whose: &str,
    arm: &str,
    span: &Range<usize>,
) -> Option<ScenarioFault> {
    let known = comparison.arm_names();
    let what = || format!("the {whose} is about an arm `{arm}` that this scenario does not have");
    (!known.contains(&arm)).then(|| source.at(span, what(), did_you_mean(arm, known)))
}

pub(super) fn checked(
    source: &Source<'_>,
    measured: &Measured,
    comparison: &Comparison,
    claim: ClaimFile,
) -> Result<Claim, ScenarioFault> {
    for arm in std::iter::once(&claim.arm).chain(&claim.against) {
        if let Some(fault) = arm_fault(source, comparison, "claim", arm.get_ref(), &arm.span()) {
            return Err(fault);
        }
    }
    figure(source, measured, claim.metric.get_ref(), &claim.metric.span())?;
    let relation = *claim.is.get_ref();
    bound(source, &claim)?;
    if relation.needs_against() != claim.against.is_some() {
        let what = if relation.needs_against() {
            format!("`{}` compares two arms: expected `against`", relation.name())
        } else {
            format!("`{}` is about one arm: `against` has no meaning", relation.name())
        };
        return Err(source.at(&claim.is.span(), what, None));
    }
    let is_about_a_count = !relation.needs_against() && !relation.needs_bound();
    if is_about_a_count && !claim.metric.get_ref().is_counted() {
        let what =
            format!("`{}` is no count, so it is never `{}`", claim.metric.get_ref().name(), relation.name());
        let hint = "compare it with another arm: `against`, and `higher`, `lower` or `same`".to_owned();
        return Err(source.at(&claim.is.span(), what, hint));
    }
    if let Some(factor) = &claim.by_at_least
        && !(*factor.get_ref() > 1.0 && *factor.get_ref() <= 1_000.0)
    {
        let hint = "`by_at_least = 1.2` with `is = \"higher\"` says: at least 1.2 times the other".to_owned();
        return Err(source.at(&factor.span(), "`by_at_least` is a factor above 1 and at most 1000", hint));
    }
    Ok(Claim {
        text: claim.text,
        source: claim.source,
        metric: claim.metric.into_inner(),
        arm: claim.arm.into_inner(),
        against: claim.against.map(Spanned::into_inner),
        is: relation,
        by_at_least: claim.by_at_least.map(Spanned::into_inner),
        than: claim.than.map(Spanned::into_inner),
        expect: claim.expect,
    })
}

/// A bound is there where the relation needs one, and the figure is one of those that have one.
fn bound(source: &Source<'_>, claim: &ClaimFile) -> Result<(), ScenarioFault> {
    let (relation, metric) = (*claim.is.get_ref(), claim.metric.get_ref());
    let hint = || "`is = \"at-most\"` with `than = 500` says: 500 or less".to_owned();
    match &claim.than {
        None if relation.needs_bound() => {
            let what = format!("`{}` compares a figure with a number: expected `than`", relation.name());
            Err(source.at(&claim.is.span(), what, hint()))
        }
        Some(than) if !relation.needs_bound() => {
            let what = format!("`{}` has no bound: `than` has no meaning", relation.name());
            Err(source.at(&than.span(), what, hint()))
        }
        Some(than) if !(*than.get_ref() >= 0.0 && than.get_ref().is_finite()) => {
            Err(source.at(&than.span(), "`than` is a number of at least 0", None))
        }
        Some(_) if !matches!(metric, Metric::OverTime(_)) => {
            let what = format!("`{}` has no bound that holds on every machine", metric.name());
            let hint = "compare it with another arm: `against`, and `higher`, `lower` or `same`".to_owned();
            Err(source.at(&claim.metric.span(), what, hint))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
