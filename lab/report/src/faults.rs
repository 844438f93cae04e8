//! The injected faults, one sentence each, the same in every form of a report.

use super::{
    model::{Fault, FaultMade, Load},
    words::{count, ms},
};

/// Runs of one seed agree if no fault begins or ends later than this after its time.
const AGREED_MS: f64 = 5.0;

/// `redis was frozen in each episode, planned from 3,000 ms to 5,000 ms; it happened 10 times, and began at 3,000–3,002 ms
/// and ended at 5,000–5,004 ms`.
pub(super) fn sentence(fault: &Fault) -> String {
    let planned = format!(
        "{} was {} in each episode, planned from {} ms to {} ms",
        fault.target,
        done(fault),
        whole(fault.at_ms),
        whole(fault.at_ms + fault.for_ms),
    );
    let Some(began) = range(fault.made.iter().map(|made| made.began_ms)) else {
        return format!("{planned}; it never happened");
    };
    let ended = range(fault.made.iter().map(|made| made.ended_ms)).unwrap_or_default();
    let often = count(fault.made.len() as u64);
    let told =
        format!("{planned}; it happened {often} times, and began at {began} ms and ended at {ended} ms");
    match range(fault.made.iter().filter_map(|made| made.back_ms)) {
        Some(back) => format!("{told}; it served again at {back} ms"),
        None => told,
    }
}

/// How late the latest were, over all faults and episodes: `the latest began 4.4 ms and the latest ended 0.3 ms after its
/// time, so runs of one seed agree to 5 ms`. `None` without faults.
pub(super) fn moments(load: &Load) -> Option<String> {
    let latest = |late: fn(&Fault, &FaultMade) -> f64| {
        let each = load.faults.iter().flat_map(|fault| fault.made.iter().map(move |made| late(fault, made)));
        // An episode that is cut short ends its faults before their time.
        each.map(|late| late.max(0.0)).reduce(f64::max)
    };
    let began = latest(|fault, made| made.began_ms - fault.at_ms)?;
    let ended = latest(|fault, made| made.ended_ms - fault.at_ms - fault.for_ms)?;
    let verdict = if began.max(ended) <= AGREED_MS {
        format!("so runs of one seed agree to {}", ms(AGREED_MS))
    } else {
        format!("more than the {} to which runs of one seed are to agree", ms(AGREED_MS))
    };
    Some(format!(
        "the latest began {} and the latest ended {} after its time, {verdict}",
        ms(began),
        ms(ended)
    ))
}

/// The most targets of one kind of fault that a drawing names.
const NAMED: usize = 4;

/// Faults at the same time as a drawing calls them: `gateway → links slowed by 50 ms`, `links, postgres killed`; of many
/// targets the first, `gateway, catalog, carts and 7 more killed`.
pub(super) fn names(together: &[&Fault]) -> String {
    let mut kinds: Vec<(String, Vec<String>)> = Vec::new();
    for fault in together {
        let (done, target) =
            (done(fault).replace("down after a kill", "killed"), fault.target.replace("->", "→"));
        match kinds.iter_mut().find(|(known, _)| *known == done) {
            Some((_, targets)) => targets.push(target),
            None => kinds.push((done, vec![target])),
        }
    }
    let each = kinds.into_iter().map(|(done, targets)| format!("{} {done}", listed(&targets)));
    each.collect::<Vec<_>>().join("; ")
}

fn listed(targets: &[String]) -> String {
    if targets.len() <= NAMED {
        return targets.join(", ");
    }
    let (first, more) = targets.split_at(NAMED - 1);
    format!("{} and {} more", first.join(", "), more.len())
}

/// `slowed by 50 ms`
fn done(fault: &Fault) -> String {
    let done = match fault.what.as_str() {
        "freeze" => "frozen",
        "kill" => "down after a kill",
        "slow" => "slowed",
        "errors" => "failing",
        "blackhole" => "a blackhole",
        "partition" => "partitioned",
        "throttle" => "throttled",
        "flap" => "flapping",
        other => other,
    };
    if fault.detail.is_empty() { done.to_owned() } else { format!("{done} {}", fault.detail) }
}

fn whole(ms: f64) -> String {
    count(ms.round() as u64)
}

/// `3,000`, or `3,000–3,004` where they differ.
fn range(times: impl Iterator<Item = f64> + Clone) -> Option<String> {
    let earliest = times.clone().reduce(f64::min).map(whole)?;
    let latest = times.reduce(f64::max).map(whole)?;
    Some(if earliest == latest { earliest } else { format!("{earliest}–{latest}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Report;

    fn frozen() -> Fault {
        let made = |began_ms, ended_ms| FaultMade {
            arm: "a".to_owned(),
            launch: 1,
            began_ms,
            ended_ms,
            back_ms: None,
        };
        Fault {
            target: "redis".to_owned(),
            what: "freeze".to_owned(),
            detail: String::new(),
            at_ms: 3_000.0,
            for_ms: 2_000.0,
            made: vec![made(3_000.2, 5_000.1), made(3_004.4, 5_000.3)],
        }
    }

    #[test]
    fn the_latest_moments_are_told_with_whether_runs_agree() {
        let report: Report = serde_json::from_str(include_str!("fixtures/faults.json")).unwrap();
        let mut load = Load { faults: vec![frozen(), frozen()], ..report.load };
        assert_eq!(
            moments(&load).unwrap(),
            "the latest began 4.40 ms and the latest ended 0.300 ms after its time, so runs of one seed agree to \
             5.00 ms"
        );
        load.faults[1].made[0].ended_ms = 5_006.0;
        let beyond = moments(&load).unwrap();
        assert!(beyond.contains("ended 6.00 ms after its time, more than the 5.00 ms"), "{beyond}");
        for fault in &mut load.faults {
            fault.made.retain(|made| made.began_ms < 3_001.0);
            fault.made[0].ended_ms = 4_000.0;
        }
        let early = moments(&load).unwrap();
        assert!(early.contains("ended 0 ms after its time, so"), "{early}");
        load.faults.clear();
        assert_eq!(moments(&load), None);
    }

    #[test]
    fn a_fault_is_told_with_when_it_was_due_and_when_it_really_was() {
        let mut fault = frozen();
        assert_eq!(
            sentence(&fault),
            "redis was frozen in each episode, planned from 3,000 ms to 5,000 ms; it happened 2 times, and \
             began at 3,000–3,004 ms and ended at 5,000 ms"
        );
        fault = Fault {
            target: "gateway -> links".to_owned(),
            what: "slow".to_owned(),
            detail: "by 50 ms".to_owned(),
            ..fault
        };
        assert!(
            sentence(&fault).starts_with("gateway -> links was slowed by 50 ms in each episode, planned")
        );
        let killed = |target: &str| Fault {
            target: target.to_owned(),
            what: "kill".to_owned(),
            detail: String::new(),
            ..fault.clone()
        };
        assert_eq!(
            names(&[&killed("links"), &fault, &killed("postgres")]),
            "links, postgres killed; gateway → links slowed by 50 ms"
        );
        let all = ["gateway", "catalog", "carts", "orders", "postgres"].map(killed);
        assert_eq!(names(&all.iter().collect::<Vec<_>>()), "gateway, catalog, carts and 2 more killed");
        fault.made[0].back_ms = Some(5_140.0);
        assert!(sentence(&fault).ends_with("ended at 5,000 ms; it served again at 5,140 ms"));
        fault.made.clear();
        assert!(sentence(&fault).ends_with("it never happened"));
    }
}
