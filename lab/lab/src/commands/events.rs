//! `lab events`: the dead letters of a wiring that is up, listed and replayed.

use std::{collections::BTreeSet, fmt::Write, net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use clap::Subcommand;
use runtimes::http::{self, Reply};
use scenario::diagnostic::Diagnostic;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::trace::chosen;
use crate::{outcome::Outcome, output, recent};

/// How long a process may take for its answer: it may have to read a log, or to publish what was in it.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

const HELP: &str = "\
A dead letter is an event that a consumer group could not process: its type is unknown, its
payload cannot be decoded, or the subscriber failed in every attempt. The group stores it with
the reason and goes on, so it holds up no other event, and it is not lost.
While a group is unavailable there are no dead letters: its events wait (`consumer_lag`).

Read the reason, remove the cause, then replay. A replay has all dead letters of the topic
processed again; an event that fails again becomes a dead letter again. Replaying twice is
harmless, because subscribers are idempotent by event id.

The axis `events` decides where dead letters are stored:
  inline   there are none: the request fails
  memory   in the process that published, until it ends
  kafka    in a topic of the group's own, such as `clicks.tallying.dead`; a replay publishes them
           to the topic again
An event that an outbox cannot publish stays in its table, as a dead letter of `outbox`.

Examples:
  lab events dead                          list the dead letters with their reasons
  lab events replay clicks                 process those of the topic `clicks` again
  lab events dead --at 127.0.0.1:40123     ask a process that `lab up` did not start

The metric `events_dead_total` counts them. Without the lab, at a process's internal server:
`curl http://HOST:PORT/events/dead`, `curl -X POST http://HOST:PORT/events/dead/TOPIC/replay`.";

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the dead letters with their reasons
    Dead {
        #[command(flatten)]
        processes: Processes,
    },
    /// Process the dead letters of a topic again
    Replay {
        /// The topic, as `lab events dead` lists it
        #[arg(value_name = "TOPIC")]
        topic: String,
        #[command(flatten)]
        processes: Processes,
    },
}

/// Which processes to ask.
#[derive(Debug, clap::Args)]
struct Processes {
    /// The process id of the `lab up` to ask, if several are up
    #[arg(long, value_name = "PID", conflicts_with = "at")]
    up: Option<u32>,
    /// The internal server of a process to ask, in place of those of a `lab up`; may be repeated
    #[arg(long, value_name = "HOST:PORT")]
    at: Vec<SocketAddr>,
}

/// A dead letter, as a process tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct DeadLetter {
    topic: String,
    group: String,
    /// Milliseconds since 1970.
    published: Option<i64>,
    place: String,
    id: Option<String>,
    key: Option<String>,
    type_name: Option<String>,
    bytes: usize,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Replayed {
    replayed: u64,
}

impl Args {
    /// Lists, or replays.
    pub fn run(&self) -> Result<Outcome> {
        match &self.command {
            Command::Dead { processes } => dead(processes),
            Command::Replay { topic, processes } => replay(topic, processes),
        }
    }
}

fn dead(processes: &Processes) -> Result<Outcome> {
    let mut letters = BTreeSet::new();
    for address in processes.addresses()? {
        // Members of a group keep theirs in one place, and each tells of all.
        letters.extend(list(address)?);
    }
    if letters.is_empty() {
        output::talk("there are no dead letters");
    } else {
        output::data(&text(&letters))?;
    }
    Ok(Outcome::Done)
}

fn replay(topic: &str, processes: &Processes) -> Result<Outcome> {
    // All are asked before the first replays anything: what fails again is not replayed by the next member of its group.
    let mut known = BTreeSet::new();
    let (addresses, mut keepers) = (processes.addresses()?, Vec::new());
    for address in &addresses {
        let listed = list(*address)?.into_iter().filter(|letter| letter.topic == topic);
        let before = known.len();
        known.extend(listed);
        if known.len() > before {
            keepers.push(*address);
        }
    }
    // Where nothing is listed, all of them say whether they know the topic: a misspelled one is an error.
    let asked = if keepers.is_empty() { addresses } else { keepers };
    let replayed = asked.iter().map(|address| replayed_by(*address, topic)).collect::<Result<Vec<_>>>()?;
    match replayed.into_iter().flatten().reduce(|all, more| all + more) {
        None => Err(unknown(topic).into()),
        Some(0) => {
            output::talk(&format!("there are no dead letters of the topic `{topic}`"));
            Ok(Outcome::Done)
        }
        Some(replayed) => {
            output::data(&format!("{replayed} replayed; `lab events dead` lists those that fail again\n"))?;
            Ok(Outcome::Done)
        }
    }
}

/// How many events a process replayed; none if it stores no dead letters of the topic.
fn replayed_by(address: SocketAddr, topic: &str) -> Result<Option<u64>> {
    let path = format!("/events/dead/{topic}/replay");
    let reply = http::post(address, &path, ANSWER_WITHIN);
    if matches!(&reply, Ok(Reply { status: 404, .. })) {
        return Ok(None);
    }
    let reply = answered(address, &path, reply)?;
    let told: Replayed = serde_json::from_str(&reply.body)
        .with_context(|| format!("`http://{address}{path}` does not say how many it replayed"))?;
    Ok(Some(told.replayed))
}

fn unknown(topic: &str) -> Diagnostic {
    Diagnostic::new(format!("no process stores dead letters of a topic `{topic}`")).hint(
        "`lab show SYSTEM` lists the topics of a system; with `events=inline` there are no dead letters",
    )
}

fn list(address: SocketAddr) -> Result<Vec<DeadLetter>> {
    let path = "/events/dead";
    let reply = answered(address, path, http::get(address, path, ANSWER_WITHIN))?;
    serde_json::from_str(&reply.body)
        .with_context(|| format!("`http://{address}{path}` is not a list of dead letters"))
}

impl Processes {
    fn addresses(&self) -> Result<Vec<SocketAddr>> {
        if !self.at.is_empty() {
            return Ok(self.at.clone());
        }
        let hint = "`lab up shortener --set events=kafka` starts one that has events; `--at HOST:PORT` asks a process that was started otherwise";
        let nobody = Diagnostic::new("no `lab up` is running").hint(hint);
        let shown = chosen(recent::of_running_labs(&std::env::temp_dir()), self.up, nobody)?;
        Ok(shown.internal.into_iter().map(|process| process.address).collect())
    }
}

/// The reply, if it is a good one.
fn answered(address: SocketAddr, path: &str, reply: std::io::Result<Reply>) -> Result<Reply> {
    let hint = "is it the internal server of a process that is up? `lab up` prints where they are";
    match reply {
        Ok(reply) if reply.status == 200 => Ok(reply),
        Ok(Reply { status: 503, body }) => {
            let what = format!("`http://{address}{path}` cannot say: {}", body.trim_end());
            Err(Diagnostic::new(what).hint("what keeps the dead letters is away; its log says why").into())
        }
        Ok(Reply { status, .. }) => {
            Err(Diagnostic::new(format!("`http://{address}{path}` answers {status}")).hint(hint).into())
        }
        Err(error) => Err(Diagnostic::new(format!("`http://{address}{path}` does not answer: {error}"))
            .hint(hint)
            .into()),
    }
}

/// Two lines for each, in the order of their publication within a group: which it is, and why.
fn text(letters: &BTreeSet<DeadLetter>) -> String {
    let mut text = String::new();
    for DeadLetter { topic, group, published, id, key, type_name, bytes, reason, .. } in letters {
        let published = published.map_or_else(|| "at an unknown time".to_owned(), moment);
        let [id, key, type_name] =
            [id, key, type_name].map(|known| known.as_ref().map_or("unknown", String::as_str));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{topic}.{group}  {published}  id {id}  key {key}  {bytes} bytes of type {type_name}\n  {reason}"
        );
    }
    text
}

/// A moment as RFC 3339 writes it.
fn moment(millis: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    moment.ok().and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_told_once_and_in_order() {
        let letter = |place: &str, published| {
            format!(
                r#"{{"topic":"clicks","group":"tallying","place":"{place}","id":null,"key":"k","type_name":null,"bytes":1,"published":{published},"reason":"it has no event id of 16 bytes"}}"#
            )
        };
        let told =
            format!("[{},{},{}]", letter("d/0/1", 2_000), letter("d/1/0", 1_000), letter("d/0/1", 2_000));
        let letters: BTreeSet<DeadLetter> =
            serde_json::from_str::<Vec<_>>(&told).unwrap().into_iter().collect();
        assert_eq!(letters.len(), 2);
        let text = text(&letters);
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no `{words}` in\n{text}"));
        assert!(at("1970-01-01T00:00:01Z") < at("1970-01-01T00:00:02Z"), "{text}");
        assert!(text.contains("it has no event id of 16 bytes"), "{text}");
    }

    #[test]
    fn what_cannot_be_asked_is_one_message_with_a_hint() {
        let address = "127.0.0.1:9".parse().unwrap();
        for (reply, what) in [
            (
                Ok(Reply { status: 503, body: "`kafka` cannot be reached\n".to_owned() }),
                "`kafka` cannot be reached",
            ),
            (Ok(Reply { status: 404, body: String::new() }), "answers 404"),
            (Err(std::io::ErrorKind::ConnectionRefused.into()), "does not answer: connection refused"),
        ] {
            let error = answered(address, "/events/dead", reply).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("\nhint: "), "{error}");
        }
    }
}
