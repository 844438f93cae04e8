//! The runtimes: a plan's arms as processes of this machine or as containers, running, measured and stopped;
//! and exporting a plan as files.
//!
//! ```text
//! ArmPlan -> process (children of the lab) \
//!            compose (containers)           > RunningArm, behind one trait: groups, victim, ended, stop
//!            kubernetes (files only)
//! ```
//!
//! Read in this order:
//!
//! - [`arm`]: a running arm on any runtime, and the trait [`RunningRuntime`](arm::RunningRuntime);
//! - [`launch`]: all arms of a plan, on the chosen [`Runtime`](launch::Runtime);
//! - [`process`]: arms as children of the lab, with their stores and brokers;
//! - [`compose`]: arms as compose projects, run or exported; [`kubernetes`]: export for a cluster;
//! - [`measure`]: the resources that arms use, and the quietness of the machine; [`traces`]: the time of
//!   operations by place;
//! - [`scratch`], [`owned_folder`]: folders that are removed at the end, or by the next lab if this one is killed;
//! - [`interrupt`]: stopping on Ctrl-C;
//! - [`http`]: a request to a process's internal server; `yaml`: the templates of exported files.
//!
//! Not here: the choice of arms (`scenario`), their load (`load`), and the conclusions of a run (`lab`).

pub mod arm;
pub mod compose;
pub mod http;
pub mod interrupt;
pub mod kubernetes;
pub mod launch;
pub mod measure;
pub mod owned_folder;
pub mod process;
mod provider;
pub mod scratch;
mod sessions;
pub mod traces;
mod yaml;
