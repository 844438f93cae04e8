//! CPU microseconds of a delivery: servers that run at the same time on the same processor, and are loaded in turn.

use std::{path::Path, time::Duration};

use anyhow::Result;
use benches::interleaved::{figure, show_ratio};
use runtimes::measure::CpuMeter;
use statistics::{Batch, Batches, mean, ratio_of_means};

use super::{
    CONFIDENCE,
    crowd::{Crowd, Talk},
    servers::{Bare, Centrifugo, Chat, Machine, Server},
};

const SLICE: Duration = Duration::from_millis(500);
/// Starts of all servers.
const LAUNCHES: u32 = 2;
/// The bytes of a text.
const TEXT: usize = 100;
/// Rooms: their members, and messages a second.
const ROOMS: [(usize, f64); 2] = [(100, 50.0), (1_000, 10.0)];
/// The slices of each launch that are not measured.
const WARM_UP: u32 = 2;

/// Prints the cost of a delivery of each server, in rooms of these sizes; each is loaded for so many seconds.
pub(crate) fn compare(machine: &Machine<'_>, centrifugo: Option<&Path>, seconds: u32) -> Result<()> {
    let mut costs = ROOMS.map(|_| Vec::new());
    let mut names = Vec::new();
    for launch in 1..=LAUNCHES {
        let mut servers: Vec<Box<dyn Server>> =
            vec![Box::new(Bare::start(machine)?), Box::new(Chat::start(machine, "chat", &[])?)];
        if let Some(program) = centrifugo {
            for with_history in [true, false] {
                servers.push(Box::new(Centrifugo::start(machine, program, with_history)?));
            }
        }
        names = servers.iter().map(|server| server.name()).collect();
        for ((members, rate), costs) in ROOMS.into_iter().zip(&mut costs) {
            costs.resize_with(servers.len(), Batches::new);
            measure(&mut servers, (launch, members, rate), seconds, costs)?;
        }
    }
    for ((members, rate), costs) in ROOMS.into_iter().zip(&costs) {
        show(&format!("a room of {members}, {rate} messages of {TEXT} bytes a second"), &names, costs);
    }
    Ok(())
}

/// One launch of one room size.
fn measure(
    servers: &mut [Box<dyn Server>],
    (launch, members, rate): (u32, usize, f64),
    seconds: u32,
    costs: &mut [Batches],
) -> Result<()> {
    let mut arms = Vec::new();
    for server in servers {
        let room = server.room(members)?;
        let crowd = Crowd::join(&**server, &room.members)?;
        arms.push((crowd, Talk::begin(&**server, &room, TEXT), CpuMeter::new(&server.groups())));
    }
    let rounds = (f64::from(seconds) / f64::from(LAUNCHES) / SLICE.as_secs_f64()).ceil() as u32;
    for round in 0..WARM_UP + rounds {
        // Every second round in the other order, so that a drift favours nobody.
        let mut order: Vec<_> = (0..arms.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for arm in order {
            let (crowd, talk, meter) = &mut arms[arm];
            let before: u64 = meter.read().iter().sum();
            let received = crowd.talk(talk, rate, SLICE, &mut || {})?;
            let used = meter.read().iter().sum::<u64>() - before;
            if round >= WARM_UP {
                let (cost, operations) = (used as f64 / 1_000.0, received.deliveries);
                costs[arm].push(Batch { launch, cost, operations }, None);
            }
        }
    }
    Ok(())
}

fn show(what: &str, names: &[&str], costs: &[Batches]) {
    println!(
        "\nCPU microseconds a delivery, {what}; 95 % intervals, {} deliveries an arm",
        costs[0].operations()
    );
    for (name, cost) in names.iter().zip(costs) {
        println!("  {name:38} {}", figure(mean(cost.as_slice(), CONFIDENCE), 2));
    }
    let [bare, chat, others @ ..] = costs else { return };
    show_ratio("chat over bare axum broadcast", chat, bare, "1.25");
    for (name, other) in names.iter().skip(2).zip(others) {
        let ratio = ratio_of_means(chat.as_slice(), other.as_slice(), CONFIDENCE);
        println!("  {:50} {}", format!("chat over {name}"), figure(ratio, 3));
    }
}
