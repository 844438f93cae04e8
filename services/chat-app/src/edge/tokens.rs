//! Tokens: who a client is, and until when.
//!
//! A shortcut: whoever asks for a token gets it, for any user, so the key that signs it protects nothing. In production an
//! identity provider would issue it after a login (as a JWT, RFC 7519), and this service would have its public key alone.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts as Head},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chat::User;
use contract::{Clock as _, SystemClock, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use runtime::edge::{JsonBody, Problem, integers::whole_or_null, parameters::query_parameter, single};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{
        Components, OpenApi, OpenApiBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{MAX_BODY_BYTES, Parts, schemas};

/// The key of all processes of the lab; see the shortcut above.
const KEY: &[u8] = b"the lab's chat: not a secret";
/// The longest life of a token, in seconds.
pub(super) const MAX_SECONDS: u64 = 86_400;
const DEFAULT_SECONDS: u64 = 3_600;

/// How a token comes, by the names that the document gives both ways; the second is for the socket alone.
const IN_FIELD: &str = "token";
const IN_QUERY: &str = "token-in-query";

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The user.
    pub(super) user: User,
    /// When the token ends.
    pub(super) until: Timestamp,
}

impl Bearer {
    /// The token that says so.
    fn token(&self) -> String {
        let said = format!("{}.{}", self.user, self.until.millis());
        let mac = mac(said.as_bytes()).finalize().into_bytes();
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    fn parse(token: &str, now: Timestamp) -> Option<Self> {
        let (said, signature) = token.rsplit_once('.')?;
        mac(said.as_bytes()).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let (user, until) = said.split_once('.')?;
        let until = Timestamp::from_millis(until.parse().ok()?);
        (now < until).then_some(Self { user: User::parse(user).ok()?, until })
    }
}

fn mac(said: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("a key has any length");
    mac.update(said);
    mac
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let field = single(&head.headers, &header::AUTHORIZATION)?;
        let of_field = field.and_then(|field| field.to_str().ok()?.strip_prefix("Bearer "));
        let of_query = query_parameter(head, "token")?;
        let token = of_field.or(of_query.as_deref()).ok_or_else(|| unauthorized("there is no token"))?;
        Self::parse(token, SystemClock.now())
            .ok_or_else(|| unauthorized("the token is not valid, or has ended"))
    }
}

fn unauthorized(what: &str) -> Problem {
    let detail =
        format!("{what}; hint: get one by `POST /tokens`, and send it as `authorization: Bearer TOKEN`");
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", detail)
}

/// A document whose operations want a token, but for those that say otherwise.
pub(super) fn wanted() -> OpenApi {
    let in_field = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("See `POST /tokens`"));
    let in_query =
        ApiKeyValue::with_description("token", "For clients that cannot send fields, such as browsers");
    let schemes = Components::builder()
        .security_scheme(IN_FIELD, SecurityScheme::Http(in_field.build()))
        .security_scheme(IN_QUERY, SecurityScheme::ApiKey(ApiKey::Query(in_query)));
    let wanted = SecurityRequirement::new(IN_FIELD, Vec::<String>::new());
    OpenApiBuilder::new().components(Some(schemes.build())).security(Some([wanted])).build()
}

/// The body of `POST /tokens`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenAsked {
    #[schema(schema_with = schemas::UserName::schema)]
    user: String,
    #[schema(schema_with = schemas::Seconds::schema)]
    #[serde(default, deserialize_with = "whole_or_null")]
    seconds: Option<u64>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenShown {
    #[schema(schema_with = schemas::Token::schema)]
    token: String,
    #[schema(schema_with = schemas::UserName::schema)]
    user: String,
    #[schema(schema_with = schemas::Millis::schema)]
    expires_ms: u64,
}

type TokenBody = JsonBody<TokenAsked, MAX_BODY_BYTES>;

/// Issues a token to whoever asks: a stand-in for a login.
#[utoipa::path(post, path = "/tokens", security(()), request_body = TokenAsked, responses(
    Problem,
    TokenBody,
    (status = 201, description = "A token", body = TokenShown),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn issue(
    State(_): State<Arc<Parts>>,
    JsonBody(TokenAsked { user, seconds }): TokenBody,
) -> Result<(StatusCode, Json<TokenShown>), Problem> {
    let user = User::parse(user).map_err(|error| Problem::invalid("user", &error))?;
    let seconds = seconds.unwrap_or(DEFAULT_SECONDS);
    if !(1..=MAX_SECONDS).contains(&seconds) {
        let detail = format!("`seconds`: a token lives 1 to {MAX_SECONDS} seconds");
        return Err(Problem::unprocessable("invalid-seconds", "Invalid value", detail));
    }
    let until = SystemClock.now().plus(std::time::Duration::from_secs(seconds));
    let bearer = Bearer { user, until };
    let (token, user, expires_ms) = (bearer.token(), bearer.user.into(), until.millis());
    Ok((StatusCode::CREATED, Json(TokenShown { token, user, expires_ms })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_who_one_is_until_it_ends_and_cannot_be_made_up() {
        let until = Timestamp::from_millis(1_000);
        let bearer = Bearer { user: User::parse("ann").unwrap(), until };
        let token = bearer.token();
        assert_eq!(Bearer::parse(&token, Timestamp::from_millis(999)), Some(bearer));
        assert_eq!(Bearer::parse(&token, until), None);
        let other = token.replacen("ann", "bob", 1);
        let later = token.replacen("1000", "9000", 1);
        let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
        for forged in ["", "ann", "ann.1000.", &other, &later, &unsigned, &format!("{token}A")] {
            assert_eq!(Bearer::parse(forged, Timestamp::from_millis(0)), None, "{forged}");
        }
    }
}
