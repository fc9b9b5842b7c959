//! What HubSpot and the network do to a list sync, and who is on the list afterwards.

use hubward_core::spec::{ListMode, Match};
use hubward_engine::{RunOptions, Status};
use serde_json::json;

use crate::harness::World;

/// Gains, losses and changed rows, so that every kind of request is needed.
fn shift(world: &World) {
    world.sql("delete from customers where id between 1 and 40");
    world.sql("insert into customers (id, email) select id + 1000, 'person' || (id + 250) || '@example.com' from customers where id <= 90");
    world.sql("update customers set email = 'person' || (id + 100) || '@example.com' where id between 91 and 95");
}

/// How often scripted faults have struck so far.
async fn struck(world: &World) -> usize {
    world.requests().await.iter().filter(|request| !request["fault"].is_null()).count()
}

#[tokio::test(start_paused = true)]
async fn lost_answers_limits_and_server_errors_leave_the_exact_set() {
    let faults = [
        json!({"match": {"method": "PUT"}, "times": 2, "do": {"status": 502}}),
        json!({"match": {"method": "PUT"}, "times": 1, "do": {"status": 524, "applied": true}}),
        json!({"match": {"method": "PUT"}, "times": 2, "do": {"reset": "after"}}),
        json!({"match": {"method": "PUT"}, "times": 2, "do": {"reset": "before"}}),
        json!({"match": {"method": "PUT"}, "times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}),
        json!({"match": {"method": "PUT"}, "times": 1, "do": {"status": 423}}),
        json!({"match": {"method": "POST"}, "times": 2, "do": {"status": 502}}),
        json!({"match": {"method": "POST"}, "times": 2, "do": {"reset": "after"}}),
    ];
    for fault in faults {
        let world = World::new();
        world.customers(200);
        world.contacts(400);
        let job = world.list_job();
        world.fault(json!([fault])).await;
        let report = world.run_list(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 200), "{fault}: {report:?}");
        assert_eq!(world.members().await, world.addresses(), "{fault}");
        assert_eq!(world.lists().await.len(), 1, "{fault}: one list, whatever became of the answer");
        let times = usize::try_from(fault["times"].as_u64().expect("a number")).expect("a few");
        assert_eq!(struck(&world).await, times, "{fault}: strikes as scripted");
        shift(&world);
        world.fault(json!([fault])).await;
        let report = world.run_list(&job).await;
        assert_eq!(struck(&world).await, 2 * times, "{fault}: strikes again");
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 95), "{fault}: {report:?}");
        assert_eq!(world.members().await, world.addresses(), "{fault}");
        let report = world.run_list(&job).await;
        assert_eq!((report.requests.list, report.outcomes.unchanged), (0, 210), "{fault}: {report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_request_is_finished_by_the_next_one() {
    let mut request = 0;
    loop {
        request += 1;
        let world = World::new();
        world.customers(230);
        world.contacts(400);
        let mut job = world.list_job();
        job.sync.create_missing = true;
        world.sql("update customers set email = 'new' || id || '@example.com' where id > 200");
        let mut came_so_far = world.run_list_killed_at(&job, request).await;
        // What the killed run has added and the model does not name any more must leave.
        world.sql(
            "delete from customers where id <= 30; update customers set email = 'person300@example.com' where id = 31",
        );
        let report = world.run_list(&job).await;
        assert_eq!(report.status, Status::Ok, "{request}: {report:?}");
        assert_eq!(world.members().await, world.addresses(), "killed at request {request} of the first run");
        assert_eq!(world.lists().await.len(), 1, "{request}");

        shift(&world);
        came_so_far |= world.run_list_killed_at(&job, request).await;
        world.sql("delete from customers where id between 41 and 44");
        let report = world.run_list(&job).await;
        assert_eq!(report.status, Status::Ok, "{request}: {report:?}");
        assert_eq!(world.members().await, world.addresses(), "killed at request {request} of the second run");
        assert_eq!(world.run_list(&job).await.requests.list, 0, "{request}");
        if !came_so_far {
            break;
        }
    }
    assert!(request > 6, "look-ups, creates and membership changes were all killed: {request}");
}

#[tokio::test(start_paused = true)]
async fn a_size_that_hubspot_refuses_is_halved_and_remembered() {
    let world = World::new();
    world.customers(900);
    world.contacts(900);
    let refused = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&refused);
    world.script(move |path, body| {
        let ids = body.as_array().map_or(0, Vec::len);
        if !path.ends_with("/memberships/add") || ids <= 250 {
            return None;
        }
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some((400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "too many ids"})))
    });
    let report = world.run_list(&world.list_job()).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 900), "{report:?}");
    assert_eq!(refused.load(std::sync::atomic::Ordering::Relaxed), 3, "900, and 450 twice");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_hubspot_refuses_is_rejected_alone() {
    for names_it in [true, false] {
        let world = World::new();
        world.customers(60);
        world.contacts(60);
        let guilty = world.contact("person17@example.com").await;
        world.script(move |path, body| {
            let ids = body.as_array()?;
            if !path.ends_with("/memberships/add") || !ids.contains(&json!(guilty)) {
                return None;
            }
            let context = if names_it { json!({"ids": [guilty]}) } else { json!({}) };
            Some((400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not this one", "context": context})))
        });
        let report = world.run_list(&world.list_job()).await;
        assert_eq!((report.outcomes.applied, report.outcomes.rejected), (59, 1), "{report:?}");
        let issues = world.issues("newsletter");
        assert_eq!(issues["17"].2, "not this one", "{issues:?}");
        assert!(report.requests.list < if names_it { 5 } else { 16 }, "{report:?}");
        world.end_script();
        let report = world.run_list(&world.list_job()).await;
        assert_eq!((report.status, report.outcomes.applied, report.requests.read), (Status::Ok, 1, 0), "{report:?}");
        assert_eq!(world.members().await, world.addresses());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hubspot_refuses_whatever_is_in_it_ends_the_run_after_a_few() {
    let world = World::new();
    world.customers(500);
    world.contacts(500);
    world.script(|path, _| {
        let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no"});
        path.ends_with("/memberships/add").then_some((400, body))
    });
    let report = world.run_list(&world.list_job()).await;
    assert_eq!(report.status, Status::Failed);
    assert!(report.requests.list < 60 && report.outcomes.deferred > 400, "{report:?}");
    world.end_script();
    let report = world.run_list(&world.list_job()).await;
    assert_eq!(
        (report.status, report.requests.read),
        (Status::Ok, 0),
        "records that were found are not looked up again"
    );
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn an_outage_defers_and_the_next_run_goes_on() {
    let world = World::new();
    world.customers(300);
    world.contacts(400);
    let job = world.list_job();
    world.run_list(&job).await;
    shift(&world);
    for kind in ["POST", "PUT"] {
        world.fault(json!([{"match": {"method": kind}, "times": 100_000, "do": {"status": 503}}])).await;
        let report = world.run_list(&job).await;
        assert!(report.outcomes.deferred > 0 && report.outcomes.rejected == 0, "{kind}: {report:?}");
        world.fault(json!([])).await;
    }
    let report = world.run_list(&job).await;
    assert_eq!(report.status, Status::Ok, "{report:?}");
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn a_record_merged_into_another_keeps_its_place_or_loses_it_with_its_row() {
    for (resolves, keeps) in [(false, true), (true, true), (false, false), (true, false)] {
        let world = World::new();
        world.customers(8);
        world.contacts(12);
        world.load(&json!({"settings": {"list_resolves_merged_ids": resolves, "merge_keeps_primary_id": keeps}}));
        let mut job = world.list_job();
        world.run_list(&job).await;
        let merge = |kept: &'static str, gone: &'static str| {
            let world = &world;
            async move {
                let (kept, gone) = (world.contact(kept).await, world.contact(gone).await);
                let body = json!({"primaryObjectId": kept, "objectIdToMerge": gone});
                world.call("POST", "/crm/v3/objects/contacts/merge", body).await;
            }
        };
        // One row's record merged into a contact of nobody, another's into that of a row that stays.
        merge("person10@example.com", "person1@example.com").await;
        merge("person3@example.com", "person2@example.com").await;
        let ids = world.member_ids("Newsletter").await.len();
        world.sql("delete from customers where id in (1, 2)");
        let report = world.run_list(&job).await;
        assert_eq!((report.status, report.outcomes.total()), (Status::Ok, 8), "{resolves} {keeps}: {report:?}");
        assert_eq!(world.members().await, world.addresses(), "{resolves} {keeps}: of {ids} members");

        // A row whose record was merged away is no stranger's.
        merge("person11@example.com", "person4@example.com").await;
        job.sync.exclusive = true;
        let report = world.run_list(&job).await;
        assert_eq!(report.status, Status::Ok, "{resolves} {keeps}: {report:?}");
        let mut wanted = world.addresses();
        wanted.remove("person4@example.com");
        wanted.insert("person11@example.com".to_owned());
        assert_eq!(world.members().await, wanted, "{resolves} {keeps}");
        let report = world.run_list_with(&job, &RunOptions { full: true, ..RunOptions::default() }).await;
        assert_eq!(report.status, Status::Ok, "{resolves} {keeps}: {report:?}");
        assert_eq!(world.members().await, wanted, "{resolves} {keeps}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_remembered_record_that_is_gone_is_looked_for_once_more() {
    for mode in [ListMode::Mirror, ListMode::Remove] {
        let world = World::new();
        world.customers(10);
        world.contacts(10);
        // An object sync of the project knows the records.
        let mut object = world.job();
        object.sync.match_ = Match::new("email", "email");
        world.run(&object).await;
        let options = RunOptions { siblings: vec![object.sync.clone()], ..RunOptions::default() };
        let gone = world.contact("person5@example.com").await;
        world.call("DELETE", &format!("/crm/v3/objects/contacts/{gone}"), json!(null)).await;
        let again = json!({"properties": {"email": "person5@example.com"}});
        world.call("POST", "/crm/v3/objects/contacts", again).await;
        let gone = world.contact("person6@example.com").await;
        world.call("DELETE", &format!("/crm/v3/objects/contacts/{gone}"), json!(null)).await;
        let mut wanted = world.addresses();
        wanted.remove("person6@example.com");

        let mut job = world.list_job();
        if mode == ListMode::Remove {
            let mut ids = Vec::new();
            for email in &wanted {
                ids.push(world.contact(email).await);
            }
            world.load(&json!({"lists": [{"name": "Newsletter", "objectTypeId": "0-1", "members": ids}]}));
            job.sync.mode = mode;
            wanted.clear();
        }
        let report = world.run_list_with(&job, &options).await;
        let word = if mode == ListMode::Mirror { report.outcomes.rejected } else { report.outcomes.skipped };
        assert_eq!((report.outcomes.applied, word), (9, 1), "{mode:?} {report:?}");
        // All from the ledger; only the two that are gone are asked for.
        assert!(report.requests.read <= 2 && report.requests.search == 0, "{mode:?} {report:?}");
        assert_eq!(world.members().await, wanted, "{mode:?}");
    }
}
