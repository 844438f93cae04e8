//! Where these tests take place: in memory, where no future waits.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{memory::Memory, stores::Stores};

/// New and empty stores.
pub(crate) fn stores() -> Stores {
    let memory = Arc::new(Memory::default());
    Stores { rooms: memory.clone(), messages: memory.clone(), presence: memory, _kept: Box::new(()) }
}

/// The output of a future that never waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}
