//! The target of a load, and its limits.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use url::{Position, Url};

use crate::http::{PathPrefix, PrefixError, Routes, Server};

/// One HTTP server, or several that serve one API together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name in reports.
    pub name: String,
    /// The address that it listens on.
    pub address: SocketAddr,
    /// The value of the `Host` header.
    pub host: String,
    /// Further servers, by the paths of their requests; empty for most systems. Calls over HTTP/2 go to `address`.
    pub routes: Routes,
    /// Further servers that serve the same as `address`. Connections that are held open choose among all of them; requests
    /// go to `address`.
    pub alike: Vec<Server>,
}

/// The reasons why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not a URL that the sender can drive.
    #[error(
        "`{url}` is not a target: {why}\nhint: give `http://host:port`, without a path; TLS is not spoken here"
    )]
    NotAUrl {
        /// The given URL.
        url: String,
        /// The reason.
        why: String,
    },
    /// Not the beginning of a path.
    #[error(
        "`{prefix}` is no beginning of a path: {why}\nhint: such as `/orders`, or `/orders/{{order}}/notices`"
    )]
    NotAPrefix {
        /// The given prefix.
        prefix: String,
        /// The reason.
        why: PrefixError,
    },
    /// Requests with one prefix cannot go to two servers.
    #[error("the paths of `{prefix}` have two addresses\nhint: give each prefix once")]
    PrefixTwice {
        /// The prefix.
        prefix: String,
    },
    /// The host name has no address.
    #[error("`{host}` has no address: {source}\nhint: is the name spelt right?")]
    NoAddress {
        /// The host and port.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// Nothing listens there.
    #[error(
        "nothing listens at `{address}`: {source}\nhint: is the system up, and is this its port? `lab up SYSTEM --port PORT` starts one"
    )]
    Unreachable {
        /// The address that was tried.
        address: SocketAddr,
        /// The error.
        source: io::Error,
    },
}

impl Target {
    /// The time limit of [`Target::probe`].
    pub const PROBE: Duration = Duration::from_secs(2);

    /// A target that listens at `address` and is called `name`.
    pub fn at(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            host: address.to_string(),
            routes: Routes::default(),
            alike: Vec::new(),
        }
    }

    /// The target of a URL of the form `http://host[:port][/]`; resolves the host name.
    ///
    /// If there are several addresses, the first that accepts a connection is used, or else the very first:
    /// `localhost` may resolve to `::1` as well, where few systems listen.
    pub fn parse(name: &str, url: &str) -> Result<Self, TargetError> {
        let parsed = parsed(url).map_err(|why| TargetError::NotAUrl { url: url.to_owned(), why })?;
        let host = parsed[Position::BeforeHost..Position::AfterPort].to_owned();
        let no_address = |source| TargetError::NoAddress { host: host.clone(), source };
        let addresses = parsed.socket_addrs(|| None).map_err(no_address)?;
        let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, Self::PROBE).is_ok();
        let found = if addresses.len() > 1 { addresses.iter().find(accepts) } else { None };
        let address =
            *found.or(addresses.first()).ok_or_else(|| no_address(io::ErrorKind::NotFound.into()))?;
        Ok(Self { name: name.to_owned(), address, host, routes: Routes::default(), alike: Vec::new() })
    }

    /// The same, where requests whose path begins with `prefix` go to `address` instead.
    pub fn with(mut self, prefix: &str, address: SocketAddr) -> Result<Self, TargetError> {
        self.add(prefix, Server { address, host: address.to_string() })?;
        Ok(self)
    }

    /// The same with the server of a URL, as [`parse`](Self::parse) takes it.
    pub fn with_url(mut self, prefix: &str, url: &str) -> Result<Self, TargetError> {
        let Self { address, host, .. } = Self::parse(&self.name, url)?;
        self.add(prefix, Server { address, host })?;
        Ok(self)
    }

    /// The same, where `address` serves the same as the target itself.
    #[must_use]
    pub fn beside(self, address: SocketAddr) -> Self {
        self.with_alike(Server { address, host: address.to_string() })
    }

    /// The same with the server of a URL, as [`parse`](Self::parse) takes it.
    pub fn beside_url(self, url: &str) -> Result<Self, TargetError> {
        let Self { address, host, .. } = Self::parse(&self.name, url)?;
        Ok(self.with_alike(Server { address, host }))
    }

    fn with_alike(mut self, server: Server) -> Self {
        if !self.servers().any(|(known, _)| known == server.address) {
            self.alike.push(server);
        }
        self
    }

    /// The target itself and its like: addresses and hosts.
    fn servers(&self) -> impl Iterator<Item = (SocketAddr, &str)> {
        let alike = self.alike.iter().map(|server| (server.address, server.host.as_str()));
        std::iter::once((self.address, self.host.as_str())).chain(alike)
    }

    /// The address and the `Host` of the server that a connection goes to which is held open: of these servers, counted
    /// from 0 and round.
    pub(crate) fn gateway(&self, number: usize) -> (SocketAddr, &str) {
        let nth = number % (1 + self.alike.len());
        self.servers().nth(nth).unwrap_or((self.address, &self.host))
    }

    fn add(&mut self, prefix: &str, server: Server) -> Result<(), TargetError> {
        let not_one = |why| TargetError::NotAPrefix { prefix: prefix.to_owned(), why };
        let parsed: PathPrefix = prefix.parse().map_err(not_one)?;
        let is_own = (server.address, &server.host) == (self.address, &self.host);
        let is_new = self.routes.add(parsed, (!is_own).then_some(server));
        is_new.then_some(()).ok_or_else(|| TargetError::PrefixTwice { prefix: prefix.to_owned() })
    }

    /// The address of the server of a number: 0 for the target itself.
    pub(crate) fn address_of(&self, server: usize) -> SocketAddr {
        self.routes.server(server).map_or(self.address, |server| server.address)
    }

    /// The address and the `Host` of the server that a path leads to.
    pub fn of_path(&self, path: &str) -> (SocketAddr, &str) {
        let server = self.routes.server(self.routes.choose(path.as_bytes()));
        server.map_or((self.address, &self.host), |server| (server.address, &server.host))
    }

    /// Opens and closes one connection to each address, so that a wrong one is one clear error and not a run full of
    /// failures.
    pub fn probe(&self) -> Result<(), TargetError> {
        let further = self.routes.servers().iter().chain(&self.alike).map(|server| server.address);
        std::iter::once(self.address).chain(further).try_for_each(|address| {
            let probed = TcpStream::connect_timeout(&address, Self::PROBE);
            probed.map(drop).map_err(|source| TargetError::Unreachable { address, source })
        })
    }
}

/// Parses a URL of only `http`, a host and a port; or the reason why it is not one.
fn parsed(url: &str) -> Result<Url, String> {
    // The parser is a browser's: it drops tabs and line breaks, and takes `\\` for `/`.
    if let Some(found) = url.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '\\') {
        return Err(format!("{found:?} cannot stand in a URL"));
    }
    if !url.contains("://") {
        return Err("it has no `http://`".to_owned());
    }
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    if parsed.scheme() != "http" {
        return Err(format!("its scheme is `{}`", parsed.scheme()));
    }
    if parsed.port() == Some(0) {
        return Err("nothing listens at port 0".to_owned());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("it has a user".to_owned());
    }
    let more = &parsed[Position::AfterPort..];
    if more != "/" {
        return Err(format!("`{more}` stands after its host"));
    }
    Ok(parsed)
}

/// The limits of a sender, for each arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections; also the most operations in flight, because HTTP/1.1 without pipelining has one per
    /// connection.
    pub connections: usize,
    /// Due operations that wait for a connection; beyond this number they count as unsent.
    pub waiting: usize,
    /// The time-out of a request from its send, and of an operation's wait for a connection.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 128, waiting: 65_536, timeout: Duration::from_secs(2) }
    }
}
