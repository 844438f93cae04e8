//! Keys of `lab up`: what a person at its terminal can do without another one.
//!
//! A key is a line, because a terminal hands over lines: a letter and Enter. What it asks for goes the way of `lab fault`, so
//! that it keeps to the same rules.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal as _, Read, stdin},
    os::{fd::AsFd, unix::fs::FileTypeExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{SigSet, Signal},
};
use runtimes::arm::RunningArm;
use scenario::{FaultByHand, diagnostic};

use crate::{
    by_hand::{self, Request},
    output,
};

/// How long a process stays down that a key kills.
const DOWN: Duration = Duration::from_secs(3);

/// The longest line, in bytes; a longer one is taken as several.
const LONGEST_LINE: u64 = 64;

/// The pause after each line, faster than anybody types: a pipe may bring lines without end.
const PAUSE: Duration = Duration::from_millis(50);

/// The pause after a look at a terminal that is somebody else's while the lab is in the background.
const IN_THE_BACKGROUND: Duration = Duration::from_secs(1);

/// Reads keys from now on, if somebody can press any; returns what to tell when the lab is up.
///
/// The thread ends with the process, or when standard input does; the lab does not end with it.
pub(super) fn listen(arm: Option<&RunningArm>, faults: &Path) -> String {
    let plain = "up; Ctrl-C stops it".to_owned();
    let Some(keys) = arm.and_then(|arm| Keys::new(arm, faults)) else { return plain };
    let told = keys.told();
    let Some(input) = pressed() else { return plain };
    let reading = thread::Builder::new().name("keys".to_owned()).spawn(move || {
        // Without it, a read in the background stops the whole lab.
        let _ = SigSet::from(Signal::SIGTTIN).thread_block();
        let mut keys = keys;
        follow(input, |line| output_of(&keys.press(line)));
    });
    if reading.is_ok() { format!("{plain}, {told}") } else { plain }
}

fn output_of(words: &str) {
    if !words.is_empty() {
        output::talk(words);
    }
}

/// Standard input, if it is a terminal or a pipe: nobody presses keys in a file or in `/dev/null`.
fn pressed() -> Option<File> {
    let own = stdin();
    let is_terminal = own.is_terminal();
    let input = File::from(own.as_fd().try_clone_to_owned().ok()?);
    (is_terminal || is_pipe(&input)).then_some(input)
}

fn is_pipe(input: &File) -> bool {
    input.metadata().is_ok_and(|data| data.file_type().is_fifo())
}

/// Calls `press` with each line until there are no more.
fn follow(input: impl Read, mut press: impl FnMut(&str)) {
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                press(String::from_utf8_lossy(&line).trim());
                thread::sleep(PAUSE);
            }
            Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => thread::sleep(IN_THE_BACKGROUND),
            Err(_) => return,
        }
    }
}

/// What the keys do.
struct Keys {
    /// The processes with a public API, at least one.
    victims: Vec<String>,
    /// The index of the one that is killed next.
    next: usize,
    /// Where `lab fault` asks.
    faults: PathBuf,
    /// Whether it has been said that a line is no key: once is enough, until one is.
    has_complained: bool,
}

impl Keys {
    fn new(arm: &RunningArm, faults: &Path) -> Option<Self> {
        let public = arm.processes.iter().filter(|process| process.public.is_some());
        let victims: Vec<_> = public.map(|process| process.name.clone()).collect();
        Self::of(victims, faults)
    }

    fn of(victims: Vec<String>, faults: &Path) -> Option<Self> {
        let faults = faults.to_owned();
        (!victims.is_empty()).then_some(Self { victims, next: 0, faults, has_complained: false })
    }

    /// Does what a line asks for; returns what to tell. What is done is told by the lab itself.
    fn press(&mut self, line: &str) -> String {
        let is_known = matches!(line, "k" | "h" | "?");
        let has_complained = std::mem::replace(&mut self.has_complained, !is_known && !line.is_empty());
        match line {
            "" => String::new(),
            "k" => self.kill(),
            "h" | "?" => self.told(),
            _ if has_complained => String::new(),
            _ => format!("`{}` is no key: {}", line.escape_debug(), self.told()),
        }
    }

    /// Kills the next one in turn.
    fn kill(&mut self) -> String {
        let target = self.victims[self.next].clone();
        self.next = (self.next + 1) % self.victims.len();
        let (what, for_ms) = ("kill".to_owned(), DOWN.as_millis() as u64);
        let request = Request::Make(FaultByHand { what, target, with: Vec::new(), for_ms });
        by_hand::ask(&self.faults, &request).err().map(|error| diagnostic::told(&error)).unwrap_or_default()
    }

    /// `` `k` and Enter kill `gateway-2` for 3 s, the next time `gateway-1`; `h` says the keys ``
    fn told(&self) -> String {
        let after = &self.victims[(self.next + 1) % self.victims.len()];
        let then = if self.victims.len() > 1 { format!(", the next time `{after}`") } else { String::new() };
        let (now, seconds) = (&self.victims[self.next], DOWN.as_secs());
        format!("`k` and Enter kill `{now}` for {seconds} s{then}; `h` says the keys")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn keys(faults: &Path) -> Keys {
        Keys::of(vec!["gateway-1".to_owned(), "gateway-2".to_owned()], faults).unwrap()
    }

    /// What a lab is asked for by these lines, each of which it refuses, and what is told.
    fn asked(lines: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("faults.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut keys = keys(&socket);
        let (mut requests, mut told) = (Vec::new(), Vec::new());
        for line in lines {
            thread::scope(|scope| {
                let pressing = scope.spawn(|| keys.press(line));
                while !pressing.is_finished() {
                    let Ok((stream, _)) = listener.accept() else { continue };
                    stream.set_nonblocking(false).unwrap();
                    let mut request = String::new();
                    BufReader::new(&stream).read_line(&mut request).unwrap();
                    requests.push(request.trim().to_owned());
                    std::io::Write::write_all(&mut &stream, b"{\"Err\":\"error: not now\\nhint: wait\"}\n")
                        .unwrap();
                }
                told.push(pressing.join().unwrap());
            });
        }
        (requests, told)
    }

    #[test]
    fn k_kills_one_process_after_the_other_and_says_what_was_refused() {
        let (requests, told) = asked(&["k", "k", "k"]);
        let request =
            |name: &str| format!(r#"{{"make":{{"what":"kill","target":"{name}","with":[],"for_ms":3000}}}}"#);
        assert_eq!(requests, ["gateway-1", "gateway-2", "gateway-1"].map(request));
        assert_eq!(told, ["error: not now\nhint: wait"; 3]);
    }

    #[test]
    fn what_is_no_key_does_nothing_and_is_told_once() {
        let (requests, told) = asked(&["", "K", "x", "h", "\u{1b}[A", "?"]);
        assert_eq!(requests, [""; 0]);
        let help = "`k` and Enter kill `gateway-1` for 3 s, the next time `gateway-2`; `h` says the keys";
        let no_key = |line: &str| format!("`{line}` is no key: {help}");
        let (capital, arrow) = (no_key("K"), no_key("\\u{1b}[A"));
        assert_eq!(told, ["", &capital, "", help, &arrow, help]);
        let alone = Keys::of(vec!["chat".to_owned()], Path::new("")).unwrap();
        assert_eq!(alone.told(), "`k` and Enter kill `chat` for 3 s; `h` says the keys");
        assert!(Keys::of(Vec::new(), Path::new("")).is_none());
    }

    #[test]
    fn lines_are_followed_to_the_end_and_one_without_end_takes_no_memory() {
        let mut lines = Vec::new();
        follow(&b"k\r\n\n h \nk"[..], |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["k", "", "h", "k"]);
        let mut lengths = Vec::new();
        follow(&[b'k'; 150][..], |line| lengths.push(line.len()));
        assert_eq!(lengths, [64, 64, 22]);
    }

    #[test]
    fn a_lab_in_the_background_waits_for_its_terminal() {
        /// A terminal that is somebody else's for one look.
        struct Terminal(bool);

        impl Read for Terminal {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                if std::mem::take(&mut self.0) { Err(Errno::EIO.into()) } else { (&b""[..]).read(buffer) }
            }
        }

        let mut lines = 0;
        follow(Terminal(true).chain(&b"k\n"[..]), |_| lines += 1);
        assert_eq!(lines, 1);
    }

    #[test]
    fn keys_are_read_from_a_pipe_and_from_no_file() {
        let (reading, _writing) = std::io::pipe().unwrap();
        assert!(is_pipe(&File::from(std::os::fd::OwnedFd::from(reading))));
        assert!(!is_pipe(&File::open("/dev/null").unwrap()));
        assert!(!is_pipe(&tempfile::tempfile().unwrap()));
    }
}
