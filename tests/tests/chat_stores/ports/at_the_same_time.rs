//! What calls do to each other that run at the same time, in one process and in two.

mod logs;
mod presence;
mod rooms;
