//! Associations as a user meets them: what a run tells, what `rejected` lists, what `check` and `run` refuse.

use serde_json::json;

use crate::support::{Sandbox, TestProject};

/// Customers of companies, and the companies, each in a sync of its own that the other needs.
fn project() -> TestProject {
    let project = TestProject::customers(3);
    project
        .database()
        .execute_batch(
            "alter table customers add column company text; update customers set company = 'c' || id;
             create table companies (id integer primary key, name text, customers text);
             insert into companies values (1, 'c1', 'c1@example.com'), (2, 'c2', 'c2@example.com');",
        )
        .expect("the tables are made");
    project.edit(
        "hubward.yml",
        "models:\n",
        "models:\n  companies: { source: shop, table: companies, primary_key: id }\n",
    );
    project.edit("hubward.yml", "select id, email, name from", "select id, email, name, company from");
    project.edit(
        "syncs/customers.yml",
        "match:",
        "associations: [{ to: Company, match: { column: company, property: name } }]\nmatch:",
    );
    project.write(
        "syncs/companies.yml",
        "sync: companies\nmodel: companies\nto: { object: companies }\nmatch: { column: name, property: name }\nmap: { name: name }\n",
    );
    project
}

#[test]
fn a_missing_company_is_told_and_listed_and_the_run_is_no_failure() {
    let sandbox = Sandbox::start(&[]);
    let project = project();
    let run = project.run(&sandbox, &["run"]);
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stdout.contains("linked    2 created, 0 removed, 1 waiting for a record"), "{}", run.stdout);
    let companies = run.stdout.find("companies: ok").expect("the companies' part");
    assert!(companies < run.stdout.find("customers: ok").expect("the customers' part"), "companies go first");
    let mut rejected = project.run(&sandbox, &["rejected", "--json"]).json();
    assert_eq!(rejected["results"], json!([]));
    rejected["waiting"][0]["since"] = json!("[TIME]");
    assert_eq!(
        rejected["waiting"],
        json!([{"sync": "customers", "key": "3", "to": "companies", "property": "name", "value": "c3", "label": null, "since": "[TIME]"}])
    );
    let shown = project.run(&sandbox, &["rejected"]);
    assert!(shown.stdout.contains("waiting for their target"), "{}", shown.stdout);
    project.database().execute("insert into companies values (3, 'c3', null)", []).expect("inserted");
    let run = project.run(&sandbox, &["run", "--json"]).json();
    assert_eq!(run["syncs"][1]["associations"], json!({"created": 1, "removed": 0, "missing_target": 0}), "{run}");
    assert_eq!(project.run(&sandbox, &["rejected", "--json"]).json()["waiting"], json!([]));
    for contact in sandbox.records("contacts") {
        assert_eq!(contact["associations"]["companies"].as_array().map(Vec::len), Some(1), "{contact}");
    }
    let writes = sandbox.writes().len();
    assert_eq!(project.run(&sandbox, &["run"]).code, 0);
    assert_eq!(sandbox.writes().len(), writes, "a third run sends nothing");
}

#[test]
fn the_same_association_from_both_ends_warns_and_with_overwrite_stops_the_run() {
    let sandbox = Sandbox::start(&[]);
    let project = project();
    let back = "associations: [{ to: contacts, match: { column: customers, property: email } }]\n";
    project.edit("syncs/companies.yml", "match:", &format!("{back}match:"));
    let check = project.run(&sandbox, &["check", "--json"]).json();
    let codes: Vec<&str> =
        check["problems"].as_array().expect("problems").iter().filter_map(|p| p["code"].as_str()).collect();
    assert!(codes.contains(&"associated-from-both-ends"), "{check}");
    assert_eq!(check["ok"], json!(true), "{check}");
    project.edit("syncs/companies.yml", "property: email }", "property: email }, overwrite: true");
    assert_eq!(project.run(&sandbox, &["check", "--json"]).json()["ok"], json!(false));
    let run = project.run(&sandbox, &["run"]);
    assert_eq!(run.code, 2, "{}", run.shown());
    assert!(run.stderr.contains("overwrite: true"), "{}", run.stderr);
    assert!(sandbox.writes().is_empty());
    // The scopes of both types are named.
    let scopes = project.run(&sandbox, &["check", "--scopes"]);
    assert!(scopes.stdout.contains("crm.objects.companies.write"), "{}", scopes.stdout);
}
