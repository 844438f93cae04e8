//! What a lab that was killed left with the engine: found by its label, and removed by the next lab.

use std::collections::BTreeSet;

use procfs::process::Process;

use super::docker::{self, DockerFault};

/// The label of everything that a lab makes: `PID-START` of the lab, so that a process id that was used again is told.
pub(super) const OWNER: &str = "system-design-lab.owner";

/// The label with the project's name.
pub(super) const PROJECT: &str = "system-design-lab.project";

/// This lab as the label has it.
pub(super) fn own_name() -> String {
    let start = started(std::process::id()).unwrap_or_default();
    format!("{}-{start}", std::process::id())
}

/// When a process started, in the kernel's ticks since it booted; none if there is no such process.
fn started(pid: u32) -> Option<u64> {
    Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok().map(|stat| stat.starttime)
}

fn lives(owner: &str) -> bool {
    let parts = owner.split_once('-').and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)));
    parts.is_none_or(|(pid, start): (u32, u64)| started(pid) == Some(start))
}

/// The kinds of thing that a project leaves, in the order in which they can go.
const KINDS: [(&str, &[&str], &[&str]); 3] = [
    ("container", &["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
    ("volume", &["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
    ("network", &["network", "ls", "--quiet"], &["network", "rm"]),
];

/// How often a lab that ends at once looks for what it made.
const MOST_SWEEPS: usize = 5;

/// Removes what labs left that are gone. What cannot be removed now is tried again by the next lab.
pub(super) fn remove() {
    let _ = remove_those(|owner| !lives(owner));
}

/// Removes what this lab made, at once and whatever is under way.
pub(crate) fn remove_own() {
    docker::break_off();
    let own = own_name();
    // Again, for what the engine had begun to make.
    for _ in 0..MOST_SWEEPS {
        if remove_those(|owner| owner == own).is_ok_and(|projects| projects == 0) {
            break;
        }
    }
}

/// Removes the projects of chosen owners; how many there were. Fails if the engine did not say of all.
fn remove_those(chosen: impl Fn(&str) -> bool) -> Result<usize, DockerFault> {
    let format = format!("{{{{.Label \"{OWNER}\"}}}} {{{{.Label \"{PROJECT}\"}}}}");
    let filter = format!("label={OWNER}");
    let (mut projects, mut unsaid) = (BTreeSet::new(), None);
    for list in [&["ps", "--all"][..], &["volume", "ls"], &["network", "ls"]] {
        let asked = [list, &["--filter", &filter, "--format", &format]].concat();
        let said = docker::ask(&asked).unwrap_or_else(|fault| {
            unsaid = Some(fault);
            String::new()
        });
        let gone = said.lines().filter_map(|line| line.split_once(' ')).filter(|(owner, _)| chosen(owner));
        projects.extend(gone.map(|(_, project)| project.to_owned()));
    }
    for project in &projects {
        sweep(project);
    }
    unsaid.map_or(Ok(projects.len()), Err)
}

/// Removes everything of a project; what is left of it, in words.
pub(super) fn sweep(project: &str) -> Vec<String> {
    let filter = format!("label={PROJECT}={project}");
    let mut left = Vec::new();
    for (kind, list, remove) in KINDS {
        let Ok(found) = docker::ask(&[list, &["--filter", &filter]].concat()) else {
            left.push(format!("any {kind}: the engine did not say"));
            continue;
        };
        let names: Vec<&str> = found.lines().collect();
        if !names.is_empty() && docker::run(&[remove, &names].concat(), super::up::DOWN_WITHIN).is_err() {
            left.push(format!("{} {kind}(s)", names.len()));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_is_known_by_its_process_and_when_that_started() {
        assert!(lives(&own_name()));
        let (pid, _) =
            own_name().split_once('-').map(|(pid, start)| (pid.to_owned(), start.to_owned())).unwrap();
        assert!(!lives(&format!("{pid}-1")), "another process had that id");
        assert!(!lives("99999999-1"), "no such process");
        assert!(lives("not ours"), "what is not understood stays");
    }
}
