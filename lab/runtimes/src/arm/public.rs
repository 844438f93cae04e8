//! Where users reach the public API of a running arm.

use std::net::SocketAddr;

use load::sender::{Target, TargetError};
use scenario::plan::ProcessPlan;

use super::RunningArm;

/// Where users reach a process with a public API: all of it, or a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicPart {
    /// The process.
    pub process: String,
    /// The prefixes of its paths, `/orders/{order}/notices`; empty if it serves all of the API.
    pub paths: Vec<&'static str>,
    /// Its address, for the generator.
    pub address: SocketAddr,
    /// Its address for people, if different: a container's is published on loopback.
    pub published: Option<SocketAddr>,
}

impl PublicPart {
    /// The part of a process, at one address for all.
    pub(crate) fn of(process: &ProcessPlan, address: SocketAddr) -> Self {
        Self { process: process.name.clone(), paths: process.paths.clone(), address, published: None }
    }

    /// Its address for people, as a URL without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.published.unwrap_or(self.address))
    }
}

impl RunningArm {
    /// The public API's address for people, as a URL without a trailing slash: of several the first.
    pub fn url(&self) -> String {
        self.parts.first().map_or_else(|| format!("http://{}", self.public), PublicPart::url)
    }

    /// The public API, for the generator.
    pub fn target(&self) -> Result<Target, TargetError> {
        self.target_at(self.public, |part| part.address)
    }

    /// The URL for people of the process that serves a path.
    pub fn url_of(&self, path: &str) -> Result<String, TargetError> {
        let shown = |part: &PublicPart| part.published.unwrap_or(part.address);
        let first = self.parts.first().map_or(self.public, shown);
        let (address, _) = self.target_at(first, shown)?.of_path(path);
        Ok(format!("http://{address}"))
    }

    fn target_at(
        &self,
        first: SocketAddr,
        address: impl Fn(&PublicPart) -> SocketAddr,
    ) -> Result<Target, TargetError> {
        let mut prefixes =
            self.parts.iter().flat_map(|part| part.paths.iter().map(move |path| (*path, part)));
        let target = Target::at(&self.label, first);
        // Replicas of a process with the whole API serve the same as the first of them.
        let alike = self.parts.iter().skip(1).filter(|part| part.paths.is_empty());
        let target = alike.fold(target, |target, part| target.beside(address(part)));
        prefixes.try_fold(target, |target, (path, part)| target.with(path, address(part)))
    }
}
