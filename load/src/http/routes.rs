//! Which of several servers a request goes to, by its path.

use std::{cmp::Reverse, net::SocketAddr, str::FromStr};

/// What the paths of one server begin with, segment by segment, where `{...}` is any one segment:
/// `/orders/{order}/notices`.
#[derive(Clone, Debug)]
pub struct PathPrefix {
    text: String,
    /// Each segment as it has to be; `None` for any.
    segments: Vec<Option<String>>,
}

/// The reasons why a text is no prefix of paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// It does not begin with a slash.
    #[error("it does not begin with `/`")]
    NoSlash,
    /// Two slashes, or one at the end.
    #[error("it has an empty segment")]
    EmptySegment,
    /// A brace that is not the first or last character of its segment.
    #[error("`{0}` is neither a word nor `{{name}}`")]
    Braces(String),
    /// A character that no path has.
    #[error("{0:?} cannot stand in it")]
    Character(char),
}

/// Further servers of a target, each with the prefixes of its paths; what has none of these goes to the target itself, which
/// may have prefixes as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The longest prefix first, each with the number of its server: 0 for the target itself.
    prefixes: Vec<(PathPrefix, usize)>,
    servers: Vec<Server>,
}

/// A further server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// The value of the `Host` header.
    pub host: String,
}

impl PathPrefix {
    /// Whether a path, with its query if it has one, begins with it.
    pub fn has(&self, path: &[u8]) -> bool {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let mut given = path.split(|byte| *byte == b'/').skip(1);
        self.segments.iter().all(|segment| match (segment, given.next()) {
            (Some(word), Some(given)) => word.as_bytes() == given,
            (None, Some(given)) => !given.is_empty(),
            (_, None) => false,
        })
    }
}

impl FromStr for PathPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let has_no_place = |c: &char| c.is_whitespace() || c.is_control() || "?#\\".contains(*c);
        if let Some(found) = text.chars().find(has_no_place) {
            return Err(PrefixError::Character(found));
        }
        let segments = text.strip_prefix('/').ok_or(PrefixError::NoSlash)?.split('/').map(segment);
        Ok(Self { text: text.to_owned(), segments: segments.collect::<Result<_, _>>()? })
    }
}

fn segment(text: &str) -> Result<Option<String>, PrefixError> {
    let has_brace = |text: &str| text.contains(['{', '}']);
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.is_empty() && !has_brace(name) => Ok(None),
        _ if has_brace(text) => Err(PrefixError::Braces(text.to_owned())),
        _ if text.is_empty() => Err(PrefixError::EmptySegment),
        _ => Ok(Some(text.to_owned())),
    }
}

/// Prefixes of the same paths are equal, whatever they call a segment.
impl PartialEq for PathPrefix {
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl Eq for PathPrefix {}

impl std::fmt::Display for PathPrefix {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Routes {
    /// Has the paths with a prefix go to a server, or to the target itself; `false` if they go anywhere already.
    #[must_use]
    pub fn add(&mut self, prefix: PathPrefix, server: Option<Server>) -> bool {
        if self.prefixes.iter().any(|(known, _)| *known == prefix) {
            return false;
        }
        let number = server.map_or(0, |server| self.number(server));
        self.prefixes.push((prefix, number));
        self.prefixes.sort_by_key(|(prefix, _)| Reverse(prefix.segments.len()));
        true
    }

    /// The number of a further server, new or known.
    fn number(&mut self, server: Server) -> usize {
        let known = self.servers.iter().position(|known| *known == server);
        known.map_or_else(
            || {
                self.servers.push(server);
                self.servers.len()
            },
            |nth| nth + 1,
        )
    }

    /// Whether there is no further server.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The number of the server that a path goes to: 0 for the target itself.
    pub fn choose(&self, path: &[u8]) -> usize {
        self.prefixes.iter().find(|(prefix, _)| prefix.has(path)).map_or(0, |(_, server)| *server)
    }

    /// The server of a number; `None` for the target itself.
    pub fn server(&self, number: usize) -> Option<&Server> {
        self.servers.get(number.checked_sub(1)?)
    }

    /// The further servers.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> PathPrefix {
        text.parse().expect("a prefix")
    }

    fn server(port: u16) -> Server {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Server { address, host: address.to_string() }
    }

    #[test]
    fn a_path_goes_where_its_longest_prefix_leads() {
        let mut routes = Routes::default();
        assert!(routes.is_empty());
        for (text, server) in [
            ("/orders", Some(server(1))),
            ("/orders/{order}/notices", Some(server(2))),
            ("/orders/{order}/notices/last", None),
            ("/admin/sagas", Some(server(1))),
        ] {
            assert!(routes.add(prefix(text), server), "{text}");
        }
        let servers = [1, 2].map(server);
        assert_eq!(routes.servers(), servers, "each server is there once");
        for (path, chosen) in [
            ("/orders", 1),
            ("/orders/7", 1),
            ("/orders/7/notices", 2),
            ("/orders/7/notices?after=3", 2),
            ("/orders/7/notices/last", 0),
            ("/orders//notices", 1),
            ("/orders?x=/7/notices", 1),
            ("/ordersx", 0),
            ("/admin/books", 0),
            ("/", 0),
        ] {
            assert_eq!(routes.choose(path.as_bytes()), chosen, "{path}");
        }
        assert_eq!((routes.server(0), routes.server(2)), (None, servers.last()));
    }

    #[test]
    fn a_prefix_leads_to_one_server() {
        let mut routes = Routes::default();
        assert!(routes.add(prefix("/orders/{order}"), Some(server(1))));
        assert!(!routes.add(prefix("/orders/{id}"), Some(server(2))), "whatever its segments are called");
        assert_eq!(routes.servers().len(), 1);
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_the_reason() {
        for (text, why) in [
            ("", PrefixError::NoSlash),
            ("orders", PrefixError::NoSlash),
            ("/", PrefixError::EmptySegment),
            ("/orders/", PrefixError::EmptySegment),
            ("//orders", PrefixError::EmptySegment),
            ("/orders/{}", PrefixError::Braces("{}".to_owned())),
            ("/orders/{id", PrefixError::Braces("{id".to_owned())),
            ("/orders/x{id}", PrefixError::Braces("x{id}".to_owned())),
            ("/orders/{a}{b}", PrefixError::Braces("{a}{b}".to_owned())),
            ("/orders?x", PrefixError::Character('?')),
            ("/a b", PrefixError::Character(' ')),
        ] {
            assert_eq!(PathPrefix::from_str(text).err(), Some(why), "{text}");
        }
    }
}
