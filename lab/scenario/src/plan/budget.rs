//! Who may use which processor: the generator its own, all arms together the others.

use nix::{sched, unistd::Pid};

/// The processors of a run.
///
/// Invariant: every arm gets the same set, so that no arm is given more machine than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The processors of the generator, which is the lab itself.
    pub generator: Vec<usize>,
    /// The processors that everything of every arm shares, backings included.
    pub arms: Vec<usize>,
}

impl Budget {
    /// Divides the processors that this process may use: the first to the generator, the others to the arms.
    ///
    /// With a single one they share it, and [`Budget::caveat`] says so.
    /// To be called before any thread of the lab is pinned: a pinned thread sees only its own.
    pub fn of_this_machine() -> Self {
        Self::divide(&allowed())
    }

    /// Divides the given processors.
    pub fn divide(processors: &[usize]) -> Self {
        match processors {
            [first, others @ ..] if !others.is_empty() => {
                Self { generator: vec![*first], arms: others.to_vec() }
            }
            all => Self { generator: all.to_vec(), arms: all.to_vec() },
        }
    }

    /// Whether the generator has a processor of its own.
    pub fn generator_is_apart(&self) -> bool {
        self.generator.iter().all(|processor| !self.arms.contains(processor))
    }

    /// What a reader of the figures has to know, if the machine is too small.
    pub fn caveat(&self) -> Option<&'static str> {
        (!self.generator_is_apart()).then_some(
            "the generator and the arms share one processor: latency includes waiting for the generator, \
             and send lag depends on the arms",
        )
    }
}

/// The processors that this thread may use; processor 0 when the kernel does not say.
fn allowed() -> Vec<usize> {
    let Ok(set) = sched::sched_getaffinity(Pid::from_raw(0)) else {
        return vec![0];
    };
    (0..sched::CpuSet::count()).filter(|&processor| set.is_set(processor).unwrap_or(false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_has_a_processor_of_its_own_where_there_are_two() {
        let budget = Budget::divide(&[0, 1, 2]);
        assert_eq!(budget.generator, [0]);
        assert_eq!(budget.arms, [1, 2]);
        assert_eq!(budget.caveat(), None);
    }

    #[test]
    fn a_single_processor_is_shared_and_the_reader_is_told() {
        let budget = Budget::divide(&[3]);
        assert_eq!(budget.generator, budget.arms);
        assert!(budget.caveat().is_some());
    }
}
