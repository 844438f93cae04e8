//! Faults by hand: `lab up` holds them, and `lab fault` asks for them at a socket in its folder.
//!
//! A request and its reply are one line of JSON each.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use runtimes::arm::{RunningArm, Victim};
use scenario::{
    Fault, FaultByHand,
    diagnostic::{self, Diagnostic},
    plan::ArmPlan,
};
use serde::{Deserialize, Serialize};

/// The socket in the folder of a lab with a running wiring.
const SOCKET: &str = "faults.sock";

/// The time limit of a request or a reply; a store with many processes takes some milliseconds to kill.
const WITHIN: Duration = Duration::from_secs(10);

/// The time limit for whoever has connected to say what it wants: meanwhile the lab does nothing else.
const ASKED_WITHIN: Duration = Duration::from_millis(500);

/// The most faults in force at once.
const MOST: usize = 64;

/// What `lab fault` asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Make this one.
    Make(FaultByHand),
    /// List those in force.
    List,
    /// Undo all.
    Clear,
}

/// What is said to it: lines to print, or an error message.
type Reply = Result<Vec<String>, String>;

/// The faults in force in a wiring that is up. Dropping it undoes them.
pub struct FaultsByHand {
    arm: ArmPlan,
    /// When the wiring came up; faults count from here.
    since: Instant,
    listener: UnixListener,
    socket: PathBuf,
    in_force: Vec<InForce>,
}

/// A fault in force. Dropping it undoes it.
struct InForce {
    fault: Fault,
    victim: Box<dyn Victim>,
}

impl Drop for InForce {
    fn drop(&mut self) {
        if let Err(error) = self.victim.end() {
            let Fault { what, target, .. } = &self.fault;
            anstream::eprintln!("warning: `{}` of {target} could not be undone: {error:#}", what.name());
        }
    }
}

impl FaultsByHand {
    /// Listens in the lab's folder.
    pub fn new(folder: &Path, arm: &ArmPlan) -> Result<Self> {
        let socket = folder.join(SOCKET);
        let listen = || {
            let listener = UnixListener::bind(&socket)?;
            // Whoever reaches it can kill what runs here.
            fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            std::io::Result::Ok(listener)
        };
        let listener = listen().with_context(|| format!("cannot listen on `{}`", socket.display()))?;
        Ok(Self { arm: arm.clone(), since: Instant::now(), listener, socket, in_force: Vec::new() })
    }

    /// Where `lab fault` finds it.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Undoes what is over, and answers those who wait. Returns what to tell.
    pub fn look(&mut self, running: &RunningArm) -> Vec<String> {
        let now = self.since.elapsed();
        let over = self.in_force.extract_if(.., |force| force.fault.until() <= now);
        let mut told: Vec<_> = over.map(|force| format!("over: {}", said(&force.fault))).collect();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => told.extend(self.answer(&stream, running)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return told,
                // Somebody who went away again; the next look may do better.
                Err(_) => return told,
            }
        }
    }

    fn answer(&mut self, stream: &UnixStream, running: &RunningArm) -> Vec<String> {
        let Ok(request) = received::<Request>(stream, ASKED_WITHIN) else { return Vec::new() };
        let is_news = !matches!(request, Request::List);
        let reply = self.done(request, running);
        // Whoever asked may be gone.
        let _ = send(stream, &reply);
        if is_news { reply.unwrap_or_default() } else { Vec::new() }
    }

    fn done(&mut self, request: Request, running: &RunningArm) -> Reply {
        match request {
            Request::Make(fault) => self.make(&fault, running).map_err(|error| diagnostic::told(&error)),
            Request::List => Ok(self.in_force.iter().map(|force| self.listed(&force.fault)).collect()),
            Request::Clear => {
                Ok(self.in_force.drain(..).map(|force| format!("over: {}", said(&force.fault))).collect())
            }
        }
    }

    fn make(&mut self, by_hand: &FaultByHand, running: &RunningArm) -> Result<Vec<String>> {
        let fault = by_hand.checked(self.arm.wiring.system(), self.since.elapsed())?;
        self.arm.can_have(&fault)?;
        if let Some(other) = self.in_force.iter().find(|other| other.fault.overlaps(&fault)) {
            let what = format!("{}, and that is not over yet", self.listed(&other.fault));
            return Err(Diagnostic::new(what).hint("wait until it is, or say `lab fault clear`").into());
        }
        if self.in_force.len() == MOST {
            let what = format!("{MOST} faults are in force");
            return Err(Diagnostic::new(what).hint("`lab fault clear` undoes all").into());
        }
        // Held before it is made, so that a partial one is undone as well.
        let force = InForce { fault, victim: running.victim(&fault)? };
        let made = force.victim.begin().and_then(|_| force.victim.complete());
        made.with_context(|| format!("`{}` could not be made", fault.what.name()))?;
        self.in_force.push(force);
        Ok(vec![self.listed(&fault)])
    }

    /// `links is slowed by 100 ms each way, for another 9.5 s`
    fn listed(&self, fault: &Fault) -> String {
        let left = fault.until().saturating_sub(self.since.elapsed());
        format!("{}, for another {:.1} s", said(fault), left.as_secs_f64())
    }
}

fn said(fault: &Fault) -> String {
    format!("{} is {}", fault.target, fault.what)
}

/// Asks the lab that listens there; returns the lines to print.
pub fn ask(socket: &Path, request: &Request) -> Result<Vec<String>> {
    let stream =
        UnixStream::connect(socket).with_context(|| format!("nobody answers at `{}`", socket.display()))?;
    send(&stream, request)?;
    let reply: Reply = received(&stream, WITHIN).context("the lab that is up did not answer")?;
    reply.map_err(|told| {
        let told = told.strip_prefix("error: ").unwrap_or(&told);
        match told.split_once("\nhint: ") {
            Some((what, hint)) => Diagnostic::new(what).hint(hint).into(),
            None => Diagnostic::new(told).into(),
        }
    })
}

fn send(mut stream: &UnixStream, what: &impl Serialize) -> Result<()> {
    stream.set_write_timeout(Some(WITHIN))?;
    let line = serde_json::to_string(what)? + "\n";
    stream.write_all(line.as_bytes())?;
    Ok(())
}

fn received<T: for<'de> Deserialize<'de>>(stream: &UnixStream, within: Duration) -> Result<T> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(within))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
