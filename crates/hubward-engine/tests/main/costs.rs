//! What a thousand rows cost in requests; the table of `docs/benchmarks.md` rests on these and on `associations`.

use hubward_core::spec::ModelQuery;
use hubward_hubspot::ApiVersion;
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::associations::{associated, to, with_codes};
use crate::harness::{World, column, property};

const ROWS: u32 = 1_000;

#[tokio::test(start_paused = true)]
async fn a_thousand_custom_objects_with_an_association_each_take_21_requests() {
    let world = World::with(|config| config.tier = Tier::Enterprise);
    with_codes(&world);
    let companies: Vec<Value> = (1..=ROWS).map(|at| json!({"properties": {"code": format!("c{at}")}})).collect();
    world.load(&json!({
        "records": {"companies": companies},
        "schemas": [{
            "name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
            "requiredProperties": ["serial"], "associatedObjects": ["COMPANY"],
            "properties": [
                {"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true},
                {"name": "site", "label": "Site", "type": "string", "fieldType": "text"},
            ],
        }],
    }));
    world.customers(ROWS);
    let mut job = world.job();
    job.sync.object = "machine".to_owned();
    job.sync.match_.column = "serial".to_owned();
    job.sync.match_.property = "serial".to_owned();
    job.sync.map = vec![column("site", "city")];
    job.sync.associations = vec![to("companies", "company", "code")];
    job.model.query =
        ModelQuery::Sql("select id, 'S' || id as serial, city, 'c' || id as company from customers".to_owned());
    let report = world.run(&job).await;
    assert_eq!((report.associations.created, report.requests.total), (u64::from(ROWS), 21), "{report:?}");
    let found = associated(&world, ("machine", "serial"), ("companies", "code")).await;
    assert_eq!(found.len(), ROWS as usize);
    for (serial, companies) in found {
        assert_eq!(companies.keys().collect::<Vec<_>>(), [&serial.replace('S', "c")]);
    }
}

/// A value that only HubSpot can refuse: another contact has it already.
#[tokio::test(start_paused = true)]
async fn a_taken_value_in_every_hundred_rows_costs_no_request_more() {
    for version in [ApiVersion::V2026_09, ApiVersion::V3] {
        let mut world = World::new();
        world.version = version;
        let mut card = property("card", "string", "text");
        card["hasUniqueValue"] = json!(true);
        let taken: Vec<Value> = (0..10)
            .map(|at| json!({"properties": {"email": format!("t{at}@example.com"), "card": format!("T{at}")}}))
            .collect();
        world.load(&json!({"properties": {"contacts": [card]}, "records": {"contacts": taken}}));
        world.customers(ROWS);
        world.sql(
            "alter table customers add column card text;
             update customers set card = case when id % 100 = 7 then 'T' || (id / 100) else 'C' || id end",
        );
        let mut job = world.job();
        job.sync.map.push(column("card", "card"));
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.applied, report.outcomes.rejected), (990, 10), "{version:?} {report:?}");
        assert_eq!(report.requests.total, 10, "{version:?} {report:?}");
        let records = world.by("contacts", "email").await;
        assert_eq!(records.len(), 990 + 10);
        for id in (1..=ROWS).filter(|id| id % 100 != 7) {
            assert_eq!(records[&format!("person{id}@example.com")]["properties"]["card"], json!(format!("C{id}")));
        }
    }
}

/// HubSpot refuses the whole batch and names what is wrong, as it does without trace ids and for some values with them.
#[tokio::test(start_paused = true)]
async fn a_whole_batch_refused_for_one_row_costs_one_request_more() {
    let world = World::new();
    world.customers(ROWS);
    world.sql("update customers set city = 'forbidden' where id % 100 = 7");
    world.script(|path, body| {
        let bad = path.ends_with("/batch/upsert") && body.to_string().contains("\"forbidden\"");
        let text = "forbidden was not one of the allowed options: [label: \"Oslo\"\nvalue: \"Oslo\"]";
        let inner = json!([{"isValid": false, "message": text, "error": "INVALID_OPTION", "name": "city"}]);
        bad.then(|| {
            let message = format!("Property values were not valid: {inner}");
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": message, "correlationId": "c"}))
        })
    });
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (990, 10), "{report:?}");
    assert_eq!(report.requests.total, 20, "{report:?}");
    assert_eq!(world.by("contacts", "email").await.len(), 990);
}
