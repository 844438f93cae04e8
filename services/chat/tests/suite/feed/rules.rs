//! The rules of a feed, one by one.

use std::{ops::RangeInclusive, time::Duration};

use chat::{Attached, Ended, Feed, Framed, History, Record};
use contract::Timestamp;

use super::connection::{Connection, at, framed, message, removal};
use crate::support::START;

/// The epoch of the log.
const EPOCH: u64 = 7;

/// A feed that begins at a number, and keeps three frames.
fn feed(at_number: u64) -> Feed<Connection> {
    Feed::new(at(EPOCH, at_number), 3)
}

fn messages(numbers: RangeInclusive<u64>) -> Vec<Framed<Record>> {
    numbers.map(|number| framed(&message(at(EPOCH, number)))).collect()
}

fn hint(feed: &mut Feed<Connection>, number: u64) {
    assert!(!feed.hint(&framed(&message(at(EPOCH, number))), START));
}

/// Attaches a connection of Ann's.
fn attach(feed: &mut Feed<Connection>, has: u64) -> (Connection, Attached) {
    let connection = Connection::new("ann", 1);
    let attached = feed.attach(connection.clone(), at(EPOCH, has));
    (connection, attached)
}

fn live(feed: &mut Feed<Connection>, has: u64) -> Connection {
    let (connection, attached) = attach(feed, has);
    assert_eq!(attached, Attached::Live);
    connection
}

fn wants(feed: &Feed<Connection>) -> Option<u64> {
    feed.wants().map(|after| after.0)
}

#[test]
fn a_connection_at_the_end_gets_whatever_follows() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 5);
    hint(&mut feed, 6);
    hint(&mut feed, 7);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![6, 7], None));
    assert_eq!((feed.position(), feed.readers()), (at(EPOCH, 7), 1));
}

#[test]
fn a_connection_behind_the_window_reads_the_log_first() {
    let mut feed = feed(5);
    assert_eq!(attach(&mut feed, 4).1, Attached::Behind, "a new feed knows no record");
    (6..=9).for_each(|number| hint(&mut feed, number));
    assert_eq!(attach(&mut feed, 5).1, Attached::Behind, "6 is not kept any more");
    assert_eq!(feed.readers(), 0);
}

#[test]
fn what_the_window_has_needs_no_log() {
    let mut feed = feed(5);
    (6..=9).for_each(|number| hint(&mut feed, number));
    let (all, last) = (live(&mut feed, 6), live(&mut feed, 8));
    assert_eq!((all.numbers(), last.numbers()), (vec![7, 8, 9], vec![9]));
    hint(&mut feed, 10);
    assert_eq!((all.numbers(), last.numbers()), (vec![7, 8, 9, 10], vec![9, 10]));
}

#[test]
fn a_connection_ahead_of_the_feed_gets_nothing_twice() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 7);
    assert_eq!(wants(&feed), Some(5), "there is more than the feed has seen");
    hint(&mut feed, 6);
    feed.loaded(at(EPOCH, 8), &messages(6..=8), START);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![8], None));
}

#[test]
fn a_position_of_another_log_is_refused() {
    let (mut feed, connection) = (feed(5), Connection::new("ann", 1));
    let attached = feed.attach(connection.clone(), at(8, 5));
    assert_eq!(attached, Attached::OtherEpoch(at(EPOCH, 0).epoch));
    assert_eq!((feed.readers(), connection.ended()), (0, vec![]));
}

#[test]
fn a_removal_in_the_window_ends_a_connection_before_it_is_attached() {
    let mut feed = feed(5);
    feed.hint(&framed(&removal(at(EPOCH, 6), "ann", 1)), START);
    hint(&mut feed, 7);
    let (connection, attached) = attach(&mut feed, 5);
    assert_eq!((attached, connection.numbers()), (Attached::Gone, vec![6]));
    assert_eq!((connection.ended(), feed.readers()), (vec![Ended::Removed], 0));
}

#[test]
fn a_connection_that_closes_while_it_is_attached_is_gone() {
    let mut feed = feed(5);
    hint(&mut feed, 6);
    let connection = Connection::new("ann", 1);
    connection.close();
    assert_eq!(feed.attach(connection.clone(), at(EPOCH, 5)), Attached::Gone);
    assert_eq!((feed.readers(), connection.ended()), (0, vec![]));
}

#[test]
fn who_was_removed_gets_their_removal_and_nothing_more() {
    let mut feed = feed(5);
    let members = [("ann", 1), ("ann", 2), ("ann", 3), ("bob", 1)];
    let connections = members.map(|(name, term)| Connection::new(name, term));
    for connection in &connections {
        feed.attach(connection.clone(), at(EPOCH, 5));
    }
    feed.hint(&framed(&removal(at(EPOCH, 6), "ann", 2)), START);
    hint(&mut feed, 7);
    let got = connections.each_ref().map(Connection::numbers);
    assert_eq!(got, [vec![6], vec![6], vec![6, 7], vec![6, 7]], "a later membership goes on");
    let ended = connections.each_ref().map(Connection::ended);
    assert_eq!(ended, [vec![Ended::Removed], vec![Ended::Removed], vec![], vec![]]);
}

#[test]
fn a_hint_that_is_repeated_or_late_changes_nothing() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 5);
    for number in [6, 6, 5, 1, 6] {
        hint(&mut feed, number);
    }
    assert_eq!((connection.numbers(), wants(&feed)), (vec![6], None));
}

#[test]
fn a_hint_after_a_gap_has_the_log_read() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 5);
    hint(&mut feed, 8);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![], Some(5)));
    hint(&mut feed, 6);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![6], Some(6)));
    feed.loaded(at(EPOCH, 9), &messages(7..=8), START);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![6, 7, 8], Some(8)), "the page was short");
}

#[test]
fn a_hint_of_another_log_says_that_the_log_has_to_be_asked() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 5);
    assert!(feed.hint(&framed(&message(at(8, 6))), START));
    assert_eq!((connection.numbers(), connection.ended(), wants(&feed)), (vec![], vec![], None));
}

#[test]
fn records_that_were_passed_on_while_the_log_was_read_are_skipped() {
    let mut feed = feed(5);
    let connection = live(&mut feed, 5);
    feed.ends_at(at(EPOCH, 8));
    feed.ends_at(at(EPOCH, 5));
    assert_eq!(wants(&feed), Some(5), "what somebody saw later, and said first");
    (6..=7).for_each(|number| hint(&mut feed, number));
    feed.loaded(at(EPOCH, 8), &messages(6..=8), START);
    feed.loaded(at(EPOCH, 8), &messages(6..=8), START);
    feed.loaded(at(EPOCH, 5), &[], START);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![6, 7, 8], None));
}

#[test]
fn numbers_without_records_are_passed_over() {
    let mut feed = feed(5);
    let (connection, ahead) = (live(&mut feed, 5), live(&mut feed, 7));
    let records = [messages(8..=8), messages(10..=10)].concat();
    feed.loaded(at(EPOCH, 12), &records, START);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![8, 10], Some(10)));
    assert_eq!(attach(&mut feed, 8).1, Attached::Behind, "the window has no holes");
    feed.loaded(at(EPOCH, 12), &[], START);
    assert_eq!((feed.position(), wants(&feed)), (at(EPOCH, 12), None));
    hint(&mut feed, 13);
    assert_eq!((connection.numbers(), ahead.numbers()), (vec![8, 10, 13], vec![8, 10, 13]));
}

#[test]
fn a_new_log_ends_the_connections_of_the_old_one() {
    for is_loaded in [true, false] {
        let mut feed = feed(5);
        let connection = live(&mut feed, 5);
        hint(&mut feed, 6);
        if is_loaded {
            feed.loaded(at(8, 2), &[framed(&message(at(8, 2)))], START);
        } else {
            feed.ends_at(at(8, 2));
        }
        assert_eq!((connection.numbers(), connection.ended()), (vec![6], vec![Ended::OtherEpoch]));
        assert_eq!((feed.position(), wants(&feed), feed.readers()), (at(8, 2), None, 0));
        let late = Connection::new("ann", 1);
        assert_eq!(feed.attach(late.clone(), at(8, 1)), Attached::Behind, "no frame of the old log is kept");
        assert_eq!(feed.attach(late.clone(), at(8, 2)), Attached::Live);
        feed.hint(&framed(&message(at(8, 3))), START);
        assert_eq!(late.numbers(), [3]);
    }
}

#[test]
fn what_was_read_after_a_position_of_the_old_log_passes_nothing_over() {
    let mut feed = feed(500);
    feed.ends_at(at(EPOCH, 501));
    assert_eq!(wants(&feed), Some(500));
    feed.ends_at(at(8, 10));
    let connection = Connection::new("ann", 1);
    assert_eq!(feed.attach(connection.clone(), at(8, 10)), Attached::Live);
    feed.loaded(at(8, 12), &[], START);
    assert_eq!(wants(&feed), Some(10), "but it says where the new log ends");
    let records = [11, 12].map(|number| framed(&message(at(8, number))));
    feed.loaded(at(8, 12), &records, START);
    assert_eq!((connection.numbers(), wants(&feed)), (vec![11, 12], None));
    feed.loaded(at(8, 14), &[], START);
    assert_eq!(wants(&feed), None, "what was asked for since then passes over what has no record");
}

#[test]
fn a_connection_reads_until_its_time_has_come() {
    let mut feed = feed(5);
    let second = START.plus(Duration::from_secs(1));
    let connections =
        [second, second, Timestamp::from_millis(u64::MAX)].map(|until| Connection::until(until, "ann", 1));
    feed.attach(connections[0].clone(), at(EPOCH, 5));
    feed.attach(connections[2].clone(), at(EPOCH, 5));
    feed.expire(START.plus(Duration::from_millis(999)));
    assert_eq!(feed.readers(), 2);
    feed.expire(second);
    assert_eq!(feed.readers(), 1);
    feed.attach(connections[1].clone(), at(EPOCH, 5));
    assert!(!feed.hint(&framed(&message(at(EPOCH, 6))), second), "no clock has ended it yet");
    assert!(!feed.hint(&framed(&message(at(EPOCH, 7))), second));
    let [expired, late, other] = connections.each_ref().map(Connection::ended);
    assert_eq!([expired, late, other], [vec![Ended::Expired], vec![Ended::Expired], vec![]]);
    let got = connections.each_ref().map(Connection::numbers);
    assert_eq!(got, [vec![], vec![], vec![6, 7]]);
}

#[test]
fn a_connection_that_has_closed_or_is_detached_is_sent_nothing() {
    let mut feed = feed(5);
    let [stays, closed, detached] = std::array::from_fn(|_| live(&mut feed, 5));
    closed.close();
    feed.detach(|connection| connection.is(&detached));
    assert_eq!(feed.readers(), 2);
    hint(&mut feed, 6);
    assert_eq!(feed.readers(), 1);
    assert_eq!([stays, closed, detached].map(|connection| connection.numbers()), [vec![6], vec![], vec![]]);
}

#[test]
fn a_feed_may_keep_no_frames() {
    let mut feed = Feed::new(at(EPOCH, 5), 0);
    hint(&mut feed, 6);
    assert_eq!(attach(&mut feed, 5).1, Attached::Behind);
    assert_eq!(attach(&mut feed, 6).1, Attached::Live);
}

#[test]
fn history_is_framed_in_its_order() {
    let records = [6, 7].map(|number| message(at(EPOCH, number))).to_vec();
    let framed = History { records: records.clone(), end: at(EPOCH, 7) }.framed(|record| record.position);
    assert_eq!(framed.iter().map(|framed| framed.frame).collect::<Vec<_>>(), [at(EPOCH, 6), at(EPOCH, 7)]);
    assert_eq!(framed.into_iter().map(|framed| framed.record).collect::<Vec<_>>(), records);
}
