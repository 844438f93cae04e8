//! What happened over the time of an episode, one panel an arm.

use maud::{Markup, html};

use super::{PLOT, titled};
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
        "One panel an arm, all on one scale, as the mean of all episodes: what was let through at the bottom, on top of it what was not, so that a bar is as high as the requests were many, each where it ended and what ended after the episode where it was sent (late); and, where there is a limit, the line of what was let through in the window that ends there, which should stay under the dashed one.",
        &super::picture("What happened over time", PLOT, &svg::inline(&picture)),
    )
}
