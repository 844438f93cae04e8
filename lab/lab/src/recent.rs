//! The last traces of a running wiring: assembled as their spans arrive, and stored for `lab trace`.

use std::{
    collections::VecDeque,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use report::model;
use runtimes::{
    owned_folder,
    scratch::write_private,
    traces::{self, Span, SpanKind, Trace},
};
use serde::{Deserialize, Serialize};

/// The number of stored traces; a further one replaces the oldest.
pub const KEPT: usize = 100;

/// The file in the folder of a lab with a running wiring.
const FILE: &str = "traces.json";

/// The content of that file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// The process id of the lab.
    pub pid: u32,
    /// The system.
    pub system: String,
    /// Its public API.
    pub url: String,
    /// The value of the axis `tracing`.
    pub tracing: String,
    /// The socket at which faults are made.
    #[serde(default)]
    pub faults: PathBuf,
    /// The internal server of each process.
    pub internal: Vec<Internal>,
    /// The traces, the oldest first.
    pub traces: Vec<ShownTrace>,
}

/// The internal server of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Internal {
    /// The process.
    pub process: String,
    /// Where its internal server is.
    pub address: SocketAddr,
}

/// One trace as it is drawn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownTrace {
    /// When the operation began, milliseconds since 1970.
    pub began_ms: u64,
    /// The trace.
    pub trace: model::Trace,
}

/// The last traces. The spans of one operation arrive in several messages, from several processes.
#[derive(Debug)]
pub struct Recent {
    file: PathBuf,
    shown: Shown,
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    trace: Trace,
    /// Whether spans arrived since the last look.
    grows: bool,
    /// Whether it was returned as complete.
    told: bool,
}

impl Recent {
    /// Starts without traces, for the wiring in `shown`; the file is in the lab's folder.
    pub fn start(folder: &Path, shown: Shown) -> Result<Self> {
        let recent = Self { file: folder.join(FILE), shown, kept: VecDeque::new() };
        recent.write()?;
        Ok(recent)
    }

    /// Adds the spans that arrived since the last look; returns the traces that are complete: those without
    /// new spans.
    pub fn look(&mut self, arrived: Vec<Trace>) -> Result<Vec<Trace>> {
        let changed = !arrived.is_empty();
        for kept in &mut self.kept {
            kept.grows = false;
        }
        for trace in arrived {
            self.add(trace);
        }
        if changed {
            self.shown.traces = self.kept.iter().filter_map(|kept| shown(&kept.trace)).collect();
            self.write()?;
        }
        let mut whole = Vec::new();
        for kept in self.kept.iter_mut().filter(|kept| !kept.grows && !kept.told) {
            kept.told = true;
            whole.push(kept.trace.clone());
        }
        Ok(whole)
    }

    fn add(&mut self, arrived: Trace) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.trace.id == arrived.id) {
            kept.grows = true;
            if kept.told && begins_again(&kept.trace, &arrived.spans) {
                *kept = Kept { trace: arrived, grows: true, told: false };
            } else {
                kept.trace.spans.extend(arrived.spans);
            }
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { trace: arrived, grows: true, told: false });
    }

    /// Written atomically, so that no reader sees half of it; readable by its owner only, because a path may
    /// contain user data.
    fn write(&self) -> Result<()> {
        let place = self.file.with_extension("new");
        let json = serde_json::to_string(&self.shown).context("cannot write traces down")?;
        write_private(&place, &json)
            .and_then(|()| fs::rename(&place, &self.file))
            .with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

/// Whether a new operation arrived under the id of a completed one.
fn begins_again(known: &Trace, arrived: &[Span]) -> bool {
    let is_known = |id: &[u8]| known.spans.iter().chain(arrived).any(|span| span.id == id);
    arrived.iter().any(|span| span.parent.is_empty() || !is_known(&span.parent))
}

fn shown(trace: &Trace) -> Option<ShownTrace> {
    let began_ms = trace.root()?.start_ns / 1_000_000;
    Some(ShownTrace { began_ms, trace: drawn(trace)? })
}

/// A trace as it is drawn; `None` without a root.
pub(crate) fn drawn(received: &Trace) -> Option<model::Trace> {
    let rows = traces::rows(received);
    let operation = rows.first()?.name.clone();
    let span = |row: traces::Row| model::Span {
        name: row.name,
        process: row.process,
        component: row.component,
        kind: match row.kind {
            SpanKind::Client => "client",
            SpanKind::Server => "server",
            SpanKind::Internal => "internal",
        }
        .to_owned(),
        start_us: row.start_us,
        duration_us: row.duration_us,
        depth: row.depth as u32,
    };
    Some(model::Trace {
        trace_id: received.id.clone(),
        operation,
        spans: rows.into_iter().map(span).collect(),
    })
}

impl Shown {
    /// Whether its lab still runs.
    pub fn is_running(&self, temporary: &Path) -> bool {
        owned_folder::of_running(temporary).iter().any(|folder| self.faults.starts_with(folder))
    }
}

/// The contents of all running labs' files in the temporary folder; the newest lab's last.
pub fn of_running_labs(temporary: &Path) -> Vec<Shown> {
    let files = owned_folder::of_running(temporary).into_iter().map(|folder| folder.join(FILE));
    let mut found: Vec<(SystemTime, Shown)> = files
        .filter_map(|file| {
            let shown = serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()?;
            let made = fs::metadata(file.parent()?).and_then(|folder| folder.created()).unwrap_or(UNIX_EPOCH);
            Some((made, shown))
        })
        .collect();
    found.sort_by_key(|(made, shown)| (*made, shown.pid));
    found.into_iter().map(|(_, shown)| shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: u8, parent: u8) -> Span {
        Span {
            id: vec![id],
            parent: vec![parent],
            name: format!("span {id}"),
            process: "any".to_owned(),
            kind: SpanKind::Server,
            component: None,
            hop: None,
            store: None,
            start_ns: u64::from(id) * 1_000_000,
            end_ns: u64::from(id) * 2_000_000,
        }
    }

    fn arrives(id: &str, spans: Vec<Span>) -> Vec<Trace> {
        vec![Trace { id: id.to_owned(), spans }]
    }

    fn recent(folder: &Path) -> Recent {
        Recent::start(folder, Shown { pid: 7, system: "shortener".to_owned(), ..Shown::default() }).unwrap()
    }

    fn written(folder: &Path) -> Shown {
        serde_json::from_str(&fs::read_to_string(folder.join(FILE)).unwrap()).unwrap()
    }

    #[test]
    fn a_trace_is_whole_when_nothing_came_to_it_for_a_look_and_what_comes_later_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let mut recent = recent(folder.path());
        assert!(written(folder.path()).traces.is_empty(), "it is found before there is any trace");
        // The caller's span, 99, is missing.
        assert_eq!(recent.look(arrives("a", vec![span(1, 99)])).unwrap(), []);
        assert_eq!(recent.look(arrives("a", vec![span(2, 1)])).unwrap(), []);
        let whole = recent.look(Vec::new()).unwrap();
        assert_eq!(whole.iter().map(|trace| trace.spans.len()).collect::<Vec<_>>(), [2]);
        assert_eq!(recent.look(Vec::new()).unwrap(), [], "told once");
        recent.look(arrives("a", vec![span(3, 2)])).unwrap();
        let shown = written(folder.path());
        assert_eq!((shown.pid, shown.traces[0].began_ms), (7, 1));
        assert_eq!(shown.traces[0].trace.spans.len(), 3, "what comes later is added");
    }

    #[test]
    fn an_id_that_is_used_again_is_another_operation() {
        let folder = tempfile::tempdir().unwrap();
        let mut recent = recent(folder.path());
        recent.look(arrives("a", vec![span(1, 99)])).unwrap();
        assert_eq!(recent.look(Vec::new()).unwrap().len(), 1);
        recent.look(arrives("a", vec![span(5, 99)])).unwrap();
        let whole = recent.look(Vec::new()).unwrap();
        assert_eq!((whole.len(), whole[0].spans.len()), (1, 1));
        assert_eq!(written(folder.path()).traces[0].began_ms, 5);
    }

    #[test]
    fn the_oldest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut recent = recent(folder.path());
        for number in 0..=KEPT {
            recent.look(arrives(&number.to_string(), vec![span(1, 99)])).unwrap();
        }
        let shown = written(folder.path());
        assert_eq!((shown.traces.len(), shown.traces[0].trace.trace_id.as_str()), (KEPT, "1"));
    }
}
