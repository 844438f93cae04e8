//! The contracts of the chain's components, over every way to reach them.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use chain::{
    Crew, Full, MAX_PARTS, PageKey, Part, PartError, PartKey, PartService, Parts, PassService, Review,
    ReviewError, ReviewService,
};
use chain_app::remotes::{back, front, middle, reviews};
use contract::{Unavailable, Why};
use remote::{Repeats, Transport};
use system_tests::placed::{WAYS, placed};

/// A crew that does all work at once, or none.
#[derive(Default)]
struct Counted {
    done: AtomicU64,
    is_full: AtomicBool,
}

#[async_trait]
impl Crew for Counted {
    async fn work(&self) -> Result<(), Full> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Full);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A chain of the three components, each reached in the same way, and their crews from front to back.
async fn three_deep(way: Option<(Transport, Repeats)>) -> (Arc<dyn Parts>, [Arc<Counted>; 3]) {
    let crews: [Arc<Counted>; 3] = Default::default();
    let [first, second, third] = crews.clone();
    let parts = placed::<back::ThisContract>(way, Arc::new(PartService::new("back", third))).await;
    let parts = PassService::new("middle", second, parts);
    let parts = placed::<middle::ThisContract>(way, Arc::new(parts)).await;
    let parts = PassService::new("front", first, parts);
    (placed::<front::ThisContract>(way, Arc::new(parts)).await, crews)
}

#[tokio::test]
async fn parts_keep_their_promises_however_they_are_reached() {
    for (name, way) in WAYS {
        println!("{name}");
        let (parts, crews) = three_deep(way).await;
        each_key_has_a_part_of_its_own(&*parts).await;
        a_preview_is_the_same_as_what_is_read(&*parts).await;
        a_part_that_cannot_be_is_refused_and_costs_back_no_work(&*parts, &crews).await;
        a_crew_that_is_full_is_told_by_the_name_of_its_component(&*parts, &crews).await;
    }
}

fn key(page: u64, number: u32) -> PartKey {
    PartKey { page, number }
}

async fn each_key_has_a_part_of_its_own(parts: &dyn Parts) {
    let mut texts = Vec::new();
    for page in [0, 1, 12, u64::MAX] {
        for number in [1, 2, 12, MAX_PARTS] {
            let part = parts.read(key(page, number)).await.unwrap();
            assert_eq!(part.key, key(page, number));
            assert_eq!(parts.read(key(page, number)).await, Ok(part.clone()), "the same again");
            texts.push(part.text);
        }
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 16);
}

async fn a_preview_is_the_same_as_what_is_read(parts: &dyn Parts) {
    for number in [1, 7] {
        assert_eq!(parts.preview(key(3, number)).await, parts.read(key(3, number)).await);
    }
}

async fn a_part_that_cannot_be_is_refused_and_costs_back_no_work(
    parts: &dyn Parts,
    crews: &[Arc<Counted>; 3],
) {
    let before = crews[2].done.load(Ordering::Relaxed);
    for number in [0, MAX_PARTS + 1, u32::MAX] {
        let refused = Err(PartError::NoSuchPart { number });
        assert_eq!(parts.read(key(1, number)).await, refused);
        assert_eq!(parts.preview(key(1, number)).await, refused);
    }
    assert_eq!(crews[2].done.load(Ordering::Relaxed), before);
}

async fn a_crew_that_is_full_is_told_by_the_name_of_its_component(
    parts: &dyn Parts,
    crews: &[Arc<Counted>; 3],
) {
    for (crew, name) in crews.iter().zip(["front", "middle", "back"]) {
        crew.is_full.store(true, Ordering::Relaxed);
        let overloaded: Result<Part, PartError> = Err(Unavailable::new(name, Why::Overloaded).into());
        assert_eq!(parts.read(key(1, 1)).await, overloaded);
        assert_eq!(parts.preview(key(1, 1)).await, overloaded);
        crew.is_full.store(false, Ordering::Relaxed);
    }
    assert!(parts.read(key(1, 1)).await.is_ok());
}

#[tokio::test]
async fn reviews_keep_their_promises_however_they_are_reached() {
    for (name, way) in WAYS {
        println!("{name}");
        let crew = Arc::new(Counted::default());
        let reviews = placed::<reviews::ThisContract>(way, Arc::new(ReviewService::new(crew.clone()))).await;
        for page in [0, 1, 4, 5, u64::MAX] {
            let review = reviews.of(PageKey { page }).await.unwrap();
            assert!(review.page == page && (1..=5).contains(&review.stars), "{review:?}");
            assert_eq!(reviews.of(PageKey { page }).await, Ok(review), "the same again");
        }
        crew.is_full.store(true, Ordering::Relaxed);
        let overloaded: Result<Review, ReviewError> =
            Err(Unavailable::new("reviews", Why::Overloaded).into());
        assert_eq!(reviews.of(PageKey { page: 1 }).await, overloaded);
    }
}
