//! Each sentence of the ports.

mod at_the_same_time;
mod logs;
mod markers;
mod presence;
mod rooms;
mod words;
