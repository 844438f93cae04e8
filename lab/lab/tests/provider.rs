//! The stand-in for a payment provider as a process: killed, and started again with its books.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

/// The time limit of each step.
const WITHIN: Duration = Duration::from_secs(20);

/// A provider's file and its process.
struct Provider {
    folder: tempfile::TempDir,
    address: SocketAddr,
    process: Child,
}

impl Provider {
    fn start() -> Self {
        Self::of("listen = '127.0.0.1:7070'\nbooks = 'books.db'\n")
    }

    /// Serves a file, at another address and with books in a folder of its own.
    fn of(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let books = folder.path().join("books.db");
        let text = file.replace("127.0.0.1:7070", &address.to_string());
        let text = text.replace("books.db", &books.display().to_string());
        fs::write(folder.path().join("provider.toml"), text).unwrap();
        let process = Self::process(&folder);
        let provider = Self { folder, address, process };
        provider.is_up();
        provider
    }

    fn process(folder: &tempfile::TempDir) -> Child {
        Command::new(LAB).arg("provider").arg(folder.path().join("provider.toml")).spawn().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("provider.toml")
    }

    /// Asks it as a container's health check does.
    fn checked(&self) -> Output {
        Command::new(LAB).arg("provider").arg("--check").arg(self.file()).output().unwrap()
    }

    fn is_up(&self) {
        let deadline = Instant::now() + WITHIN;
        while !self.checked().status.success() {
            assert!(Instant::now() < deadline, "it does not start");
        }
    }

    fn killed_and_started_again(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = Self::process(&self.folder);
        self.is_up();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The status and the body of a reply; `None` if none came.
fn request(address: SocketAddr, head: &str, body: &str) -> Option<(u16, Value)> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(WITHIN)).ok()?;
    let length = body.len();
    let fields = "host: lab\r\ncontent-type: application/json\r\nconnection: close";
    write!(connection, "{head}\r\n{fields}\r\ncontent-length: {length}\r\n\r\n{body}").ok()?;
    let mut reply = String::new();
    connection.read_to_string(&mut reply).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
}

fn post(address: SocketAddr, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
    request(address, &format!("POST {path} HTTP/1.1\r\nidempotency-key: {key}"), &body.to_string())
}

/// Charges an order, and captures that: what was acknowledged of both.
fn sell(address: SocketAddr, order: usize) -> [Option<(u16, Value)>; 2] {
    let asked =
        json!({ "order": order.to_string(), "amount_minor": 500, "currency": "EUR", "token": "visa" });
    let charged = post(address, "/charges", &format!("charge-{order}"), &asked);
    let path =
        charged.as_ref().map(|(_, charge)| format!("/charges/{}/capture", charge["id"].as_str().unwrap()));
    let capture =
        |path: String| post(address, &path, &format!("capture-{order}"), &json!({ "amount_minor": 500 }));
    [charged, path.and_then(capture)]
}

/// Every charge of the books, by its order.
fn books(address: SocketAddr) -> Vec<(String, Value)> {
    let (mut charges, mut after) = (Vec::new(), 0);
    loop {
        let (status, page) = request(address, &format!("GET /books?after={after} HTTP/1.1"), "").unwrap();
        assert_eq!(status, 200, "{page}");
        for charge in page["charges"].as_array().unwrap() {
            charges.push((charge["order"].as_str().unwrap().to_owned(), charge.clone()));
        }
        let Some(next) = page["next"].as_i64() else { return charges };
        after = next;
    }
}

const CLIENTS: usize = 8;
const KILLS: usize = 3;
/// How long a client leaves a provider alone that did not reply.
const RETRY_AFTER: Duration = Duration::from_millis(5);

#[test]
fn a_provider_that_is_killed_under_load_keeps_all_that_it_replied_and_repeats_it() {
    let mut provider = Provider::start();
    let address = provider.address;
    let (next, rounds) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let acknowledged: Vec<_> = thread::scope(|scope| {
        let client = || {
            let mut acknowledged = Vec::new();
            while rounds.load(Ordering::SeqCst) < KILLS {
                let order = next.fetch_add(1, Ordering::SeqCst);
                let replies = sell(address, order);
                let is_away = replies[0].is_none();
                acknowledged.push((order, replies));
                if is_away {
                    thread::sleep(RETRY_AFTER);
                }
            }
            acknowledged
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        for _ in 0..KILLS {
            let before = next.load(Ordering::SeqCst);
            let deadline = Instant::now() + WITHIN;
            // In the middle of something, whatever that is.
            while next.load(Ordering::SeqCst) < before + 50 * CLIENTS {
                assert!(Instant::now() < deadline, "nobody is served");
                thread::yield_now();
            }
            provider.killed_and_started_again();
            rounds.fetch_add(1, Ordering::SeqCst);
        }
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let (whole, lost): (Vec<_>, Vec<_>) =
        acknowledged.iter().partition(|(_, replies)| replies.iter().all(Option::is_some));
    assert!(whole.len() >= 100 && !lost.is_empty(), "{} whole, {} lost", whole.len(), lost.len());
    for (order, [charged, captured]) in &acknowledged {
        let [charged_again, captured_again] = sell(address, *order);
        assert!(charged.is_none() || *charged == charged_again, "{order}: {charged:?} {charged_again:?}");
        assert!(
            captured.is_none() || *captured == captured_again,
            "{order}: {captured:?} {captured_again:?}"
        );
        assert_eq!(captured_again.map(|(status, _)| status), Some(200), "{order}");
    }
    let books = books(address);
    assert_eq!(books.len(), acknowledged.len(), "each order is charged once");
    for (order, charge) in books {
        assert_eq!(
            (&charge["status"], &charge["captured_minor"]),
            (&json!("captured"), &json!(500)),
            "{order}"
        );
    }
}

#[test]
fn the_file_of_its_help_is_served_and_the_request_of_its_help_charges_once() {
    let help = Command::new(LAB).args(["provider", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, file) = help.split_once("nothing goes wrong:\n").unwrap();
    let (file, curl) = file.split_once("\n\n").unwrap();
    let provider = Provider::of(file);
    let words: Vec<_> = curl.split('\'').collect();
    let key = words.iter().find_map(|word| word.strip_prefix("idempotency-key: ")).unwrap();
    let asked = words.iter().find(|word| word.starts_with('{')).unwrap();
    let asked: Value = serde_json::from_str(asked).unwrap();
    let replies = [0, 1].map(|_| post(provider.address, "/charges", key, &asked));
    assert_eq!(replies[0].as_ref().map(|(status, _)| *status), Some(201), "{replies:?}");
    assert_eq!(replies[0], replies[1]);
    assert_eq!(books(provider.address).len(), 1);
}

#[test]
fn a_provider_ends_in_order_when_it_is_told_to() {
    let mut provider = Provider::start();
    let pid = Pid::from_raw(i32::try_from(provider.process.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert!(provider.process.wait().unwrap().success());
    let left = fs::read_dir(provider.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["books.db", "provider.toml"], "the books are one file again");
}

#[test]
fn a_file_that_is_no_configuration_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.toml");
    for (text, why) in [
        ("listen = 'here'\nbooks = 'b'", "socket address"),
        ("listen = '127.0.0.1:0'\nbooks = 'b'\n[script]\nlatency = 'slow'", "unknown variant `slow`"),
        ("listen = '127.0.0.1:0'\nbooks = 'b'\n[script]\ndeclined = 2", "`declined` is not a share"),
    ] {
        fs::write(&file, text).unwrap();
        let ended = Command::new(LAB).arg("provider").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(2) && said.contains(why), "{text}: {said}");
    }
    let unchecked = Command::new(LAB).arg("provider").arg("--check").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&unchecked.stderr).into_owned();
    assert!(unchecked.status.code() == Some(2) && said.contains("no provider answers at"), "{said}");
}
