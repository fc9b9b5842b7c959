//! HubSpot's own clients drive the sandbox: `conformance/` at the top of the repository holds a script for each,
//! `conformance/fetch-clients.sh` puts them where `HUBWARD_TEST_CLIENTS` points.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, TOKEN, done, skipped};

/// Where the clients are. Once somebody says so, one that is missing fails the test instead of skipping it.
pub(crate) fn clients() -> Option<PathBuf> {
    let folder = std::env::var_os("HUBWARD_TEST_CLIENTS").map(PathBuf::from);
    if folder.is_none() {
        skipped("HUBWARD_TEST_CLIENTS is not set (see conformance/fetch-clients.sh)");
    }
    if let Some(folder) = &folder {
        let fetched = [
            "node/node_modules/@hubspot/api-client",
            "node/node_modules/@segment/analytics-node",
            "node/node_modules/@segment/analytics-next",
            "python/bin/python",
        ]
        .map(|path| folder.join(path));
        for path in fetched {
            assert!(path.exists(), "{} is missing; conformance/fetch-clients.sh puts it there", path.display());
        }
    }
    folder
}

pub(crate) fn conformance(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance")).join(path)
}

/// A client's interpreter, with nothing of the tester's environment that a client would read.
pub(crate) fn interpreter(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for kept in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// Runs a script against an empty account and gives the requests that the account saw.
fn drive(mut command: Command, script: &str) -> Vec<Value> {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let done = done(command.arg(conformance(script)).args([sandbox.url(), TOKEN]));
    assert_eq!(done.code, 0, "{script}\n{}{}", done.stdout, done.stderr);
    let checks = done.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(done.stdout.lines().last(), Some(&*format!("{checks} checks passed")), "{}", done.stdout);
    let answer = sandbox.get("/_sandbox/requests");
    assert_eq!(answer["dropped"], 0, "the log holds every request");
    answer["results"].as_array().expect("results").clone()
}

/// The script did what a sync's client does, by what arrived and not by its own word.
fn assert_covered(requests: &[Value]) {
    let kinds: BTreeSet<&str> = requests.iter().filter_map(|request| request["kind"].as_str()).collect();
    let expected = [
        "account",
        "archive",
        "associate",
        "association_labels",
        "associations_read",
        "batch_archive",
        "batch_create",
        "batch_read",
        "batch_update",
        "create",
        "dissociate",
        "event",
        "event_occurrences",
        "list",
        "lists",
        "owners",
        "pipelines",
        "properties",
        "property_groups",
        "read",
        "schemas",
        "search",
        "update",
        "upsert",
    ];
    for kind in expected {
        assert!(kinds.contains(kind), "no request of the kind {kind}, only {kinds:?}");
    }
    assert!(!kinds.contains("unknown"), "a path that the sandbox does not serve: {requests:#?}");
    let statuses: BTreeSet<u64> = requests.iter().filter_map(|request| request["status"].as_u64()).collect();
    for status in [200, 201, 204, 207, 400, 401, 404, 409, 429] {
        assert!(statuses.contains(&status), "no answer {status}, only {statuses:?}");
    }
    assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
}

fn assert_paths(requests: &[Value], dated: bool) {
    for request in requests {
        let path = request["path"].as_str().expect("a path");
        assert_eq!(path.contains("/2026-03"), dated, "{path}");
    }
}

#[test]
fn the_node_client_drives_the_sandbox() {
    let Some(clients) = clients() else {
        return;
    };
    let mut node = interpreter(Path::new("node"));
    node.env("NODE_PATH", clients.join("node/node_modules"));
    let requests = drive(node, "node/api-client.js");
    assert_covered(&requests);
    assert_paths(&requests, false);
}

#[test]
fn the_python_client_drives_the_sandbox() {
    let Some(clients) = clients() else {
        return;
    };
    let requests = drive(python(&clients), "python/api_client.py");
    assert_covered(&requests);
    assert_paths(&requests, false);
}

#[test]
fn the_generated_python_sdk_drives_the_sandbox() {
    let Some(clients) = clients() else {
        return;
    };
    let requests = drive(python(&clients), "python/sdk.py");
    assert_covered(&requests);
    assert_paths(&requests, true);
}

pub(crate) fn python(clients: &Path) -> Command {
    let mut python = interpreter(&clients.join("python/bin/python"));
    // nothing is written beside the scripts
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}
