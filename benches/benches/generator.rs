//! The generator's cost of a request, next to wrk's, on the same server with the same connections.
//!
//! `cargo bench -p benches --bench generator` prints, for interleaved rounds: CPU microseconds a request of wrk, of the
//! closed loop and of the open loop at half of wrk's maximum, their ratios with 95 % intervals; then the send lag at
//! 5,000 a second, and the peak memory of a 10 s and a 30 s run.
//!
//! The open loop's ratio compares a half-loaded server with a saturated one: most of its extra cost is in
//! `sendto`, where the kernel wakes a server that has gone idle, which wrk at its maximum never has to.

use std::{
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use benches::reference_server;
use load::{
    journeys::plain::Get,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, Slice, SlicePlan, Target},
};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

/// The argument that makes this program the generator.
const DRIVE: &str = "part-drive";
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 8;
const SECONDS: u64 = 3;
/// Student's t for 95 % and `ROUNDS - 1` = 7 degrees of freedom.
const T_95: f64 = 2.365;

fn main() -> ExitCode {
    reference_server::serve_if_asked();
    if let Some(arguments) = reference_server::part(DRIVE) {
        return drive(&arguments);
    }
    let server = reference_server::Server::start();
    let address = server.address.to_string();
    lag_and_memory(&address);
    if Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("`wrk` is NOT on the path: NOTHING WAS COMPARED\nhint: apt-get install wrk");
        return ExitCode::from(2);
    }
    compare(&address)
}

/// CPU microseconds a request and requests a second.
#[derive(Clone, Copy)]
struct Cost {
    cpu_us: f64,
    rate: f64,
}

fn compare(address: &str) -> ExitCode {
    let half = wrk(address).rate / 2.0;
    println!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s; open loop at {half:.0} a second, Poisson"
    );
    println!("round  wrk us  closed us  open us  wrk/s  closed/s");
    let (mut closed_ratios, mut open_ratios) = (Vec::new(), Vec::new());
    for round in 0..2 * ROUNDS {
        // Every second round in reverse order, so that a drift favours neither.
        let (wrk, closed, open) = if round % 2 == 0 {
            (wrk(address), generator(address, 0.0), generator(address, half))
        } else {
            let (open, closed) = (generator(address, half), generator(address, 0.0));
            (wrk(address), closed, open)
        };
        let (Some(closed), Some(open)) = (closed, open) else {
            println!("{round:5}  void: the generator could not send its plan, something else uses the CPUs");
            continue;
        };
        println!(
            "{round:5}  {:6.2}  {:9.2}  {:7.2}  {:5.0}  {:8.0}",
            wrk.cpu_us, closed.cpu_us, open.cpu_us, wrk.rate, closed.rate
        );
        closed_ratios.push((closed.cpu_us / wrk.cpu_us).ln());
        open_ratios.push((open.cpu_us / wrk.cpu_us).ln());
        if open_ratios.len() == ROUNDS {
            println!("closed loop / wrk: {}", interval(&closed_ratios));
            println!("open loop at half of wrk's maximum / wrk: {}", interval(&open_ratios));
            return ExitCode::SUCCESS;
        }
    }
    println!("too many void rounds: no verdict");
    ExitCode::from(2)
}

/// The geometric mean of ratios and its 95 % interval, from their logarithms.
fn interval(logs: &[f64]) -> String {
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = T_95 * (variance / n).sqrt();
    format!("{:.3} [{:.3}, {:.3}]", mean.exp(), (mean - half).exp(), (mean + half).exp())
}

fn lag_and_memory(address: &str) {
    for seconds in [10, 30] {
        let (report, _) = run_drive(address, 5_000.0, seconds);
        println!(
            "open loop, 5,000 a second, {seconds} s: send lag p50 {} us, p99 {} us, max {} us; peak memory {:.1} MiB",
            report["lag_p50_us"],
            report["lag_p99_us"],
            report["lag_max_us"],
            report["peak_kib"].as_f64().unwrap_or(0.0) / 1024.0
        );
    }
}

fn wrk(address: &str) -> Cost {
    let before = children_cpu_us();
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s")])
        .arg(format!("http://{address}/"))
        .output()
        .expect("`taskset` and `wrk` run");
    let cpu = children_cpu_us() - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().find(|line| line.contains(" requests in ")).expect("wrk says how many requests it sent");
    let requests: f64 =
        line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number of requests");
    Cost { cpu_us: cpu / requests, rate: requests / SECONDS as f64 }
}

/// Our generator: open loop at `rate`, closed loop if that is 0; `None` if it could not send its plan.
fn generator(address: &str, rate: f64) -> Option<Cost> {
    let (report, cpu) = run_drive(address, rate, SECONDS);
    let requests = report["requests"].as_f64().expect("a number of requests");
    let cost = Cost { cpu_us: cpu / requests, rate: requests / SECONDS as f64 };
    (report["bad"] == 0).then_some(cost)
}

fn run_drive(address: &str, rate: f64, seconds: u64) -> (Value, f64) {
    let before = children_cpu_us();
    let mut command = reference_server::again(DRIVE);
    command.args([address, &rate.to_string(), &seconds.to_string()]);
    let output = command.output().expect("this program can be started again");
    let cpu = children_cpu_us() - before;
    (serde_json::from_slice(&output.stdout).expect("the part reports in JSON"), cpu)
}

fn children_cpu_us() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage can be asked for");
    let us = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64;
    us(usage.user_time()) + us(usage.system_time())
}

/// The generator's part: `address rate seconds`.
fn drive(arguments: &[String]) -> ExitCode {
    reference_server::pin(1);
    let [address, rate, seconds] = arguments else { return ExitCode::from(2) };
    let rate: f64 = rate.parse().expect("a rate");
    let length = Duration::from_secs(seconds.parse().expect("seconds"));
    let target = Target::at("reference", address.parse().expect("an address"));
    let limits = Limits { connections: CONNECTIONS, ..Limits::default() };
    let arm = Arm { target, journeys: Box::new(Get::new("/", 200)) };
    let mut sender = Sender::new(vec![arm], &limits).expect("a sender can be made");
    let load = if rate > 0.0 {
        Load::Open { arrivals: Arrivals::Poisson, profile: Profile::Steady { rate }, seed: 7 }
    } else {
        Load::Closed { in_flight: CONNECTIONS }
    };
    let plan = SlicePlan { arms: 1, slice_length: length, rounds: 1, seed: 1 };
    sender.run(&plan, &load, &mut Printer).expect("the loop runs");
    ExitCode::SUCCESS
}

struct Printer;

impl Observer for Printer {
    fn slice_ended(&mut self, _slice: &Slice, record: &load::record::SliceRecord) {
        let lag = |quantile| record.send_lag.value_at_quantile(quantile) / 1000;
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("usage can be asked for");
        let report = json!({
            "requests": record.requests,
            "bad": record.planned - record.succeeded,
            "failed": record.failed,
            "unsent": record.unsent,
            "lag_p50_us": lag(0.5),
            "lag_p99_us": lag(0.99),
            "lag_max_us": record.send_lag.max() / 1000,
            "peak_kib": usage.max_rss(),
        });
        println!("{report}");
    }
}
