//! The parameters of a request outside its body.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, StatusCode, request::Parts},
};
use cart::{
    CartId, DeliveryId, IdError, MAX_PRODUCTS, OrderId, ProductId, ProductIds, RefundId, RequestKey,
    VoucherCode,
};
use runtime::edge::{
    Problem,
    parameters::{path_parameter, query_parameters, required},
    single,
};
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::path::{Parameter, ParameterIn, ParameterStyle},
};

use super::schemas;
pub(super) use crate::cursor::{cursor, cursor_text};

/// Defines what a path names, each by one parameter. A text that cannot be a name is reported as a thing that does not exist.
macro_rules! named {
    ($( $(#[$docs:meta])* $Name:ident($Value:ty) of $parameter:literal, $schema:ident, $slug:literal, $title:literal; )+) => { $(
        $(#[$docs])*
        pub(super) struct $Name(pub(super) $Value);

        impl IntoParams for $Name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![required($parameter, ParameterIn::Path, schemas::$schema::schema()).build()]
            }
        }

        impl<S: Send + Sync> FromRequestParts<S> for $Name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                let parameter = path_parameter(parts, state, $parameter).await?;
                <$Value>::parse(&*parameter).map(Self).map_err(|error| {
                    Problem::not_found($slug, $title, error.to_string())
                })
            }
        }
    )+ };
}

named! {
    /// The product in a path.
    ByProduct(ProductId) of "product", Id, "no-such-product", "No such product";
    /// The delivery in a path.
    ByDelivery(DeliveryId) of "delivery", Id, "no-such-delivery", "No such delivery";
    /// The cart in a path.
    ByCart(CartId) of "cart", Id, "no-such-cart", "No such cart";
    /// The voucher in a path.
    ByVoucher(VoucherCode) of "voucher", Code, "no-such-voucher", "No such voucher";
    /// The order in a path.
    ByOrder(OrderId) of "order", Id, "no-such-order", "No such order";
    /// The refund in a path.
    ByRefund(RefundId) of "refund", Id, "no-such-refund", "No such refund";
}

/// The header with a client's idempotency key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The client's key, which a checkout must have: 400 without (draft-ietf-httpapi-idempotency-key-header-07, 2.7).
pub(super) struct Keyed(pub(super) RequestKey);

impl IntoParams for Keyed {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![required("Idempotency-Key", ParameterIn::Header, schemas::Key::schema()).build()]
    }
}

impl<S: Sync> FromRequestParts<S> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || {
            let detail = "send an `Idempotency-Key`: without one a checkout that is repeated is paid twice";
            Problem::new(StatusCode::BAD_REQUEST, "key-missing", "Idempotency key missing", detail.to_owned())
        };
        let value = single(&parts.headers, &IDEMPOTENCY_KEY)?.ok_or_else(missing)?;
        let key = RequestKey::parse(String::from_utf8_lossy(value.as_bytes()));
        key.map(Self).map_err(|error| Problem::malformed(format!("`idempotency-key`: {error}")))
    }
}

/// The products in a query: `?products=ID,ID`, or `?products=ID&products=ID`, which are the two ways to write a list.
pub(super) struct OfProducts(pub(super) ProductIds);

impl IntoParams for OfProducts {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let products = required("products", ParameterIn::Query, schemas::Products::schema());
        vec![products.style(Some(ParameterStyle::Form)).explode(Some(false)).build()]
    }
}

impl<S: Sync> FromRequestParts<S> for OfProducts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let lists: Vec<_> = query_parameters(parts, "products").collect();
        if lists.is_empty() {
            return Err(Problem::malformed("say which: `?products=ID,ID`".to_owned()));
        }
        let texts = lists.iter().flat_map(|list| list.split(','));
        let ids: Result<Vec<_>, IdError> = texts.map(ProductId::parse).collect();
        let ids = ids.map_err(|error| Problem::invalid("products", &error))?;
        if ids.len() > MAX_PRODUCTS {
            let why = format!(
                "a request names at most {MAX_PRODUCTS} products; hint: ask for the others in another request"
            );
            return Err(Problem::invalid("products", &why));
        }
        Ok(Self(ProductIds(ids)))
    }
}

/// The problem of an `after` that no page has given.
pub(super) fn invalid_after() -> Problem {
    Problem::invalid("after", &"give the `next` of a page")
}
