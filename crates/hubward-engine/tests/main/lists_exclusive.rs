//! Exclusive lists: nobody is taken off while a row may name them.

use hubward_core::spec::{Match, ModelQuery};
use hubward_engine::{RunOptions, Status};
use serde_json::{Value, json};

use crate::harness::{INDEXED, World};
use crate::list_world::ListJob;

/// A list that people have filled with everybody, before the first run of an exclusive sync.
async fn filled(world: &World) -> ListJob {
    let ids: Vec<Value> = world.records("contacts").await.iter().map(|record| record["id"].clone()).collect();
    world.load(&json!({"lists": [{"name": "Newsletter", "objectTypeId": "0-1", "members": ids}]}));
    let mut job = world.list_job();
    job.sync.exclusive = true;
    job
}

/// The run takes nobody off, and says why.
async fn spares_everybody(world: &World, job: &ListJob, rows: u64, why: &str) {
    let before = world.member_ids("Newsletter").await;
    let report = world.run_list(job).await;
    let removals = world.requests().await;
    let removals =
        removals.iter().filter(|request| request["path"].as_str().is_some_and(|path| path.contains("remove")));
    assert_eq!((report.error.as_ref(), removals.count()), (None, 0), "{why}: {report:?}");
    assert_eq!(world.member_ids("Newsletter").await, before, "{why}");
    let (counted, why) = (format!("of {rows} rows "), format!(" {rows} {why}"));
    assert!(report.notes.iter().any(|note| note.contains(&counted) && note.contains(&why)), "{why}: {report:?}");
}

/// The next run of a mended sync leaves whom its rows name, and nobody else.
async fn sweeps(world: &World, job: &ListJob) {
    let report = world.run_list(job).await;
    assert_eq!(report.status, Status::Ok, "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn a_join_that_doubles_every_key_empties_no_exclusive_list() {
    let world = World::new();
    world.customers(10);
    world.contacts(30);
    let mut job = filled(&world).await;
    let doubled = "select customers.* from customers join (select 1 union all select 2)".to_owned();
    let right = std::mem::replace(&mut job.model.query, ModelQuery::Sql(doubled));
    spares_everybody(&world, &job, 20, "with the primary key of another row").await;
    job.model.query = right;
    sweeps(&world, &job).await;
}

#[tokio::test(start_paused = true)]
async fn whom_a_row_without_a_primary_key_names_stays_on_an_exclusive_list() {
    for keyless in [1, 10] {
        let world = World::new();
        world.customers(10);
        world.contacts(30);
        let mut job = filled(&world).await;
        let query = format!("select case when id > {keyless} then id end as id, email from customers");
        let right = std::mem::replace(&mut job.model.query, ModelQuery::Sql(query));
        spares_everybody(&world, &job, keyless, "without a primary key").await;
        job.model.query = right;
        sweeps(&world, &job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whom_an_ambiguous_value_names_stays_on_an_exclusive_list() {
    let world = World::new();
    world.customers(10);
    world.contacts(30);
    world.load(&json!({"records": {"contacts": [{"properties": {"email": "twin@example.com", "lastname": "L3"}}]}}));
    tokio::time::advance(INDEXED).await;
    let mut job = filled(&world).await;
    world.sql("update customers set plan = 'L' || id");
    job.sync.match_ = Match::new("plan", "lastname");
    spares_everybody(&world, &job, 1, "whose value several records have or HubSpot refused").await;
    let twin = world.contact("twin@example.com").await;
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{twin}"), Value::Null).await;
    tokio::time::advance(INDEXED).await;
    sweeps(&world, &job).await;
}

#[tokio::test(start_paused = true)]
async fn whom_a_refused_value_names_stays_on_an_exclusive_list() {
    let world = World::new();
    world.customers(10);
    world.contacts(30);
    let mut job = filled(&world).await;
    job.sync.create_missing = true;
    world.sql("update customers set email = 'new@example.com' where id = 4");
    world.script(|path, _| {
        let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not this one"});
        path.contains("/batch/upsert").then_some((400, body))
    });
    spares_everybody(&world, &job, 1, "whose value several records have or HubSpot refused").await;
    world.end_script();
    sweeps(&world, &job).await;
}

#[tokio::test(start_paused = true)]
async fn whom_a_search_does_not_find_yet_stays_on_an_exclusive_list() {
    let world = World::new();
    world.customers(10);
    world.contacts(30);
    tokio::time::advance(INDEXED).await;
    // Another sync, or a person, has just made her and put her on the list.
    let made = json!({"properties": {"email": "person31@example.com", "lastname": "L31"}});
    world.call("POST", "/crm/v3/objects/contacts", made).await;
    let mut job = filled(&world).await;
    world.sql("update customers set plan = 'L' || id; update customers set plan = 'L31', email = 'person31@example.com' where id = 4");
    job.sync.match_ = Match::new("plan", "lastname");
    spares_everybody(&world, &job, 1, "whose record search does not find, which may lag behind").await;
    tokio::time::advance(INDEXED).await;
    sweeps(&world, &job).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_surely_name_nobody_spare_nobody_on_an_exclusive_list() {
    let world = World::new();
    world.customers(10);
    world.contacts(30);
    let job = filled(&world).await;
    world.sql("update customers set email = null where id = 3; update customers set email = 'nobody@example.com' where id = 4");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.rejected), (1, 1), "{report:?}");
    let mut wanted = world.addresses();
    wanted.remove("nobody@example.com");
    assert_eq!(world.members().await, wanted);
}

#[tokio::test(start_paused = true)]
async fn an_empty_model_empties_no_exclusive_list_in_the_first_run_either() {
    let world = World::new();
    world.customers(10);
    world.sql("delete from customers");
    world.contacts(30);
    let job = filled(&world).await;
    let before = world.member_ids("Newsletter").await;
    let report = world.run_list(&job).await;
    let error = report.error.expect("it stops");
    assert_eq!((error.code, error.message.contains("would be emptied")), ("model-empty", true), "{error:?}");
    assert_eq!(world.member_ids("Newsletter").await, before);
    let report = world.run_list_with(&job, &RunOptions { allow_empty: true, ..RunOptions::default() }).await;
    assert_eq!((report.error, world.member_ids("Newsletter").await.len()), (None, 0));
}
