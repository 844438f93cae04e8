//! A saga, drawn: its steps from left to right, and below each what compensates it.

use design::SagaStep;

/// Between two steps, and between two compensations.
const THERE: &str = " ──▶ ";
const BACK: &str = " ◀── ";

/// The drawing with its heading; empty for a system without a saga.
pub(super) fn drawn(steps: &[SagaStep]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let widths: Vec<usize> = steps.iter().map(width).collect();
    let row = |between: &str, word: &dyn Fn(&SagaStep) -> String| {
        let cells = steps.iter().zip(&widths).map(|(step, width)| format!("{:<width$}", word(step)));
        format!("  {}\n", cells.collect::<Vec<_>>().join(between).trim_end())
    };
    let blank = " ".repeat(THERE.chars().count());
    let mut text =
        "\nthe saga: steps from left to right; where one is refused, compensations from right to left\n"
            .to_owned();
    text.push_str(&row(THERE, &named));
    text.push_str(&row(&blank, &|step| format!("({})", step.participant)));
    text.push_str(&row(BACK, &|step| step.compensation.to_owned()));
    if steps.iter().any(|step| step.is_pivot) {
        text.push_str("  * the pivot: after it the saga does not turn back by itself\n");
    }
    text
}

fn named(step: &SagaStep) -> String {
    format!("{}{}", step.command, if step.is_pivot { " *" } else { "" })
}

fn width(step: &SagaStep) -> usize {
    let longest = named(step).len().max(step.participant.len() + 2);
    longest.max(step.compensation.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(command: &'static str, participant: &'static str, compensation: &'static str) -> SagaStep {
        SagaStep { command, participant, compensation, is_pivot: false }
    }

    #[test]
    fn each_step_stands_above_who_takes_it_and_what_compensates_it() {
        let steps = [
            step("reserve", "stock", "release"),
            SagaStep { is_pivot: true, ..step("capture", "payments", "void") },
            step("commit", "stock", "release"),
        ];
        let told = "
the saga: steps from left to right; where one is refused, compensations from right to left
  reserve ──▶ capture *  ──▶ commit
  (stock)     (payments)     (stock)
  release ◀── void       ◀── release
  * the pivot: after it the saga does not turn back by itself
";
        assert_eq!(drawn(&steps), told);
        assert_eq!(drawn(&[]), "");
    }
}
