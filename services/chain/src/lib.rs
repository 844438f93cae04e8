//! The chain's business logic: services that call one another, each behind its contract.
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `front` | [`Parts`] | [`PassService`] | a [`Crew`], and `middle` |
//! | `middle` | [`Parts`] | [`PassService`] | a [`Crew`], and `back` |
//! | `back` | [`Parts`] | [`PartService`] | a [`Crew`] |
//! | `reviews` | [`Reviews`] | [`ReviewService`] | a [`Crew`] |
//!
//! A page consists of parts, and `back` makes each of them; the edge asks for all parts of a page at once.
//! The components compute nothing worth speaking of.
//! Each stands for a service whose capacity is set by something scarce, such as the connections of a pool, a disk or
//! a licence: it waits, and does not compute, so its capacity does not depend on the machine.
//! What it waits for is the port [`Crew`].
//!
//! Read in this order: `parts` and `reviews` (the contracts), `crew` (the port), `part_service`, `pass_service`,
//! `review_service`.

mod crew;
mod part_service;
mod parts;
mod pass_service;
mod review_service;
mod reviews;

pub use crew::{Crew, Full};
pub use part_service::PartService;
pub use parts::{MAX_PARTS, Part, PartError, PartKey, Parts};
pub use pass_service::PassService;
pub use review_service::ReviewService;
pub use reviews::{PageKey, Review, ReviewError, Reviews};
