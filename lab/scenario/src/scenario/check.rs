//! From a file's shape to a validated scenario: one axis, known names, arms that differ in it only.

mod claims;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

pub(super) use claims::{Measured, arm_fault, figure};
use design::{System, Wiring, WiringError};
use toml::Spanned;

use super::{
    Comparison, Kind, LoadSpec, Scenario, ScenarioFault, Step, answer,
    fault::{Found, Source},
    faults,
    file::{ScenarioFile, StepFile},
    file_name, phases, read,
};
use crate::{diagnostic::did_you_mean, systems};

/// The most arms of one scenario; with more, each has too few slices for conclusions.
const MAX_ARMS: usize = 12;

/// Parses and validates a scenario.
pub(super) fn scenario(source: &Source<'_>) -> Result<Scenario, ScenarioFault> {
    let (file, mut found) = read::file(source)?;
    let Some(system) = found.sound(system(source, file.system.as_ref())) else { return Err(found.all()) };
    let comparison = comparison(source, system, &file);
    found.each(hold(source, system, &file));
    found.sound(offered(source, system, &file.kind, &file.load));
    let faults = faults::checked(source, system, *file.kind.get_ref(), file.load.get_ref(), &file.faults);
    let faults = found.sound(faults).unwrap_or_default();
    // References to arms can be checked only if the arms are valid.
    let comparison = match comparison {
        Ok(comparison) => comparison,
        Err(fault) => {
            found.add(fault);
            return Err(found.all());
        }
    };
    let measured = Measured {
        system,
        kind: *file.kind.get_ref(),
        faults: file.faults.len(),
        phases: file.load.get_ref().phases.len(),
    };
    let answers =
        found.sound(answer::checked(source, &measured, &comparison, &file.answers)).unwrap_or_default();
    let claims = file.claims.into_iter().map(|claim| claims::checked(source, &measured, &comparison, claim));
    let claims = found.each(claims);
    found.none()?;
    Ok(Scenario {
        name: name(source),
        path: source.path.to_owned(),
        system,
        question: file.question,
        why: file.why,
        look_for: file.look_for,
        answers,
        kind: file.kind.into_inner(),
        comparison,
        hold: file.hold.into_iter().map(|(axis, value)| (axis.into_inner(), value.into_inner())).collect(),
        load: file.load.into_inner(),
        faults,
        claims,
    })
}

/// A system's question is in the folder of the system, one that belongs to a theme in the theme's.
fn name(source: &Source<'_>) -> String {
    let question = source.path.file_stem().unwrap_or_default().to_string_lossy();
    format!("{}/{question}", source.folder)
}

/// The system in the file, or else the one with the folder's name.
fn system(source: &Source<'_>, named: Option<&Spanned<String>>) -> Result<&'static System, ScenarioFault> {
    let (name, span) =
        named.map_or((source.folder.as_str(), 0..0), |named| (named.get_ref().as_str(), named.span()));
    systems::find(name).ok_or_else(|| {
        if named.is_some() {
            let what = format!("there is no system `{name}`");
            return source.at(&span, what, did_you_mean(name, systems::names()));
        }
        let what =
            format!("the folder `{name}` is not named after a system, and the file has no key `system`");
        let known = systems::names().join("` or `");
        source.at(&span, what, format!("add `system = \"NAME\"`, or put the file into a folder `{known}`"))
    })
}

fn comparison(
    source: &Source<'_>,
    system: &'static System,
    file: &ScenarioFile,
) -> Result<Comparison, ScenarioFault> {
    let span = file.kind.span();
    if *file.kind.get_ref() == Kind::Waterfall {
        if let Some(axis) = &file.axis {
            let hint = "each of its `[[steps]]` names the axis that it changes".to_owned();
            return Err(source.at(&axis.span(), "a waterfall has no `axis` of its own", hint));
        }
        return steps(source, system, &file.steps, &span);
    }
    if let Some(step) = file.steps.first() {
        let hint = "say `kind = \"waterfall\"`, or give `axis` and `arms` instead".to_owned();
        return Err(source.at(&step.span(), "only a waterfall has `[[steps]]`", hint));
    }
    let axis = one_axis(source, system, file.axis.as_ref(), &span)?;
    let arms = arms(source, system, &axis, file)?;
    Ok(Comparison::Axis { axis, arms })
}

/// Exactly one axis: if two things differ, a comparison cannot attribute its result.
fn one_axis(
    source: &Source<'_>,
    system: &'static System,
    axis: Option<&Spanned<toml::Value>>,
    kind: &Range<usize>,
) -> Result<String, ScenarioFault> {
    let known = || system.axis_names().collect::<Vec<_>>();
    let Some(axis) = axis else {
        let hint = format!("add `axis = \"...\"`: there is `{}`", known().join("`, `"));
        return Err(source.at(kind, "a scenario names exactly one axis; this one names none", hint));
    };
    match axis.get_ref() {
        toml::Value::String(name) if known().contains(&name.as_str()) => Ok(name.clone()),
        toml::Value::String(name) => {
            let what = format!("`{}` has no axis `{name}`", system.name);
            Err(source.at(&axis.span(), what, did_you_mean(name, known())))
        }
        toml::Value::Array(names) => {
            let what = format!("a scenario names exactly one axis; this one names {}", names.len());
            let hint =
                "write a scenario for each, or a `waterfall` whose steps change one axis each".to_owned();
            Err(source.at(&axis.span(), what, hint))
        }
        other => {
            let what = format!("`axis` is one axis's name: expected a string, found {}", other.type_str());
            Err(source.at(&axis.span(), what, None))
        }
    }
}

fn arms(
    source: &Source<'_>,
    system: &'static System,
    axis: &str,
    file: &ScenarioFile,
) -> Result<Vec<String>, ScenarioFault> {
    let Some(arms) = &file.arms else {
        let hint = format!(
            "add `arms = [...]` with values of `{axis}`: there is `{}`",
            system.values(axis).join("`, `")
        );
        return Err(source.at(&file.kind.span(), "a comparison needs `arms`", hint));
    };
    let names = arms.get_ref();
    if names.len() < 2 || names.len() > MAX_ARMS {
        let what = format!("expected 2 to {MAX_ARMS} arms, found {}", names.len());
        return Err(source.at(&arms.span(), what, None));
    }
    let mut found = Found::default();
    found.each(names.iter().map(|arm| value(source, system, axis, arm)));
    found.none()?;
    if let Some(repeated) = repeated_arm(names) {
        let what = format!("the arm `{}` is repeated", repeated.get_ref());
        let hint = "name each value once; for an A/A comparison, make all arms the same value".to_owned();
        return Err(source.at(&repeated.span(), what, hint));
    }
    Ok(names.iter().map(|arm| arm.get_ref().clone()).collect())
}

/// The first arm that is repeated among different ones. All equal is an A/A comparison, and permitted.
fn repeated_arm(arms: &[Spanned<String>]) -> Option<&Spanned<String>> {
    let mut seen = BTreeSet::new();
    let repeated = arms.iter().find(|arm| !seen.insert(arm.get_ref()))?;
    let distinct: BTreeSet<_> = arms.iter().map(Spanned::get_ref).collect();
    (distinct.len() > 1).then_some(repeated)
}

/// An axis that the system has.
fn known_axis(
    source: &Source<'_>,
    system: &'static System,
    axis: &Spanned<String>,
) -> Result<(), ScenarioFault> {
    let known = system.axis_names().collect::<Vec<_>>();
    if known.contains(&axis.get_ref().as_str()) {
        return Ok(());
    }
    let what = format!("`{}` has no axis `{}`", system.name, axis.get_ref());
    Err(source.at(&axis.span(), what, did_you_mean(axis.get_ref(), known)))
}

/// A value that its axis accepts.
fn value(
    source: &Source<'_>,
    system: &'static System,
    axis: &str,
    value: &Spanned<String>,
) -> Result<(), ScenarioFault> {
    Wiring::with(system, [(axis, value.get_ref().as_str())])
        .map(drop)
        .map_err(|error| wiring_fault(source, &value.span(), &error))
}

fn wiring_fault(source: &Source<'_>, span: &Range<usize>, error: &WiringError) -> ScenarioFault {
    let text = error.to_string();
    let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
    source.at(span, what, (!hint.is_empty()).then(|| hint.to_owned()))
}

/// Each held axis exists in the system, varies in no arm, and has an accepted value.
fn hold(
    source: &Source<'_>,
    system: &'static System,
    file: &ScenarioFile,
) -> impl Iterator<Item = Result<(), ScenarioFault>> {
    let varied = file.axis.as_ref().and_then(|axis| axis.get_ref().as_str());
    file.hold.iter().map(move |(axis, held)| {
        known_axis(source, system, axis)?;
        if varied == Some(axis.get_ref().as_str()) {
            let what = format!("`{}` is the axis in question: it cannot be held as well", axis.get_ref());
            let hint = "a held value must be the same in every arm; take it out of `[hold]`".to_owned();
            return Err(source.at(&axis.span(), what, hint));
        }
        value(source, system, axis.get_ref(), held)
    })
}

fn steps(
    source: &Source<'_>,
    system: &'static System,
    steps: &[Spanned<StepFile>],
    kind: &Range<usize>,
) -> Result<Comparison, ScenarioFault> {
    if steps.len() < 2 || steps.len() > MAX_ARMS {
        let what = format!("a waterfall has 2 to {MAX_ARMS} `[[steps]]`, found {}", steps.len());
        return Err(source.at(kind, what, None));
    }
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    let mut checked = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let label = step.get_ref().label.as_str();
        let name = file_name(label);
        if !name.contains(|c: char| c.is_ascii_alphanumeric()) {
            let what = format!("the step `{label}` has no name for its files");
            let hint = "a label needs an ASCII letter or digit".to_owned();
            return Err(source.at(&step.span(), what, hint));
        }
        if let Some(other) = names.insert(name.clone(), label) {
            let what = if other == label {
                format!("the step `{label}` is repeated")
            } else {
                format!("the steps `{other}` and `{label}` share `{name}`, the name for their files")
            };
            return Err(source.at(&step.span(), what, None));
        }
        checked.push(checked_step(source, system, index, step)?);
    }
    Ok(Comparison::Steps(checked))
}

fn checked_step(
    source: &Source<'_>,
    system: &'static System,
    index: usize,
    step: &Spanned<StepFile>,
) -> Result<Step, ScenarioFault> {
    let file = step.get_ref();
    let expected = usize::from(index > 0);
    if file.set.len() != expected {
        let what = format!(
            "the step `{}` changes {} axes: expected {}",
            file.label,
            file.set.len(),
            if index == 0 { "none in the first step" } else { "exactly one" },
        );
        let hint = if index == 0 {
            "the first step is where the walk begins; choose its wiring in `[hold]`"
        } else {
            "split it into steps that change one axis each, so that each bar has one cause"
        };
        return Err(source.at(&step.span(), what, hint.to_owned()));
    }
    let change = file.set.iter().next();
    if let Some((axis, chosen)) = change {
        known_axis(source, system, axis)?;
        value(source, system, axis.get_ref(), chosen)?;
    }
    Ok(Step {
        label: file.label.clone(),
        change: change.map(|(axis, chosen)| (axis.get_ref().clone(), chosen.get_ref().clone())),
    })
}

/// A load within its bounds, with a mix that the generator has for this system.
fn offered(
    source: &Source<'_>,
    system: &System,
    kind: &Spanned<Kind>,
    load: &Spanned<LoadSpec>,
) -> Result<(), ScenarioFault> {
    if let Some((key, bounds)) = load.get_ref().out_of_bounds() {
        let what = format!("`{key}` is out of bounds: expected {bounds}");
        return Err(source.at(&load.span(), what, None));
    }
    let mixes = systems::mixes(system.name);
    let mix = load.get_ref().mix.as_str();
    if !mixes.contains(&mix) {
        let what = format!("`{}` has no mix `{mix}`", system.name);
        return Err(source.at(&load.span(), what, did_you_mean(mix, mixes)));
    }
    options(source, system, load)?;
    phased(source, kind, load)
}

/// Options that the system's journeys have, with values that they accept.
fn options(source: &Source<'_>, system: &System, load: &Spanned<LoadSpec>) -> Result<(), ScenarioFault> {
    for (name, value) in load.get_ref().options() {
        let option =
            systems::option(system.name, name).map_err(|(what, hint)| source.at(&load.span(), what, hint))?;
        if !(option.accepts)(&value) {
            let what = format!("the option `{name}` is out of bounds: expected {}", option.values);
            return Err(source.at(&load.span(), what, None));
        }
    }
    Ok(())
}

/// Phases within their bounds; each episode has all of them.
fn phased(source: &Source<'_>, kind: &Spanned<Kind>, load: &Spanned<LoadSpec>) -> Result<(), ScenarioFault> {
    let LoadSpec { phases, slice_ms, .. } = load.get_ref();
    if phases.is_empty() {
        return Ok(());
    }
    if let Some(what) = phases::fault(phases) {
        let hint = "a piece is `[milliseconds, from, to]`, with the rates as multiples of `rate`".to_owned();
        return Err(source.at(&load.span(), what, hint));
    }
    if *kind.get_ref() != Kind::Episodes {
        let what = format!("`[[load.phases]]` are for `episodes`, and this is `{}`", kind.get_ref().name());
        let hint =
            "say `kind = \"episodes\"`: only an episode has one arm's whole load in one piece".to_owned();
        return Err(source.at(&kind.span(), what, hint));
    }
    if slice_ms.is_some() {
        let what = "`slice_ms` has no meaning beside `[[load.phases]]`";
        let hint = "take it out: an episode takes as long as its phases together".to_owned();
        return Err(source.at(&load.span(), what, hint));
    }
    Ok(())
}
