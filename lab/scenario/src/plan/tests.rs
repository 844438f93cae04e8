//! Plans, and refused plans.

use std::path::Path;

use super::*;

const SCENARIO: &str = r#"question = "q"
why = "w"
look_for = []
kind = "paired"
axis = "placement"
arms = ["monolith", "microservices"]
[hold]
ownership = "per-service"
[load]
mix = "follow-mostly"
rate = 100
"#;

const WALK: &str = r#"question = "q"
why = "w"
look_for = []
kind = "waterfall"
[load]
mix = "follow-mostly"
rate = 100
[[steps]]
label = "one process"
[[steps]]
label = "split"
set = { placement = "microservices" }
[[steps]]
label = "traced"
set = { tracing = "all" }
"#;

fn plan(text: &str, choices: &Choices) -> anyhow::Result<Plan> {
    let scenario = Scenario::parse(Path::new("scenarios/shortener/x.toml"), text)?;
    Plan::new(&scenario, choices)
}

fn arms(names: &[&str]) -> Choices {
    Choices { arms: names.iter().map(|name| (*name).to_owned()).collect(), ..Choices::default() }
}

fn held(axis: &str, value: &str) -> Choices {
    Choices { hold: vec![(axis.to_owned(), value.to_owned())], ..Choices::default() }
}

#[test]
fn an_arm_that_is_no_value_is_told_before_anything_else() {
    let said = plan(SCENARIO, &arms(&["monolit"])).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("`monolit`") && said.contains("microservices"), "{said}");
    let said = plan(SCENARIO, &arms(&["monolith"])).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("two arms"), "{said}");
}

#[test]
fn arms_differ_in_one_axis_and_the_plan_proves_it() {
    let plan = plan(SCENARIO, &held("transport", "grpc")).unwrap();
    let diff = plan.diff();
    assert!(diff.is_one_axis());
    let differing: Vec<_> = diff.rows.iter().filter(|row| row.differs).map(|row| row.axis).collect();
    assert_eq!(differing, ["placement"]);
    assert!(plan.arms.iter().all(|arm| arm.wiring.get("transport") == "grpc"));
}

#[test]
fn a_process_gets_the_stores_of_what_it_hosts_and_peers_for_the_rest() {
    let plan = plan(SCENARIO, &Choices::default()).unwrap();
    let split = plan.arm("microservices").unwrap();
    assert_eq!(split.edge().name, "gateway");
    assert_eq!(split.edge().remote, ["links", "clicks"]);
    let links = split.processes.iter().find(|process| process.name == "links").unwrap();
    assert_eq!(links.roles, ["database/links"]);
    let whole = plan.arm("monolith").unwrap();
    assert_eq!(whole.edge().roles, ["database/links", "database/clicks"]);
    assert!(whole.edge().remote.is_empty());
}

#[test]
fn copies_are_processes_of_their_own_beside_one_edge() {
    let choices = Choices { arms: arms(&["links-apart", "microservices"]).arms, ..held("replicas", "2") };
    let plan = plan(SCENARIO, &choices).unwrap();
    let split = plan.arm("microservices").unwrap();
    let names: Vec<_> = split.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["gateway", "links-1", "links-2", "clicks-1", "clicks-2"]);
    assert_eq!(split.processes[2].shape, "links", "what it hosts is told by its name in the placement");
    assert!(split.hosts_of("links").all(|replica| replica.roles == ["database/links"]));
    let apart: Vec<_> = plan.arms[0].processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(apart, ["gateway", "links-1", "links-2"], "the process with the edge has no copy");
}

#[test]
fn a_process_that_counts_for_all_is_there_once_and_only_where_it_is_asked_for() {
    let arm = |state| {
        let choices = [("placement", "microservices"), ("replicas", "2"), ("state", state)];
        let limiter = crate::systems::find("limiter").unwrap();
        ArmPlan::new(state.to_owned(), Wiring::with(limiter, choices).unwrap())
    };
    let names =
        |arm: &ArmPlan| -> Vec<_> { arm.processes.iter().map(|process| process.name.clone()).collect() };
    let (local, service) = (arm("local"), arm("service"));
    assert_eq!(names(&local), ["gateway", "decisions-1", "decisions-2", "policies"]);
    assert_eq!(names(&service), ["gateway", "decisions-1", "decisions-2", "policies", "counts"]);
    assert_eq!(local.processes[1].remote, ["policies"], "nobody is told of what is not there");
    assert_eq!(service.processes[1].calls, ["policies", "counts"]);
    assert_eq!(service.edge().calls, ["decisions", "policies"], "the edge does not count");
}

#[test]
fn the_lab_against_itself_has_two_arms_with_names_of_their_own() {
    let plan = plan(SCENARIO, &arms(&["monolith", "monolith"])).unwrap();
    assert_eq!(plan.arms[0].name, "monolith-a");
    assert_eq!(plan.arms[1].label, "monolith (B)");
    assert!(plan.diff().is_one_axis());
}

#[test]
fn a_walk_changes_one_axis_a_step_and_leaving_one_out_shows() {
    let whole = plan(WALK, &Choices::default()).unwrap();
    assert!(whole.diff().is_one_axis());
    assert_eq!(whole.arms[2].wiring.get("placement"), "microservices");
    let gap = plan(WALK, &arms(&["one process", "traced"])).unwrap();
    assert!(!gap.diff().is_one_axis());
    assert!(gap.diff().sentence().contains("left out"));
}

#[test]
fn what_cannot_be_planned_is_one_clear_message() {
    let refused = |text, choices: &Choices| match plan(text, choices) {
        Ok(_) => "no complaint".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    insta::assert_snapshot!(refused(SCENARIO, &held("placement", "monolith")));
    insta::assert_snapshot!(refused(SCENARIO, &held("cach", "local")));
    insta::assert_snapshot!(refused(SCENARIO, &arms(&["monolith"])));
    insta::assert_snapshot!(refused(SCENARIO, &arms(&["monolith", "monolit"])));
    insta::assert_snapshot!(refused(SCENARIO, &arms(&["monolith", "microservices", "monolith"])));
    insta::assert_snapshot!(refused(WALK, &arms(&["one process", "spilt"])));
}

#[test]
fn a_topology_is_drawn_as_text() {
    let plan = plan(SCENARIO, &Choices::default()).unwrap();
    insta::assert_snapshot!(topology(&plan.arms[1]));
}

#[test]
fn the_plan_is_kept_as_toml() {
    let mut plan = plan(SCENARIO, &Choices::default()).unwrap();
    plan.budget = Budget::divide(&[0, 1]);
    insta::assert_snapshot!(plan.to_toml());
}
