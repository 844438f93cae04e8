//! The statements about claims on idempotency keys, the same in both databases, and their rows.

use cart::{
    OrderId, RequestKey,
    ports::{Abandoned, Claim, Claimed},
};

use crate::adapters::rows::{count, parsed, undecoded};

/// `fingerprint, reply`; the reply is null until the checkout has ended.
pub(super) type KeyRow = (i64, Option<String>);
/// `request_key, order_id, total`
pub(super) type AbandonedRow = (String, String, String);

/// Takes a claim: a key that is past its time is as new, and a claim that has ended keeps its order.
pub(super) const TAKE_CLAIM: &str = "INSERT INTO checkout_keys AS old
        (request_key, fingerprint, order_id, claimed_until_ms, forgotten_ms, total, open_attempts)
    VALUES ($1, $2, $3, $4, $5, $7, 1)
    ON CONFLICT (request_key) DO UPDATE SET
        fingerprint = excluded.fingerprint,
        order_id = CASE WHEN old.forgotten_ms <= $6 THEN excluded.order_id ELSE old.order_id END,
        claimed_until_ms = excluded.claimed_until_ms,
        forgotten_ms = CASE WHEN old.forgotten_ms <= $6 THEN excluded.forgotten_ms ELSE old.forgotten_ms END,
        total = excluded.total,
        open_attempts = CASE WHEN old.forgotten_ms <= $6 THEN 1 ELSE old.open_attempts + 1 END,
        reply = NULL
    WHERE old.forgotten_ms <= $6 OR (old.reply IS NULL AND old.claimed_until_ms <= $6
        AND old.fingerprint = excluded.fingerprint)
    RETURNING order_id";

/// Gives a claim up from a moment on.
pub(super) const RELEASE: &str = "UPDATE checkout_keys
    SET claimed_until_ms = CASE WHEN claimed_until_ms < $2 THEN claimed_until_ms ELSE $2 END,
        open_attempts = open_attempts - $3
    WHERE request_key = $1 AND reply IS NULL";

/// Claims that ended without a reply.
pub(super) const ABANDONED: &str = "SELECT request_key, order_id, total FROM checkout_keys
    WHERE reply IS NULL AND open_attempts > 0 AND claimed_until_ms <= $1
    ORDER BY claimed_until_ms LIMIT $2";

/// Ends one of them, unless another request has gone on with it: of two at once, the second finds the row changed.
pub(super) const ABANDON: &str = "UPDATE checkout_keys SET reply = $3
    WHERE request_key = $1 AND reply IS NULL AND open_attempts > 0 AND claimed_until_ms <= $2";

/// What a claim comes to that was not granted.
pub(super) fn claimed((fingerprint, reply): KeyRow, claim: &Claim) -> Result<Claimed, sqlx::Error> {
    if fingerprint != count(claim.fingerprint.0) {
        return Ok(Claimed::Mismatch);
    }
    reply.map_or(Ok(Claimed::InFlight), |reply| parsed(&reply).map(Claimed::Replied))
}

/// Parses a row.
pub(super) fn abandoned((key, order, total): AbandonedRow) -> Result<Abandoned, sqlx::Error> {
    Ok(Abandoned {
        key: RequestKey::parse(key).map_err(undecoded)?,
        order: OrderId::parse(&order).map_err(undecoded)?,
        total: parsed(&total)?,
    })
}
