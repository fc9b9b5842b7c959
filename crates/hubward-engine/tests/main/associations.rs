//! Associations: every form of value, every way to a target, and what a second run leaves alone. After each run the
//! associations that the sandbox holds are compared with the source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use hubward_core::spec::{AssociationSpec, Location, Match, ObjectSync};
use hubward_engine::{RunOptions, SyncJob};

use crate::harness::{World, column};

/// An association of the sync under test.
pub(crate) fn to(object: &str, column: &str, property: &str) -> AssociationSpec {
    AssociationSpec {
        to: object.to_owned(),
        match_: Match::new(column, property),
        label: None,
        overwrite: false,
        at: Location::default(),
    }
}

/// Companies that contacts can name by a unique property.
pub(crate) fn with_codes(world: &World) {
    world.load(&json!({"properties": {"companies": [
        {"name": "code", "label": "Code", "type": "string", "fieldType": "text", "groupName": "companyinformation",
         "hasUniqueValue": true}]}}));
}

/// The companies of this project, by their code.
pub(crate) fn companies(world: &World) -> SyncJob {
    let mut job = world.job();
    job.sync.name = "companies".to_owned();
    job.sync.object = "companies".to_owned();
    job.sync.match_.column = "code".to_owned();
    job.sync.match_.property = "code".to_owned();
    job.sync.map = vec![column("name", "name")];
    job.model.name = "companies".to_owned();
    job.model.query = hubward_core::spec::ModelQuery::Sql("select * from companies order by id".to_owned());
    job
}

pub(crate) fn with_siblings(siblings: &[&ObjectSync]) -> RunOptions {
    RunOptions { siblings: siblings.iter().map(|sync| (*sync).clone()).collect(), ..RunOptions::default() }
}

/// What `from` records (by one property) are associated with (by one property), and the labels of each pair.
pub(crate) async fn associated(
    world: &World,
    (from, from_property): (&str, &str),
    (to, to_property): (&str, &str),
) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let names: BTreeMap<String, String> = world
        .records(to)
        .await
        .iter()
        .map(|record| (text(&record["id"]), text(&record["properties"][to_property])))
        .collect();
    let mut found = BTreeMap::new();
    for record in world.records(from).await {
        let mut pairs = BTreeMap::new();
        for pair in record["associations"][to].as_array().into_iter().flatten() {
            let labels = pair["types"].as_array().into_iter().flatten();
            let labels = labels.filter_map(|kind| kind["label"].as_str().map(str::to_owned)).collect();
            pairs.insert(names.get(&text(&pair["id"])).cloned().unwrap_or_else(|| text(&pair["id"])), labels);
        }
        if !pairs.is_empty() {
            found.insert(text(&record["properties"][from_property]), pairs);
        }
    }
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Pairs without labels, as the source has them.
pub(crate) fn bare<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a [&'a str])>,
) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let others = |to: &[&str]| to.iter().map(|to| ((*to).to_owned(), BTreeSet::new())).collect();
    pairs.into_iter().map(|(from, to)| (from.to_owned(), others(to))).collect()
}

/// Customers `1..=rows`, each naming the company `c{id}`.
fn customers_of_companies(world: &World, rows: u32) {
    with_codes(world);
    world.customers(rows);
    world.sql(
        "alter table customers add column company text; update customers set company = 'c' || id;
         create table companies (id integer primary key, code text, name text);
         insert into companies select id, 'c' || id, 'Company ' || id from customers;",
    );
}

async fn each_with_its_company(world: &World, rows: u32) {
    let found = associated(world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found.len(), rows as usize, "every contact has its company");
    for id in 1..=rows {
        let pairs = &found[&format!("person{id}@example.com")];
        assert_eq!(pairs.keys().collect::<Vec<_>>(), [&format!("c{id}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn by_a_unique_property_a_thousand_rows_take_21_requests_and_a_second_run_none() {
    let world = World::new();
    customers_of_companies(&world, 1_000);
    world.run(&companies(&world)).await;
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.associations.created), (1_000, 1_000), "{report:?}");
    assert_eq!((report.requests.total, report.requests.associate, report.requests.read), (21, 1, 10), "{report:?}");
    each_with_its_company(&world, 1_000).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.total), (1_000, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn by_the_ledger_and_by_record_id_a_thousand_rows_take_11_requests() {
    let world = World::new();
    customers_of_companies(&world, 1_000);
    let others = companies(&world);
    world.run(&others).await;
    let mut job = world.job();
    job.sync.associations = vec![to("company", "company", "code")];
    let report = world.run_with(&job, &with_siblings(&[&others.sync, &job.sync])).await;
    assert_eq!((report.associations.created, report.requests.total), (1_000, 11), "{report:?}");
    each_with_its_company(&world, 1_000).await;

    let world = World::new();
    customers_of_companies(&world, 1_000);
    world.run(&companies(&world)).await;
    for (code, company) in world.by("companies", "code").await {
        world.sql(&format!("update customers set company = {} where company = '{code}'", text(&company["id"])));
    }
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "id")];
    let report = world.run(&job).await;
    assert_eq!((report.associations.created, report.requests.total), (1_000, 11), "{report:?}");
    each_with_its_company(&world, 1_000).await;
}
