//! What HubSpot and the network do to associations, and what the sandbox holds afterwards.

use serde_json::json;

use hubward_core::spec::AssociationSpec;
use hubward_engine::{Status, SyncJob};

use crate::associations::{associated, companies, to, with_codes};
use crate::harness::World;

/// Contacts at forty companies, labelled where `labelled`.
async fn world_of(rows: u32, labelled: bool) -> (World, SyncJob) {
    let world = World::new();
    with_codes(&world);
    world.load(&json!({"labels": [{"from": "contacts", "to": "companies", "name": "buyer", "label": "Buyer"}]}));
    world.customers(rows);
    world.sql(
        "alter table customers add column company text; update customers set company = 'c' || (id % 40);
         create table companies (id integer primary key, code text, name text);
         insert into companies select distinct id % 40, 'c' || (id % 40), 'Company' from customers;",
    );
    world.run(&companies(&world)).await;
    let mut job = world.job();
    let label = labelled.then(|| "Buyer".to_owned());
    job.sync.associations = vec![AssociationSpec { label, overwrite: labelled, ..to("companies", "company", "code") }];
    (world, job)
}

async fn all_there(world: &World, rows: u32, labelled: bool, fault: &serde_json::Value) {
    let found = associated(world, ("contacts", "email"), ("companies", "code")).await;
    assert_eq!(found.len(), rows as usize, "{fault}");
    for id in 1..=rows {
        let pairs = &found[&format!("person{id}@example.com")];
        assert_eq!(pairs.keys().collect::<Vec<_>>(), [&format!("c{}", id % 40)], "{fault}");
        assert_eq!(pairs.values().all(|labels| labels.contains("Buyer")), labelled, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_server_errors_and_lost_answers_lose_no_association() {
    let does = [
        json!({"status": 502}),
        json!({"status": 429, "policy": "TEN_SECONDLY_ROLLING"}),
        json!({"status": 423}),
        json!({"reset": "after"}),
        json!({"reset": "before"}),
        json!({"status": 524, "applied": true}),
        json!({"drop_result": 1}),
    ];
    for (at, fault) in does.iter().enumerate() {
        let labelled = at % 2 == 0;
        let (world, job) = world_of(450, labelled).await;
        let script = json!([{"match": {"path_regex": "/associations/.*/batch/"}, "after": 0, "times": 2, "do": fault}]);
        world.fault(script).await;
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 450), "{fault}: {report:?}");
        let struck = world.requests().await.iter().filter(|request| !request["fault"].is_null()).count();
        assert!(struck > 0, "{fault}: the fault strikes");
        all_there(&world, 450, labelled, fault).await;
        assert_eq!(world.run(&job).await.requests.total, 0, "{fault}");
        // A change of company under the same fault: removal and creation are repeated, nothing is left behind.
        world.sql("update customers set company = 'c' || ((id + 1) % 40); update customers set company = 'c' || (id % 40) where id > 3");
        world
            .fault(json!([{"match": {"path_regex": "/associations/.*/batch/"}, "after": 1, "times": 2, "do": fault}]))
            .await;
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{fault}: {report:?}");
        let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
        assert!(found["person1@example.com"].contains_key("c2"), "{fault}");
        assert_eq!(found["person1@example.com"].len(), if labelled { 1 } else { 2 }, "{fault}");
        assert_eq!(world.run(&job).await.requests.total, 0, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_load_under_scattered_faults_equals_the_source() {
    let (world, job) = world_of(2_500, true).await;
    let rules: Vec<serde_json::Value> = [
        json!({"status": 429, "policy": "TEN_SECONDLY_ROLLING"}),
        json!({"status": 502}),
        json!({"reset": "after"}),
        json!({"status": 524, "applied": true}),
        json!({"status": 423}),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, does)| json!({"match": {"method": "POST"}, "after": at * 3, "times": 1, "do": does}))
    .collect();
    world.fault(json!(rules)).await;
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2_500), "{report:?}");
    all_there(&world, 2_500, true, &json!("scattered")).await;
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_pair_rejects_its_row_alone_in_hubspots_words() {
    let (world, mut job) = world_of(300, false).await;
    // One contact names a company by an id that HubSpot does not have, another one a company that may have no more.
    let ids = world.by("companies", "code").await;
    let id = |code: &str| ids[code]["id"].as_str().expect("an id").to_owned();
    for (code, company) in &ids {
        let company = company["id"].as_str().expect("an id");
        world.sql(&format!("update customers set company = '{company}' where company = '{code}'"));
    }
    world.sql("update customers set company = '99999999' where id = 7");
    job.sync.associations[0].match_.property = "id".to_owned();
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.associations.missing_target), (300, 1), "{report:?}");
    assert_eq!(report.associations.created, 299);
    assert!(report.requests.associate < 10, "{report:?}");
    let limits = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 280, "maxToObjectIds": 8}]});
    let path = "/crm/v4/associations/definitions/configurations/companies/contacts/batch/create";
    world.call("POST", path, limits).await;
    world.sql(&format!("update customers set company = '{}' where id = 1", id("c5")));
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.rejected, report.associations.created), (1, 0), "{report:?}");
    let issues = world.issues("customers");
    assert!(issues.len() == 1 && !issues["1"].2.is_empty(), "{issues:?}");
    assert_eq!((report.requests.upsert, report.requests.update), (0, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_without_context_are_pinned_by_halving() {
    let (world, job) = world_of(200, false).await;
    let victim = std::sync::Mutex::new(None::<String>);
    world.script(move |path, body| {
        if !path.ends_with("/batch/associate/default") {
            return None;
        }
        let inputs = body["inputs"].as_array().expect("inputs").clone();
        let mut victim = victim.lock().expect("no panic");
        let bad = victim.get_or_insert_with(|| inputs[17]["from"]["id"].as_str().expect("an id").to_owned()).clone();
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in &inputs {
            if input["from"]["id"] == json!(bad) {
                errors.push(json!({"status": "error", "category": "VALIDATION_ERROR", "message": "too many"}));
            } else {
                results.push(json!({"from": input["from"], "to": input["to"], "associationSpec": {}}));
            }
        }
        Some((207, json!({"status": "COMPLETE", "results": results, "errors": errors})))
    });
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (199, 1), "{report:?}");
    let issues = world.issues("customers");
    assert!(issues.values().all(|issue| issue.2 == "too many" && issue.1 == "VALIDATION_ERROR"), "{issues:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hubspot_refuses_whole_for_every_pair_ends_the_run_after_a_few() {
    let (world, job) = world_of(900, false).await;
    world.script(|path, _| {
        let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "invalid from object type"});
        path.ends_with("/batch/associate/default").then_some((400, body))
    });
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.total()), (Status::Failed, 900), "{report:?}");
    assert!(report.requests.associate < 60, "{report:?}");
    world.end_script();
    let report = world.run(&job).await;
    assert_eq!((report.status, report.requests.upsert), (Status::Ok, 0), "{report:?}");
    all_there(&world, 900, false, &json!("refused whole")).await;
}
