//! The promises of the chain's public API, one behaviour per function, for any wiring.

use chain_app::axes::Fanout;
use design::Wiring;
use http::Method;
use serde_json::{Value, json};

use crate::{
    described,
    edge_client::{EdgeClient, Reply},
    edge_suite::eventually,
};

/// The time limit for a page while nothing else is asked for: slow parts included, and a margin for a busy machine.
const READ_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// A client of a chain.
pub fn client(address: std::net::SocketAddr) -> EdgeClient {
    EdgeClient::of(address, route)
}

/// The route for a path.
fn route(path: &str) -> &'static str {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "pages"] => "/pages",
        ["", "openapi.json"] => "/openapi.json",
        ["", "pages", _] => "/pages/{number}",
        ["", "pages", _, "preview"] => "/pages/{number}/preview",
        ["", "pages", _, "reviews"] => "/pages/{number}/reviews",
        _ => "none",
    }
}

/// The schema of a route's reply.
fn shown(_: &str, route: &str) -> &'static str {
    match route {
        "/pages" => "PagesShown",
        "/pages/{number}/reviews" => "ReviewShown",
        _ => "PageShown",
    }
}

/// How many parts a page of this wiring has.
pub fn parts(wiring: &Wiring) -> u32 {
    wiring.choice::<Fanout>().parts()
}

/// A page as it has to be.
pub fn page(number: u64, parts: u32) -> Value {
    let part = |part| json!({ "number": part, "text": format!("part {part} of page {number}") });
    json!({ "page": number, "parts": (1..=parts).map(part).collect::<Vec<_>>() })
}

/// Runs every behaviour against one edge of a fresh wiring.
pub fn behaves(edge: &EdgeClient, wiring: &Wiring) {
    it_says_how_many_parts_a_page_has(edge, wiring);
    a_page_has_all_its_parts_or_is_refused(edge, wiring);
    a_review_is_of_its_page(edge);
    what_is_no_page_is_malformed(edge);
    what_is_not_there_is_not_found(edge);
    described::every_text_is_bounded(edge);
    described::everything_that_was_seen(edge, shown);
}

fn it_says_how_many_parts_a_page_has(edge: &EdgeClient, wiring: &Wiring) {
    let reply = edge.get("/pages");
    assert_eq!((reply.status, reply.json()), (200, json!({ "parts": parts(wiring) })));
}

/// Whether a reply is this page. The only other reply there may be is that it cannot be made now: never a part of it.
fn is_page(reply: &Reply, number: u64, parts: u32) -> bool {
    if reply.status == 200 {
        assert_eq!(reply.json(), page(number, parts));
        return true;
    }
    assert!([503, 504].contains(&reply.status), "{reply:?}");
    assert!(reply.status == 504 || reply.header("retry-after") == "1", "{reply:?}");
    false
}

fn a_page_has_all_its_parts_or_is_refused(edge: &EdgeClient, wiring: &Wiring) {
    let parts = parts(wiring);
    for number in [0, 7, u64::MAX] {
        for path in [format!("/pages/{number}"), format!("/pages/{number}/preview")] {
            if can_be_made_at_once(wiring) {
                eventually(READ_WITHIN, "the page is there", || {
                    is_page(&edge.get(&path), number, parts).then_some(())
                });
            } else {
                is_page(&edge.get(&path), number, parts);
            }
        }
    }
}

/// Whether `back` may have as much work at once as a page makes, also where it keeps most of its room for what somebody
/// waits for.
fn can_be_made_at_once(wiring: &Wiring) -> bool {
    let capacity = chain_app::capacity::Capacity::of_back(wiring.choice(), wiring.choice());
    parts(wiring) as usize * 10 <= capacity.in_flight() * 4
}

fn a_review_is_of_its_page(edge: &EdgeClient) {
    for (number, stars) in [(0, 1), (7, 3)] {
        let reply = edge.get(&format!("/pages/{number}/reviews"));
        assert_eq!((reply.status, reply.json()), (200, json!({ "page": number, "stars": stars })));
    }
}

fn what_is_no_page_is_malformed(edge: &EdgeClient) {
    for number in ["x", "-1", "+1", "1.5", "%31x", "18446744073709551616"] {
        for path in [
            format!("/pages/{number}"),
            format!("/pages/{number}/preview"),
            format!("/pages/{number}/reviews"),
        ] {
            edge.get(&path).is_problem(400, "malformed");
        }
    }
}

fn what_is_not_there_is_not_found(edge: &EdgeClient) {
    for path in ["/", "/page/1", "/pages/1/2", "/pages/1/preview/2"] {
        edge.get(path).is_problem(404, "no-such-path");
    }
    let reply = edge.ask(&Method::POST, "/pages", &[], "");
    reply.is_problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), "GET,HEAD");
}
