//! The figures and arms that claims and answers may refer to.

use std::ops::Range;

use design::System;
use toml::Spanned;

use crate::{
    diagnostic::did_you_mean,
    scenario::{Claim, Comparison, Metric, ScenarioFault, fault::Source, file::ClaimFile},
    systems,
};

/// The backings with their own processes; an embedded one is part of the cost of the process that uses it.
const OWN_COST: [&str; 3] = ["postgres", "kafka", "redis"];

/// Checks a figure: a fact that the system's journeys report, or a backing with its own cost.
pub(in crate::scenario) fn figure(
    source: &Source<'_>,
    system: &System,
    metric: &Metric,
    span: &Range<usize>,
) -> Result<(), ScenarioFault> {
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
    system: &System,
    comparison: &Comparison,
    claim: ClaimFile,
) -> Result<Claim, ScenarioFault> {
    for arm in std::iter::once(&claim.arm).chain(&claim.against) {
        if let Some(fault) = arm_fault(source, comparison, "claim", arm.get_ref(), &arm.span()) {
            return Err(fault);
        }
    }
    figure(source, system, claim.metric.get_ref(), &claim.metric.span())?;
    let relation = *claim.is.get_ref();
    if relation.needs_against() != claim.against.is_some() {
        let what = if relation.needs_against() {
            format!("`{}` compares two arms: expected `against`", relation.name())
        } else {
            format!("`{}` is about one arm: `against` has no meaning", relation.name())
        };
        return Err(source.at(&claim.is.span(), what, None));
    }
    if !relation.needs_against() && !claim.metric.get_ref().is_counted() {
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
        expect: claim.expect,
    })
}
