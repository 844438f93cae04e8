//! The reasons to trust the figures, the limits of their conclusions, and how to reproduce them.

use maud::{Markup, html};

use super::{prose, titled};
use crate::{
    faults,
    model::Report,
    words::{
        arrivals, count, duration_of_ms, generators_own, maybe, maybe_per_cent, maybe_whole, per_cent,
        processors, things, three_digits,
    },
};

pub(super) fn section(report: &Report) -> Markup {
    let body = html! {
        div class={"validity" @if !report.validity.verdict_possible { " void" }} {
            (tiles(report))
            @for note in &report.validity.notes { p class="note" { (prose(note)) } }
        }
        (conditions(report))
    };
    titled(
        "validity",
        "How far to believe it",
        "How good this measurement was. If the generator was late too often, nothing that was timed counts. A difference smaller than the smallest detectable one would not have been seen.",
        &body,
    )
}

fn tiles(report: &Report) -> Markup {
    let validity = &report.validity;
    html! {
        dl class="tiles" {
            (tile("verdict", if validity.verdict_possible { "possible" } else { "not possible" }, "whether this run meets its own conditions"))
            (tile("send lag p99", &format!("{} µs", maybe(validity.send_lag_p99_us)), &format!("how late the generator sent: one operation in a hundred was later; the bound is {} µs", three_digits(validity.send_lag_bound_us))))
            @if let Some(own) = generators_own(validity) {
                (tile("generator's own", &own, "of every latency: what a server that does nothing takes under this load"))
            }
            (tile("void slices", &format!("{} of {}", count(validity.void_slices), count(validity.total_slices)), "turns in which the generator was late, left out for all arms"))
            (tile("effective samples", &maybe_whole(validity.effective_samples), "independent observations that the ratio of CPU per operation rests on"))
            (tile("smallest detectable", &maybe_per_cent(validity.smallest_detectable_percent), "difference in CPU per operation that such a run finds four times in five"))
            (tile("noise floor", &maybe_per_cent(validity.noise_floor_percent), "by how much two equal arms may seem to differ in CPU per operation"))
            (tile("confidence", &per_cent(validity.confidence * 100.0), &format!("that all {} intervals of this report hold at once", validity.family_size)))
            (tile("equal means within", &per_cent(validity.equivalence_margin_percent), "a difference up to this is called none"))
        }
    }
}

fn tile(name: &str, figure: &str, meaning: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd { b { (figure) } span class="soft" { (meaning) } }
        }
    }
}

fn conditions(report: &Report) -> Markup {
    let (machine, load) = (&report.machine, &report.load);
    html! {
        dl class="conditions" {
            dt { "machine" }
            dd { (machine.cpu) ", " (machine.cores) " cores, " (three_digits(machine.memory_mib as f64 / 1024.0)) " GiB; " (machine.os) ", kernel " (machine.kernel) "; Rust " (machine.rust.trim_start_matches("rustc ")) }
            dt { "processors" }
            dd { "generator " (processors(&report.budget.generator_cpus)) "; arms " (processors(&report.budget.arm_cpus)) "; runtime " code { (report.runtime) } }
            dt { "load" }
            dd { "the mix " code { (load.mix) } ": " (three_digits(load.rate)) " operations per second, " (arrivals(&load.arrivals)) "; " (things(load)) " to begin with" }
            dt { "measured" }
            dd { (three_digits(load.measured_seconds_per_arm)) " s per arm: " (count(load.rounds)) " turns of " (duration_of_ms(load.slice_ms)) " for each arm, in random order; every process started " (load.launches) @if load.launches == 1 { " time" } @else { " times" } }
            @for fault in &load.faults {
                dt { "fault" }
                dd { (prose(&faults::sentence(fault))) }
            }
            @if let Some(moments) = faults::moments(load) {
                dt { "moments" }
                dd { (moments) }
            }
        }
    }
}

/// A command with line breaks between words only: `--seed` is never broken.
fn words_of(command: &str) -> Markup {
    html! {
        @for (at, word) in command.split(' ').enumerate() { @if at > 0 { " " } span class="word" { (word) } }
    }
}

pub(super) fn limits(report: &Report) -> Markup {
    if report.does_not_show.is_empty() {
        return html! {};
    }
    titled(
        "limits",
        "What this does not show",
        "The figures above say nothing about the following.",
        &html! { ul class="limits" { @for limit in &report.does_not_show { li { (prose(limit)) } } } },
    )
}

pub(super) fn again(report: &Report) -> Markup {
    titled(
        "again",
        "Run it again",
        "The same plan with the same seed, on your machine.",
        &html! { pre class="command" { (words_of(&report.reproduce)) } },
    )
}

pub(super) fn footer(report: &Report) -> Markup {
    html! {
        footer {
            p {
                "Run " code { (report.id) } ", " time datetime=(report.created) { (report.created) }
                ". Seed " code { (report.seed) }
                ". Lab " (report.lab_version) ", commit " code { (report.commit.as_deref().unwrap_or("unknown")) }
                ". Schema " code { (report.schema) } "."
            }
            p { "Given as " code { (words_of(&report.command)) } }
        }
    }
}
