//! Whatever a person can get wrong ends with a message that says what to do, exit code 2, and nothing sent.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Done, Sandbox, TestProject, done, hubward};

/// Nothing was sent, and the exit code says so.
fn refused(sandbox: &Sandbox, project: &TestProject, run: &Done) -> String {
    assert_eq!(run.code, 2, "stdout: {}\nstderr: {}", run.stdout, run.stderr);
    assert_eq!(sandbox.records("contacts").len(), 0, "nothing may be written");
    // The same under --json: one document, which names the cause for every sync.
    let document = project.run(sandbox, &["run", "--json"]);
    assert_eq!(document.code, 2);
    assert!(document.json()["syncs"].is_array());
    run.shown()
}

#[test]
fn no_token() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    let run = done(project.command(&sandbox, &["run"]).env_remove("HUBSPOT_TOKEN"));
    assert_eq!(run.code, 2);
    assert_eq!(sandbox.get("/_sandbox/requests")["results"], json!([]));
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[missing-variable]: the environment variable `HUBSPOT_TOKEN` is not set
     --> hubward.yml:3:10
      |
    3 |   token: ${HUBSPOT_TOKEN}
      |          ^^^^^^^^^^^^^^^^
      |
      = help: set it (`export HUBSPOT_TOKEN=…`), or give a default: `${HUBSPOT_TOKEN:-default}`
    error: one error in the project's files; nothing was sent
    "#);
}

#[test]
fn a_wrong_token() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    let run = done(project.command(&sandbox, &["run"]).env("HUBSPOT_TOKEN", "pat-na1-wrong"));
    assert_eq!(run.code, 2);
    assert_eq!(sandbox.writes().len(), 0);
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview
      at: hubward.yml:3:3
      HubSpot's correlation id: [UUID]
      help: HubSpot does not know the token: check that it was copied whole and not revoked or rotated, and that base_url is right for the account's region (api-eu1.hubapi.com for accounts in the EU)
    "#);
    let document = done(project.command(&sandbox, &["run", "--json"]).env("HUBSPOT_TOKEN", "pat-na1-wrong")).json();
    assert_eq!(document["syncs"][0]["sync"], "customers");
    assert_eq!(document["syncs"][0]["error"], document["error"]);
}

#[test]
fn a_token_of_another_account() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("hubward.yml", "  token: ${HUBSPOT_TOKEN}\n", "  token: ${HUBSPOT_TOKEN}\n  portal_id: 42\n");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    --- stderr
    error: the token belongs to account 1234567, the project is for account 42
      at: hubward.yml:3:3
      help: use a token of that account, or change hubspot.portal_id in hubward.yml
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn a_missing_scope() {
    let sandbox = Sandbox::start(&[]);
    let scopes = ["crm.objects.contacts.read", "crm.schemas.contacts.read"];
    let tokens = json!({ "tokens": [{ "token": "pat-na1-reader", "kind": "private_app", "scopes": scopes }] });
    sandbox.post("/_sandbox/load", &tokens);
    let project = TestProject::customers(1);
    let run = done(project.command(&sandbox, &["run"]).env("HUBSPOT_TOKEN", "pat-na1-reader"));
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert_eq!(sandbox.records("contacts").len(), 0);
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
      rows      1 read: 1 added, 0 changed, 0 unchanged; 0 left the model
      outcomes  1 deferred to the next run
      requests  1 (1 upsert)
      note      not sent: This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    customers: checking 1 rows
    customers: sending 1 rows
    error: sync "customers": This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.
      HubSpot's correlation id: [UUID]
      help: the token lacks a scope: grant the app crm.objects.contacts.write in HubSpot, install it again, and use the new token if it changed
    "#);
}

#[test]
fn an_unknown_property() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("syncs/customers.yml", "firstname:", "fristname:");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": the object type has no property fristname
      at: syncs/customers.yml:7:3
      help: did you mean firstname?
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn a_read_only_property() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("syncs/customers.yml", "firstname:", "createdate:");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": createdate cannot be written: HubSpot sets or calculates it
      at: syncs/customers.yml:7:3
      help: map another property or take the entry out
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn an_unknown_column() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("syncs/customers.yml", "firstname: name", "firstname: nmae");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": the model has no column nmae
      at: syncs/customers.yml:7:3
      help: did you mean name?
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn an_error_in_the_sql() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("hubward.yml", "select id,", "selct id,");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": model "customers": near "selct": syntax error (line 1, column 1 of its SQL)
      at: hubward.yml:7:3
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn a_source_that_is_not_there() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit("hubward.yml", "data/shop.sqlite", "data/shpo.sqlite");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": model "customers": no SQLite database at ./data/shpo.sqlite
      at: hubward.yml:7:3
      help: correct `path` of the source; it is relative to the project's folder
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn malformed_yaml() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.edit(
        "syncs/customers.yml",
        "match: { column: email, property: email }",
        "match: { column: email, property: email",
    );
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    --- stderr
    error[malformed-yaml]: this is not well-formed YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> syncs/customers.yml:6:4
      |
    6 | map:
      |    ^
      |
      = help: look at this line and the one before it: indentation by spaces, a blank after every `:`, closed quotes and brackets; put quotes around text that holds `: ` or ` #`, or that starts with one of `@ * & { [ % |`
    error: one error in the project's files; nothing was sent
    "#);
    assert_eq!(sandbox.writes().len(), 0);
}

#[test]
fn a_model_gone_empty() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(3);
    assert_eq!(project.run(&sandbox, &["run"]).code, 0);
    project.database().execute("delete from customers", []).expect("deleted");
    let run = project.run(&sandbox, &["run"]);
    assert_eq!(run.code, 2);
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": model "customers" returns no rows where it had 3
      at: hubward.yml:7:3
      help: look at the query; if an empty model is right, run again with --allow-empty
    "#);
    assert_eq!(sandbox.writes().len(), 1, "only the first run wrote");

    let meant = project.run(&sandbox, &["run", "--allow-empty", "--json"]);
    assert_eq!(meant.code, 0, "{}", meant.stdout);
    let sync = &meant.json()["syncs"][0];
    assert_eq!((&sync["changes"]["removed"], &sync["outcomes"]["skipped"]), (&json!(3), &json!(3)));
}

#[test]
fn a_state_file_of_a_newer_version() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    std::fs::create_dir(project.file(".hubward")).expect("made");
    let state = rusqlite::Connection::open(project.file(".hubward/state.sqlite")).expect("opened");
    state.pragma_update(None, "user_version", 99).expect("set");
    drop(state);
    let before = std::fs::read(project.file(".hubward/state.sqlite")).expect("the file");
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    --- stderr
    error: ./.hubward/state.sqlite has format version 99, this program knows versions up to 3: update hubward (nothing was changed)
    "#);
    assert_eq!(sandbox.get("/_sandbox/requests")["results"], json!([]));
    assert_eq!(std::fs::read(project.file(".hubward/state.sqlite")).expect("the file"), before);
}

#[test]
fn an_event_that_the_account_does_not_have() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.write(
        "syncs/customers.yml",
        "sync: orders\nmodel: customers\nto: { event: order_placed }\ncontact: { by: email, column: email }\nmap: { a: name }\n",
    );
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    orders: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    orders: reading
    error: sync "orders": the account has no event "order_placed"
      at: syncs/customers.yml:3:14
      help: `hubward apply-schema` makes an event that the project declares
    "#);
}

#[test]
fn a_list_that_the_account_does_not_have() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    project.write(
        "syncs/customers.yml",
        "sync: news\nmodel: customers\nto: { list: { id: 42 } }\nmatch: { column: email, property: email }\n",
    );
    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(refused(&sandbox, &project, &run), @r#"
    exit 2
    --- stdout
    news: failed, see the error ([SECONDS] s)
      requests  1 (1 other)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    error: sync "news": the account has no list with id 42
      at: syncs/customers.yml:3:13
      help: `hubward describe` lists what the account has; a list that does not exist yet is given by `name`, and mode mirror or add makes it
    "#);
}

#[test]
fn an_unknown_sync_and_a_folder_without_a_project() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    let run = project.run(&sandbox, &["run", "customer"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("did you mean \"customers\"?"), "{}", run.stderr);
    let nowhere = TestProject::empty();
    for command in ["run", "check", "status", "rejected"] {
        let shown = done(hubward().current_dir(nowhere.path()).arg(command));
        assert_eq!(shown.code, 2, "{command}");
        assert!((shown.stdout + &shown.stderr).contains("hubward.yml"), "{command}");
    }
    let json = done(hubward().current_dir(nowhere.path()).args(["status", "--json"])).json();
    assert_eq!(json["error"]["code"], "missing-file");
    assert!(matches!(json["error"]["help"], Value::String(_)));
}

#[test]
fn arguments_that_mean_nothing() {
    let text = done(hubward().args(["run", "--fulll"]));
    assert_eq!((text.code, text.stdout.as_str()), (2, ""));
    assert!(text.stderr.contains("--full"), "{}", text.stderr);
    let json = done(hubward().args(["run", "--fulll", "--json"]));
    assert_eq!(json.code, 2);
    assert_eq!(json.json()["error"]["code"], "usage");
    assert_eq!(done(hubward().arg("--version")).code, 0);
}

#[test]
fn a_sandbox_that_has_not_been_started() {
    let project = TestProject::customers(1);
    // Taken and given back: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut command = hubward();
    command.current_dir(project.path()).args(["check", "--json"]).env("HUBSPOT_TOKEN", "pat-na1-sandbox");
    let shown = done(command.env("HUBSPOT_BASE_URL", format!("http://127.0.0.1:{port}")));
    assert_eq!(shown.code, 2);
    let help = shown.json()["problems"][0]["help"].as_str().expect("a remedy").to_owned();
    assert!(help.contains("start `hubward sandbox`"), "{help}");
}
