//! `lab proxy FILE`: the proxy on an arm's links, in a separate process so that its cost can be measured.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result};
use proxy::{Config, serve};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Serves the links of a file until standard input ends.
pub fn run(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let config: Config = serde_json::from_str(&text)
        .with_context(|| format!("`{}` is no configuration of a proxy", file.display()))?;
    let stop = CancellationToken::new();
    let at_end = stop.clone();
    std::thread::spawn(move || {
        let mut ignored = Vec::new();
        // Standard input ends with the arm, however the lab ended.
        let _ = std::io::stdin().read_to_end(&mut ignored);
        at_end.cancel();
    });
    // As many threads as the processors that this process is pinned to.
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start an event loop")?;
    runtime.block_on(serve(config, stop)).context("the proxy did not start")
}
