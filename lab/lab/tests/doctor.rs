//! The output of `lab doctor` for a container engine that is available, unavailable, forbidden or hung.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

/// The table on a machine whose only programs are `sh` and this `docker`.
fn table(docker: Option<&str>) -> String {
    let programs = tempfile::tempdir().unwrap();
    if let Some(script) = docker {
        let file = programs.path().join("docker");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(LAB).arg("doctor").env("PATH", programs.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The row of one check, as one line.
fn row(table: &str, what: &str) -> String {
    let mut rows = table.lines().skip_while(|line| !line.contains(&format!("┆ {what} ")));
    let first = rows.next().unwrap_or_else(|| panic!("no row `{what}` in {table}"));
    let rest = rows.take_while(|line| line.starts_with("│      ┆    "));
    let cells = |line: &str| line.split('┆').skip(2).collect::<String>().replace('│', " ");
    let text = std::iter::once(first).chain(rest).map(cells).collect::<String>();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_docker_is_told_with_what_it_would_add() {
    let table = table(None);
    let row = row(&table, "containers");
    assert!(row.starts_with("none would add") && row.contains("install Docker Engine"), "{row}");
    assert!(!table.contains("images"), "nobody is there to ask for images: {table}");
}

#[test]
fn an_engine_that_is_not_running_is_told_from_one_that_is_forbidden() {
    let away = table(Some("echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1"));
    assert!(row(&away, "containers").starts_with("not running"), "{away}");
    let silent = table(Some("exit 0"));
    assert!(row(&silent, "containers").starts_with("not running"), "{silent}");
    let forbidden = table(Some("echo 'Got permission denied while trying to connect' >&2; exit 1"));
    assert!(row(&forbidden, "containers").starts_with("no permission"), "{forbidden}");
    assert!(row(&forbidden, "containers").contains("usermod -aG docker"), "{forbidden}");
}

#[test]
fn an_engine_that_hangs_does_not_hang_the_doctor() {
    let hung = table(Some("exec /bin/sleep 60"));
    assert!(row(&hung, "containers").starts_with("no answer"), "{hung}");
}

#[test]
fn images_that_are_not_there_are_named() {
    let table = table(Some(
        r#"case "$1" in info) echo 27.0.1;; compose) echo 2.40.3;; images) echo redis:7.0-bookworm;; esac"#,
    ));
    assert!(row(&table, "containers").starts_with("Docker 27.0.1 it answers"), "{table}");
    let images = row(&table, "images");
    assert!(images.contains("1 of 6") && images.contains("apache/kafka"), "{images}");
    assert!(!images.contains("redis:7.0"), "{images}");
}
