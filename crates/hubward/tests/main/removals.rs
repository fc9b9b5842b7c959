//! Rows that leave the model, and the catch on mass removal, as a user meets them.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Sandbox, TestProject};

fn deleting(rows: u32) -> TestProject {
    let project = TestProject::customers(rows);
    let sync = std::fs::read_to_string(project.file("syncs/customers.yml")).expect("the sync");
    project.write("syncs/customers.yml", &format!("{sync}on_removed: delete\n"));
    project
}

#[test]
fn too_many_removals_stop_the_run_with_a_flag_that_lets_them_through() {
    let sandbox = Sandbox::start(&[]);
    let project = deleting(10);
    assert_eq!(project.run(&sandbox, &["run"]).code, 0);
    project.database().execute("delete from customers where id > 7", []).expect("deleted");
    let writes = sandbox.writes().len();

    let plan = project.run(&sandbox, &["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(plan.stdout.contains("3 removed"), "{}", plan.stdout);
    assert!(plan.stdout.contains("warning: a run will stop before anything is sent"), "{}", plan.stdout);
    let planned = project.run(&sandbox, &["plan", "--json"]).json();
    assert_eq!(planned["syncs"][0]["requests"]["archive"], json!(1));

    let run = project.run(&sandbox, &["run"]);
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    customers: failed, see the error ([SECONDS] s)
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    error: sync "customers": 3 of 10 rows left model "customers", and their records would be archived; 20 % may go in one run
      at: syncs/customers.yml:1:7
      help: look at the query; if so many are meant to go, run again with --allow-removals, or raise `max_removals` of the sync
    "#);
    assert_eq!(run.code, 2);
    let document = project.run(&sandbox, &["run", "--json"]).json();
    assert_eq!(document["syncs"][0]["error"]["code"], "too-many-removals");
    assert_eq!(document["syncs"][0]["status"], "failed");
    assert_eq!((sandbox.writes().len(), sandbox.records("contacts").len()), (writes, 10), "nothing was sent");

    let meant = project.run(&sandbox, &["run", "--allow-removals"]);
    assert_snapshot!(meant.shown(), @"
    exit 0
    --- stdout
    customers: ok ([SECONDS] s)
      rows      7 read: 0 added, 0 changed, 7 unchanged; 3 left the model
      outcomes  3 applied, 7 unchanged
      requests  2 (1 read, 1 archive)
      note      records of rows that left the model: 3 archived
    --- stderr
    writing to account 1234567 (standard, na1) at http://127.0.0.1:[PORT]
    customers: reading
    customers: removing 3 rows
    ");
    let left = sandbox.records("contacts").into_iter().filter(|record| record["archived"] != json!(true)).count();
    assert_eq!(left, 7);
    let third = project.run(&sandbox, &["run", "--json"]).json();
    assert_eq!(third["syncs"][0]["requests"]["total"], json!(0));
}

#[test]
fn a_plan_that_removes_is_refused_when_other_rows_have_left() {
    let sandbox = Sandbox::start(&[]);
    let project = deleting(10);
    assert_eq!(project.run(&sandbox, &["run"]).code, 0);
    project.database().execute("delete from customers where id = 3", []).expect("deleted");
    assert_eq!(project.run(&sandbox, &["plan", "--out", "plan.json"]).code, 0);
    let swapped = "delete from customers where id = 4; insert into customers values (3, 'c3@example.com', 'Zoë 3');";
    project.database().execute_batch(swapped).expect("swapped");
    let refused = project.run(&sandbox, &["run", "--plan", "plan.json"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is out of date"), "{}", refused.stderr);
    assert_eq!(sandbox.records("contacts").len(), 10);
    project.database().execute("delete from customers where id = 3", []).expect("deleted");
    project.database().execute("insert into customers values (4, 'c4@example.com', 'Zoë 4')", []).expect("it is back");
    assert_eq!(project.run(&sandbox, &["run", "--plan", "plan.json"]).code, 0);
    let left = sandbox.records("contacts").into_iter().filter(|record| record["archived"] != json!(true)).count();
    assert_eq!(left, 9);
}
