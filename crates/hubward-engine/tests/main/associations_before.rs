//! What is known of associations before a run: plans, previews, checks.

use serde_json::{Value, json};

use hubward_core::spec::AssociationSpec;
use hubward_engine::{Cancel, Severity};

use crate::associations::{companies, to, with_codes};
use crate::harness::World;

fn world() -> World {
    let world = World::new();
    with_codes(&world);
    world.load(&json!({"labels": [{"from": "contacts", "to": "companies", "name": "buyer", "label": "Buyer"}],
        "records": {"companies": [{"id": "801", "properties": {"code": "c1"}}]}}));
    world.customers(3);
    world.sql(
        "alter table customers add column company text; update customers set company = 'c1';
         update customers set company = '{\"value\": \"c1\", \"label\": \"Buyer\"}' where id = 2;
         create table companies (id integer primary key, code text, name text, people text); insert into companies values (1, 'c1', 'One', null)",
    );
    world
}

#[tokio::test(start_paused = true)]
async fn a_plan_counts_association_requests_and_changes_with_what_rows_name() {
    let world = world();
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let engine = world.engine().await;
    let plan = engine.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_eq!((plan.requests.upsert, plan.requests.read, plan.requests.associate), (1, 1, 1), "{plan:?}");
    world.run(&job).await;
    let plan = engine.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_eq!((plan.requests.total, plan.unchanged), (0, 3), "{plan:?}");
    world.sql("update customers set company = null where id = 1");
    let first = engine.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_eq!((first.changed, first.requests.upsert, first.requests.update), (1, 0, 0), "{first:?}");
    world.sql("update customers set company = 'c2' where id = 1");
    let second = engine.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_ne!(first.digest, second.digest);
    assert_eq!(second.requests.associate, 2, "a read and a write: {second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_shows_the_association_requests_with_their_types() {
    let world = world();
    let mut job = world.job();
    job.sync.associations = vec![to("companies", "company", "code")];
    let preview = world.engine().await.preview_sync(&job, 10, &Cancel::new()).await.expect("a preview");
    let shown: Vec<(String, Value)> = preview
        .requests
        .iter()
        .map(|request| {
            let body = request.body.as_deref().map(|body| serde_json::from_slice(body).expect("JSON"));
            (request.path.clone(), body.unwrap_or_default())
        })
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[1].0.ends_with("/contacts/companies/batch/associate/default"), "{shown:?}");
    assert_eq!(shown[1].1["inputs"].as_array().map(Vec::len), Some(2));
    assert!(shown[2].0.ends_with("/contacts/companies/batch/create"), "{shown:?}");
    let labelled = &shown[2].1["inputs"][0];
    assert_eq!(labelled["types"][0]["associationCategory"], json!("USER_DEFINED"));
    assert_eq!(
        (&labelled["from"]["id"], &labelled["to"]["id"]),
        (&json!("(record of row 2)"), &json!("(record with code c1)"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_tells_unknown_types_properties_labels_and_columns_with_the_nearest_name() {
    let world = world();
    let engine = world.engine().await;
    let mut job = world.job();
    for (spec, code, help) in [
        (to("companys", "company", "code"), "unknown-object-type", "companies"),
        (to("companies", "company", "cod"), "unknown-property", "code"),
        (
            AssociationSpec { label: Some("Byer".to_owned()), ..to("companies", "company", "code") },
            "unknown-label",
            "Buyer",
        ),
        (to("companies", "compny", "code"), "unknown-column", "company"),
    ] {
        job.sync.associations = vec![spec];
        let problems = engine.check_sync(&job).await;
        let found = problems.iter().find(|problem| problem.code == code);
        let told = found.and_then(|problem| problem.help.clone()).unwrap_or_default();
        assert!(told.contains(help), "{code}: {problems:?}");
        // A run stops by the same, before it sends anything.
        let report = world.run(&job).await;
        assert!(report.error.is_some_and(|error| error.code == code) && !report.sent, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_association_from_both_ends_warns_and_is_an_error_where_one_overwrites() {
    let world = world();
    let engine = world.engine().await;
    let mut people = world.job().sync;
    people.associations = vec![to("company", "company", "code")];
    let mut firms = companies(&world).sync;
    firms.associations = vec![to("0-1", "people", "email"), to("companies", "people", "code")];
    let problems = engine.declared_from_both_ends(&[people.clone(), firms.clone()]).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].severity, problems[0].code), (Severity::Warning, "associated-from-both-ends"));
    people.associations[0].overwrite = true;
    let problems = engine.declared_from_both_ends(&[firms, people.clone()]).await;
    assert!(problems.len() == 1 && problems[0].severity == Severity::Error, "{problems:?}");
    assert!(engine.declared_from_both_ends(&[people]).await.is_empty());
}
