//! A WebSocket server on one thread, whose manners a test decides.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tungstenite::{
    Message, WebSocket, accept_with_config,
    protocol::{CloseFrame, WebSocketConfig},
};

/// What happens on the server.
#[derive(Debug)]
pub(crate) enum Event {
    Opened(usize),
    Text(String),
}

/// The sockets of a server, numbered in the order in which they came.
pub(crate) struct Sockets {
    epoll: Epoll,
    accepted: Vec<Option<WebSocket<TcpStream>>>,
    events: VecDeque<Event>,
}

const LISTENER: u64 = u64::MAX;

/// Starts a server on a free port; it lives as long as the test process. `rule` does what is to be done about an event.
pub(crate) fn serve_sockets(mut rule: impl FnMut(&mut Sockets, Event) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).unwrap();
    thread::spawn(move || {
        let mut sockets = Sockets { epoll, accepted: Vec::new(), events: VecDeque::new() };
        loop {
            let mut ready = [EpollEvent::empty(); 64];
            let count = sockets.epoll.wait(&mut ready, EpollTimeout::NONE).unwrap_or(0);
            for event in &ready[..count] {
                match event.data() {
                    LISTENER => sockets.accept(&listener),
                    socket => sockets.read(socket as usize),
                }
                while let Some(event) = sockets.events.pop_front() {
                    rule(&mut sockets, event);
                }
            }
        }
    });
    address
}

impl Sockets {
    pub(crate) fn send(&mut self, to: usize, text: &str) {
        if let Some(socket) = &mut self.accepted[to] {
            // What the socket does not take at once leaves with what is sent next, or when it is ready.
            let _ = socket.send(Message::Text(text.into()));
        }
    }

    pub(crate) fn broadcast(&mut self, text: &str) {
        for to in 0..self.accepted.len() {
            self.send(to, text);
        }
    }

    pub(crate) fn ping(&mut self, to: usize) {
        if let Some(socket) = &mut self.accepted[to] {
            let _ = socket.send(Message::Ping(Vec::new().into()));
        }
    }

    pub(crate) fn close(&mut self, to: usize, code: u16) {
        if let Some(mut socket) = self.accepted[to].take() {
            let _ = socket.close(Some(CloseFrame { code: code.into(), reason: "as the test says".into() }));
        }
    }

    /// Writes these bytes as they are, behind whatever was sent.
    pub(crate) fn raw(&mut self, to: usize, bytes: &[u8]) {
        if let Some(socket) = &mut self.accepted[to] {
            std::io::Write::write_all(socket.get_mut(), bytes).unwrap();
        }
    }

    fn accept(&mut self, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let config = WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(0);
            let Ok(socket) = accept_with_config(stream, Some(config)) else { continue };
            socket.get_ref().set_nonblocking(true).unwrap();
            let at = self.accepted.len();
            let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
            self.epoll.add(socket.get_ref(), EpollEvent::new(flags, at as u64)).unwrap();
            self.accepted.push(Some(socket));
            self.events.push_back(Event::Opened(at));
        }
    }

    fn read(&mut self, at: usize) {
        while let Some(socket) = &mut self.accepted[at] {
            let _ = socket.flush();
            match socket.read() {
                Ok(Message::Text(text)) => self.events.push_back(Event::Text(text.as_str().to_owned())),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return;
                }
                Err(_) => self.accepted[at] = None,
            }
        }
    }
}
