//! The logic of the component `reviews`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Unavailable, Why};

use crate::{Crew, PageKey, Review, ReviewError, Reviews};

/// The name of the component in errors.
const NAME: &str = "reviews";

/// Gives reviews, each a piece of work for its crew.
pub struct ReviewService {
    crew: Arc<dyn Crew>,
}

impl ReviewService {
    /// Reviews by this crew.
    pub fn new(crew: Arc<dyn Crew>) -> Self {
        Self { crew }
    }
}

#[async_trait]
impl Reviews for ReviewService {
    async fn of(&self, page: PageKey) -> Result<Review, ReviewError> {
        self.crew.work().await.map_err(|_| Unavailable::new(NAME, Why::Overloaded))?;
        Ok(Review::of(page))
    }
}

impl Review {
    /// The review of this page.
    pub fn of(PageKey { page }: PageKey) -> Self {
        // From one to five: the remainder is below five.
        Self { page, stars: 1 + (page % 5) as u32 }
    }
}
