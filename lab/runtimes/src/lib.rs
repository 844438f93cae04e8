//! The runtimes: arms of a plan as processes of this machine or as containers, up, measured and stopped; and what else a
//! plan can be written down for.
//!
//! ```text
//! ArmPlan -> process (children of the lab) \
//!            compose (containers)           > RunningArm, behind one trait: groups, victim, ended, stop
//!            kubernetes (files only)
//! ```
//!
//! Read in this order:
//!
//! - [`arm`]: an arm that is up, whatever runs it, and the trait [`RunningRuntime`](arm::RunningRuntime);
//! - [`launch`]: all arms of a plan, by the [`Runtime`](launch::Runtime) that was chosen;
//! - [`process`]: arms as children of the lab, with their stores and brokers;
//! - [`compose`]: arms as compose projects, run or written down; [`kubernetes`]: the same for a cluster, written down;
//! - [`measure`]: what arms use, and how quiet the machine is; [`traces`]: where their time goes;
//! - [`scratch`], [`claimed`]: folders that are removed at the end, or by the next lab if this one is killed;
//! - [`interrupt`]: how all of it is stopped;
//! - [`http`]: one question to a process's internal server; `yaml`: the templates of the files that are written down.
//!
//! Not here: which arms there are (`scenario`), what is sent to them (`load`), and what a run makes of it (`lab`).

pub mod arm;
pub mod claimed;
pub mod compose;
pub mod http;
pub mod interrupt;
pub mod kubernetes;
pub mod launch;
pub mod measure;
pub mod process;
pub mod scratch;
pub mod traces;
mod yaml;
