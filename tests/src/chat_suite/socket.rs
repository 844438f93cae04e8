//! A client of a room's socket.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use chat::{MessageId, RoomId};
use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket, client::IntoClientRequest as _, handshake::HandshakeError};

use super::said;

/// The longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A socket of a room.
pub struct Socket {
    socket: WebSocket<TcpStream>,
    /// What came before somebody waited for it.
    early: Vec<Value>,
}

impl Socket {
    /// Opens a socket; the status otherwise.
    pub fn open(address: SocketAddr, room: RoomId, token: &str, after: Option<&str>) -> Result<Self, u16> {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let url = format!("ws://{address}/rooms/{room}/socket?token={token}{after}");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "chat.v1".parse().expect("a name"));
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        match tungstenite::client(request, stream) {
            Ok((socket, reply)) => {
                assert_eq!(reply.headers()["sec-websocket-protocol"], "chat.v1");
                Ok(Self { socket, early: Vec::new() })
            }
            Err(HandshakeError::Failure(Error::Http(reply))) => Err(reply.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message, or the code with which it was closed.
    pub fn receive(&mut self) -> Result<Value, u16> {
        if !self.early.is_empty() {
            return Ok(self.early.remove(0));
        }
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(close)) => return Err(close.map_or(1005, |close| close.code.into())),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The position with which it begins.
    pub fn ready(&mut self) -> String {
        let ready = self.receive().expect("it is open");
        assert_eq!(ready["type"], "ready", "{ready}");
        ready["position"].as_str().expect("a position").to_owned()
    }

    /// The next record in short. Acknowledgements between are kept for [`reply`](Self::reply).
    pub fn record(&mut self) -> Result<String, u16> {
        let mut kept = Vec::new();
        let record = loop {
            let next = self.receive()?;
            if ["message", "removed"].contains(&next["type"].as_str().unwrap_or_default()) {
                break said(&next);
            }
            kept.push(next);
        };
        self.early.splice(0..0, kept);
        Ok(record)
    }

    /// The next message that is none of the room's.
    pub fn reply(&mut self) -> Result<Value, u16> {
        let mut kept = Vec::new();
        let reply = loop {
            let next = self.receive()?;
            if !["message", "removed"].contains(&next["type"].as_str().unwrap_or_default()) {
                break next;
            }
            kept.push(next);
        };
        self.early.splice(0..0, kept);
        Ok(reply)
    }

    /// Sends a message to the room, and returns what the server says to that.
    pub fn send(&mut self, id: u128, text: &str) -> Value {
        self.say(&json!({ "type": "send", "id": MessageId(id), "text": text }).to_string());
        let reply = self.reply().expect("it is open");
        assert_eq!(reply["id"], json!(RoomId(id)), "{reply}");
        reply
    }

    /// Sends a text.
    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("it can be sent");
    }

    /// Sends bytes.
    pub fn say_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::binary(bytes)).expect("it can be sent");
    }

    /// The code with which it is closed, whatever comes before.
    pub fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.receive() {
                return code;
            }
        }
    }

    /// Goes away without a word.
    pub fn vanish(self) {
        drop(self);
    }
}
