//! The classes of requests, as methods of components and routes of an edge declare them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
};
use remote::{PRIORITY, Priority};

/// A route of a public API, and the class of its requests.
pub type RoutePriority = (Method, &'static str, Priority);

/// The classes that a server's routes declare; every other route is [`Priority::Normal`]. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Priorities(Arc<BTreeMap<&'static str, Vec<(Method, Priority)>>>);

impl Priorities {
    /// What these methods declare, over either transport.
    pub fn of(methods: impl IntoIterator<Item = &'static remote::Method>) -> Self {
        let declared = methods.into_iter().filter(|method| method.priority != Priority::Normal);
        let routes = |method: &remote::Method| {
            [method.http_path, method.grpc_path].map(|path| (Method::POST, path, method.priority))
        };
        declared.flat_map(routes).collect()
    }

    /// Whether a route declares the highest class.
    pub(super) fn has_critical(&self) -> bool {
        self.0.values().flatten().any(|(_, priority)| *priority == Priority::Critical)
    }

    /// What a request's route declares.
    pub(super) fn declared(&self, request: &Request) -> Priority {
        if self.0.is_empty() {
            return Priority::Normal;
        }
        let route = request.extensions().get::<MatchedPath>().and_then(|route| self.0.get(route.as_str()));
        let own = route.and_then(|methods| methods.iter().find(|(method, _)| method == request.method()));
        own.map_or(Priority::Normal, |(_, priority)| *priority)
    }
}

impl FromIterator<RoutePriority> for Priorities {
    fn from_iter<I: IntoIterator<Item = RoutePriority>>(routes: I) -> Self {
        let mut declared: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (method, path, priority) in routes {
            declared.entry(path).or_default().push((method, priority));
        }
        Self(Arc::new(declared))
    }
}

/// The class of the operation that a call of the same wiring is a part of, if it is not a normal one.
pub(super) fn of_operation(request: &Request) -> Option<Priority> {
    request.headers().get(PRIORITY).and_then(|value| Priority::of_operation(value.as_bytes()))
}
