//! The report of a run: one model, drawn four ways.
//!
//! [`model`] is `report.json`, whole: whoever holds that file can draw every other form again.
//! The renderers read the model and nothing else; they measure nothing, decide nothing, and do no I/O.
//!
//! In reading order:
//!
//! - [`model`]: what a report says, versioned and documented field by field;
//! - [`words`]: how figures are said, the same in every form;
//! - [`facts`]: the facts of a ledger in words;
//! - `headline`: the answer to the question, and what stands around it;
//! - [`caveats`]: what has to be said beside a figure, so that it is not taken for more than it is;
//! - `figures`: the figures of a report as rows, shared by the table of the terminal, of Markdown and of the page;
//! - `outcomes`: latency by what became of the operations;
//! - [`picture`]: what passes and what is refused over time, as data and as text;
//! - `over_time`: what happened over an episode, as such a picture;
//! - `faults`: what went wrong on purpose, a sentence each;
//! - [`terminal`], [`markdown`], [`html`]: the forms;
//! - [`columns`]: tables of a terminal that break no word;
//! - [`svg`]: the drawings of the page, and of a picture;
//! - [`compare`]: two reports of one question against each other, in two of the forms.
//!
//! Not here: where the figures come from and what they say of a claim (`lab`), and how sure they are (`statistics`).

pub mod caveats;
pub mod columns;
pub mod compare;
pub mod facts;
mod faults;
mod figures;
mod headline;
pub mod html;
pub mod markdown;
pub mod model;
mod outcomes;
mod over_time;
pub mod picture;
pub mod svg;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod words;

pub use model::Report;
