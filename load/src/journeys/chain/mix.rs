//! The mixes: the shares of operations.

use super::workload::{PAGE, PREVIEW, REVIEW};

/// The names and summaries of the mixes, the default first.
pub const NAMES: [(&str, &str); 3] = [
    ("pages", "ask for pages"),
    ("pages-and-previews", "70 % pages, 30 % previews, which nobody waits for"),
    ("pages-and-reviews", "20 % pages, 80 % reviews, which no page needs"),
];

/// A mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// The share of previews.
    pub previews: f64,
    /// The share of reviews.
    pub reviews: f64,
}

impl Mix {
    /// The mix of this name; the default for an unknown name.
    pub fn named(name: &str) -> Self {
        match name {
            "pages-and-previews" => Self { previews: 0.3, reviews: 0.0 },
            "pages-and-reviews" => Self { previews: 0.0, reviews: 0.8 },
            _ => Self { previews: 0.0, reviews: 0.0 },
        }
    }

    /// Each operation with its share.
    pub(super) fn shares(self) -> Vec<(&'static str, f64)> {
        let pages = 1.0 - self.previews - self.reviews;
        let all = [(PAGE, pages), (PREVIEW, self.previews), (REVIEW, self.reviews)];
        all.into_iter().filter(|(_, share)| *share > 0.0).collect()
    }

    /// The operation that a number from 0 to 1 stands for.
    pub(super) fn pick(self, drawn: f64) -> &'static str {
        if drawn < self.previews {
            PREVIEW
        } else if drawn < self.previews + self.reviews {
            REVIEW
        } else {
            PAGE
        }
    }
}
