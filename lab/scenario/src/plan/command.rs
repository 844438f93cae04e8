//! The command that repeats a plan.

use super::Plan;
use crate::scenario::Comparison;

impl Plan {
    /// `lab run` with this plan's scenario, form, holds and arms, quoted for a shell; without the seed.
    pub fn command(&self, quick: bool) -> String {
        let scenario = &self.scenario;
        let shipped = scenario.path.ends_with(format!("scenarios/{}.toml", scenario.name));
        let name = if shipped { scenario.name.clone() } else { scenario.path.display().to_string() };
        let mut words = vec!["lab run".to_owned(), quoted(&name)];
        if quick {
            words.push("--quick".to_owned());
        }
        let own = self.hold.iter().filter(|(axis, value)| scenario.hold.get(*axis) != Some(*value));
        words.extend(own.map(|(axis, value)| format!("--hold {}", quoted(&format!("{axis}={value}")))));
        let axis = match &scenario.comparison {
            Comparison::Axis { axis, .. } => Some(axis),
            Comparison::Steps(_) => None,
        };
        let arms = self.arms.iter();
        let named: Vec<&str> =
            arms.map(|arm| axis.map_or(arm.label.as_str(), |axis| arm.wiring.get(axis))).collect();
        if named != scenario.comparison.arm_names() {
            words.extend(named.iter().map(|arm| format!("--arm {}", quoted(arm))));
        }
        words.join(" ")
    }
}

/// A word quoted for a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
