//! The assignment of processors: the generator has its own, all arms share the others.

use nix::{sched, unistd::Pid};

/// The processors of a run.
///
/// Invariant: every arm gets the same set, so that no arm has more of the machine than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The processors of the generator, which is the lab itself.
    pub generator: Vec<usize>,
    /// The processors that all processes and backings of all arms share.
    pub arms: Vec<usize>,
}

impl Budget {
    /// Divides the processors of this process: the first one for the generator, the others for the arms.
    ///
    /// A single processor is shared, and [`Budget::caveat`] says so.
    /// Must be called before any thread of the lab is pinned, because a pinned thread sees only its own
    /// processors.
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

    /// Whether the generator has its own processor.
    pub fn generator_is_apart(&self) -> bool {
        self.generator.iter().all(|processor| !self.arms.contains(processor))
    }

    /// A note for readers of the figures, if the machine is too small.
    pub fn caveat(&self) -> Option<&'static str> {
        (!self.generator_is_apart()).then_some(
            "the generator and the arms share one processor: latency includes waiting for the generator, \
             and send lag depends on the arms",
        )
    }
}

/// The processors that this thread may use; processor 0 if the kernel does not report them.
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
