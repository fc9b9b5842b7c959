//! `apply-schema` for custom events, and `describe` of events and lists.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, TestProject, done};

const EVENTS: &str = "\
schema:
  events:
    order_placed:
      label: Order placed
      properties:
        amount: number
        channel: { type: enumeration, options: { web: Web shop, shop: Shop } }
      default_properties: false
";

fn declared() -> TestProject {
    let project = TestProject::customers(1);
    project.write("schema/events.yml", EVENTS);
    project
}

/// The custom events that the sandbox has: name and properties.
fn held(sandbox: &Sandbox) -> Vec<String> {
    let found = sandbox.call("GET", "/events/2026-09/event-definitions?includeProperties=true", &Value::Null);
    found["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            let properties = event["properties"].as_array().expect("a list").iter();
            let names: Vec<&str> = properties.filter_map(|property| property["name"].as_str()).collect();
            format!("{}: {}", event["name"].as_str().unwrap_or_default(), names.join(", "))
        })
        .collect()
}

#[test]
fn a_missing_event_is_shown_then_made_and_then_there_is_nothing_to_do() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    let shown = project.run(&sandbox, &["apply-schema"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + event order_placed: "Order placed", of contacts, with amount (number), channel (enumeration, options web ("Web shop"), shop ("Shop")), without HubSpot's own properties
    --- stderr
    comparing with account 1234567 (standard, na1)
    error: nothing was created: there is no terminal to ask on
      help: look at the changes, then run `hubward apply-schema --yes`
    "#);
    assert_eq!(held(&sandbox), [""; 0], "nothing is made without a yes");
    let made = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(made.shown(), @r#"
    exit 0
    --- stdout
    + event order_placed: "Order placed", of contacts, with amount (number), channel (enumeration, options web ("Web shop"), shop ("Shop")), without HubSpot's own properties
    created    event order_placed
    --- stderr
    comparing with account 1234567 (standard, na1)
    "#);
    assert_eq!(held(&sandbox), ["order_placed: amount, channel"]);
    let again = project.run(&sandbox, &["apply-schema"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "nothing to do: the account has all that the project declares\n")
    );

    project.edit("schema/events.yml", "shop: Shop }", "shop: Shop, fair: Fair }");
    project.edit("schema/events.yml", "        amount: number\n", "        amount: number\n        gift: bool\n");
    let more = project.run(&sandbox, &["apply-schema", "--yes", "--json"]);
    assert_eq!(
        more.json()["changes"],
        json!([
            { "kind": "event_property", "object": "order_placed", "name": "gift", "detail": "\"Gift\", bool",
              "outcome": "created", "error": null },
            { "kind": "event_options", "object": "order_placed", "name": "channel", "detail": "add fair (\"Fair\")",
              "outcome": "created", "error": null },
        ])
    );
    assert_eq!(held(&sandbox), ["order_placed: amount, channel, gift"]);
}

#[test]
fn check_and_plan_tell_of_a_missing_event_and_scopes_name_the_one_it_takes() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    let checked = project.run(&sandbox, &["check"]);
    assert_snapshot!(checked.shown(), @r#"
    exit 0
    --- stdout
    warning[schema-missing]: declared and not in the account: event order_placed: "Order placed", of contacts, with amount (number), channel (enumeration, options web ("Web shop"), shop ("Shop")), without HubSpot's own properties
     --> schema/events.yml:3:5
      |
    3 |     order_placed:
      |     ^
      |
      = help: run `hubward apply-schema`

    no errors; warnings: 1
    --- stderr
    checking against account 1234567 (standard, na1)
    "#);
    let planned = project.run(&sandbox, &["plan", "--json"]).json();
    assert_eq!(planned["schema"]["missing"][0]["kind"], json!("event"));
    let scopes = project.run(&sandbox, &["check", "--scopes"]);
    assert_snapshot!(scopes.stdout, @r"
    crm.objects.contacts.read                      customers
    crm.objects.contacts.write                     customers
    crm.schemas.contacts.read                      customers
    behavioral_events.event_definitions.read_write schema of order_placed
    ");
}

#[test]
fn what_hubspot_never_changes_is_told_with_its_line_and_nothing_is_made() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    assert_eq!(project.run(&sandbox, &["apply-schema", "--yes"]).code, 0);
    project.edit(
        "schema/events.yml",
        "      label: Order placed\n",
        "      label: Order placed\n      object: deals\n",
    );
    project.edit("schema/events.yml", "  events:\n", "  events:\n    fresh:\n");
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + event fresh: "Fresh", of contacts
    --- stderr
    comparing with account 1234567 (standard, na1)
    error[schema-conflict]: the event order_placed happens to contacts in the account, and the project declares deals
     --> schema/events.yml:6:15
      |
    6 |       object: deals
      |               ^
      |
      = help: HubSpot never changes the object type of an event: declare `object: contacts`, or an event of another name
    error: the declaration and the account contradict each other
      help: mend the places above; nothing was created
    "#);
    assert_eq!(held(&sandbox), ["order_placed: amount, channel"]);
}

#[test]
fn the_name_of_a_deleted_event_and_an_account_without_events_are_told_in_words() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    assert_eq!(project.run(&sandbox, &["apply-schema", "--yes"]).code, 0);
    sandbox.call("DELETE", "/events/2026-09/event-definitions/order_placed", &Value::Null);
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + event order_placed: "Order placed", of contacts, with amount (number), channel (enumeration, options web ("Web shop"), shop ("Shop")), without HubSpot's own properties
    failed     event order_placed: The event name 'order_placed' was deleted and cannot be used again.
                 at: schema/events.yml:3:5
                 HubSpot's correlation id: [UUID]
                 help: HubSpot never gives the name of a deleted event again: choose another name, here and in the syncs that send it; if the event is there, run `hubward apply-schema` again to see what it lacks
    not everything was created; run `hubward apply-schema` again to go on from here
    --- stderr
    comparing with account 1234567 (standard, na1)
    "#);

    let sandbox = Sandbox::start(&["--tier", "free"]);
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.shown(), @r"
    exit 2
    --- stdout
    --- stderr
    comparing with account 1234567 (standard, na1)
    error: Custom events are not available in this account's subscription (Free). They require a Professional or Enterprise subscription.
      at: schema/events.yml:3:5
      HubSpot's correlation id: [UUID]
      help: the account's subscription has no custom events (they come with Enterprise; some of HubSpot's pages say Professional): upgrade it, or take the events out of the project
    ");
}

/// Two events, of contacts and of a custom type, and lists of both.
fn furnished() -> Sandbox {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    sandbox.post(
        "/_sandbox/load",
        &json!({
            "schemas": [{
                "name": "machine", "labels": { "singular": "Machine", "plural": "Machines" },
                "primaryDisplayProperty": "serial", "requiredProperties": ["serial"],
                "properties": [{ "name": "serial", "label": "Serial", "type": "string", "fieldType": "text" }],
            }],
            "event_definitions": [
                { "name": "order_placed", "label": "Order placed", "primaryObject": "CONTACT", "includeDefaultProperties": false,
                  "propertyDefinitions": [
                    { "name": "amount", "label": "Amount", "type": "number" },
                    { "name": "channel", "label": "Channel", "type": "enumeration", "options": [
                        { "label": "Web shop", "value": "web", "displayOrder": 0, "hidden": false }] },
                  ] },
                { "name": "repaired", "label": "Repaired", "primaryObject": "machine", "includeDefaultProperties": false,
                  "propertyDefinitions": [] },
            ],
            "lists": [
                { "name": "Newsletter", "objectTypeId": "0-1", "processingType": "MANUAL" },
                { "name": "Machines to repair", "objectTypeId": "machine", "processingType": "SNAPSHOT" },
            ],
        }),
    );
    sandbox
}

#[test]
fn describe_tells_events_with_their_properties_and_lists() {
    let sandbox = furnished();
    let project = TestProject::customers(0);
    let all = project.run(&sandbox, &["describe"]);
    let (_, tail) = all.stdout.split_once("\n\n").expect("events and lists follow the types");
    assert_snapshot!(tail, @r"
    event         name to send by         label         of        properties
    order_placed  pe1234567_order_placed  Order placed  contacts           2
    repaired      pe1234567_repaired      Repaired      machine            0

    list  name                of        members by  size
       1  Newsletter          contacts  manual         0
       2  Machines to repair  machine   snapshot       0
    ");
    let events = project.run(&sandbox, &["describe", "events"]);
    assert_snapshot!(events.shown(), @r#"
    exit 0
    --- stdout
    event order_placed (pe1234567_order_placed) "Order placed", of contacts

    name     label    type         whose  options
    amount   Amount   number       yours
    channel  Channel  enumeration  yours  web

    event repaired (pe1234567_repaired) "Repaired", of machine

    no properties
    --- stderr
    account 1234567 (standard, na1)
    "#);
    let lists = project.run(&sandbox, &["describe", "lists"]);
    assert_snapshot!(lists.shown(), @r"
    exit 0
    --- stdout
    list  name                of        members by  size
       1  Newsletter          contacts  manual         0
       2  Machines to repair  machine   snapshot       0
    --- stderr
    account 1234567 (standard, na1)
    ");
    for name in ["order_placed", "pe1234567_order_placed", "order Placed"] {
        let one = project.run(&sandbox, &["describe", name]);
        assert_eq!(one.code, 0, "{name}: {}", one.shown());
        assert!(one.stdout.starts_with("event order_placed (pe1234567_order_placed)"), "{}", one.stdout);
    }
    let none = project.run(&sandbox, &["describe", "shipped"]);
    assert!(none.code == 2 && none.stderr.contains("no object type"), "{}", none.shown());
}

#[test]
fn the_documents_of_describe_hold_every_event_and_every_list() {
    let sandbox = furnished();
    let project = TestProject::customers(0);
    let all = project.run(&sandbox, &["describe", "--json"]).json();
    let order_placed = json!({ "name": "order_placed", "full_name": "pe1234567_order_placed", "label": "Order placed",
        "object": "contacts", "id": "6-1000001" });
    assert_eq!(all["events"][0], order_placed);
    assert_eq!((&all["events"][1]["object"], &all["lists"][1]["object"]), (&json!("machine"), &json!("machine")));
    assert_eq!(
        all["lists"][0],
        json!({ "id": all["lists"][0]["id"], "name": "Newsletter", "object": "contacts", "object_type_id": "0-1",
            "processing_type": "MANUAL", "size": 0 })
    );
    assert_eq!(project.run(&sandbox, &["describe", "lists", "--json"]).json()["lists"], all["lists"]);
    let events = project.run(&sandbox, &["describe", "events", "--json"]).json();
    let one = project.run(&sandbox, &["describe", "order_placed", "--json"]).json();
    assert_eq!(events["events"][0], one);
    assert_eq!(
        one,
        json!({ "event": order_placed, "properties": [
            { "name": "amount", "label": "Amount", "type": "number", "hubspot_defined": false, "options": [] },
            { "name": "channel", "label": "Channel", "type": "enumeration", "hubspot_defined": false,
              "options": [{ "value": "web", "label": "Web shop", "hidden": false }] },
        ] })
    );
}

#[test]
fn describe_shows_the_rest_where_events_are_not_told() {
    let sandbox = Sandbox::start(&["--tier", "free"]);
    let project = TestProject::customers(0);
    let all = project.run(&sandbox, &["describe", "--json"]);
    assert_eq!((all.code, &all.json()["events"]), (0, &Value::Null));
    assert!(all.json()["object_types"].as_array().is_some_and(|types| !types.is_empty()));
    assert!(all.stderr.contains("custom events are not shown"), "{}", all.stderr);
    let events = project.run(&sandbox, &["describe", "events"]);
    assert!(events.code != 0 && events.stderr.contains("upgrade it"), "{}", events.shown());

    let sandbox = furnished();
    sandbox.post(
        "/_sandbox/load",
        &json!({ "tokens": [{ "token": "pat-na1-narrow", "kind": "private_app", "scopes": ["crm.objects.contacts.read"] }] }),
    );
    let mut command = project.command(&sandbox, &["describe", "--json"]);
    let all = done(command.env("HUBSPOT_TOKEN", "pat-na1-narrow"));
    assert_eq!((all.code, &all.json()["lists"]), (0, &Value::Null));
    assert!(all.stderr.contains("lists are not shown"), "{}", all.stderr);
}

#[test]
fn what_an_event_sync_names_and_nobody_declares_is_proposed() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    project.write(
        "syncs/orders.yml",
        "sync: orders\nmodel: customers\nto: { event: shipped }\ncontact: { by: email, column: email }\nmap:\n  parcels: id\n",
    );
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.stdout, @r#"
    + event order_placed: "Order placed", of contacts, with amount (number), channel (enumeration, options web ("Web shop"), shop ("Shop")), without HubSpot's own properties

    mapped by syncs, not in the account and not declared; look the types over before you declare them:

    schema:
      events:
        shipped:
          properties:
            parcels: { type: number }  # from column id
    created    event order_placed
    "#);
    assert_eq!(held(&sandbox), ["order_placed: amount, channel"], "what is guessed is never made");
}
