//! Before the load: how many parts a page of this wiring has.

use std::time::Duration;

use super::api::{self, PagesView};
use crate::{
    journeys::{PrepareError, request_list::request_one},
    sender::Lane,
};

/// The time limit of the request, retries included.
const LONGEST: Duration = Duration::from_secs(30);

/// How many parts a page has.
pub(super) fn parts_of_a_page(lane: &mut Lane) -> Result<u32, PrepareError> {
    let answer = request_one(lane, LONGEST, api::read_pages)?;
    let view = answer.as_ref().filter(|(status, _)| *status == 200);
    let view = view.and_then(|(_, body)| serde_json::from_slice::<PagesView>(body).ok());
    view.map(|view| view.parts).ok_or_else(|| {
        let status = answer.map(|(status, _)| status);
        PrepareError::Incomplete {
            what: "pages",
            done: 0,
            total: 1,
            failures: format!("the status of `GET /pages`: {status:?}"),
        }
    })
}
