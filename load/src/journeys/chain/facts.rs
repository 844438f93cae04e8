//! The facts of the chain's ledger.

pub use crate::ledger::facts::{ACKNOWLEDGED, CHECKED};
use crate::ledger::{Breach, FactShape};

/// Right pages.
pub const PAGES: &str = "pages";
/// Right previews.
pub const PREVIEWS: &str = "previews";
/// Right reviews.
pub const REVIEWS: &str = "reviews";
/// Parts that a page with status 200 lacks.
pub const PARTS_MISSING: &str = "parts-missing";
/// Parts that are on a page twice.
pub const PARTS_DOUBLED: &str = "parts-doubled";
/// Parts that say what another part says, or that no page has; pages of another number.
pub const PARTS_WRONG: &str = "parts-wrong";
/// Reviews of another page.
pub const REVIEWS_WRONG: &str = "reviews-wrong";

/// All facts of a check, in the order of a report.
pub(super) const ALL: [FactShape; 9] = [
    FactShape::new(CHECKED, "replies compared with what they have to say"),
    FactShape::new(ACKNOWLEDGED, "replies with status 200"),
    FactShape::new(PAGES, "right pages"),
    FactShape::new(PREVIEWS, "right previews"),
    FactShape::new(REVIEWS, "right reviews"),
    FactShape::breach(Breach::Lost, PARTS_MISSING, "parts that a page lacks"),
    FactShape::breach(Breach::Duplicated, PARTS_DOUBLED, "parts that are on a page twice"),
    FactShape::breach(Breach::Wrong, PARTS_WRONG, "parts of another page, or that no page has"),
    FactShape::breach(Breach::Wrong, REVIEWS_WRONG, "reviews of another page"),
];
