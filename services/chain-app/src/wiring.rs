//! The chain's wiring: the architecture, top to bottom.

use std::sync::Arc;

use anyhow::Result;
use chain::{Crew, PartService, Parts, PassService, ReviewService, Reviews};
use runtime::{Backings, Host};

use crate::{
    adapters::{CrewMetrics, Workers},
    axes::{Depth, Fanout},
    capacity::Capacity,
    edge,
    remotes::{back, front, middle, reviews},
};

/// The seed of every crew: a scenario repeats the same work in every launch.
const SEED: u64 = 1;

/// `back` makes parts. Before it stand `middle`, and before that `front`, as far as the chain is that deep. The edge
/// asks the first of them for each part of a page, and `reviews` for what readers said.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let depth: Depth = host.choice();
    let mut crews = Crews::default();
    let mut parts: Arc<dyn Parts> =
        host.place(back::CONTRACT, async |b| Ok(back_service(b, &mut crews))).await?;
    if depth != Depth::One {
        let next = Arc::clone(&parts);
        parts = host.place(middle::CONTRACT, async |b| Ok(crews.pass(b, "middle", next))).await?;
    }
    if depth == Depth::Three {
        let next = Arc::clone(&parts);
        parts = host.place(front::CONTRACT, async |b| Ok(crews.pass(b, "front", next))).await?;
    }
    let reviews = host.place(reviews::CONTRACT, async |b| Ok(review_service(b, &mut crews))).await?;
    let fanout = host.choice::<Fanout>().parts();
    host.edge_priorities(edge::PRIORITIES);
    host.edge(|_| edge::router(parts, reviews, fanout));
    Ok(())
}

fn back_service(b: &mut Backings, crews: &mut Crews) -> Arc<dyn Parts> {
    let capacity = Capacity::of_back(b.choice(), b.choice());
    Arc::new(PartService::new("back", crews.crew(b, "back", capacity)))
}

fn review_service(b: &mut Backings, crews: &mut Crews) -> Arc<dyn Reviews> {
    Arc::new(ReviewService::new(crews.crew(b, "reviews", Capacity::ample())))
}

/// The crews of this process, whose metrics are registered with the first.
#[derive(Default)]
struct Crews(Option<CrewMetrics>);

impl Crews {
    fn crew(&mut self, b: &mut Backings, component: &'static str, capacity: Capacity) -> Arc<dyn Crew> {
        let metrics = self.0.get_or_insert_with(|| CrewMetrics::register(&mut b.registry));
        Arc::new(Workers::start(component, capacity, SEED, metrics, &b.background))
    }

    fn pass(&mut self, b: &mut Backings, component: &'static str, next: Arc<dyn Parts>) -> Arc<dyn Parts> {
        Arc::new(PassService::new(component, self.crew(b, component, Capacity::ample()), next))
    }
}
