//! Recorded runs of the original, where they are at hand.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::mapped;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/segment/vectors/mapping-kit.json");

#[test]
fn every_recorded_case_has_the_originals_result_or_its_first_line() {
    if !Path::new(RECORDED).exists() {
        let _ = writeln!(std::io::stderr(), "skipped: there are no recorded runs of mapping-kit");
        return;
    }
    let text = std::fs::read_to_string(RECORDED).expect("the recorded runs can be read");
    let recorded: Value = serde_json::from_str(&text).expect("they are JSON");
    let cases = recorded["cases"].as_array().expect("a list of cases");
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in cases {
        let expected = match case.get("error") {
            Some(error) => json!({ "error": error }),
            None => json!({ "output": case["output"] }),
        };
        let own = match mapped(&case["mapping"], &recorded["event"]) {
            Ok(output) => json!({ "output": output }),
            Err(error) => json!({ "error": error }),
        };
        if own != expected {
            wrong.push(format!("{}: {own} instead of {expected}", case["label"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
