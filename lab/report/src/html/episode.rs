//! An episode before, during and after a fault: how long it took, and the drawing of each arm.

use maud::{Markup, html};

use super::{arm_name, prose, titled, unbroken};
use crate::{
    episode::{Effects, Episode, Key, MEANING, Recovery, Row, effects, episode, rows, sentences},
    model::Report,
    svg,
};

/// The width of a drawing where up to three arms stand side by side, and of one where there are four.
const WIDE: f64 = 380.0;
const NARROW: f64 = 300.0;

pub(super) fn section(report: &Report) -> Markup {
    let Some(episode) = episode(report) else {
        return html! {};
    };
    let (rows, effects) = (rows(&episode), effects(&episode));
    let body = html! {
        (legend(&episode, &rows))
        (drawings(&episode, &rows))
        @if !effects.is_empty() { (table(report, &effects)) }
        (in_words(report, &episode))
    };
    let (heading, disturbance) = match report.load.faults.len() {
        0 => ("Over the time of an episode", "The load between the first phase and the last"),
        1 => ("Before, during and after the fault", "What was broken"),
        _ => ("Before, during and after the faults", "What was broken"),
    };
    titled(
        "episode",
        heading,
        &format!(
            "One drawing for each arm, all on the same scales, each the mean of all episodes: compare them row by row. Time runs from left to right. {disturbance} is named at the top, and its time is shaded through all rows."
        ),
        &body,
    )
}

/// A group of rows for each fault.
fn table(report: &Report, effects: &[Effects]) -> Markup {
    html! {
        h3 { "How long it took, and what it cost" }
        div class="scroll" tabindex="0" role="group" aria-label="The effects of each fault" {
            table class="figures stacked" {
                thead { tr { th { "arm" } @for name in Effects::COLUMNS { th { (name) } } } }
                @for effects in effects {
                    tbody {
                        tr { th colspan="5" scope="rowgroup" { b { (prose(&effects.of)) } } }
                        @for (arm, cells) in &effects.rows {
                            tr {
                                th scope="row" { (arm_name(report, arm)) }
                                @for (name, cell) in Effects::COLUMNS.iter().zip(cells) { td data-label=(unbroken(name)) { (unbroken(cell)) } }
                            }
                        }
                    }
                }
            }
        }
        p class="soft small" { (unbroken(MEANING)) "." }
    }
}

/// The meaning of all marks, a line for each kind of row.
fn legend(episode: &Episode<'_>, rows: &[Row]) -> Markup {
    let mut groups: Vec<(&str, Vec<&Key>)> = Vec::new();
    for row in rows {
        let name = row.title.split(", ").next().unwrap_or_default();
        if !groups.iter().any(|(known, _)| *known == name) {
            groups.push((name, Vec::new()));
        }
        for (_, keys) in groups.iter_mut().filter(|(known, _)| *known == name) {
            keys.extend(row.keys.iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
    }
    let windows = || episode.arms.iter().flat_map(|column| &column.windows);
    let never = windows().any(|window| matches!(window.recovery, Recovery::Never));
    let time = [
        ("fault", "in force, and then the time until goodput is back to 95 %", true),
        ("never", "not back before the next fault, or the end", never),
        ("starting", "killed, and not yet serving again", windows().any(|window| window.back_ms.is_some())),
        ("detected", "first noticed", windows().any(|window| window.detected_ms.is_some())),
    ];
    html! {
        dl class="keys" {
            div {
                dt { "the lanes at the top" }
                @for (mark, words, _) in time.iter().filter(|(_, _, is_there)| *is_there) { dd { (svg::episode_key(mark)) (words) } }
            }
            @for (name, keys) in &groups {
                div {
                    dt { (name) }
                    @for key in keys { dd { (svg::episode_key(&key.mark)) (key.words) } }
                }
            }
        }
    }
}

/// At most four arms side by side; five and six stand in two rows of three.
fn drawings(episode: &Episode<'_>, rows: &[Row]) -> Markup {
    let arms = episode.arms.len();
    let (abreast, width) = match arms {
        ..=3 => (arms, WIDE),
        5 | 6 => (3, WIDE),
        _ => (4, NARROW),
    };
    html! {
        div class={"episode by-" (abreast)} {
            @for at in 0..arms { (svg::episode(episode, rows, at, width)) }
        }
    }
}

fn in_words(report: &Report, episode: &Episode<'_>) -> Markup {
    html! {
        details class="small" {
            summary { "The same in words" }
            @for column in &episode.arms {
                p { (arm_name(report, &column.arm.label)) }
                ul { @for sentence in sentences(column) { li { (prose(&sentence)) "." } } }
            }
        }
    }
}
