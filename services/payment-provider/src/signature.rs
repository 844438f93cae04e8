//! The signature of a webhook, as Stripe documents its own (<https://docs.stripe.com/webhooks#verify-manually>).
//!
//! The header is `t=SECONDS,v1=HEX`, where `HEX` is the HMAC-SHA256 (RFC 2104) of `SECONDS.BODY` under the endpoint's
//! secret.
//! A receiver computes it anew, compares in constant time, and refuses a time that is minutes old: the body alone would
//! be valid for ever.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header field with the signature.
pub const SIGNATURE: &str = "provider-signature";

/// The value of the header field.
pub fn signature(secret: &str, seconds: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut digits = [0; 64];
    let digits = base16ct::lower::encode_str(&mac.finalize().into_bytes(), &mut digits);
    format!("t={seconds},v1={}", digits.expect("two digits a byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_another_implementation_computes() {
        // printf '1492774577.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            signature("whsec_test", 1_492_774_577, br#"{"id":"evt_1"}"#),
            format!("t=1492774577,v1={EXPECTED}")
        );
    }

    #[test]
    fn another_secret_time_or_body_has_another_signature() {
        let all = [("a", 1, "x"), ("b", 1, "x"), ("a", 2, "x"), ("a", 1, "y")];
        let made: std::collections::BTreeSet<_> =
            all.iter().map(|(secret, at, body)| signature(secret, *at, body.as_bytes())).collect();
        assert_eq!(made.len(), all.len());
    }

    const EXPECTED: &str = "7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2";
}
