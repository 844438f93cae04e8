//! The mixes: how many are in a room, and what happens to their connections.

/// The names and summaries of the mixes, the default first.
pub const NAMES: [(&str, &str); 6] = [
    ("rooms", "rooms of ten members, each with one connection; anybody of any room writes"),
    ("one-room", "one room of many members; anybody writes"),
    ("storm", "as `rooms`; in the middle of each slice connections are dropped, and come back soon"),
    ("stalled", "as `rooms`; some connections read nothing during a slice"),
    ("churn", "as `rooms`; members are removed and added again meanwhile"),
    ("idle", "as `rooms`; only the members of the first room write, and all others stay connected"),
];

/// A mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Many small rooms.
    Rooms,
    /// A single large room.
    OneRoom,
    /// Many small rooms whose connections are dropped.
    Storm,
    /// Many small rooms, some of whose connections do not read.
    Stalled,
    /// Many small rooms whose members come and go.
    Churn,
    /// Many small rooms, in one of which something is written.
    Idle,
}

/// The members of a small room.
const FEW: usize = 10;
/// The most connections of one thread.
const MOST_CONNECTIONS: usize = 10_000;

impl Mix {
    /// The mix with a name from [`NAMES`]; the default for any other name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "one-room" => Self::OneRoom,
            "storm" => Self::Storm,
            "stalled" => Self::Stalled,
            "churn" => Self::Churn,
            "idle" => Self::Idle,
            _ => Self::Rooms,
        }
    }

    /// How many rooms there are, and how many members each has. `rooms` and `members` are what options say, each for the
    /// mixes that it concerns.
    pub(super) fn size(self, rooms: usize, members: usize) -> (usize, usize) {
        match self {
            Self::OneRoom => (1, members),
            _ => (rooms.clamp(1, MOST_CONNECTIONS / FEW), FEW),
        }
    }

    /// How many rooms something is written in.
    pub(super) fn written_in(self, rooms: usize) -> usize {
        if self == Self::Idle { 1 } else { rooms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_has_a_name_and_a_size() {
        let named: Vec<Mix> = NAMES.iter().map(|(name, _)| Mix::named(name)).collect();
        assert_eq!(named, [Mix::Rooms, Mix::OneRoom, Mix::Storm, Mix::Stalled, Mix::Churn, Mix::Idle]);
        assert_eq!((Mix::Rooms.size(100, 500), Mix::OneRoom.size(100, 500)), ((100, 10), (1, 500)));
        assert_eq!(Mix::Storm.size(1_000_000, 2), (1_000, 10));
    }
}
