//! A public API that several processes serve: which path belongs to which component, and so to which process.

use super::wiring::Wiring;
use crate::{EDGE, ProcessShape};

/// Paths of the public API that belong to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathOwner {
    /// What they begin with, segment by segment, where `{...}` is any one segment: `/orders/{order}/notices`.
    pub prefix: &'static str,
    /// The component.
    pub component: &'static str,
}

impl PathOwner {
    /// Whether a path begins with the prefix; a route counts as a path: `/orders/{order}/notices`.
    pub fn has(&self, path: &str) -> bool {
        let mut given = path.split('/');
        self.prefix.split('/').all(|segment| {
            given
                .next()
                .is_some_and(|given| segment == given || segment.starts_with('{') && !given.is_empty())
        })
    }

    /// How much of a path it settles: the owner of the longest prefix has the path.
    fn segments(&self) -> usize {
        self.prefix.split('/').count()
    }
}

impl Wiring {
    /// Whether a process serves the public API, or a part of it.
    pub fn is_public(&self, shape: &ProcessShape) -> bool {
        if self.paths().is_empty() { shape.edge } else { !self.paths_of(shape).is_empty() }
    }

    /// The prefixes of a process's part of the public API; empty where one process serves all of it.
    pub fn paths_of(&self, shape: &ProcessShape) -> Vec<&'static str> {
        let own = self.paths().iter().filter(|owner| shape.components.contains(&owner.component));
        own.map(|owner| owner.prefix).collect()
    }

    /// Whether a process serves a route of the public API, `/orders/{order}/notices`.
    pub fn serves(&self, shape: &ProcessShape, route: &str) -> bool {
        let paths = self.paths();
        if paths.is_empty() {
            return shape.edge;
        }
        let owner = paths.iter().filter(|owner| owner.has(route)).max_by_key(|owner| owner.segments());
        owner.is_some_and(|owner| shape.components.contains(&owner.component))
    }

    /// Whether a component, or the whole [`EDGE`], is in a process.
    pub fn hosts(&self, shape: &ProcessShape, who: &str) -> bool {
        shape.components.contains(&who) || (who == EDGE && shape.edge && self.paths().is_empty())
    }

    fn paths(&self) -> &'static [PathOwner] {
        self.system().rules.paths(self)
    }
}
