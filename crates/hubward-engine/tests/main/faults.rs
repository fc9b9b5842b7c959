//! What HubSpot and the network do to a run, and what the sandbox holds afterwards.

use serde_json::json;

use hubward_core::spec::Mode;
use hubward_engine::Status;

use crate::harness::{INDEXED, World, column};

/// The scripted fault really struck, and as often as it was told to.
async fn struck(world: &World, times: usize) {
    let requests = world.requests().await;
    let hit = requests.iter().filter(|request| !request["fault"].is_null()).count();
    assert_eq!(hit, times, "the fault strikes as scripted: {requests:?}");
}

/// Every customer is in the sandbox once, with its values.
async fn all_there(world: &World, rows: u32) {
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), rows as usize, "no record is missing, none is there twice");
    for id in 1..=rows {
        let contact = &contacts[&format!("person{id}@example.com")];
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")));
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_server_errors_and_lost_answers_lose_no_row_and_double_none() {
    let faults = [
        json!({"match": {"kind": "upsert"}, "after": 1, "times": 2, "do": {"status": 502}}),
        json!({"match": {"kind": "upsert"}, "after": 0, "times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}),
        json!({"match": {"kind": "upsert"}, "after": 2, "times": 1, "do": {"status": 423}}),
        json!({"match": {"kind": "upsert"}, "after": 0, "times": 2, "do": {"reset": "after"}}),
        json!({"match": {"kind": "upsert"}, "after": 0, "times": 2, "do": {"reset": "before"}}),
        json!({"match": {"kind": "upsert"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}),
        json!({"match": {"kind": "upsert"}, "after": 0, "times": 2, "do": {"drop_result": 1}}),
    ];
    for fault in faults {
        let world = World::new();
        world.customers(350);
        world.fault(json!([fault])).await;
        let report = world.run(&world.job()).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 350), "{fault}: {report:?}");
        struck(&world, usize::try_from(fault["times"].as_u64().expect("a number")).expect("small")).await;
        all_there(&world, 350).await;
        assert_eq!(world.run(&world.job()).await.requests.total, 0, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn creates_of_unknown_outcome_are_looked_for_and_never_made_twice() {
    let faults = [
        json!({"match": {"kind": "create"}, "after": 1, "times": 2, "do": {"status": 502}}),
        json!({"match": {"kind": "create"}, "after": 0, "times": 2, "do": {"reset": "after"}}),
        json!({"match": {"kind": "create"}, "after": 0, "times": 2, "do": {"reset": "before"}}),
        json!({"match": {"kind": "create"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}),
        json!({"match": {"kind": "create"}, "after": 0, "times": 2, "do": {"drop_result": 1}}),
    ];
    for fault in faults {
        let world = World::new();
        world.customers(250);
        world.fault(json!([fault])).await;
        let mut job = world.job();
        job.sync.mode = Mode::Insert;
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 250), "{fault}: {report:?}");
        struck(&world, usize::try_from(fault["times"].as_u64().expect("a number")).expect("small")).await;
        all_there(&world, 250).await;
        assert_eq!(world.run(&job).await.requests.total, 0, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn creates_that_only_search_can_find_wait_for_the_index_before_they_are_repeated() {
    for fault in [json!({"reset": "after"}), json!({"reset": "before"}), json!({"status": 524, "applied": true})] {
        let world = World::new();
        world.customers(150);
        world.fault(json!([{"match": {"kind": "create"}, "after": 0, "times": 1, "do": fault}])).await;
        let mut job = world.job();
        job.sync.object = "companies".to_owned();
        job.sync.match_.property = "domain".to_owned();
        job.sync.map = vec![column("name", "first_name")];
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 150), "{fault}: {report:?}");
        struck(&world, 1).await;
        assert_eq!(world.by("companies", "name").await.len(), 150, "{fault}");
        tokio::time::advance(INDEXED).await;
        assert_eq!(world.run(&job).await.requests.total, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_daily_limit_stops_the_run_and_the_rest_goes_next_time() {
    let world = World::new();
    world.customers(500);
    world
        .fault(
            json!([{"match": {"kind": "upsert"}, "after": 2, "times": 1000, "do": {"status": 429, "policy": "DAILY"}}]),
        )
        .await;
    let report = world.run(&world.job()).await;
    assert_eq!(report.status, Status::Failed, "{report:?}");
    assert_eq!((report.outcomes.applied, report.outcomes.deferred), (200, 300), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 200);
    world.fault(json!([])).await;
    let report = world.run(&world.job()).await;
    assert_eq!(report.outcomes.applied + report.outcomes.unchanged, 500, "{report:?}");
    all_there(&world, 500).await;
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_that_is_down_ends_the_run_with_every_row_deferred() {
    let world = World::new();
    world.customers(500);
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 0, "times": 100_000, "do": {"status": 503}}])).await;
    let report = world.run(&world.job()).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Failed, 500), "{report:?}");
    world.fault(json!([])).await;
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 500);
    all_there(&world, 500).await;
}

#[tokio::test(start_paused = true)]
async fn the_accounts_limits_are_kept_without_a_single_429() {
    let world = World::with(|config| config.latency = std::time::Duration::from_millis(400));
    world.customers(30_000);
    let began = tokio::time::Instant::now();
    let report = world.run(&world.job()).await;
    assert_eq!(
        (report.outcomes.applied, report.requests.upsert, report.requests.throttled),
        (30_000, 300, 0),
        "{report:?}"
    );
    // 300 requests at 190 in 10 s need one whole window and what is left after it.
    let seconds = began.elapsed().as_secs_f64();
    assert!((10.0..14.0).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn two_projects_on_one_account_lose_nothing_to_each_other() {
    let one = World::with(|config| config.latency = std::time::Duration::from_millis(200));
    let two = one.sharing();
    one.customers(15_000);
    two.customers(15_000);
    two.sql("update customers set email = 'other' || id || '@example.com', first_name = 'Other'");
    let (one_job, two_job) = (one.job(), two.job());
    let (first, second) = tokio::join!(one.run(&one_job), two.run(&two_job));
    assert_eq!((first.status, first.outcomes.applied), (Status::Ok, 15_000), "{first:?}");
    assert_eq!((second.status, second.outcomes.applied), (Status::Ok, 15_000), "{second:?}");
    let contacts = one.by("contacts", "email").await;
    assert_eq!(contacts.len(), 30_000);
    for id in 1..=15_000 {
        assert_eq!(contacts[&format!("person{id}@example.com")]["properties"]["firstname"], json!(format!("Zoë {id}")));
        assert_eq!(contacts[&format!("other{id}@example.com")]["properties"]["firstname"], json!("Other"));
    }
    let stats = one.call("GET", "/_sandbox/stats", serde_json::Value::Null).await;
    // Neither sees the other's requests before HubSpot tells; what was refused meanwhile waited and went.
    assert_eq!(stats["by_kind"]["upsert"]["200"], json!(300), "{stats}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_cause_is_halved_and_only_a_lasting_one_stops_the_run() {
    let world = World::new();
    world.customers(250);
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 1, "times": 3, "do": {"status": 400}}])).await;
    let report = world.run(&world.job()).await;
    assert_eq!(
        (report.status, report.outcomes.applied),
        (Status::Ok, 250),
        "{report:?} {:?}",
        world.issues("customers")
    );
    struck(&world, 3).await;
    all_there(&world, 250).await;

    let world = World::new();
    world.customers(250);
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 0, "times": 100_000, "do": {"status": 400}}])).await;
    let report = world.run(&world.job()).await;
    assert_eq!(report.status, Status::Failed, "{report:?}");
    assert!(report.outcomes.deferred > report.outcomes.rejected, "not every row is asked for by itself: {report:?}");
    world.fault(json!([])).await;
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 250);
    all_there(&world, 250).await;
}
