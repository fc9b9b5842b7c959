//! The commands that show and make things: demo, init, check, preview, describe.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Sandbox, TestProject, done, hubward, steady};

#[test]
fn the_demonstration_shows_a_first_run_a_change_and_a_second_run() {
    let shown = done(hubward().args(["--quiet", "demo"]));
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert_snapshot!(shown.shown(), @r#"
    exit 0
    --- stdout
    A demonstration. It needs no HubSpot account: a sandbox in this process stands for one, with HubSpot's limits
    of tier professional. The project is the one that `hubward init` writes, with 2,000 customers in a SQLite file.

    1. The first run. HubSpot holds nothing yet, so every row is sent, 100 to a request.
    customers: ok ([SECONDS] s)
      rows      2,000 read: 2,000 added, 0 changed, 0 unchanged; 0 left the model
      outcomes  2,000 applied
      requests  20 (20 upsert)

    2. Now the data changes: three customers get another phone number, one customer is new, and one more is new
       whose e-mail address is none. The second run sends what changed, and nothing else.
    customers: finished, but some rows need a look ([SECONDS] s)
      rows      2,002 read: 2 added, 3 changed, 1,997 unchanged; 0 left the model
      outcomes  4 applied, 1,997 unchanged, 1 invalid (our check, not sent)
      requests  2 (1 upsert, 1 update)
      first rows with trouble:
        row 2002: invalid: email: "not an address" is not an e-mail address: it holds a blank

    3. `hubward rejected` shows the row that did not arrive, and why:
       row 2002 of sync customers, invalid
       property email, value "not an address"
       "not an address" is not an e-mail address: it holds a blank

    4. A third run, with nothing changed, sends nothing. The bad row waits until it is mended.
    customers: finished, but some rows need a look ([SECONDS] s)
      rows      2,002 read: 1 added, 0 changed, 2,001 unchanged; 0 left the model
      outcomes  2,001 unchanged, 1 invalid (our check, not sent)
      requests  none: nothing had to be sent
      first rows with trouble:
        row 2002: invalid: email: "not an address" is not an e-mail address: it holds a blank

    That is all there is to it. To try it yourself:
      hubward init shop && cd shop     a small project of your own
      hubward sandbox                  the sandbox, in a second terminal
      hubward run
    --- stderr
    "#);
}

#[test]
fn the_demonstration_ignores_the_account_that_the_environment_names() {
    let mut command = hubward();
    command.args(["demo", "--json"]).env("HUBSPOT_TOKEN", "pat-na1-real").env("HUBSPOT_BASE_URL", "http://127.0.0.1:9");
    let shown = done(&mut command);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let document = shown.json();
    assert_eq!(document["runs"][0]["syncs"][0]["outcomes"]["applied"], 2000);
    assert_eq!(document["runs"][2]["syncs"][0]["requests"]["total"], 0);
    assert_eq!(document["rejected"][0]["property"], "email");
}

#[test]
fn init_writes_a_project_that_runs_at_once_and_never_overwrites() {
    let sandbox = Sandbox::start(&[]);
    for template in ["sqlite", "csv"] {
        let project = TestProject::empty();
        let made = project.run(&sandbox, &["init", "--template", template]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let checked = project.run(&sandbox, &["check", "--json"]);
        assert_eq!(checked.json(), json!({ "ok": true, "problems": [] }));

        sandbox.post("/_sandbox/reset", &json!({}));
        let first = project.run(&sandbox, &["run", "--json"]);
        assert_eq!(first.code, 0, "{}", first.stderr);
        assert_eq!(first.json()["syncs"][0]["outcomes"]["applied"], 25);
        assert_eq!(sandbox.records("contacts").len(), 25);
        assert_eq!(sandbox.writes().len(), 1);
        let second = project.run(&sandbox, &["run", "--json"]);
        assert_eq!(second.code, 0, "{}", second.stderr);
        assert_eq!(second.json()["syncs"][0]["outcomes"]["unchanged"], 25);
        assert_eq!(sandbox.writes().len(), 1, "nothing changed, so nothing is sent");

        let again = project.run(&sandbox, &["init", "--template", template]);
        assert_eq!(again.code, 2);
        assert!(again.stderr.contains("already holds hubward.yml"), "{}", again.stderr);
    }
}

#[test]
fn check_shows_every_problem_at_once_with_its_place() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("syncs/customers.yml", "  firstname: name\n", "  fristname: name\n  createdate: name\n  city: town\n");
    let shown = project.run(&sandbox, &["check"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    error[unknown-property]: the object type has no property fristname
     --> syncs/customers.yml:7:3
      |
    7 |   fristname: name
      |   ^
      |
      = help: did you mean firstname?

    error[read-only-property]: createdate cannot be written: HubSpot sets or calculates it
     --> syncs/customers.yml:8:3
      |
    8 |   createdate: name
      |   ^
      |
      = help: map another property or take the entry out

    error[unknown-column]: the model has no column town
     --> syncs/customers.yml:9:3
      |
    9 |   city: town
      |   ^
      |
      = help: the model's columns are id, email, name

    errors: 3
    --- stderr
    checking against account 1234567 (standard, na1)
    "#);
    let document = project.run(&sandbox, &["check", "--json"]).json();
    assert_eq!(document["ok"], false);
    let problems = document["problems"].as_array().expect("problems");
    let places: Vec<(&str, u64)> = problems
        .iter()
        .map(|problem| (problem["file"].as_str().expect("a file"), problem["line"].as_u64().expect("a line")))
        .collect();
    assert_eq!(places, [("syncs/customers.yml", 7), ("syncs/customers.yml", 8), ("syncs/customers.yml", 9)]);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn check_looks_at_the_sources_even_without_an_account() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("hubward.yml", "from customers", "from custmers");
    let mut command = project.command(&sandbox, &["check", "--json"]);
    let document = done(command.env("HUBSPOT_TOKEN", "pat-na1-wrong")).json();
    let problems = document["problems"].as_array().expect("problems");
    let text = document.to_string();
    assert_eq!(problems.len(), 2, "{text}");
    assert!(text.contains("no such table: custmers"), "{text}");
    assert!(!text.contains("pat-na1-wrong"), "a token is never shown");
}

#[test]
fn scopes_are_listed_without_a_token() {
    let project = TestProject::customers(1);
    let shown = done(hubward().current_dir(project.path()).args(["check", "--scopes"]));
    assert_snapshot!(shown.shown(), @r#"
    exit 0
    --- stdout
    crm.objects.contacts.read        customers
    crm.objects.contacts.write       customers
    crm.schemas.contacts.read        customers
    --- stderr
    "#);
}

#[test]
fn preview_shows_rows_and_the_requests_they_become() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(3);
    let rows = project.run(&sandbox, &["preview", "customers", "--limit", "1", "--json"]);
    assert_eq!(
        rows.json(),
        json!({
            "columns": [
                { "name": "id", "type": "Int64" },
                { "name": "email", "type": "Utf8" },
                { "name": "name", "type": "Utf8" },
            ],
            "rows": [{ "id": 1, "email": "c1@example.com", "name": "Zoë 1" }],
        })
    );
    let requests = project.run(&sandbox, &["preview", "customers", "--sync", "customers", "--json"]).json();
    assert_eq!(requests["requests"][0]["path"], "/crm/objects/2026-09/contacts/batch/upsert");
    assert_eq!(requests["requests"][0]["body"]["inputs"][2]["id"], "c3@example.com");
    assert_eq!(requests["invalid"], json!([]));
    assert_eq!(sandbox.writes().len(), 0);

    let unknown = project.run(&sandbox, &["preview", "custommers"]);
    assert_snapshot!(unknown.shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: there is no model "custommers" in the project
      help: did you mean "customers"?
    "#);
}

#[test]
fn describe_names_types_and_properties_as_files_use_them() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    sandbox.post(
        "/_sandbox/load",
        &json!({ "schemas": [{
            "name": "machine", "labels": { "singular": "Machine", "plural": "Machines" },
            "primaryDisplayProperty": "serial", "requiredProperties": ["serial"],
            "properties": [{ "name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true }],
        }] }),
    );
    let project = TestProject::customers(0);
    let types = project.run(&sandbox, &["describe", "--json"]).json();
    let types = types["object_types"].as_array().expect("types").clone();
    assert!(types.iter().any(|one| one["name"] == "contacts" && one["id"] == "0-1" && one["custom"] == false));
    assert!(types.iter().any(|one| one["name"] == "machine" && one["custom"] == true));
    let machine = project.run(&sandbox, &["describe", "Machines", "--json"]).json();
    let properties = machine["properties"].as_array().expect("properties");
    let serial = properties.iter().find(|property| property["name"] == "serial").expect("the property");
    assert_eq!(
        (&serial["unique"], &serial["required"], &serial["writable"]),
        (&json!(true), &json!(true), &json!(true))
    );
    let deals = project.run(&sandbox, &["describe", "deals"]);
    assert!(deals.stdout.contains("stage closedwon \"Closed Won\""), "{}", deals.stdout);
}

#[test]
fn the_schema_of_the_project_files_is_json() {
    let shown = done(hubward().arg("schema"));
    assert_eq!(shown.code, 0);
    assert!(shown.json().is_object());
    assert_eq!(steady(&shown.stderr), "");
}
