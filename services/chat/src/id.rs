//! Ids: 128 bits each, written as UUIDs are (RFC 9562).

/// A text is not a valid id.
pub use contract::uuid::UuidError as IdError;

contract::ids! {
    text = contract::uuid::text, bits = contract::uuid::bits, error = IdError;
    /// The id of a room; whoever makes the room chooses it, so that making it is idempotent.
    RoomId;
    /// The id that a client gives a message, so that sending it is idempotent: unique for its sender and room.
    MessageId;
    /// The id of a connection: one device of a user.
    DeviceId;
    /// The id of a process that holds connections.
    GatewayId;
}
