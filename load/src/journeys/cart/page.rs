//! A page as a shop shows it: a product with its price, whether it is in stock, what is in the visitor's cart, and what else
//! there is of a similar name, which stands for recommendations.
//!
//! The link that led there says which product, and its name; nothing of a page waits for another part of it.
//! Resources: a request for each of the four, one behind the other on one connection, as HTTP/1.1 has it. (A browser would
//! open up to six.) GraphQL: one request. gRPC: four calls at once on one connection.

use std::iter::once;

use super::{
    api::{self, CartView, LevelsView, ProductView, ProductsView, calls, graphql},
    browsing::judged,
    edge::Edge,
    ledger_state::LedgerState,
    purchase::Shop,
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Failure, Operation, Outcome, Step},
};

/// Carts that are filled before the load, one for each visitor.
pub(super) const VISITORS: u64 = 100;
/// Products of similar names on a page.
const RECOMMENDED: usize = 5;
/// Numbers of products that share a name up to the last digit.
const SIMILAR: u64 = 10;

/// The requests of a page by resources.
const PRODUCT: u16 = 0;
const STOCK: u16 = 1;
const CART: u16 = 2;
const SIMILAR_NAMES: u16 = 3;

/// What is put into the cart of a visitor.
pub(super) fn in_cart(shop: &Shop, visitor: u64) -> (u64, u32) {
    (visitor % shop.products, 1)
}

/// Writes the next request of a page: of the product that is the operation's key, seen by the visitor that is its detail.
pub(super) fn write(shop: &Shop, op: &Operation, request: &mut RequestBuf) {
    let (product, cart, search) = (shop.id(op.key), shop.id(op.detail), similar(shop, op.key));
    match (shop.edge, op.step) {
        (Edge::Graphql, _) => graphql::page(product, cart, &search, RECOMMENDED, request),
        (Edge::Grpc, _) => {
            let list = calls::list(&search, None, RECOMMENDED);
            let calls = [calls::product(product), calls::level(product), calls::cart(cart), list];
            request.write_calls(true, calls);
        }
        (Edge::Rest, PRODUCT) => api::product(shop, product, request),
        (Edge::Rest, STOCK) => api::levels(once(product), request),
        (Edge::Rest, CART) => api::cart(cart, request),
        (Edge::Rest, _) => api::search(&search, RECOMMENDED, request),
    }
}

/// A request of a page was replied to.
pub(super) fn read(
    shop: &Shop,
    ledger: &LedgerState,
    op: &mut Operation,
    reply: &Reply<'_>,
    request: &mut RequestBuf,
) -> Step {
    match reply.status {
        200 => {}
        404 => return Step::Done(Outcome::Failed(Failure::Missing)),
        status => return Step::Done(api::otherwise(status)),
    }
    if is_right(shop, op, reply.body) != Some(true) {
        let story =
            || format!("part {} of the whole page of product `{}` is wrong", op.step, shop.id(op.key));
        return Step::Done(judged(ledger, false, story));
    }
    if shop.edge != Edge::Rest || op.step == SIMILAR_NAMES {
        return Step::Done(Outcome::Success);
    }
    op.step += 1;
    write(shop, op, request);
    Step::Next
}

/// Whether a reply is the part of the page that was requested; `None` if it cannot be read.
fn is_right(shop: &Shop, op: &Operation, body: &[u8]) -> Option<bool> {
    let product = |view: &ProductView| view.id == shop.id(op.key) && api::is_right(view, shop);
    let left = |left: u64| left == shop.pieces();
    match shop.edge {
        Edge::Graphql => {
            let graphql::PageData { product: stocked, cart, products } =
                serde_json::from_slice::<graphql::PageView>(body).ok()?.data;
            let is_product = product(&stocked.product) && left(stocked.stock.left);
            Some(is_product && is_cart(&cart) && are_similar(shop, op.key, &products))
        }
        Edge::Grpc => {
            // Each message again as a reply of one.
            let mut parts = calls::messages(body).map(calls::framed);
            let (shown, levels) = (calls::product_of(&parts.next()?)?, calls::levels_of(&parts.next()?)?);
            let (cart, products) = (calls::cart_of(&parts.next()?)?, calls::products_of(&parts.next()?)?);
            let is_product = product(&shown) && levels.levels.first().is_some_and(|level| left(level.left));
            Some(is_product && is_cart(&cart) && are_similar(shop, op.key, &products))
        }
        Edge::Rest => Some(match op.step {
            PRODUCT => product(&serde_json::from_slice(body).ok()?),
            STOCK => {
                let view: LevelsView = serde_json::from_slice(body).ok()?;
                view.levels.first().is_some_and(|level| left(level.left))
            }
            CART => is_cart(&serde_json::from_slice(body).ok()?),
            _ => are_similar(shop, op.key, &serde_json::from_slice(body).ok()?),
        }),
    }
}

/// Whether it is a cart that was filled before the load.
fn is_cart(view: &CartView) -> bool {
    view.lines.iter().map(|line| line.quantity).eq([1])
}

/// Whether a list has the products whose names differ from a product's in their last digit, as many as a page shows.
fn are_similar(shop: &Shop, product: u64, view: &ProductsView) -> bool {
    let first = product - product % SIMILAR;
    let expected = (first..shop.products.min(first + SIMILAR)).take(RECOMMENDED);
    view.products.iter().map(|product| product.id).eq(expected.map(|number| shop.id(number)))
        && view.products.iter().all(|product| api::is_right(product, shop))
}

/// What the names have in common that are similar to a product's.
fn similar(shop: &Shop, product: u64) -> String {
    let mut name = shop.name(product);
    name.pop();
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journeys::cart::{
        mix::Mix,
        purchase::{CURRENCY, price},
    };

    fn view(shop: &Shop, numbers: impl Iterator<Item = u64>) -> ProductsView {
        let product = |number| ProductView {
            id: shop.id(number),
            name: shop.name(number),
            price: api::MoneyView { minor: price(number), currency: CURRENCY.to_owned() },
        };
        ProductsView { products: numbers.map(product).collect(), next: None }
    }

    #[test]
    fn recommended_are_the_first_of_similar_names_and_no_others() {
        let shop = Shop::new(7, Mix::Page, 43, 10);
        for (product, numbers) in [(17, 10..15), (10, 10..15), (42, 40..43)] {
            assert!(are_similar(&shop, product, &view(&shop, numbers)), "{product}");
        }
        for (product, numbers) in [(17, 10..14), (17, 11..16), (17, 0..5), (42, 40..42)] {
            assert!(!are_similar(&shop, product, &view(&shop, numbers)), "{product}");
        }
        assert!(similar(&shop, 17).ends_with("-000001"));
    }

    #[test]
    fn a_page_is_as_many_requests_as_what_it_speaks_needs() {
        for (edge, requests) in [(Edge::Rest, 4), (Edge::Graphql, 1), (Edge::Grpc, 1)] {
            let shop = Shop::new(7, Mix::Page, 43, 10).speaking(edge);
            let mut texts = std::collections::BTreeSet::new();
            for step in 0..=SIMILAR_NAMES {
                let mut request = RequestBuf::new("127.0.0.1:1");
                write(&shop, &Operation { step, key: 17, ..Operation::default() }, &mut request);
                assert_eq!(request.is_grpc(), edge == Edge::Grpc);
                texts.insert(request.bytes().to_vec());
            }
            assert_eq!(texts.len(), requests, "{edge:?}");
        }
    }
}
