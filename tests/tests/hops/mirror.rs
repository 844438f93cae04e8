//! Every value crosses every hop unchanged: the component receives the request as it was sent, and the caller
//! the response.
//!
//! The edge parses a text into a type of the contract; a peer receives the value, not the text. So every
//! value of a contract's types has to arrive as it was, over both transports. A mirror replaces the
//! component: it records the request, and returns a given response.

mod chain;
mod limiter;
mod shortener;

use std::{
    any::Any,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use contract::{Timestamp, Unavailable, Why};
use proptest::{prelude::*, test_runner::TestCaseError};
use remote::{Contract, Transport};
use system_tests::placed::{client, serving};
use tokio::runtime::Runtime;

use crate::TRANSPORTS;

/// A component that records its request and returns a given response.
#[derive(Default)]
struct Mirror {
    asked: Mutex<Option<Box<dyn Any + Send>>>,
    says: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Mirror {
    fn reflect<Q: Send + 'static, A: 'static>(&self, asked: Q) -> A {
        *self.asked.lock().unwrap() = Some(Box::new(asked));
        let says = self.says.lock().unwrap().take().expect("it is told what to say");
        *says.downcast().expect("an answer of this method")
    }
}

/// A contract's mirror, and a client for each transport.
struct Hops<S: ?Sized> {
    mirror: Arc<Mirror>,
    ways: Vec<(Transport, Arc<S>)>,
    runtime: Runtime,
}

impl<S: ?Sized + Send + Sync + 'static> Hops<S> {
    fn to<C: Contract<Service = S>>(_: C, as_service: impl Fn(Arc<Mirror>) -> Arc<S>) -> Self {
        let runtime = Runtime::new().unwrap();
        let mirror = Arc::new(Mirror::default());
        let way = |transport| {
            let methods = C::serve(transport, as_service(Arc::clone(&mirror)));
            let address = runtime.block_on(serving(methods));
            let _within = runtime.enter();
            (transport, C::client(transport, client(transport, address)))
        };
        let ways = TRANSPORTS.map(way).to_vec();
        Self { mirror, ways, runtime }
    }

    /// Checks that request and response arrive as they were sent.
    fn carry<Q, A>(&self, asked: &Q, says: &A, call: &impl AsyncFn(&S, Q) -> A) -> Result<(), TestCaseError>
    where
        Q: Clone + Debug + PartialEq + Send + 'static,
        A: Clone + Debug + PartialEq + Send + 'static,
    {
        for (transport, service) in &self.ways {
            *self.mirror.says.lock().unwrap() = Some(Box::new(says.clone()));
            let heard = self.runtime.block_on(call(service, asked.clone()));
            let arrived = self.mirror.asked.lock().unwrap().take();
            prop_assert!(arrived.is_some(), "{transport:?}: {asked:?} does not arrive: {heard:?}");
            let arrived = arrived.map(|arrived| *arrived.downcast::<Q>().expect("what the method takes"));
            prop_assert_eq!(arrived.as_ref(), Some(asked), "{:?}", transport);
            prop_assert_eq!(&heard, says, "{:?}", transport);
        }
        Ok(())
    }
}

/// Any text, with control characters and all of Unicode.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn duration() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_nanos)
}

fn unavailable() -> impl Strategy<Value = Unavailable> {
    let whys =
        [Why::Unreachable, Why::TimedOut, Why::Overloaded, Why::Rejected, Why::Misunderstood, Why::Broken];
    // A new variant has to be added to the generator above.
    let why = prop::sample::select(whys.to_vec()).prop_map(|why| match why {
        why @ (Why::Unreachable
        | Why::TimedOut
        | Why::Overloaded
        | Why::Rejected
        | Why::Misunderstood
        | Why::Broken) => why,
    });
    (text(), why).prop_map(|(service, why)| Unavailable { service, why })
}
