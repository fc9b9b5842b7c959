//! Records that rows name and HubSpot does not have: counted, listed, tried again without resending the row; and records
//! that go away.

use serde_json::json;

use hubward_core::spec::AssociationSpec;
use hubward_engine::{RunOptions, Status, SyncJob};

use crate::associations::{associated, bare, companies, to, with_codes, with_siblings};
use crate::harness::{World, cancelled, column};

fn contacts_table(world: &World, rows: &[(u32, &str)]) {
    world.sql("create table customers (id integer primary key, email text, first_name text, city text, company text)");
    for (id, company) in rows {
        world.sql(&format!("insert into customers values ({id}, 'p{id}@example.com', 'P', 'x', '{company}')"));
    }
}

fn companies_table(world: &World, codes: &[&str]) {
    world.sql(
        "create table if not exists companies (id integer primary key, code text, name text, parent text, people text)",
    );
    for code in codes {
        world.sql(&format!("insert into companies (code, name) values ('{code}', 'Company {code}')"));
    }
}

fn waiting(world: &World, sync: &str) -> Vec<(String, String, String, String)> {
    let mut all = Vec::new();
    let shown = |row: hubward_store::WaitingRow| {
        let waiting = row.waiting;
        all.push((waiting.key, waiting.object, waiting.property, waiting.value));
    };
    world.db.for_each_waiting(Some(sync), shown).expect("the list can be read");
    all
}

#[tokio::test(start_paused = true)]
async fn a_missing_target_is_counted_listed_and_found_later_without_resending_the_row() {
    let world = World::new();
    with_codes(&world);
    world.load(&json!({"records": {"companies": [{"id": "801", "properties": {"code": "c1"}}]}}));
    contacts_table(&world, &[(1, "c1,c2"), (2, "c2"), (3, "c1")]);
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?}");
    assert_eq!((report.associations.created, report.associations.missing_target), (2, 2), "{report:?}");
    let missing = |key: &str| (key.to_owned(), "companies".to_owned(), "code".to_owned(), "c2".to_owned());
    assert_eq!(waiting(&world, "customers"), [missing("1"), missing("2")]);
    // Still missing: one look-up, nothing written, the rows are as they were.
    let report = world.run(&job).await;
    assert_eq!((report.changes.unchanged, report.outcomes.unchanged), (3, 3), "{report:?}");
    assert_eq!((report.associations.missing_target, report.requests.upsert, report.requests.update), (2, 0, 0));
    assert_eq!(waiting(&world, "customers").len(), 2);
    world.load(&json!({"records": {"companies": [{"id": "802", "properties": {"code": "c2"}}]}}));
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (2, 1), "{report:?}");
    assert_eq!((report.associations.created, report.associations.missing_target), (2, 0));
    assert_eq!((report.requests.upsert, report.requests.update), (0, 0), "{report:?}");
    let wanted =
        bare([("p1@example.com", &["c1", "c2"][..]), ("p2@example.com", &["c2"]), ("p3@example.com", &["c1"])]);
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await, wanted);
    assert!(waiting(&world, "customers").is_empty());
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_comes_later_in_the_same_model_is_found_in_the_same_run() {
    let world = World::new();
    with_codes(&world);
    companies_table(&world, &["c1", "c2", "c3"]);
    world.sql("update companies set parent = 'c3' where code in ('c1', 'c2')");
    let mut job = companies(&world);
    job.sync.associations =
        vec![AssociationSpec { label: Some("Parent Company".to_owned()), ..to("companies", "parent", "code") }];
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?} {:?}", world.issues("companies"));
    assert_eq!((report.associations.created, report.associations.missing_target), (2, 0), "{report:?}");
    let found = associated(&world, ("companies", "code"), ("companies", "code")).await;
    assert!(found["c1"]["c3"].contains("Parent Company") && found["c2"]["c3"].contains("Parent Company"), "{found:?}");
    assert!(found["c3"]["c1"].contains("Child Company"), "{found:?}");
    assert_eq!(world.run(&job).await.requests.total, 0);
    // Two that name each other keep what each of them says.
    world.sql(
        "update companies set parent = 'c2' where code = 'c1'; update companies set parent = 'c1' where code = 'c2'",
    );
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?} {:?}", world.issues("companies"));
    let found = associated(&world, ("companies", "code"), ("companies", "code")).await;
    for (one, other) in [("c1", "c2"), ("c2", "c1")] {
        assert_eq!(found[one][other].iter().collect::<Vec<_>>(), ["Child Company", "Parent Company"], "{found:?}");
    }
    // None is its own.
    world.sql("update companies set parent = 'c3' where code = 'c3'");
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.rejected, 1, "{report:?}");
    assert_eq!(world.issues("companies")["3"].1, "SELF_ASSOCIATION");
}

#[tokio::test(start_paused = true)]
async fn two_syncs_that_name_each_others_records_are_associated_in_one_run() {
    let world = World::new();
    with_codes(&world);
    contacts_table(&world, &[(1, "c1"), (2, "c2")]);
    companies_table(&world, &["c1", "c2"]);
    world.sql("update companies set people = 'p1@example.com,p2@example.com'");
    let mut people = world.job();
    people.sync.associations = vec![to("companies", "company", "code")];
    let mut firms = companies(&world);
    firms.sync.associations = vec![to("contacts", "people", "email")];
    let engine = world.engine().await;
    engine.recorder().set_run("one");
    let options = with_siblings(&[&people.sync, &firms.sync]);
    let mut first = engine.run_sync(&people, "one", &options).await;
    assert_eq!((first.outcomes.applied, first.associations.missing_target), (2, 2), "{first:?}");
    assert_eq!(waiting(&world, "customers").len(), 2);
    let second = engine.run_sync(&firms, "one", &options).await;
    assert_eq!((second.associations.created, second.associations.missing_target), (4, 0), "{second:?}");
    engine.retry_missing_targets(&people, "one", &options, &mut first).await;
    assert_eq!((first.status, first.outcomes.applied, first.outcomes.total()), (Status::Ok, 2, 2), "{first:?}");
    assert_eq!(first.associations.missing_target, 0, "{first:?}");
    assert!(waiting(&world, "customers").is_empty());
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert!(found.len() == 2 && found.values().all(|pairs| pairs.len() == 2), "{found:?}");
    for job in [&people, &firms] {
        assert_eq!(world.run_with(job, &options).await.requests.total, 0);
    }
}

/// Ten contacts at company c1, associated by the ledger of its sync.
async fn at_one_company() -> (World, SyncJob, SyncJob, RunOptions) {
    let world = World::new();
    with_codes(&world);
    companies_table(&world, &["c1"]);
    contacts_table(&world, &[]);
    for id in 1..=10 {
        world.sql(&format!("insert into customers values ({id}, 'p{id}@example.com', 'P', 'x', 'c1')"));
    }
    let firms = companies(&world);
    world.run(&firms).await;
    let mut people = world.job();
    people.sync.associations = vec![to("companies", "company", "code")];
    let options = with_siblings(&[&people.sync, &firms.sync]);
    (world, people, firms, options)
}

#[tokio::test(start_paused = true)]
async fn a_target_deleted_by_hand_is_looked_up_once_and_then_waits() {
    let (world, people, _, options) = at_one_company().await;
    let id = world.by("companies", "code").await["c1"]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/v3/objects/companies/{id}"), serde_json::Value::Null).await;
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 10), "{report:?}");
    assert_eq!((report.associations.created, report.associations.missing_target), (0, 10), "{report:?}");
    assert!(report.requests.total < 20, "{report:?}");
    // Made again under another id, which the ledger of its sync does not know.
    world.load(&json!({"records": {"companies": [{"id": "877", "properties": {"code": "c1"}}]}}));
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.outcomes.applied, report.associations.created), (10, 10), "{report:?}");
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await.len(), 10);
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_target_merged_by_hand_is_the_record_that_survived() {
    let (world, people, _, options) = at_one_company().await;
    let id = world.by("companies", "code").await["c1"]["id"].as_str().expect("an id").to_owned();
    world.load(&json!({"records": {"companies": [{"id": "877", "properties": {"name": "Survivor"}}]}}));
    let merge = json!({"primaryObjectId": "877", "objectIdToMerge": id});
    world.call("POST", "/crm/v3/objects/companies/merge", merge).await;
    let report = world.run_with(&people, &options).await;
    assert_eq!(
        (report.status, report.outcomes.applied),
        (Status::Ok, 10),
        "{report:?} {:?}",
        world.issues("customers")
    );
    let found = associated(&world, ("contacts", "email"), ("companies", "name")).await;
    assert_eq!(found.len(), 10, "{found:?}");
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_deleted_by_hand_is_made_again_with_its_associations() {
    let (world, people, _, options) = at_one_company().await;
    world.run_with(&people, &options).await;
    let id = world.by("contacts", "email").await["p3@example.com"]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{id}"), serde_json::Value::Null).await;
    // Its properties change: it is made again, and has none of the associations that were confirmed.
    world.sql("update customers set city = 'y' where id = 3");
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.outcomes.applied, report.associations.created), (1, 1), "{report:?}");
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await.len(), 10);
    // Only its associations change: the run cannot know, tells it, and the next one mends it.
    let id = world.by("contacts", "email").await["p4@example.com"]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{id}"), serde_json::Value::Null).await;
    world.load(&json!({"records": {"companies": [{"id": "877", "properties": {"code": "c9"}}]}}));
    world.sql("update customers set company = 'c9' where id = 4");
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Partial, 1), "{report:?}");
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.status, report.outcomes.applied, report.associations.created), (Status::Ok, 1, 1), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert!(found["p4@example.com"].contains_key("c9") && world.records("contacts").await.len() == 10);
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_declaration_associates_rows_without_resending_them() {
    let (world, mut people, _, options) = at_one_company().await;
    let declared = std::mem::take(&mut people.sync.associations);
    world.run_with(&people, &options).await;
    people.sync.associations = declared;
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.outcomes.applied, report.associations.created), (10, 10), "{report:?}");
    assert_eq!((report.requests.total, report.requests.associate), (2, 2), "one read, one write: {report:?}");
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
    // Taken out again, nothing is done and nothing is removed.
    people.sync.associations.clear();
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn insert_associates_what_it_makes_and_nothing_that_exists() {
    let (world, mut people, _, options) = at_one_company().await;
    people.sync.mode = hubward_core::spec::Mode::Insert;
    world.load(&json!({"records": {"contacts": [{"id": "77", "properties": {"email": "p2@example.com"}}]}}));
    let report = world.run_with(&people, &options).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.skipped, report.associations.created),
        (9, 1, 9),
        "{report:?}"
    );
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert!(found.len() == 9 && !found.contains_key("p2@example.com"));
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
    world.sql("update customers set company = null where id in (1, 2)");
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_custom_object_is_associated_like_any_other() {
    let world = World::new();
    world.load(&json!({"schemas": [{"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial", "requiredProperties": ["serial"],
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}],
        "associatedObjects": ["CONTACT"]}]}));
    contacts_table(&world, &[(1, "m1"), (2, "m2,m1")]);
    world.sql(
        "create table machines (id integer primary key, code text); insert into machines values (1, 'm1'), (2, 'm2')",
    );
    let mut machines = companies(&world);
    machines.sync.name = "machines".to_owned();
    machines.sync.object = "machine".to_owned();
    machines.sync.match_.property = "serial".to_owned();
    machines.sync.map = vec![column("serial", "code")];
    machines.model.query = hubward_core::spec::ModelQuery::Sql("select * from machines".to_owned());
    let report = world.run(&machines).await;
    assert_eq!(report.outcomes.applied, 2, "{report:?}");
    let mut people = world.job();
    people.sync.associations = vec![to("Machines", "company", "serial")];
    let report = world.run_with(&people, &with_siblings(&[&people.sync, &machines.sync])).await;
    assert_eq!((report.outcomes.applied, report.associations.created), (2, 3), "{report:?}");
    assert_eq!((report.requests.total, report.requests.associate), (2, 1), "{report:?}");
    assert_eq!(world.run(&people).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_before_the_associations_leaves_only_them_to_the_next() {
    let (world, people, _, options) = at_one_company().await;
    // Every association request fails for good: the properties are in HubSpot, the associations are not.
    world
        .fault(json!([{"match": {"path_regex": "/associations/"}, "after": 0, "times": 100000, "do": {"status": 502}}]))
        .await;
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.outcomes.deferred, report.outcomes.total()), (10, 10), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 10);
    world.fault(json!([])).await;
    let stopped = RunOptions { siblings: options.siblings.clone(), ..cancelled() };
    let report = world.run_with(&people, &stopped).await;
    assert!(report.outcomes.total() == 10 || report.outcomes.total() == 0, "{report:?}");
    let report = world.run_with(&people, &options).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 10), "{report:?}");
    assert_eq!((report.requests.upsert, report.requests.update, report.requests.associate), (0, 0, 2), "{report:?}");
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await.len(), 10);
    assert_eq!(world.run_with(&people, &options).await.requests.total, 0);
}
