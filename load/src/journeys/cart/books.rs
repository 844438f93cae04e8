//! The payment provider's books, page by page.

use std::time::Duration;

use super::{
    api::{self, BooksView},
    evidence::Charge,
};
use crate::{
    journeys::request_list::request_one,
    sender::{Lane, SenderError},
};

/// The charges after so many, in the order in which they were made; `None` if a page could not be read.
///
/// Charges are numbered without a gap, so a page begins after as many as there are before it.
pub(super) fn read(
    after: u64,
    lane: &mut Lane,
    longest: Duration,
) -> Result<Option<Vec<Charge>>, SenderError> {
    let (mut charges, mut next) = (Vec::new(), Some(after));
    while let Some(after) = next {
        let answer = request_one(lane, longest, |request| api::books(after, request))?;
        let page = answer.filter(|(status, _)| *status == 200);
        let Some(page) = page.and_then(|(_, body)| serde_json::from_slice::<BooksView>(&body).ok()) else {
            return Ok(None);
        };
        // A page without an end would be read for ever.
        next = page.next.filter(|next| *next > after);
        charges.extend(page.charges.into_iter().map(Charge::from));
    }
    Ok(Some(charges))
}
