//! Lists that are not what the sync means, plans, previews, checks, and what a sync costs.

use std::collections::BTreeSet;

use hubward_core::spec::{ListMode, ListTarget, Match};
use hubward_engine::{Cancel, RunOptions, Status};
use serde_json::{Value, json};

use crate::harness::World;

async fn id_of(world: &World, list: &str) -> u64 {
    world.lists().await[list]["listId"].as_str().expect("an id").parse().expect("a number")
}

async fn refused(world: &World, job: &crate::list_world::ListJob, code: &str) {
    let report = world.run_list(job).await;
    let error = report.error.unwrap_or_else(|| panic!("no {code}"));
    assert_eq!((report.status, error.code), (Status::Failed, code), "{error:?}");
    assert!(error.help.is_some() && !report.sent, "{error:?}");
    let problems = world.engine().await.check_list_sync(job).await;
    assert!(problems.iter().any(|problem| problem.code == code), "{code}: {problems:?}");
    let plan = world.engine().await.plan_list_sync(job, false, &Cancel::new()).await;
    assert_eq!(plan.expect_err("no plan either").code, code);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_list_is_told_and_the_sync_goes_on_by_either_way_out() {
    let world = World::new();
    world.customers(4);
    world.contacts(6);
    let mut job = world.list_job();
    world.run_list(&job).await;
    let id = id_of(&world, "Newsletter").await;
    world.call("PUT", &format!("/crm/v3/lists/{id}/update-list-name?listName=Gazette"), Value::Null).await;
    world.sql("delete from customers where id = 1");
    refused(&world, &job, "list-renamed").await;
    assert_eq!(world.member_ids("Gazette").await.len(), 4, "nothing was written");

    job.sync.list = ListTarget::Name("Gazette".to_owned());
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 1, 3), "{report:?}");
    assert_eq!(world.members_by("Gazette", "contacts", "email").await, world.addresses());
    job.sync.list = ListTarget::Name("Another".to_owned());
    refused(&world, &job, "other-list").await;
    job.sync.list = ListTarget::Id(id + 1);
    refused(&world, &job, "other-list").await;
    job.sync.list = ListTarget::Id(id);
    assert_eq!(world.run_list(&job).await.outcomes.unchanged, 3);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_list_is_told_and_a_restored_one_is_gone_on_with() {
    for readable in [false, true] {
        let world = World::new();
        world.load(&json!({"settings": {"deleted_lists_readable": readable}}));
        world.customers(4);
        world.contacts(6);
        let job = world.list_job();
        world.run_list(&job).await;
        let id = id_of(&world, "Newsletter").await;
        world.call("DELETE", &format!("/crm/v3/lists/{id}"), Value::Null).await;
        world.sql(
            "delete from customers where id = 1; insert into customers (id, email) values (9, 'person6@example.com')",
        );
        refused(&world, &job, "list-gone").await;
        world.call("PUT", &format!("/crm/v3/lists/{id}/restore"), Value::Null).await;
        let report = world.run_list(&job).await;
        assert_eq!(
            (report.status, report.outcomes.applied, report.outcomes.unchanged),
            (Status::Ok, 2, 3),
            "{report:?}"
        );
        assert_eq!(world.members().await, world.addresses());
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_with_filters_or_of_another_type_takes_no_rows() {
    let world = World::new();
    world.customers(2);
    world.contacts(2);
    let filter = json!({"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [
        {"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": [
            {"filterType": "PROPERTY", "property": "email", "operation": {"operationType": "ALL_PROPERTY", "operator": "IS_KNOWN", "includeObjectsWithNoValueSet": false}}]}]});
    let mut lists = vec![json!({"name": "Companies", "objectTypeId": "0-2", "processingType": "MANUAL"})];
    for processing in ["DYNAMIC", "SNAPSHOT"] {
        let name = format!("Newsletter {processing}");
        lists.push(json!({"name": name, "objectTypeId": "0-1", "processingType": processing, "filterBranch": filter}));
    }
    world.load(&json!({"lists": lists}));
    let mut job = world.list_job();
    for processing in ["DYNAMIC", "SNAPSHOT"] {
        job.sync.list = ListTarget::Name(format!("Newsletter {processing}"));
        refused(&world, &job, "list-not-manual").await;
    }
    job.sync.list = ListTarget::Id(id_of(&world, "Companies").await);
    job.sync.object = Some("contacts".to_owned());
    refused(&world, &job, "list-object-type").await;
    job.sync.list = ListTarget::Id(777);
    refused(&world, &job, "unknown-list").await;
    // The name is taken by a list of companies, which only making it shows.
    job.sync.list = ListTarget::Name("Companies".to_owned());
    let report = world.run_list(&job).await;
    assert_eq!(report.error.map(|error| error.code), Some("list-object-type"));
    let mut job = world.list_job();
    job.sync.mode = ListMode::Remove;
    refused(&world, &job, "unknown-list").await;
    assert_eq!(world.lists().await.len(), 3, "no list was made");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_gets_filters_during_a_run_stops_it_at_once() {
    let world = World::new();
    world.customers(300);
    world.contacts(300);
    let job = world.list_job();
    world.run_list(&job).await;
    let id = id_of(&world, "Newsletter").await;
    world.sql("delete from customers where id <= 100");
    let mut changed = false;
    world.script(move |path, _| {
        if path.contains("/memberships/") {
            changed = true;
            return Some((400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "DYNAMIC"})));
        }
        let list = json!({"list": {"listId": id.to_string(), "name": "Newsletter", "objectTypeId": "0-1", "processingType": "DYNAMIC",
            "listVersion": 1, "processingStatus": "COMPLETE"}});
        (changed && path.ends_with(&format!("/{id}"))).then_some((200, list))
    });
    let report = world.run_list(&job).await;
    assert_eq!(report.error.as_ref().map(|error| error.code), Some("list-not-manual"), "{report:?}");
    assert_eq!((report.outcomes.deferred, report.requests.list), (100, 1), "{report:?}");
    world.end_script();
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 100), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn lists_of_every_type_and_by_any_property() {
    let world = World::new();
    let unique = json!({"name": "ext", "label": "Ext", "type": "string", "fieldType": "text", "hasUniqueValue": true, "groupName": "information"});
    world.load(&json!({
        "schemas": [{"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
            "requiredProperties": ["serial"], "searchableProperties": ["serial"],
            "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}]}],
        "properties": {"companies": [unique], "deals": [unique], "tickets": [unique]},
    }));
    world.customers(30);
    for (object, property) in [
        ("companies", "ext"),
        ("companies", "domain"),
        ("deals", "ext"),
        ("deals", "dealname"),
        ("tickets", "ext"),
        ("machine", "serial"),
    ] {
        let records: Vec<Value> =
            (1..=25).map(|id| json!({"properties": {property: format!("{property}{id}.example")}})).collect();
        world.load(&json!({"records": {object: records}}));
        tokio::time::advance(crate::harness::INDEXED).await;
        world.sql(&format!("update customers set plan = '{property}' || id || '.example'"));
        let mut job = world.list_job();
        job.sync.name = format!("{object}_{property}");
        job.sync.list = ListTarget::Name(job.sync.name.clone());
        job.sync.object = Some(object.to_owned());
        job.sync.match_ = Match::new("plan", property);
        let report = world.run_list(&job).await;
        assert_eq!((report.outcomes.applied, report.outcomes.rejected), (25, 5), "{object} {property} {report:?}");
        world.sql("update customers set plan = null where id > 20");
        world.run_list(&job).await;
        let wanted: BTreeSet<String> = (1..=20).map(|id| format!("{property}{id}.example")).collect();
        assert_eq!(world.members_by(&job.sync.name, object, property).await, wanted, "{object} {property}");
        let mut by_id = job.clone();
        by_id.sync.name = format!("{object}_{property}_by_id");
        by_id.sync.list = ListTarget::Id(id_of(&world, &job.sync.name).await);
        by_id.sync.object = None;
        by_id.sync.mode = ListMode::Remove;
        let report = world.run_list(&by_id).await;
        assert_eq!((report.outcomes.applied, report.outcomes.invalid), (20, 10), "{object} {property} {report:?}");
        assert!(world.member_ids(&job.sync.name).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn create_missing_makes_records_of_a_custom_type_and_wants_a_unique_property() {
    let world = World::new();
    world.load(&json!({"schemas": [{"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
        "requiredProperties": ["serial"], "searchableProperties": ["serial"],
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}]}]}));
    world.customers(5);
    let mut job = world.list_job();
    job.sync.object = Some("machine".to_owned());
    job.sync.match_ = Match::new("email", "serial");
    job.sync.create_missing = true;
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.upsert), (Status::Ok, 5, 1), "{report:?}");
    assert_eq!(world.members_by("Newsletter", "machine", "serial").await.len(), 5);

    let mut job = world.list_job();
    job.sync.name = "other".to_owned();
    job.sync.list = ListTarget::Name("Other".to_owned());
    job.sync.match_ = Match::new("email", "firstname");
    job.sync.create_missing = true;
    let report = world.run_list(&job).await;
    assert_eq!(report.error.map(|error| error.code), Some("create-missing"));
    assert_eq!(world.lists().await.len(), 1, "nothing was made");
}

#[tokio::test(start_paused = true)]
async fn secondary_addresses_find_their_contact_and_shared_values_are_rejected() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "first@example.com", "hs_additional_emails": "person1@example.com", "firstname": "Ann"}},
        {"properties": {"email": "person2@example.com", "firstname": "Zoë 3"}},
        {"properties": {"email": "person3@example.com", "firstname": "Zoë 3"}},
    ]}}));
    tokio::time::advance(crate::harness::INDEXED).await;
    let report = world.run_list(&world.list_job()).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?}");
    assert!(world.members().await.contains("first@example.com"));

    let mut job = world.list_job();
    job.sync.name = "by_name".to_owned();
    job.sync.list = ListTarget::Name("By name".to_owned());
    job.sync.match_ = Match::new("first_name", "firstname");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.rejected, report.outcomes.applied), (3, 0), "{report:?}");
    let issues = world.issues("by_name");
    assert_eq!((issues["3"].1.as_str(), issues["1"].1.as_str()), ("AMBIGUOUS_TARGET", "NO_RECORD"), "{issues:?}");
}

#[tokio::test(start_paused = true)]
async fn records_that_an_object_sync_has_made_are_not_looked_up() {
    let world = World::new();
    world.customers(1_000);
    let object = world.job();
    world.run(&object).await;
    let options = RunOptions { siblings: vec![object.sync.clone()], ..RunOptions::default() };
    let report = world.run_list_with(&world.list_job(), &options).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1_000), "{report:?}");
    assert_eq!((report.requests.list, report.requests.read, report.requests.search), (2, 0, 0), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn twenty_five_thousand_members_cost_three_requests_and_one_for_each_hundred_addresses() {
    let world = World::new();
    world.customers(25_000);
    world.contacts(26_000);
    let job = world.list_job();
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 25_000), "{report:?}");
    assert_eq!((report.requests.list, report.requests.read), (1 + 3, 250), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
    world.sql("delete from customers where id <= 12000");
    world.sql("insert into customers (id, email) select id + 100000, 'person' || (id - 13000 + 25000) || '@example.com' from customers where id <= 13500 and id > 13000");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.list, report.requests.read), (12_500, 2, 5), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn a_plan_foretells_the_run_and_writes_nothing() {
    let world = World::new();
    world.customers(250);
    world.contacts(260);
    let job = world.list_job();
    let plan = async || world.engine().await.plan_list_sync(&job, false, &Cancel::new()).await.expect("a plan");
    let first = plan().await;
    assert_eq!((first.added, first.invalid, first.requests.list, first.requests.read), (250, 0, 2, 3), "{first:?}");
    assert!(first.warnings.iter().any(|warning| warning.contains("does not exist yet")), "{first:?}");
    assert!(world.lists().await.is_empty());
    let options = RunOptions { expected_digest: Some(first.digest), ..RunOptions::default() };
    let report = world.run_list_with(&job, &options).await;
    assert_eq!((report.status, report.requests.list, report.requests.read), (Status::Ok, 2, 3), "{report:?}");
    assert_eq!(report.requests.total, first.requests.total, "{report:?}");

    world.sql("delete from customers where id <= 3; update customers set email = 'person255@example.com' where id = 4");
    let second = plan().await;
    assert_eq!((second.removed, second.changed, second.unchanged), (3, 1, 246), "{second:?}");
    assert_eq!((second.requests.list, second.requests.read, second.warnings.len()), (1, 1, 0), "{second:?}");
    let outdated = world.run_list_with(&job, &options).await;
    assert_eq!(outdated.error.map(|error| error.code), Some("plan-outdated"));
    let options = RunOptions { expected_digest: Some(second.digest), ..RunOptions::default() };
    let report = world.run_list_with(&job, &options).await;
    assert_eq!((report.outcomes.applied, report.requests.list, report.requests.read), (4, 1, 1), "{report:?}");
    assert_eq!(report.requests.total, second.requests.total, "{report:?}");
    let last = plan().await;
    assert_eq!((last.requests.list, last.unchanged), (0, 247), "{last:?}");
    let report = world.run_list(&job).await;
    assert_eq!((report.requests.total, last.requests.total), (1, 1), "the list itself is asked for: {report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_shows_the_requests_and_a_check_finds_every_problem() {
    let world = World::new();
    world.customers(3);
    world.contacts(3);
    world.sql("update customers set email = null where id = 2");
    let engine = world.engine().await;
    let mut job = world.list_job();
    let preview = engine.preview_list_sync(&job, 10, &Cancel::new()).await.expect("a preview");
    let paths: Vec<&str> = preview.requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!((paths.len(), preview.invalid.len()), (2, 1), "{paths:?}");
    assert!(paths[0].ends_with("/lists/2026-09") && paths[1].contains("batch/read"), "{paths:?}");
    assert!(world.lists().await.is_empty(), "a preview makes no list");
    assert!(engine.check_list_sync(&job).await.is_empty());

    job.sync.match_ = Match::new("e_mail", "emial");
    job.model.primary_key = vec!["number".to_owned()];
    let problems = engine.check_list_sync(&job).await;
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["unknown-property", "unknown-column", "unknown-column"], "{problems:?}");

    job.sync.match_ = Match::new("id", "id");
    job.model.primary_key = vec!["id".to_owned()];
    let preview = engine.preview_list_sync(&job, 2, &Cancel::new()).await.expect("a preview");
    let last = preview.requests.last().expect("a request");
    assert!(last.path.ends_with("/memberships/add"), "{}", last.path);
}

#[tokio::test(start_paused = true)]
async fn changing_mode_or_property_looks_at_every_row_again_and_limits_let_nobody_leave() {
    let world = World::new();
    world.customers(6);
    world.contacts(9);
    let mut job = world.list_job();
    world.run_list(&job).await;
    // By last name now: L1 to L6 are the same contacts.
    world.sql("update customers set plan = 'L' || (id + 1)");
    tokio::time::advance(crate::harness::INDEXED).await;
    job.sync.match_ = Match::new("plan", "lastname");
    let report = world.run_list_with(&job, &RunOptions { limit: Some(2), ..RunOptions::default() }).await;
    assert_eq!(report.outcomes.total(), 2, "{report:?}");
    let left: BTreeSet<String> = (2..=6).map(|id| format!("L{id}")).collect();
    let members = world.members_by("Newsletter", "contacts", "lastname").await;
    assert_eq!(members, left, "whom the rows beyond the limit name stays");
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.total()), (Status::Ok, 6), "{report:?}");
    let wanted: BTreeSet<String> = (2..=7).map(|id| format!("L{id}")).collect();
    assert_eq!(world.members_by("Newsletter", "contacts", "lastname").await, wanted);
    assert_eq!(world.run_list(&job).await.requests.list, 0);

    job.sync.mode = ListMode::Remove;
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.search, report.requests.list), (6, 0, 1), "{report:?}");
    assert!(world.member_ids("Newsletter").await.is_empty());
    job.sync.mode = ListMode::Mirror;
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.search, report.requests.list), (6, 0, 1), "{report:?}");
    assert_eq!(world.members_by("Newsletter", "contacts", "lastname").await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_of_another_kind_of_sync_is_left_alone() {
    let world = World::new();
    world.customers(3);
    let object = world.job();
    world.run(&object).await;
    let mut job = world.list_job();
    job.sync.name = object.sync.name.clone();
    let report = world.run_list(&job).await;
    assert_eq!(report.error.map(|error| error.code), Some("other-sync-kind"));
    let job = world.list_job();
    world.run_list(&job).await;
    let mut object = world.job();
    object.sync.name = job.sync.name.clone();
    let report = world.run(&object).await;
    assert_eq!((report.error.map(|error| error.code), report.sent), (Some("other-sync-kind"), false));
    assert_eq!(world.run_list(&job).await.outcomes.unchanged, 3);
}

#[tokio::test(start_paused = true)]
async fn rows_with_one_primary_key_are_invalid_and_whom_they_named_stays() {
    let world = World::new();
    world.customers(4);
    world.contacts(6);
    let mut job = world.list_job();
    world.run_list(&job).await;
    let before = world.members().await;
    job.model.query = hubward_core::spec::ModelQuery::Sql(
        "select * from customers union all select 2, 'person6@example.com', null, null, null, null".to_owned(),
    );
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.unchanged, report.requests.list), (2, 3, 0), "{report:?}");
    assert_eq!(world.members().await, before);
    job.model.query = world.job().model.query;
    assert_eq!(world.run_list(&job).await.outcomes.unchanged, 4);
}

#[tokio::test(start_paused = true)]
async fn an_exclusive_list_is_read_to_its_last_page_and_an_unanswered_look_up_spares_everybody() {
    let world = World::new();
    world.customers(10);
    world.contacts(700);
    let ids: Vec<Value> = world.records("contacts").await.iter().map(|record| record["id"].clone()).collect();
    world.load(&json!({"lists": [{"name": "Newsletter", "objectTypeId": "0-1", "members": ids}]}));
    let mut job = world.list_job();
    job.sync.exclusive = true;
    world.fault(json!([{"match": {"method": "POST"}, "times": 100_000, "do": {"status": 503}}])).await;
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.deferred, report.requests.list), (10, 0), "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("10 whose record was not looked up")), "{report:?}");
    assert_eq!(world.members().await.len(), 700);
    world.fault(json!([])).await;
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.unchanged), (Status::Ok, 10), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_defers_its_rows_and_the_next_one_has_them() {
    let world = World::new();
    world.customers(50);
    world.contacts(50);
    let job = world.list_job();
    let options = RunOptions::default();
    let cancel = options.cancel.clone();
    world.script(move |path, _| {
        if path.contains("/batch/read") {
            cancel.set();
        }
        None
    });
    let report = world.run_list_with(&job, &options).await;
    assert!(report.interrupted && report.outcomes.deferred == 50, "{report:?}");
    world.end_script();
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.read), (50, 0), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn a_name_of_any_characters_is_made_and_found_again() {
    let name = "Grüße / 50% & more? #1";
    let world = World::new();
    world.customers(3);
    world.contacts(3);
    let mut job = world.list_job();
    job.sync.list = ListTarget::Name(name.to_owned());
    // An answer that is lost after the list was made.
    world
        .fault(
            json!([{"match": {"method": "POST", "path_regex": "/lists/[^/]*$"}, "times": 1, "do": {"reset": "after"}}]),
        )
        .await;
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("was made")), "{report:?}");
    assert_eq!(world.lists().await.len(), 1);
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.unchanged), (Status::Ok, 3), "{report:?}");
    assert_eq!(world.members_by(name, "contacts", "email").await, world.addresses());
}
