//! Checkouts in one transaction, by the shop's own code and by pgbench with the same SQL, on the same server.
//!
//! `cargo bench -p benches --bench checkout [-- ROUNDS [SECONDS]]`: rounds of so many seconds each way, by default 12 of
//! 10 s; every second round in the other order. It prints transactions a second of each and their ratio, the median over
//! the rounds with its 95 % interval.
//!
//! It needs `pgbench` on the PATH, and in `LAB_POSTGRES_URL` a server on which it may create a database; that one should
//! write its log durably (`fsync=on`), as a shop's does.
//!
//! What is compared: the claim of the key, and the transaction of `checkout=transaction` with `stock=row-lock`: one of fifty
//! pairs of products, no voucher, its two messages in the outbox. 8 clients without think time, each with one connection.
//! The script of pgbench is the one beside this file; the bench first checks that its statements are those that the shop has
//! prepared. Its rows are the shop's, except that ids of orders are numbers and not UUIDs.

mod script;
mod shop;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use statistics::median_interval;

use self::{script::Pgbench, shop::Shop};

/// Clients, each with a connection.
const CLIENTS: usize = 8;
/// An order is of one of so many pairs of products. Each pair is a script of pgbench, which every client prepares in each
/// round.
const PAIRS: u128 = 50;
const CONFIDENCE: f64 = 0.95;
/// The environment's variable with the server.
const SERVER: &str = "LAB_POSTGRES_URL";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match read(&words).and_then(|(rounds, length)| compare(rounds, length)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn read(words: &[String]) -> Result<(u32, Duration)> {
    ensure!(words.len() <= 2, "expected `[ROUNDS [SECONDS]]`, got `{}`", words.join(" "));
    let number = |at: usize, what: &str, default: u32| match words.get(at) {
        None => Ok(default),
        Some(word) => {
            let number = word.parse().ok().filter(|number| (1..=600).contains(number));
            number.with_context(|| format!("`{word}`: expected a number of {what} from 1 to 600"))
        }
    };
    Ok((number(0, "rounds", 12)?, Duration::from_secs(number(1, "seconds", 10)?.into())))
}

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a bench's own configuration")]
async fn compare(rounds: u32, length: Duration) -> Result<()> {
    let server = std::env::var(SERVER).with_context(|| {
        format!("{SERVER} is not set\nhint: the address of a server: postgres://user@host:port")
    })?;
    let shop = Shop::open(&server).await?;
    let measured = measure(&shop, rounds, length).await;
    shop.remove().await?;
    measured
}

async fn measure(shop: &Shop, rounds: u32, length: Duration) -> Result<()> {
    shop.run(Duration::from_millis(200)).await?;
    println!("both prepare the same {} statements", script::check(&shop.prepared().await?)?);
    let pgbench = Pgbench::prepare(&shop.address(), &shop.texts().await?)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // What runs second finds larger tables.
        if round % 2 == 0 {
            ours.push(shop.run(length).await?);
            theirs.push(pgbench.run(length)?);
        } else {
            theirs.push(pgbench.run(length)?);
            ours.push(shop.run(length).await?);
        }
        let last = ours.len() - 1;
        println!(
            "round {}: shop {:.0} a second, pgbench {:.0} a second",
            round + 1,
            ours[last],
            theirs[last]
        );
    }
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    show("the shop, transactions a second", &ours);
    show("pgbench, transactions a second", &theirs);
    show("the shop over pgbench (at least 0.8)", &ratios);
    Ok(())
}

fn show(what: &str, values: &[f64]) {
    match median_interval(values, CONFIDENCE) {
        Some([median, low, high]) => println!("{what}: {median:.3} [{low:.3}, {high:.3}]"),
        None => println!("{what}: too few rounds for an interval"),
    }
}
