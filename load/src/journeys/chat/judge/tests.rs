use super::*;

const EPOCH: u64 = 7;

fn crowd() -> Crowd {
    Crowd::new(3, (1, 4), 80)
}

fn at(sequence: u64) -> Position {
    Position { epoch: EPOCH, sequence }
}

/// The entry of message `number` at a place.
fn entry(sequence: u64, number: u32) -> Entry {
    let what = What::Message(crowd().key(0, 1, number));
    Entry { sequence, what, digest: sequence * 1_000 + u64::from(number) }
}

fn acknowledged(sequence: u64, number: u32) -> Acknowledged {
    Acknowledged { key: crowd().key(0, 1, number), position: at(sequence) }
}

/// What somebody has read who was told to begin after `from`.
fn read(from: u64, entries: &[Entry]) -> Reading {
    let mut reading = Reading::after(at(from));
    for entry in entries {
        reading.record(entry.sequence, entry.digest);
    }
    reading
}

/// Message n at place n, of five; each acknowledged, and read by two of whom one came later.
fn sound() -> RoomEvidence {
    let entries: Vec<Entry> = (1..=5).map(|nth| entry(nth, nth as u32)).collect();
    RoomEvidence {
        room: 0,
        acknowledged: (1..=5).map(|nth| acknowledged(nth, nth as u32)).collect(),
        readings: vec![read(0, &entries), read(2, &entries[2..])],
        attached: vec![at(5), at(5)],
        entries,
        end: at(5),
    }
}

/// The broken promises of a room with their counts.
fn found(evidence: &RoomEvidence) -> Vec<(String, u64)> {
    let mut verdict = nothing_found();
    judge(&crowd(), evidence, &mut verdict);
    let broken = verdict.facts.iter().filter(|fact| fact.breach && fact.count > 0);
    broken.map(|fact| (fact.name.clone(), fact.count)).collect()
}

fn one(fact: &str) -> Vec<(String, u64)> {
    vec![(fact.to_owned(), 1)]
}

#[test]
fn a_sound_room_is_not_accused() {
    let mut verdict = nothing_found();
    judge(&crowd(), &sound(), &mut verdict);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!((verdict.count(facts::CHECKED), verdict.count(facts::ACKNOWLEDGED)), (5, 5));
    let mut known_twice = sound();
    known_twice.acknowledged.push(acknowledged(5, 5));
    assert_eq!(found(&known_twice), [], "an acknowledgement may be repeated");
    let mut unknown = sound();
    unknown.acknowledged.pop();
    assert_eq!(found(&unknown), [], "what got no acknowledgement may be there");
}

#[test]
fn what_was_acknowledged_and_is_not_in_the_history_is_lost() {
    let mut gone = sound();
    gone.acknowledged.push(acknowledged(6, 6));
    assert_eq!(found(&gone), one(facts::MESSAGES_LOST));
}

#[test]
fn what_is_elsewhere_than_it_was_acknowledged_is_wrong() {
    for position in [at(4), Position { epoch: 8, sequence: 5 }] {
        let mut moved = sound();
        moved.acknowledged[4].position = position;
        moved.attached.clear();
        assert_eq!(found(&moved), one(facts::WRONG), "{position}");
    }
}

#[test]
fn a_message_that_is_stored_twice_is_doubled() {
    let mut doubled = sound();
    doubled.entries.push(entry(6, 2));
    doubled.end = at(6);
    doubled.attached = vec![at(6)];
    assert_eq!(found(&doubled), one(facts::MESSAGES_DOUBLED));
}

#[test]
fn a_history_with_a_hole_or_with_what_nobody_sent_is_wrong() {
    let mut hole = sound();
    hole.entries.remove(4);
    hole.entries.push(entry(6, 5));
    (hole.end, hole.attached, hole.readings) = (at(6), vec![at(6)], Vec::new());
    hole.acknowledged[4].position = at(6);
    assert_eq!(found(&hole), one(facts::WRONG));
    let mut unknown = sound();
    unknown.entries[3].what = What::Unknown;
    unknown.acknowledged.remove(3);
    assert_eq!(found(&unknown), one(facts::WRONG));
    let mut short = sound();
    (short.end, short.attached) = (at(6), Vec::new());
    assert_eq!(found(&short), one(facts::WRONG), "it says that there is more");
}

#[test]
fn what_a_connection_lacks_among_others_is_missing() {
    let mut lacking = sound();
    let entries = lacking.entries.clone();
    lacking.readings[0] = read(0, &[entries[0], entries[3], entries[4]]);
    assert_eq!(found(&lacking), [(facts::DELIVERIES_MISSING.to_owned(), 2)]);
}

#[test]
fn what_was_delivered_and_is_not_stored_is_unknown() {
    let mut beyond = sound();
    beyond.readings[1].record(6, 99);
    beyond.readings[1].record(7, 99);
    assert_eq!(found(&beyond), [(facts::DELIVERIES_UNKNOWN.to_owned(), 2)]);
    let mut otherwise = sound();
    let mut entries = otherwise.entries.clone();
    entries[2] = entry(3, 77);
    otherwise.readings[0] = read(0, &entries);
    assert_eq!(found(&otherwise), one(facts::DELIVERIES_UNKNOWN));
    otherwise.readings[0].spoil();
    assert_eq!(found(&otherwise), [], "it was counted when it came");
    let mut of_another_log = sound();
    of_another_log.readings[0].epoch = 6;
    assert_eq!(found(&of_another_log), [(facts::DELIVERIES_UNKNOWN.to_owned(), 5)]);
}

#[test]
fn what_did_not_arrive_at_somebody_who_is_connected_is_lost() {
    let mut behind = sound();
    behind.attached = vec![at(5), at(3)];
    assert_eq!(found(&behind), [(facts::MESSAGES_LOST.to_owned(), 2)]);
    behind.acknowledged.pop();
    let both = [(facts::MESSAGES_LOST.to_owned(), 1), (facts::DELIVERIES_MISSING.to_owned(), 1)];
    assert_eq!(found(&behind), both, "what got no acknowledgement is not lost, and is missing");
}
