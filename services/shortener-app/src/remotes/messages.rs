//! The mapping between protobuf messages and the contracts' types.

use remote::{Many, Map, Optional, Required, UnixMillis, Uuid};
use shortener::{ClickCount, Clicked, Code, Link, LinkId, Recorded, Removed, Shorten, Tallies, Tally};

use super::proto;

remote::messages! { proto:
    Shorten as ShortenRequest {
        target,
        alias by Optional,
        expires_at as expires_at_ms by Optional<UnixMillis>,
        key,
    }
    Link as ShortenResponse.link by Required;
    Code as ResolveRequest.code;
    Link as ResolveResponse.link by Required;
    Code as RemoveRequest.code;
    Removed as RemoveResponse {}
    Link as Link {
        code,
        target,
        created_at as created_at_ms by UnixMillis,
        expires_at as expires_at_ms by Optional<UnixMillis>,
        id by Uuid,
    }

    Tallies as RecordRequest { 0 as tallies by Many }
    Recorded as RecordResponse {}
    LinkId as CountRequest.link_id by Uuid;
    ClickCount as CountResponse { clicks }
    Tally as Tally { id by Uuid, counts by Map }

    Clicked as Clicked { link as link_id by Uuid }
}
