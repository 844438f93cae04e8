//! `lab trace`: the last traces of a running wiring.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use report::{html, model::Trace, words::three_digits};
use scenario::diagnostic::Diagnostic;

use super::waterfall;
use crate::{
    outcome::Outcome,
    output,
    recent::{self, Shown, ShownTrace},
};

/// The number of listed traces, the newest; `TRACE` finds the others as well.
const LISTED: usize = 20;

const HELP: &str = "\
A trace is one operation: the calls that it caused, one below the other, each with its time.
A request leaves one if it carries a sampled `traceparent`, as in an example that `lab up`
prints, or as the axis `tracing` says: `lab up shortener --set tracing=all`.

The axis ends with the reply. A bar that ends with `>` goes on after it; what began later
stands below.

Examples:
  lab trace                              list the last ones, and draw the newest
  lab trace slowest                      draw the one whose reply took longest
  lab trace 0af76                        draw one, by its id or how that begins
  lab trace 0af76 4bf92 --page t.html    two on one axis, as a page like that of a report

A trace's id is its request's `x-request-id`. `lab up` keeps the last 100.";

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Which to draw: an id, how one begins, `last`, or `slowest`
    #[arg(value_name = "TRACE")]
    traces: Vec<String>,
    /// Write a page as well, with these traces drawn as a report draws them
    #[arg(long, value_name = "FILE.html")]
    page: Option<PathBuf>,
    /// The process id of the `lab up` to ask, if several are up
    #[arg(long, value_name = "PID")]
    up: Option<u32>,
}

impl Args {
    /// Lists the last traces, or draws some.
    pub fn run(&self) -> Result<Outcome> {
        let nobody = "no `lab up` is running, and traces are kept for as long as one is";
        let nobody = Diagnostic::new(nobody).hint(start_one());
        let shown = chosen(recent::of_running_labs(&std::env::temp_dir()), self.up, nobody)?;
        let Some(last) = shown.traces.last() else { return Err(none_yet(&shown).into()) };
        let found: Vec<&ShownTrace> = if self.traces.is_empty() {
            output::data(&list(&shown, SystemTime::now()))?;
            vec![last]
        } else {
            self.traces.iter().map(|name| find(name, &shown.traces)).collect::<Result<_>>()?
        };
        let traces: Vec<&Trace> = found.into_iter().map(|found| &found.trace).collect();
        let longest = traces.iter().map(|trace| trace.reply_us()).fold(0.0, f64::max);
        for trace in &traces {
            output::data(&format!("\n{}\n{}", trace.trace_id, waterfall::text(trace, longest)))?;
        }
        if let Some(path) = &self.page {
            std::fs::write(path, html::traces(&shown.system, &traces))
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            output::talk(&format!("the page: {}", path.display()));
        }
        Ok(Outcome::Done)
    }
}

/// The chosen lab; `nobody` is the error if there is none.
pub(super) fn chosen(mut running: Vec<Shown>, pid: Option<u32>, nobody: Diagnostic) -> Result<Shown> {
    let listed = running.iter().map(|up| format!("`--up {}` ({}, {})", up.pid, up.system, up.url));
    let listed = listed.collect::<Vec<_>>().join(", ");
    if let Some(pid) = pid {
        let found = running.into_iter().find(|up| up.pid == pid);
        let not_found = Diagnostic::new(format!("no `lab up` with the process id {pid} is running"));
        let hint = if listed.is_empty() { start_one() } else { format!("there is {listed}") };
        return found.ok_or_else(|| not_found.hint(hint).into());
    }
    match running.len() {
        0 => Err(nobody.into()),
        1 => Ok(running.remove(0)),
        several => Err(Diagnostic::new(format!("{several} wirings are up"))
            .hint(format!("say which: {listed}"))
            .into()),
    }
}

fn start_one() -> String {
    "`lab up shortener --set tracing=all` starts one of which every request leaves a trace; the traces of a `lab run` are in its report; a `lab up` with another `TMPDIR` is not seen from here".to_owned()
}

fn none_yet(shown: &Shown) -> Diagnostic {
    let Shown { pid, system, url, tracing, .. } = shown;
    let what = format!("the {system} at `{url}` (process id {pid}) has left no traces yet");
    let hint = match tracing.as_str() {
        "off" => {
            format!("it was started with `tracing=off`; `lab up {system}` leaves traces for those who ask")
        }
        "all" => "every request leaves one; it is here two seconds after its reply".to_owned(),
        _ => format!(
            "ask for one: `curl -i {url}/... -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'`; it is here two seconds after its reply"
        ),
    };
    Diagnostic::new(what).hint(hint)
}

fn find<'a>(name: &str, traces: &'a [ShownTrace]) -> Result<&'a ShownTrace> {
    let by_reply = |a: &&ShownTrace, b: &&ShownTrace| a.trace.reply_us().total_cmp(&b.trace.reply_us());
    let wanted = name.to_lowercase();
    let mut found: Vec<_> = match wanted.as_str() {
        "last" => traces.last().into_iter().collect(),
        "slowest" => traces.iter().max_by(by_reply).into_iter().collect(),
        begins => traces.iter().filter(|shown| shown.trace.trace_id.starts_with(begins)).collect(),
    };
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), others) => {
            let what = format!("`{name}` is how {} traces begin", others + 1);
            Err(Diagnostic::new(what).hint("say more of the id; `lab trace` lists them").into())
        }
        (None, _) => {
            let what = format!("no trace that is kept is called `{name}`");
            let hint = format!(
                "`lab trace` lists the last ones; the newest {} are kept, and one is here two seconds after its reply",
                recent::KEPT
            );
            Err(Diagnostic::new(what).hint(hint).into())
        }
    }
}

/// The newest traces, one per row, the newest last.
fn list(shown: &Shown, now: SystemTime) -> String {
    let mut table =
        output::table(["trace", "operation", "ago", "until the reply", "spans", "after the reply"]);
    let first = shown.traces.len().saturating_sub(LISTED);
    for ShownTrace { began_ms, trace } in &shown.traces[first..] {
        let since = now.duration_since(SystemTime::UNIX_EPOCH + Duration::from_millis(*began_ms));
        table.add_row([
            trace.trace_id.clone(),
            trace.operation.clone(),
            format!("{} s", since.unwrap_or_default().as_secs()),
            format!("{} us", three_digits(trace.reply_us())),
            trace.spans.len().to_string(),
            match trace.after_reply().count() {
                0 => String::new(),
                spans => format!("{spans} spans"),
            },
        ]);
    }
    let left_out = match first {
        0 => String::new(),
        older => format!("{older} older ones are not listed; `lab trace ID` draws them too\n"),
    };
    format!("the {} at {} (process id {})\n{table}\n{left_out}", shown.system, shown.url, shown.pid)
}

#[cfg(test)]
mod tests {
    use report::model::Span;

    use super::*;

    fn trace(id: &str, reply_us: f64) -> ShownTrace {
        let span = Span {
            name: "GET /{code}".to_owned(),
            process: "gateway".to_owned(),
            component: None,
            kind: "server".to_owned(),
            start_us: 0.0,
            duration_us: reply_us,
            depth: 0,
        };
        let trace = Trace { trace_id: id.to_owned(), operation: span.name.clone(), spans: vec![span] };
        ShownTrace { began_ms: 1_000, trace }
    }

    #[test]
    fn a_trace_is_found_by_what_a_person_says_of_it() {
        let traces = [trace("aa1", 5.0), trace("aa2", 9.0), trace("bb1", 7.0)];
        let id = |name: &str| find(name, &traces).map(|found| found.trace.trace_id.clone());
        for (name, found) in
            [("aa1", "aa1"), ("b", "bb1"), ("BB", "bb1"), ("last", "bb1"), ("slowest", "aa2")]
        {
            assert_eq!(id(name).unwrap(), found, "{name}");
        }
        for (name, what) in [("aa", "2 traces begin"), ("c", "no trace that is kept")] {
            let error = id(name).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("hint:"), "{error}");
        }
    }

    #[test]
    fn one_wiring_is_meant_or_one_has_to_be_said() {
        let up = |pid| Shown {
            pid,
            system: "limiter".to_owned(),
            url: format!("http://{pid}"),
            ..Shown::default()
        };
        let nobody = || Diagnostic::new("no `lab up` is running").hint("start one");
        assert_eq!(chosen(vec![up(1)], None, nobody()).unwrap().pid, 1);
        assert_eq!(chosen(vec![up(1), up(2)], Some(2), nobody()).unwrap().pid, 2);
        for (running, pid, what) in [
            (vec![], None, "no `lab up` is running"),
            (vec![], Some(3), "process id 3"),
            (vec![up(1), up(2)], None, "`--up 1` (limiter, http://1), `--up 2`"),
            (vec![up(1)], Some(3), "there is `--up 1`"),
        ] {
            let error = chosen(running, pid, nobody()).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("hint:"), "{error}");
        }
    }

    #[test]
    fn only_the_newest_are_listed_and_the_others_are_counted() {
        let traces = (0..LISTED + 3).map(|number| trace(&format!("id-{number:02}"), 5.0)).collect();
        let shown = Shown { traces, ..Shown::default() };
        let text = list(&shown, SystemTime::UNIX_EPOCH + Duration::from_secs(4));
        assert!(!text.contains("id-02") && text.contains("id-03") && text.contains("id-22"), "{text}");
        assert!(text.contains("3 older ones") && text.contains("3 s"), "{text}");
    }
}
