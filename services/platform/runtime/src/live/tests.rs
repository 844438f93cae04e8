//! Connections that live at the hands of clients that read nothing, write nothing, or write what they must not.

mod clients;
mod drain;
mod events;
mod limits;
mod sessions;
