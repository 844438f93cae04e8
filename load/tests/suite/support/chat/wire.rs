//! One connection: requests and replies, until one of them makes it a socket.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
};

use serde_json::Value;
use tungstenite::{
    Message, WebSocket,
    handshake::derive_accept_key,
    protocol::{Role, WebSocketConfig},
};

use super::rooms::{Reader, Rooms, SocketPlace};
use crate::support::{Answer, Request, read_request};

/// Answers requests on a connection.
pub(super) fn converse(stream: &TcpStream, address: SocketAddr, rooms: &Mutex<Rooms>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for nth in 0.. {
        let Some(request) = read_request(&mut reader, nth) else { return };
        if request.header("upgrade").is_some() {
            return attach(stream, address, &request, rooms);
        }
        let answer = rooms.lock().unwrap().answer(&request);
        let (Answer::Raw(bytes) | Answer::Last(bytes)) = answer else { return };
        if (&*stream).write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Makes the connection a socket, and reads what comes over it until its end.
fn attach(stream: &TcpStream, address: SocketAddr, request: &Request, rooms: &Mutex<Rooms>) {
    let write = |bytes: &[u8]| (&*stream).write_all(bytes).is_ok();
    let place = match rooms.lock().unwrap().admit(request) {
        Ok(place) => place,
        Err(answer) => {
            if let Answer::Raw(bytes) = answer {
                write(&bytes);
            }
            return;
        }
    };
    let key = derive_accept_key(request.header("sec-websocket-key").unwrap().as_bytes());
    let head = format!(
        "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    );
    if !write(head.as_bytes()) {
        return;
    }
    let reader = Reader::new(stream.try_clone().unwrap());
    let SocketPlace { room, user, after } = place;
    let number = rooms.lock().unwrap().attach(&room, &user, after.as_deref(), reader, address);
    let config = WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(0);
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(text.as_str()).unwrap();
        rooms.lock().unwrap().frame(&room, number, &frame);
    }
    rooms.lock().unwrap().detach(&room, number);
}

/// A frame of a server, which is not masked.
pub(super) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | kind];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => bytes.push(length),
        _ => {
            bytes.push(126);
            bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}
