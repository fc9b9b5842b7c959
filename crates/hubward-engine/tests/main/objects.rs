//! Every kind of object, from a table of its own: made, changed, and left alone when nothing changed.

use hubward_core::spec::ModelQuery;
use hubward_engine::{Status, SyncJob};
use serde_json::{Value, json};

use crate::harness::{INDEXED, World, column};

/// One object type: its properties, each with the values of two rows; the first row's first value changes later.
struct Kind {
    object: &'static str,
    properties: &'static [(&'static str, [&'static str; 2])],
    /// How the values arrive, where that is another text.
    held: &'static [(&'static str, [&'static str; 2])],
}

const fn kind(object: &'static str, properties: &'static [(&'static str, [&'static str; 2])]) -> Kind {
    Kind { object, properties, held: &[] }
}

fn job_of(world: &World, kind: &Kind, match_property: &str) -> SyncJob {
    let columns: Vec<String> = (0..kind.properties.len()).map(|at| format!("c{at} text")).collect();
    world.sql(&format!(
        "drop table if exists things; create table things (id integer primary key, ext text, {})",
        columns.join(", ")
    ));
    for row in 0..2 {
        let values: Vec<String> = kind.properties.iter().map(|(_, values)| format!("'{}'", values[row])).collect();
        world.sql(&format!("insert into things values ({row}, 'X{row}', {})", values.join(", ")));
    }
    let mut job = world.job();
    job.sync.name = kind.object.replace(' ', "_");
    job.sync.object = kind.object.to_owned();
    job.sync.match_.column = "ext".to_owned();
    job.sync.match_.property = match_property.to_owned();
    job.sync.map = kind.properties.iter().enumerate().map(|(at, (name, _))| column(name, &format!("c{at}"))).collect();
    job.model.query = ModelQuery::Sql("select * from things order by id".to_owned());
    job
}

async fn goes_round(world: &World, kind: &Kind, match_property: &str) {
    let job = job_of(world, kind, match_property);
    let report = world.run(&job).await;
    let issues = world.issues(&job.sync.name);
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{} {report:?} {issues:?}", kind.object);
    tokio::time::advance(INDEXED).await;
    equals(world, kind, match_property).await;
    let (first, _) = kind.properties[0];
    world.sql("update things set c0 = c0 || ' again' where id = 0");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (1, 1), "{} {report:?}", kind.object);
    let records = world.by(kind.object, match_property).await;
    let text = records["X0"]["properties"][first].as_str().unwrap_or_default();
    assert!(text.ends_with(" again"), "{} {first} {text:?}", kind.object);
    assert_eq!(world.run(&job).await.requests.total, 0, "{}", kind.object);
}

async fn equals(world: &World, kind: &Kind, match_property: &str) {
    let records = world.by(kind.object, match_property).await;
    assert_eq!(records.keys().collect::<Vec<_>>(), ["X0", "X1"], "{}", kind.object);
    for (name, values) in kind.properties {
        let values = kind.held.iter().find(|(held, _)| held == name).map_or(values, |(_, values)| values);
        for (row, value) in values.iter().enumerate() {
            let is = &records[&format!("X{row}")]["properties"][name];
            assert_eq!(is, &json!(value), "{} {name} of row {row}", kind.object);
        }
    }
}

/// A property of our own with unique values, on a standard type.
fn with_external_id(world: &World, object: &str) {
    world.load(&json!({"properties": {object: [
        {"name": "ext_id", "label": "External id", "type": "string", "fieldType": "text", "hasUniqueValue": true,
         "groupName": "information"}
    ]}}));
}

const AT: [&str; 2] = ["2026-03-01T09:00:00.000Z", "2026-03-02 10:30:00"];
const AT_HELD: [&str; 2] = ["2026-03-01T09:00:00Z", "2026-03-02T10:30:00Z"];

#[tokio::test(start_paused = true)]
async fn commerce_objects_go_round() {
    let kinds = [
        kind("line items", &[("name", ["Bolt", "Nut"]), ("quantity", ["3", "4.5"]), ("price", ["1.20", "0.80"])]),
        Kind {
            object: "quotes",
            properties: &[
                ("hs_title", ["Offer 1", "Offer 2"]),
                ("hs_expiration_date", AT),
                ("hs_status", ["DRAFT", "APPROVED"]),
            ],
            held: &[("hs_expiration_date", AT_HELD)],
        },
        kind("orders", &[("hs_order_name", ["Order 1", "Order 2"]), ("hs_total_price", ["12.50", "99"])]),
        kind(
            "subscriptions",
            &[
                ("hs_name", ["Gold", "Silver"]),
                ("hs_status", ["active", "paused"]),
                ("hs_recurring_billing_start_date", ["2026-01-01", "2026-02-01"]),
            ],
        ),
        Kind {
            object: "invoices",
            properties: &[
                ("hs_title", ["Invoice 1", "Invoice 2"]),
                ("hs_currency", ["EUR", "CHF"]),
                ("hs_due_date", AT),
            ],
            held: &[("hs_due_date", AT_HELD)],
        },
    ];
    for kind in &kinds {
        let world = World::new();
        with_external_id(&world, &kind.object.replace(' ', "_"));
        let kind = Kind { object: kind.object, properties: kind.properties, held: kind.held };
        let stored = Kind { object: if kind.object == "line items" { "line_items" } else { kind.object }, ..kind };
        goes_round(&world, &stored, "ext_id").await;
    }
}

#[tokio::test(start_paused = true)]
async fn products_are_matched_by_search_because_no_property_of_theirs_is_unique() {
    let world = World::new();
    let products = kind("products", &[("name", ["Bolt", "Nut"]), ("price", ["1.20", "0.80"])]);
    goes_round(&world, &products, "hs_sku").await;
}

#[tokio::test(start_paused = true)]
async fn activities_go_round_and_need_their_time() {
    let kinds = [
        Kind {
            object: "notes",
            properties: &[("hs_note_body", ["Called", "Wrote"]), ("hs_timestamp", AT)],
            held: &[("hs_timestamp", AT_HELD)],
        },
        Kind {
            object: "tasks",
            properties: &[
                ("hs_task_subject", ["Call", "Write"]),
                ("hs_timestamp", AT),
                ("hs_task_status", ["NOT_STARTED", "COMPLETED"]),
            ],
            held: &[("hs_timestamp", AT_HELD)],
        },
        Kind {
            object: "calls",
            properties: &[
                ("hs_call_title", ["First", "Second"]),
                ("hs_timestamp", AT),
                ("hs_call_duration", ["1000", "2000"]),
            ],
            held: &[("hs_timestamp", AT_HELD)],
        },
        Kind {
            object: "meetings",
            properties: &[
                ("hs_meeting_title", ["Kick-off", "Review"]),
                ("hs_timestamp", AT),
                ("hs_meeting_outcome", ["SCHEDULED", "COMPLETED"]),
            ],
            held: &[("hs_timestamp", AT_HELD)],
        },
    ];
    for kind in &kinds {
        let world = World::new();
        with_external_id(&world, kind.object);
        goes_round(&world, kind, "ext_id").await;
        world.sql("insert into things (id, ext, c0) values (2, 'X2', 'No time')");
        let mut job = job_of(&World::new(), kind, "ext_id");
        job.source = world.job().source;
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.invalid, report.outcomes.rejected), (1, 0), "{} {report:?}", kind.object);
        assert_eq!(world.issues(&job.sync.name)["2"].1, "MISSING_REQUIRED_PROPERTY");
    }
}

#[tokio::test(start_paused = true)]
async fn objects_with_pipelines_go_round_by_label() {
    let kinds = [
        Kind {
            object: "deals",
            properties: &[
                ("dealname", ["Big", "Small"]),
                ("pipeline", ["Sales Pipeline", "default"]),
                ("dealstage", ["Contract Sent", "Qualified To Buy"]),
            ],
            held: &[("pipeline", ["default", "default"]), ("dealstage", ["contractsent", "qualifiedtobuy"])],
        },
        Kind {
            object: "tickets",
            properties: &[
                ("subject", ["Broken", "Lost"]),
                ("hs_pipeline", ["Support Pipeline", "0"]),
                ("hs_pipeline_stage", ["Waiting on us", "1"]),
            ],
            held: &[("hs_pipeline", ["0", "0"]), ("hs_pipeline_stage", ["3", "1"])],
        },
        Kind {
            object: "orders",
            properties: &[("hs_order_name", ["Order 1", "Order 2"]), ("hs_pipeline_stage", ["Shipped", "Open"])],
            held: &[(
                "hs_pipeline_stage",
                ["3725360f-519b-4b18-a593-494d60a29c9f", "4b27b500-f031-4927-9811-68a0b525cbae"],
            )],
        },
        Kind {
            object: "services",
            properties: &[
                ("hs_name", ["Cleaning", "Repair"]),
                ("hs_pipeline", ["Service pipeline", "Service pipeline"]),
                ("hs_pipeline_stage", ["In progress", "New"]),
            ],
            held: &[
                ("hs_pipeline_stage", ["service-in-progress", "service-new"]),
                ("hs_pipeline", ["service-pipeline", "service-pipeline"]),
            ],
        },
        Kind {
            object: "appointments",
            properties: &[
                ("hs_appointment_name", ["Fitting", "Check"]),
                ("hs_appointment_start", AT),
                ("hs_pipeline_stage", ["New", "Done"]),
            ],
            held: &[("hs_appointment_start", AT_HELD), ("hs_pipeline_stage", ["appointment-new", "appointment-done"])],
        },
    ];
    for kind in &kinds {
        let world = World::new();
        with_external_id(&world, kind.object);
        goes_round(&world, kind, "ext_id").await;
    }
}

#[tokio::test(start_paused = true)]
async fn custom_objects_go_round_by_every_name_they_have() {
    for name in ["machine", "Machines", "p1234567_machine"] {
        let world = World::new();
        world.load(&json!({"schemas": [{
            "name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
            "requiredProperties": ["serial"],
            "properties": [
                {"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true},
                {"name": "site", "label": "Site", "type": "string", "fieldType": "text"},
                {"name": "built", "label": "Built", "type": "date", "fieldType": "date"},
            ],
        }]}));
        let machines = kind("machine", &[("site", ["Bern", "Genf"]), ("built", ["2019-05-01", "2020-02-29"])]);
        let mut job = job_of(&world, &machines, "serial");
        job.sync.object = name.to_owned();
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{name} {report:?}");
        equals(&world, &machines, "serial").await;
        assert_eq!(world.run(&job).await.requests.total, 0);
        let records: Vec<Value> = world.records("machine").await;
        assert_eq!(records.len(), 2);
    }
}
