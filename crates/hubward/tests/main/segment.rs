//! Segment's own clients send to `hubward intake` with nothing changed but the host; what stands in the spool is compared
//! with what they say they sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::clients::{clients, conformance, interpreter, python};
use crate::intake::{Intake, WRITE_KEY};
use crate::support::{done, skipped};

/// Whether a client sends its next request only when the last is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sends {
    InOrder,
    AtOnce,
}

/// Runs a client against an intake of its own; gives what it sent and what is in the spool, by message id.
fn drive(
    mut command: Command,
    script: &str,
    more: &[&str],
    sends: Sends,
) -> (BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let intake = Intake::start();
    let done = done(command.arg(conformance(script)).args([intake.url(), WRITE_KEY]).args(more));
    assert_eq!(done.code, 0, "{script}\n{}{}", done.stdout, done.stderr);
    let told = done.json();
    assert_eq!(told["failed"], serde_json::json!([]), "{script}");
    let sent = by_id(told["sent"].as_array().expect("calls").clone());
    let mut order: BTreeMap<String, i64> = BTreeMap::new();
    let calls = intake.stop_and_read();
    for event in &calls {
        // Of each user's counted events the order is that of sending.
        if sends == Sends::InOrder
            && let Some(n) = event.call["properties"]["n"].as_i64()
        {
            let before = order.insert(event.order_key.clone(), n);
            assert!(before < Some(n), "{script}: {n} after {before:?}");
        }
    }
    let calls: Vec<Value> = calls.into_iter().map(|event| event.call).collect();
    let count = calls.len();
    let stored = by_id(calls);
    assert_eq!(stored.len(), count, "{script}: every message id is there once");
    (sent, stored)
}

fn by_id(calls: Vec<Value>) -> BTreeMap<String, Value> {
    calls.into_iter().map(|call| (call["messageId"].as_str().expect("an id").to_owned(), call)).collect()
}

/// Every call is there, and says what the client meant.
fn compare((sent, stored): (BTreeMap<String, Value>, BTreeMap<String, Value>), counted: usize) {
    assert_eq!(sent.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, call) in &sent {
        let found = &stored[id];
        for field in ["type", "userId", "anonymousId", "event", "groupId", "previousId", "name", "properties", "traits"]
        {
            // A client may leave an empty map out when it sends.
            let empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
            if !(found[field].is_null() && (empty(&call[field]) || call[field].is_null())) {
                assert_eq!(found[field], call[field], "{field} of {call}\n{found}");
            }
        }
        assert!(found["writeKey"].is_null(), "{found}");
        for field in ["timestamp", "originalTimestamp", "receivedAt", "sentAt"] {
            assert!(found[field].is_string(), "{field} of {found}");
        }
        *types.entry(found["type"].as_str().expect("a type")).or_default() += 1;
    }
    let expected = [("alias", 1), ("group", 1), ("identify", 1), ("page", 1), ("screen", 1), ("track", 1 + counted)];
    assert_eq!(types, BTreeMap::from(expected));
}

#[test]
fn the_node_clients_calls_are_in_the_spool() {
    let Some(clients) = clients() else {
        return;
    };
    let mut node = interpreter(Path::new("node"));
    node.env("NODE_PATH", clients.join("node/node_modules"));
    compare(drive(node, "segment/node.js", &[], Sends::AtOnce), 100);
}

#[test]
fn the_python_clients_calls_are_in_the_spool() {
    let Some(clients) = clients() else {
        return;
    };
    compare(drive(python(&clients), "segment/python.py", &[], Sends::InOrder), 100);
}

/// Chromium by one of its names.
pub(crate) fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let found = folders.iter().flat_map(|folder| names.map(|name| folder.join(name))).find(|path| path.exists());
    if found.is_none() {
        skipped("there is no chromium here (Debian: apt-get install chromium)");
    }
    found
}

#[test]
fn the_browser_clients_calls_are_in_the_spool() {
    let Some(clients) = clients() else {
        return;
    };
    let Some(chromium) = chromium() else {
        return;
    };
    for strategy in ["single", "batching"] {
        let mut node = interpreter(Path::new("node"));
        node.env("NODE_PATH", clients.join("node/node_modules"));
        // Chromium wants a home to write to; its profile is a folder of its own.
        node.env("HOME", std::env::temp_dir());
        let chromium = chromium.to_str().expect("a path in UTF-8");
        compare(drive(node, "segment/browser.js", &[strategy, chromium], Sends::AtOnce), 20);
    }
}
