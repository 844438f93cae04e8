//! Accessibility of the report's page: axe-core checks each page in Chromium, on a wide and on a narrow
//! screen, in light and in dark, and finds no violation. Further checks cover what axe-core cannot see: text
//! that is cut or covered, a page wider than its screen, a scrollable picture that does not say so.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use system_tests::{
    reports::{Form, all},
    tree::root,
};

/// The folder where CI installs `tests/accessibility/package-lock.json`.
fn tools() -> PathBuf {
    root().join("target/ci/accessibility")
}

/// Whether the tools are installed; if not, a message says so, and CI fails.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn are_there() -> bool {
    let runs = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let missing = if !runs("node") {
        "no `node` on the PATH"
    } else if !runs("chromium") {
        "no `chromium` on the PATH"
    } else if !tools().join("node_modules/axe-core").exists() {
        "no axe-core in `target/ci/accessibility`"
    } else {
        return true;
    };
    assert!(std::env::var("CI").is_err(), "CI has to provide them: {missing}");
    eprintln!(
        "SKIPPED: {missing}; get them as `.ci/engine` does: Debian's nodejs, npm and chromium, then `mkdir -p \
         target/ci/accessibility && cp tests/accessibility/package*.json target/ci/accessibility && npm ci --prefix \
         target/ci/accessibility`"
    );
    false
}

/// Of so many recorded runs, one is looked at in its rarer forms too; in the long mode all are.
const SAMPLED: usize = 5;

/// Whether this is the long mode of the gate.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn is_long() -> bool {
    std::env::var("LAB_TEST_LONG").is_ok()
}

#[test]
fn axe_and_a_look_find_nothing_on_any_page() {
    if !are_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str, html: &str| {
        let path = folder.path().join(format!("{name}.html"));
        fs::write(&path, html).unwrap();
        path
    };
    let mut pages = Vec::new();
    for (nth, recorded) in all().into_iter().enumerate() {
        let forms: &[Form] = if is_long() || nth % SAMPLED == 0 { &Form::ALL } else { &[Form::Good] };
        for form in forms {
            let drawn = report::html::render(&form.of(&recorded));
            pages.push(page(&format!("{}-{}", recorded.name(), form.name()), &drawn));
        }
    }
    let episode = fs::read_to_string(root().join("lab/report/src/fixtures/faults.json")).unwrap();
    pages.push(page("episode", &report::html::render(&serde_json::from_str(&episode).unwrap())));
    pages.push(page("picture", &in_a_page("docs/limiter-algorithms.svg")));
    let mut command = Command::new("node");
    command.arg(root().join("tests/accessibility/check.mjs")).arg(tools()).args(&pages);
    let output = command.output().unwrap();
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    assert!(said[0].contains(&format!("{} pages, 0 findings", pages.len())), "{}", said[0]);
}

/// A drawing from the documents, wrapped in a page.
fn in_a_page(path: impl AsRef<Path>) -> String {
    let svg = fs::read_to_string(root().join(path)).unwrap();
    let svg = &svg[svg.find("<svg").unwrap()..];
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta name=\"viewport\" content=\"width=device-width\">\
         <title>A picture</title><style>svg {{ max-width: 100% }}</style></head><body><main><h1>A picture</h1>{svg}\
         </main></body></html>"
    )
}
