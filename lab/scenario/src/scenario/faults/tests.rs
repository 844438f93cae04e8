//! Faults in a scenario file, whole and broken.

use std::path::Path;

use super::*;
use crate::scenario::Scenario;

/// A valid scenario with a fault, for tests that break it in one place.
const SOUND: &str = r#"question = "q"
why = "w"
look_for = []
kind = "episodes"
axis = "placement"
arms = ["monolith", "microservices"]
hold = { cache = "redis" }
[load]
mix = "follow-mostly"
rate = 100
slice_ms = 6000
[[faults]]
at_ms = 1000
for_ms = 2000
what = "freeze"
backing = "redis"
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioFault> {
    Scenario::parse(Path::new("scenarios/shortener/x.toml"), text)
}

/// A valid scenario with these lines in place of the ones after `for_ms`.
fn with(lines: &str) -> String {
    SOUND.replacen("what = \"freeze\"\nbacking = \"redis\"\n", lines, 1)
}

/// What the one fault of a scenario with these lines says of itself.
#[track_caller]
fn told(lines: &str) -> String {
    let scenario = parse(&with(lines)).unwrap_or_else(|fault| panic!("{lines}: {fault}"));
    scenario.faults[0].to_string()
}

/// Fails unless a scenario with these lines is refused with these words.
#[track_caller]
fn no_fault(lines: &str, words: &[&str]) {
    let Err(fault) = parse(&with(lines)) else { panic!("accepted: {lines}") };
    let message = fault.to_string();
    for word in words {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
}

/// Fails unless the valid scenario with one change is refused with these words.
#[track_caller]
fn refused(from: &str, to: &str, words: &[&str]) {
    assert!(SOUND.contains(from), "{from}");
    let Err(fault) = parse(&SOUND.replacen(from, to, 1)) else { panic!("`{to}` is accepted") };
    let message = fault.to_string();
    for word in words {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
}

#[test]
fn a_fault_is_read_whole_and_says_what_it_does() {
    let scenario = parse(SOUND).unwrap();
    let told: Vec<_> = scenario.faults.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["redis is frozen from 1000 ms to 3000 ms of each episode"]);
}

#[test]
fn a_fault_that_cannot_be_is_pointed_at() {
    refused("\"episodes\"", "\"paired\"", &[":12:1:", "only `episodes`", "hint:"]);
    refused("for_ms = 2000", "for_ms = 5001", &[":14:10:", "1000 ms to 6001 ms", "6000 ms", "`slice_ms`"]);
    refused("at_ms = 1000", "at_ms = 18446744073709551615", &[":14:10:"]);
    refused("for_ms = 2000", "for_ms = 0", &[":14:10:", "at least 1"]);
    refused("\"redis\"\n", "\"reddis\"\n", &[":16:11:", "did you mean `redis`"]);
    refused("\"redis\"\n", "\"sqlite\"\n", &[":16:11:", "no process of its own"]);
    refused("\"freeze\"", "\"freez\"", &[":15:8:", "did you mean `freeze`"]);
    refused("for_ms", "for_s", &["did you mean `for_ms`"]);
}

#[test]
fn faults_of_one_backing_are_apart_and_those_of_two_need_not_be() {
    let and = |at: u64, backing: &str| {
        format!("{SOUND}[[faults]]\nat_ms = {at}\nfor_ms = 500\nwhat = \"freeze\"\nbacking = \"{backing}\"\n")
    };
    assert_eq!(parse(&and(3000, "redis")).unwrap().faults.len(), 2, "one begins where the other ends");
    assert_eq!(parse(&and(2999, "postgres")).unwrap().faults.len(), 2);
    let message = parse(&and(2999, "redis")).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains(":17:1:") && message.contains("overlap"), "{message}");
}

#[test]
fn every_kind_has_its_parameters_and_its_words() {
    let on = |target: &str, what: &str, lines: &str| told(&format!("what = \"{what}\"\n{target}\n{lines}"));
    let (process, link) = ("process = \"links\"", "link = \"gateway -> links\"");
    let when = "from 1000 ms to 3000 ms of each episode";
    for (said, expected) in [
        (on(process, "kill", ""), "links is down after a kill"),
        (on("backing = \"postgres\"", "kill", ""), "postgres is down after a kill"),
        (on(process, "freeze", ""), "links is frozen"),
        (on(process, "errors", "share = 0.25"), "links is failing 25 % of calls to it as `unavailable`"),
        (
            on(process, "errors", "share = 1\nreply = \"internal\""),
            "links is failing all calls to it as `internal`",
        ),
        (on(link, "slow", "latency_ms = 50.5"), "gateway -> links is slowed by 50.5 ms each way"),
        (
            on(link, "slow", "latency = { uniform = { from_ms = 10, to_ms = 30 } }\ndirection = \"from\""),
            "gateway -> links is slowed by 10 to 30 ms for replies only",
        ),
        (
            on(process, "slow", "latency = { normal = { mean_ms = 20, deviation_ms = 5 } }"),
            "links is slowed by 20 ms with a standard deviation of 5 ms each way",
        ),
        (
            on(process, "slow", "latency = { pareto = { least_ms = 5, shape = 1.5 } }"),
            "links is slowed by at least 5 ms with a Pareto tail of shape 1.5 each way",
        ),
        (on(link, "reset", ""), "gateway -> links is reset"),
        (on(link, "blackhole", ""), "gateway -> links is a blackhole"),
        (on(link, "blackhole", "reads = false"), "gateway -> links is a blackhole that does not read"),
        (on(link, "partition", "direction = \"to\""), "gateway -> links is partitioned for requests only"),
        (
            on(link, "throttle", "bytes_per_second = 1000"),
            "gateway -> links is throttled to 1000 bytes a second",
        ),
        (
            on(link, "flap", "down_ms = 200\nup_ms = 800"),
            "gateway -> links is flapping with 200 ms down and 800 ms up",
        ),
    ] {
        assert_eq!(said, format!("{expected} {when}"));
    }
}

#[test]
fn a_parameter_is_of_its_kind_and_within_its_bounds() {
    let on = |lines: &str| format!("process = \"links\"\n{lines}");
    no_fault(
        &on("what = \"kill\"\nlatency_ms = 5.0"),
        &[":17:14:", "`latency_ms` is no parameter of `kill`"],
    );
    no_fault(
        &on("what = \"slow\"\nshare = 0.5"),
        &["no parameter of `slow`", "takes `latency_ms`, `latency`"],
    );
    no_fault(&on("what = \"slow\""), &[":16:8:", "needs `latency_ms` or `latency`"]);
    no_fault(&on("what = \"slow\"\nlatency_ms = 1.0\nlatency = { constant = { ms = 1 } }"), &["exclude"]);
    no_fault(&on("what = \"slow\"\nlatency_ms = 60001.0"), &[":17:14:", "`ms` is 60001", "60000 ms"]);
    no_fault(
        &on("what = \"slow\"\nlatency = { unifrom = { from_ms = 1, to_ms = 2 } }"),
        &["did you mean `uniform`"],
    );
    no_fault(&on("what = \"throttle\""), &["needs `bytes_per_second`"]);
    no_fault(&on("what = \"throttle\"\nbytes_per_second = 0"), &["`bytes_per_second` is 0"]);
    no_fault(&on("what = \"flap\"\ndown_ms = 5"), &["needs `up_ms`"]);
    no_fault(&on("what = \"errors\"\nshare = 1.5"), &["`share` is 1.5", "at most 1"]);
    no_fault(&on("what = \"errors\""), &["needs `share`", "share = 0.2"]);
    no_fault(&on("what = \"errors\"\nshare = 1\nreply = \"intern\""), &["did you mean `internal`"]);
    no_fault(&on("what = \"kill\"\nreply = \"internal\""), &["no parameter of `kill`"]);
    no_fault(&on("what = \"partition\"\ndirection = \"form\""), &["did you mean `from`"]);
    no_fault(
        &on("what = \"reset\"\ndirection = \"to\""),
        &["`direction` is no parameter of `reset`", "takes none"],
    );
}

#[test]
fn a_target_is_one_thing_that_the_system_can_have() {
    no_fault("what = \"kill\"\n", &[":12:1:", "needs a target"]);
    no_fault(
        "what = \"kill\"\nprocess = \"links\"\nbacking = \"redis\"",
        &["one target", "a fault for each"],
    );
    no_fault("what = \"kill\"\nprocess = \"lings\"", &[":16:11:", "no placement", "did you mean `links`"]);
    no_fault("what = \"kill\"\nprocess = \"gateway-2\"", &["no placement", "`gateway-2`"]);
    no_fault("what = \"kill\"\nprocess = \"links-0\"", &["no placement"]);
    no_fault(
        "what = \"kill\"\nlink = \"gateway -> links\"",
        &[":15:8:", "cannot be done to the link", "partition"],
    );
    no_fault(
        "what = \"errors\"\nshare = 0.1\nbacking = \"redis\"",
        &["cannot be done to the backing `redis`"],
    );
    let cut = |link: &str| format!("what = \"partition\"\nlink = {link}");
    no_fault(&cut("\"gateway to links\""), &[":16:8:", "is no link", "gateway -> links"]);
    no_fault(&cut("\"gateway -> lings\""), &["an end `lings`", "did you mean `links`"]);
    no_fault(&cut("\"gatway -> links\""), &["an end `gatway`", "did you mean `gateway`"]);
    no_fault(&cut("\"redis -> links\""), &["`redis` calls nobody", "hint:"]);
    no_fault(&cut("{ from = \"gateway\" }"), &["expected a link"]);
    no_fault(&cut("5"), &["expected a link"]);
}

#[test]
fn a_link_is_written_with_an_arrow_or_by_its_ends() {
    let link =
        |text: &str| parse(&with(&format!("what = \"reset\"\nlink = {text}\n"))).unwrap().faults[0].target;
    assert_eq!(link("\"gateway->links-2\""), link("{ from = \"gateway\", to = \"links-2\" }"));
    assert_eq!(link("\"client -> shortener\"").to_string(), "client -> shortener");
    assert_eq!(link("\"links -> redis\"").to_string(), "links -> redis");
}

#[test]
fn faults_that_are_done_to_the_same_processes_or_links_are_apart() {
    let slow = |target: &str| format!("what = \"slow\"\nlatency_ms = 5.0\n{target}\n");
    let overlap = |one: &str, other: &str| {
        let text = format!("{}[[faults]]\nat_ms = 2000\nfor_ms = 2000\n{other}", with(one));
        match parse(&text) {
            Ok(_) => false,
            Err(fault) => fault.to_string().contains("overlap"),
        }
    };
    let (links, one_of_them) = (slow("process = \"links\""), slow("process = \"links-2\""));
    assert!(overlap(&links, &one_of_them));
    assert!(!overlap(&one_of_them, &slow("process = \"links-1\"")));
    assert!(overlap(&links, &slow("link = \"gateway -> links\"")), "it is a link to the process");
    assert!(!overlap(&links, &slow("link = \"links -> redis\"")), "it is a link from it");
    assert!(!overlap(&slow("link = \"gateway -> links\""), &slow("link = \"client -> gateway\"")));
    assert!(overlap(&slow("backing = \"redis\""), &slow("link = \"links -> redis\"")));
    let kill = "what = \"kill\"\nprocess = \"links\"\n";
    assert!(overlap(&links, kill), "one target, whatever is done");
    assert!(
        !overlap(&slow("link = \"gateway -> links\""), kill),
        "a link may be slow before its end is killed"
    );
}

#[test]
fn a_name_covers_all_replicas_or_one() {
    let links = |replica| ProcessName { shape: "links", replica };
    assert!(links(None).covers("links", "links") && links(None).covers("links", "links-3"));
    assert!(links(Some(3)).covers("links", "links-3") && !links(Some(3)).covers("links", "links-2"));
    assert!(links(Some(1)).covers("links", "links"), "the only one is the first");
    assert!(!links(None).covers("clicks", "clicks"));
}
