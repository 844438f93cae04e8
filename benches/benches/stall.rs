//! Coordinated omission, compared with arithmetic: a server that is stopped for one second under a constant
//! rate.
//!
//! Every operation that is due during the stall must have a latency from its due time to at least the end of
//! the stall.
//! `cargo bench -p benches --bench stall` prints measured and computed percentiles; it exits 1 if any differs
//! by more than 3 %. A generator that waits for replies before it sends would report one slow request here.

use std::{
    process::ExitCode,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use benches::reference_server;
use load::{
    journeys::plain::Get,
    record::SliceRecord,
    schedule::{Arrivals, Profile, Schedule},
    sender::{Arm, Limits, Load, Observer, Sender, Slice, SlicePlan, Target},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const RATE: f64 = 400.0;
const LENGTH: Duration = Duration::from_millis(1200);
const STALL_AT: Duration = Duration::from_millis(100);
const STALL: Duration = Duration::from_secs(1);
const BOUND: f64 = 0.03;

fn main() -> ExitCode {
    reference_server::serve_if_asked();
    let server = reference_server::Server::start();
    reference_server::pin(1);
    let arm = Arm { target: Target::at("stalled", server.address), journeys: Box::new(Get::new("/", 200)) };
    let mut sender = Sender::new(vec![arm], &Limits::default()).expect("a sender can be made");
    let profile = Profile::Steady { rate: RATE };
    let plan = SlicePlan { arms: 1, slice_length: LENGTH, rounds: 1, seed: 1 };
    let load = Load::Open { arrivals: Arrivals::Constant, profile: profile.clone(), seed: 1 };
    let (started, start) = mpsc::channel::<Instant>();
    let pid = Pid::from_raw(i32::try_from(server.child.id()).expect("a process id is an i32"));
    let stopping = thread::spawn(move || {
        let start = start.recv().expect("the slice starts");
        thread::sleep(STALL_AT);
        kill(pid, Signal::SIGSTOP).expect("the server can be stopped");
        let stopped = start.elapsed();
        thread::sleep(STALL);
        let resumed = start.elapsed();
        kill(pid, Signal::SIGCONT).expect("the server can go on");
        (stopped, resumed)
    });
    let mut watcher = Watcher { started, record: None };
    sender.run(&plan, &load, &mut watcher).expect("the loop runs");
    let (stopped, resumed) = stopping.join().expect("the stopper ends");
    let record = watcher.record.expect("the slice ended");
    let dues: Vec<Duration> = Schedule::new(Arrivals::Constant, &profile, 1, LENGTH).collect();
    compare(&record, &stall_oracle(&dues, stopped, resumed))
}

/// The expected latencies, ascending: operations due in the stall wait for its end, all others for nothing.
fn stall_oracle(dues: &[Duration], stopped: Duration, resumed: Duration) -> Vec<Duration> {
    let latency = |&due: &Duration| if due >= stopped { resumed.saturating_sub(due) } else { Duration::ZERO };
    let mut latencies: Vec<Duration> = dues.iter().map(latency).collect();
    latencies.sort_unstable();
    latencies
}

fn compare(record: &SliceRecord, oracle: &[Duration]) -> ExitCode {
    println!("planned {}, sent {}, succeeded {}", record.planned, record.sent, record.succeeded);
    let mut worst: f64 = 0.0;
    for quantile in [0.5, 0.99, 0.999, 1.0] {
        let measured = Duration::from_nanos(record.latency.value_at_quantile(quantile));
        let rank = ((oracle.len() as f64 * quantile).ceil() as usize).clamp(1, oracle.len());
        let computed = oracle[rank - 1];
        let deviation = measured.as_secs_f64() / computed.as_secs_f64() - 1.0;
        worst = worst.max(deviation.abs());
        println!(
            "quantile {quantile:5}: measured {measured:9.3?}, computed {computed:9.3?}, off by {:+.2} %",
            deviation * 100.0
        );
    }
    let whole = record.succeeded == oracle.len() as u64;
    if worst <= BOUND && whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Watcher {
    started: mpsc::Sender<Instant>,
    record: Option<SliceRecord>,
}

impl Observer for Watcher {
    fn slice_started(&mut self, _slice: &Slice) {
        self.started.send(Instant::now()).expect("the stopper listens");
    }

    fn slice_ended(&mut self, _slice: &Slice, record: &SliceRecord) {
        self.record = Some(record.clone());
    }
}
