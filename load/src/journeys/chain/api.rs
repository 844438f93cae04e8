//! The requests and replies of the chain's public API.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::http::{Method, RequestBuf};

/// `GET /pages`: what all pages have in common.
#[derive(Debug, Deserialize)]
pub(super) struct PagesView {
    pub(super) parts: u32,
}

/// `GET /pages/{number}`, and its preview.
#[derive(Debug, Deserialize)]
pub(super) struct PageView<'a> {
    pub(super) page: u64,
    #[serde(borrow)]
    pub(super) parts: Vec<PartView<'a>>,
}

/// A part of a page.
#[derive(Debug, Deserialize)]
pub(super) struct PartView<'a> {
    pub(super) number: u32,
    pub(super) text: &'a str,
}

/// `GET /pages/{number}/reviews`.
#[derive(Debug, Deserialize)]
pub(super) struct ReviewView {
    pub(super) page: u64,
    pub(super) stars: u32,
}

impl PartView<'_> {
    /// Whether it says what this part of the page has to say; `scratch` is a buffer.
    pub(super) fn is_of(&self, page: u64, scratch: &mut String) -> bool {
        scratch.clear();
        write!(scratch, "part {} of page {page}", self.number).is_ok() && scratch == self.text
    }
}

impl ReviewView {
    /// Whether it is the review of this page.
    pub(super) fn is_of(&self, page: u64) -> bool {
        self.page == page && u64::from(self.stars) == 1 + page % 5
    }
}

/// Asks how many parts a page has.
pub(super) fn read_pages(request: &mut RequestBuf) {
    request.write(Method::Get, "/pages");
}

/// Asks for a page.
pub(super) fn page(page: u64, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/pages/{page}"));
}

/// Asks for a preview of a page.
pub(super) fn preview(page: u64, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/pages/{page}/preview"));
}

/// Asks for what readers said of a page.
pub(super) fn review(page: u64, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/pages/{page}/reviews"));
}
