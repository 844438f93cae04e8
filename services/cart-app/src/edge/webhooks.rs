//! Webhooks of the payment provider.
//!
//! A webhook is a hint: whoever gets it asks the provider how the charge is. Its signature is checked all the same, because a
//! stranger's hints would cost a call each. As Stripe documents it (<https://docs.stripe.com/webhooks#verify-manually>), the
//! header has a time and the HMAC-SHA256 of time and body; an old one is refused, so that a copy is not valid for ever.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
};
use backing::failpoint;
use cart::{OrderId, Webhook};
use contract::{Timestamp, Unavailable, Why};
use hmac::{Hmac, KeyInit as _, Mac as _};
use runtime::edge::{Problem, body_in_time, single};
use serde::Deserialize;
use sha2::Sha256;
use utoipa::{PartialSchema as _, ToSchema};

use super::{MAX_BODY_BYTES, ProviderParts, problems::of_payments, schemas};

/// The header with the signature.
const SIGNATURE: HeaderName = HeaderName::from_static("provider-signature");
/// How far the time of a signature may be from now: as Stripe's libraries allow.
const TOLERANCE: Duration = Duration::from_mins(5);

/// What the provider signs its webhooks with, once it has told. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct WebhookSecret(Arc<OnceLock<String>>);

impl WebhookSecret {
    /// Sets the secret. It is the same each time that the provider tells it.
    pub fn set(&self, secret: String) {
        let _ = self.0.set(secret);
    }

    /// Whether this is the provider's signature of a body, at about this time.
    fn signs(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<bool, Unavailable> {
        let secret = self.0.get().ok_or_else(|| Unavailable::new("provider", Why::Unreachable))?;
        Ok(is_signed(secret, signature, body, now).unwrap_or(false))
    }
}

/// Whether a signature is valid; `None` if it is malformed.
fn is_signed(secret: &str, signature: &str, body: &[u8], now: Timestamp) -> Option<bool> {
    let (seconds, digits) = signature.strip_prefix("t=")?.split_once(",v1=")?;
    let signed_at = Timestamp::from_millis(seconds.parse::<u64>().ok()?.checked_mul(1_000)?);
    let mut code = [0; 32];
    let code = base16ct::lower::decode(digits, &mut code).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    let is_recent = now.since(signed_at).max(signed_at.since(now)) <= TOLERANCE;
    // In constant time: how far a wrong one is right does not show.
    Some(mac.verify_slice(code).is_ok() && is_recent)
}

/// The body of a webhook, as far as it is read.
#[derive(Deserialize, ToSchema)]
pub(super) struct WebhookAsked {
    /// The charge that has changed.
    charge: ChargeAsked,
}

/// A charge of the provider's.
#[derive(Deserialize, ToSchema)]
struct ChargeAsked {
    #[schema(schema_with = schemas::Id::schema)]
    order: String,
}

/// Takes a webhook of the payment provider.
#[utoipa::path(post, path = "/webhooks/provider", request_body = WebhookAsked,
    params(("Provider-Signature" = inline(schemas::Signature), Header)), responses(
    Problem,
    (status = 204, description = "It has been taken"),
    (status = 401, description = "The signature is missing, wrong or old"),
    (status = 404, description = "No payment is known of the order"),
    (status = 408, description = "The body took more than half of the request's time to arrive"),
    (status = 413, description = "The body has, or announces, more than 16 KiB"),
    (status = 422, description = "The body names no order"),
))]
pub(super) async fn notify(
    State(shop): State<Arc<ProviderParts>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let signature = signature(request.headers())?;
    // The bytes that were signed: not what they mean.
    let body = body_in_time(request, MAX_BODY_BYTES).await?;
    if !shop.secret.signs(&signature, &body, shop.clock.now())? {
        return Err(unsigned("the signature is wrong, or older than five minutes"));
    }
    let malformed = |error: serde_json::Error| Problem::invalid("charge", &error);
    let WebhookAsked { charge } = serde_json::from_slice(&body).map_err(malformed)?;
    let order = OrderId::parse(&charge.order).map_err(|error| Problem::invalid("order", &error))?;
    shop.payments.notify(Webhook { order }).await.map_err(of_payments)?;
    failpoint::reached("webhook", "noted");
    Ok(StatusCode::NO_CONTENT)
}

fn signature(headers: &HeaderMap) -> Result<String, Problem> {
    let value = single(headers, &SIGNATURE)?.map(HeaderValue::as_bytes);
    let value = value.ok_or_else(|| unsigned("send a `Provider-Signature`"))?;
    Ok(String::from_utf8_lossy(value).into_owned())
}

fn unsigned(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unsigned", "Signature refused", detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    // printf '1492774577.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    const SIGNED: &str = "t=1492774577,v1=7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const AT: Timestamp = Timestamp::from_millis(1_492_774_577_000);

    #[test]
    fn what_the_provider_has_signed_a_moment_ago_is_taken() {
        for millis in [0, 299_000] {
            assert_eq!(
                is_signed("whsec_test", SIGNED, BODY, AT.plus(Duration::from_millis(millis))),
                Some(true)
            );
        }
    }

    #[test]
    fn another_secret_body_or_time_is_refused() {
        let later = AT.plus(Duration::from_secs(301));
        let earlier = Timestamp::from_millis(AT.millis() - 301_000);
        assert_eq!(is_signed("whsec_other", SIGNED, BODY, AT), Some(false));
        assert_eq!(is_signed("whsec_test", SIGNED, b"{}", AT), Some(false));
        assert_eq!(is_signed("whsec_test", SIGNED, BODY, later), Some(false));
        assert_eq!(is_signed("whsec_test", SIGNED, BODY, earlier), Some(false));
        let other_time = SIGNED.replace("1492774577", "1492774578");
        assert_eq!(is_signed("whsec_test", &other_time, BODY, AT), Some(false));
    }

    #[test]
    fn a_signature_that_cannot_be_read_is_refused() {
        let cut = &SIGNED[..SIGNED.len() - 2];
        for signature in
            ["", "t=1,v1=", "v1=00,t=1", "t=x,v1=00", "t=99999999999999999999,v1=00", "t=1,v1=zz", cut]
        {
            assert_ne!(is_signed("whsec_test", signature, BODY, AT), Some(true), "{signature}");
        }
    }
}
