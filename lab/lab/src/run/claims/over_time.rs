//! Claims on what happens over the time of an episode, judged by the median of the episodes and its interval.

use report::model::{Arm, ClaimVerdict};
use scenario::{Claim as Stated, OverTime, Relation};

use super::{Ground, asked, verdict};
use crate::run::over_time::{OfArm, figure};

/// Judges a claim on a figure of one arm, against that of another or against a number.
pub(super) fn judge(
    stated: &Stated,
    which: OverTime,
    arms: &[Arm],
    ground: Ground,
) -> (ClaimVerdict, String) {
    if let Some(lacking) = ground.lacks(stated, None) {
        return (ClaimVerdict::CannotTell, lacking.to_owned());
    }
    let of = |name: &str| match arms.iter().find(|arm| arm.label == name || arm.name == name) {
        None => Err(format!("`{name}` is not in this run")),
        Some(arm) => {
            figure(which, arm).ok_or_else(|| format!("nothing measured the {} of {name}", words(which)))
        }
    };
    let judged = of(&stated.arm).and_then(|found| match &stated.against {
        None => Ok(alone(stated, which, &found)),
        Some(against) => of(against).map(|baseline| pair(stated, which, (&found, &baseline), against)),
    });
    judged.unwrap_or_else(|lacking| (ClaimVerdict::CannotTell, lacking))
}

fn alone(stated: &Stated, which: OverTime, found: &OfArm) -> (ClaimVerdict, String) {
    let bound = stated.than.unwrap_or_default();
    let (certainly, certainly_not) = match stated.is {
        Relation::AtLeast => (found.low >= bound, found.high < bound),
        _ => (found.high <= bound, found.low > bound),
    };
    let verdict = match (certainly, certainly_not) {
        (true, _) => ClaimVerdict::Holds,
        (_, true) => ClaimVerdict::DoesNotHoldHere,
        _ => ClaimVerdict::CannotTell,
    };
    let (name, arm) = (words(which), &stated.arm);
    let least = if stated.is == Relation::AtLeast { "least" } else { "most" };
    let (figure, bound) = (found.with_interval(), found.bound(bound));
    (verdict, format!("{name} of {arm}: {figure}; to hold, it has to be at {least} {bound}"))
}

fn pair(
    stated: &Stated,
    which: OverTime,
    (found, baseline): (&OfArm, &OfArm),
    against: &str,
) -> (ClaimVerdict, String) {
    let factor = stated.by_at_least.unwrap_or(1.0);
    let verdict = verdict(stated.is, factor, found.low, found.high, baseline.low, baseline.high);
    let (name, arm) = (words(which), &stated.arm);
    let (found, baseline) = (found.with_interval(), baseline.with_interval());
    (verdict, format!("{name} of {arm}: {found}, of {against}: {baseline}{}", asked(stated)))
}

fn words(which: OverTime) -> &'static str {
    match which {
        OverTime::DetectMs => "time to detect",
        OverTime::RecoverMs => "time to recover",
        OverTime::LostOperations => "lost operations",
        OverTime::Amplification => "highest amplification",
        OverTime::GoodputRatio => "goodput in the last phase by that in the first",
    }
}

#[cfg(test)]
mod tests {
    use report::Report;
    use scenario::{Expectation, Metric};

    use super::*;

    fn claim(which: OverTime, arm: &str, against: Option<&str>, is: Relation) -> Stated {
        Stated {
            text: String::new(),
            source: String::new(),
            metric: Metric::OverTime(which),
            arm: arm.to_owned(),
            against: against.map(str::to_owned),
            is,
            by_at_least: None,
            than: None,
            expect: Expectation::Holds,
        }
    }

    fn arms() -> Vec<Arm> {
        let json = include_str!("../../../../report/src/fixtures/faults.json");
        serde_json::from_str::<Report>(json).expect("the fixture").arms
    }

    #[test]
    fn an_arm_that_never_recovered_is_slower_than_one_that_did() {
        let judged = |arm, against, is| {
            judge(
                &claim(OverTime::RecoverMs, arm, Some(against), is),
                OverTime::RecoverMs,
                &arms(),
                Ground::Whole,
            )
        };
        let (verdict, because) = judged("full", "none", Relation::Lower);
        assert_eq!(verdict, ClaimVerdict::Holds);
        assert_eq!(because, "time to recover of full: 305 ms [290, 340], of none: never [1,980, never]");
        assert_eq!(judged("none", "full", Relation::Lower).0, ClaimVerdict::DoesNotHoldHere);
        assert_eq!(judged("none", "naive-retry", Relation::Higher).0, ClaimVerdict::Holds);
        assert_eq!(judged("none", "other", Relation::Higher).0, ClaimVerdict::CannotTell);
    }

    #[test]
    fn a_bound_holds_only_when_the_whole_interval_keeps_it() {
        use ClaimVerdict::{CannotTell, DoesNotHoldHere, Holds};
        use OverTime::{Amplification, GoodputRatio, RecoverMs};
        let judged = |which, arm, is, than| {
            let stated = Stated { than: Some(than), ..claim(which, arm, None, is) };
            judge(&stated, which, &arms(), Ground::Whole).0
        };
        assert_eq!(judged(RecoverMs, "full", Relation::AtMost, 500.0), Holds);
        assert_eq!(judged(RecoverMs, "full", Relation::AtMost, 300.0), CannotTell);
        assert_eq!(judged(RecoverMs, "none", Relation::AtMost, 500.0), DoesNotHoldHere);
        let stated = Stated { than: Some(5_000.0), ..claim(RecoverMs, "full", None, Relation::AtMost) };
        let (_, because) = judge(&stated, RecoverMs, &arms(), Ground::Whole);
        assert!(because.ends_with("; to hold, it has to be at most 5,000 ms"), "{because}");
        assert_eq!(judged(Amplification, "full", Relation::AtMost, 1.25), Holds);
        assert_eq!(judged(GoodputRatio, "full", Relation::AtLeast, 0.95), Holds);
        assert_eq!(judged(GoodputRatio, "full", Relation::AtLeast, 1.2), DoesNotHoldHere);
    }

    #[test]
    fn timing_is_no_fact_of_a_run_whose_generator_was_late() {
        let stated = claim(OverTime::RecoverMs, "full", Some("none"), Relation::Lower);
        let (verdict, because) = judge(&stated, OverTime::RecoverMs, &arms(), Ground::Late);
        assert_eq!(verdict, ClaimVerdict::CannotTell);
        assert!(because.contains("no verdict"), "{because}");
    }
}
