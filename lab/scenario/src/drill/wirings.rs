//! The wirings that a drill breaks.

use anyhow::{Context, Result};
use design::{System, Wiring};

use crate::plan::ArmPlan;

/// A wiring that a drill breaks.
#[derive(Clone, Debug)]
pub struct Drilled {
    /// Its name in the table.
    pub name: String,
    /// The wiring with its processes and backings.
    pub arm: ArmPlan,
    /// Which promise it is known to break, if it is a negative control.
    pub control: Option<String>,
}

/// The wirings of a system's data with these values of the command line; those that become the same are one.
pub(super) fn of(system: &'static System, set: &[(String, String)]) -> Result<Vec<Drilled>> {
    let named = named(system)?;
    let controls: Vec<(&str, &str)> = named
        .iter()
        .flat_map(|(_, wiring)| wiring.controls().map(|(axis, value)| (axis, value.name)).collect::<Vec<_>>())
        .collect();
    let mut drilled: Vec<(usize, Drilled)> = Vec::new();
    for (mut name, mut wiring) in named {
        let mut changes = 0;
        for (axis, value) in set {
            let is_other = wiring.get(axis) != value;
            wiring.set(axis, value)?;
            // What the name says of this axis does not hold any more.
            if is_other {
                name.extend([", ", axis, "=", value]);
                changes += 1;
            }
        }
        wiring.check().with_context(|| format!("the wiring `{name}` cannot be"))?;
        // A value that costs, but loses nothing, is no control of a drill.
        let known = wiring.controls().filter(|(axis, value)| controls.contains(&(*axis, value.name)));
        let told =
            known.filter_map(|(axis, value)| Some(format!("{axis} = {}: {}", value.name, value.control?)));
        let told: Vec<String> = told.collect();
        let control = (!told.is_empty()).then(|| told.join("; "));
        let one = Drilled { arm: ArmPlan::new(name.clone(), wiring), name, control };
        // The same wiring has the name of which the least does not hold.
        match drilled.iter_mut().find(|(_, other)| other.arm.wiring == one.arm.wiring) {
            Some((least, _)) if *least <= changes => {}
            Some(same) => *same = (changes, one),
            None => drilled.push((changes, one)),
        }
    }
    Ok(drilled.into_iter().map(|(_, drilled)| drilled).collect())
}

/// What the data says; if it says nothing, each placement with the defaults.
fn named(system: &'static System) -> Result<Vec<(String, Wiring)>> {
    let drills = system.rules.drills();
    if !drills.is_empty() {
        let wiring = |values: &[(&'static str, &'static str)]| Wiring::with(system, values.iter().copied());
        return drills.iter().map(|drill| Ok((drill.name.to_owned(), wiring(drill.values)?))).collect();
    }
    let placed = |name: &'static str| Ok((name.to_owned(), Wiring::with(system, [("placement", name)])?));
    system.placements.iter().map(|placement| placed(placement.name)).collect()
}
