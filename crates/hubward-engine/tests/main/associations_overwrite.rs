//! `overwrite: true`: what a row no longer names goes, made by others or not; what it names stays.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use hubward_core::spec::AssociationSpec;
use hubward_engine::Status;

use crate::associations::{associated, bare, to, with_codes};
use crate::harness::World;

fn account(rows: &[(u32, &str)]) -> World {
    let world = World::new();
    with_codes(&world);
    let companies: Vec<Value> =
        (1..=5).map(|at| json!({"id": (800 + at).to_string(), "properties": {"code": format!("c{at}")}})).collect();
    world.load(&json!({
        "records": {"companies": companies},
        "labels": [
            {"from": "contacts", "to": "companies", "name": "buyer", "label": "Buyer"},
            {"from": "contacts", "to": "companies", "name": "seller", "label": "Seller"}]}));
    world.sql("create table customers (id integer primary key, email text, first_name text, city text, company text)");
    for (id, company) in rows {
        world.sql(&format!("insert into customers values ({id}, 'p{id}@example.com', 'P', 'x', '{company}')"));
    }
    world
}

/// Somebody else associates a contact with a company, perhaps with a label.
async fn by_hand(world: &World, email: &str, company: u32, label: Option<&str>) {
    let contact = world.by("contacts", "email").await[email]["id"].as_str().expect("an id").to_owned();
    let path = format!("/crm/v4/objects/contacts/{contact}/associations");
    match label {
        None => world.call("PUT", &format!("{path}/default/companies/{company}"), Value::Null).await,
        Some(label) => {
            let labels = world.call("GET", "/crm/v4/associations/contacts/companies/labels", Value::Null).await;
            let all = labels["results"].as_array().expect("labels").clone();
            let one = all.iter().find(|known| known["label"] == json!(label)).expect("the label");
            let body = json!([{"associationCategory": one["category"], "associationTypeId": one["typeId"]}]);
            world.call("PUT", &format!("{path}/companies/{company}"), body).await
        }
    };
}

#[tokio::test(start_paused = true)]
async fn what_the_row_does_not_name_is_removed_and_null_removes_all() {
    let world = account(&[(1, "c1,c2"), (2, "c3"), (3, "c1")]);
    let mut job = world.job();
    job.sync.associations = vec![AssociationSpec { overwrite: true, ..to("companies", "company", "code") }];
    world.run(&job).await;
    by_hand(&world, "p1@example.com", 804, None).await;
    by_hand(&world, "p1@example.com", 802, Some("Buyer")).await;
    by_hand(&world, "p2@example.com", 805, Some("Seller")).await;
    by_hand(&world, "p3@example.com", 805, None).await;
    // Nothing of the model has changed: nothing is looked at.
    assert_eq!(world.run(&job).await.requests.total, 0);
    world.sql("update customers set company = 'c2,c3' where id = 1; update customers set company = null where id = 2");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?}");
    assert_eq!((report.associations.created, report.associations.removed), (1, 4), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p1@example.com"].keys().collect::<Vec<_>>(), ["c2", "c3"]);
    assert_eq!(
        found["p1@example.com"]["c2"],
        BTreeSet::from(["Buyer".to_owned()]),
        "a label of others on a pair that stays"
    );
    assert!(!found.contains_key("p2@example.com"), "{found:?}");
    assert_eq!(found["p3@example.com"].len(), 2, "a row that did not change is left alone");
    assert_eq!(world.run(&job).await.requests.total, 0);
    // A full run looks at every row.
    let options = hubward_engine::RunOptions { full: true, ..hubward_engine::RunOptions::default() };
    let report = world.run_with(&job, &options).await;
    assert_eq!((report.associations.created, report.associations.removed), (0, 1), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p3@example.com"].keys().collect::<Vec<_>>(), ["c1"]);
}

#[tokio::test(start_paused = true)]
async fn without_overwrite_nothing_of_others_is_touched() {
    let world = account(&[(1, "c1")]);
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    world.run(&job).await;
    by_hand(&world, "p1@example.com", 801, Some("Buyer")).await;
    by_hand(&world, "p1@example.com", 804, Some("Seller")).await;
    world.sql("update customers set company = 'c1,c2', city = 'y'");
    let report = world.run(&job).await;
    assert_eq!((report.associations.created, report.associations.removed), (1, 0), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p1@example.com"].len(), 3);
    assert_eq!(found["p1@example.com"]["c1"], BTreeSet::from(["Buyer".to_owned()]));
    world.sql("update customers set company = null");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.unchanged, report.requests.total), (Status::Ok, 1, 0), "{report:?}");
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await["p1@example.com"].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_relabelled_row_has_the_labels_that_it_names_and_no_others() {
    let world = account(&[(1, r#"{"value": "c1", "label": "Buyer"}"#)]);
    let mut job = world.job();
    job.sync.associations = vec![AssociationSpec { overwrite: true, ..to("companies", "company", "code") }];
    world.run(&job).await;
    world.sql(r#"update customers set company = '{"value": "c1", "label": "Seller"}'"#);
    let report = world.run(&job).await;
    assert_eq!((report.associations.created, report.associations.removed), (1, 1), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p1@example.com"]["c1"], BTreeSet::from(["Seller".to_owned()]));
    world.sql(r#"update customers set company = '{"value": "c1", "label": null}'"#);
    world.run(&job).await;
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found, bare([("p1@example.com", &["c1"][..])]));
}

#[tokio::test(start_paused = true)]
async fn a_label_that_overwrites_moves_and_leaves_other_kinds_alone() {
    let world = account(&[(1, "c1"), (2, "c1")]);
    let mut job = world.job();
    job.sync.associations = vec![AssociationSpec {
        label: Some("Buyer".to_owned()),
        overwrite: true,
        ..to("companies", "company", "code")
    }];
    world.run(&job).await;
    by_hand(&world, "p1@example.com", 803, Some("Seller")).await;
    by_hand(&world, "p1@example.com", 804, None).await;
    world.sql("update customers set company = 'c2' where id = 1");
    let report = world.run(&job).await;
    assert_eq!((report.associations.created, report.associations.removed), (1, 1), "{report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p1@example.com"].keys().collect::<Vec<_>>(), ["c2", "c3", "c4"]);
    assert_eq!(found["p1@example.com"]["c2"], BTreeSet::from(["Buyer".to_owned()]));
    assert_eq!(found["p1@example.com"]["c3"], BTreeSet::from(["Seller".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn the_primary_company_moves_with_its_label() {
    let world = account(&[(1, r#"[{"value": "c1", "label": "Primary"}, {"value": "c2", "label": null}]"#)]);
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    world.run(&job).await;
    let primary = |found: &std::collections::BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        found.iter().filter(|(_, labels)| labels.contains("Primary")).map(|(code, _)| code.clone()).collect()
    };
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(primary(&found["p1@example.com"]), ["c1"]);
    world.sql(
        r#"update customers set company = '[{"value": "c1", "label": null}, {"value": "c2", "label": "primary"}]'"#,
    );
    world.run(&job).await;
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(primary(&found["p1@example.com"]), ["c2"]);
    assert_eq!(found["p1@example.com"].len(), 2);
}
