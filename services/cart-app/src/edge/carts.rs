//! Carts.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cart::{ApplyVoucher, Cart, ChangeLine, CustomerId, OpenCart, ProductId, Quantity, VoucherCode};
use runtime::edge::{JsonBody, Problem};
use serde::Deserialize;
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    body::{CartShown, MoneyAsked},
    etag::{Expected, tagged},
    parameters::{ByCart, ByProduct},
    problems::{Refused, of_carts},
    schemas,
    whole::Whole,
};

fn shown(cart: Cart) -> Response {
    tagged(cart.version, CartShown::from(cart))
}

/// Shows a cart.
#[utoipa::path(get, path = "/carts/{cart}", params(ByCart), responses(
    Problem,
    (status = 200, description = "The cart; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "There is no such cart"),
))]
pub(super) async fn show(State(shop): State<Arc<Parts>>, ByCart(id): ByCart) -> Result<Response, Refused> {
    shop.carts.cart(id).await.map(shown).map_err(of_carts)
}

/// The body of `PUT /carts/{cart}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CartAsked {
    /// Whose it is.
    #[schema(schema_with = schemas::Id::schema)]
    customer: String,
}

type CartBody = JsonBody<CartAsked, MAX_BODY_BYTES>;

/// Opens a cart; one that is open already is shown as it is.
#[utoipa::path(put, path = "/carts/{cart}", params(ByCart), request_body = CartAsked, responses(
    Problem,
    CartBody,
    (status = 200, description = "The cart; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "The path is not a valid id"),
    (status = 409, description = "The cart belongs to another customer"),
    (status = 422, description = "The customer is not a valid id"),
))]
pub(super) async fn open(
    State(shop): State<Arc<Parts>>,
    ByCart(id): ByCart,
    JsonBody(asked): CartBody,
) -> Result<Response, Refused> {
    let customer =
        CustomerId::parse(&asked.customer).map_err(|error| Problem::invalid("customer", &error))?;
    shop.carts.open(OpenCart { id, customer }).await.map(shown).map_err(of_carts)
}

/// The body of `PUT /carts/{cart}/lines/{product}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LineAsked {
    #[schema(schema_with = schemas::Number::schema)]
    quantity: Whole,
    /// The price that the customer saw.
    price: MoneyAsked,
}

impl LineAsked {
    fn parse(self, cart: &ByCart, product: ProductId, expected: Expected) -> Result<ChangeLine, Problem> {
        let quantity = Quantity::new(self.quantity.or(0));
        let quantity = quantity.map_err(|error| Problem::invalid("quantity", &error))?;
        let seen_price = self.price.parse("price")?;
        let expected = expected.version()?;
        Ok(ChangeLine { cart: cart.0, expected, product, quantity: Some(quantity), seen_price })
    }
}

type LineBody = JsonBody<LineAsked, MAX_BODY_BYTES>;

/// Sets how many of a product the cart has.
#[utoipa::path(put, path = "/carts/{cart}/lines/{product}", params(ByCart, ByProduct, Expected),
    request_body = LineAsked, responses(
    Problem,
    LineBody,
    (status = 200, description = "The cart as it is now; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "There is no such cart or product"),
    (status = 409, description = "The product has another price, which `price` says; the cart has as many lines as it may, or prices in another currency"),
    (status = 412, description = "The cart was changed since"),
    (status = 422, description = "A value is not acceptable"),
    (status = 428, description = "`If-Match` names no version"),
))]
pub(super) async fn put_line(
    State(shop): State<Arc<Parts>>,
    cart: ByCart,
    ByProduct(product): ByProduct,
    expected: Expected,
    JsonBody(asked): LineBody,
) -> Result<Response, Refused> {
    let change = asked.parse(&cart, product, expected)?;
    shop.carts.change(change).await.map(shown).map_err(of_carts)
}

/// Takes a product out of the cart.
#[utoipa::path(delete, path = "/carts/{cart}/lines/{product}", params(ByCart, ByProduct, Expected), responses(
    Problem,
    (status = 200, description = "The cart as it is now; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "There is no such cart, or the path has no valid ids"),
    (status = 412, description = "The cart was changed since"),
    (status = 428, description = "`If-Match` names no version"),
))]
pub(super) async fn remove_line(
    State(shop): State<Arc<Parts>>,
    ByCart(cart): ByCart,
    ByProduct(product): ByProduct,
    expected: Expected,
) -> Result<Response, Refused> {
    let expected = expected.version()?;
    // Nothing is put in, so that no price matters.
    let seen_price = cart::Money::zero(cart::Currency::NONE);
    let change = ChangeLine { cart, expected, product, quantity: None, seen_price };
    shop.carts.change(change).await.map(shown).map_err(of_carts)
}

/// The body of `PUT /carts/{cart}/voucher`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeAsked {
    #[schema(schema_with = schemas::Code::schema)]
    code: String,
}

type CodeBody = JsonBody<CodeAsked, MAX_BODY_BYTES>;

/// Sets the voucher of the cart. Whether it may be used is decided by the checkout.
#[utoipa::path(put, path = "/carts/{cart}/voucher", params(ByCart, Expected), request_body = CodeAsked, responses(
    Problem,
    CodeBody,
    (status = 200, description = "The cart as it is now; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "There is no such cart"),
    (status = 409, description = "There is no such voucher"),
    (status = 412, description = "The cart was changed since"),
    (status = 422, description = "The code is not acceptable"),
    (status = 428, description = "`If-Match` names no version"),
))]
pub(super) async fn apply_voucher(
    State(shop): State<Arc<Parts>>,
    ByCart(cart): ByCart,
    expected: Expected,
    JsonBody(asked): CodeBody,
) -> Result<Response, Refused> {
    let code = VoucherCode::parse(asked.code).map_err(|error| Problem::invalid("code", &error))?;
    let apply = ApplyVoucher { cart, expected: expected.version()?, code: Some(code) };
    shop.carts.apply(apply).await.map(shown).map_err(of_carts)
}

/// Takes the voucher out of the cart.
#[utoipa::path(delete, path = "/carts/{cart}/voucher", params(ByCart, Expected), responses(
    Problem,
    (status = 200, description = "The cart as it is now; `ETag` is its version", body = CartShown,
        headers(("ETag" = inline(schemas::VersionTag)))),
    (status = 404, description = "There is no such cart"),
    (status = 412, description = "The cart was changed since"),
    (status = 428, description = "`If-Match` names no version"),
))]
pub(super) async fn remove_voucher(
    State(shop): State<Arc<Parts>>,
    ByCart(cart): ByCart,
    expected: Expected,
) -> Result<Response, Refused> {
    let apply = ApplyVoucher { cart, expected: expected.version()?, code: None };
    shop.carts.apply(apply).await.map(shown).map_err(of_carts)
}
