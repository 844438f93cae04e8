//! The container engine of this machine.

use std::collections::BTreeSet;

use anyhow::Result;
use design::BackingKind;
use nix::sys::utsname::uname;
use scenario::{diagnostic::Diagnostic, plan::ArmPlan};

use super::{
    backing,
    docker::{self, DockerFault, MISSING_IMAGE},
    stale,
};

/// The image with the lab, which is every service process as well.
pub const IMAGE: &str = concat!("system-design-lab:", env!("CARGO_PKG_VERSION"));

/// The oldest supported engine version.
const OLDEST: (u32, u32) = (20, 10);

/// The first Compose version with `include`, which the root's compose file uses.
const OLDEST_COMPOSE: (u32, u32) = (2, 20);

/// An engine that responds, and the image of the service processes.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The image of the service processes.
    pub image: String,
    /// The engine's version.
    pub version: String,
    /// The image's id, shortened like the engine shortens it.
    pub image_id: String,
}

impl Engine {
    /// Finds the engine, and removes what killed labs left there.
    ///
    /// Fails with a hint if there is none, if it may not be used, if it is too old, if there is no Compose 2,
    /// or if it runs on another machine, where its containers could be neither reached nor measured.
    pub fn find(image: &str) -> Result<Self> {
        let said = docker::ask(&["info", "--format", "{{.Name}} {{.ServerVersion}} {{.OSType}}"]);
        let said = said.map_err(DockerFault::diagnostic)?;
        let mut words = said.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let here = uname().map(|names| names.nodename().to_string_lossy().into_owned()).unwrap_or_default();
        if name != here {
            let what = format!("the container engine runs on `{name}` and not on `{here}`");
            let hint = "the lab has to reach its containers' addresses and control groups: use an engine of this \
                        machine, without a virtual machine in between, or `--runtime process`";
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        if is_older(version, OLDEST) {
            let what = format!("the container engine has version {version}");
            let hint = format!("Docker Engine {}.{} or later is needed", OLDEST.0, OLDEST.1);
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        let compose = docker::ask(&["compose", "version", "--short"]).map_err(DockerFault::diagnostic)?;
        if is_older(compose.trim_start_matches('v'), OLDEST_COMPOSE) {
            let what = format!("Docker Compose has version {compose}");
            let hint = format!("Docker Compose {}.{} or later is needed", OLDEST_COMPOSE.0, OLDEST_COMPOSE.1);
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        stale::remove();
        // A missing image is an error when an arm starts; here only the figures' origin is recorded.
        let id = docker::ask(&["image", "inspect", "--format", "{{.Id}}", image]).unwrap_or_default();
        let image_id = id.trim_start_matches("sha256:").chars().take(12).collect();
        Ok(Self { image: image.to_owned(), version: version.to_owned(), image_id })
    }

    /// A note for readers of the figures of a run, and whether links led through the proxy in it.
    pub fn note(&self, has_proxy: bool) -> String {
        let proxy = if has_proxy { "; the proxy on links was a process of this machine" } else { "" };
        format!(
            "every process ran in a container of Docker {}, the services from the image `{}` ({}): what was changed \
             after it was built was not measured; stores and brokers started on every processor, and were bound to \
             those of the arms before there was any load{proxy}",
            self.version, self.image, self.image_id,
        )
    }

    /// Fails if an arm's image is missing: the lab pulls and builds nothing by itself.
    pub(super) fn has_images(&self, arm: &ArmPlan) -> Result<()> {
        let backings = arm.backings.iter().filter(|need| need.kind != BackingKind::Sqlite);
        let images = backings.map(|need| backing::image(need.kind, &self.image)).chain([self.image.as_str()]);
        let images: BTreeSet<&str> = images.collect();
        let asked: Vec<&str> =
            ["image", "inspect", "--format", "{{.Id}}"].into_iter().chain(images.iter().copied()).collect();
        docker::ask(&asked).map(|_| ()).map_err(|fault| match fault {
            DockerFault::Failed { words, .. } if words.contains("No such image") => {
                let missing: Vec<&str> = images.into_iter().filter(|image| words.contains(image)).collect();
                let what = format!("an image is not here: `{}`", missing.join("`, `"));
                Diagnostic::new(what).hint(MISSING_IMAGE).into()
            }
            other => other.diagnostic(),
        })
    }
}

/// Whether a version such as `20.10.24+dfsg1` is older than another; `false` if it cannot be parsed.
fn is_older(version: &str, than: (u32, u32)) -> bool {
    let mut numbers = version.split(['.', '+', '-']).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_old_by_its_numbers_and_not_by_its_letters() {
        assert!(is_older("19.03.15", OLDEST));
        assert!(!is_older("20.10.24+dfsg1", OLDEST));
        assert!(!is_older("100.0.1", OLDEST));
        assert!(!is_older("dev", OLDEST));
    }
}
