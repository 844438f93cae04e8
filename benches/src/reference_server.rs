//! A small epoll HTTP server as a reference for the generator; and running a bench's own program again in another
//! role.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    unistd::Pid,
};

/// The argument that makes this program the server.
const SERVE: &str = "part-serve";
const REPLY: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
const LISTENER: u64 = u64::MAX;

/// The arguments of this program if it was started in the role `name`.
pub fn part(name: &str) -> Option<Vec<String>> {
    let arguments: Vec<String> = std::env::args().collect();
    (arguments.get(1).map(String::as_str) == Some(name)).then(|| arguments[2..].to_vec())
}

/// This program in the role `name`.
pub fn again(name: &str) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg(name).stdout(Stdio::piped()).stdin(Stdio::piped());
    command
}

/// Pins this process to one CPU; without effect on a machine with one CPU.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    if set.set(cpu).is_ok() && sched_setaffinity(Pid::from_raw(0), &set).is_err() {
        eprintln!("note: cannot pin to CPU {cpu}, the figures will be noisier");
    }
}

/// A running server, killed when dropped.
pub struct Server {
    /// The server's process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts this program as the server, and waits until it listens.
    pub fn start() -> Self {
        let mut child = again(SERVE).spawn().expect("this program can be started again");
        let mut line = String::new();
        let output = child.stdout.take().expect("the output was piped");
        BufReader::new(output).read_line(&mut line).expect("the server says its address");
        Self { child, address: line.trim().parse().expect("the server says its address") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves for ever if this process was started as the server, on CPU 0: one thread, edge-triggered, one write
/// per request.
pub fn serve_if_asked() {
    if part(SERVE).is_none() {
        return;
    }
    pin(0);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    println!("{}", listener.local_addr().expect("a bound socket has an address"));
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll exists");
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).expect("a socket can be polled");
    let mut connections: HashMap<u64, TcpStream> = HashMap::new();
    let mut next = 0;
    let mut events = [EpollEvent::empty(); 256];
    loop {
        let count = epoll.wait(&mut events, EpollTimeout::NONE).unwrap_or(0);
        for event in &events[..count] {
            if event.data() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    let ready = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, next);
                    if stream.set_nonblocking(true).is_ok()
                        && stream.set_nodelay(true).is_ok()
                        && epoll.add(&stream, ready).is_ok()
                    {
                        connections.insert(next, stream);
                        next += 1;
                    }
                }
            } else if connections.get_mut(&event.data()).is_some_and(|stream| !answer(stream)) {
                connections.remove(&event.data());
            }
        }
    }
}

/// Replies to a connection's request; requests are small and come one at a time. `false` when it has ended.
fn answer(stream: &mut TcpStream) -> bool {
    let mut request = [0; 4096];
    match stream.read(&mut request) {
        Ok(0) => false,
        Ok(count) if request[..count].ends_with(b"\r\n\r\n") => stream.write_all(REPLY).is_ok(),
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
