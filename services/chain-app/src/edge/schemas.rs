//! The schemas of values in the public API.

use chain::MAX_PARTS;
use runtime::edge::{text_of, whole};
use serde_json::json;

runtime::schemas! {
    /// The page's number.
    Number = whole(0..=u64::MAX).examples([json!(7)]);
    /// The number of a part, and of parts.
    PartNumber = whole(1..=MAX_PARTS.into());
    /// What the part says.
    PartText = text_of(1..=64, "^part [0-9]+ of page [0-9]+$");
    /// How many of five stars it got.
    Stars = whole(1..=5);
}
