//! The feed of one room: each rule of it, and all of them together behind a transport that lies.

mod connection;
mod promise;
mod rules;
mod world;
