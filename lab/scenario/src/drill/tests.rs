use super::*;
use crate::systems;

fn drill(system: &str, choices: &DrillChoices) -> Result<Drill> {
    Drill::new(systems::find(system).unwrap(), choices)
}

fn labels(drill: &Drill) -> Vec<(&str, &str)> {
    drill.cells.iter().map(|cell| (cell.fault.label.as_str(), cell.wiring.name.as_str())).collect()
}

#[test]
fn every_kind_of_fault_is_done_to_every_system_that_has_such_a_part() {
    let provider = ["provider-killed", "provider-slow", "provider-frozen"];
    for (system, broker) in [("shortener", &[][..]), ("limiter", &["broker-restarted"])] {
        let lacks = [&provider, broker].concat();
        let drill = drill(system, &DrillChoices::default()).unwrap();
        for (kind, _) in fault_kinds() {
            let is_there = drill.cells.iter().any(|cell| cell.fault.kind == *kind);
            assert_eq!(is_there, !lacks.contains(kind), "{system}: {kind}");
        }
        for cell in &drill.cells {
            let faults = cell.plan.faults();
            assert!(!faults.is_empty() && faults.iter().all(|fault| fault.until() < cell.plan.load.slice));
            // As a scenario's faults are checked against its arms.
            faults.iter().try_for_each(|fault| cell.plan.arms[0].can_have(fault)).unwrap();
        }
    }
}

#[test]
fn the_quick_form_breaks_each_part_once_and_a_negative_control_by_every_kill() {
    let quick = DrillChoices { form: Form::Quick, ..DrillChoices::default() };
    let quick = drill("shortener", &quick).unwrap();
    let cells = labels(&quick);
    let of = |label: &str| cells.iter().filter(|(fault, _)| *fault == label).count();
    assert_eq!((of("postgres killed"), of("redis slow"), of("kafka restarted")), (1, 1, 1), "{cells:?}");
    assert_eq!((of("gateway killed"), of("everything killed")), (2, 4), "{cells:?}");
    let whole = drill("shortener", &DrillChoices::default()).unwrap();
    assert!(whole.cells.len() > 2 * cells.len());
    // Some ten seconds each.
    assert!(cells.len() <= 23, "{}", cells.len());
}

#[test]
fn a_wiring_that_is_known_to_lose_is_a_negative_control_and_one_that_is_only_slow_is_none() {
    let quick = DrillChoices { form: Form::Quick, ..DrillChoices::default() };
    let controls = |choices: &DrillChoices| {
        let drill = drill("shortener", choices).unwrap();
        let mut names: Vec<_> = drill.cells.iter().filter_map(|cell| cell.wiring.control.clone()).collect();
        names.dedup();
        names
    };
    let lost = "events = memory: what is buffered is lost when the process is killed";
    assert_eq!(controls(&quick), [lost]);
    let set = vec![("resilience".to_owned(), "none".to_owned())];
    assert_eq!(controls(&DrillChoices { set, ..quick }), [lost]);
}

#[test]
fn values_for_all_wirings_make_those_one_that_become_the_same() {
    let set =
        [("events", "inline"), ("cache", "none")].map(|(axis, value)| (axis.to_owned(), value.to_owned()));
    let drill = drill("shortener", &DrillChoices { set: set.into(), ..DrillChoices::default() }).unwrap();
    let mut names: Vec<&str> = drill.cells.iter().map(|cell| cell.wiring.name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        ["monolith, sqlite", "microservices, postgres", "microservices, memory events, events=inline"]
    );
}

#[test]
fn a_wiring_has_the_name_of_which_the_most_holds() {
    let set = [("placement", "microservices"), ("database", "postgres"), ("events", "memory")];
    let set = set.map(|(axis, value)| (axis.to_owned(), value.to_owned()));
    let drill = drill("shortener", &DrillChoices { set: set.into(), ..DrillChoices::default() }).unwrap();
    let names: Vec<&str> = drill.cells.iter().map(|cell| cell.wiring.name.as_str()).collect();
    assert!(names.contains(&"microservices, postgres, events=memory"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("monolith")), "{names:?}");
}

#[test]
fn a_long_cell_has_room_for_its_operations() {
    let choices = DrillChoices { form: Form::Long, ..DrillChoices::default() };
    for cell in drill("shortener", &choices).unwrap().cells {
        let load = cell.plan.load;
        assert!(load.rate * load.measured.as_secs_f64() > 2.0 * LONG_OPERATIONS as f64);
    }
}

#[test]
fn a_cell_offers_no_more_than_is_modest_for_its_system() {
    for form in [Form::Quick, Form::Whole, Form::Long] {
        let choices = DrillChoices { form, ..DrillChoices::default() };
        for cell in drill("chat", &choices).unwrap().cells {
            assert_eq!((cell.plan.load.rate, cell.plan.load.things), (200.0, 100), "{form:?}");
        }
    }
}

#[test]
fn what_cannot_be_drilled_is_said_with_a_hint() {
    let refused = |faults: &[&str], set: &[(&str, &str)]| {
        let faults = faults.iter().map(|name| (*name).to_owned()).collect();
        let set = set.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned())).collect();
        let choices = DrillChoices { faults, set, ..DrillChoices::default() };
        drill("limiter", &choices).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(&["store-kiled"], &[]).contains("did you mean `store-killed`"));
    assert!(refused(&["broker-restarted"], &[]).contains("no wiring of `limiter` that is drilled"));
    assert!(refused(&[], &[("stat", "redis")]).contains("did you mean `state`"));
}
