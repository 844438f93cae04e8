//! The facts of the chat's ledger.

pub use crate::ledger::facts::{ACKNOWLEDGED, CHECKED, NOT_ASKED, WRONG};
use crate::ledger::{Breach, FactShape};

/// Records that arrived at connections.
pub const DELIVERIES: &str = "deliveries";
/// Connections that were opened again.
pub const RECONNECTS: &str = "reconnects";
/// Milliseconds from losing a connection to having caught up, of all connections together.
pub const AWAY_MS: &str = "away-ms";
/// Connections that were away for longer than 3 s.
pub const BACK_LATE: &str = "back-late";
/// Connections that came back with a position and were sent to the history instead.
pub const RECOVERIES_REFUSED: &str = "recoveries-refused";
/// Messages that were acknowledged and are not in the history, or never arrived at a member who was there and had
/// everything before them.
pub const MESSAGES_LOST: &str = "messages-lost";
/// Messages that the history has more than once.
pub const MESSAGES_DOUBLED: &str = "messages-doubled";
/// Records that one connection lacks, though it got what comes after them.
pub const DELIVERIES_MISSING: &str = "deliveries-missing";
/// Records that arrived at one connection once more.
pub const DELIVERIES_DOUBLED: &str = "deliveries-doubled";
/// Records that arrived at one connection after later ones, or before it was told where it begins.
pub const DELIVERIES_OUT_OF_ORDER: &str = "deliveries-out-of-order";
/// Records that arrived and that the history does not have like that, or that nobody has sent like that.
pub const DELIVERIES_UNKNOWN: &str = "deliveries-unknown";
/// Records that arrived at a member after the end of the membership, and members who stayed connected after it.
pub const DELIVERED_AFTER_REMOVAL: &str = "delivered-after-removal";
/// Users who were connected and not shown as online, or shown though they had left.
pub const PRESENCE_WRONG: &str = "presence-wrong";
/// Messages and what members read of them that were judged as a history.
pub const JUDGED: &str = "history-judged";
/// What no order of these messages explains.
pub const ANOMALIES: &str = "anomalies";

/// All facts of a check, in the order of a report.
pub(super) const ALL: [FactShape; 19] = [
    FactShape::new(CHECKED, "records of histories read after the load"),
    FactShape::new(ACKNOWLEDGED, "messages acknowledged"),
    FactShape::new(NOT_ASKED, "could not be asked for"),
    FactShape::new(DELIVERIES, "records delivered"),
    FactShape::new(RECONNECTS, "connections opened again"),
    FactShape::new(AWAY_MS, "milliseconds from losing a connection to having caught up, of all together"),
    FactShape::new(BACK_LATE, "connections back and caught up later than 3 s"),
    FactShape::new(RECOVERIES_REFUSED, "connections sent to the history when they came back"),
    FactShape::breach(
        Breach::Lost,
        MESSAGES_LOST,
        "messages acknowledged and gone, or never delivered to somebody who was there",
    ),
    FactShape::breach(Breach::Lost, DELIVERIES_MISSING, "records that a connection lacks among others"),
    FactShape::breach(Breach::Duplicated, MESSAGES_DOUBLED, "messages stored more than once"),
    FactShape::breach(Breach::Duplicated, DELIVERIES_DOUBLED, "records delivered more than once"),
    FactShape::breach(Breach::Wrong, DELIVERIES_OUT_OF_ORDER, "records delivered out of order"),
    FactShape::breach(Breach::Wrong, DELIVERIES_UNKNOWN, "records delivered that the history has otherwise"),
    FactShape::breach(Breach::Wrong, WRONG, "records stored otherwise than acknowledged or sent"),
    FactShape::breach(
        Breach::Wrong,
        DELIVERED_AFTER_REMOVAL,
        "records delivered, or connections open, after a removal",
    ),
    FactShape::breach(Breach::Wrong, PRESENCE_WRONG, "users shown as online or offline and the opposite"),
    FactShape::new(JUDGED, "messages and readers judged as a history"),
    FactShape::breach(Breach::Wrong, ANOMALIES, "anomalies in the order of messages"),
];
