//! pgbench with the statements of a checkout.

use std::{collections::BTreeSet, fmt::Write as _, fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};

use super::{CLIENTS, PAIRS, shop};

/// The transaction. The variables whose names end with `_N` are a script's own products; the others are the same for all.
const SCRIPT: &str = include_str!("checkout.sql");

/// The scripts in a folder, and the variables that they share.
pub(super) struct Pgbench {
    folder: tempfile::TempDir,
    address: String,
    variables: Vec<String>,
}

impl Pgbench {
    /// Writes the scripts, for a database with these texts.
    pub(super) fn prepare(address: &str, texts: &[(&str, String)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let numbers = [("now", "1800000000000"), ("later", "1800086400000"), ("pieces", "1")];
        let words = [("state", "running"), ("sold", "sold"), ("traceparent", "none")];
        let shared = texts.iter().map(|(name, text)| (*name, text.as_str())).chain(numbers).chain(words);
        let mut variables: Vec<String> = shared.map(|(name, text)| format!("{name}={text}")).collect();
        for number in 0..PAIRS {
            let [one, two] = shop::pair(number).map(String::from);
            variables.push(format!("one_{number}={one}"));
            variables.push(format!("two_{number}={two}"));
            variables.push(format!(r#"both_{number}=["{one}","{two}"]"#));
            let script = SCRIPT.replace("_N", &format!("_{number}"));
            fs::write(folder.path().join(format!("{number}.sql")), script)?;
        }
        Ok(Self { folder, address: address.to_owned(), variables })
    }

    /// Transactions a second of all clients, for so long.
    pub(super) fn run(&self, length: Duration) -> Result<f64> {
        let mut command = Command::new("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        command.arg(format!("--client={CLIENTS}")).arg(format!("--time={}", length.as_secs()));
        for variable in &self.variables {
            command.arg("--define").arg(variable);
        }
        for number in 0..PAIRS {
            command.arg("--file").arg(self.folder.path().join(format!("{number}.sql")));
        }
        let ended = command.arg(&self.address).output().context(
            "cannot start `pgbench`\nhint: on Debian it is in /usr/lib/postgresql/15/bin, off the PATH",
        )?;
        let printed = String::from_utf8_lossy(&ended.stdout);
        let told = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.success() && printed.contains("number of failed transactions: 0 "),
            "pgbench:\n{printed}{told}"
        );
        let rate = printed.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench printed no rate:\n{printed}"))
    }
}

/// Fails if the script has other statements than these; returns how many there are.
pub(super) fn check(prepared: &[String]) -> Result<usize> {
    let theirs: BTreeSet<String> = statements().collect();
    let ours: BTreeSet<String> = prepared.iter().map(|statement| normalised(statement, '$')).collect();
    let mut differences = String::new();
    for statement in ours.symmetric_difference(&theirs) {
        let who = if ours.contains(statement) { "the shop" } else { "the script" };
        writeln!(differences, "only {who}: {statement}")?;
    }
    ensure!(differences.is_empty(), "the script is not what the shop does\n{differences}");
    Ok(ours.len())
}

/// The statements of the script that are prepared.
fn statements() -> impl Iterator<Item = String> {
    let is_sql = |line: &&str| !line.starts_with('\\') && !line.starts_with("--");
    let sql: String = SCRIPT.lines().filter(is_sql).collect::<Vec<_>>().join(" ").replace("\\gset", ";");
    let statements: Vec<String> = sql.split(';').map(|statement| normalised(statement, ':')).collect();
    statements.into_iter().filter(|statement| !matches!(statement.as_str(), "" | "BEGIN" | "COMMIT"))
}

/// A statement with one space between words, and without the names of its parameters, which begin with this sign.
fn normalised(statement: &str, sign: char) -> String {
    let mut out = String::new();
    let mut rest = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    // A cast is no parameter.
    rest = rest.replace("::", "\u{0}");
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        if character != sign {
            out.push(character);
            continue;
        }
        out.push('?');
        while characters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_').is_some() {}
    }
    out.replace('\u{0}', "::").replace(" ,", ",").replace(" )", ")").trim().to_owned()
}
