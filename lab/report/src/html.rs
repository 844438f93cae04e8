//! The report as one page: a file that opens offline, in light and in dark, and on paper.
//!
//! Scripts, fonts, images and styles are never loaded from elsewhere; there is no script at all.
//! The order is for a reader who does not know the lab: the question and its answer, the compared wirings,
//! the costs, the reasons to trust the figures, the limits of the conclusions.
//! Every section begins with a sentence on how to read it.

mod architecture;
mod claims;
mod cost;
mod differences;
mod episode;
mod hysteresis;
mod latency;
mod ledger;
mod over_time;
mod time;
mod top;
mod validity;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    model::{Report, Trace},
    svg::{self, EPISODE_MARKS, MARKS},
};

const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub fn render(report: &Report) -> String {
    let body = html! {
        (svg::definitions())
        main {
            (top::question(report))
            (top::answer(report))
            (episode::section(report))
            (hysteresis::section(report))
            (over_time::section(report))
            (architecture::section(report))
            (cost::figures(report))
            (cost::walk(report))
            (cost::cpu(report))
            (latency::section(report))
            (differences::section(report))
            (time::section(report))
            (ledger::section(report))
            (claims::section(report))
            (validity::section(report))
            (validity::limits(report))
            (validity::again(report))
        }
        (validity::footer(report))
    };
    page(&format!("{} – {}", report.scenario.name, report.scenario.question), &report.lab_version, &body)
}

/// A page with traces only, of a running system.
pub fn traces(system: &str, traces: &[&Trace]) -> String {
    let body = html! {
        (svg::definitions())
        main { (time::traces(traces)) }
    };
    page(&format!("Traces of the {system}"), env!("CARGO_PKG_VERSION"), &body)
}

fn page(title: &str, lab_version: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={"system-design-lab " (lab_version)};
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(MARKS)) (PreEscaped(EPISODE_MARKS)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// A section with its heading and the sentence that says how to read it.
fn titled(id: &str, heading: &str, how_to_read: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) {
            h2 { (heading) }
            p class="read" { (unbroken(how_to_read)) }
            (body)
        }
    }
}

/// A picture at least `pixels` wide: on a narrower screen it scrolls, by keyboard as well, and says so.
fn picture(label: &str, pixels: f64, body: &Markup) -> Markup {
    // The screen width below which it is cut, in the style's steps.
    let step = ((pixels + 70.0) / 80.0).floor() * 80.0;
    html! {
        @if step >= 400.0 {
            p class={"swipe below-" (step.min(640.0) as u32)} aria-hidden="true" { "Scroll sideways to see all of it →" }
        }
        div class="scroll" tabindex="0" role="group" aria-label=(label) { (body) }
    }
}

/// The minimum width of a drawing that fills the page, as in the style.
const PLOT: f64 = 640.0;

/// An arm's name, preceded by its colour.
fn arm_name(report: &Report, label: &str) -> Markup {
    let place = report.arms.iter().position(|arm| arm.label == label);
    html! {
        span class="arm" {
            @if let Some(place) = place { span class={"swatch " (svg::arm_class(place))} {} }
            (label)
        }
    }
}

/// A sentence with non-breaking spaces in intervals and per cents.
fn unbroken(sentence: &str) -> String {
    let mut within = false;
    let kept = sentence.replace(" %", "\u{a0}%").replace(" [", "\u{a0}[");
    kept.chars()
        .map(|letter| {
            within = (within || letter == '[') && letter != ']';
            if within && letter == ' ' { '\u{a0}' } else { letter }
        })
        .collect()
}

/// The name of a row of figures, with the name of a fact at its end kept together:
/// `let through beyond the limit (over-admitted)`.
fn row_name(name: &str) -> Markup {
    let fact = name.rsplit_once(" (").filter(|(_, fact)| !fact.contains(' '));
    let (words, fact) = fact.unwrap_or((name, ""));
    html! {
        (words)
        @if !fact.is_empty() { " " span class="fact" { "(" (fact) } }
    }
}

/// Text with `backticked` parts as code.
fn prose(words: &str) -> Markup {
    html! {
        @for (at, part) in words.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
