//! Many senders at one room.

use std::sync::Arc;

use chat::{
    Appended, Entry, Epoch, HistoryQuery, MessageStore, ReadMarker, Record, RoomId, Sequence, Start, Term,
};
use futures::future::join_all;

use super::super::words::{ROOM, at, epoch, insist, log, message, of, removal, sequences, user};
use crate::{ground::everywhere, stores::Stores};

const SENDERS: u64 = 8;
const MESSAGES: u64 = 25;

/// Appends as often as is needed to know what came of it.
async fn append(messages: Arc<dyn MessageStore>, entry: Entry) -> Appended {
    insist(async || messages.append(&entry).await).await
}

/// The stores of the processes in turns.
fn turns(one: &Stores, other: &Stores, turn: u64) -> Arc<dyn MessageStore> {
    Arc::clone(if turn.is_multiple_of(2) { &one.messages } else { &other.messages })
}

/// Reads the log as it grows until it ends here; what was read has no hole.
async fn follow(messages: Arc<dyn MessageStore>, end: u64) -> Vec<u64> {
    let mut read = Vec::new();
    while (read.len() as u64) < end {
        let query = HistoryQuery { room: ROOM, from: Start::After(Sequence(read.len() as u64)), limit: 7 };
        let history = insist(async || messages.history(&query, epoch(1)).await).await;
        read.extend(sequences(&history));
        assert!(
            read.last().is_none_or(|last| *last <= history.end.sequence.0),
            "the end is not before the last"
        );
        assert_eq!(read, (1..=read.len() as u64).collect::<Vec<_>>(), "without holes, as it grows");
    }
    read
}

#[tokio::test]
async fn the_numbers_of_many_senders_have_no_holes_and_no_doubles() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let end = SENDERS * MESSAGES;
        let readers = join_all((0..2).map(|turn| follow(turns(one, other, turn), end)));
        let senders = (0..SENDERS).map(|sender| {
            let messages = turns(one, other, sender);
            async move {
                let mut sent = Vec::new();
                for id in 0..MESSAGES {
                    let entry = message(ROOM, &format!("u{sender}"), u128::from(id), "hello");
                    let Appended::New(position) = append(Arc::clone(&messages), entry).await else {
                        panic!("nothing was sent before")
                    };
                    assert_eq!(position.epoch, epoch(1));
                    sent.push(position.sequence.0);
                }
                assert!(sent.is_sorted(), "in the order in which they were sent: {sent:?}");
                sent
            }
        });
        let (read, sent) = tokio::join!(readers, join_all(senders));
        let mut sent = sent.concat();
        sent.sort_unstable();
        assert_eq!(sent, (1..=end).collect::<Vec<_>>(), "{name}");
        assert_eq!(read, [sent.clone(), sent.clone()], "{name}");
        let history = log(one, ROOM).await;
        assert_eq!((sequences(&history), history.end), (sent, at(1, end)), "{name}");
    }
}

#[tokio::test]
async fn a_message_that_is_sent_several_times_at_once_is_there_once() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=20 {
            let entry = message(ROOM, "ann", u128::from(round), "hello");
            let came = join_all((0..12).map(|turn| append(turns(one, other, turn), entry.clone()))).await;
            let new = came.iter().filter(|came| **came == Appended::New(at(1, round))).count();
            assert_eq!(new, 1, "{name}: {came:?}");
            for known in came.iter().filter(|came| **came != Appended::New(at(1, round))) {
                let Appended::Known(record) = known else { panic!("{name}: {known:?}") };
                assert_eq!(record.position, at(1, round), "{name}");
            }
        }
        assert_eq!(log(one, ROOM).await.end, at(1, 20), "{name}: no number is missing");
    }
}

/// Begins the logs of some rooms in one of three ways; returns the epoch of the first of them.
async fn begin(messages: Arc<dyn MessageStore>, mut rooms: Vec<RoomId>, turn: u64) -> Epoch {
    let (room, own) = (rooms[0], epoch(turn));
    match turn % 3 {
        0 => {
            let query = HistoryQuery { room, from: Start::End, limit: 1 };
            insist(async || messages.history(&query, own).await).await.end.epoch
        }
        1 => match append(messages, Entry { epoch: own, ..message(room, "ann", 1, "hi") }).await {
            Appended::New(position) | Appended::Known(Record { position, .. }) => position.epoch,
            Appended::Ended => unreachable!("nobody was removed"),
        },
        _ => {
            // In either order: those who begin the same logs do not wait for each other.
            if turn.is_multiple_of(2) {
                rooms.reverse();
            }
            let named: Vec<_> = rooms.into_iter().map(|room| (room, own)).collect();
            let ends = insist(async || messages.positions(&named).await).await;
            let first = named.iter().position(|(named, _)| *named == room).unwrap();
            ends[first].epoch
        }
    }
}

#[tokio::test]
async fn a_log_that_begins_several_times_at_once_has_one_epoch() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 0..10 {
            let rooms: Vec<RoomId> = (1..=50).map(|room| RoomId(round << 32 | room)).collect();
            let beginning = (1..=12).map(|turn| begin(turns(one, other, turn), rooms.clone(), turn));
            let begun = join_all(beginning).await;
            assert!(begun.iter().all(|epoch| *epoch == begun[0]), "{name}: {begun:?}");
        }
    }
}

/// Sends messages of Bob's one after the other until the membership has ended; returns how many there are in the log.
async fn send_until_removed(messages: Arc<dyn MessageStore>, room: RoomId, thread: u128) -> usize {
    for id in 0.. {
        let entry = message(room, "bob", thread << 64 | id, "hello");
        match append(Arc::clone(&messages), entry).await {
            Appended::New(_) => {}
            Appended::Ended => return id as usize,
            Appended::Known(record) => panic!("it was not sent before: {record:?}"),
        }
    }
    unreachable!("the membership ends")
}

/// Removes somebody once so many records are in the log; returns under which number.
async fn remove_after(messages: Arc<dyn MessageStore>, room: RoomId, name: &str, records: u64) -> u64 {
    let mut end = 0;
    while end < records {
        end = insist(async || messages.positions(&[(room, epoch(1))]).await).await[0].sequence.0;
    }
    let came = append(messages, removal(room, name, 1)).await;
    let Appended::New(position) = came else { panic!("{came:?}") };
    position.sequence.0
}

#[tokio::test]
async fn nothing_of_a_sender_follows_the_sender_s_removal() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=30_u64 {
            let room = RoomId(round.into());
            let removing = join_all(
                (1..)
                    .zip(["ann", "cid", "dan", "eve"])
                    .map(|(turn, name)| remove_after(turns(one, other, turn), room, name, 2 * turn)),
            );
            let removing_bob = remove_after(turns(one, other, round), room, "bob", 5 + round % 7);
            let sending = join_all(
                (0..6).map(|thread| send_until_removed(turns(one, other, thread), room, thread.into())),
            );
            let (mut ends, removed, sent) = tokio::join!(removing, removing_bob, sending);
            ends.push(removed);
            let history = log(one, room).await;
            let numbers: Vec<u64> = (1..=history.end.sequence.0).collect();
            assert_eq!(sequences(&history), numbers, "{name}: whoever was refused took no number");
            let messages =
                history.records.iter().filter(|record| !ends.contains(&record.position.sequence.0));
            let messages: Vec<u64> = messages.map(|record| record.position.sequence.0).collect();
            assert_eq!(
                messages.len(),
                sent.iter().sum::<usize>(),
                "{name}: what was acknowledged, and no more"
            );
            assert!(messages.iter().all(|sequence| *sequence < removed), "{name}: {removed}: {messages:?}");
            assert_eq!(history.records.len(), messages.len() + 5, "{name}: {ends:?}");
        }
    }
}

/// The removals of others overtake a message again and again, and it is appended nevertheless.
#[tokio::test]
async fn a_message_is_not_held_up_by_the_removals_of_others() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let removing = (0..6).map(|remover| {
            let messages = turns(one, other, remover);
            async move {
                for number in 0..20 {
                    append(Arc::clone(&messages), removal(ROOM, &format!("u{remover}-{number}"), 1)).await;
                }
            }
        });
        let sending = (0..4).map(|sender| {
            let messages = turns(one, other, sender);
            async move {
                for id in 0..10 {
                    let entry = message(ROOM, &format!("s{sender}"), id, "hello");
                    // Not even once is it refused for a reason of the database.
                    let came = messages.append(&entry).await;
                    assert!(matches!(came, Ok(Appended::New(_))), "{came:?}");
                }
            }
        });
        tokio::join!(join_all(removing), join_all(sending));
        let expected: Vec<u64> = (1..=6 * 20 + 4 * 10).collect();
        assert_eq!(sequences(&log(one, ROOM).await), expected, "{name}");
    }
}

#[tokio::test]
async fn numbers_that_are_reserved_at_once_are_different() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let put = |turn: u64| {
            let messages = turns(one, other, turn);
            async move {
                let position = insist(async || messages.reserve(ROOM, epoch(1)).await).await;
                let entry = if turn.is_multiple_of(5) {
                    removal(ROOM, &format!("u{turn}"), 1)
                } else {
                    message(ROOM, &format!("u{turn}"), 1, "hello")
                };
                let came = insist(async || messages.put(&entry, position).await).await;
                assert_eq!(came, Appended::New(position));
            }
        };
        join_all((0..40).map(put)).await;
        assert_eq!(sequences(&log(one, ROOM).await), (1..=40).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn of_markers_that_are_stored_at_once_the_furthest_stays() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let stored = join_all((1..=20).map(|sequence| {
            let messages = turns(one, other, sequence);
            let marker = ReadMarker { room: ROOM, user: user("ann"), sequence: Sequence(sequence) };
            async move {
                let stored = insist(async || messages.mark(&marker).await).await;
                assert!(stored.sequence >= marker.sequence);
                stored.sequence
            }
        }))
        .await;
        assert_eq!(stored.into_iter().max(), Some(Sequence(20)), "{name}");
        assert_eq!(one.messages.marker(&of(ROOM, "ann")).await, Ok(Some(Sequence(20))), "{name}");
    }
}

/// The removal is of the membership before: it may be late, and those who send at the same time may be overtaken by it.
#[tokio::test]
async fn a_sender_who_is_back_is_not_held_up_by_the_removal_before() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let sent = join_all((0..12).map(|turn| {
            let messages = turns(one, other, turn);
            async move {
                if turn % 3 == 0 {
                    return append(messages, removal(ROOM, "bob", 1)).await;
                }
                let entry = message(ROOM, "bob", turn.into(), "hello");
                append(messages, Entry { term: Some(Term(2)), ..entry }).await
            }
        }))
        .await;
        assert!(!sent.contains(&Appended::Ended), "{name}: {sent:?}");
        assert_eq!(sequences(&log(one, ROOM).await), (1..=9).collect::<Vec<_>>(), "{name}");
    }
}
