//! Checkouts.
//!
//! The reply that is stored with an order, a refusal too, is repeated for its key. Whatever fails before that, a component
//! that is away and a changed price alike, is not stored: the same request again is tried anew, for the same order.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backing::failpoint;
use cart::{CartId, CheckedOut, Checkout, PaymentToken, RequestKey, Status, Version};
use runtime::edge::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    body::{MoneyAsked, MoneyShown, status},
    parameters::Keyed,
    problems::{Refused, of_orders},
    schemas,
    whole::Whole,
};

/// The body of `POST /checkouts`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckoutAsked {
    #[schema(schema_with = schemas::Id::schema)]
    cart: String,
    #[schema(schema_with = schemas::Version::schema)]
    version: Whole,
    /// What the customer agreed to pay.
    total: MoneyAsked,
    #[schema(schema_with = schemas::Token::schema)]
    token: String,
}

impl CheckoutAsked {
    fn parse(self, key: RequestKey) -> Result<Checkout, Problem> {
        let cart = CartId::parse(&self.cart).map_err(|error| Problem::invalid("cart", &error))?;
        let version = u64::try_from(self.version.0).map_err(|_| {
            let detail = "`version`: a version is 0 or more".to_owned();
            Problem::unprocessable("invalid-version", "Invalid value", detail)
        })?;
        let token = PaymentToken::parse(self.token).map_err(|error| Problem::invalid("token", &error))?;
        Ok(Checkout {
            key,
            cart,
            version: Version(version),
            expected_total: self.total.parse("total")?,
            token,
        })
    }
}

/// An order that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckoutShown {
    /// The order's id.
    #[schema(schema_with = schemas::Id::schema)]
    order: String,
    #[schema(schema_with = schemas::Status::schema)]
    status: &'static str,
    /// What it costs.
    total: MoneyShown,
}

type CheckoutBody = JsonBody<CheckoutAsked, MAX_BODY_BYTES>;

/// Makes an order of a cart.
#[utoipa::path(post, path = "/checkouts", params(Keyed), request_body = CheckoutAsked, responses(
    Problem,
    CheckoutBody,
    (status = 201, description = "The order was placed", body = CheckoutShown,
        headers(("Location" = inline(schemas::OrderPath)))),
    (status = 202, description = "The checkout was accepted; what becomes of it is at `Location`", body = CheckoutShown,
        headers(("Location" = inline(schemas::OrderPath)))),
    (status = 400, description = "The request is malformed, or `Idempotency-Key` is missing"),
    (status = 402, description = "The payment was declined"),
    (status = 409, description = "A request with the key is in flight; the cart has another version; the price has changed (`total` and `lines` say how); the cart is empty or unknown; goods or voucher are gone"),
    (status = 422, description = "A value is not acceptable, or the key was used for another request"),
))]
pub(super) async fn checkout(
    State(shop): State<Arc<Parts>>,
    Keyed(key): Keyed,
    JsonBody(asked): CheckoutBody,
) -> Result<Response, Refused> {
    let checked_out = shop.orders.checkout(asked.parse(key)?).await.map_err(of_orders)?;
    failpoint::reached("reply", "unsent");
    let CheckedOut { order, status: reached, total } = checked_out;
    let code = if reached == Status::Pending { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    let location = HeaderValue::try_from(format!("/orders/{order}"));
    let location = location.map_err(|_| Problem::internal("an id is no header".to_owned()))?;
    let shown = CheckoutShown { order: order.to_string(), status: status(reached), total: total.into() };
    Ok((code, [(header::LOCATION, location)], Json(shown)).into_response())
}
