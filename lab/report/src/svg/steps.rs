//! A waterfall from one wiring to another: one bar per step, each beginning where the previous one ended.

use maud::{Markup, html};

use super::{
    Anchor, arm_class, fitted, line, px,
    scale::{Scale, linear_ticks},
    text,
};
use crate::{
    model::{Arm, Report},
    words::{self, took},
};

const WIDTH: f64 = 1000.0;
const ROW: f64 = 52.0;
const BAR: f64 = 26.0;
const LEFT: f64 = 290.0;
const RIGHT: f64 = 850.0;

/// CPU per operation, step by step; `None` unless two arms have a total.
pub(crate) fn steps(report: &Report) -> Option<Markup> {
    let costs: Vec<(usize, &Arm, f64)> = report
        .arms
        .iter()
        .enumerate()
        .filter_map(|(place, arm)| arm.cpu_us_per_op.total.map(|total| (place, arm, total.estimate)))
        .collect();
    let most = costs.iter().map(|(_, _, cost)| *cost).fold(0.0, f64::max);
    if costs.len() < 2 || most <= 0.0 {
        return None;
    }
    let ticks = linear_ticks(most, 6.0);
    let scale = Scale { low: 0.0, high: ticks.last().copied().unwrap_or(most), start: LEFT, end: RIGHT };
    let height = ROW * costs.len() as f64;
    Some(html! {
        svg class="plot" viewBox={"0 0 " (px(WIDTH)) " " (px(height + 46.0))} role="img" {
            title { "CPU per operation, one step a row." }
            @for tick in &ticks {
                (line((scale.linear(*tick), 0.0), (scale.linear(*tick), height + 4.0), "grid"))
                (text(scale.linear(*tick), height + 20.0, Anchor::Middle, "t-tick", &words::tick(*tick)))
            }
            (text(f64::midpoint(LEFT, RIGHT), height + 40.0, Anchor::Middle, "t-axis", "CPU microseconds per operation"))
            @for (row, (place, arm, cost)) in costs.iter().enumerate() {
                @let before = row.checked_sub(1).map(|earlier| costs[earlier].2);
                (step(report, &scale, row, &Step { place: *place, arm, cost: *cost, before }))
            }
        }
    })
}

struct Step<'a> {
    place: usize,
    arm: &'a Arm,
    cost: f64,
    before: Option<f64>,
}

fn step(report: &Report, scale: &Scale, row: usize, step: &Step<'_>) -> Markup {
    let y = row as f64 * ROW + (ROW - BAR) / 2.0;
    let begin = step.before.unwrap_or(0.0);
    let (low, high) = (scale.linear(begin.min(step.cost)), scale.linear(begin.max(step.cost)));
    let class = match step.before {
        Some(before) if step.cost < before => "step-down",
        Some(_) => "step-up",
        None => "step-first",
    };
    html! {
        (text(LEFT - 12.0, y + 12.0, Anchor::End, "t-name", &fitted(&step.arm.label, LEFT - 20.0, 14.2)))
        (text(LEFT - 12.0, y + 27.0, Anchor::End, "t-small t-soft", &fitted(&change(report, step.place), LEFT - 20.0, 11.0)))
        @if row > 0 {
            (line((scale.linear(begin), y - (ROW - BAR)), (scale.linear(begin), y), "connector"))
        }
        g class=(arm_class(0)) {
            title { (step.arm.label) ": " (took(step.cost)) " per operation" }
            rect x=(px(low)) y=(px(y)) width=(px((high - low).max(1.5))) height=(px(BAR)) class=(class) {}
        }
        (text(high + 10.0, y + 12.0, Anchor::Start, "t-name", &difference(step)))
        (text(high + 10.0, y + 27.0, Anchor::Start, "t-small t-soft", &format!("{} in all", took(step.cost))))
    }
}

fn difference(step: &Step<'_>) -> String {
    match step.before {
        None => "the start".to_owned(),
        Some(before) if step.cost < before => format!("−{}", took(before - step.cost)),
        Some(before) => format!("+{}", took(step.cost - before)),
    }
}

/// The change of a step, from the plan's diff: `placement: microservices`.
fn change(report: &Report, place: usize) -> String {
    let Some(earlier) = place.checked_sub(1) else {
        return String::new();
    };
    let changed = report.plan_diff.iter().filter_map(|row| {
        let (from, to) = (row.values.get(earlier)?, row.values.get(place)?);
        (from != to).then(|| format!("{}: {to}", row.key))
    });
    changed.collect::<Vec<_>>().join(", ")
}
