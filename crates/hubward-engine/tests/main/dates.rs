//! Dates and times on their whole way: from a column to what the record holds.

use hubward_core::spec::{Conversion, MapSource};
use serde_json::{Value, json};

use crate::harness::{World, column, property};

/// A world with one `date` and one `datetime` property, and a row for each of these texts.
fn world_of(values: &[&str]) -> World {
    let world = World::new();
    world.load(
        &json!({"properties": {"contacts": [property("day", "date", "date"), property("moment", "datetime", "date"),
                                                   property("stamp", "string", "text")]}}),
    );
    world.sql("create table customers (id integer primary key, email text, at)");
    for (at, value) in values.iter().enumerate() {
        world.sql(&format!("insert into customers values ({at}, 'person{at}@example.com', {value})"));
    }
    world
}

async fn held(world: &World, property: &str) -> Vec<Value> {
    let people = world.by("contacts", "email").await;
    people.values().map(|person| person["properties"][property].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn dates_times_and_milliseconds_arrive_as_the_property_keeps_them() {
    let world = world_of(&[
        "'2020-02-29'",
        "'2020-02-29T23:30:17-02:00'",
        "'2020-02-29 03:30:17'",
        "'2020-02-29T03:30:17.5Z'",
        "1430438400000",
        "1427997766000",
        "'20200229'",
    ]);
    let mut job = world.job();
    job.sync.map = vec![column("day", "at"), column("moment", "at")];
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 7, "{report:?} {:?}", world.issues("customers"));
    let days = ["2020-02-29", "2020-03-01", "2020-02-29", "2020-02-29", "2015-05-01", "2015-04-02", "2020-02-29"];
    assert_eq!(held(&world, "day").await, days, "a time is cut to its day in UTC");
    let moments = [
        "2020-02-29T00:00:00Z",
        "2020-03-01T01:30:17Z",
        "2020-02-29T03:30:17Z",
        "2020-02-29T03:30:17.5Z",
        "2015-05-01T00:00:00Z",
        "2015-04-02T18:02:46Z",
        "2020-02-29T00:00:00Z",
    ];
    assert_eq!(held(&world, "moment").await, moments);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_date_is_invalid_and_seconds_are_milliseconds_of_1970() {
    let world = world_of(&["'29.02.2020'", "'soon'", "'12:30'", "1427997766"]);
    let mut job = world.job();
    job.sync.map = vec![column("day", "at")];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (1, 3), "{report:?}");
    assert!(world.issues("customers").values().all(|issue| issue.1 == "INVALID_DATE"));
    assert_eq!(held(&world, "day").await, ["1970-01-17"], "as the guide says");
}

#[tokio::test(start_paused = true)]
async fn a_type_in_the_mapping_overrules_the_propertys_own() {
    let world = world_of(&["'2020-02-29T23:30:17-02:00'", "1583019017000"]);
    let mut job = world.job();
    job.sync.map = vec![column("stamp", "at")];
    job.sync.map[0].conversion = Conversion::DateTime;
    world.run(&job).await;
    assert_eq!(held(&world, "stamp").await, ["2020-03-01T01:30:17.000Z", "2020-02-29T23:30:17.000Z"]);
    job.sync.map[0].conversion = Conversion::Date;
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 2);
    assert_eq!(held(&world, "stamp").await, ["2020-03-01", "2020-02-29"]);

    // Raw leaves it to HubSpot: this version of the API normalises, and refuses what is no date to it either.
    let world = world_of(&["'02/29/2020'", "'2020-02-29'", "'soon'"]);
    let mut job = world.job();
    job.sync.map = vec![column("day", "at")];
    job.sync.map[0].conversion = Conversion::Raw;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (2, 1), "{:?}", world.issues("customers"));
    assert_eq!(held(&world, "day").await, ["2020-02-29", "2020-02-29"]);
    assert_eq!(world.issues("customers")["2"].1, "INVALID_DATE");
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn println_skip() {
    println!("skipped: there is no ../shared/seeds beside the project");
}

#[tokio::test(start_paused = true)]
async fn the_templates_of_the_field_fill_dates_and_leave_null_alone() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seeds/hightouch-hubspot-destination.txt");
    let seed = std::fs::read_to_string(path).ok();
    let Some(guarded) =
        seed.and_then(|text| text.lines().find(|line| line.starts_with("{%- if row[")).map(str::to_owned))
    else {
        println_skip();
        return;
    };
    let world = world_of(&["'2020-02-29T03:30:17Z'", "null"]);
    let mut job = world.job();
    // The text itself says that the name of one's own column goes in.
    job.model.query =
        hubward_core::spec::ModelQuery::Sql("select id, email, at, at as column_name from customers".to_owned());
    job.sync.map = vec![column("moment", "at"), column("day", "at"), column("stamp", "at")];
    job.sync.map[0].source = MapSource::Template(guarded);
    job.sync.map[1].source = MapSource::Template("{% if row.at %}{{ row.at | to_date }}{% endif %}".to_owned());
    job.sync.map[2].source = MapSource::Template("{% if row.at %}{{ row.at | to_unix_s }}{% endif %}".to_owned());
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 2, "{report:?} {:?}", world.issues("customers"));
    assert_eq!(held(&world, "moment").await, [json!("2020-02-29T03:30:17Z"), Value::Null]);
    assert_eq!(held(&world, "day").await, [json!("2020-02-29"), Value::Null]);
    assert_eq!(held(&world, "stamp").await, [json!("1582947017"), Value::Null]);
}
