//! The command as Airbyte's platform starts it: verbs, files, stdin, exit codes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Done, Sandbox, TOKEN, done, hubward, skipped};

/// A folder with the program under Airbyte's name for it, a configuration and a catalog.
struct Connection {
    folder: TempDir,
}

impl Connection {
    fn new(catalog: &Value) -> Self {
        let connection = Self { folder: TempDir::new().expect("a temporary folder") };
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hubward"), connection.file("destination-hubspot"))
            .expect("a link");
        let config = json!({"credentials": {"type": "PrivateApp", "access_token": TOKEN}});
        std::fs::write(connection.file("config.json"), config.to_string()).expect("written");
        std::fs::write(connection.file("catalog.txt"), catalog.to_string()).expect("written");
        connection
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn destination(&self, sandbox: &Sandbox, args: &[&str]) -> Command {
        let mut named = Command::new(self.file("destination-hubspot"));
        named.env_clear();
        for kept in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(kept) {
                named.env(kept, value);
            }
        }
        named.env("HUBSPOT_BASE_URL", sandbox.url()).current_dir(self.folder.path()).args(args);
        named
    }
}

fn messages(done: &Done) -> Vec<Value> {
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn of_type(messages: &[Value], type_: &str) -> Vec<Value> {
    messages.iter().filter(|message| message["type"] == type_).cloned().collect()
}

fn people() -> Value {
    json!({"streams": [{
        "stream": {"name": "people", "json_schema": {"type": "object", "properties": {
            "email": {"type": "string"}, "firstname": {"type": "string"}}}, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh", "destination_sync_mode": "append_dedup", "destination_object_name": "CONTACT",
        "primary_key": [["email"]], "generation_id": 1, "minimum_generation_id": 0, "sync_id": 1}]})
}

fn person(number: u32) -> String {
    json!({"type": "RECORD", "record": {"stream": "people", "emitted_at": 1, "data": {
        "email": format!("p{number}@example.com"), "firstname": format!("Zoë {number}")}}})
    .to_string()
}

fn state(id: u32) -> String {
    json!({"type": "STATE", "state": {"type": "STREAM", "id": id,
        "stream": {"stream_descriptor": {"name": "people"}, "stream_state": {"cursor": id}}}})
    .to_string()
}

const COMPLETE: &str = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"stream_descriptor":{"name":"people"},"status":"COMPLETE"}}}"#;

fn write(command: &mut Command, lines: &[String]) -> Done {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let text = format!("{}\n", lines.join("\n"));
    let writer = std::thread::spawn(move || {
        // A destination that has failed does not read to the end.
        let _ = stdin.write_all(text.as_bytes());
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

const WRITE: [&str; 5] = ["write", "--config", "config.json", "--catalog", "catalog.txt"];

#[test]
fn every_verb_works_bare_and_with_dashes_and_under_both_names() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let connection = Connection::new(&people());
    for args in [&["spec"][..], &["--spec"]] {
        let done = done(&mut connection.destination(&sandbox, args));
        assert_eq!((done.code, messages(&done).len()), (0, 1), "{}", done.stderr);
        assert_eq!(messages(&done)[0]["type"], "SPEC");
    }
    let own = done(hubward().args(["airbyte", "spec"]));
    assert_eq!(messages(&own)[0]["type"], "SPEC");
    for args in [&["check", "--config", "config.json"][..], &["--config", "config.json", "--check"]] {
        let done = done(&mut connection.destination(&sandbox, args));
        assert_eq!(done.code, 0, "{}", done.stderr);
        let status = of_type(&messages(&done), "CONNECTION_STATUS");
        assert_eq!(status[0]["connectionStatus"], json!({"status": "SUCCEEDED"}));
    }
    let found = done(&mut connection.destination(&sandbox, &["discover", "--config", "config.json"]));
    assert_eq!(of_type(&messages(&found), "DESTINATION_CATALOG").len(), 1);
    let lines: Vec<String> = (1..=3).map(person).chain([state(1), COMPLETE.to_owned()]).collect();
    let written = write(&mut connection.destination(&sandbox, &WRITE), &lines);
    assert_eq!(written.code, 0, "{}{}", written.stdout, written.stderr);
    let states = of_type(&messages(&written), "STATE");
    assert_eq!(states[0]["state"]["destinationStats"]["recordCount"], 3.0);
    assert_eq!(sandbox.records("contacts").len(), 3);
}

#[test]
fn the_exit_code_and_the_last_message_agree() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let connection = Connection::new(&people());
    // A check that fails is a verb that worked.
    std::fs::write(connection.file("wrong.json"), r#"{"credentials":{"type":"PrivateApp","access_token":"pat-hush"}}"#)
        .expect("written");
    let checked = done(&mut connection.destination(&sandbox, &["check", "--config", "wrong.json"]));
    assert_eq!(checked.code, 0);
    let status = of_type(&messages(&checked), "CONNECTION_STATUS");
    assert_eq!(status[0]["connectionStatus"]["status"], "FAILED");
    assert!(!checked.stdout.contains("hush") && !checked.stderr.contains("hush"));

    let incomplete = write(&mut connection.destination(&sandbox, &WRITE), &[person(1), state(1)]);
    assert_eq!(incomplete.code, 1);
    assert_eq!(of_type(&messages(&incomplete), "TRACE").len(), 1);
    assert_eq!(of_type(&messages(&incomplete), "STATE").len(), 1);

    let unreadable = write(&mut connection.destination(&sandbox, &WRITE), &["hush".to_owned(), person(2)]);
    assert_eq!(unreadable.code, 1);
    assert!(!unreadable.stdout.contains("hush"));

    let missing = write(
        &mut connection.destination(&sandbox, &["write", "--config", "none.json", "--catalog", "catalog.txt"]),
        &[],
    );
    assert_eq!(missing.code, 1);
    assert_eq!(of_type(&messages(&missing), "TRACE")[0]["trace"]["error"]["failure_type"], "config_error");

    let mut overwrite = people();
    overwrite["streams"][0]["destination_sync_mode"] = json!("overwrite");
    std::fs::write(connection.file("catalog.txt"), overwrite.to_string()).expect("written");
    let refused = write(&mut connection.destination(&sandbox, &WRITE), &[person(3), COMPLETE.to_owned()]);
    assert_eq!(refused.code, 1);
    assert_eq!(of_type(&messages(&refused), "TRACE")[0]["trace"]["error"]["failure_type"], "config_error");
    assert_eq!(sandbox.records("contacts").len(), 1);
}

fn line(reader: &mut impl std::io::BufRead, type_: &str) -> Value {
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).expect("read") > 0, "stdout ended without a {type_}");
        let message: Value = serde_json::from_str(&line).expect("a message");
        if message["type"] == type_ {
            return message;
        }
    }
}

#[test]
fn a_state_comes_back_while_stdin_is_open_and_sigterm_ends_it_without_another() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let connection = Connection::new(&people());
    let mut command = connection.destination(&sandbox, &WRITE);
    let mut child: Child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    writeln!(stdin, "{}\n{}", person(1), state(1)).expect("written");
    assert_eq!(line(&mut stdout, "STATE")["state"]["id"], 1);
    assert_eq!(sandbox.records("contacts").len(), 1);

    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let status = child.wait().expect("it ends although stdin is open");
    assert_eq!(status.code(), Some(130));
    let rest: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(&line.expect("read")).expect("JSON")).collect();
    assert!(of_type(&rest, "STATE").is_empty());
    assert_eq!(of_type(&rest, "TRACE")[0]["trace"]["error"]["failure_type"], "transient_error");
    drop(stdin);
}

#[test]
fn a_dead_letter_file_is_replayed_by_catalog_or_by_object() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let connection = Connection::new(&people());
    let letters = [
        json!({"_airbyte_raw_id": "a", "_airbyte_data": {"email": "a@example.com", "firstname": "A", "rejected_message": "no"}}),
        json!({"_airbyte_raw_id": "b", "_airbyte_data": {"email": "b@", "firstname": "B"}}),
    ];
    std::fs::write(connection.file("dead.jsonl"), letters.map(|letter| format!("{letter}\n")).concat())
        .expect("written");
    let replay = |args: &[&str]| {
        let mut command = hubward();
        command.current_dir(connection.folder.path()).env("HUBSPOT_BASE_URL", sandbox.url());
        done(command.args(["airbyte", "replay", "dead.jsonl", "--config", "config.json"]).args(args))
    };
    for args in [&["--catalog", "catalog.txt"][..], &["--object", "contacts", "--key", "email"]] {
        let done = replay(args);
        assert_eq!(done.code, 3, "{}{}", done.stdout, done.stderr);
        let told = done.json();
        assert_eq!(
            (&told["records"], &told["accepted"], &told["rejected"], &told["undecided"]),
            (&json!(2), &json!(1), &json!(1), &json!(0))
        );
        assert!(done.stderr.contains("warning: stream"), "{}", done.stderr);
    }
    assert_eq!(sandbox.records("contacts").len(), 1);
    let wrong = replay(&["--object", "contacts", "--mode", "update"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}

/// Where PyAirbyte is, once `conformance/fetch-pyairbyte.sh` has put it there.
fn pyairbyte() -> Option<PathBuf> {
    let folder = std::env::var_os("HUBWARD_TEST_PYAIRBYTE").map(PathBuf::from);
    let Some(folder) = folder else {
        skipped("HUBWARD_TEST_PYAIRBYTE is not set (620 MB; see conformance/fetch-pyairbyte.sh)");
        return None;
    };
    let python = folder.join("bin/python");
    assert!(python.exists(), "{} is missing; conformance/fetch-pyairbyte.sh puts it there", python.display());
    Some(python)
}

#[test]
fn pyairbyte_checks_and_writes_and_airbytes_own_comparison_finds_nothing_broken() {
    let Some(python) = pyairbyte() else {
        return;
    };
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let connection = Connection::new(&people());
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/python/pyairbyte.py"));
    let official = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/airbyte/destination-hubspot-spec-skeleton.json"
    ));
    let mut command = Command::new(&python);
    command.env_clear().env("HOME", connection.folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    let bin = python.parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()));
    command.env("AIRBYTE_OFFLINE_MODE", "1").env("DO_NOT_TRACK", "1").env("HUBSPOT_BASE_URL", sandbox.url());
    command.current_dir(connection.folder.path()).arg(script).arg(connection.file("destination-hubspot")).arg(TOKEN);
    if official.exists() {
        command.arg(official);
    }
    let done = done(&mut command);
    assert_eq!(done.code, 0, "{}\n{}", done.stdout, done.stderr);
    let last = done.stdout.lines().last().unwrap_or_default();
    assert!(last.ends_with("checks passed"), "{}", done.stdout);
    let mut emails: Vec<String> = sandbox
        .records("contacts")
        .iter()
        .map(|record| record["properties"]["email"].as_str().unwrap_or_default().to_owned())
        .collect();
    emails.sort();
    assert_eq!(emails, ["ada@example.com", "grace@example.com", "zoe@example.com"]);
}
