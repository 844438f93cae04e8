//! The chat's public API in memory, unless it has a misdeed: HTTP and sockets on one port, a thread for each connection.
//!
//! `rooms` is what it knows, `wire` what goes over a connection.

mod rooms;
mod wire;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use self::rooms::Rooms;

/// A misdeed of the fake. "Every fifth" is every fifth message of a room, and of deliveries every fifth record to the third
/// member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    None,
    /// Every fifth message is acknowledged and nothing else.
    LosesMessages,
    /// Every fifth message is stored and acknowledged, and delivered to nobody.
    KeepsMessages,
    /// Every fifth message is acknowledged with the position of the one before.
    MovesMessages,
    /// Every fifth message is stored and delivered twice.
    StoresTwice,
    /// Every fifth delivery is left out.
    SkipsDeliveries,
    /// Every fifth delivery comes twice.
    DoublesDeliveries,
    /// Every fifth delivery comes after the next one.
    ReordersDeliveries,
    /// Every fifth message is delivered and refused, and a removal that nobody asked for is stored in its place.
    DeliversUnstored,
    /// Every fifth delivery has another text.
    ChangesTexts,
    /// Every fifth delivery has the number of the next one, and the next one its number.
    SwapsNumbers,
    /// A connection that comes back is ready, and gets nothing.
    StopsAfterReconnect,
    /// A connection that comes back begins at the end of the log.
    ForgetsPositions,
    /// A connection that comes back is sent to the history; which is no misdeed.
    RefusesRecovery,
    /// Every fifth message is handled, and its connection closed instead of an acknowledgement; which is no misdeed.
    Restarts,
    /// The same, and a message that is sent again is stored again.
    RestartsAndForgetsIds,
    /// Every fifth message is too much; which is no misdeed.
    SlowsDown,
    /// Every fifth message cannot be stored; which is no misdeed.
    IsUnavailable,
    /// Nothing is acknowledged.
    IsSilent,
    /// A removal closes no connection and stops no delivery.
    KeepsRemoved,
    /// Nobody is shown as online.
    HidesPresence,
    /// Whoever was online stays so.
    KeepsPresence,
    /// Histories cannot be read.
    HidesHistories,
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    rooms: Arc<Mutex<Rooms>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let rooms = Arc::new(Mutex::new(Rooms::default()));
        Self { address: listen(&rooms), rooms }
    }

    pub(crate) fn behave(&self, misdeed: Misdeed) {
        self.rooms.lock().unwrap().misdeed = misdeed;
    }

    /// Another address of the same.
    pub(crate) fn further(&self) -> SocketAddr {
        listen(&self.rooms)
    }

    /// The addresses to which the connections of each user came, in order.
    pub(crate) fn visits(&self) -> BTreeMap<String, Vec<SocketAddr>> {
        self.rooms.lock().unwrap().visits.clone()
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        self.rooms.lock().unwrap().open()
    }

    /// Closes every connection, as a server that restarts.
    pub(crate) fn restart(&self) {
        self.rooms.lock().unwrap().close_all();
    }
}

fn listen(rooms: &Arc<Mutex<Rooms>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let rooms = Arc::clone(rooms);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_nodelay(true).unwrap();
            // A client that reads nothing has the buffers of the kernel, and then holds up everybody.
            stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
            let rooms = Arc::clone(&rooms);
            thread::spawn(move || wire::converse(&stream, address, &rooms));
        }
    });
    address
}
