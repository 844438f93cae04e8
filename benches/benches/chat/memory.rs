//! The resident memory of an idle connection.

use std::{path::Path, time::Duration};

use anyhow::Result;
use runtimes::measure::memory;

use super::{
    crowd::Crowd,
    servers::{Bare, Centrifugo, Chat, Machine, Member, Server, resident},
};

/// Members of a room, each with one connection.
const ROOM: usize = 5;
/// The connections before the first reading: what a server allocates once is not part of the difference.
const FIRST: usize = 10 * ROOM;
/// How long connections are idle before the second reading.
const IDLE: Duration = Duration::from_secs(2);
const KIB: f64 = 1_024.0;

/// Prints the memory of a connection of each server, from so many of them.
pub(crate) fn compare(machine: &Machine<'_>, centrifugo: Option<&Path>, connections: usize) -> Result<()> {
    println!("\nKiB an idle connection, of {connections} in rooms of {ROOM}");
    println!("  {:38} {:>9}  {:>9}", "", "resident", "anonymous");
    measure(&mut Bare::start(machine)?, connections, "")?;
    measure(&mut Chat::start(machine, "chat", &[])?, connections, "  must be at most 24")?;
    if let Some(program) = centrifugo {
        for with_history in [true, false] {
            measure(&mut Centrifugo::start(machine, program, with_history)?, connections, "")?;
        }
    }
    Ok(())
}

fn measure(server: &mut dyn Server, connections: usize, bound: &str) -> Result<()> {
    let mut members: Vec<Member> = Vec::new();
    while members.len() < FIRST + connections {
        members.extend(server.room(ROOM)?.members);
    }
    let (first, others) = members.split_at(FIRST);
    let mut some = Crowd::join(server, first)?;
    some.idle(IDLE)?;
    let before = reading(server)?;
    let mut all = Crowd::join(server, others)?;
    all.idle(IDLE)?;
    let after = reading(server)?;
    let each = |at: usize| (after[at] - before[at]) / KIB / others.len() as f64;
    println!("  {:38} {:9.1}  {:9.1}{bound}", server.name(), each(0), each(1));
    Ok(())
}

/// The resident memory, and its anonymous part, bytes.
fn reading(server: &dyn Server) -> Result<[f64; 2]> {
    let anonymous: u64 = server.groups().iter().map(|group| memory(group).resident).sum();
    Ok([resident(server)? as f64, anonymous as f64])
}
