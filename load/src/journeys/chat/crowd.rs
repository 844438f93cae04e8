//! Who is in which room, and what they write. All of it follows from the seed, so that whatever arrives can be judged by
//! itself.

use super::frames::{Content, Record};
use crate::journeys::id::Id;

/// What every message says behind its id, before it is filled up with dots.
const SAYS: &str = "has to arrive everywhere, once and in order";
/// The bits of the parts of a message's number: its thread, room, member, and how many that thread had sent before.
const PARTS: [u32; 4] = [8, 16, 13, 27];

/// The rooms of a run, each with its own members.
///
/// Members are numbered through all rooms, and each has one connection with the same number.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    pub(super) seed: u64,
    pub(super) rooms: usize,
    pub(super) members: usize,
    /// The characters of a message, at least as many as its id and words have.
    pub(super) length: usize,
    /// What the names of its users begin with.
    prefix: String,
}

/// A message of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct MessageKey {
    /// Which thread sent it.
    pub(super) fork: u8,
    pub(super) room: u16,
    /// The sender, counted within the room.
    pub(super) member: u16,
    /// How many messages this thread had sent before.
    pub(super) number: u32,
}

/// A record as it is compared: by its number and by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) what: What,
    /// A number that follows from the sequence and from what it says.
    pub(super) digest: u64,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A message as it was sent.
    Message(MessageKey),
    /// This member was removed.
    Removed(usize),
    /// Something else: nobody of this run has sent it like that.
    Unknown,
}

impl Crowd {
    /// Rooms with so many members each, who write messages of so many characters.
    pub(super) fn new(seed: u64, (rooms, members): (usize, usize), length: usize) -> Self {
        Self { seed, rooms, members, length, prefix: format!("u{seed:x}-") }
    }

    /// The number of members of all rooms.
    pub(super) fn len(&self) -> usize {
        self.rooms * self.members
    }

    /// The room of a member.
    pub(super) fn room_of(&self, member: usize) -> usize {
        member / self.members
    }

    /// The members of a room; the first owns it.
    pub(super) fn members_of(&self, room: usize) -> std::ops::Range<usize> {
        room * self.members..(room + 1) * self.members
    }

    /// The owner of a room.
    pub(super) fn owner_of(&self, room: usize) -> usize {
        room * self.members
    }

    /// The id of a room.
    pub(super) fn room_id(&self, room: usize) -> Id {
        Id::of(self.seed, room as u64)
    }

    /// The name of a member's user.
    pub(super) fn user(&self, member: usize) -> String {
        format!("{}{member}", self.prefix)
    }

    /// The member with this name.
    pub(super) fn named(&self, user: &str) -> Option<usize> {
        let member = user.strip_prefix(&self.prefix)?.parse().ok()?;
        (member < self.len()).then_some(member)
    }

    /// The message of a member, by thread and number.
    pub(super) fn key(&self, fork: u8, member: usize, number: u32) -> MessageKey {
        let (room, member) = (self.room_of(member) as u16, (member % self.members) as u16);
        MessageKey { fork, room, member, number }
    }

    pub(super) fn id(&self, key: MessageKey) -> Id {
        let parts = [u64::from(key.fork), key.room.into(), key.member.into(), key.number.into()];
        let number = parts.iter().zip(PARTS).fold(0, |number, (part, bits)| (number << bits) | part);
        Id::of(self.seed, number)
    }

    /// The message with this id, if it is one of this run.
    pub(super) fn message(&self, id: Id) -> Option<MessageKey> {
        let mut rest = id.number(self.seed)?;
        let mut part = |bits: u32| {
            let part = rest & ((1 << bits) - 1);
            rest >>= bits;
            part
        };
        let (number, member, room) = (part(PARTS[3]) as u32, part(PARTS[2]) as u16, part(PARTS[1]) as u16);
        let key = MessageKey { fork: part(PARTS[0]) as u8, room, member, number };
        (usize::from(room) < self.rooms && usize::from(member) < self.members).then_some(key)
    }

    /// Who has sent a message.
    pub(super) fn sender(&self, key: MessageKey) -> usize {
        self.owner_of(key.room.into()) + usize::from(key.member)
    }

    /// What the message with this id says.
    pub(super) fn text(&self, id: Id) -> String {
        format!("{:.<length$}", format!("{id} {SAYS}"), length = self.length)
    }

    /// A record of a room as it is compared.
    pub(super) fn entry(&self, room: usize, record: &Record<'_>) -> Entry {
        let (what, bits) = match &record.content {
            Content::Message { id, sender, text } => {
                let what = self.as_sent(room, *id, sender, text).map_or(What::Unknown, What::Message);
                (what, id.0)
            }
            Content::Removed { user } => match self.named(user).filter(|user| self.room_of(*user) == room) {
                Some(member) => (What::Removed(member), member as u128),
                None => (What::Unknown, u128::MAX),
            },
        };
        Entry { sequence: record.sequence, what, digest: digest(record.sequence, bits) }
    }

    /// The message with this id, if it is what its sender wrote in this room.
    fn as_sent(&self, room: usize, id: Id, sender: &str, text: &str) -> Option<MessageKey> {
        let key = self.message(id).filter(|key| usize::from(key.room) == room)?;
        (self.named(sender) == Some(self.sender(key)) && text == self.text(id)).then_some(key)
    }
}

/// Mixes a record to a number that no other record has, as like as not (the finalizer of `SplitMix64`).
fn digest(sequence: u64, bits: u128) -> u64 {
    [sequence, bits as u64, (bits >> 64) as u64].into_iter().fold(0x9E37_79B9_7F4A_7C15, |mixed, part| {
        let mut mixed: u64 = (mixed ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd() -> Crowd {
        Crowd::new(u64::MAX, (2_000, 10), 120)
    }

    #[test]
    fn a_message_is_known_by_its_id() {
        let crowd = crowd();
        for key in [
            MessageKey { fork: 0, room: 0, member: 0, number: 0 },
            MessageKey { fork: 255, room: 1_999, member: 9, number: (1 << 27) - 1 },
        ] {
            assert_eq!(crowd.message(crowd.id(key)), Some(key));
        }
        assert_eq!(crowd.message(Id::of(1, 5)), None, "of another run");
        let no_member = MessageKey { fork: 0, room: 0, member: 10, number: 0 };
        assert_eq!(crowd.message(crowd.id(no_member)), None);
        assert_eq!(
            crowd.id(crowd.key(0, 19_999, 7)),
            crowd.id(MessageKey { fork: 0, room: 1_999, member: 9, number: 7 })
        );
        assert_eq!(crowd.named(&crowd.user(19_999)), Some(19_999));
        assert_eq!((crowd.named("u1-5"), crowd.named(&crowd.user(20_000))), (None, None));
        assert!(crowd.user(19_999).len() <= 32);
    }

    #[test]
    fn what_somebody_else_wrote_or_wrote_otherwise_is_unknown() {
        let crowd = crowd();
        let key = crowd.key(0, 21, 5);
        let (id, text) = (crowd.id(key), crowd.text(crowd.id(key)));
        assert_eq!(text.len(), 120);
        let what = |room, id, sender: &str, text: &str| {
            let content = Content::Message { id, sender: sender.into(), text: text.into() };
            crowd.entry(room, &Record { room: crowd.room_id(room), sequence: 1, content }).what
        };
        assert_eq!(what(2, id, &crowd.user(21), &text), What::Message(key));
        for (room, sender, text) in
            [(3, 21, &text[..]), (2, 22, &text), (2, 21, "something else"), (2, 21, &text[..50])]
        {
            assert_eq!(what(room, id, &crowd.user(sender), text), What::Unknown, "{room} {sender} {text}");
        }
        assert_eq!(what(2, Id(7), &crowd.user(21), &text), What::Unknown);
    }

    #[test]
    fn records_that_differ_have_different_digests() {
        let mut digests: Vec<u64> =
            (0..100).flat_map(|sequence| (0..100).map(move |bits| digest(sequence, bits))).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 10_000);
    }
}
