//! A run that is stopped, and a project that is in use.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Sandbox, TestProject};

/// Far longer than anything here takes; only so that a fault does not hang the tests.
const PATIENCE: Duration = Duration::from_secs(120);

fn begin(project: &TestProject, sandbox: &Sandbox) -> Child {
    let mut command = project.command(sandbox, &["run", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the run begins")
}

/// Waits until the sandbox has written so many records. It answers later by its latency, so that the run is still under way.
fn wait_for_records(sandbox: &Sandbox, records: usize) {
    let began = Instant::now();
    while sandbox.records("contacts").len() < records {
        assert!(began.elapsed() < PATIENCE, "no write came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

#[test]
fn ctrl_c_records_what_was_confirmed_and_the_next_run_finishes() {
    let sandbox = Sandbox::start(&["--latency", "500"]);
    let project = TestProject::customers(12_000);
    let run = begin(&project, &sandbox);
    wait_for_records(&sandbox, 1);
    signal(&run, "-INT");
    let output = run.wait_with_output().expect("the run ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("stopping: requests under way are awaited"), "{told}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    let outcomes = &document["syncs"][0]["outcomes"];
    let applied = outcomes["applied"].as_u64().expect("a count");
    assert_eq!(sandbox.records("contacts").len() as u64, applied, "what was written is known");
    assert!(applied > 0 && applied < 12_000, "stopped on the way: {applied}");
    assert_eq!(outcomes["deferred"], 12_000 - applied);

    let rest = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(rest.code, 0, "{}", rest.stdout);
    assert_eq!(rest.json()["syncs"][0]["outcomes"]["applied"], 12_000 - applied);
    assert_eq!(sandbox.records("contacts").len(), 12_000);
}

#[test]
fn a_second_run_of_a_project_is_refused_with_the_name_of_the_first() {
    let sandbox = Sandbox::start(&["--latency", "3000"]);
    let project = TestProject::customers(1);
    let first = begin(&project, &sandbox);
    wait_for_records(&sandbox, 1);
    let second = project.run(&sandbox, &["run"]);
    assert_eq!(second.code, 2, "{}", second.stdout);
    let named = format!("`hubward run` (process {}", first.id());
    assert!(second.stderr.contains(&named), "{}", second.stderr);
    let status = project.run(&sandbox, &["status", "--json"]).json();
    assert_eq!(status["running"]["pid"], first.id());
    let output = first.wait_with_output().expect("the first ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(sandbox.records("contacts").len(), 1);
}

#[test]
fn a_run_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let sandbox = Sandbox::start(&["--latency", "200", "--tier", "unlimited"]);
    let project = TestProject::customers(8_000);
    project.edit("syncs/customers.yml", "mode: upsert", "mode: insert");
    for records in [1, 2_000, 4_000, 6_000] {
        let mut run = begin(&project, &sandbox);
        wait_for_records(&sandbox, records);
        run.kill().expect("killed");
        run.wait().expect("it has ended");
    }
    let last = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(last.code, 0, "{}{}", last.stdout, last.stderr);
    let records = sandbox.records("contacts");
    let emails: HashSet<&str> =
        records.iter().map(|record| record["properties"]["email"].as_str().expect("an address")).collect();
    assert_eq!((records.len(), emails.len()), (8_000, 8_000));
    let again = project.run(&sandbox, &["run", "--json"]).json();
    assert_eq!(again["syncs"][0]["outcomes"]["unchanged"], 8_000);
    assert_eq!(again["syncs"][0]["requests"]["total"], 0);
}
