//! What a killed lab left with the engine: found by label, and removed by the next lab.

use std::collections::BTreeSet;

use procfs::process::Process;

use super::docker::{self, DockerFault};

/// The label of everything that a lab creates: the lab's `PID-START`, so that a reused process id is
/// recognised.
pub(super) const OWNER: &str = "system-design-lab.owner";

/// The label with the project's name.
pub(super) const PROJECT: &str = "system-design-lab.project";

/// This lab's label value.
pub(super) fn own_name() -> String {
    let start = started(std::process::id()).unwrap_or_default();
    format!("{}-{start}", std::process::id())
}

/// The start time of a process, in the kernel's ticks since boot; `None` if it does not exist.
fn started(pid: u32) -> Option<u64> {
    Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok().map(|stat| stat.starttime)
}

fn lives(owner: &str) -> bool {
    let parts = owner.split_once('-').and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)));
    parts.is_none_or(|(pid, start): (u32, u64)| started(pid) == Some(start))
}

/// The kinds of objects in a project, in the order of their removal.
const KINDS: [(&str, &[&str], &[&str]); 3] = [
    ("container", &["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
    ("volume", &["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
    ("network", &["network", "ls", "--quiet"], &["network", "rm"]),
];

/// How often a lab that is ending at once searches for what it created.
const MOST_SWEEPS: usize = 5;

/// Removes what killed labs left. What cannot be removed now is left to the next lab.
pub(super) fn remove() {
    let _ = remove_those(|owner| !lives(owner));
}

/// Removes what this lab created, at once, even during a call.
pub(crate) fn remove_own() {
    docker::break_off();
    let own = own_name();
    // Repeated, for objects that the engine had begun to create.
    for _ in 0..MOST_SWEEPS {
        if remove_those(|owner| owner == own).is_ok_and(|projects| projects == 0) {
            break;
        }
    }
}

/// Removes the projects of chosen owners; returns their number. Fails if the engine did not list all of them.
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

/// Removes everything of a project; returns descriptions of what is left.
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
