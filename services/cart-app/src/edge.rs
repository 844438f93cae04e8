//! The public API of the cart: a shop.
//!
//! | request | replies |
//! |---|---|
//! | `GET /products`, `?search=`, `?after=`, `?limit=` | 200, a page; 422 |
//! | `GET /products/{product}` | 200; 404 |
//! | `PUT /products/{product}` | 200; 404, 422 |
//! | `GET /stock?products=` | 200; 422 |
//! | `PUT /products/{product}/deliveries/{delivery}` | 200; 404, 409, 422 |
//! | `PUT /carts/{cart}` | 200 with `ETag`; 404, 409 |
//! | `GET /carts/{cart}` | 200 with `ETag`; 404 |
//! | `PUT`, `DELETE /carts/{cart}/lines/{product}` | 200 with `ETag`; 404, 409, 412, 422, 428 |
//! | `PUT`, `DELETE /carts/{cart}/voucher` | 200 with `ETag`; 404, 409, 412, 422, 428 |
//! | `PUT /vouchers/{voucher}` | 200; 404, 409, 422 |
//! | `GET /vouchers/{voucher}` | 200; 404 |
//! | `POST /checkouts` | 201 or 202 with `Location`; 402, 409, 422 |
//! | `GET /orders/{order}`, `GET /orders/{order}/notices` | 200; 404 |
//! | `POST /orders/{order}/cancel`, `POST /orders/{order}/ship` | 200; 404, 409 |
//! | `PUT /orders/{order}/refunds/{refund}` | 200; 404, 409, 422 |
//! | `GET /sales?products=` | 200; 409, 422 |
//! | `GET /admin/sagas`, `?standing=`, `?after=`, `?limit=` | 200; 422 |
//! | `POST /admin/sagas/{order}/repair` | 200; 404, 409 |
//! | `GET /admin/books`, `?after=` | 200; 422 |
//! | `POST /webhooks/provider` | 204; 401, 404, 422 |
//! | `POST /graphql`, where the axis `edge` is `graphql` | 200; 400, 406 |
//! | gRPC's `lab.cart.shop.v1.ShopService`, where the axis `edge` is `grpc` | a status |
//! | `GET /openapi.json` | 200 |
//!
//! All of them: 400 for a malformed request, 414 and 431 for a target or header fields that are too long, 503
//! when a component is unavailable, 504 when the deadline passed; with a body: 408, 413 and 415 too. Errors are
//! `application/problem+json` (RFC 9457).
//!
//! With `routing=direct` each process serves the routes that are about its own components, and describes these alone.
//!
//! Money is an integer of minor units with its currency. A shortcut: nobody is asked who they are. In production the shop's
//! own requests (products, deliveries, vouchers, `ship`, `sales`, `admin`) would be another API, behind a login, and a
//! customer would see their own carts and orders.

mod body;
mod books;
mod carts;
mod checkouts;
mod etag;
mod graphql;
mod grpc;
mod orders;
mod parameters;
mod problems;
mod products;
mod sagas;
mod schemas;
mod vouchers;
mod webhooks;
mod whole;

use std::sync::Arc;

use axum::{Router, http::Method};
pub use books::ProviderBooks;
use cart::{Carts, Catalog, Notices, Orders, Payments, Stock, Vouchers};
use contract::Clock;
use remote::Priority;
use runtime::{RoutePriority, edge::described};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};
pub use webhooks::WebhookSecret;

use crate::{SYSTEM, axes::EdgeStyle};

/// The largest request body, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1_024;

/// Where the payment provider sends its webhooks.
pub const WEBHOOKS: &str = "/webhooks/provider";

/// What a full process refuses last and first: a checkout is what a shop is for, and figures and repairs can wait.
pub const PRIORITIES: [RoutePriority; 5] = [
    (Method::POST, "/checkouts", Priority::Critical),
    (Method::POST, WEBHOOKS, Priority::Critical),
    (Method::GET, "/sales", Priority::Background),
    (Method::GET, "/admin/sagas", Priority::Background),
    (Method::GET, "/admin/books", Priority::Background),
];

/// The same of what the description of the resources does not have: gRPC's checkout.
pub const FURTHER_PRIORITIES: [RoutePriority; 1] = [(Method::POST, grpc::CHECK_OUT, Priority::Critical)];

/// What the public API is made of.
pub struct Parts {
    /// The products.
    pub catalog: Arc<dyn Catalog>,
    /// The carts.
    pub carts: Arc<dyn Carts>,
    /// The goods.
    pub stock: Arc<dyn Stock>,
    /// The vouchers.
    pub vouchers: Arc<dyn Vouchers>,
    /// The payments.
    pub payments: Arc<dyn Payments>,
    /// The orders.
    pub orders: Arc<dyn Orders>,
    /// What customers were told.
    pub notices: Arc<dyn Notices>,
}

/// What the routes about the payment provider are made of.
pub struct ProviderParts {
    /// The payments.
    pub payments: Arc<dyn Payments>,
    /// The books of the provider.
    pub books: Arc<dyn ProviderBooks>,
    /// What the provider signs its webhooks with.
    pub secret: WebhookSecret,
    /// The clock, by which an old webhook is recognised.
    pub clock: Arc<dyn Clock>,
}

/// The routes that a process serves, of which those about the provider need what it is made of.
pub fn router(
    parts: Parts,
    provider: Option<ProviderParts>,
    style: EdgeStyle,
    serves: impl Fn(&str) -> bool,
) -> Router {
    let parts = Arc::new(parts);
    let is_own = |(_, paths, _): &UtoipaMethodRouter<Arc<Parts>>| paths.paths.keys().all(|path| serves(path));
    let own = resources().into_iter().filter(is_own);
    let routes = own.fold(OpenApiRouter::default(), OpenApiRouter::routes).with_state(Arc::clone(&parts));
    let routes = match provider {
        None => routes,
        Some(provider) => routes.merge(at_provider(provider)),
    };
    let routes = match style {
        EdgeStyle::Rest => routes,
        EdgeStyle::Graphql => routes.merge(graphql::routes(parts)),
        EdgeStyle::Grpc => routes.merge(grpc::routes(parts).into()),
    };
    described("Cart", SYSTEM.summary, routes)
}

/// Each resource, with whatever can be done to it.
fn resources() -> Vec<UtoipaMethodRouter<Arc<Parts>>> {
    vec![
        routes!(products::list),
        routes!(products::show, products::offer),
        routes!(products::levels),
        routes!(products::receive),
        routes!(carts::show, carts::open),
        routes!(carts::put_line, carts::remove_line),
        routes!(carts::apply_voucher, carts::remove_voucher),
        routes!(vouchers::show, vouchers::issue),
        routes!(checkouts::checkout),
        routes!(orders::show),
        routes!(orders::notices),
        routes!(orders::cancel),
        routes!(orders::ship),
        routes!(orders::refund),
        routes!(orders::sales),
        routes!(sagas::list),
        routes!(sagas::repair),
    ]
}

/// What the shop shows of the provider, and what the provider tells the shop.
fn at_provider(provider: ProviderParts) -> OpenApiRouter {
    let routes = OpenApiRouter::default().routes(routes!(books::page)).routes(routes!(webhooks::notify));
    routes.with_state(Arc::new(provider))
}
