//! The shedder's kind of bug: number 12, shed by arrival.

use std::{convert::Infallible, future::pending};

use resilience::{
    LimitMetrics, Priority, ShedLayer,
    limit::Limit,
    settings::{LimitSettings, SHED_SHARES},
};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge,
};

const PERMITS: usize = 10;

/// A hundred requests of each of these classes, one class after the other, which all take for ever; how many
/// of each were taken.
async fn taken(shares: [f64; 4], classes: &[Priority]) -> Vec<usize> {
    let limit = Limit::new(LimitSettings::Fixed(PERMITS), LimitMetrics::default());
    let serve = service_fn(|_: Priority| pending::<Result<bool, Infallible>>());
    let layer = ShedLayer::new(
        limit.clone(),
        shares,
        |priority: &Priority| *priority,
        |_: &Priority, _: Priority| false,
    );
    let server = layer.layer(serve);
    let mut requests = Vec::new();
    let mut counts = Vec::new();
    for class in classes {
        let before = limit.in_flight();
        for _ in 0..100 {
            let mut server = server.clone();
            let request = server.ready().await.unwrap().call(*class);
            requests.push(tokio::spawn(request));
        }
        counts.push(limit.in_flight() - before);
    }
    for request in requests {
        request.abort();
        let _ = request.await;
    }
    assert_eq!(limit.in_flight(), 0, "every permit comes back");
    counts
}

async fn the_least_important_is_shed_first(shares: [f64; 4]) -> Verdict {
    use Priority::{Background, Critical, Normal, Retry};
    let counts = taken(shares, &[Background, Retry, Normal, Critical]).await;
    ensure!(counts[3] > 0, "background work and retries crowd out checkouts: {counts:?}");
    ensure!(counts == [4, 2, 2, 2], "each class has its share: {counts:?}");
    let counts = taken(shares, &[Critical, Background]).await;
    ensure!(counts == [PERMITS, 0], "checkouts may use everything: {counts:?}");
    Ok(())
}

#[tokio::test]
async fn bug_12_shed_by_arrival() {
    let check = "12 shed by arrival";
    judge(check, "ours", &the_least_important_is_shed_first(SHED_SHARES).await, Passes);
    judge(check, "naive", &the_least_important_is_shed_first([1.0; 4]).await, Fails);
}
