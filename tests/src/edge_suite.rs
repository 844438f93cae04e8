//! The promises of the shortener's public API, one behaviour per function, for any wiring.

mod refusals;

use std::{
    thread,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    described,
    edge_client::{EdgeClient, Reply},
};

/// The time limit for clicks to be counted: forming a consumer group alone takes seconds.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

/// Consecutive requests that reach every replica of a process, however few there are.
const REQUESTS_TO_ALL_REPLICAS: usize = 12;

/// The interval at which a condition is checked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` finds something.
///
/// Panics if a check that began after the time limit still found nothing.
pub fn eventually<T>(within: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        let is_last = Instant::now() >= deadline;
        if let Some(found) = look() {
            return found;
        }
        assert!(!is_last, "not within {within:?}: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// Creates a link to a target; returns its code.
pub fn shortened(edge: &EdgeClient, target: &str) -> String {
    edge.shorten(&json!({ "target": target })).made()
}

/// The header field of a body in JSON.
const JSON: (&str, &str) = ("content-type", "application/json");

/// Runs every behaviour against one edge; the wiring may serve a removed link for `stale_for`.
pub fn behaves(edge: &EdgeClient, stale_for: Duration) {
    let mut counted = clicks_are_made_that_have_to_be_counted(edge);
    counted.push(a_new_life_of_a_code_has_no_clicks_of_the_old(edge, stale_for));
    a_link_is_made_shown_and_followed(edge);
    the_longest_target_is_taken(edge);
    a_scheme_and_a_host_are_the_same_in_capitals(edge);
    the_same_key_again_is_the_same_link(edge);
    a_key_first_sent_with_an_alias_is_not_the_same_without(edge);
    an_alias_is_given_once(edge);
    refusals::values_that_may_not_be_are_refused(edge);
    the_last_expiry_is_kept_and_shown(edge);
    refusals::what_leads_to_itself_is_refused_and_not_followed(edge);
    refusals::bodies_that_cannot_be_read_are_refused(edge);
    refusals::what_is_not_there_is_not_found(edge);
    a_removed_link_is_gone(edge, stale_for);
    an_expired_link_is_gone_and_stays_so(edge);
    refusals::methods_that_a_resource_lacks_are_refused(edge);
    a_request_has_the_id_of_its_trace(edge);
    every_click_is_counted_once_in_the_end(edge, &counted);
    everything_that_was_seen_is_described(edge);
}

/// A link, and the number of its clicks.
struct Followed {
    code: String,
    clicks: u64,
}

fn clicks_are_made_that_have_to_be_counted(edge: &EdgeClient) -> Vec<Followed> {
    let followed = |clicks| {
        let code = shortened(edge, "https://example.com/counted");
        for _ in 0..clicks {
            assert_eq!(edge.follow(&code).status, 302);
            let looked = edge.ask(&Method::HEAD, &format!("/{code}"), &[], "");
            assert_eq!((looked.status, looked.body.len()), (302, 0), "HEAD looks and does not follow");
            assert_eq!(looked.header("location"), "https://example.com/counted");
        }
        Followed { code, clicks }
    };
    [7, 3, 0].map(followed).into()
}

/// Deletes and creates a link at once, so that clicks of the old link may still be in flight.
fn a_new_life_of_a_code_has_no_clicks_of_the_old(edge: &EdgeClient, stale_for: Duration) -> Followed {
    let code = "several-lives";
    let wish = |target: &str| edge.shorten(&json!({ "target": target, "alias": code })).made();
    let leads_to = |target: &str| {
        let asked = || edge.ask(&Method::HEAD, &format!("/{code}"), &[], "");
        eventually(stale_for, "every copy has heard of the new link", || {
            (0..REQUESTS_TO_ALL_REPLICAS).all(|_| asked().header("location") == target).then_some(())
        });
    };
    for (life, clicks) in [("first", 3), ("second", 5), ("third", 2)] {
        let target = format!("https://example.com/{life}-life");
        assert_eq!(wish(&target), code);
        leads_to(&target);
        assert_eq!(edge.show(code).json()["clicks"], 0, "the {life} life");
        for _ in 0..clicks {
            assert_eq!(edge.follow(code).header("location"), target);
        }
        if life != "third" {
            assert_eq!(edge.remove(code).status, 204);
        }
    }
    Followed { code: code.to_owned(), clicks: 2 }
}

fn every_click_is_counted_once_in_the_end(edge: &EdgeClient, counted: &[Followed]) {
    let clicks = |code: &str| edge.show(code).json()["clicks"].as_u64().expect("a number");
    for link in counted {
        eventually(COUNTED_WITHIN, "each click is counted", || {
            let clicks = clicks(&link.code);
            assert!(clicks <= link.clicks, "{clicks} counted of {}", link.clicks);
            (clicks == link.clicks).then_some(())
        });
    }
    // The last click has been counted, so earlier ones have, and none of them twice.
    let last = &counted[0];
    assert_eq!(edge.follow(&last.code).status, 302);
    eventually(COUNTED_WITHIN, "the last click is counted", || {
        (clicks(&last.code) > last.clicks).then_some(())
    });
    assert_eq!(clicks(&last.code), last.clicks + 1);
    eventually(COUNTED_WITHIN, "nothing is on its way", || {
        (edge.get("/clicks/pending").json()["pending"] == 0).then_some(())
    });
}

fn a_link_is_made_shown_and_followed(edge: &EdgeClient) {
    for (given, target) in [
        (NORMAL, NORMAL),
        ("HTTPS://Example.com:8443/a//b/../c%2fd?q=%C3%A4&q=+#part", NORMAL),
        ("HTTP://EXAMPLE.COM:80", "http://example.com/"),
        ("https://[2001:DB8:0::1]?a", "https://[2001:db8::1]/?a"),
    ] {
        a_link_to(edge, given, target);
    }
}

/// A target in normal form: it passes through unchanged.
const NORMAL: &str = "https://example.com:8443/a//c%2fd?q=%C3%A4&q=+#part";

/// The normal form is returned, stored and sent, whichever form was given.
fn a_link_to(edge: &EdgeClient, given: &str, target: &str) {
    let made = edge.shorten(&json!({ "target": given }));
    let code = made.made();
    assert_eq!(made.header("location"), format!("/{code}"));
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!(made.text("target"), target);
    assert_eq!(made.json()["expires_at"], Value::Null);
    let age = OffsetDateTime::now_utc() - moment(&made.text("created_at"));
    assert!(age.abs() < time::Duration::seconds(30), "made {age} ago");

    for _ in 0..2 {
        let followed = edge.follow(&code);
        assert_eq!((followed.status, followed.header("location")), (302, target));
        assert_eq!(followed.header("cache-control"), "no-store", "a browser asks again each time");
    }
    let shown = edge.show(&code);
    assert_eq!(shown.status, 200);
    assert_eq!((shown.text("code"), shown.text("target")), (code, target.to_owned()));
    assert_eq!(shown.text("created_at"), made.text("created_at"));
}

fn moment(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// A target of this length in bytes.
fn long(bytes: usize) -> String {
    let start = "https://example.com/";
    format!("{start}{}", "x".repeat(bytes - start.len()))
}

fn the_longest_target_is_taken(edge: &EdgeClient) {
    let code = shortened(edge, &long(2_048));
    assert_eq!(edge.follow(&code).header("location"), long(2_048));
}

fn a_key_first_sent_with_an_alias_is_not_the_same_without(edge: &EdgeClient) {
    let target = json!({ "target": "https://example.com/keyed" });
    let wish = json!({ "target": "https://example.com/keyed", "alias": "keyed-by-alias" });
    let made = edge.shorten_with_key("order-4713", &wish);
    assert_eq!(made.made(), "keyed-by-alias");
    edge.shorten_with_key("order-4713", &target).is_problem(422, "key-reused");
    assert_eq!(edge.shorten_with_key("order-4713", &wish).json(), made.json());
}

/// RFC 3986, 3.1 and 3.2.2: both are case-insensitive.
fn a_scheme_and_a_host_are_the_same_in_capitals(edge: &EdgeClient) {
    for target in ["HTTP://EXAMPLE.COM/a", "hTTpS://Example.Com:443/a"] {
        let code = shortened(edge, target);
        let location = edge.follow(&code).header("location").to_ascii_lowercase();
        assert!(location.starts_with("http") && location.ends_with("/a"), "{target}: {location}");
    }
}

fn the_same_key_again_is_the_same_link(edge: &EdgeClient) {
    let body = json!({ "target": "https://example.com/keyed" });
    let first = edge.shorten_with_key("order-4711", &body);
    for _ in 0..3 {
        let again = edge.shorten_with_key("order-4711", &body);
        assert_eq!((again.status, again.json()), (201, first.json()));
        assert_eq!(again.header("location"), first.header("location"));
    }
    for other in [
        json!({ "target": "https://example.com/another" }),
        json!({ "target": "https://example.com/keyed", "alias": "keyed-otherwise" }),
        json!({ "target": "https://example.com/keyed", "alias": first.text("code") }),
        json!({ "target": "https://example.com/keyed", "expires_at": "2999-01-01T00:00:00Z" }),
    ] {
        edge.shorten_with_key("order-4711", &other).is_problem(422, "key-reused");
    }
    edge.shorten_with_key("two words", &body).is_problem(422, "invalid-idempotency-key");
    edge.shorten_with_key("", &body).is_problem(422, "invalid-idempotency-key");
    edge.shorten_with_key(&"k".repeat(129), &body).is_problem(422, "invalid-idempotency-key");
    edge.shorten_with_key("schlüssel", &body).is_problem(422, "invalid-idempotency-key");
    for other in ["order-4711", "order-4712"] {
        let twice = [JSON, ("idempotency-key", "order-4711"), ("idempotency-key", other)];
        edge.post(&twice, body.to_string()).is_problem(400, "malformed");
    }
    assert_ne!(edge.shorten(&body).made(), edge.shorten(&body).made(), "without a key each is a new link");
}

fn an_alias_is_given_once(edge: &EdgeClient) {
    let wish = |target: &str| edge.shorten(&json!({ "target": target, "alias": "My_alias-1" }));
    let made = wish("https://example.com/first");
    assert_eq!((made.made(), made.header("location")), ("My_alias-1".to_owned(), "/My_alias-1"));
    wish("https://example.com/second").is_problem(409, "alias-taken");
    wish("https://example.com/first").is_problem(409, "alias-taken");
    assert_eq!(edge.follow("My_alias-1").header("location"), "https://example.com/first");
    edge.follow("my_alias-1").is_problem(404, "no-such-link");
}

fn the_last_expiry_is_kept_and_shown(edge: &EdgeClient) {
    let made =
        edge.shorten(&json!({ "target": "https://example.com/", "expires_at": "9999-12-31T23:59:59.999Z" }));
    for shown in [&made, &edge.show(&made.made())] {
        assert_eq!(shown.text("expires_at"), "9999-12-31T23:59:59.999Z");
    }
}

fn a_removed_link_is_gone(edge: &EdgeClient, stale_for: Duration) {
    let code = shortened(edge, "https://example.com/removed");
    assert_eq!(edge.follow(&code).status, 302);
    for _ in 0..2 {
        let removed = edge.remove(&code);
        assert_eq!((removed.status, removed.body.len()), (204, 0), "removing is idempotent");
    }
    if !stale_for.is_zero() {
        eventually(stale_for, "every copy has heard of the removal", || {
            (0..REQUESTS_TO_ALL_REPLICAS).all(|_| edge.follow(&code).status == 404).then_some(())
        });
    }
    edge.follow(&code).is_problem(404, "no-such-link");
    edge.show(&code).is_problem(404, "no-such-link");
    assert_eq!(edge.remove("never-was").status, 204);
    for code in ["no.code", "%ff", &"x".repeat(33)] {
        edge.remove(code).is_problem(404, "no-such-link");
    }
}

/// With every cache: it can be followed until it expires, and not after.
fn an_expired_link_is_gone_and_stays_so(edge: &EdgeClient) {
    let end = OffsetDateTime::now_utc() + time::Duration::seconds(3);
    let text = end.format(&Rfc3339).expect("a moment");
    let made = edge.shorten(&json!({ "target": "https://example.com/soon", "expires_at": text }));
    let code = made.made();
    // Stored in milliseconds.
    let end = moment(&made.text("expires_at"));
    let gone = eventually(Duration::from_secs(20), "the link expires", || {
        let asked = OffsetDateTime::now_utc();
        let reply = edge.follow(&code);
        let answered = OffsetDateTime::now_utc();
        let is_gone = reply.status == 410;
        assert!(
            is_gone || reply.status == 302 && asked < end,
            "followed {} after its end: {reply:?}",
            asked - end
        );
        assert!(!is_gone || answered >= end, "gone {} before its end", end - answered);
        is_gone.then_some(reply)
    });
    gone.is_problem(410, "link-expired");
    edge.show(&code).is_problem(410, "link-expired");
    edge.follow(&code).is_problem(410, "link-expired");
}

fn a_request_has_the_id_of_its_trace(edge: &EdgeClient) {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ask = |method: Method, path: &str, parent: &str| -> Reply {
        edge.ask(&method, path, &[("traceparent", parent)], "")
    };
    for flags in ["00", "01"] {
        let parent = format!("00-{trace}-00f067aa0ba902b7-{flags}");
        for (method, path) in [
            (Method::GET, "/nothing-here"),
            (Method::PUT, "/links"),
            (Method::GET, "/a/b"),
            (Method::GET, "/openapi.json"),
        ] {
            assert_eq!(ask(method, path, &parent).header("x-request-id"), trace, "{path}");
        }
    }
    for malformed in
        ["", "00-xyz-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"]
    {
        let id = ask(Method::GET, "/nothing-here", malformed).header("x-request-id").to_owned();
        assert!(id != trace && id != "0".repeat(32), "`{malformed}` became `{id}`");
    }
}

/// The API's own description names every route and status that a client has met.
pub fn everything_that_was_seen_is_described(edge: &EdgeClient) {
    let shown = |_: &str, route: &str| if route == "/clicks/pending" { "PendingShown" } else { "LinkShown" };
    described::every_text_is_bounded(edge);
    described::everything_that_was_seen(edge, shown);
}
