//! The bodies of requests.

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, Uri, header},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use tokio::time::timeout;
use url::Url;

use super::{BodyWithin, parameters::single};
use crate::{
    charge::{CURRENCIES, MAX_MINOR},
    execution::NewCharge,
    problem::Problem,
};

/// The largest body: the largest that means anything has some hundred bytes, an endpoint's two thousand.
const MAX_BODY_BYTES: usize = 16 * 1_024;
/// The longest order, token and endpoint.
const MAX_IDENTIFIER: usize = 64;
const MAX_URL: usize = 2_000;

/// A JSON body; no body at all is an empty object.
///
/// 415 for another media type, 413 if it is too large, 408 if it takes too long, 400 if it is no JSON, and 422 if it is
/// another object than expected.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let within = request.extensions().get().copied().map(|BodyWithin(within)| within);
        let kind = single(request.headers(), &header::CONTENT_TYPE)?.cloned();
        let read =
            timeout(within.unwrap_or_default(), Limited::new(request.into_body(), MAX_BODY_BYTES).collect());
        let late =
            |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body did not arrive in time");
        let bytes = read.await.map_err(late)?.map_err(|error| {
            let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
            let is_large = error.is::<LengthLimitError>();
            if is_large {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
            } else {
                Problem::malformed("the body breaks off")
            }
        })?;
        let bytes = bytes.to_bytes();
        let text = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        let is_json = kind.is_some_and(|kind| is_json(kind.as_bytes()));
        if !bytes.is_empty() && !is_json {
            let detail = "send the body as `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail));
        }
        serde_json::from_slice(text).map(Self).map_err(|error| {
            // A wrong value is found before the text is read to its end, which may be no JSON.
            match serde_json::from_slice::<IgnoredAny>(text) {
                Ok(IgnoredAny) => {
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.to_string())
                }
                Err(error) => Problem::malformed(error.to_string()),
            }
        })
    }
}

/// Whether a media type is JSON, whatever its parameters are.
fn is_json(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
}

/// The body of `POST /charges`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargeAsked {
    order: String,
    amount_minor: i64,
    currency: String,
    token: String,
    #[serde(default)]
    capture: bool,
}

/// The body of a capture and of a refund.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountAsked {
    amount_minor: i64,
}

/// The body of a void, which may as well be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoidAsked {}

/// The body of `PUT /webhook-endpoint`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointAsked {
    url: String,
}

impl ChargeAsked {
    pub(super) fn parse(self) -> Result<NewCharge, Problem> {
        if !CURRENCIES.contains(&&*self.currency) {
            let known = CURRENCIES.join(", ");
            return Err(Problem::invalid("currency", &format!("expected one of {known}")));
        }
        Ok(NewCharge {
            order: identifier("order", self.order)?,
            amount: amount(self.amount_minor)?,
            currency: self.currency,
            token: identifier("token", self.token)?,
            capture: self.capture,
        })
    }
}

impl AmountAsked {
    pub(super) fn parse(self) -> Result<i64, Problem> {
        amount(self.amount_minor)
    }
}

impl EndpointAsked {
    /// An absolute URL over HTTP; a real provider takes HTTPS alone.
    pub(super) fn parse(self) -> Result<Uri, Problem> {
        let invalid = || Problem::invalid("url", "expected `http://HOST[:PORT]/PATH` without a user");
        let url = Url::parse(&self.url).map_err(|_| invalid())?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let is_endpoint = url.scheme() == "http" && url.has_host() && is_bare && self.url.len() <= MAX_URL;
        is_endpoint.then(|| url.as_str().parse().ok()).flatten().ok_or_else(invalid)
    }
}

fn amount(minor: i64) -> Result<i64, Problem> {
    if (1..=MAX_MINOR).contains(&minor) {
        return Ok(minor);
    }
    Err(Problem::invalid("amount_minor", &format!("expected 1 to {MAX_MINOR} of the minor unit")))
}

/// The shop's own name of something: 1 to 64 characters of `[0-9A-Za-z_-]`.
pub(super) fn identifier(field: &str, text: String) -> Result<String, Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=MAX_IDENTIFIER).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(text);
    }
    Err(Problem::invalid(field, &format!("expected 1 to {MAX_IDENTIFIER} characters of [0-9A-Za-z_-]")))
}
