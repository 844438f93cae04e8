//! A client that opens its WebSocket and never reads from it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{http::connect, servers::Member};

/// The longest head of a reply, bytes.
const MAX_HEAD: usize = 4_096;

/// The connection; it is closed when dropped.
pub(crate) struct Stalled {
    stream: TcpStream,
    server: SocketAddr,
}

impl Stalled {
    /// Connects, and reads the response to the handshake.
    pub(crate) fn open(server: SocketAddr, member: &Member) -> Result<Self> {
        let mut stream = connect(server)?;
        write!(
            stream,
            "GET {} HTTP/1.1\r\nhost: {server}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            member.handshake.path
        )?;
        for (name, value) in &member.handshake.fields {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "\r\n")?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            ensure!(head.len() < MAX_HEAD, "the response to a handshake is too long");
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head);
        ensure!(head.starts_with("HTTP/1.1 101 "), "a handshake is answered with {head}");
        Ok(Self { stream, server })
    }

    /// The kernel's memory of the server's socket, bytes: what was sent and not acknowledged, what was received and not read,
    /// and what is reserved (`skmem` of ss(8)); 0 if the server has closed it.
    pub(crate) fn kernel_bytes(&self) -> Result<u64> {
        Ok(held(&self.ask_ss("-tmanH")?))
    }

    /// Whether the server has not closed it.
    pub(crate) fn is_open(&self) -> Result<bool> {
        Ok(!self.ask_ss("-tnH")?.is_empty())
    }

    /// What ss(8) says of the server's socket; without the option `a` of established ones only.
    fn ask_ss(&self, options: &str) -> Result<String> {
        let client = self.stream.local_addr()?;
        let filter = format!("src {} and dst {client}", self.server);
        let said = Command::new("ss").args([options, &filter]).output();
        let said = said.context("`ss` does not run\nhint: apt-get install iproute2")?;
        ensure!(said.status.success(), "`ss` failed: {}", String::from_utf8_lossy(&said.stderr));
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }
}

/// The bytes in `skmem:(r0,rb131072,t0,tb87040,f4096,w0,o0,bl0,d0)`.
fn held(said: &str) -> u64 {
    let Some((_, fields)) = said.split_once("skmem:(") else { return 0 };
    let fields = fields.split(')').next().unwrap_or_default().split(',');
    let bytes = |field: &str| {
        let digits = field.find(|c: char| c.is_ascii_digit())?;
        let (name, bytes) = field.split_at(digits);
        ["r", "w", "f"].contains(&name).then(|| bytes.parse::<u64>().ok())?
    };
    fields.filter_map(bytes).sum::<u64>()
}
