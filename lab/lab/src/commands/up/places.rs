//! What `lab up` prints: where everything is, and what can be done with it.

use std::fmt::Write;

use anyhow::Result;
use design::{Wiring, axes::Tracing};
use runtimes::arm::{PublicPart, RunningArm};
use scenario::plan::{ArmPlan, topology};

use crate::recent::KEPT;

/// The addresses of everything, and examples of their use.
pub(super) fn places(plan: &ArmPlan, arm: &RunningArm) -> Result<String> {
    let mut text = format!("{}\n", topology(plan));
    // Writing to a string cannot fail.
    for (axis, value) in plan.wiring.values() {
        let _ = writeln!(text, "  {axis:<12} {value}");
    }
    text.push_str(&public(arm));
    for process in &arm.processes {
        let _ = writeln!(
            text,
            "{:<12} pid {}, metrics http://{}/metrics\n             wiring {}\n             log    {}",
            process.name,
            process.pid,
            process.internal,
            process.process_config.display(),
            process.log,
        );
    }
    for backing in &arm.backings {
        let place = arm.runtime.place(backing.kind).map(|own| format!(", {own}")).unwrap_or_default();
        let _ = writeln!(text, "{:<12} {}{place}", backing.kind.name(), backing.provider);
    }
    let _ = writeln!(text, "{:<12} {}", "traces", where_traces_go(&plan.wiring));
    text.push_str(&examples(plan, arm)?);
    Ok(text)
}

/// Where the public API is, and which paths are where if several processes serve it.
fn public(arm: &RunningArm) -> String {
    let mut text = String::new();
    for (nth, part) in arm.parts.iter().enumerate() {
        let title = if nth == 0 { "\npublic API   " } else { "             " };
        let url = part.url();
        let lines = match part.paths.join(", ") {
            paths if paths.is_empty() => format!("{title}{url}\n             {url}/openapi.json"),
            paths => format!("{title}{url}  {paths}"),
        };
        let _ = writeln!(text, "{lines}");
    }
    text
}

/// What can be done with it.
fn examples(plan: &ArmPlan, arm: &RunningArm) -> Result<String> {
    let system = plan.wiring.system();
    let mut text = "\ntry\n".to_owned();
    for (title, command) in system.examples {
        let _ = writeln!(text, "  # {title}");
        for line in addressed(command, arm)? {
            let _ = writeln!(text, "  {line}");
        }
    }
    let url = arm.url();
    let _ = writeln!(
        text,
        "\n  # put it under load\n  lab load --system {} --url {url} --rate 50 --for 20s{}",
        system.name,
        also(arm),
    );
    if let [_] = arm.parts[..] {
        let _ = writeln!(
            text,
            "\n  # the same journeys by k6, from the project's folder\n  \
             k6 run --no-usage-report -e URL={url} load/k6/{}.js",
            system.name,
        );
    }
    if let Some(last) = arm.processes.last() {
        let _ = writeln!(
            text,
            "\n  # break it, and see who notices\n  lab fault kill {} --for 2s\n  lab watch --for 20s",
            last.name
        );
    }
    Ok(text)
}

/// What opens a page in a browser.
const PAGE: &str = "xdg-open {url}/";

/// An example with the address of the process that serves its path. A page is opened at each process that serves the same, and
/// told of the others.
fn addressed(command: &str, arm: &RunningArm) -> Result<Vec<String>> {
    let alike: Vec<_> = arm.parts.iter().filter(|part| part.paths.is_empty()).map(PublicPart::url).collect();
    if command == PAGE && alike.len() > 1 {
        return Ok(pages(&alike));
    }
    let Some((before, after)) = command.split_once("{url}") else { return Ok(vec![command.to_owned()]) };
    let path = after.split([' ', '\'', '"']).next().unwrap_or_default();
    Ok(vec![format!("{before}{}{after}", arm.url_of(path)?)])
}

/// `xdg-open 'http://127.0.0.1:8080/?also=127.0.0.1:8081'`, and the page of each other process.
fn pages(urls: &[String]) -> Vec<String> {
    let also = |own: &String| {
        let others = urls.iter().filter(|url| *url != own).map(|url| url.trim_start_matches("http://"));
        others.collect::<Vec<_>>().join(",")
    };
    urls.iter().map(|url| format!("xdg-open '{url}/?also={}'", also(url))).collect()
}

/// The flags by which `lab load` knows the address of each path, if there are several.
fn also(arm: &RunningArm) -> String {
    let [_, _, ..] = arm.parts[..] else { return String::new() };
    let paths = arm.parts.iter().flat_map(|part| {
        part.paths.iter().map(move |path| format!(" \\\n    --also '{path}={}'", part.url()))
    });
    let alike = arm.parts.iter().skip(1).filter(|part| part.paths.is_empty());
    paths.chain(alike.map(|part| format!(" \\\n    --beside {}", part.url()))).collect()
}

/// Which requests are traced, and where to see the traces.
fn where_traces_go(wiring: &Wiring) -> String {
    let which = match wiring.choice() {
        Tracing::Off => return "none are left (`tracing=off`)".to_owned(),
        Tracing::Asked => "of requests with a sampled `traceparent`".to_owned(),
        Tracing::All => "of every request".to_owned(),
        Tracing::Share(_) => {
            let share = wiring.get("tracing");
            format!("of a share of {share} of the requests, and of those with a sampled `traceparent`")
        }
    };
    format!("{which}: drawn here as they come; `lab trace` shows the last {KEPT} again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_each_process_is_told_of_the_others() {
        let urls = [1, 2, 3].map(|port| format!("http://127.0.0.1:{port}"));
        let all = pages(&urls);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], "xdg-open 'http://127.0.0.1:1/?also=127.0.0.1:2,127.0.0.1:3'");
        assert_eq!(all[2], "xdg-open 'http://127.0.0.1:3/?also=127.0.0.1:1,127.0.0.1:2'");
    }
}
