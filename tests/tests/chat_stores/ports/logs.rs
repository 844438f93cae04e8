//! The logs of rooms.

use std::collections::HashSet;

use chat::{
    Appended, Content, Entry, History, HistoryQuery, MessageId, Record, RoomId, Sequence, Start, Term,
};
use contract::Timestamp;

use super::words::{AT, OTHER_ROOM, ROOM, at, epoch, log, message, removal, sequences, user};
use crate::{ground::everywhere, stores::Stores};

async fn append(stores: &Stores, entry: &Entry) -> Appended {
    stores.messages.append(entry).await.unwrap()
}

/// The record that an entry becomes.
fn record(entry: &Entry, sequence: u64) -> Record {
    let Entry { room, content, at: when, .. } = entry.clone();
    Record { room, position: at(1, sequence), at: when, content }
}

#[tokio::test]
async fn records_have_the_numbers_after_one_another_and_the_epoch_of_the_first() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        for sequence in 1..=3 {
            let entry =
                Entry { epoch: epoch(sequence), ..message(ROOM, "ann", u128::from(sequence), "hello") };
            assert_eq!(append(stores, &entry).await, Appended::New(at(1, sequence)), "{name}");
        }
        let other = Entry { epoch: epoch(i64::MAX as u64), ..message(OTHER_ROOM, "ann", 1, "other") };
        assert_eq!(append(stores, &other).await, Appended::New(at(i64::MAX as u64, 1)), "{name}");
        assert_eq!(log(stores, ROOM).await.end, at(1, 3), "{name}");
    }
}

#[tokio::test]
async fn a_log_that_was_restored_has_another_epoch_and_the_same_records() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        let mut ends = HashSet::new();
        for (room, id) in [(ROOM, 1), (OTHER_ROOM, 2)] {
            // The greatest epoch that there may be has no next one.
            let entry = Entry { epoch: epoch(i64::MAX as u64), ..message(room, "ann", id, "hello") };
            append(stores, &entry).await;
            ends.insert(log(stores, room).await.end);
        }
        assert_eq!(ends.len(), 1, "{name}");
        for restored in 1..=2 {
            ground.is_restored().await;
            for room in [ROOM, OTHER_ROOM] {
                let History { records, end } = log(stores, room).await;
                assert_eq!((end.sequence, records.len()), (Sequence(1), 1), "{name}");
                assert_eq!(records[0].position, end, "{name}: a record is in its log's epoch");
                ends.insert(end);
            }
            assert_eq!(ends.len(), 1 + 2 * restored, "{name}: no epoch twice");
        }
    }
}

#[tokio::test]
async fn a_record_comes_back_as_it_was() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        let texts = ["\u{1f375}".repeat(4_000), "\u{1}\t\r\n\"'\\ \u{202e}\u{feff}".to_owned()];
        let mut entries: Vec<Entry> =
            (1..).zip(&texts).map(|(id, text)| message(ROOM, "ann", u128::MAX - id, text)).collect();
        let first = removal(ROOM, "ann", u32::MAX);
        entries.push(Entry { at: Timestamp::from_millis(0), ..first });
        for entry in &entries {
            append(stores, entry).await;
        }
        let expected: Vec<_> = (1..).zip(&entries).map(|(sequence, entry)| record(entry, sequence)).collect();
        assert_eq!(log(stores, ROOM).await.records, expected, "{name}");
        for (entry, record) in entries.iter().zip(expected) {
            assert_eq!(stores.messages.by_key(ROOM, &entry.key).await, Ok(Some(record)), "{name}");
            assert_eq!(stores.messages.by_key(OTHER_ROOM, &entry.key).await, Ok(None), "{name}");
        }
    }
}

#[tokio::test]
async fn a_record_whose_key_the_log_has_is_the_one_that_it_has() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        let first = message(ROOM, "ann", 1, "hello");
        append(stores, &first).await;
        let again = Entry { at: Timestamp::from_millis(5), ..message(ROOM, "ann", 1, "other") };
        assert_eq!(append(stores, &again).await, Appended::Known(record(&first, 1)), "{name}");
        let theirs = message(ROOM, "bob", 1, "another sender");
        assert_eq!(append(stores, &theirs).await, Appended::New(at(1, 2)), "{name}: no number is missing");
        let elsewhere = message(OTHER_ROOM, "ann", 1, "another room");
        assert_eq!(append(stores, &elsewhere).await, Appended::New(at(1, 1)), "{name}");
        let end = removal(ROOM, "cid", 1);
        assert_eq!(append(stores, &end).await, Appended::New(at(1, 3)), "{name}");
        assert_eq!(append(stores, &end).await, Appended::Known(record(&end, 3)), "{name}");
        assert_eq!(sequences(&log(stores, ROOM).await), [1, 2, 3], "{name}");
    }
}

#[tokio::test]
async fn nothing_is_appended_by_a_membership_that_has_ended() {
    let by = |term, id| Entry { term: Some(Term(term)), ..message(ROOM, "bob", id, "hello") };
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        append(stores, &by(1, 1)).await;
        assert_eq!(append(stores, &removal(ROOM, "bob", 2)).await, Appended::New(at(1, 2)), "{name}");
        for term in [1, 2] {
            assert_eq!(append(stores, &by(term, 2)).await, Appended::Ended, "{name}: term {term}");
        }
        let known = Appended::Known(record(&by(1, 1), 1));
        assert_eq!(append(stores, &by(1, 1)).await, known, "{name}: what was sent before is known");
        assert_eq!(append(stores, &by(3, 2)).await, Appended::New(at(1, 3)), "{name}: the next membership");
        assert_eq!(append(stores, &removal(ROOM, "bob", 1)).await, Appended::New(at(1, 4)), "{name}: late");
        assert_eq!(append(stores, &by(3, 3)).await, Appended::New(at(1, 5)), "{name}");
        assert_eq!(append(stores, &message(ROOM, "ann", 1, "hi")).await, Appended::New(at(1, 6)), "{name}");
        let elsewhere = message(OTHER_ROOM, "bob", 1, "hello");
        assert_eq!(append(stores, &elsewhere).await, Appended::New(at(1, 1)), "{name}");
    }
}

#[tokio::test]
async fn a_number_is_reserved_and_a_record_put_under_it() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        for sequence in 1..=3 {
            assert_eq!(stores.messages.reserve(ROOM, epoch(sequence)).await, Ok(at(1, sequence)), "{name}");
        }
        let (entry, end) = (message(ROOM, "ann", 1, "hello"), removal(ROOM, "bob", 1));
        assert_eq!(stores.messages.by_key(ROOM, &entry.key).await, Ok(None), "{name}");
        assert_eq!(stores.messages.put(&entry, at(1, 2)).await, Ok(Appended::New(at(1, 2))), "{name}");
        let again = Entry { at: Timestamp::from_millis(5), ..entry.clone() };
        let known = Appended::Known(record(&entry, 2));
        assert_eq!(stores.messages.put(&again, at(1, 3)).await, Ok(known), "{name}");
        assert_eq!(stores.messages.by_key(ROOM, &entry.key).await, Ok(Some(record(&entry, 2))), "{name}");
        assert_eq!(stores.messages.put(&end, at(1, 3)).await, Ok(Appended::New(at(1, 3))), "{name}");
        let history = log(stores, ROOM).await;
        assert_eq!((sequences(&history), history.end), (vec![2, 3], at(1, 3)), "{name}: a hole");
        let known = Appended::Known(record(&end, 3));
        assert_eq!(stores.messages.put(&end, at(1, 4)).await, Ok(known), "{name}");
        let late = message(ROOM, "bob", 1, "late");
        assert_eq!(append(stores, &late).await, Appended::Ended, "{name}: the end counts here as well");
        assert_eq!(stores.messages.put(&late, at(1, 4)).await, Ok(Appended::Ended), "{name}");
        let next = message(ROOM, "cid", 1, "hi");
        assert_eq!(append(stores, &next).await, Appended::New(at(1, 4)), "{name}");
    }
}

#[tokio::test]
async fn records_are_read_from_where_they_are_asked_for_the_oldest_first() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        for id in 1..=12 {
            append(stores, &message(ROOM, "ann", id, "hello")).await;
            append(stores, &message(OTHER_ROOM, "ann", id, "other")).await;
        }
        let far = Sequence(u64::MAX);
        for (from, limit, expected) in [
            (Start::After(Sequence(0)), 5, 1..=5),
            (Start::After(Sequence(9)), 5, 10..=12),
            (Start::Before(Sequence(6)), 3, 3..=5),
            (Start::Before(Sequence(3)), 5, 1..=2),
            (Start::Before(far), 2, 11..=12),
            (Start::End, 4, 9..=12),
            (Start::End, 500, 1..=12),
        ] {
            let query = HistoryQuery { room: ROOM, from, limit };
            let history = stores.messages.history(&query, epoch(9)).await.unwrap();
            assert_eq!(sequences(&history), expected.collect::<Vec<_>>(), "{name}: {query:?}");
            assert_eq!(history.end, at(1, 12), "{name}");
            assert!(history.records.iter().all(|record| record.room == ROOM), "{name}");
        }
        for (from, limit) in [
            (Start::After(Sequence(12)), 5),
            (Start::After(far), 5),
            (Start::Before(Sequence(1)), 5),
            (Start::End, 0),
        ] {
            let query = HistoryQuery { room: ROOM, from, limit };
            let history = stores.messages.history(&query, epoch(9)).await.unwrap();
            assert_eq!((history.records, history.end), (Vec::new(), at(1, 12)), "{name}: {query:?}");
        }
    }
}

#[tokio::test]
async fn a_log_begins_with_the_epoch_of_whoever_asks_first_and_keeps_it() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        let query = |room| HistoryQuery { room, from: Start::End, limit: 5 };
        for number in [5, 6] {
            let history = stores.messages.history(&query(ROOM), epoch(number)).await.unwrap();
            assert_eq!((history.records, history.end), (Vec::new(), at(5, 0)), "{name}");
            let ends = stores.messages.positions(&[(OTHER_ROOM, epoch(number + 2))]).await;
            assert_eq!(ends, Ok(vec![at(7, 0)]), "{name}");
        }
        assert_eq!(append(stores, &message(ROOM, "ann", 1, "hi")).await, Appended::New(at(5, 1)), "{name}");
        assert_eq!(stores.messages.reserve(OTHER_ROOM, epoch(9)).await, Ok(at(7, 1)), "{name}");
        let ends = stores.messages.positions(&[(ROOM, epoch(9)), (OTHER_ROOM, epoch(9))]).await;
        assert_eq!(ends, Ok(vec![at(5, 1), at(7, 1)]), "{name}");
        let history = stores.messages.history(&query(ROOM), epoch(9)).await.unwrap();
        assert_eq!(history.records[0].position, at(5, 1), "{name}");
    }
}

#[tokio::test]
async fn positions_are_in_the_order_in_which_the_rooms_are_named() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        assert_eq!(stores.messages.positions(&[]).await, Ok(Vec::new()), "{name}");
        append(stores, &message(ROOM, "ann", 1, "hi")).await;
        let (far, new) = (epoch(i64::MAX as u64), RoomId(3));
        let named = [(new, far), (ROOM, far), (OTHER_ROOM, epoch(4)), (new, far), (ROOM, far)];
        let expected = [at(far.get(), 0), at(1, 1), at(4, 0), at(far.get(), 0), at(1, 1)];
        for _ in 0..2 {
            assert_eq!(stores.messages.positions(&named).await.unwrap(), expected, "{name}");
        }
        let many: Vec<_> =
            (0..1_000).rev().map(|room| (RoomId(room << 64), epoch(room as u64 + 1))).collect();
        let ends = stores.messages.positions(&many).await.unwrap();
        let expected: Vec<_> = many.iter().map(|(_, epoch)| at(epoch.get(), 0)).collect();
        assert_eq!(ends, expected, "{name}");
    }
}

#[tokio::test]
async fn records_are_told_apart_by_user_and_key_and_not_by_what_they_say() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        let mut appended = HashSet::new();
        for sender in ["ann", "bob"] {
            for id in [0, 1, u128::MAX] {
                let Appended::New(position) = append(stores, &message(ROOM, sender, id, "the same")).await
                else {
                    panic!("{name}: {sender}'s {id}")
                };
                appended.insert(position.sequence.0);
            }
        }
        assert_eq!(appended, (1..=6).collect(), "{name}");
        let last = log(stores, ROOM).await.records.pop().unwrap();
        let Content::Message { sender, id, .. } = last.content else { panic!("{name}") };
        assert_eq!((sender, id, last.at), (user("bob"), MessageId(u128::MAX), AT), "{name}");
    }
}
