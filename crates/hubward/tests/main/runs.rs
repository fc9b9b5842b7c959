//! Runs and what is told of them: plan, run, status, runs, rejected, requests.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Sandbox, TestProject};

#[test]
fn one_changed_row_sends_one_request_and_no_change_sends_none() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(250);
    let first = project.run(&sandbox, &["run"]);
    assert_snapshot!(first.shown(), @r#"
    exit 0
    --- stdout
    customers: ok ([SECONDS] s)
      rows      250 read: 250 added, 0 changed, 0 unchanged; 0 left the model
      outcomes  250 applied
      requests  3 (3 upsert)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    customers: checking 250 rows
    customers: sending 250 rows
    "#);
    assert_eq!(sandbox.writes().len(), 3);

    let second = project.run(&sandbox, &["run"]);
    assert_snapshot!(second.shown(), @r#"
    exit 0
    --- stdout
    customers: ok ([SECONDS] s)
      rows      250 read: 0 added, 0 changed, 250 unchanged; 0 left the model
      outcomes  250 unchanged
      requests  none: nothing had to be sent
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    "#);
    assert_eq!(sandbox.writes().len(), 3);

    project.database().execute("update customers set name = 'Łukasz' where id = 77", []).expect("updated");
    let third = project.run(&sandbox, &["run", "--json"]).json();
    assert_eq!(
        third["syncs"][0]["changes"],
        json!({ "rows": 250, "added": 0, "changed": 1, "removed": 0, "unchanged": 249 })
    );
    assert_eq!(sandbox.writes().len(), 4);
    let records = sandbox.records("contacts");
    assert_eq!(records.len(), 250);
    let changed = records.iter().find(|record| record["properties"]["email"] == "c77@example.com").expect("the record");
    assert_eq!(changed["properties"]["firstname"], "Łukasz");
}

#[test]
fn the_run_document_has_its_fixed_keys_in_order() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(1);
    let mut document = project.run(&sandbox, &["run", "--json"]).json();
    document["run"] = json!("[UUID]");
    document["syncs"][0]["seconds"] = json!(0);
    assert_snapshot!(document.to_string(), @r#"{"run":"[UUID]","account":1234567,"syncs":[{"sync":"customers","status":"ok","changes":{"rows":1,"added":1,"changed":0,"removed":0,"unchanged":0},"outcomes":{"applied":1,"unchanged":0,"skipped":0,"invalid":0,"rejected":0,"deferred":0},"associations":{"created":0,"removed":0,"missing_target":0},"requests":{"total":1,"upsert":1,"associate":0,"search":0,"throttled":0,"retried":0,"create":0,"update":0,"read":0,"archive":0,"event":0,"list":0},"seconds":0,"error":null,"notes":[],"interrupted":false}],"error":null}"#);
}

#[test]
fn bad_rows_are_told_with_property_value_and_reason_and_leave_the_list_when_mended() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(5);
    project.edit(
        "syncs/customers.yml",
        "  firstname: name\n",
        "  firstname: name\n  lifecyclestage: { template: \"{% if row.id == 3 %}vip{% else %}lead{% endif %}\" }\n",
    );
    project.database().execute("update customers set email = 'c1@example.com' where id = 2", []).expect("updated");
    let run = project.run(&sandbox, &["run"]);
    assert_eq!(run.code, 3);
    assert_snapshot!(run.shown(), @r#"
    exit 3
    --- stdout
    customers: finished, but some rows need a look ([SECONDS] s)
      rows      5 read: 5 added, 0 changed, 0 unchanged; 0 left the model
      outcomes  2 applied, 3 invalid (our check, not sent)
      requests  1 (1 upsert)
      first rows with trouble:
        row 1: invalid: email: email "c1@example.com" of the row with primary key 1 is also that of 2; one record cannot be two rows
        row 2: invalid: email: email "c1@example.com" of the row with primary key 2 is also that of 1; one record cannot be two rows
        row 3: invalid: lifecyclestage: "vip" is not one of the options of lifecyclestage; its internal values are "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"
      all of them: hubward rejected customers
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    customers: checking 5 rows
    customers: sending 2 rows
    "#);
    let mut rejected = project.run(&sandbox, &["rejected", "--json"]).json();
    for result in rejected["results"].as_array_mut().expect("results") {
        result["since"] = json!("[TIME]");
        result["run"] = json!("[UUID]");
    }
    assert_snapshot!(format!("{rejected:#}"), @r#"
    {
      "results": [
        {
          "sync": "customers",
          "key": "1",
          "outcome": "invalid",
          "property": "email",
          "value": "c1@example.com",
          "reason": "email \"c1@example.com\" of the row with primary key 1 is also that of 2; one record cannot be two rows",
          "category": "DUPLICATE_MATCH",
          "correlation_id": null,
          "attempts": 0,
          "since": "[TIME]",
          "run": "[UUID]"
        },
        {
          "sync": "customers",
          "key": "2",
          "outcome": "invalid",
          "property": "email",
          "value": "c1@example.com",
          "reason": "email \"c1@example.com\" of the row with primary key 2 is also that of 1; one record cannot be two rows",
          "category": "DUPLICATE_MATCH",
          "correlation_id": null,
          "attempts": 0,
          "since": "[TIME]",
          "run": "[UUID]"
        },
        {
          "sync": "customers",
          "key": "3",
          "outcome": "invalid",
          "property": "lifecyclestage",
          "value": "vip",
          "reason": "\"vip\" is not one of the options of lifecyclestage; its internal values are \"subscriber\", \"lead\", \"marketingqualifiedlead\", \"salesqualifiedlead\", \"opportunity\", \"customer\", \"evangelist\", \"other\"",
          "category": "INVALID_OPTION",
          "correlation_id": null,
          "attempts": 0,
          "since": "[TIME]",
          "run": "[UUID]"
        }
      ],
      "waiting": []
    }
    "#);
    let csv = project.run(&sandbox, &["rejected", "customers", "--csv"]);
    assert_eq!(csv.code, 0);
    assert_eq!(csv.stdout.lines().count(), 4, "{}", csv.stdout);
    let unknown = project.run(&sandbox, &["rejected", "custmers"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"customers\"?"), "{}", unknown.stderr);

    project.edit("syncs/customers.yml", "vip", "customer");
    project.database().execute("update customers set email = 'c2@example.com' where id = 2", []).expect("updated");
    let mended = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(mended.code, 0, "{}", mended.stdout);
    assert_eq!(project.run(&sandbox, &["rejected", "--json"]).json(), json!({ "results": [], "waiting": [] }));
    assert_eq!(sandbox.records("contacts").len(), 5);
}

#[test]
fn a_kept_plan_is_carried_out_once_and_refused_when_the_world_has_moved() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(2);
    let planned = project.run(&sandbox, &["plan", "--out", "plan.json", "--json"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let plan = planned.json();
    assert_eq!(plan["syncs"][0]["added"], 2);
    assert_eq!(plan["syncs"][0]["requests"]["upsert"], 1);
    let names = &plan["syncs"][0]["samples"][0]["properties"]["firstname"];
    assert_eq!(*names, json!({ "from": null, "to": "Zoë 1" }));
    assert_eq!(sandbox.writes().len(), 0);

    project.database().execute("insert into customers values (3, 'c3@example.com', 'Ada')", []).expect("added");
    let refused = project.run(&sandbox, &["run", "--plan", "plan.json"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("the plan of sync \"customers\" is out of date"), "{}", refused.stderr);
    assert_eq!(sandbox.writes().len(), 0);

    project.run(&sandbox, &["plan", "--out", "plan.json"]);
    let carried_out = project.run(&sandbox, &["run", "--plan", "plan.json"]);
    assert_eq!(carried_out.code, 0, "{}", carried_out.stdout);
    assert_eq!(sandbox.records("contacts").len(), 3);
    assert_eq!(project.run(&sandbox, &["run", "--plan", "plan.json"]).code, 2, "the ledger has moved");
}

#[test]
fn a_failed_sync_stops_those_that_come_after_it_and_no_others() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(2);
    let sync = std::fs::read_to_string(project.file("syncs/customers.yml")).expect("the sync");
    project.write(
        "hubward.yml",
        &(std::fs::read_to_string(project.file("hubward.yml")).expect("the project")
            + "  broken: { source: shop, sql: select id from nowhere, primary_key: id }\n"),
    );
    let broken = sync.replace("sync: customers", "sync: broken").replace("model: customers", "model: broken");
    project.write("syncs/broken.yml", &broken);
    project.write("syncs/later.yml", &sync.replace("sync: customers", "sync: later\nafter: [broken]"));
    let run = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(run.code, 1, "something was sent: {}", run.stdout);
    let document = run.json();
    let found: Vec<(&str, &str)> = document["syncs"]
        .as_array()
        .expect("syncs")
        .iter()
        .map(|sync| (sync["sync"].as_str().expect("a name"), sync["status"].as_str().expect("a status")))
        .collect();
    assert_eq!(found, [("broken", "failed"), ("customers", "ok"), ("later", "failed")]);
    assert_eq!(document["syncs"][2]["error"]["code"], "after-failed");
    let alone = project.run(&sandbox, &["run", "broken", "--json"]);
    assert_eq!(alone.code, 2, "nothing was sent: {}", alone.stdout);
}

#[test]
fn past_runs_and_their_requests_can_be_looked_up() {
    let sandbox = Sandbox::start(&[]);
    let project = TestProject::customers(2);
    assert_eq!(project.run(&sandbox, &["status"]).stdout, "no sync has run yet\n");
    assert_eq!(project.run(&sandbox, &["runs", "--json"]).json(), json!({ "runs": [] }));
    let run = project.run(&sandbox, &["run", "--json"]).json();
    let id = run["run"].as_str().expect("an id");

    let status = project.run(&sandbox, &["status", "--json"]).json();
    assert_eq!(status["syncs"][0]["run"], id);
    assert_eq!(status["running"], json!(null));
    let runs = project.run(&sandbox, &["runs", "--json"]).json();
    assert_eq!(runs["runs"][0]["status"], "ok");
    let one = project.run(&sandbox, &["runs", &id[..13], "--json"]).json();
    assert_eq!(one["syncs"], run["syncs"]);
    assert_eq!(project.run(&sandbox, &["runs", "nothing"]).code, 2);

    let by_key = project.run(&sandbox, &["requests", "--key", "2", "--json"]).json();
    let requests = by_key["results"].as_array().expect("results");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["run"], id);
    assert_eq!(requests[0]["rows"], json!(["1", "2"]));
    assert_eq!(requests[0]["request"]["inputs"][0]["id"], "c1@example.com");
    assert_eq!(requests[0]["status"], 200);
    let failed = project.run(&sandbox, &["requests", "--failed", "--json"]).json();
    assert_eq!(failed, json!({ "results": [] }));
    let all = project.run(&sandbox, &["requests"]);
    assert!(!all.stdout.contains("pat-na1-sandbox"), "a token is never shown");
}

#[test]
fn one_bad_row_in_a_hundred_leaves_exactly_those_rows_behind_each_with_its_reason() {
    let sandbox = Sandbox::start(&["--tier", "unlimited"]);
    let property = |name: &str, kind: &str, field: &str, more: serde_json::Value| {
        let mut property =
            json!({ "name": name, "label": name, "type": kind, "fieldType": field, "groupName": "contactinformation" });
        property.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        property
    };
    let options = json!({ "options": [{ "label": "Basic", "value": "basic" }, { "label": "Pro", "value": "pro" }] });
    sandbox.post(
        "/_sandbox/load",
        &json!({
            "properties": { "contacts": [
                property("plan", "enumeration", "select", options),
                property("spend", "number", "number", json!({})),
                property("code", "string", "text", json!({ "hasUniqueValue": true })),
            ] },
            "owners": [{ "id": 7, "email": "rep@example.com" }],
            "records": { "contacts": [{ "properties": { "email": "other@example.com", "code": "TAKEN" } }] },
        }),
    );
    let project = TestProject::customers(1_000);
    project.edit("hubward.yml", "select id, email, name from", "select * from");
    project.edit(
        "syncs/customers.yml",
        "  firstname: name\n",
        "  firstname: name\n  plan: plan\n  spend: { column: spend, type: raw }\n  code: code\n  hubspot_owner_id: { column: rep, type: raw }\n",
    );
    let database = project.database();
    let bad = [
        ("plan", "gold", [13, 300, 999]),
        ("spend", "a lot", [14, 301, 600]),
        ("rep", "424242", [15, 302, 601]),
        ("code", "TAKEN", [700, 700, 700]),
    ];
    database
        .execute_batch(
            "alter table customers add column plan text default 'basic';
             alter table customers add column spend text default '12.5';
             alter table customers add column rep text default '7';
             alter table customers add column code text;
             update customers set code = 'C' || id;",
        )
        .expect("columns");
    for (column, value, rows) in bad {
        for row in rows {
            database
                .execute(&format!("update customers set {column} = ? where id = ?"), (value, row))
                .expect("updated");
        }
    }
    let run = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let outcomes = &run.json()["syncs"][0]["outcomes"];
    assert_eq!(outcomes["applied"], 990, "{outcomes}");
    let rejected = project.run(&sandbox, &["rejected", "--json"]).json();
    let mut found: Vec<(u32, &str)> = rejected["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|row| {
            (row["key"].as_str().expect("a key").parse().expect("a number"), row["property"].as_str().unwrap_or(""))
        })
        .collect();
    found.sort_unstable();
    let owner = "hubspot_owner_id";
    assert_eq!(
        found,
        [
            (13, "plan"),
            (14, "spend"),
            (15, owner),
            (300, "plan"),
            (301, "spend"),
            (302, owner),
            (600, "spend"),
            (601, owner),
            (700, "code"),
            (999, "plan"),
        ]
    );
    assert_eq!(sandbox.records("contacts").len(), 991);
}
