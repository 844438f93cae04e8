//! The counts over the time of an episode, one panel per arm.

use maud::{Markup, html};

use super::{PLOT, titled};
use crate::{model::Report, over_time::picture, svg};

pub(super) fn section(report: &Report) -> Markup {
    let Some(picture) = picture(report) else {
        return html! {};
    };
    titled(
        "over-time",
        "What happened over time",
        "One panel for each arm, all on one scale, each the mean of all episodes. A bar is the requests of a short time: at the bottom those that were let through, on top of them the others. A request stands where it ended; one that ended after the episode stands where it was sent, and is called late. Where there is a limit, the line is what was let through in the window that ends there, and should stay below the dashed one.",
        &super::picture("What happened over time", PLOT, &svg::inline(&picture)),
    )
}
