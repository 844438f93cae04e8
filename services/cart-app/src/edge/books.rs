//! The books of the payment provider, for a ledger: what a shop is checked against is not what it says itself.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{header, request::Parts as Head},
    response::{IntoResponse, Response},
};
use contract::Unavailable;
use runtime::edge::{
    Problem,
    parameters::{number, query_parameter},
};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

use super::{ProviderParts, parameters::invalid_after, schemas};

/// The books of the provider.
#[async_trait]
pub trait ProviderBooks: Send + Sync {
    /// A page of its charges, as it shows them: those that were made after this one.
    async fn page(&self, after: u64) -> Result<Bytes, Unavailable>;
}

/// A page of the provider's charges. The shop passes it on as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the fields describe what another service writes")]
pub(super) struct BooksShown {
    /// Its charges, in the order in which they were made.
    #[schema(schema_with = schemas::Charges::schema)]
    charges: Vec<()>,
    /// The `after` of the next page; null on the last one.
    next: Option<u64>,
}

/// The charge behind which a page begins.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, names("after"))]
pub(super) struct After(#[param(schema_with = schemas::AfterCharge::schema, required = false)] u64);

impl<S: Sync> FromRequestParts<S> for After {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let Some(text) = query_parameter(head, "after")? else { return Ok(Self(0)) };
        let after = number(&text).filter(|after| i64::try_from(*after).is_ok());
        after.map(Self).ok_or_else(invalid_after)
    }
}

/// Shows a page of the provider's charges, as it shows them.
#[utoipa::path(get, path = "/admin/books", params(After), responses(
    Problem,
    (status = 200, description = "A page of charges", body = BooksShown),
    (status = 422, description = "The parameter is not acceptable"),
))]
pub(super) async fn page(
    State(shop): State<Arc<ProviderParts>>,
    After(after): After,
) -> Result<Response, Problem> {
    let page = shop.books.page(after).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], page).into_response())
}
