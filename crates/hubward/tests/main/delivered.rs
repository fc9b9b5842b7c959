//! The event door as a whole: calls to `hubward intake`, delivered by its worker to the sandbox, over sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::intake::WRITE_KEY;
use crate::support::{Done, Sandbox, TestProject, done};

const PROJECT: &str = "\
name: shop
hubspot: { token: \"${HUBSPOT_TOKEN}\" }
intake:
  listen: 127.0.0.1:0
  write_keys: { web: \"${WEB_WRITE_KEY}\" }
";

const ORDERS: &str = "\
mapping: orders
action: sendCustomBehavioralEvent
trigger: event = \"Order Placed\"
fields:
  eventName: pe1234567_order_placed
  properties: { \"@path\": $.properties }
";

/// Long enough for a slow machine; what is waited for comes much earlier.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn project() -> TestProject {
    let project = TestProject::empty();
    project.write("hubward.yml", PROJECT);
    // The default mappings.
    project.write("mappings/contacts.yml", "mapping: contacts\naction: upsertContact\n");
    project.write("mappings/companies.yml", "mapping: companies\naction: upsertCompany\n");
    project.write("mappings/orders.yml", ORDERS);
    project
}

pub(crate) fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(&["--tier", "enterprise", "--latency", "5"]);
    sandbox.post(
        "/_sandbox/load",
        &json!({
            "settings": {"events_deduplicate": false},
            "event_definitions": [{"name": "order_placed", "label": "Order placed", "propertyDefinitions": [
                {"name": "amount", "label": "Amount", "type": "number"}]}],
        }),
    );
    sandbox
}

pub(crate) fn command(project: &TestProject, sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = project.command(sandbox, args);
    command.env("WEB_WRITE_KEY", WRITE_KEY);
    command
}

/// `hubward intake` with its worker.
pub(crate) struct Door {
    child: Child,
    pub(crate) url: String,
}

impl Door {
    pub(crate) fn start(project: &TestProject, sandbox: &Sandbox) -> Self {
        Self::start_as(project, sandbox, &["intake"])
    }

    pub(crate) fn start_as(project: &TestProject, sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut child =
            command(project, sandbox, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it listens");
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut stderr = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut stderr);
            panic!("one JSON line, not {line:?}: {stderr}")
        });
        Self { child, url: told["url"].as_str().expect("an address").to_owned() }
    }

    pub(crate) fn stop(mut self) -> String {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(killed.success());
        let mut stderr = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "{stderr}");
        stderr
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it has ended");
    }
}

/// Sends calls as one batch, and tells whether they were acknowledged.
pub(crate) fn send(url: &str, calls: &[Value]) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = http.post(format!("{url}/v1/batch")).basic_auth(WRITE_KEY, Some(""));
        request.json(&json!({ "batch": calls })).send().await.is_ok_and(|answer| answer.status() == 200)
    })
}

/// The group, the identify and an order of one user, as they may come.
pub(crate) fn calls(id: usize) -> Vec<Value> {
    let user = format!("u{id}");
    vec![
        json!({"type": "group", "messageId": format!("g-{id}"), "userId": user, "groupId": format!("g{}", id % 7),
            "traits": {"name": format!("Firm {}", id % 7)}}),
        json!({"type": "identify", "messageId": format!("i-{id}"), "userId": user,
            "traits": {"email": format!("Person{id}@example.com"), "firstName": format!("Zoë {id}")}}),
        json!({"type": "track", "messageId": format!("t-{id}"), "userId": user, "event": "Order Placed",
            "properties": {"amount": id, "email": format!("person{id}@example.com")}}),
    ]
}

pub(crate) fn status(project: &TestProject, sandbox: &Sandbox) -> Value {
    done(&mut command(project, sandbox, &["status", "--json"])).json()["events"].clone()
}

/// Returns once nothing waits any more.
pub(crate) fn delivered(project: &TestProject, sandbox: &Sandbox) {
    let since = Instant::now();
    loop {
        let events = status(project, sandbox);
        if events["waiting"] == 0 {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "events still wait: {events}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn by(records: &[Value], property: &str) -> BTreeMap<String, Value> {
    let mut by = BTreeMap::new();
    for record in records {
        if let Some(value) = record["properties"][property].as_str() {
            assert!(by.insert(value.to_owned(), record.clone()).is_none(), "two records have {property} {value}");
        }
    }
    by
}

/// Contacts, companies, associations and events of these users are there, each once, and nobody else.
pub(crate) fn all_there(sandbox: &Sandbox, users: &BTreeSet<usize>) {
    let people = by(&sandbox.records("contacts"), "email");
    let firms = by(&sandbox.records("companies"), "segment_group_id");
    for id in users {
        let contact = people.get(&format!("person{id}@example.com")).unwrap_or_else(|| panic!("no contact {id}"));
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")));
        let firm = &firms[&format!("g{}", id % 7)];
        assert_eq!(firm["properties"]["name"], json!(format!("Firm {}", id % 7)));
        let held: Vec<&Value> =
            contact["associations"]["companies"].as_array().into_iter().flatten().map(|other| &other["id"]).collect();
        assert_eq!(held, [&firm["id"]], "{id}");
    }
    let events = sandbox.get("/_sandbox/events");
    let mut amounts: Vec<usize> = events["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["properties"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount"))
        .collect();
    let sent = amounts.len();
    amounts.sort_unstable();
    amounts.dedup();
    assert_eq!(amounts.len(), sent, "no event is there twice");
    let missing: Vec<&usize> = users.iter().filter(|id| !amounts.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn calls_become_contacts_companies_associations_and_events_and_what_is_refused_can_be_sent_again() {
    let (sandbox, project) = (sandbox(), project());
    let door = Door::start(&project, &sandbox);
    let users: BTreeSet<usize> = (0..150).collect();
    for part in users.iter().copied().collect::<Vec<_>>().chunks(50) {
        assert!(send(&door.url, &part.iter().flat_map(|id| calls(*id)).collect::<Vec<_>>()));
    }
    let bad = json!({"type": "identify", "messageId": "bad", "userId": "u", "traits": {"email": "no address", "mail": "late@example.com"}});
    assert!(send(&door.url, &[bad, json!({"type": "page", "messageId": "p", "userId": "u"})]));
    delivered(&project, &sandbox);
    all_there(&sandbox, &users);
    assert_eq!(sandbox.records("contacts").len(), 150);

    let rejected = done(&mut command(&project, &sandbox, &["rejected", "contacts", "--json"])).json();
    let row = &rejected["results"][0];
    assert_eq!(
        (&row["key"], &row["outcome"], &row["category"]),
        (&json!("bad"), &json!("invalid"), &json!("INVALID_EMAIL"))
    );
    let stderr = door.stop();
    assert!(stderr.contains("delivering to account 1234567"), "{stderr}");
    let told = &status(&project, &sandbox)["workers"][0]["told"];
    assert_eq!(
        (&told["events"], &told["outcomes"]["applied"], &told["without_mapping"]),
        (&json!(452), &json!(450), &json!(1)),
        "{told}"
    );

    // The mapping is mended, and the event sent again.
    let again = done(&mut command(&project, &sandbox, &["replay"]));
    assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
    project.write(
        "mappings/contacts.yml",
        "mapping: contacts\naction: upsertContact\nfields: { email: { \"@path\": $.traits.mail } }\n",
    );
    let Done { code, stdout, stderr } = done(&mut command(&project, &sandbox, &["replay", "--mapping", "contacts"]));
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("1 events sent again: 1 applied"), "{stdout}");
    assert!(by(&sandbox.records("contacts"), "email").contains_key("late@example.com"));
    let rejected = done(&mut command(&project, &sandbox, &["rejected", "contacts", "--json"])).json();
    assert_eq!(rejected["results"], json!([]));
}

#[test]
fn a_door_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let (sandbox, project) = (sandbox(), project());
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for round in 0..8_u64 {
        let door = Door::start(&project, &sandbox);
        let until = Instant::now() + Duration::from_millis(300 + 370 * round % 2_100);
        while Instant::now() < until {
            let part: Vec<usize> = (next..next + 5).collect();
            next += 5;
            if send(&door.url, &part.iter().flat_map(|id| calls(*id)).collect::<Vec<_>>()) {
                acknowledged.extend(part);
            }
        }
        door.kill();
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let door = Door::start(&project, &sandbox);
    delivered(&project, &sandbox);
    door.stop();
    all_there(&sandbox, &acknowledged);
    let rejected = done(&mut command(&project, &sandbox, &["rejected", "--json"])).json();
    assert_eq!(rejected["results"], json!([]));
}
