//! What association columns may hold: values, lists, objects with labels; several types and several declarations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use hubward_core::spec::AssociationSpec;
use hubward_engine::Status;

use crate::associations::{associated, bare, to, with_codes};
use crate::harness::World;

/// Companies c1 … c4 in HubSpot, and labels Buyer, Seller and the pair Boss / Employer between them and contacts.
fn account() -> World {
    let world = World::new();
    with_codes(&world);
    world.load(&json!({
        "records": {"companies": [
            {"id": "801", "properties": {"code": "c1", "name": "One"}}, {"id": "802", "properties": {"code": "c2"}},
            {"id": "803", "properties": {"code": "c3"}}, {"id": "804", "properties": {"code": "c4, c5"}}]},
        "labels": [
            {"from": "contacts", "to": "companies", "name": "buyer", "label": "Buyer"},
            {"from": "contacts", "to": "companies", "name": "seller", "label": "Seller"},
            {"from": "contacts", "to": "companies", "name": "boss", "label": "Boss", "inverseLabel": "Employer"}]}));
    world.sql("create table customers (id integer primary key, email text, first_name text, city text, company text)");
    world
}

/// A record, and what it is associated with: each with its labels.
type Labelled<'a> = (&'a str, &'a [(&'a str, &'a [&'a str])]);

fn labelled(pairs: &[Labelled<'_>]) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let others = |to: &[(&str, &[&str])]| to.iter().map(|(to, has)| ((*to).to_owned(), labels(has))).collect();
    pairs.iter().map(|(from, to)| ((*from).to_owned(), others(to))).collect()
}

fn insert(world: &World, id: u32, company: &str) {
    let company = company.replace('\'', "''");
    world.sql(&format!("insert into customers values ({id}, 'p{id}@example.com', 'P', 'x', '{company}')"));
}

#[tokio::test(start_paused = true)]
async fn every_form_of_value_names_its_records() {
    let world = account();
    for (id, company) in [
        (1, "c1"),
        (2, "c1, c2 ,c3"),
        (3, r#"["c2", "c4, c5", null]"#),
        (4, r#"{"value": "c3", "label": null}"#),
        (5, ""),
        (6, r#"[{"value": "c1"}, {"value": "c1", "label": null}, "c2"]"#),
    ] {
        insert(&world, id, company);
    }
    world.sql("insert into customers values (7, 'p7@example.com', 'P', 'x', null)");
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.associations.created), (Status::Ok, 7, 9), "{report:?}");
    let wanted = bare([
        ("p1@example.com", &["c1"][..]),
        ("p2@example.com", &["c1", "c2", "c3"]),
        ("p3@example.com", &["c2", "c4, c5"]),
        ("p4@example.com", &["c3"]),
        ("p6@example.com", &["c1", "c2"]),
    ]);
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await, wanted);
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn labels_come_from_the_declaration_or_with_the_value_mixed_with_none() {
    let world = account();
    for (id, company) in [
        (1, "c1"),
        (2, r#"{"value": "c2", "label": "Seller"}"#),
        (
            3,
            r#"[{"value": "c1", "label": ["Buyer", "boss"]}, {"value": "c2", "label": null}, {"value": "c3", "label": "Buyer, Seller"}]"#,
        ),
    ] {
        insert(&world, id, company);
    }
    let mut job = world.job();
    job.sync.associations =
        vec![AssociationSpec { label: Some("Buyer".to_owned()), ..to("companies", "company", "code") }];
    let report = world.run(&job).await;
    assert_eq!(
        (report.status, report.associations.created),
        (Status::Ok, 5),
        "{report:?} {:?}",
        world.issues("customers")
    );
    let wanted = labelled(&[
        ("p1@example.com", &[("c1", &["Buyer"])]),
        ("p2@example.com", &[("c2", &["Seller"])]),
        ("p3@example.com", &[("c1", &["Boss", "Buyer"]), ("c2", &[]), ("c3", &["Buyer", "Seller"])]),
    ]);
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await, wanted);
    // Seen from the other end the paired label has its other name.
    let back = associated(&world, ("companies", "code"), ("contacts", "email")).await;
    assert!(back["c1"]["p3@example.com"].contains("Employer"), "{back:?}");
    assert_eq!(world.run(&job).await.requests.total, 0);
    // A row that gets another label keeps the first: nothing is overwritten.
    world.sql(r#"update customers set company = '{"value": "c2", "label": "Buyer"}' where id = 2"#);
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.associations.created, report.associations.removed),
        (1, 1, 0),
        "{report:?}"
    );
    let requests = &report.requests;
    assert_eq!((requests.total, requests.associate, requests.read), (3, 2, 1), "no property is sent again: {report:?}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found["p2@example.com"]["c2"].iter().collect::<Vec<_>>(), ["Buyer", "Seller"]);
}

#[tokio::test(start_paused = true)]
async fn a_label_that_does_not_exist_is_told_before_anything_is_sent() {
    let world = account();
    insert(&world, 1, "c1");
    let mut job = world.job();
    job.sync.associations =
        vec![AssociationSpec { label: Some("Byer".to_owned()), ..to("companies", "company", "code") }];
    let report = world.run(&job).await;
    let error = report.error.expect("an error");
    assert_eq!(error.code, "unknown-label");
    assert!(error.help.is_some_and(|help| help.contains("Buyer")));
    assert!(world.records("contacts").await.is_empty() && !report.sent);

    job.sync.associations[0].label = None;
    insert(&world, 2, r#"{"value": "c1", "label": "Byer"}"#);
    insert(&world, 3, r#"{"value": "c1", "labels": "Buyer"}"#);
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (1, 2), "{report:?}");
    let issues = world.issues("customers");
    assert!(issues["2"].1 == "UNKNOWN_LABEL" && issues["2"].2.contains("Buyer"), "{issues:?}");
    assert_eq!(issues["3"].1, "INVALID_ASSOCIATION", "{issues:?}");
    assert_eq!(world.records("contacts").await.len(), 1, "nothing of an invalid row is sent");
}

#[tokio::test(start_paused = true)]
async fn several_types_and_several_declarations_to_one_type_travel_together() {
    let world = account();
    world.load(&json!({"records": {"deals": [
        {"id": "901", "properties": {"dealname": "Big"}}, {"id": "902", "properties": {"dealname": "Small"}}]}}));
    world.sql(
        "alter table customers add column seller text; alter table customers add column deal integer;
         insert into customers values (1, 'p1@example.com', 'P', 'x', 'c1,c2', 'c2,c3', 901), (2, 'p2@example.com', 'P', 'x', 'c1', null, 902)",
    );
    let mut job = world.job();
    job.sync.associations = vec![
        to("companies", "company", "code"),
        AssociationSpec { label: Some("seller".to_owned()), ..to("company", "seller", "code") },
        to("deals", "deal", "id"),
    ];
    let report = world.run(&job).await;
    assert_eq!((report.status, report.associations.created), (Status::Ok, 6), "{report:?}");
    let wanted = labelled(&[
        ("p1@example.com", &[("c1", &[]), ("c2", &["Seller"]), ("c3", &["Seller"])]),
        ("p2@example.com", &[("c1", &[])]),
    ]);
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "code")).await, wanted);
    let deals = associated(&world, ("contacts", "email"), ("deals", "dealname")).await;
    assert_eq!(deals, bare([("p1@example.com", &["Big"][..]), ("p2@example.com", &["Small"])]));
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_property_that_is_not_unique_is_searched_and_two_hits_are_refused_with_their_ids() {
    let world = account();
    world.load(&json!({"records": {"companies": [
        {"id": "811", "properties": {"name": "Acme", "domain": "acme.example"}},
        {"id": "812", "properties": {"name": "Twin", "domain": "twin.example"}},
        {"id": "813", "properties": {"name": "Twin", "domain": "twin.example"}}]}}));
    tokio::time::advance(crate::harness::INDEXED).await;
    insert(&world, 1, "ACME.example");
    insert(&world, 2, "twin.example");
    insert(&world, 3, "nobody.example");
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "domain")];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (2, 1), "{report:?}");
    assert_eq!((report.associations.created, report.associations.missing_target), (1, 1));
    let issues = world.issues("customers");
    assert!(issues["2"].1 == "AMBIGUOUS_TARGET" && issues["2"].2.contains("812") && issues["2"].2.contains("813"));
    assert_eq!(
        associated(&world, ("contacts", "email"), ("companies", "domain")).await,
        bare([("p1@example.com", &["acme.example"][..])])
    );
    // The refused row's contact is there; merged in HubSpot, its company is found without resending the contact.
    world
        .call("POST", "/crm/v3/objects/companies/merge", json!({"primaryObjectId": "812", "objectIdToMerge": "813"}))
        .await;
    tokio::time::advance(crate::harness::INDEXED).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.upsert, report.requests.update), (1, 0, 0), "{report:?}");
    assert_eq!(associated(&world, ("contacts", "email"), ("companies", "domain")).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_names_more_records_than_the_account_allows_is_invalid_and_costs_nothing() {
    let world = account();
    let labels = world.call("GET", "/crm/v4/associations/contacts/companies/labels", Value::Null).await;
    let all = labels["results"].as_array().expect("labels").clone();
    let seller = all.iter().find(|known| known["label"] == json!("Seller")).expect("the label")["typeId"].clone();
    let limit = json!({"inputs": [{"category": "USER_DEFINED", "typeId": seller, "maxToObjectIds": 1}]});
    let path = "/crm/associations/2026-09/definitions/configurations/contacts/companies/batch/create";
    world.call("POST", path, limit).await;
    insert(&world, 1, r#"[{"value": "c1", "label": "Seller"}, {"value": "c2", "label": "Seller"}]"#);
    insert(&world, 2, r#"[{"value": "c1", "label": "Seller"}, {"value": "c2", "label": "Buyer"}]"#);
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.applied), (1, 1), "{report:?}");
    let (word, category, reason) = world.issues("customers")["1"].clone();
    assert_eq!((word.as_str(), category.as_str()), ("invalid", "ASSOCIATION_LIMIT"));
    assert!(reason.contains("2 records of companies by label \"Seller\", and the account allows 1"), "{reason}");
    let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found, labelled(&[("p2@example.com", &[("c1", &["Seller"]), ("c2", &["Buyer"])])]));
}
