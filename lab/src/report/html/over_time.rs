//! What happened over the time of an episode, one panel an arm.

use maud::{Markup, html};

use super::titled;
use crate::picture::svg;
use crate::report::model::Report;
use crate::report::over_time::picture;

pub(super) fn section(report: &Report) -> Markup {
    let Some(picture) = picture(report) else {
        return html! {};
    };
    titled(
        "over-time",
        "What happened over time",
        "One panel an arm, all on one scale, as the mean of all episodes: what was let through at the bottom, what was not on top of it, and, where there is a limit, the line of what was let through in the window that ends there, which should stay under the dashed one.",
        &html! { div class="scroll" { (svg::inline(&picture)) } },
    )
}
