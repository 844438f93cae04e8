//! The plan of one cell: an episode with one kind of fault in one wiring.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{DrillChoices, DrillFault, Drilled, Form};
use crate::{
    plan::{Budget, LoadPlan, Plan},
    scenario::{ArrivalKind, Comparison, Kind, LoadSpec, Phase, Scenario, file_name, phases},
    systems,
};

/// The lengths of an episode's parts, and its load.
struct Episode {
    /// The time before the fault.
    before: Duration,
    /// The time of the fault.
    fault: Duration,
    /// The time after it, in which what it was done to recovers.
    after: Duration,
    /// Operations a second.
    rate: f64,
    /// Things that exist before the load.
    things: u64,
}

impl Episode {
    fn of(form: Form, fault: &DrillFault, system: &str) -> Self {
        let (before, lasts, after, rate) = match form {
            Form::Quick => (1_000, 1_000, 2_500, 200.0),
            Form::Whole => (2_000, 2_000, 6_000, 300.0),
            Form::Long => (2_000, 2_000, 8_000, 4_000.0),
        };
        // A Kafka node is a JVM that forms a cluster of one: it starts in seconds, and in more beside a heavy load.
        let (after, rate) = match form {
            Form::Long if fault.starts_slowly() => (after + 24_000, rate / 2.0),
            _ if fault.starts_slowly() => (after + 8_000, rate),
            _ => (after, rate),
        };
        let (most_things, most_rate) = systems::modest(system);
        let things = if form == Form::Quick { 500 } else { 1_000 }.min(most_things);
        let rate = f64::min(rate, most_rate);
        let [before, fault, after] = [before, lasts, after].map(Duration::from_millis);
        Self { before, fault, after, rate, things }
    }

    fn length(&self) -> Duration {
        self.before + self.fault + self.after
    }

    fn phases(&self, label: &str) -> Vec<Phase> {
        let phase = |name: &str, length: Duration| Phase {
            name: name.to_owned(),
            repeat: 1,
            pieces: vec![phases::Piece { ms: length.as_millis() as u64, from: 1.0, to: 1.0 }],
        };
        [("before", self.before), (label, self.fault), ("after", self.after)]
            .map(|(name, length)| phase(name, length))
            .into()
    }
}

/// The plan of a cell; with a number of operations, of as many episodes as these may take.
pub(super) fn plan(
    wiring: &Drilled,
    fault: &DrillFault,
    choices: &DrillChoices,
    operations: Option<u64>,
    budget: &Budget,
) -> Plan {
    let episode = Episode::of(choices.form, fault, wiring.arm.wiring.system().name);
    let offered = episode.rate * episode.length().as_secs_f64();
    // What fails during the fault is not acknowledged, and of a slow start that may be half of an episode; a cell
    // that acknowledges nothing ends as well.
    let most = |wanted: u64| (3.0 * wanted as f64 / offered).ceil() as u32 + 1;
    let launches = operations.map_or(1, most);
    let scenario = scenario(wiring, fault, &episode, launches);
    let spec = &scenario.load;
    let length = spec.slice();
    let needed = systems::needs(scenario.system.name, &spec.mix, offered).unwrap_or(0);
    let load = LoadPlan {
        mix: spec.mix.clone(),
        rate: spec.rate,
        arrivals: spec.arrivals,
        slice: length,
        measured: length * launches,
        launches,
        phases: spec.phases.clone(),
        things: needed.max(spec.things),
        options: BTreeMap::new(),
        connections: spec.connections,
    };
    Plan {
        quick: choices.form == Form::Quick,
        seed: choices.seed,
        hold: scenario.hold.clone(),
        arms: vec![wiring.arm.clone()],
        budget: budget.clone(),
        scenario,
        load,
    }
}

/// The cell as a question.
fn scenario(wiring: &Drilled, fault: &DrillFault, episode: &Episode, launches: u32) -> Scenario {
    let (system, placed) = (wiring.arm.wiring.system(), wiring.arm.wiring.get("placement"));
    let arms = vec![placed.to_owned()];
    let spec = LoadSpec {
        mix: systems::mixes(system.name).first().copied().unwrap_or_default().to_owned(),
        rate: episode.rate,
        slice_ms: None,
        seconds: episode.length().as_secs(),
        quick_seconds: episode.length().as_secs(),
        launches,
        quick_launches: launches,
        things: episode.things,
        connections: LoadSpec::default_connections(),
        options: BTreeMap::new(),
        arrivals: ArrivalKind::Poisson,
        phases: episode.phases(&fault.label),
    };
    let name = file_name(&format!("{} {}", fault.label, wiring.name));
    Scenario {
        name: format!("{}/{name}", system.name),
        path: PathBuf::new(),
        system,
        question: format!(
            "{}, in the wiring `{}`: what is lost, and does it come back?",
            fault.label, wiring.name
        ),
        why: "What was acknowledged before, during and after a fault has to be there when it is over."
            .to_owned(),
        look_for: vec!["the ledger, and how long after the fault the goodput is back".to_owned()],
        answers: Vec::new(),
        kind: Kind::Episodes,
        comparison: Comparison::Axis { axis: "placement".to_owned(), arms },
        hold: wiring.arm.wiring.values().map(|(axis, value)| (axis.to_owned(), value.to_owned())).collect(),
        load: spec,
        faults: fault.at(episode.before, episode.fault),
        claims: Vec::new(),
    }
}
