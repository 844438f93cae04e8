//! What happens over the time of an episode, as its report has it.

use std::fs;

use report::{
    Report,
    model::{ClaimVerdict, LinkTimeline},
};
use system_tests::command::{Desk, SCENARIO};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Episodes in which the one process that knows the links is killed and comes back.
const DIP: &str = r#"question = "What do users see while a process is down?"
why = "A mean over an episode hides it."
look_for = ["the dip, and the return"]
answers = ["Users were served again after {recover_ms of full}."]
kind = "episodes"
axis = "resilience"
arms = ["timeout", "full"]

[hold]
placement = "microservices"

[load]
mix = "follow-only"
rate = 200
slice_ms = 3500
quick_launches = 5
links = 50

[[faults]]
at_ms = 1000
for_ms = 300
what = "kill"
process = "links"

[[claims]]
text = "It comes back by itself."
source = "the tests"
metric = "recover_ms"
arm = "full"
is = "at-most"
than = 2000
"#;

/// The sum of a curve's values that lie wholly within a time, and whether all of them are known.
fn within(curve: &[Option<f64>], bucket_ms: f64, from: f64, until: f64) -> (f64, bool) {
    let whole = |place: usize| place as f64 * bucket_ms >= from && (place + 1) as f64 * bucket_ms <= until;
    let values: Vec<_> = curve.iter().enumerate().filter(|(place, _)| whole(*place)).collect();
    assert!(!values.is_empty(), "no bucket from {from} to {until} ms");
    (values.iter().filter_map(|(_, value)| **value).sum(), values.iter().all(|(_, value)| value.is_some()))
}

#[test]
fn the_time_of_an_episode_shows_how_a_killed_process_is_missed_and_comes_back() {
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, DIP);
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--to-the-end"]);
    assert!(ended.ran(), "{ended:?}");
    desk.is_tidy();
    let names = desk.names("runs");
    let [name] = names.as_slice() else { panic!("one run is kept, and not {names:?}") };
    let text = fs::read_to_string(desk.path(&format!("runs/{name}/report.json"))).unwrap();
    let report: Report = serde_json::from_str(&text).unwrap();
    for arm in &report.arms {
        let timeline = arm.timeline.as_ref().unwrap();
        let known = |counts: &[f64]| counts.iter().copied().map(Some).collect::<Vec<_>>();
        let of = |curve: &[Option<f64>], from, until| within(curve, timeline.bucket_ms, from, until);
        let (offered, good) = (known(&timeline.offered), known(&timeline.good));
        let share = |from, until| of(&good, from, until).0 / of(&offered, from, until).0;
        assert!(share(0.0, 1_000.0) > 0.9, "{}: before", arm.label);
        assert!(share(1_100.0, 1_300.0) < 0.1, "{}: the dip {:?}", arm.label, timeline.good);
        assert!(share(2_500.0, 3_500.0) > 0.9, "{}: the return {:?}", arm.label, timeline.good);
        // What was due ended somehow, most of it within the episode.
        let ended: f64 = timeline.ended.iter().flat_map(|ended| &ended.counts).sum();
        let (due, good): (f64, f64) = (timeline.offered.iter().sum(), timeline.good.iter().sum());
        assert!(due > 600.0 && ended > 30.0 && good + ended <= due + 0.1 && good + ended > 0.95 * due);

        let process = |name: &str| timeline.processes.iter().find(|process| process.process == name).unwrap();
        assert!(!of(&process("links").in_flight, 1_100.0, 1_300.0).1, "who is dead says nothing");
        assert!(
            of(&process("links").in_flight, 2_500.0, 3_300.0).1
                && of(&process("gateway").shed, 0.0, 3_300.0).1
        );
        let to_links = |link: &&LinkTimeline| link.from == "gateway" && link.to == "links";
        let link = timeline.links.iter().find(to_links).unwrap();
        let calls = of(&link.calls, 0.0, 1_000.0).0 / of(&offered, 0.0, 1_000.0).0;
        assert!((calls - 1.0).abs() < 0.2, "{}: each follow is a call: {calls}", arm.label);
        assert!(of(&link.failed, 1_000.0, 1_400.0).0 > 10.0, "{:?}", link.failed);
        let opened = link.breaker.iter().flatten().any(|state| *state > 1.0);
        assert_eq!(opened, arm.label == "full", "{:?}", link.breaker);

        let [effect] = arm.effects.as_slice() else { panic!("{:?}", arm.effects) };
        let [detect, recover] =
            [&effect.detect_ms, &effect.recover_ms].map(|spread| spread.median().unwrap());
        assert!(detect < 300.0 && recover < 2_000.0, "{effect:?}");
        assert!(effect.lost_operations.median().is_some_and(|lost| lost > 30.0), "{effect:?}");
    }
    let claim = &report.claims[0];
    assert!(claim.verdict != ClaimVerdict::DoesNotHoldHere, "{}", claim.because);
}
