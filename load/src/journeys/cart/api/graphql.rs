//! The public API in GraphQL: the query of a page.

use serde::Deserialize;
use serde_json::json;

use super::views::{CartView, ProductView, ProductsView};
use crate::{
    http::{Method, RequestBuf},
    journeys::cart::id::Id,
};

/// What a page shows, and no more.
const PAGE: &str = "query($product: ID!, $cart: ID!, $search: String!, $first: Int!) { \
    product(id: $product) { id name price { minor currency } stock { left } } \
    cart(id: $cart) { lines { quantity } } \
    products(search: $search, first: $first) { products { id name price { minor currency } } } }";

/// Asks for everything that a page shows.
pub(crate) fn page(product: Id, cart: Id, search: &str, first: usize, request: &mut RequestBuf) {
    let (product, cart) = (product.to_string(), cart.to_string());
    let variables = json!({ "product": product, "cart": cart, "search": search, "first": first });
    let body = json!({ "query": PAGE, "variables": variables }).to_string();
    request.write_json(Method::Post, "/graphql", None, &body);
}

/// The reply to the query of a page. A reply without data, as after an error, does not parse.
#[derive(Debug, Deserialize)]
pub(crate) struct PageView {
    pub(crate) data: PageData,
}

/// What a page shows.
#[derive(Debug, Deserialize)]
pub(crate) struct PageData {
    pub(crate) product: StockedView,
    pub(crate) cart: CartView,
    pub(crate) products: ProductsView,
}

/// A product and where its goods are.
#[derive(Debug, Deserialize)]
pub(crate) struct StockedView {
    #[serde(flatten)]
    pub(crate) product: ProductView,
    pub(crate) stock: LeftView,
}

/// What is free.
#[derive(Debug, Deserialize)]
pub(crate) struct LeftView {
    pub(crate) left: u64,
}
