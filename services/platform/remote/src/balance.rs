//! Several copies of a callee, and which of them a call goes to.

use std::{
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as Poller, Poll},
};

use contract::{Unavailable, Why};
use prometheus_client::metrics::counter::Counter;
use tower::Service;

use crate::{Call, Reply};

/// Which copy a call goes to: the values of the axis `balancing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// Each in turn, whatever it has to do.
    RoundRobin,
    /// Of two drawn at random, the one with fewer calls under way from here
    /// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
    TwoChoices,
}

/// The name is not one of a way to balance.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not a way to balance: there is `round-robin`, `two-choices`")]
pub struct UnknownBalancing(String);

impl FromStr for Balancing {
    type Err = UnknownBalancing;

    fn from_str(text: &str) -> Result<Self, UnknownBalancing> {
        match text {
            "round-robin" => Ok(Self::RoundRobin),
            "two-choices" => Ok(Self::TwoChoices),
            other => Err(UnknownBalancing(other.to_owned())),
        }
    }
}

/// A transport over several others, one a copy.
///
/// A repeatable call whose copy cannot be reached goes to the next one, once: a budget of one, so that copies that are
/// all away cost two attempts and no storm.
#[derive(Clone)]
pub(crate) struct Balanced<T> {
    copies: Arc<[Copy<T>]>,
    balancing: Balancing,
    turn: Arc<AtomicUsize>,
    moved: Counter,
}

struct Copy<T> {
    transport: T,
    under_way: Arc<AtomicUsize>,
}

impl<T> Balanced<T> {
    /// Over at least two transports; `moved` counts the calls that went to another copy.
    pub(crate) fn new(transports: Vec<T>, balancing: Balancing, moved: Counter) -> Self {
        let copy = |transport| Copy { transport, under_way: Arc::default() };
        let copies = transports.into_iter().map(copy).collect();
        Self { copies, balancing, turn: Arc::default(), moved }
    }

    /// The copy that the next call goes to.
    fn choose(&self) -> usize {
        let count = self.copies.len();
        match self.balancing {
            Balancing::RoundRobin => self.turn.fetch_add(1, Ordering::Relaxed) % count,
            Balancing::TwoChoices => {
                let one = rand::random_range(0..count);
                // Another one: a distance that is never a whole turn.
                let other = (one + rand::random_range(1..count)) % count;
                let busy = |copy: usize| self.copies[copy].under_way.load(Ordering::Relaxed);
                if busy(other) < busy(one) { other } else { one }
            }
        }
    }
}

impl<T> Balanced<T>
where
    T: Service<Call, Response = Reply, Error = Unavailable> + Clone,
{
    async fn ask(&self, copy: usize, call: Call) -> Result<Reply, Unavailable> {
        let copy = &self.copies[copy];
        let _under_way = UnderWay::new(&copy.under_way);
        copy.transport.clone().call(call).await
    }
}

/// A call that is under way; given back when it is over, however it ends.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Service<Call> for Balanced<T>
where
    T: Service<Call, Response = Reply, Error = Unavailable> + Clone + Send + Sync + 'static,
    T::Future: Send,
{
    type Response = Reply;
    type Error = Unavailable;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Unavailable>> + Send>>;

    /// Every transport of this crate is always ready: it makes connections as it needs them.
    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Unavailable>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let balanced = self.clone();
        Box::pin(async move {
            let copy = balanced.choose();
            match balanced.ask(copy, call.clone()).await {
                Err(error) if error.why == Why::Unreachable && call.method.repeatable => {
                    balanced.moved.inc();
                    balanced.ask((copy + 1) % balanced.copies.len(), call).await
                }
                answer => answer,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;

    use super::*;
    use crate::{Context, Method};

    static REPEATABLE: Method = method(true);
    static ONCE_ONLY: Method = method(false);

    const fn method(repeatable: bool) -> Method {
        Method {
            service: "probe",
            name: "ask",
            http_path: "/probe/ask",
            grpc_service: "lab.probe.v1.ProbeService",
            grpc_path: "/lab.probe.v1.ProbeService/Ask",
            repeatable,
        }
    }

    /// A copy that notes its calls; one that is away answers none.
    #[derive(Clone)]
    struct Probe {
        number: usize,
        asked: Arc<Mutex<Vec<usize>>>,
        is_away: bool,
    }

    impl Service<Call> for Probe {
        type Response = Reply;
        type Error = Unavailable;
        type Future = std::future::Ready<Result<Reply, Unavailable>>;

        fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Unavailable>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Call) -> Self::Future {
            self.asked.lock().expect("nobody panicked").push(self.number);
            let away = || Err(Unavailable::new("probe", Why::Unreachable));
            std::future::ready(if self.is_away { away() } else { Ok(Reply::Done(Bytes::new())) })
        }
    }

    /// Copies, of which these are away, and the calls that each got.
    fn copies(
        count: usize,
        away: &[usize],
        balancing: Balancing,
    ) -> (Balanced<Probe>, Arc<Mutex<Vec<usize>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let probe = |number| Probe { number, asked: Arc::clone(&asked), is_away: away.contains(&number) };
        (Balanced::new((0..count).map(probe).collect(), balancing, Counter::default()), asked)
    }

    async fn ask(balanced: &mut Balanced<Probe>, method: &'static Method) -> Result<Reply, Unavailable> {
        balanced.call(Call { method, body: Bytes::new(), context: Context::unattended() }).await
    }

    #[tokio::test]
    async fn in_turn_every_copy_gets_the_same_share() {
        let (mut balanced, asked) = copies(3, &[], Balancing::RoundRobin);
        for _ in 0..9 {
            ask(&mut balanced, &REPEATABLE).await.expect("all are there");
        }
        assert_eq!(*asked.lock().expect("nobody panicked"), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn of_two_choices_the_busier_is_never_taken() {
        let (balanced, _) = copies(3, &[], Balancing::TwoChoices);
        let _busy: Vec<_> = (0..5).map(|_| UnderWay::new(&balanced.copies[1].under_way)).collect();
        let chosen: Vec<_> = (0..200).map(|_| balanced.choose()).collect();
        assert!(!chosen.contains(&1), "one of the other two is always drawn with it");
        assert!(chosen.contains(&0) && chosen.contains(&2));
    }

    #[tokio::test]
    async fn a_call_that_is_over_is_no_longer_under_way() {
        let (mut balanced, _) = copies(2, &[0], Balancing::TwoChoices);
        for _ in 0..20 {
            ask(&mut balanced, &REPEATABLE).await.expect("one is there");
        }
        assert!(balanced.copies.iter().all(|copy| copy.under_way.load(Ordering::Relaxed) == 0));
    }

    #[tokio::test]
    async fn a_repeatable_call_goes_to_another_copy_once_and_no_other_call_does() {
        let (mut balanced, asked) = copies(3, &[0], Balancing::RoundRobin);
        ask(&mut balanced, &REPEATABLE).await.expect("the second is there");
        assert_eq!(balanced.moved.get(), 1);
        for _ in 0..2 {
            ask(&mut balanced, &REPEATABLE).await.expect("they are there");
        }
        let refused = ask(&mut balanced, &ONCE_ONLY).await;
        assert_eq!(refused.expect_err("the first is away").why, Why::Unreachable);
        assert_eq!(*asked.lock().expect("nobody panicked"), [0, 1, 1, 2, 0]);

        let (mut balanced, asked) = copies(4, &[0, 1, 2, 3], Balancing::RoundRobin);
        ask(&mut balanced, &REPEATABLE).await.expect_err("all are away");
        assert_eq!(asked.lock().expect("nobody panicked").len(), 2, "a budget of one");
    }
}
