//! Records that are read in very many properties, and look-ups that HubSpot cannot read.

use serde_json::{Value, json};

use hubward_core::spec::{Compare, Mode};
use hubward_engine::Status;

use crate::harness::{World, column, property};

#[tokio::test(start_paused = true)]
async fn a_single_record_is_compared_in_hundreds_of_properties_without_a_url_too_long() {
    for mode in [Mode::Upsert, Mode::Update] {
        let world = World::new();
        let names: Vec<String> = (0..300).map(|at| format!("a_property_with_a_long_name_{at}")).collect();
        let properties: Vec<Value> = names.iter().map(|name| property(name, "string", "text")).collect();
        world.load(
            &json!({"properties": {"contacts": properties}, "records": {"contacts": [{"id": "900", "properties": {
            "email": "main@example.com", "hs_additional_emails": "other@example.com", "city": "Wien"}}]}}),
        );
        world.customers(3);
        world.sql("update customers set email = 'other@example.com' where id = 2");
        let mut job = world.job();
        (job.sync.mode, job.sync.compare) = (mode, Compare::HubSpot);
        job.sync.map.extend(names.iter().map(|name| column(name, "plan")));
        world.script(|path, _| {
            (path.len() > 4_000).then(|| (414, json!({"status": "error", "message": "URI too long"})))
        });
        for at in 0..2 {
            if at == 1 {
                world.sql("update customers set city = 'neu'");
            }
            let report = world.run(&job).await;
            assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{mode:?} {report:?}");
            let contacts = world.by("contacts", "email").await;
            let held = &contacts["main@example.com"]["properties"];
            let city = if at == 1 { "neu" } else { "Kraków 2" };
            assert_eq!((&held["city"], &held[&names[299]]), (&json!(city), &json!("gold")), "{mode:?}");
        }
        let again = world.run(&job).await;
        assert_eq!((again.requests.update, again.requests.upsert), (0, 0), "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_hubspot_cannot_read_costs_one_row_and_not_the_run() {
    let world = World::new();
    world.customers(250);
    world.run(&world.job()).await;
    world.sql("update customers set city = 'neu'");
    let mut job = world.job();
    job.sync.compare = Compare::HubSpot;
    let contacts = world.by("contacts", "email").await;
    let id = contacts["person7@example.com"]["id"].as_str().expect("an id").to_owned();
    world.script(move |path, body| {
        let inputs = body["inputs"].as_array();
        let unread =
            path.ends_with("/batch/read") && inputs.is_some_and(|all| all.iter().any(|one| one["id"] == json!(id)));
        unread.then(|| (400, json!({"status": "error", "message": "Invalid input JSON"})))
    });
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (249, 1), "{report:?}");
    for (email, record) in world.by("contacts", "email").await {
        assert_eq!(record["properties"]["city"] == "neu", email != "person7@example.com", "{email}");
    }
    world.end_script();
    assert_eq!(world.run(&job).await.outcomes.applied, 1);
}
