//! Who is connected where in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.
//!
//! Whatever changes the devices of a gateway locks the gateway first. So devices that arrive again are not deleted together
//! with those of a gateway whose lease had ended.

mod arriving;

use std::collections::BTreeMap;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use chat::{Device, DeviceId, DeviceState, GatewayId, PresenceStore, User};
use contract::{Timestamp, Unavailable};

use self::arriving::RENEW;
use super::rows::{json, moment, ms, user};

/// `user_name, leased_until_ms, left_ms`
type DeviceRow = (String, i64, Option<i64>);

macro_rules! presence_store {
    (
        $doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident,
        arrives by $arrive:ident, leaves by $leave:literal, skips by $skip:literal, lists users by $users:literal,
        tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Devices that left.
            const FORGET_LEFT: &str = concat!(
                "WITH gone AS MATERIALIZED (
                    SELECT gateway, device FROM devices WHERE left_ms < $1 ORDER BY left_ms LIMIT $2",
                $skip,
                ")
                DELETE FROM devices WHERE (gateway, device) IN (SELECT gateway, device FROM gone)"
            );
            /// Devices of gateways whose leases ended.
            const FORGET_LOST: &str = concat!(
                "WITH ended AS MATERIALIZED (
                    SELECT gateway FROM gateways WHERE leased_until_ms < $1 ORDER BY leased_until_ms LIMIT $2",
                $skip,
                "), gone AS MATERIALIZED (
                    SELECT devices.gateway, device FROM devices JOIN ended ON ended.gateway = devices.gateway
                    LIMIT $2
                )
                DELETE FROM devices WHERE (gateway, device) IN (SELECT gateway, device FROM gone)"
            );
            /// Those gateways, once they have no devices any more.
            const FORGET_GATEWAYS: &str = concat!(
                "WITH gone AS MATERIALIZED (
                    SELECT gateway FROM gateways WHERE leased_until_ms < $1
                        AND NOT EXISTS (SELECT 1 FROM devices WHERE devices.gateway = gateways.gateway)
                    ORDER BY leased_until_ms LIMIT $2",
                $skip,
                ")
                DELETE FROM gateways WHERE gateway IN (SELECT gateway FROM gone)"
            );

            /// Creates the tables if they do not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "presence_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_arrive(
                &self,
                gateway: GatewayId,
                devices: &[Device],
                until: Timestamp,
            ) -> Result<(), sqlx::Error> {
                // A statement changes a row once only.
                let devices: BTreeMap<DeviceId, &Device> =
                    devices.iter().map(|device| (device.id, device)).collect();
                let devices: Vec<&Device> = devices.into_values().collect();
                arriving::$arrive(&self.database, gateway, &json(&devices), until).await
            }

            async fn try_leave(
                &self,
                gateway: GatewayId,
                devices: &[Device],
                at: Timestamp,
            ) -> Result<(), sqlx::Error> {
                let devices: Vec<DeviceId> = devices.iter().map(|device| device.id).collect();
                sqlx::query($leave)
                    .bind(String::from(gateway))
                    .bind(json(&devices))
                    .bind(ms(at))
                    .execute(self.database.$writer())
                    .await
                    .map(drop)
            }

            async fn try_renew(
                &self,
                gateway: GatewayId,
                until: Timestamp,
            ) -> Result<Option<Timestamp>, sqlx::Error> {
                let before: Option<i64> = sqlx::query_scalar(RENEW)
                    .bind(String::from(gateway))
                    .bind(ms(until))
                    .fetch_one(self.database.$writer())
                    .await?;
                Ok(before.map(moment))
            }

            async fn try_devices(&self, users: &[User]) -> Result<Vec<(User, DeviceState)>, sqlx::Error> {
                let select = concat!(
                    "SELECT user_name, leased_until_ms, left_ms
                    FROM devices JOIN gateways ON gateways.gateway = devices.gateway WHERE user_name ",
                    $users
                );
                let rows: Vec<DeviceRow> =
                    sqlx::query_as(select).bind(json(users)).fetch_all(self.database.$reader()).await?;
                let device = |(name, leased_until_ms, left_ms): DeviceRow| {
                    let leased_until = moment(leased_until_ms);
                    Ok((user(name)?, DeviceState { leased_until, left: left_ms.map(moment) }))
                };
                rows.into_iter().map(device).collect()
            }

            async fn try_forget(&self, before: Timestamp, most: u32) -> Result<u64, sqlx::Error> {
                let mut deleted = 0;
                for delete in [Self::FORGET_LEFT, Self::FORGET_LOST, Self::FORGET_GATEWAYS] {
                    let rows = sqlx::query(delete)
                        .bind(ms(before))
                        .bind(i64::from(most))
                        .execute(self.database.$writer())
                        .await?;
                    deleted += rows.rows_affected();
                }
                Ok(deleted)
            }
        }

        #[async_trait]
        impl PresenceStore for $store {
            async fn arrive(
                &self,
                gateway: GatewayId,
                devices: &[Device],
                until: Timestamp,
            ) -> Result<(), Unavailable> {
                let arrived = self.try_arrive(gateway, devices, until).await;
                arrived.map_err(|error| self.database.unavailable(&error))
            }

            async fn leave(
                &self,
                gateway: GatewayId,
                devices: &[Device],
                at: Timestamp,
            ) -> Result<(), Unavailable> {
                let left = self.try_leave(gateway, devices, at).await;
                left.map_err(|error| self.database.unavailable(&error))
            }

            async fn renew(
                &self,
                gateway: GatewayId,
                until: Timestamp,
            ) -> Result<Option<Timestamp>, Unavailable> {
                self.try_renew(gateway, until).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn devices(&self, users: &[User]) -> Result<Vec<(User, DeviceState)>, Unavailable> {
                self.try_devices(users).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn forget(&self, before: Timestamp, most: u32) -> Result<u64, Unavailable> {
                self.try_forget(before, most).await.map_err(|error| self.database.unavailable(&error))
            }
        }
    };
}

presence_store! {
    "Connections in tables of a SQLite file.",
    SqlitePresenceStore on Sqlite: reads by reader, writes by writer,
    arrives by in_sqlite,
    leaves by "UPDATE devices SET left_ms = $3
        WHERE gateway = $1 AND left_ms IS NULL AND device IN (SELECT value FROM json_each($2))",
    skips by "", lists users by "IN (SELECT value FROM json_each($1))",
    tables by "../../migrations/presence/sqlite/1_presence.sql"
}

presence_store! {
    "Connections in tables of a PostgreSQL database.",
    PostgresPresenceStore on Postgres: reads by pool, writes by pool,
    arrives by in_postgres,
    leaves by "WITH held AS (SELECT gateway FROM gateways WHERE gateway = $1 FOR UPDATE)
        UPDATE devices SET left_ms = $3 FROM held
        WHERE devices.gateway = held.gateway AND left_ms IS NULL
            AND device = ANY (ARRAY(SELECT json_array_elements_text($2::json)))",
    skips by " FOR UPDATE SKIP LOCKED",
    lists users by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    tables by "../../migrations/presence/postgres/1_presence.sql"
}
