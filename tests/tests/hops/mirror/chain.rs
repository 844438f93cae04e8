//! The chain's contracts: one for three components, each under its own name.

use async_trait::async_trait;
use chain::{PageKey, Part, PartError, PartKey, Parts, Review, ReviewError, Reviews};
use chain_app::remotes::{back, front, middle, reviews};
use proptest::prelude::*;

use super::{Hops, Mirror, text, unavailable};

#[async_trait]
impl Parts for Mirror {
    async fn read(&self, key: PartKey) -> Result<Part, PartError> {
        self.reflect(key)
    }

    async fn preview(&self, key: PartKey) -> Result<Part, PartError> {
        self.reflect(key)
    }
}

#[async_trait]
impl Reviews for Mirror {
    async fn of(&self, page: PageKey) -> Result<Review, ReviewError> {
        self.reflect(page)
    }
}

fn part_key() -> impl Strategy<Value = PartKey> {
    (any::<u64>(), any::<u32>()).prop_map(|(page, number)| PartKey { page, number })
}

fn part() -> impl Strategy<Value = Part> {
    (part_key(), text()).prop_map(|(key, text)| Part { key, text })
}

fn part_error() -> impl Strategy<Value = PartError> {
    prop_oneof![
        any::<u32>().prop_map(|number| PartError::NoSuchPart { number }),
        unavailable().prop_map(PartError::Unavailable),
    ]
    // A new variant has to be added to the generator above.
    .prop_map(|error| match error {
        error @ (PartError::NoSuchPart { .. } | PartError::Unavailable(_)) => error,
    })
}

fn crosses(parts: &Hops<dyn Parts>) {
    proptest!(|(asked in part_key(), says in prop::result::maybe_ok(part(), part_error()))| {
        parts.carry(&asked, &says, &async |parts, key| parts.read(key).await)?;
        parts.carry(&asked, &says, &async |parts, key| parts.preview(key).await)?;
    });
}

#[test]
fn what_is_asked_of_parts_crosses_a_hop_to_each_component() {
    crosses(&Hops::to(front::CONTRACT, |mirror| mirror));
    crosses(&Hops::to(middle::CONTRACT, |mirror| mirror));
    crosses(&Hops::to(back::CONTRACT, |mirror| mirror));
}

#[test]
fn what_is_asked_of_reviews_crosses_a_hop() {
    let reviews: Hops<dyn Reviews> = Hops::to(reviews::CONTRACT, |mirror| mirror);
    let page = any::<u64>().prop_map(|page| PageKey { page });
    let review = (any::<u64>(), any::<u32>()).prop_map(|(page, stars)| Review { page, stars });
    let error = unavailable().prop_map(ReviewError::Unavailable);
    proptest!(|(asked in page, says in prop::result::maybe_ok(review, error))| {
        reviews.carry(&asked, &says, &async |reviews, page| reviews.of(page).await)?;
    });
}
