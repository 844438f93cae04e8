//! The promises of the public API in GraphQL.

use http::Method;
use serde_json::{Value, json};

use super::shop::{euro, id, product, send};
use crate::edge_client::{EdgeClient, Reply};

/// A product in as much detail as there is, so that many of them cost much.
const COSTLY: &str =
    "{ a: products(first: 100) { products { id name price { minor currency } stock { left } } }
      b: products(first: 100) { products { id name price { minor currency } stock { left } } }
      c: products(first: 100) { products { id name price { minor currency } stock { left } } } }";

fn ask(edge: &EdgeClient, query: &str, variables: &Value, accept: &str) -> Reply {
    let body = json!({ "query": query, "variables": variables });
    send(edge, &Method::POST, "/graphql", &[("accept", accept)], &body)
}

#[track_caller]
fn answered(edge: &EdgeClient, query: &str, variables: &Value) -> Value {
    let reply = ask(edge, query, variables, "application/json");
    assert_eq!((reply.status, reply.json().get("errors")), (200, None), "{reply:?}");
    reply.json()["data"].clone()
}

/// What a mistake is called.
#[track_caller]
fn code(edge: &EdgeClient, query: &str, variables: &Value) -> String {
    let reply = ask(edge, query, variables, "application/json");
    let errors = reply.json()["errors"].clone();
    errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

pub(super) fn a_page_asks_once_for_all_that_it_needs(edge: &EdgeClient) {
    let tea = product(edge, 10);
    let filled = super::Filled::with(edge, &tea, 2);
    let query = "query($cart: ID!, $product: ID!) {
        product(id: $product) { name price { minor currency } stock { left } }
        cart(id: $cart) { version lines { quantity product { id name stock { stocked } } } }
        nothing: product(id: \"00000000-0000-0000-0000-000000000000\") { name }
    }";
    let page = answered(edge, query, &json!({ "cart": filled.cart, "product": tea }));
    let expected = json!({
        "product": { "name": "Green tea", "price": euro(500), "stock": { "left": 10 } },
        "cart": { "version": 1, "lines": [
            { "quantity": 2, "product": { "id": tea, "name": "Green tea", "stock": { "stocked": 10 } } },
        ] },
        "nothing": null,
    });
    assert_eq!(page, expected);
}

pub(super) fn a_purchase_is_made_once_for_each_key(edge: &EdgeClient) {
    let tea = product(edge, 10);
    let (cart, customer, key) = (id(), id(), id());
    let open =
        "mutation($cart: ID!, $customer: ID!) { openCart(id: $cart, customer: $customer) { version } }";
    answered(edge, open, &json!({ "cart": cart, "customer": customer }));
    let line = "mutation($cart: ID!, $product: ID!, $version: Whole!, $price: MoneyInput!) {
        setLine(cart: $cart, version: $version, product: $product, quantity: 1, price: $price) { version }
    }";
    let wanted = |version: u64, minor: i64| json!({ "cart": cart, "product": tea, "version": version, "price": euro(minor) });
    assert_eq!(code(edge, line, &wanted(7, 500)), "cart-changed");
    assert_eq!(code(edge, line, &wanted(0, 499)), "price-changed");
    assert_eq!(answered(edge, line, &wanted(0, 500)), json!({ "setLine": { "version": 1 } }));
    let checkout = "mutation($key: String!, $cart: ID!, $total: MoneyInput!) {
        checkout(key: $key, cart: $cart, version: 1, total: $total, token: \"card-1\") { order status total { minor } }
    }";
    let asked = |minor: i64| json!({ "key": key, "cart": cart, "total": euro(minor) });
    let first = answered(edge, checkout, &asked(500));
    assert_eq!(first["checkout"]["total"]["minor"], 500);
    assert_eq!(answered(edge, checkout, &asked(500)), first, "the first reply is repeated");
    assert_eq!(code(edge, checkout, &asked(400)), "key-reused");
    let order =
        "query($order: ID!) { order(id: $order) { lines { quantity product { id } } total { minor } } }";
    let made = answered(edge, order, &json!({ "order": first["checkout"]["order"] }));
    let lines = json!([{ "quantity": 1, "product": { "id": tea } }]);
    assert_eq!(made, json!({ "order": { "lines": lines, "total": { "minor": 500 } } }));
}

pub(super) fn a_query_that_cannot_be_is_refused_before_it_runs(edge: &EdgeClient) {
    let deep = format!("{{ {} id {} }}", "cart(id: 1) { ".repeat(400), "}".repeat(400));
    for (query, why) in
        [("{ nope }", "nope"), ("{ products {", "expected"), (COSTLY, "complex"), (&deep, "recursion")]
    {
        let reply = ask(edge, query, &json!({}), "application/json");
        let answer = reply.json();
        let said = answer["errors"][0]["message"].as_str().unwrap_or_default().to_lowercase();
        assert!(
            reply.status == 200 && answer.get("data").is_none() && said.contains(why),
            "{query}: {reply:?}"
        );
    }
    let one = |query: &str| code(edge, query, &json!({}));
    assert_eq!(one("{ product(id: \"x\") { name } }"), "invalid-id");
    assert_eq!(one("{ products(after: \"x\") { next } }"), "invalid-after");
    assert_eq!(one("{ products(first: 101) { next } }"), "invalid-value");
    let reply = ask(edge, "{ products { next } }", &json!({}), "text/html");
    assert_eq!((reply.status, reply.text("type")), (406, "/problems/not-acceptable".to_owned()));
}
