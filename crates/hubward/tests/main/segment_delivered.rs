//! What Segment's own clients send to `hubward intake` arrives in HubSpot: as contacts, one company, its associations,
//! records of a custom object, custom events and members of a list.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::clients::{clients, conformance, interpreter, python};
use crate::delivered::{Door, delivered, project, sandbox};
use crate::intake::WRITE_KEY;
use crate::segment::chromium;
use crate::support::{Sandbox, TestProject, done};

/// Its definition is made by the first of its events.
const PURCHASES: &str = "\
mapping: orders
action: customEvent
sync_mode: upsert
trigger: type = \"track\" and event = \"Order Placed\"
fields:
  event_name: { \"@path\": $.event }
  record_details: { object_type: contact, email: { \"@template\": \"{{userId}}@example.com\" } }
  properties: { total: { \"@path\": $.properties.total } }
";

const COUNTERS: &str = "\
mapping: counters
action: upsertObject
sync_mode: upsert
trigger: type = \"track\" and event = \"Counted\"
fields:
  object_details: { object_type: counters, id_field_name: counter_key, id_field_value: { \"@path\": $.userId } }
  properties: { last_n: { \"@path\": $.properties.n } }
";

const MEMBERS: &str = "\
mapping: members
action: upsertObject
sync_mode: upsert
trigger: type = \"identify\"
fields:
  object_details: { object_type: contact, id_field_name: email, id_field_value: { \"@path\": $.traits.email } }
  list_details: { list_name: Clients, list_action: true, should_create_list: true }
";

fn prepared() -> (Sandbox, TestProject) {
    let (sandbox, project) = (sandbox(), project());
    let text = |name: &str, unique: bool| json!({"name": name, "label": name, "type": "string", "fieldType": "text", "hasUniqueValue": unique});
    sandbox.post(
        "/_sandbox/load",
        &json!({ "schemas": [{
            "name": "counters",
            "labels": {"singular": "Counter", "plural": "Counters"},
            "primaryDisplayProperty": "counter_key",
            "requiredProperties": ["counter_key"],
            "associatedObjects": ["CONTACT"],
            "properties": [
                text("counter_key", true),
                {"name": "last_n", "label": "Last", "type": "number", "fieldType": "number"},
            ],
        }] }),
    );
    project.write("mappings/orders.yml", PURCHASES);
    project.write("mappings/counters.yml", COUNTERS);
    project.write("mappings/members.yml", MEMBERS);
    (sandbox, project)
}

/// Lets a client send all its calls.
fn drive(mut command: Command, script: &str, url: &str, more: &[&str]) {
    let done = done(command.arg(conformance(script)).args([url, WRITE_KEY]).args(more));
    assert_eq!(done.code, 0, "{script}\n{}{}", done.stdout, done.stderr);
    assert_eq!(done.json()["failed"], json!([]), "{script}");
}

fn value<'a>(record: &'a Value, property: &str) -> &'a str {
    record["properties"][property].as_str().unwrap_or_default()
}

#[test]
fn the_calls_of_three_clients_arrive_as_what_they_say() {
    let Some(clients) = clients() else {
        return;
    };
    let (sandbox, project) = prepared();
    let door = Door::start(&project, &sandbox);
    let node = || {
        let mut node = interpreter(Path::new("node"));
        node.env("NODE_PATH", clients.join("node/node_modules"));
        node
    };
    drive(node(), "segment/node.js", &door.url, &[]);
    drive(python(&clients), "segment/python.py", &door.url, &[]);
    let mut people = vec!["n1", "p1"];
    if let Some(chromium) = chromium() {
        let mut browser = node();
        browser.env("HOME", std::env::temp_dir());
        drive(browser, "segment/browser.js", &door.url, &["single", chromium.to_str().expect("a path in UTF-8")]);
        people.push("b1");
    }
    people.sort_unstable();
    delivered(&project, &sandbox);
    let stderr = door.stop();
    let rejected = project.run(&sandbox, &["--json", "rejected"]).json();
    assert_eq!(rejected["results"], json!([]), "{stderr}");

    let addresses: Vec<String> = people.iter().map(|user| format!("{user}@example.com")).collect();
    let contacts = sandbox.records("contacts");
    let mut found: Vec<&str> = contacts.iter().map(|contact| value(contact, "email")).collect();
    found.sort_unstable();
    assert_eq!(found, addresses);

    let companies = sandbox.records("companies");
    assert_eq!(companies.len(), 1, "the clients name one group");
    assert_eq!((value(&companies[0], "segment_group_id"), value(&companies[0], "name")), ("g1", "Rosebud"));
    for contact in &contacts {
        let held = contact["associations"]["companies"].as_array().expect("associations");
        assert_eq!(held.len(), 1, "{contact}");
        assert_eq!(held[0]["id"], companies[0]["id"]);
    }

    let events = sandbox.get("/_sandbox/events");
    let mut of_whom: Vec<(&str, &str)> = Vec::new();
    for event in events["results"].as_array().expect("events") {
        assert_eq!(event["eventName"], "pe1234567_order_placed");
        of_whom.push((
            event["email"].as_str().expect("an address"),
            event["properties"]["total"].as_str().expect("a sum"),
        ));
    }
    of_whom.sort_unstable();
    assert_eq!(of_whom, addresses.iter().map(|address| (address.as_str(), "12.5")).collect::<Vec<_>>());

    let lists = sandbox.get("/_sandbox/lists");
    let list = &lists["results"][0];
    assert_eq!((&list["name"], lists["results"].as_array().map(Vec::len)), (&json!("Clients"), Some(1)));
    let id = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut members: Vec<String> = list["members"].as_array().expect("members").iter().map(id).collect();
    let mut ids: Vec<String> = contacts.iter().map(|contact| id(&contact["id"])).collect();
    members.sort_unstable();
    ids.sort_unstable();
    assert_eq!(members, ids);

    let counters: BTreeMap<String, String> = sandbox
        .records("counters")
        .iter()
        .map(|record| (value(record, "counter_key").to_owned(), value(record, "last_n").to_owned()))
        .collect();
    let mut keys = vec!["n0", "n1", "n2", "p0", "p1", "p2"];
    if people.contains(&"b1") {
        keys.push("b1");
    }
    keys.sort_unstable();
    assert_eq!(counters.keys().map(String::as_str).collect::<Vec<_>>(), keys);
    // The Python client sends in order, so the last value of each user is the one that stays.
    for (user, last) in [("p0", "99"), ("p1", "97"), ("p2", "98")] {
        assert_eq!(counters[user], last, "{user}");
    }
}
