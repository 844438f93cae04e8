//! The parameters of a request outside its body.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderName, StatusCode, request::Parts},
};
use cart::{
    CartId, DeliveryId, IdError, MAX_PRODUCTS, OrderId, ProductId, ProductIds, RefundId, RequestKey,
    VoucherCode,
};
use runtime::edge::{Problem, single};
use url::form_urlencoded;
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{
        RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    },
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
                <$Value>::parse(&*parameter).map(Self).map_err(|error| not_found($slug, $title, error.to_string()))
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

/// Describes a parameter that a request must have. utoipa's derive describes none as such that has a schema of its own.
pub(super) fn required(name: &str, place: ParameterIn, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).required(Required::True).schema(Some(schema))
}

/// What a path names is not there.
pub(super) fn not_found(slug: &'static str, title: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, slug, title, detail)
}

async fn path_parameter<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Problem> {
    let malformed = || Problem::malformed(format!("the `{name}` in the path is no text"));
    let Path(all) =
        Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| malformed())?;
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).ok_or_else(malformed)
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
            let detail = format!(
                "`products`: a request names at most {MAX_PRODUCTS} products; hint: ask for the others in another request"
            );
            return Err(Problem::unprocessable("invalid-products", "Invalid value", detail));
        }
        Ok(Self(ProductIds(ids)))
    }
}

/// A parameter of a query, if it is there; 400 if it is there more than once.
pub(super) fn query_parameter(parts: &Parts, name: &str) -> Result<Option<String>, Problem> {
    let mut values = query_parameters(parts, name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Problem::malformed(format!("the parameter `{name}` is there more than once"))),
    }
}

/// Each value of a parameter of a query.
fn query_parameters<'a>(parts: &'a Parts, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let query = parts.uri.query().unwrap_or_default();
    let named = form_urlencoded::parse(query.as_bytes()).filter(move |(known, _)| known == name);
    named.map(|(_, value)| value.into_owned())
}

/// The number of things on a page.
pub(super) fn limit(parts: &Parts, otherwise: u32, most: u32) -> Result<u32, Problem> {
    let Some(text) = query_parameter(parts, "limit")? else { return Ok(otherwise) };
    number(&text).filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let detail = format!("`limit`: a page has 1 to {most} entries");
        Problem::unprocessable("invalid-limit", "Invalid value", detail)
    })
}

/// A number of digits only: `parse` accepts a sign as well.
pub(super) fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The problem of an `after` that no page has given.
pub(super) fn invalid_after() -> Problem {
    let detail = "`after`: give the `next` of a page".to_owned();
    Problem::unprocessable("invalid-after", "Invalid value", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_digits_only_and_a_limit() {
        assert_eq!(number::<u64>("0"), Some(0));
        for text in ["", "+1", "-1", "1.0", " 1", "256"] {
            assert_eq!(number::<u8>(text), None, "{text}");
        }
    }
}
