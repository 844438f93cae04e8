//! The replies of the public API.

use chain::Part;
use serde::Serialize;
use utoipa::{PartialSchema as _, ToSchema};

use super::schemas;

/// What all pages have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PagesShown {
    #[schema(schema_with = schemas::PartNumber::schema)]
    pub(super) parts: u32,
}

/// A page as the public API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageShown {
    #[schema(schema_with = schemas::Number::schema)]
    page: u64,
    parts: Vec<PartShown>,
}

/// A part of a page.
#[derive(Debug, Serialize, ToSchema)]
struct PartShown {
    #[schema(schema_with = schemas::PartNumber::schema)]
    number: u32,
    #[schema(schema_with = schemas::PartText::schema)]
    text: String,
}

/// What readers said of a page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewShown {
    #[schema(schema_with = schemas::Number::schema)]
    pub(super) page: u64,
    #[schema(schema_with = schemas::Stars::schema)]
    pub(super) stars: u32,
}

impl PageShown {
    /// A page with these parts.
    pub(super) fn new(page: u64, parts: Vec<Part>) -> Self {
        let shown = |part: Part| PartShown { number: part.key.number, text: part.text };
        Self { page, parts: parts.into_iter().map(shown).collect() }
    }
}
