//! `hubward intake`: what it says, how it stops, and what a kill leaves.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, Roles, Spool};
use serde_json::{Value, json};

use crate::support::{Done, TestProject, done, hubward};

pub(crate) const WRITE_KEY: &str = "abc123";

const PROJECT: &str = "\
name: shop
hubspot: { token: \"${HUBSPOT_TOKEN}\" }
intake:
  listen: 127.0.0.1:0
  write_keys: { web: \"${WEB_WRITE_KEY}\" }
  spool: { type: embedded, max: 64MiB }
";

/// An event as it stands in the spool.
pub(crate) struct Event {
    pub(crate) order_key: String,
    pub(crate) call: Value,
}

/// `hubward intake` in a project of its own; ends with the test.
pub(crate) struct Intake {
    project: TestProject,
    child: Child,
    url: String,
}

impl Intake {
    pub(crate) fn start() -> Self {
        let project = TestProject::empty();
        project.write("hubward.yml", PROJECT);
        Self::start_in(project)
    }

    fn start_in(project: TestProject) -> Self {
        let mut child = command(&project, &["intake", "--no-worker"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut stderr = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut stderr);
            panic!("one JSON line, not {line:?}: {stderr}")
        });
        assert_eq!(told["spool"], "embedded");
        let url = told["url"].as_str().expect("an address").to_owned();
        Self { project, child, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it in order, and gives everything that is in its spool.
    pub(crate) fn stop_and_read(self) -> Vec<Event> {
        let (project, stderr) = self.stop();
        assert!(stderr.contains("every request that was answered with 200 is in the spool"), "{stderr}");
        events(project.path())
    }

    fn stop(mut self) -> (TestProject, String) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(killed.success());
        let mut stderr = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{stderr}");
        (self.project, stderr)
    }

    fn kill(mut self) -> TestProject {
        self.child.kill().expect("killed");
        self.child.wait().expect("it has ended");
        self.project
    }
}

fn command(project: &TestProject, args: &[&str]) -> Command {
    let mut command = hubward();
    command.current_dir(project.path()).args(args).env("WEB_WRITE_KEY", WRITE_KEY);
    command
}

/// What is in the spool of a project that no process has open.
fn events(project: &Path) -> Vec<Event> {
    let options = EmbeddedOptions::new(project.join(".hubward/spool"), 1 << 30);
    let holder = Holder { pid: 0, command: "test".to_owned(), started_at: jiff::Timestamp::UNIX_EPOCH };
    let spool = EmbeddedSpool::open(&options, Roles::Worker, &holder).expect("the spool opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut found = Vec::new();
    loop {
        let taken = runtime.block_on(spool.take(1_000, Duration::ZERO)).expect("taken");
        if taken.is_empty() {
            return found;
        }
        found.extend(taken.into_iter().map(|event| Event {
            order_key: event.order_key,
            call: serde_json::from_slice(&event.payload).expect("JSON"),
        }));
    }
}

fn agent() -> (tokio::runtime::Runtime, reqwest::Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    (runtime, http)
}

#[test]
fn what_runs_and_what_does_not_is_said() {
    let intake = Intake::start();
    let url = intake.url().to_owned();
    let second =
        done(&mut command(&intake.project, &["intake", "--no-worker", "--listen", url.trim_start_matches("http://")]));
    assert_eq!(second.code, 2);
    assert!(second.stderr.contains("listening on 127.0.0.1:"), "{}", second.stderr);
    let third = done(&mut command(&intake.project, &["intake", "--no-worker", "--listen", "127.0.0.1:0"]));
    assert_eq!(third.code, 2);
    let named = format!("the spool's intake is in use by `hubward intake` (process {}", intake.child.id());
    assert!(third.stderr.contains(&named), "{}", third.stderr);
    let (_, stderr) = intake.stop();
    assert!(stderr.contains("events are accepted and wait in the spool"), "{stderr}");
    assert!(!stderr.contains(WRITE_KEY), "{stderr}");
}

#[test]
fn a_project_without_an_intake_is_told_what_to_add() {
    let project = TestProject::empty();
    project.write("hubward.yml", "hubspot: { token: \"${HUBSPOT_TOKEN}\" }\n");
    for name in ["intake", "serve"] {
        let Done { code, stderr, .. } = done(&mut command(&project, &[name]));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("the project has no `intake:`") && stderr.contains("write_keys"), "{stderr}");
    }
}

#[test]
fn a_bad_call_of_a_batch_stands_among_the_rejected_rows() {
    let intake = Intake::start();
    let (runtime, http) = agent();
    let batch = json!({ "batch": [
        { "type": "identify", "userId": "u1", "messageId": "good" },
        { "type": "identify", "messageId": "bad" },
    ] });
    let answer: Value = runtime.block_on(async {
        let url = format!("{}/v1/batch", intake.url());
        let response = http.post(url).basic_auth(WRITE_KEY, Some("")).json(&batch).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    });
    assert_eq!(answer["rejected"][0]["messageId"], "bad");
    let rejected = done(&mut command(&intake.project, &["rejected", "intake", "--json"])).json();
    let row = &rejected["results"][0];
    assert_eq!((&row["sync"], &row["key"], &row["outcome"]), (&json!("intake"), &json!("bad"), &json!("invalid")));
    assert!(row["reason"].as_str().expect("a reason").contains("`userId`"), "{row}");
    let events = intake.stop_and_read();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].call["messageId"], "good");
}

#[test]
fn an_intake_that_is_killed_again_and_again_loses_nothing_that_it_acknowledged() {
    let mut intake = Intake::start();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for round in 0..5_u64 {
        let count = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let url = intake.url().to_owned();
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let (acknowledged, count, over) = (Arc::clone(&acknowledged), Arc::clone(&count), Arc::clone(&over));
                let url = url.clone();
                runtime.spawn(async move {
                    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
                    for n in 0.. {
                        let id = format!("{round}-{client}-{n}");
                        let call = json!({ "userId": "u", "event": "E", "messageId": id });
                        let request = http.post(format!("{url}/v1/track")).basic_auth(WRITE_KEY, Some("")).json(&call);
                        match request.send().await {
                            Ok(response) if response.status() == 200 => {
                                acknowledged.lock().expect("nobody panicked").insert(id);
                                count.fetch_add(1, Ordering::SeqCst);
                            }
                            _ if over.load(Ordering::SeqCst) => return,
                            other => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        while count.load(Ordering::SeqCst) < 40 + round * 37 {
            std::thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Ordering::SeqCst);
        let project = intake.kill();
        for client in clients {
            runtime.block_on(client).expect("no client failed before the kill");
        }
        intake = Intake::start_in(project);
    }
    let stored: Vec<String> = intake
        .stop_and_read()
        .into_iter()
        .map(|event| event.call["messageId"].as_str().expect("an id").to_owned())
        .collect();
    let found: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(found.len(), stored.len(), "nothing is there twice");
    let acknowledged = acknowledged.lock().expect("nobody panicked");
    assert!(acknowledged.len() > 400, "{}", acknowledged.len());
    let lost: Vec<&String> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}
