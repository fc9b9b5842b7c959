//! What HubSpot would refuse is found before it is sent: stages and pipelines, required properties, and what empties them.

use hubward_core::spec::{Mode, Nulls};
use hubward_engine::{SyncJob, SyncReport};
use serde_json::{Value, json};

use crate::harness::{World, column, property};

/// Deals by a unique number of their own, from a table of the same name.
fn deals(world: &World) -> SyncJob {
    world.load(&json!({"properties": {"deals": [
        {"name": "deal_number", "label": "Deal number", "type": "string", "fieldType": "text", "groupName": "dealinformation",
         "hasUniqueValue": true}
    ]}}));
    world.sql("create table deals (id integer primary key, number text, name text, pipeline text, stage text)");
    let mut job = world.job();
    job.sync.name = "deals".to_owned();
    job.sync.object = "deals".to_owned();
    job.sync.match_.column = "number".to_owned();
    job.sync.match_.property = "deal_number".to_owned();
    job.sync.map = vec![column("dealname", "name"), column("pipeline", "pipeline"), column("dealstage", "stage")];
    job.model.query = hubward_core::spec::ModelQuery::Sql("select * from deals order by id".to_owned());
    job
}

async fn renewals(world: &World) {
    let body = json!({"label": "Renewals", "pipelineId": "900", "displayOrder": 1, "stages": [
        {"label": "Offer sent", "stageId": "r1", "displayOrder": 0, "metadata": {"probability": "0.5"}},
        {"label": "Closed Won", "stageId": "r2", "displayOrder": 1, "metadata": {"probability": "1.0"}},
    ]});
    world.call("POST", "/crm/pipelines/2026-09/deals", body).await;
}

fn counts(report: &SyncReport) -> (u64, u64, u64) {
    (report.outcomes.applied, report.outcomes.invalid, report.outcomes.rejected)
}

#[tokio::test(start_paused = true)]
async fn pipelines_and_stages_by_label_arrive_as_ids_and_pairs_that_do_not_fit_are_invalid() {
    let world = World::new();
    renewals(&world).await;
    let job = deals(&world);
    world.sql(
        "insert into deals values
         (1, 'D1', 'By label', 'Renewals', 'Closed Won'),
         (2, 'D2', 'By label', 'Sales Pipeline', 'closed won'),
         (3, 'D3', 'By id', '900', 'r1'),
         (4, 'D4', 'Stage alone', null, 'Closed Won'),
         (5, 'D5', 'Stage alone, by id', null, 'r1'),
         (6, 'D6', 'Wrong pair', 'Sales Pipeline', 'Offer sent'),
         (7, 'D7', 'No such stage', 'Renewals', 'Offer lost'),
         (8, 'D8', 'No such pipeline', 'Renewal', 'r1'),
         (9, 'D9', 'Label of another pipeline', null, 'Offer sent')",
    );
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (5, 4, 0), "{report:?} {:?}", world.issues("deals"));
    assert_eq!(report.requests.total, 1, "nothing is spent on invalid rows");
    let deals = world.by("deals", "deal_number").await;
    let place = |number: &str| {
        let properties = &deals[number]["properties"];
        (properties["pipeline"].as_str().unwrap_or_default(), properties["dealstage"].as_str().unwrap_or_default())
    };
    assert_eq!(place("D1"), ("900", "r2"));
    assert_eq!(place("D2"), ("default", "closedwon"));
    assert_eq!(place("D3"), ("900", "r1"));
    assert_eq!(place("D4").1, "closedwon");
    assert_eq!(place("D5"), ("900", "r1"));
    let issues = world.issues("deals");
    assert_eq!(issues["6"].1, "STAGE_NOT_IN_PIPELINE");
    assert!(issues["7"].1 == "INVALID_OPTION" && issues["7"].2.contains("Offer sent"), "{:?}", issues["7"]);
    assert!(issues["8"].1 == "INVALID_OPTION" && issues["8"].2.contains("Renewals"), "{:?}", issues["8"]);
    assert_eq!(issues["9"].1, "STAGE_NOT_IN_PIPELINE");
}

#[tokio::test(start_paused = true)]
async fn a_row_without_a_required_property_is_invalid_only_where_it_has_no_record() {
    for mode in [Mode::Upsert, Mode::Insert] {
        let world = World::new();
        let mut job = deals(&world);
        job.sync.mode = mode;
        job.sync.map.retain(|entry| entry.property != "pipeline");
        world.load(&json!({"records": {"deals": [
            {"id": "501", "properties": {"deal_number": "D2", "dealname": "There", "dealstage": "qualifiedtobuy"}}
        ]}}));
        world.sql(
            "insert into deals values (1, 'D1', 'New', null, 'contractsent'), (2, 'D2', 'Known', null, null),
             (3, 'D3', 'Unknown', null, null), (4, 'D4', '', null, 'contractsent')",
        );
        let report = world.run(&job).await;
        let issues = world.issues("deals");
        assert_eq!(issues.keys().map(String::as_str).collect::<Vec<_>>(), ["3", "4"], "{issues:?}");
        assert!(issues["3"].0 == "invalid" && issues["3"].1 == "MISSING_REQUIRED_PROPERTY", "{issues:?}");
        assert!(issues["3"].2.contains("dealstage"), "{issues:?}");
        assert_eq!(issues["4"].1, "REQUIRED_PROPERTY_CLEARED");
        let deals = world.by("deals", "deal_number").await;
        assert_eq!(deals.keys().map(String::as_str).collect::<Vec<_>>(), ["D1", "D2"]);
        let (name, skipped) = if mode == Mode::Upsert { ("Known", 0) } else { ("There", 1) };
        assert_eq!(deals["D2"]["properties"]["dealname"], name);
        assert_eq!((report.outcomes.invalid, report.outcomes.skipped), (2, skipped), "{report:?}");
        let again = world.run(&job).await;
        assert_eq!((again.outcomes.applied, again.outcomes.invalid), (0, 2), "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_required_property_of_a_custom_object_is_never_emptied() {
    let world = World::new();
    world.load(&json!({"schemas": [{
        "name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
        "requiredProperties": ["serial", "site"],
        "properties": [
            {"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true},
            {"name": "site", "label": "Site", "type": "string", "fieldType": "text"},
        ],
    }]}));
    world.sql(
        "create table machines (id integer primary key, serial text, site text);
         insert into machines values (1, 'M1', 'Bern'), (2, 'M2', null), (3, 'M3', 'Genf')",
    );
    let mut job = world.job();
    job.sync.name = "machines".to_owned();
    job.sync.object = "Machines".to_owned();
    job.sync.match_.column = "serial".to_owned();
    job.sync.match_.property = "serial".to_owned();
    job.sync.map = vec![column("site", "site")];
    job.model.query = hubward_core::spec::ModelQuery::Sql("select * from machines order by id".to_owned());
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (2, 1, 0), "{report:?}");
    assert_eq!(world.issues("machines")["2"].1, "MISSING_REQUIRED_PROPERTY");

    // NULL clears what was ours, so it would empty the property; a row whose record has the value keeps it otherwise.
    world.sql("update machines set site = null where id = 1; update machines set site = 'Chur' where id = 2");
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (1, 1, 0), "{report:?}");
    assert_eq!(world.issues("machines")["1"].1, "REQUIRED_PROPERTY_CLEARED");
    let machines = world.by("machine", "serial").await;
    assert_eq!(machines["M1"]["properties"]["site"], "Bern");
    job.sync.nulls = Nulls::Keep;
    let report = world.run(&job).await;
    assert_eq!(counts(&report).1, 0, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_needs_more_calls_than_the_day_has_left_says_so_before_it_writes() {
    let world = World::new();
    world.customers(2_000);
    world.call("PUT", "/_sandbox/limits", json!({"daily": 12})).await;
    let report = world.run(&world.job()).await;
    assert!(report.notes[0].contains("needs 20 requests or more"), "{:?}", report.notes);
    assert!(report.outcomes.deferred > 0 && report.outcomes.applied > 0, "{report:?}");
    assert_eq!(world.records("contacts").await.len() as u64, report.outcomes.applied);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_hubspot_alone_knows_ends_with_the_same_code() {
    let world = World::new();
    world.load(&json!({"rules": [
        {"objectType": "contacts", "property": "phone", "type": "REQUIRED_ON_CREATE"}
    ]}));
    world.customers(3);
    world.sql("alter table customers add column phone text; update customers set phone = '1' where id < 3");
    let mut job = world.job();
    job.sync.map.push(column("phone", "phone"));
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (2, 0, 1), "{report:?} {:?}", world.issues("customers"));
    assert_eq!(world.issues("customers")["3"].1, "MISSING_REQUIRED_PROPERTY");
    let phones: Vec<Value> =
        world.records("contacts").await.iter().map(|record| record["properties"]["phone"].clone()).collect();
    assert_eq!(phones, ["1", "1"]);
}

#[tokio::test(start_paused = true)]
async fn values_that_break_an_admins_rule_are_invalid_and_rules_that_cannot_be_read_are_left_to_hubspot() {
    let world = World::new();
    let rule = |arguments: Value| json!({"ruleArguments": arguments, "shouldApplyNormalization": false});
    for (property, kind, arguments) in [
        ("city", "MAX_LENGTH", json!(["9"])),
        ("firstname", "REGEX", json!(["Zoë [0-9]+"])),
        ("jobtitle", "ALPHANUMERIC", json!(["ALPHA_ONLY"])),
    ] {
        let path = format!("/crm/property-validations/2026-09/0-1/{property}/rule-type/{kind}");
        world.call("PUT", &path, rule(arguments)).await;
    }
    world.customers(10);
    world.sql(
        "alter table customers add column job text; update customers set city = 'Kraków Stare Miasto' where id = 2;
         update customers set first_name = 'Max' where id = 3; update customers set job = 'Bäckerin' where id = 4;
         update customers set job = 'R2D2' where id = 5",
    );
    let mut job = world.job();
    job.sync.map.push(column("jobtitle", "job"));
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (7, 2, 1), "{report:?} {:?}", world.issues("customers"));
    let issues = world.issues("customers");
    assert!(issues["2"].1 == "VALIDATION_RULE" && issues["2"].2.contains("MAX_LENGTH 9"), "{issues:?}");
    assert!(issues["3"].1 == "VALIDATION_RULE" && issues["3"].2.contains("REGEX"), "{issues:?}");
    assert!(issues["5"].0 == "rejected" && issues["5"].1 == "ALPHANUMERIC", "{issues:?}");
    assert_eq!(world.records("contacts").await.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn two_rows_with_one_address_are_told_although_they_are_matched_by_something_else() {
    let world = World::new();
    let mut unique = property("customer_no", "string", "text");
    unique["hasUniqueValue"] = json!(true);
    world.load(&json!({"properties": {"contacts": [unique]}}));
    world.customers(5);
    world.sql("update customers set email = 'PERSON2@example.com ' where id = 4; update customers set email = null where id in (1, 5)");
    let mut job = world.job();
    job.sync.match_.column = "id".to_owned();
    job.sync.match_.property = "customer_no".to_owned();
    job.sync.map.push(column("email", "email"));
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (3, 2, 0), "{report:?} {:?}", world.issues("customers"));
    assert_eq!(report.requests.total, 1);
    let issues = world.issues("customers");
    assert!(issues["2"].1 == "DUPLICATE_VALUE" && issues["2"].2.contains("that of 4"), "{issues:?}");
    assert!(issues["4"].1 == "DUPLICATE_VALUE" && issues["4"].2.contains("that of 2"), "{issues:?}");
    world.sql("update customers set email = 'p4@example.com' where id = 4");
    let report = world.run(&job).await;
    assert_eq!(counts(&report), (2, 0, 0), "{report:?} {:?}", world.issues("customers"));
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn check_finds_a_constant_stage_that_is_not_in_the_pipeline() {
    let world = World::new();
    renewals(&world).await;
    let mut job = deals(&world);
    let constant = |text: &str| hubward_core::spec::MapSource::Value(hubward_core::Value::Text(text.to_owned()));
    job.sync.map[1].source = constant("Sales Pipeline");
    job.sync.map[2].source = constant("Offer sent");
    let problems = world.engine().await.check_sync(&job).await;
    assert!(
        problems.iter().any(|problem| problem.code == "invalid-value" && problem.message.contains("Renewals")),
        "{problems:?}"
    );
    job.sync.map[1].source = constant("Renewals");
    let problems = world.engine().await.check_sync(&job).await;
    assert!(problems.iter().all(|problem| problem.code != "invalid-value"), "{problems:?}");
}
