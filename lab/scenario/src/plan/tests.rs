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

/// Episodes over an axis that is not the placement, with a fault of these lines.
fn faulty(placement: &str, lines: &str) -> String {
    let replicas = if placement == "monolith" { 1 } else { 2 };
    format!(
        "question = \"q\"\nwhy = \"w\"\nlook_for = []\nkind = \"episodes\"\naxis = \"resilience\"\n\
         arms = [\"none\", \"timeout\"]\n[hold]\nplacement = \"{placement}\"\ncache = \"redis\"\n\
         replicas = \"{replicas}\"\n[load]\nmix = \"follow-mostly\"\nrate = 100\nslice_ms = 6000\n[[faults]]\n\
         at_ms = 1000\nfor_ms = 2000\n{lines}\n"
    )
}

const SLOW: &str = "what = \"slow\"\nlatency_ms = 5.0\n";

#[test]
fn an_arm_has_a_link_for_every_replica_that_is_called_and_every_store() {
    let plan =
        plan(&faulty("microservices", &format!("{SLOW}process = \"links\"")), &Choices::default()).unwrap();
    let links: Vec<_> = plan.arms[0].links().iter().map(ToString::to_string).collect();
    let expected = [
        "client -> gateway",
        "gateway -> links-1",
        "gateway -> links-2",
        "gateway -> clicks-1",
        "gateway -> clicks-2",
        "links-1 -> redis",
        "links-2 -> redis",
    ];
    assert_eq!(links, expected);
    let of = |target| plan.arms[0].links_of(target).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of(plan.scenario.faults[0].target), ["gateway -> links-1", "gateway -> links-2"]);
}

#[test]
fn a_fault_has_to_reach_every_arm() {
    let refused = |text: &str, choices: &Choices, words: &[&str]| {
        let said = plan(text, choices).map(|_| ()).unwrap_err().to_string();
        assert!(words.iter().all(|word| said.contains(word)) && said.contains("hint:"), "{said}");
    };
    let none = Choices::default();
    let of = |target: &str| faulty("microservices", &format!("{SLOW}{target}"));
    refused(
        &of("link = \"links -> clicks\""),
        &none,
        &["no arm has the link `links -> clicks`", "did you mean"],
    );
    refused(&of("link = \"gateway -> links-3\""), &none, &["no arm has the link", "gateway -> links-2"]);
    refused(&of("process = \"gateway\""), &none, &["nobody calls `gateway`", "client -> gateway"]);
    refused(
        &of("backing = \"redis\""),
        &held("cache", "none"),
        &["the arm `resilience=none`", "has no redis"],
    );
    let kill = faulty("monolith", "what = \"kill\"\nprocess = \"links\"");
    refused(&kill, &none, &["has no process `links`", "one placement"]);
    let placed = kill.replace("\"resilience\"", "\"placement\"").replace("placement = \"monolith\"\n", "");
    let placed = placed.replace("[\"none\", \"timeout\"]", "[\"microservices\", \"monolith\"]");
    refused(&placed, &none, &["the arm `monolith` has no process `links`"]);
    let cut = placed
        .replace("what = \"kill\"\nprocess = \"links\"", "what = \"reset\"\nlink = \"gateway -> links\"");
    refused(&cut, &none, &["the arm `monolith` has no link `gateway -> links`"]);
    assert!(plan(&of("link = \"client -> gateway\""), &none).is_ok());
}

#[test]
fn no_fault_is_of_a_link_to_kafka() {
    let text = |fault: &str| faulty("microservices", fault);
    let kafka = held("events", "kafka");
    for target in ["backing = \"kafka\"", "link = \"gateway -> kafka\""] {
        let said = plan(&text(&format!("{SLOW}{target}")), &kafka).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("the broker advertises") && said.contains("`what = \"freeze\"`"), "{said}");
    }
    assert!(plan(&text("what = \"kill\"\nbacking = \"kafka\""), &kafka).is_ok());
}

#[test]
fn the_timeline_of_faults_is_seeded_by_the_plan_and_the_same_for_all() {
    let text = faulty("microservices", &format!("{SLOW}process = \"links\""));
    let faults = |seed| plan(&text, &Choices { seed: Some(seed), ..Choices::default() }).unwrap().faults();
    assert_eq!(faults(7), faults(7));
    assert_ne!(faults(7), faults(8));
    assert_eq!(faults(7)[0].what.to_string(), "slowed by 5 ms each way");
}

fn cart(placement: &str, routing: &str) -> ArmPlan {
    let system = crate::systems::find("cart").unwrap();
    let wiring = Wiring::with(system, [("placement", placement), ("routing", routing)]).unwrap();
    ArmPlan::new(routing.to_owned(), wiring)
}

#[test]
fn called_directly_each_process_serves_its_part_and_nobody_has_the_edge() {
    let direct = cart("microservices", "direct");
    let public: Vec<_> = direct.public().map(|process| process.name.as_str()).collect();
    assert_eq!(public, ["catalog", "carts", "orders", "stock", "vouchers", "payments", "notices"]);
    assert_eq!(direct.processes.len(), public.len(), "there is no gateway");
    assert_eq!(direct.processes[2].paths, ["/checkouts", "/orders", "/sales", "/admin/sagas"]);
    assert_eq!((direct.public_index("orders"), direct.public_index("gateway")), (Some(2), None));
    // Only components call, and only the payments use the provider, which tells them.
    let callers: Vec<_> = direct.processes.iter().filter(|process| !process.calls.is_empty()).collect();
    assert_eq!(callers.iter().map(|process| process.shape).collect::<Vec<_>>(), ["carts", "orders"]);
    let told = |name: &str| &direct.processes.iter().find(|process| process.name == name).unwrap().tells;
    assert_eq!(told("orders"), &["carts", "stock", "vouchers", "payments", "notices"]);
    assert_eq!((told("stock"), told("carts")), (&vec!["orders"], &Vec::new()), "a command has a reply");
    let has_provider = |process: &&ProcessPlan| process.roles.iter().any(|role| role == "provider");
    let users: Vec<_> = direct.processes.iter().filter(has_provider).map(|process| process.shape).collect();
    assert_eq!(users, ["payments"]);
    assert_eq!(direct.webhooks_of(&direct.processes[5]).name, "payments");
    let links: Vec<_> = direct.links().iter().map(ToString::to_string).collect();
    assert!(public.iter().all(|name| links.contains(&format!("client -> {name}"))), "{links:?}");

    let behind = cart("microservices", "gateway");
    assert_eq!(behind.public().map(|process| process.name.as_str()).collect::<Vec<_>>(), ["gateway"]);
    let payments = behind.processes.iter().find(|process| process.name == "payments").unwrap();
    assert_eq!(behind.webhooks_of(payments).name, "gateway");
    assert!(behind.processes.iter().all(|process| process.paths.is_empty()));
}

#[test]
fn the_parts_of_an_edge_are_drawn_and_named() {
    let arm = cart("checkout-apart", "direct");
    let drawn = [
        "client -> shop      [part of the edge + catalog + carts + notices]",
        "            |-http-> vouchers",
        "            |-sqlite-> database",
        "client -> checkout  [part of the edge + orders + stock + vouchers + payments]",
        "            |-http-> catalog",
        "            |-http-> carts",
        "            |-inline events-> carts",
        "            |-inline events-> notices",
        "            |-sqlite-> database",
        "            |-provider-> provider",
        "",
    ];
    assert_eq!(topology(&arm), drawn.join("\n"));
    let serves: Vec<_> = arm.processes.iter().filter_map(ProcessPlan::serves).collect();
    assert_eq!(serves[0], "serves the public API of `/products`, `/carts`, `/orders/{order}/notices`");
}
