//! A/A test: the same arm twice, repeatedly, and how often the lab finds a difference.
//!
//! `cargo bench -p benches --bench alike -- 100` starts a hundred quick runs of `target/release/lab`, one
//! after another, and keeps their reports in `target/alike`. It prints how often each metric was called
//! different, with the interval of that share, and how many runs found any difference: it exits 1 if that is
//! certainly more than one in twenty.
//!
//! The arguments after the number are passed to `lab run` in place of the short scenario beside this file:
//! `-- 100 shortener/placement --arm monolith --arm monolith`. `-- 0` evaluates the existing reports.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use report::Report;
use statistics::Verdict;
use statrs::distribution::{Beta, ContinuousCDF};

const SCENARIO: &str = "benches/alike/shortener/alike.toml";
const LAB: &str = "target/release/lab";
const KEPT: &str = "target/alike";
/// The permitted share of false differences.
const ALLOWED: f64 = 0.05;
/// The confidence of the shares' intervals.
const CONFIDENCE: f64 = 0.95;

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runs: u32 = match words.first() {
        None => 20,
        Some(word) => word.parse().ok().with_context(|| format!("`{word}`: expected a number of runs"))?,
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let (lab, kept) = (root.join(LAB), root.join(KEPT));
    let rest = words.get(1..).unwrap_or_default();
    ensure!(runs == 0 || lab.exists(), "`{}` is not built\nhint: cargo build --release", lab.display());
    for nth in 1..=runs {
        let began = Instant::now();
        run(&lab, &root, &kept, rest)?;
        println!("run {nth} of {runs}: {:.0} s", began.elapsed().as_secs_f64());
    }
    let reports = reports(&kept)?;
    let tally = Tally::of(&reports);
    print!("{}", tally.table());
    let is_honest = interval(tally.any, tally.judged)[0] <= ALLOWED;
    Ok(if is_honest { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One run of the same arm twice, with a new seed.
fn run(lab: &Path, root: &Path, kept: &Path, rest: &[String]) -> Result<()> {
    let mut command = Command::new(lab);
    command.current_dir(root).arg("run").arg("--quick").arg("--out").arg(kept);
    // A new seed also if runs are added to those of an earlier day.
    let seed = reports(kept)?.len() + 1;
    command.args(["--seed", &seed.to_string()]);
    if rest.is_empty() {
        command.args([SCENARIO, "--arm", "monolith", "--arm", "monolith"]);
    } else {
        command.args(rest);
    }
    let ended = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    // 3: it ran without a verdict, because the machine was too busy.
    let code = ended.status.code();
    let told = String::from_utf8_lossy(&ended.stderr);
    ensure!(matches!(code, Some(0 | 1 | 3)), "the lab ended with {code:?}:\n{told}");
    Ok(())
}

/// Every report of the folder.
fn reports(kept: &Path) -> Result<Vec<Report>> {
    let Ok(folders) = fs::read_dir(kept) else { return Ok(Vec::new()) };
    let paths: Vec<PathBuf> = folders.flatten().map(|folder| folder.path().join("report.json")).collect();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path)?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is no report", path.display()))
    };
    paths.iter().filter(|path| path.exists()).map(read).collect()
}

/// The counts of false differences.
#[derive(Default)]
struct Tally {
    runs: u64,
    judged: u64,
    any: u64,
    /// For each metric: its comparisons, and its differences.
    metrics: BTreeMap<String, [u64; 2]>,
    /// The largest ratio between the memory of two arms, which has no interval.
    memory: f64,
}

impl Tally {
    fn of(reports: &[Report]) -> Self {
        let mut tally = Self { runs: reports.len() as u64, memory: 1.0, ..Self::default() };
        for report in reports {
            let memory: Vec<f64> =
                report.arms.iter().map(|arm| arm.memory_mib.resident.unwrap_or(0.0)).collect();
            let [least, most] = [
                memory.iter().copied().fold(f64::INFINITY, f64::min),
                memory.iter().copied().fold(0.0, f64::max),
            ];
            tally.memory = tally.memory.max(most / least);
            if !report.validity.verdict_possible {
                continue;
            }
            tally.judged += 1;
            let mut any = false;
            for comparison in &report.comparisons {
                let Some(verdict) = comparison.verdict else { continue };
                let counts = tally.metrics.entry(comparison.metric.clone()).or_default();
                let differs = Verdict::is_difference(&verdict);
                *counts = [counts[0] + 1, counts[1] + u64::from(differs)];
                any |= differs;
                if differs {
                    println!("{}: {}", report.id, comparison.sentence);
                }
            }
            tally.any += u64::from(any);
        }
        tally
    }

    fn table(&self) -> String {
        let row = |name: &str, differs: u64, of: u64| {
            let [low, high] = interval(differs, of).map(|share| share * 100.0);
            let share = differs as f64 / of.max(1) as f64 * 100.0;
            format!("{name:12} {differs:4} of {of:4}   {share:5.1} % [{low:.1}, {high:.1}]\n")
        };
        let mut text = String::from("called different, of identical arms\n");
        for (metric, [compared, differs]) in &self.metrics {
            text.push_str(&row(metric, *differs, *compared));
        }
        text.push_str(&row("any of them", self.any, self.judged));
        text.push_str(&row("no verdict", self.runs - self.judged, self.runs));
        text + &format!("memory       at most {:.3}x apart\n", self.memory)
    }
}

/// The interval of a share (Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26,
/// 1934).
fn interval(count: u64, of: u64) -> [f64; 2] {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let end = |a: f64, b: f64, share: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(share));
    let (count, rest) = (count as f64, (of - count) as f64);
    let low = if count == 0.0 { 0.0 } else { end(count, rest + 1.0, tail) };
    let high = if rest == 0.0 { 1.0 } else { end(count + 1.0, rest, 1.0 - tail) };
    [low, high]
}
