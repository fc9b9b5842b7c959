//! `apply-schema`, and what `check`, `plan` and `run` say of what is declared and missing.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Sandbox, TestProject, done};

const SCHEMA: &str = "\
schema:
  contacts:
    groups: { shop: Shop }
    properties:
      plan: { type: enumeration, group: shop, options: { gold: Gold, silver: Silver } }
      customer_no: { type: number, unique: true }
";

/// The customers with a property that the project declares and the account lacks.
fn declared() -> TestProject {
    let project = TestProject::customers(2);
    project.write("schema/contacts.yml", SCHEMA);
    project.edit("syncs/customers.yml", "  firstname: name\n", "  firstname: name\n  customer_no: id\n");
    project
}

#[test]
fn what_is_missing_is_shown_then_made_and_then_there_is_nothing_to_do() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    let shown = project.run(&sandbox, &["apply-schema"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + group contacts.shop: "Shop"
    + property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
    + property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
    --- stderr
    comparing with account 1234567 (standard, na1)
    error: nothing was created: there is no terminal to ask on
      help: look at the changes, then run `hubward apply-schema --yes`
    "#);
    let requests = sandbox.get("/_sandbox/requests")["results"].as_array().expect("a list").clone();
    let makes = |request: &serde_json::Value| {
        request["method"] == "POST" && request["path"].as_str().is_some_and(|path| path.contains("/properties/"))
    };
    assert!(!requests.iter().any(makes), "nothing is made without a yes");

    let made = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(made.shown(), @r#"
    exit 0
    --- stdout
    + group contacts.shop: "Shop"
    + property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
    + property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
    created    group contacts.shop
    created    property contacts.plan
    created    property contacts.customer_no
    --- stderr
    comparing with account 1234567 (standard, na1)
    "#);
    let again = project.run(&sandbox, &["apply-schema"]);
    assert_snapshot!(again.shown(), @r"
    exit 0
    --- stdout
    nothing to do: the account has all that the project declares
    --- stderr
    comparing with account 1234567 (standard, na1)
    ");

    let run = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut numbers: Vec<String> = sandbox
        .records("contacts")
        .iter()
        .map(|record| record["properties"]["customer_no"].as_str().unwrap_or_default().to_owned())
        .collect();
    numbers.sort();
    assert_eq!(numbers, ["1", "2"]);
}

#[test]
fn the_document_names_every_change_and_how_it_ended() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    let refused = project.run(&sandbox, &["apply-schema", "--json"]);
    assert_eq!(refused.code, 2);
    let document = refused.json();
    assert_eq!(document["applied"], json!(false));
    assert_eq!(document["error"]["code"], json!("needs-yes"));
    assert_eq!(document["changes"].as_array().map(Vec::len), Some(3));

    let made = project.run(&sandbox, &["apply-schema", "--json", "--yes"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(
        made.json(),
        json!({
            "account": 1_234_567,
            "changes": [
                { "kind": "group", "object": "contacts", "name": "shop", "detail": "\"Shop\"", "outcome": "created", "error": null },
                { "kind": "property", "object": "contacts", "name": "plan", "detail": "\"Plan\", enumeration (select), group shop, options gold (\"Gold\"), silver (\"Silver\")", "outcome": "created", "error": null },
                { "kind": "property", "object": "contacts", "name": "customer_no", "detail": "\"Customer no\", number (number), unique, group contactinformation", "outcome": "created", "error": null },
            ],
            "applied": true,
            "problems": [],
            "notes": [],
            "proposal": null,
            "error": null,
        })
    );
    let again = project.run(&sandbox, &["apply-schema", "--json"]);
    assert_eq!((again.code, again.json()["changes"].clone()), (0, json!([])));
}

#[test]
fn check_plan_and_run_name_the_command_that_makes_what_is_missing() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    let checked = project.run(&sandbox, &["check"]);
    assert_snapshot!(checked.shown(), @r#"
    exit 2
    --- stdout
    error[unknown-property]: the object type has no property customer_no
     --> syncs/customers.yml:8:3
      |
    8 |   customer_no: id
      |   ^
      |
      = help: the project declares it and the account lacks it: run `hubward apply-schema`

    warning[schema-missing]: declared and not in the account: group contacts.shop: "Shop"
     --> schema/contacts.yml:3:15
      |
    3 |     groups: { shop: Shop }
      |               ^
      |
      = help: run `hubward apply-schema`

    warning[schema-missing]: declared and not in the account: property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
     --> schema/contacts.yml:5:7
      |
    5 |       plan: { type: enumeration, group: shop, options: { gold: Gold, silver: Silver } }
      |       ^
      |
      = help: run `hubward apply-schema`

    warning[schema-missing]: declared and not in the account: property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
     --> schema/contacts.yml:6:7
      |
    6 |       customer_no: { type: number, unique: true }
      |       ^
      |
      = help: run `hubward apply-schema`

    errors: 1; warnings: 3
    --- stderr
    checking against account 1234567 (standard, na1)
    "#);
    let planned = project.run(&sandbox, &["plan"]);
    assert_snapshot!(planned.shown(), @r#"
    exit 2
    --- stdout
    schema: 3 declared and not in the account; `hubward apply-schema` makes them
      + group contacts.shop: "Shop"
      + property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
      + property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
    --- stderr
    planning for account 1234567 (standard, na1)
    customers: reading
    error: sync "customers": the object type has no property customer_no
      at: syncs/customers.yml:8:3
      help: the project declares it and the account lacks it: run `hubward apply-schema`
    "#);
    let run = project.run(&sandbox, &["run"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.shown().contains("run `hubward apply-schema`"), "{}", run.shown());

    assert_eq!(project.run(&sandbox, &["apply-schema", "--yes"]).code, 0);
    let checked = project.run(&sandbox, &["check", "--json"]);
    assert_eq!(checked.json(), json!({ "ok": true, "problems": [] }));
    let planned = project.run(&sandbox, &["plan", "--json"]);
    assert_eq!(planned.json()["schema"], json!({ "missing": [], "conflicts": 0 }));
}

#[test]
fn a_contradiction_is_told_with_its_line_and_nothing_is_made() {
    let sandbox = Sandbox::start(&[]);
    let project = declared();
    project.edit("schema/contacts.yml", "      customer_no:", "      email: { type: number }\n      customer_no:");
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + group contacts.shop: "Shop"
    + property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
    + property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
    --- stderr
    comparing with account 1234567 (standard, na1)
    error[schema-conflict]: email of contacts has the type string in the account, and the project declares number
     --> schema/contacts.yml:6:7
      |
    6 |       email: { type: number }
      |       ^
      |
      = help: declare `type: string`, or give the property another name; nothing that exists is changed
    error: the declaration and the account contradict each other
      help: mend the places above; nothing was created
    "#);
    assert_eq!(project.run(&sandbox, &["check"]).code, 2);
}

#[test]
fn what_a_sync_maps_and_nobody_declares_is_proposed_and_never_made() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("syncs/customers.yml", "  firstname: name\n", "  firstname: name\n  shoe_size: id\n");
    let shown = project.run(&sandbox, &["apply-schema", "--yes"]);
    assert_snapshot!(shown.shown(), @r"
    exit 0
    --- stdout
    the project declares no schema: nothing to do

    mapped by syncs, not in the account and not declared; look the types over before you declare them:

    schema:
      contacts:
        properties:
          shoe_size: { type: number }  # from column id
    --- stderr
    comparing with account 1234567 (standard, na1)
    ");
    let checked = project.run(&sandbox, &["check"]);
    assert_snapshot!(checked.shown(), @r"
    exit 2
    --- stdout
    error[unknown-property]: the object type has no property shoe_size
     --> syncs/customers.yml:8:3
      |
    8 |   shoe_size: id
      |   ^
      |
      = help: create it in HubSpot, or see `hubward describe` for the properties that exist; or declare it, with the type that it shall have, and run `hubward apply-schema`: schema: { contacts: { properties: { shoe_size: { type: number } } } }

    errors: 1
    --- stderr
    checking against account 1234567 (standard, na1)
    ");
}

#[test]
fn a_token_without_the_scope_is_told_which_one_it_lacks() {
    let sandbox = Sandbox::start(&[]);
    let scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"];
    sandbox.post(
        "/_sandbox/load",
        &json!({ "tokens": [{ "token": "pat-na1-narrow", "kind": "private_app", "scopes": scopes }] }),
    );
    let project = declared();
    let mut command = project.command(&sandbox, &["apply-schema", "--yes"]);
    command.env("HUBSPOT_TOKEN", "pat-na1-narrow");
    let shown = done(&mut command);
    assert_snapshot!(shown.shown(), @r#"
    exit 2
    --- stdout
    + group contacts.shop: "Shop"
    + property contacts.plan: "Plan", enumeration (select), group shop, options gold ("Gold"), silver ("Silver")
    + property contacts.customer_no: "Customer no", number (number), unique, group contactinformation
    failed     group contacts.shop: This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.
                 at: schema/contacts.yml:3:15
                 HubSpot's correlation id: [UUID]
                 help: the token lacks a scope: grant the app crm.schemas.contacts.write in HubSpot, install it again, and use the new token if it changed
    not tried  property contacts.plan: its group shop was not made
    failed     property contacts.customer_no: This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.
                 at: schema/contacts.yml:6:7
                 HubSpot's correlation id: [UUID]
                 help: the token lacks a scope: grant the app crm.schemas.contacts.write in HubSpot, install it again, and use the new token if it changed
    not everything was created; run `hubward apply-schema` again to go on from here
    --- stderr
    comparing with account 1234567 (standard, na1)
    warning[missing-scope]: the token does not have the scope crm.schemas.contacts.write
     --> schema/contacts.yml:2:3
      |
    2 |   contacts:
      |   ^
      |
      = help: add it to the app or service key in HubSpot, or HubSpot will refuse to make what is missing
    "#);

    let scopes = project.run(&sandbox, &["check", "--scopes"]);
    assert_snapshot!(scopes.shown(), @r"
    exit 0
    --- stdout
    crm.objects.contacts.read        customers
    crm.objects.contacts.write       customers
    crm.schemas.contacts.read        customers, schema of contacts
    crm.schemas.contacts.write       schema of contacts
    --- stderr
    ");
}

#[test]
fn a_project_without_a_declaration_has_nothing_to_do() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    let shown = project.run(&sandbox, &["apply-schema"]);
    assert_eq!((shown.code, shown.stdout.as_str()), (0, "the project declares no schema: nothing to do\n"));
}
