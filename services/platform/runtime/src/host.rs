//! A host puts together what one process hosts: a system's `wiring.rs` speaks to it, top to bottom.

use std::{
    mem,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::Router;
use backing::{Background, Subscriber, Topic, TopicPublisher, Waiting};
use design::{Choice, EDGE, Limits, ProcessConfig, PublicUrl, Wiring, axes};
use nix::sys::socket::SockaddrStorage;
use prometheus_client::registry::Registry;
use remote::{Balancing, Client, Contract, Method, RpcMetrics, Transport};
use resilience::{
    Order, Preset, Settings,
    settings::{ATTEMPT_SHORT, AdaptiveAttempt, AttemptSettings, LimitSettings},
};

use crate::{
    Backings, Priorities, RoutePriority, Sampling,
    events::Topics,
    live::{self, Live},
};

/// One process while it is being put together.
pub struct Host {
    file: ProcessConfig,
    wiring: Wiring,
    backings: Backings,
    topics: Topics,
    metrics: RpcMetrics,
    transport: Transport,
    preset: Preset,
    settings: Settings,
    balancing: Balancing,
    internal: Router,
    served: Vec<&'static Method>,
    public: Option<Router>,
    public_priorities: Priorities,
    live: Option<Live>,
}

/// One process, put together.
pub(crate) struct Parts {
    pub(crate) file: ProcessConfig,
    pub(crate) backings: Backings,
    /// How its components are reached.
    pub(crate) transport: Transport,
    /// The routes of its components that other processes reach, and what these are called over gRPC.
    pub(crate) internal: Routes,
    pub(crate) grpc_services: Vec<&'static str>,
    /// Its public API, if it serves any.
    pub(crate) public: Option<Routes>,
    /// The long-lived connections of its public API, if it has any.
    pub(crate) live: Option<Live>,
}

/// The routes of a server, and the classes of their requests.
pub(crate) struct Routes {
    pub(crate) router: Router,
    pub(crate) priorities: Priorities,
}

impl Host {
    pub(crate) fn new(file: ProcessConfig, wiring: Wiring, waiting: Waiting) -> Result<Self> {
        let transport = match wiring.choice() {
            axes::Transport::Http => Transport::Http,
            axes::Transport::Grpc => Transport::Grpc,
        };
        let preset = match wiring.choice() {
            axes::Resilience::Timeout => Preset::Timeout,
            axes::Resilience::None => Preset::None,
            axes::Resilience::NaiveRetry => Preset::NaiveRetry,
            axes::Resilience::BudgetedRetry => Preset::BudgetedRetry,
            axes::Resilience::Breaker => Preset::Breaker,
            axes::Resilience::Full => Preset::Full,
        };
        let balancing = match wiring.choice() {
            axes::Balancing::RoundRobin => Balancing::RoundRobin,
            axes::Balancing::TwoChoices => Balancing::TwoChoices,
        };
        let settings = settings(&wiring, &file.limits);
        let mut backings = Backings::new(file.backings.clone(), wiring.clone(), preset, file.limits, waiting);
        backings.identity = identity(file.internal)?;
        let process = wiring.processes().find(|process| process.name == file.process);
        let mut here = process.map(|process| process.components.to_vec()).unwrap_or_default();
        here.extend(file.public.map(|_| EDGE));
        let topics = Topics::new(wiring.system(), here, &mut backings)?;
        let metrics = RpcMetrics::with(&mut backings.registry, backings.callees.clone());
        let (internal, served, public) = (Router::new(), Vec::new(), None);
        Ok(Self {
            file,
            wiring,
            backings,
            topics,
            metrics,
            transport,
            preset,
            settings,
            balancing,
            internal,
            served,
            public,
            public_priorities: Priorities::default(),
            live: None,
        })
    }

    /// The value of an axis.
    pub fn choice<C: Choice>(&self) -> C {
        self.wiring.choice()
    }

    /// The URLs by which the public knows this process's API, as far as they are configured.
    pub fn public_urls(&self) -> &[PublicUrl] {
        &self.file.public_urls
    }

    /// Whether this process serves the public API, or a part of it.
    pub fn has_edge(&self) -> bool {
        self.file.public.is_some()
    }

    /// Whether this process serves a route of the public API: all of them, or those of its own components.
    pub fn serves(&self, route: &str) -> bool {
        let mut processes = self.wiring.processes();
        let own = processes.find(|process| process.name == self.file.process);
        own.is_some_and(|process| self.wiring.serves(process, route))
    }

    /// What this process may be built on, for what is part of no component.
    pub fn backings(&mut self) -> &mut Backings {
        &mut self.backings
    }

    /// The addresses at which this process's public API is reached: of every interface, if it listens on all.
    pub fn public_addresses(&self) -> Result<Vec<SocketAddr>> {
        let Some(public) = self.file.public else { return Ok(Vec::new()) };
        if !public.ip().is_unspecified() {
            return Ok(vec![public]);
        }
        let interfaces = nix::ifaddrs::getifaddrs().context("cannot list the network interfaces")?;
        let ip = |address: SockaddrStorage| {
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
        };
        let ips = interfaces.filter_map(|interface| interface.address.and_then(ip));
        Ok(ips.map(|ip| SocketAddr::new(ip, public.port())).collect())
    }

    /// The limits of this process.
    pub fn limits(&self) -> Limits {
        self.file.limits
    }

    /// How many processes host a component.
    pub fn replicas(&self, component: &str) -> u32 {
        self.wiring.host_of(component).map_or(0, |process| self.wiring.replicas(process))
    }

    /// Places a component: built here if this process hosts it, otherwise reached where it is.
    ///
    /// Built here, it is served to other processes if there are any.
    pub async fn place<C: Contract>(
        &mut self,
        _: C,
        build: impl AsyncFnOnce(&mut Backings) -> Result<Arc<C::Service>>,
    ) -> Result<Arc<C::Service>> {
        if !self.hosts(C::NAME) {
            return self.reach::<C>();
        }
        let local = build(&mut self.backings)
            .await
            .with_context(|| format!("cannot build the component `{}`", C::NAME))?;
        let service = C::observe(self.metrics.component(C::METHODS), local);
        if self.wiring.processes().count() > 1 {
            let methods = C::serve(self.transport, Arc::clone(&service));
            self.internal = mem::take(&mut self.internal).merge(methods);
            self.served.extend(C::METHODS);
        }
        Ok(service)
    }

    fn reach<C: Contract>(&mut self) -> Result<Arc<C::Service>> {
        let peers = self.file.peers.get(C::NAME).map(Vec::as_slice).unwrap_or_default();
        // The callers of one callee must not draw the same jitter.
        let settings = Settings { seed: rand::random(), ..self.settings.clone() };
        let metrics = self.metrics.peer(C::NAME);
        let client = Client::with(self.transport, peers, self.balancing, self.preset, &settings, metrics)
            .with_context(|| format!("the process configuration's peers of the component `{}`", C::NAME))?;
        Ok(C::client(self.transport, client))
    }

    fn hosts(&self, component: &str) -> bool {
        self.wiring.host_of(component).is_some_and(|process| process.name == self.file.process)
    }

    /// The publisher of a topic, for a component or for the [`EDGE`]. The system must declare `by` as a publisher.
    ///
    /// The wiring may request it before it places the component. It works in processes that host `by`.
    pub fn publisher<T: Topic>(&mut self, by: &str) -> Result<TopicPublisher<T>> {
        self.topics.publisher(by)
    }

    /// Sets the subscriber of a consumer group.
    ///
    /// The subscriber runs in the processes of the group's component if events come from a log, and in the publishing
    /// process otherwise. So it must use the component by its contract, which may be local or remote.
    pub fn subscribe<T: Topic>(
        &mut self,
        group: &'static str,
        subscriber: Arc<dyn Subscriber<T>>,
    ) -> Result<()> {
        self.topics.subscribe(group, subscriber)
    }

    /// The system's public API, or this process's part of it, made only where it serves any; what it counts goes to the registry.
    pub fn edge(&mut self, make: impl FnOnce(&mut Registry) -> Router) {
        if self.file.public.is_some() {
            self.public = Some(make(&mut self.backings.registry));
        }
    }

    /// The classes of requests to the public API; every other route is of the normal class.
    pub fn edge_priorities(&mut self, routes: impl IntoIterator<Item = RoutePriority>) {
        self.public_priorities = routes.into_iter().collect();
    }

    /// The long-lived connections of this process's public API, with these limits; a process has one such set, and drains it
    /// when it stops.
    pub fn live(&mut self, limits: live::Limits) -> Live {
        let sampling = Sampling::from(self.choice::<axes::Tracing>());
        let registry = &mut self.backings.registry;
        self.live.get_or_insert_with(|| Live::new(limits, sampling, registry)).clone()
    }

    /// The background tasks.
    pub(crate) fn background(&self) -> &Background {
        &self.backings.background
    }

    /// Ends the wiring: creates the transports of all topics.
    pub(crate) fn into_parts(self) -> Result<Parts> {
        let Self {
            file,
            mut backings,
            topics,
            transport,
            internal,
            served,
            public,
            public_priorities,
            live,
            ..
        } = self;
        topics.connect(&mut backings)?;
        let priorities = Priorities::of(served.iter().copied());
        let internal = Routes { router: internal, priorities };
        let public = public.map(|router| Routes { router, priorities: public_priorities });
        // Those of a component stand together.
        let mut grpc_services: Vec<_> = served.iter().map(|method| method.grpc_service).collect();
        grpc_services.dedup();
        Ok(Parts { file, backings, transport, internal, grpc_services, public, live })
    }
}

/// The host and the address on it: no two processes listen there at a time, and one that is started again does so there.
fn identity(internal: SocketAddr) -> Result<String> {
    let host = nix::unistd::gethostname().context("cannot ask for the name of this host")?;
    Ok(format!("{}/{internal}", host.to_string_lossy()))
}

/// The settings of the layers around every callee of a process.
fn settings(wiring: &Wiring, limits: &Limits) -> Settings {
    let standard = Duration::from_millis(limits.attempt_ms);
    let attempt = match wiring.choice() {
        axes::AttemptLimit::Standard => AttemptSettings::Fixed(standard),
        axes::AttemptLimit::Short => AttemptSettings::Fixed(ATTEMPT_SHORT),
        axes::AttemptLimit::Long => AttemptSettings::Fixed(limits.request_timeout()),
        axes::AttemptLimit::Adaptive => AttemptSettings::Adaptive(AdaptiveAttempt::up_to(standard)),
    };
    let chosen: axes::LayerOrder = wiring.choice();
    let order = Order {
        retry_inside_breaker: chosen == axes::LayerOrder::RetryInsideBreaker,
        attempt_limit_outside_retry: chosen == axes::LayerOrder::AttemptLimitOutsideRetry,
    };
    Settings { attempt, order, limit: LimitSettings::Fixed(limits.bulkhead), ..Settings::default() }
}
