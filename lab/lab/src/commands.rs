//! One file per command, each with the same members: `Args` (the arguments) and `Args::run`.

pub mod broker;
pub mod choices;
pub mod compare;
pub mod doctor;
pub mod drill;
pub mod events;
pub mod export;
pub mod fault;
pub mod health;
pub mod host;
pub mod keep;
pub mod list;
pub mod load;
mod phases;
pub mod plan;
pub mod provider;
pub mod proxy;
pub mod report;
pub mod run;
pub mod runtime;
pub mod show;
pub mod tether;
pub mod trace;
pub mod up;
pub mod watch;
mod waterfall;
pub mod wiring_choice;
