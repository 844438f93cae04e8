//! The report of a run: one model, rendered in four forms.
//!
//! [`model`] is `report.json`, complete: every other form can be rendered from that file.
//! The renderers read the model only; they measure nothing, decide nothing, and do no I/O.
//!
//! In reading order:
//!
//! - [`model`]: the content of a report, versioned and documented field by field;
//! - [`words`]: the formatting of figures, the same in every form;
//! - [`facts`]: the names of a ledger's facts in sentences;
//! - `headline`: the answer to the question, and the costs;
//! - [`caveats`]: notes beside figures, against wrong conclusions;
//! - `figures`: the figures of a report as rows, shared by the tables of the terminal, of Markdown and of the
//!   page;
//! - `outcomes`: latency by outcome;
//! - [`picture`]: counts over time, as data and as text;
//! - `over_time`: the picture of an episode;
//! - `faults`: the injected faults, one sentence each;
//! - `episode`: what happened before, during and after a fault: rows of curves, effects, sentences;
//! - `hysteresis`: goodput against the offered load, while that grows and falls back;
//! - [`terminal`], [`markdown`], [`html`]: the forms;
//! - [`columns`]: tables for a terminal that break no word;
//! - [`svg`]: the drawings of the page, and of a picture;
//! - [`compare`]: the comparison of two reports of one question, in two of the forms.
//!
//! Not here: the origin of the figures and the verdicts on claims (`lab`), and their uncertainty
//! (`statistics`).

pub mod caveats;
pub mod columns;
pub mod compare;
mod episode;
pub mod facts;
mod faults;
mod figures;
mod headline;
pub mod html;
mod hysteresis;
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
