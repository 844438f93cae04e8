//! One connection: established to the upstream, carried in both directions, ended as it ended.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    fault::Direction,
    fault_set::{Admission, earlier},
    link::{Link, at},
    pump::{Ended, Pump, Torn},
};

/// Carries a client's connection until it ends.
pub(crate) async fn carry(link: Arc<Link>, mut client: TcpStream) {
    let number = link.counters.accept();
    let _open = link.counters.open();
    let Ok(mut upstream) = established(&link, number).await else {
        reset(&link, &client);
        return;
    };
    // Small messages are sent at once, as their senders do; on a socket that is closed already it does not matter.
    let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_upstream, to_upstream) = upstream.split();
        let broken = AtomicBool::new(false);
        let to = Pump::new(&link, number, Direction::To, (from_client, to_upstream), &broken);
        let from = Pump::new(&link, number, Direction::From, (from_upstream, to_client), &broken);
        tokio::try_join!(to.run(), from.run())
    };
    if ended != Ok((Ended::Passed, Ended::Passed)) {
        let _ = upstream.set_zero_linger();
        reset(&link, &client);
    }
}

/// Makes the client's socket send a RST when it is dropped.
fn reset(link: &Link, client: &TcpStream) {
    let _ = client.set_zero_linger();
    link.counters.reset();
}

/// Connects to the upstream, when the faults let it.
async fn established(link: &Link, number: u64) -> Result<TcpStream, Torn> {
    admitted(link, number).await?;
    match timeout(link.limits.connect_within(), TcpStream::connect(link.upstream)).await {
        Ok(Ok(upstream)) => Ok(upstream),
        Ok(Err(error)) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                link.note_upstream(true);
            }
            Err(Torn)
        }
        Err(_) => Err(Torn),
    }
}

/// Waits while the link is cut, and for as long as latency makes a handshake take.
async fn admitted(link: &Link, number: u64) -> Result<(), Torn> {
    let mut faults = link.faults();
    let mut set = Arc::clone(&faults.borrow());
    let opened = Instant::now();
    let seed = set.seed(Direction::To, opened) ^ number;
    let mut due = opened + set.handshake(opened, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
    loop {
        let now = Instant::now();
        let (admission, until) = set.admission(now);
        let is_delayed = due > now && set.has_latency(now);
        let wait = match admission {
            Admission::Reset => return Err(Torn),
            Admission::Hold => until,
            Admission::Serve | Admission::Refuse if is_delayed => earlier(until, Some(due)),
            // Accepted before the link refused: it goes on.
            Admission::Serve | Admission::Refuse => return Ok(()),
        };
        tokio::select! {
            biased;
            changed = faults.changed() => {
                changed.map_err(|_| Torn)?;
                set = Arc::clone(&faults.borrow_and_update());
                due = Instant::now();
            }
            () = at(wait) => {}
        }
    }
}
