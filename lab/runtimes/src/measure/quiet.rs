//! The quietness of this machine, or how noisy it is: other load on it, and the lateness of a generator because of that.
//!
//! A thread on the generator's processor repeatedly sleeps for a millisecond and measures how late it wakes,
//! as `cyclictest` does
//! (<https://wiki.linuxfoundation.org/realtime/documentation/howto/tools/cyclictest/start>): what delays this
//! thread would delay the generator. At the same time the kernel's counters show which processes use the
//! processors (proc(5)).

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use load::record::{MAY_BE_LATE, void_share};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use procfs::process::all_processes;
use scenario::plan::Budget;

/// The duration of a look: enough for some 450 wake-ups, and short enough for a user.
const LOOK: Duration = Duration::from_millis(500);

/// The largest share of void slices in a run with a verdict; above it a report says that there is no verdict, because the
/// generator was late.
pub const MOST_VOID: f64 = 0.2;

const NAP: Duration = Duration::from_millis(1);
/// A wake-up later than this is late, like an operation.
const LATE: Duration = Duration::from_millis(1);
/// The share of the processors used by others, or given to other virtual machines by the host, at which a
/// machine is busy.
const BUSY: f64 = 0.1;
const STOLEN: f64 = 0.02;
/// A process is named from this share of a processor on, and only this many are named.
const NAMED_FROM: f64 = 0.1;
const MOST_NAMED: usize = 3;

/// The result of a look.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Tasks that run or are ready to run, averaged over the last minute.
    pub load_average: f64,
    /// The share of the processors that was in use.
    pub busy: f64,
    /// The share of the processors' time that the host of a virtual machine gave to others (steal).
    pub stolen: f64,
    /// The share of wake-ups that were late.
    pub late: f64,
    /// The processes that used processors, with their share of one, the busiest first.
    pub by: Vec<(String, f64)>,
}

/// The meaning for a run: whether the machine is too busy (noisy) for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quietness {
    /// Nothing disturbs it.
    Quiet,
    /// Its intervals are wider.
    Busy,
    /// If it stays so, too many slices are void for a verdict.
    TooBusy,
}

impl Look {
    /// Looks for half a second, during which the lab itself should be idle.
    pub fn take(budget: &Budget) -> Self {
        let (before, began) = (Seen::now(budget), Instant::now());
        let late = wake_ups(budget.generator.clone());
        let (after, took) = (Seen::now(budget), began.elapsed().as_secs_f64());
        let [all, idle, stolen] = [0, 1, 2].map(|at| after.time[at].saturating_sub(before.time[at]) as f64);
        let share = |part: f64| if all > 0.0 { part / all } else { 0.0 };
        Self {
            load_average: load_average(),
            busy: share(all - idle - stolen),
            stolen: share(stolen),
            late,
            by: busiest(&before, &after, took),
        }
    }

    /// The meaning for slices with this many operations.
    pub fn state(&self, operations: u64) -> Quietness {
        if void_share(self.late, operations) > MOST_VOID {
            Quietness::TooBusy
        } else if self.late > MAY_BE_LATE || self.busy > BUSY || self.stolen > STOLEN {
            Quietness::Busy
        } else {
            Quietness::Quiet
        }
    }

    /// The findings as text: ``load average 3.1, `rustc` uses 97 % of a processor, `chrome` 12 %``.
    pub fn seen(&self) -> String {
        let mut seen = vec![format!("load average {:.1}", self.load_average)];
        for (nth, (name, share)) in self.by.iter().enumerate() {
            let [verb, unit] = if nth == 0 { ["uses ", " of a processor"] } else { ["", ""] };
            seen.push(format!("`{name}` {verb}{:.0} %{unit}", share * 100.0));
        }
        if self.stolen > STOLEN {
            let stolen = self.stolen * 100.0;
            seen.push(format!("the host of this virtual machine gives {stolen:.0} % of its time to others"));
        }
        seen.join(", ")
    }

    /// Advice for the user.
    pub fn remedy(&self) -> String {
        match self.by.first() {
            None if self.stolen > STOLEN => {
                "the host is busy: try again later, or on a machine of your own".to_owned()
            }
            None => "close what you can, or let the lab wait for a quiet machine: `--wait-quiet`".to_owned(),
            Some((name, _)) => {
                format!("close `{name}` if you can, or let the lab wait until it is quiet: `--wait-quiet`")
            }
        }
    }
}

/// The kernel's counters at one time, in ticks.
struct Seen {
    /// The lab's processors: total, idle, and stolen.
    time: [u64; 3],
    /// Each process by its id: name, and CPU time.
    processes: BTreeMap<i32, (String, u64)>,
}

impl Seen {
    fn now(budget: &Budget) -> Self {
        let own = std::process::id().cast_signed();
        let stats = all_processes().into_iter().flatten().filter_map(|process| process.ok()?.stat().ok());
        let others = stats.filter(|stat| stat.pid != own);
        Self {
            time: time(&fs::read_to_string("/proc/stat").unwrap_or_default(), budget),
            processes: others.map(|stat| (stat.pid, (stat.comm, stat.utime + stat.stime))).collect(),
        }
    }
}

/// Sums the lines `cpuN user nice system idle iowait irq softirq steal guest guest_nice` of the lab's
/// processors; guest time is already included in the first two.
fn time(stat: &str, budget: &Budget) -> [u64; 3] {
    let mut sum = [0; 3];
    for line in stat.lines() {
        let mut fields = line.split_whitespace();
        let number = fields.next().and_then(|name| name.strip_prefix("cpu")?.parse::<usize>().ok());
        if !number.is_some_and(|cpu| budget.generator.contains(&cpu) || budget.arms.contains(&cpu)) {
            continue;
        }
        let ticks: Vec<u64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
        if let [_, _, _, idle, waiting, _, _, stolen] = ticks[..] {
            let parts = [ticks.iter().sum::<u64>(), idle + waiting, stolen];
            sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
    }
    sum
}

/// The processes that used at least [`NAMED_FROM`] of a processor; processes of one name are summed.
fn busiest(before: &Seen, after: &Seen, took: f64) -> Vec<(String, f64)> {
    let ticks = procfs::ticks_per_second() as f64 * took.max(f64::MIN_POSITIVE);
    let mut by: BTreeMap<&str, f64> = BTreeMap::new();
    for (id, (name, used)) in &after.processes {
        let earlier = before.processes.get(id).map_or(0, |(_, used)| *used);
        *by.entry(name).or_default() += used.saturating_sub(earlier) as f64 / ticks;
    }
    let mut by: Vec<_> = by.into_iter().filter(|(_, share)| *share >= NAMED_FROM).collect();
    by.sort_by(|a, b| b.1.total_cmp(&a.1));
    by.truncate(MOST_NAMED);
    by.into_iter().map(|(name, share)| (name.to_owned(), share)).collect()
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// The share of late wake-ups on these processors, measured on a separate thread.
fn wake_ups(cpus: Vec<usize>) -> f64 {
    let watch = move || {
        let mut set = CpuSet::new();
        for cpu in cpus {
            let _ = set.set(cpu);
        }
        // Without the right to pin it, the thread still measures how busy the machine is.
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
        let (began, mut woke, mut late) = (Instant::now(), 0_u32, 0_u32);
        while began.elapsed() < LOOK {
            let before = Instant::now();
            thread::sleep(NAP);
            woke += 1;
            late += u32::from(before.elapsed() > NAP + LATE);
        }
        f64::from(late) / f64::from(woke.max(1))
    };
    thread::spawn(watch).join().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(late: f64, busy: f64, stolen: f64, by: &[(&str, f64)]) -> Look {
        let by = by.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        Look { load_average: 3.06, busy, stolen, late, by }
    }

    #[test]
    fn it_depends_on_the_slices_what_is_too_busy() {
        assert_eq!(look(0.0, 0.02, 0.0, &[]).state(75), Quietness::Quiet);
        assert_eq!(look(0.0, 0.3, 0.0, &[]).state(75), Quietness::Busy);
        assert_eq!(look(0.0, 0.02, 0.05, &[]).state(75), Quietness::Busy);
        assert_eq!(look(0.02, 0.02, 0.0, &[]).state(75), Quietness::Busy, "some slices are void");
        assert_eq!(look(0.1, 0.3, 0.0, &[]).state(75), Quietness::TooBusy);
        assert_eq!(
            look(0.03, 0.3, 0.0, &[]).state(3_000),
            Quietness::TooBusy,
            "an episode of seconds tells 3 % from 1 %"
        );
    }

    #[test]
    fn what_is_seen_names_who_it_is_and_what_to_do() {
        let busy = look(0.1, 0.6, 0.0, &[("rustc", 0.97), ("chrome", 0.12)]);
        assert_eq!(busy.seen(), "load average 3.1, `rustc` uses 97 % of a processor, `chrome` 12 %");
        assert!(busy.remedy().contains("`rustc`") && busy.remedy().contains("--wait-quiet"));
        let host = look(0.1, 0.0, 0.25, &[]);
        assert!(host.seen().ends_with("the host of this virtual machine gives 25 % of its time to others"));
        assert!(host.remedy().contains("host is busy"));
    }

    #[test]
    fn only_the_labs_processors_count_and_no_time_counts_twice() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 1 5 70 4 1 2 7 3 0\ncpu1 20 0 0 80 0 0 0 0 0 0\ncpu2 99 0 0 0 0 0 0 0 0 0\nintr 5\n";
        let budget = Budget::divide(&[0, 1]);
        assert_eq!(time(stat, &budget), [200, 154, 7]);
        assert_eq!(time("", &budget), [0; 3]);
    }

    #[test]
    fn a_look_sees_who_is_busy() {
        let mut spinning =
            std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        // The shell takes a moment until it spins.
        let seen = (0..10).map(|_| Look::take(&Budget::of_this_machine())).find(|look| !look.by.is_empty());
        spinning.kill().unwrap();
        spinning.wait().unwrap();
        let look = seen.expect("somebody is busy");
        assert!(look.busy > 0.0 && (0.0..=1.0).contains(&look.late) && look.load_average >= 0.0, "{look:?}");
    }
}
