//! The arrival of devices, in either database. Their list is JSON, each device once.

use backing::{Postgres, Sqlite};
use chat::GatewayId;
use contract::Timestamp;
use sqlx::Acquire as _;

use crate::adapters::rows::ms;

/// Stores a lease; `leased_before_ms` keeps the one before, which `RETURNING` has no other name for.
pub(super) const RENEW: &str = "INSERT INTO gateways (gateway, leased_until_ms) VALUES ($1, $2)
    ON CONFLICT (gateway) DO UPDATE
        SET leased_before_ms = gateways.leased_until_ms, leased_until_ms = excluded.leased_until_ms
    RETURNING leased_before_ms";

/// The devices come from the lease, so that the gateway is locked before them.
const ARRIVE_IN_POSTGRES: &str = "WITH leased AS (
        INSERT INTO gateways (gateway, leased_until_ms) VALUES ($1, $2)
        ON CONFLICT (gateway) DO UPDATE
            SET leased_before_ms = gateways.leased_until_ms, leased_until_ms = excluded.leased_until_ms
        RETURNING gateway
    )
    INSERT INTO devices (gateway, device, user_name)
    SELECT gateway, id, \"user\" FROM leased, json_to_recordset($3::json) AS device (id TEXT, \"user\" TEXT)
    ON CONFLICT (gateway, device) DO UPDATE SET user_name = excluded.user_name, left_ms = NULL";

/// The lease is renewed before.
const ARRIVE_IN_SQLITE: &str = "INSERT INTO devices (gateway, device, user_name)
    SELECT $1, value ->> 'id', value ->> 'user' FROM json_each($2) WHERE TRUE
    ON CONFLICT (gateway, device) DO UPDATE SET user_name = excluded.user_name, left_ms = NULL";

/// Stores devices and the lease of their gateway, in one statement.
pub(super) async fn in_postgres(
    database: &Postgres,
    gateway: GatewayId,
    devices: &str,
    until: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(ARRIVE_IN_POSTGRES)
        .bind(String::from(gateway))
        .bind(ms(until))
        .bind(devices)
        .execute(database.pool())
        .await
        .map(drop)
}

/// Stores devices and the lease of their gateway, in one transaction.
pub(super) async fn in_sqlite(
    database: &Sqlite,
    gateway: GatewayId,
    devices: &str,
    until: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = database.writer().begin().await?;
    sqlx::query(RENEW).bind(String::from(gateway)).bind(ms(until)).execute(&mut *transaction).await?;
    sqlx::query(ARRIVE_IN_SQLITE)
        .bind(String::from(gateway))
        .bind(devices)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
