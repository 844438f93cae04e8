use super::*;
use crate::model::Held;

fn report() -> Report {
    serde_json::from_str(include_str!("../fixtures/placement.json")).unwrap()
}

/// The same question on another machine a week later, with a lower cost of splitting.
fn elsewhere() -> Report {
    let mut report = report();
    report.id = "2026-02-07T11-00-00-placement-91c0".to_owned();
    report.created = "2026-02-07T11:00:00Z".to_owned();
    report.machine.cpu = "Ampere Altra".to_owned();
    report.machine.cores = 8;
    report.seed = 43;
    let cpu = report.comparisons.iter_mut().find(|comparison| comparison.metric == "cpu").unwrap();
    let interval = cpu.interval.as_mut().unwrap();
    (interval.estimate, interval.low, interval.high) = (1.79, 1.67, 1.92);
    for arm in &mut report.arms {
        let total = arm.cpu_us_per_op.total.as_mut().unwrap();
        (total.estimate, total.low, total.high) = (total.estimate * 0.5, total.low * 0.5, total.high * 0.5);
    }
    report
}

fn difference<'a>(compared: &'a Compared, metric: &str) -> &'a Difference {
    compared.differences.iter().find(|difference| difference.metric == metric).unwrap()
}

fn refused(first: &Report, second: &Report) -> String {
    let complaint = compare(first, second).unwrap_err().to_string();
    assert!(complaint.contains("hint:"), "{complaint}");
    complaint
}

#[test]
fn what_differed_is_listed_and_what_did_not_is_named() {
    let compared = compare(&report(), &elsewhere()).unwrap();
    let differing: Vec<_> = compared.differing().map(|condition| condition.name.as_str()).collect();
    assert_eq!(differing, ["machine", "seed"]);
    let text = terminal::render(&compared);
    assert!(text.contains("AMD EPYC 7B13, 2 cores") && text.contains("Ampere Altra, 8 cores"), "{text}");
    assert!(
        text.contains("The same in both: ") && text.contains("commit") && text.contains("held cache"),
        "{text}"
    );
    assert!(text.contains("The runs differ in machine, seed: which of these it comes from"), "{text}");
}

/// Changes the conditions of a report.
type Change = fn(&mut Report);

#[test]
fn every_condition_that_a_report_knows_of_is_told_when_it_differs() {
    let changes: [(&str, Change); 15] = [
        ("machine", |it| it.machine.memory_mib += 1),
        ("system", |it| it.machine.kernel.push('x')),
        ("compiler", |it| it.machine.rust.push('x')),
        ("processors", |it| it.budget.note.push('x')),
        ("lab", |it| it.lab_version.push('x')),
        ("commit", |it| it.commit = None),
        ("form", |it| it.quick = true),
        ("runtime", |it| it.runtime = "compose".to_owned()),
        ("seed", |it| it.seed += 1),
        ("arms", |it| drop(it.arms.pop())),
        ("mix", |it| it.load.mix.push('x')),
        ("rate", |it| it.load.rate *= 2.0),
        ("measured", |it| it.load.rounds += 1),
        ("things", |it| it.load.things += 1),
        ("stores", |it| it.arms.iter_mut().for_each(|arm| arm.backings.clear())),
    ];
    for (name, change) in changes {
        let mut second = report();
        second.id.push('x');
        change(&mut second);
        let compared = compare(&report(), &second).unwrap();
        let differing: Vec<_> = compared.differing().map(|condition| condition.name.as_str()).collect();
        let also_stores = name == "arms" && differing == ["arms", "stores"];
        assert!(differing == [name] || also_stores, "{name}: {differing:?}");
    }
    let mut second = report();
    second.id.push('x');
    second.held[0].value = "grpc".to_owned();
    second.held.push(Held { axis: "new".to_owned(), value: "any".to_owned() });
    let compared = compare(&report(), &second).unwrap();
    let differing: Vec<_> = compared.differing().map(|condition| condition.values.join(" ")).collect();
    assert_eq!(differing, ["http grpc", "not held any"]);
}

#[test]
fn a_disagreement_is_a_figure_with_an_interval_and_the_rest_agrees_or_cannot_tell() {
    let compared = compare(&report(), &elsewhere()).unwrap();
    let cpu = difference(&compared, "cpu");
    assert_eq!(cpu.agreement, Agreement::Disagree);
    let apart = cpu.apart.unwrap();
    assert!(
        (apart.estimate - 1.79 / 2.41).abs() < 1e-9 && apart.low < 0.74 && apart.high > 0.75,
        "{apart:?}"
    );
    assert!(matches!(difference(&compared, "p50").agreement, Agreement::Agree { within } if within < 0.05));
    assert_eq!(difference(&compared, "p99").agreement, Agreement::CannotTell);
    // A count, without an interval.
    assert!(compared.differences.iter().all(|difference| difference.metric != "hops"));
    assert!(compared.figures.iter().any(|figure| figure.name.starts_with("calls between")));
    let own = compared.figures.iter().find(|figure| figure.name.starts_with("CPU")).unwrap();
    assert!((own.apart.unwrap().estimate - 0.5).abs() < 1e-9, "an arm by itself: {own:?}");
    let conclusions = compared.conclusions().join("\n");
    assert!(conclusions.contains("disagree in 1, agree in "), "{conclusions}");
    assert!(
        conclusions.contains("CPU per operation of microservices against monolith: 2.41x [2.36, 2.46] in the first run, 1.79x [1.67, 1.92] in the second: lower by 26 %"),
        "{conclusions}"
    );
}

#[test]
fn the_same_figures_agree_and_say_so() {
    let mut again = report();
    again.id.push_str("-again");
    let compared = compare(&report(), &again).unwrap();
    assert!(compared.differences.iter().all(|difference| difference.agreement != Agreement::Disagree));
    let last = compared.conclusions().pop().unwrap();
    assert_eq!(last, "Nothing that a report knows of was different.");
}

#[test]
fn a_run_without_a_verdict_decides_nothing_and_says_why() {
    let mut void = elsewhere();
    void.validity.verdict_possible = false;
    void.validity.void_slices = 2_400;
    void.validity.notes = vec!["The generator was late.".to_owned()];
    let compared = compare(&report(), &void).unwrap();
    assert!(compared.differences.iter().all(|difference| difference.agreement == Agreement::NoVerdict));
    let conclusions = compared.conclusions();
    assert_eq!(conclusions.len(), 1, "{conclusions:?}");
    assert!(conclusions[0].starts_with("The second run has no verdict"), "{conclusions:?}");
    assert!(
        conclusions[0].contains("2400 of 2400 slices were void; The generator was late."),
        "{conclusions:?}"
    );
    let text = terminal::render(&compared);
    assert!(!text.contains("DISAGREE") && text.contains("no verdict"), "{text}");
}

#[test]
fn what_happened_to_an_arm_is_said() {
    let trouble: Report = serde_json::from_str(include_str!("../fixtures/trouble.json")).unwrap();
    let mut again = trouble.clone();
    again.id.push_str("-again");
    let compared = compare(&trouble, &again).unwrap();
    let said = compared.runs.each_ref().map(|run| run.trouble.len() + run.no_verdict.len());
    assert!(said[0] > 0 && said[0] == said[1], "{:?}", compared.runs);
    let text = terminal::render(&compared);
    assert!(compared.runs[0].trouble.iter().all(|trouble| text.contains(trouble)), "{text}");
}

#[test]
fn different_questions_are_refused() {
    let walk: Report = serde_json::from_str(include_str!("../fixtures/walk.json")).unwrap();
    let complaint = refused(&report(), &walk);
    assert!(
        complaint.contains("different questions") && complaint.contains(&walk.scenario.name),
        "{complaint}"
    );
    assert!(refused(&report(), &report()).contains("is both runs"));
    let mut changed = elsewhere();
    changed.scenario.axis = "transport".to_owned();
    assert!(refused(&report(), &changed).contains("was changed between the runs"));
    let mut others = elsewhere();
    for arm in &mut others.arms {
        arm.label.push_str(" (A)");
    }
    assert!(refused(&report(), &others).contains("no arm is in both"));
}

#[test]
fn an_arm_of_one_run_alone_is_named_and_left_out() {
    let mut fewer = elsewhere();
    fewer.arms.pop();
    fewer.comparisons.clear();
    let compared = compare(&report(), &fewer).unwrap();
    assert_eq!(
        (compared.arms_of_one.as_slice(), compared.differences.len()),
        (&["microservices".to_owned()][..], 0)
    );
    let text = markdown::render(&compared);
    assert!(text.contains("In one of them only, and left out: microservices."), "{text}");
}

#[test]
fn both_forms_stay_as_they_are() {
    let compared = compare(&report(), &elsewhere()).unwrap();
    insta::assert_snapshot!("terminal", terminal::render(&compared));
    insta::assert_snapshot!("markdown", markdown::render(&compared));
    let json = serde_json::to_string(&compared).unwrap();
    let read: Compared = serde_json::from_str(&json).unwrap();
    assert_eq!(terminal::render(&read), terminal::render(&compared));
}
