//! The real command in a folder of its own, and a sandbox that is the same command.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const TOKEN: &str = "pat-na1-sandbox";

/// The command without anything of the tester's environment that it would read.
pub(crate) fn hubward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubward"));
    command.env_clear();
    for kept in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// `hubward sandbox` on a free port; ends with the test.
pub(crate) struct Sandbox {
    child: Child,
    url: String,
    agent: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Sandbox {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = hubward()
            .args(["--quiet", "sandbox", "--port", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the sandbox says where it listens");
        let told: Value = serde_json::from_str(&line).expect("one JSON line");
        assert_eq!(told["token"], TOKEN);
        assert_eq!(told["portal_id"], 1_234_567);
        let url = told["url"].as_str().expect("an address").to_owned();
        let agent = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { child, url, agent, http }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.agent.block_on(async {
            let response = self.http.get(format!("{}{path}", self.url)).send().await.expect("an answer");
            assert!(response.status().is_success(), "{path}: {}", response.status());
            response.json().await.expect("JSON")
        })
    }

    pub(crate) fn post(&self, path: &str, body: &Value) {
        self.agent.block_on(async {
            let response = self.http.post(format!("{}{path}", self.url)).json(body).send().await.expect("an answer");
            let status = response.status();
            assert!(status.is_success(), "{path}: {status} {}", response.text().await.unwrap_or_default());
        });
    }

    /// A call of HubSpot's API with the token.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.agent.block_on(async {
            let method = method.parse().expect("a method");
            let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN);
            if !body.is_null() {
                request = request.json(body);
            }
            let response = request.send().await.expect("an answer");
            let status = response.status();
            let text = response.text().await.expect("a body");
            assert!(status.is_success(), "{path}: {status} {text}");
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
        })
    }

    pub(crate) fn records(&self, object: &str) -> Vec<Value> {
        let answer = self.get(&format!("/_sandbox/records/{object}"));
        answer["results"].as_array().expect("results").clone()
    }

    /// Requests that write records, those that were refused included.
    pub(crate) fn writes(&self) -> Vec<Value> {
        let answer = self.get("/_sandbox/requests");
        let mut requests = answer["results"].as_array().expect("results").clone();
        requests.retain(|request| {
            let path = request["path"].as_str().expect("a path");
            request["method"] != "GET"
                && path.contains("/objects/")
                && !path.ends_with("/read")
                && !path.ends_with("/search")
        });
        requests
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A project in a temporary folder.
pub(crate) struct TestProject {
    folder: TempDir,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
        }
    }

    /// stdout as the one JSON document that it must be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// Exit code, stdout and stderr, with whatever differs from run to run taken out.
    pub(crate) fn shown(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, steady(&self.stdout), steady(&self.stderr))
    }
}

/// Text without times, ids, ports and folders.
pub(crate) fn steady(text: &str) -> String {
    let rules = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
        (r"\(\d+\.\d s\)", "([SECONDS] s)"),
        (r"process \d+", "process [PID]"),
        (r"[^\s`]*/\.tmp[A-Za-z0-9]+", "[FOLDER]"),
    ];
    let mut text = text.to_owned();
    for (pattern, name) in rules {
        let pattern = Regex::new(pattern).expect("the pattern is right");
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}

impl TestProject {
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// A table of customers in SQLite and one sync of them, all of it right.
    pub(crate) fn customers(rows: u32) -> Self {
        let project = Self::empty();
        project.write("hubward.yml", PROJECT);
        project.write("syncs/customers.yml", SYNC);
        project.write("data/.keep", "");
        let database = project.database();
        database
            .execute_batch("create table customers (id integer primary key, email text, name text)")
            .expect("a table");
        database.execute_batch("begin").expect("a transaction");
        for id in 1..=rows {
            let row = (id, format!("c{id}@example.com"), format!("Zoë {id}"));
            database.execute("insert into customers values (?, ?, ?)", row).expect("a row");
        }
        database.execute_batch("commit").expect("committed");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file("data/shop.sqlite")).expect("the database opens")
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.file(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }

    /// Replaces a part of a file, which must be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(path)).expect("the file is there");
        assert!(text.contains(from), "{path} holds no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    /// A command in this project against a sandbox, with its token.
    pub(crate) fn command(&self, sandbox: &Sandbox, args: &[&str]) -> Command {
        let mut command = hubward();
        command.current_dir(self.path()).args(args);
        command.env("HUBSPOT_TOKEN", TOKEN).env("HUBSPOT_BASE_URL", sandbox.url());
        command
    }

    pub(crate) fn run(&self, sandbox: &Sandbox, args: &[&str]) -> Done {
        done(&mut self.command(sandbox, args))
    }
}

pub(crate) fn done(command: &mut Command) -> Done {
    Done::of(command.output().expect("the command runs"))
}

/// Says in one line why a test has nothing to test here.
pub(crate) fn skipped(why: &str) {
    told(&format!("skipped: {why}"));
}

/// Says what a person wants to know of a test that failed.
pub(crate) fn told(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

const PROJECT: &str = "\
name: shop
hubspot:
  token: ${HUBSPOT_TOKEN}
sources:
  shop: { type: sqlite, path: data/shop.sqlite }
models:
  customers:
    source: shop
    sql: select id, email, name from customers
    primary_key: id
";

const SYNC: &str = "\
sync: customers
model: customers
to: { object: contacts }
mode: upsert
match: { column: email, property: email }
map:
  firstname: name
";
