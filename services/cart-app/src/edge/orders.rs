//! Orders, and what customers were told of them.

use std::sync::Arc;

use axum::{Json, extract::State};
use cart::{Notice, ProductSales, RefundOrder};
use runtime::edge::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    body::{MoneyAsked, OrderShown},
    parameters::{ByOrder, ByRefund, OfProducts},
    problems::{Refused, of_notices, of_orders},
    schemas,
};

/// Shows an order.
#[utoipa::path(get, path = "/orders/{order}", params(ByOrder), responses(
    Problem,
    (status = 200, description = "The order", body = OrderShown),
    (status = 404, description = "There is no such order"),
))]
pub(super) async fn show(
    State(shop): State<Arc<Parts>>,
    ByOrder(id): ByOrder,
) -> Result<Json<OrderShown>, Refused> {
    shop.orders.order(id).await.map(OrderShown::from).map(Json).map_err(of_orders)
}

/// Cancels an order that was not shipped: its money is given back.
#[utoipa::path(post, path = "/orders/{order}/cancel", params(ByOrder), responses(
    Problem,
    (status = 200, description = "The order as it is now", body = OrderShown),
    (status = 404, description = "There is no such order"),
    (status = 409, description = "The order was shipped: it can be refunded and not cancelled"),
))]
pub(super) async fn cancel(
    State(shop): State<Arc<Parts>>,
    ByOrder(id): ByOrder,
) -> Result<Json<OrderShown>, Refused> {
    shop.orders.cancel(id).await.map(OrderShown::from).map(Json).map_err(of_orders)
}

/// Notes that the goods of a paid order are on their way.
#[utoipa::path(post, path = "/orders/{order}/ship", params(ByOrder), responses(
    Problem,
    (status = 200, description = "The order as it is now", body = OrderShown),
    (status = 404, description = "There is no such order"),
    (status = 409, description = "The order is not paid"),
))]
pub(super) async fn ship(
    State(shop): State<Arc<Parts>>,
    ByOrder(id): ByOrder,
) -> Result<Json<OrderShown>, Refused> {
    shop.orders.ship(id).await.map(OrderShown::from).map(Json).map_err(of_orders)
}

/// The body of `PUT /orders/{order}/refunds/{refund}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundAsked {
    /// How much is given back, at least one minor unit.
    amount: MoneyAsked,
}

type RefundBody = JsonBody<RefundAsked, MAX_BODY_BYTES>;

/// Gives a part of the money of a paid order back, once for each id of a refund.
#[utoipa::path(put, path = "/orders/{order}/refunds/{refund}", params(ByOrder, ByRefund),
    request_body = RefundAsked, responses(
    Problem,
    RefundBody,
    (status = 200, description = "The order as it is now; the refund may still be pending", body = OrderShown),
    (status = 404, description = "There is no such order, or the path has no valid ids"),
    (status = 409, description = "The order is not paid, or less is left of the payment"),
    (status = 422, description = "A value is not acceptable, or the refund's id was used for another amount"),
))]
pub(super) async fn refund(
    State(shop): State<Arc<Parts>>,
    ByOrder(order): ByOrder,
    ByRefund(refund): ByRefund,
    JsonBody(asked): RefundBody,
) -> Result<Json<OrderShown>, Refused> {
    let refund = RefundOrder { order, refund, amount: asked.amount.parse("amount")? };
    shop.orders.refund(refund).await.map(OrderShown::from).map(Json).map_err(of_orders)
}

/// What a customer was told.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeShown {
    /// The id of the event.
    #[schema(schema_with = schemas::Id::schema)]
    event: String,
    #[schema(schema_with = schemas::NoticeText::schema)]
    text: String,
    /// When the event happened, in milliseconds since 1970-01-01 00:00 UTC.
    at_ms: u64,
}

impl From<Notice> for NoticeShown {
    fn from(notice: Notice) -> Self {
        Self { event: notice.event.to_string(), text: notice.text, at_ms: notice.at.millis() }
    }
}

/// What a customer was told about an order.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticesShown {
    /// In the order in which the events happened.
    notices: Vec<NoticeShown>,
}

/// Shows what the customer was told about an order; nothing of an order that there is not.
#[utoipa::path(get, path = "/orders/{order}/notices", params(ByOrder), responses(
    Problem,
    (status = 200, description = "The notices", body = NoticesShown),
    (status = 404, description = "The path is not a valid id"),
))]
pub(super) async fn notices(
    State(shop): State<Arc<Parts>>,
    ByOrder(id): ByOrder,
) -> Result<Json<NoticesShown>, Problem> {
    let told = shop.notices.told(id).await.map_err(of_notices)?;
    Ok(Json(NoticesShown { notices: told.0.into_iter().map(NoticeShown::from).collect() }))
}

/// The orders of a product.
#[derive(Serialize, ToSchema)]
struct ProductSalesShown {
    #[schema(schema_with = schemas::Id::schema)]
    product: String,
    #[schema(schema_with = schemas::OrderIds::schema)]
    orders: Vec<String>,
}

impl From<ProductSales> for ProductSalesShown {
    fn from(sales: ProductSales) -> Self {
        let orders = sales.orders.into_iter().map(String::from).collect();
        Self { product: sales.product.to_string(), orders }
    }
}

/// The orders of several products.
#[derive(Serialize, ToSchema)]
pub(super) struct SalesShown {
    /// One for each product.
    sales: Vec<ProductSalesShown>,
}

/// Shows the orders of products, all of them and read in one transaction: what a checker of histories reads.
#[utoipa::path(get, path = "/sales", params(OfProducts), responses(
    Problem,
    (status = 200, description = "The orders of each product", body = SalesShown),
    (status = 409, description = "The products have more than 50,000 orders together: name fewer of them"),
    (status = 422, description = "The products are not acceptable"),
))]
pub(super) async fn sales(
    State(shop): State<Arc<Parts>>,
    OfProducts(ids): OfProducts,
) -> Result<Json<SalesShown>, Refused> {
    let sales = shop.orders.sales(ids).await.map_err(of_orders)?;
    Ok(Json(SalesShown { sales: sales.0.into_iter().map(ProductSalesShown::from).collect() }))
}
