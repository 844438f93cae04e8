//! Failpoints: places between two effects, at which a test ends the process as `kill -9` or a power cut would.
//!
//! A point is one line of the code that it interrupts: `failpoint::reached("relay", "published")`.
//! Without the feature `failpoints` that line is an empty function, so a release has none of this.
//! With it, a point does nothing either unless the process was given a [folder](armed_in) and a file there has the point's
//! name; then it renames the file and aborts (decision 0071).

#[cfg(feature = "failpoints")]
pub use armed::{REACHED, armed_in, reached};

/// The code has come to a point: between two effects of `place`, at this `moment`.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reached(_place: &str, _moment: &str) {}

#[cfg(feature = "failpoints")]
mod armed {
    use std::{fs, path::PathBuf, process, sync::OnceLock};

    /// What a file's name ends with when its point was reached.
    pub const REACHED: &str = ".reached";

    static FOLDER: OnceLock<PathBuf> = OnceLock::new();

    /// Arms the points that have a file in this folder, now or later: `relay.published`.
    ///
    /// Only the first call of a process has an effect.
    pub fn armed_in(folder: PathBuf) {
        let _ = FOLDER.set(folder);
    }

    /// The code has come to a point: between two effects of `place`, at this `moment`. If it is armed, the process ends here.
    ///
    /// One rename succeeds, so that of several processes one ends, and it does not end there again after its restart.
    /// An abort is as a kill: no destructor runs, no buffer is flushed, no reply is sent.
    pub fn reached(place: &str, moment: &str) {
        let Some(folder) = FOLDER.get() else { return };
        let armed = folder.join(format!("{place}.{moment}"));
        if fs::rename(&armed, folder.join(format!("{place}.{moment}{REACHED}"))).is_ok() {
            process::abort();
        }
    }
}
