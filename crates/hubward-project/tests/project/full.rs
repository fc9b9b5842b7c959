//! A project that uses every key, held against the readers and the JSON Schema.

use std::collections::BTreeSet;
use std::time::Duration;

use hubward_core::spec::{
    Compare, ContactKey, Conversion, EventName, EventSubject, ListMode, ListTarget, Mode, ModelQuery, Nulls,
    OnConflict, OnMatchChange, OnRemoved, RemovalLimit, SyncSpec,
};
use hubward_project::{Schedule, codes, json_schema};
use serde_json::Value;

use crate::loaded;

const MAPPING: &str = r#"
mapping: orders
action: customEvent
enabled: true
sources: [web]
trigger: event = "Order Completed"
sync_mode: add
fields: { email: { "@path": $.properties.email } }
"#;

pub(crate) const HUBWARD: &str = r#"
name: garden
hubspot:
  token: ${TOKEN}
  base_url: ${BASE_URL:-https://api.hubapi.com}
  api_version: 2026-03
  portal_id: 42
  limits: { share: 75%, daily: 5000 }
removal_limit: 0.5
sources:
  plants: { type: sqlite, path: plants.sqlite }
  mart: { type: postgres, url: "${MART_URL:-postgres://localhost/mart}" }
  folder: { type: files, root: data }
  lake: { type: adbc, driver: duckdb, entrypoint: duckdb_adbc_init, options: { path: lake.duckdb } }
models:
  gardeners:
    source: plants
    sql: |
      select id, mail, "full name", since
      from gardeners
    primary_key: id
  visits: { source: folder, table: visits, primary_key: [day, id] }
intake:
  write_keys: { web: "${TOKEN}" }
"#;

pub(crate) const OBJECT: &str = r#"
sync: gardeners
model: gardeners
to: { object: contacts }
mode: update
match: { column: mail, property: email }
map:
  firstname: full name
  lifecyclestage: { column: stage, force: true }
  source: { value: garden }
  since: { column: since, type: datetime, write: if_empty }
  greeting: { template: "Dear {{ row['full name'] | upcase }}, {{ row.since | to_unix }}" }
associations:
  - to: companies
    match: { column: company, property: domain }
    label: null
    overwrite: true
on_removed: clear
max_removals: 12.5%
nulls: keep
split_retries: false
compare: hubspot
on_conflict: reject
on_match_change: rematch
schedule: { every: 15m }
after: [visits, members]
"#;

pub(crate) const EVENT: &str = r#"
sync: visits
model: visits
to: { event: { column: event_name } }
occurred_at: at
contact: { by: utk, column: cookie }
map:
  where: place
  how: { value: on foot, type: raw }
schedule: { cron: "0  6 * * mon-fri" }
"#;

pub(crate) const LIST: &str = r#"
sync: members
model: gardeners
to: { list: { id: 7 } }
match: { column: mail, property: email }
mode: mirror
create_missing: true
exclusive: true
"#;

const RECORD: &str = r#"
sync: visits_of_deals
model: visits
to: { event: pe1_visit }
record: { object: deals, by: id, column: deal }
"#;

const SCHEMA: &str = r#"
schema:
  contacts:
    groups: { garden: Garden }
    properties:
      plot: { type: string, label: Plot, field: textarea, group: garden, description: Where, unique: true }
      tools: { type: enumeration, field: checkbox, options: { spade: Spade, rake: "${TOOL:-Rake}" } }
      beds: number
    labels:
      companies: [{ name: gardener, label: Gardener, inverse: Garden }]
  shed:
    object:
      singular: Shed
      plural: Sheds
      primary: number
      secondary: [colour]
      required: number
      searchable: [number, colour]
      associated: [contacts]
      description: Where tools are kept
    properties: { number: string, colour: { type: enumeration, options: [red, green] } }
  events:
    harvest:
      label: Harvest
      description: Something was picked
      object: shed
      properties:
        kilos: number
        crop: { type: enumeration, label: Crop, description: What, options: [bean, pea] }
      default_properties: false
"#;

const MODEL_FILE: &str = "model: beds\nsource: mart\nsql_file: models/customers.sql\nprimary_key: id\n";

fn all() -> Vec<(&'static str, &'static str)> {
    vec![
        ("hubward.yml", HUBWARD),
        ("models/beds.yml", MODEL_FILE),
        ("models/more.yml", "models:\n  trees: { source: lake, table: trees, primary_key: id }\n"),
        ("schema/garden.yml", SCHEMA),
        ("syncs/gardeners.yml", OBJECT),
        ("syncs/visits.yml", EVENT),
        ("syncs/members.yml", LIST),
        ("syncs/deals.yml", RECORD),
        ("mappings/orders.yml", MAPPING),
    ]
}

#[test]
fn every_key_arrives() {
    let loaded = loaded(&all());
    assert_eq!(loaded.warnings, []);
    let project = loaded.project;
    let account = project.account(None).expect("there is one");
    assert_eq!(
        (
            account.name.as_str(),
            account.base_url.as_str(),
            account.api_version.as_deref(),
            account.portal_id,
            account.share,
            account.daily
        ),
        ("default", "https://api.hubapi.com", Some("2026-03"), Some(42), Some(0.75), Some(5000))
    );
    assert_eq!((project.name.as_str(), project.removal_limit), ("garden", Some(0.5)));
    assert_eq!(project.sources.len(), 4);
    assert_eq!(project.models.len(), 4);
    let [contacts, shed] = project.schema.types.as_slice() else { panic!("two types are declared") };
    assert_eq!(contacts.properties[1].options[1].label, "Rake");
    assert_eq!(shed.object.as_ref().and_then(|object| object.description.as_deref()), Some("Where tools are kept"));
    let harvest = project.schema.event("harvest").expect("it is declared");
    assert_eq!((harvest.object.as_str(), harvest.properties.len(), harvest.default_properties), ("shed", 2, false));
    let gardeners = project.model("gardeners").expect("it is declared");
    assert_eq!(gardeners.query, ModelQuery::Sql("select id, mail, \"full name\", since\nfrom gardeners\n".to_owned()));

    let Some(SyncSpec::Object(object)) = project.sync("gardeners") else { panic!("it is an object sync") };
    assert_eq!(
        (object.mode, object.on_removed, object.nulls, object.split_retries, object.compare, object.on_conflict),
        (Mode::Update, OnRemoved::Clear, Nulls::Keep, false, Compare::HubSpot, OnConflict::Reject)
    );
    assert_eq!(object.on_match_change, OnMatchChange::Rematch);
    assert_eq!(object.max_removals, Some(RemovalLimit::Share(0.125)));
    assert_eq!(object.map[3].conversion, Conversion::DateTime);
    assert!(object.map[1].force && object.associations[0].overwrite);
    assert_eq!((object.object_at.line, object.object_at.column, object.map[0].at.line), (4, 15, 8));
    assert_eq!(project.schedule("gardeners"), Some(&Schedule::Every(Duration::from_secs(900))));

    let Some(SyncSpec::Event(event)) = project.sync("visits") else { panic!("it is an event sync") };
    assert!(matches!(&event.event, EventName::Column { column, .. } if column == "event_name"));
    let EventSubject::Contact { keys } = &event.subject else { panic!("it is an event of a contact") };
    assert!(matches!(keys.as_slice(), [key] if key.by == ContactKey::Utk && key.column == "cookie"));
    assert_eq!(project.schedule("visits"), Some(&Schedule::Cron("0 6 * * mon-fri".to_owned())));

    let Some(SyncSpec::List(list)) = project.sync("members") else { panic!("it is a list sync") };
    assert_eq!(
        (&list.list, list.mode, list.create_missing, list.exclusive),
        (&ListTarget::Id(7), ListMode::Mirror, true, true)
    );

    let order: Vec<&str> = project.run_order().into_iter().map(|at| project.syncs[at].name()).collect();
    assert_eq!(order, ["visits", "members", "gardeners", "visits_of_deals"]);
}

/// A value against the parts of JSON Schema that ours uses.
fn accepts(schema: &Value, root: &Value, value: &Value) -> bool {
    let all = |key: &str| schema.get(key).and_then(Value::as_array);
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(&reference[1..]).expect("every reference has a target");
        if !accepts(target, root, value) {
            return false;
        }
    }
    if all("anyOf").is_some_and(|any| !any.iter().any(|one| accepts(one, root, value)))
        || all("oneOf").is_some_and(|any| any.iter().filter(|one| accepts(one, root, value)).count() != 1)
        || all("allOf").is_some_and(|every| !every.iter().all(|one| accepts(one, root, value)))
        || all("enum").is_some_and(|words| !words.contains(value))
    {
        return false;
    }
    let type_of = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let same = |name: &Value| name == type_of || (name == "integer" && value.is_u64());
    let type_fits = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(same),
        Some(name) => same(name),
        None => true,
    };
    if !type_fits {
        return false;
    }
    if schema.get("pattern") == Some(&Value::from("\\$\\{")) && !value.as_str().is_some_and(|text| text.contains("${"))
    {
        return false;
    }
    if let Some(items) = value.as_array() {
        return items.iter().all(|item| schema.get("items").is_none_or(|one| accepts(one, root, item)));
    }
    let Some(entries) = value.as_object() else {
        return true;
    };
    if let Some(required) = all("required")
        && !required.iter().all(|name| entries.contains_key(name.as_str().expect("names are texts")))
    {
        return false;
    }
    entries.iter().all(|(key, item)| match schema.get("properties").and_then(|known| known.get(key)) {
        Some(one) => accepts(one, root, item),
        None => match schema.get("additionalProperties") {
            Some(Value::Bool(allowed)) => *allowed,
            Some(one) => accepts(one, root, item),
            None => true,
        },
    })
}

fn json(yaml: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(yaml, options).expect("the example is YAML")
}

#[test]
fn the_json_schema_accepts_every_file_that_the_readers_accept() {
    let schema = json_schema();
    for (path, text) in all() {
        let kind = match path.split_once('/') {
            Some((folder, _)) => format!("{folder}/*.yml"),
            None => path.to_owned(),
        };
        assert!(accepts(&schema[&kind], &schema, &json(text)), "{path}");
        let mut wrong = json(text);
        wrong.as_object_mut().expect("a file is a map").insert("surprise".to_owned(), Value::Null);
        assert!(!accepts(&schema[&kind], &schema, &wrong), "{path} with an unknown key");
    }
    let missing = json(&OBJECT.replace("match: { column: mail, property: email }", ""));
    assert!(!accepts(&schema["syncs/*.yml"], &schema, &missing));
}

#[test]
fn every_key_of_the_schema_is_told_what_it_is_for() {
    let schema = json_schema();
    let defs = schema["$defs"].as_object().expect("definitions are a map");
    assert!(defs.len() > 15);
    for (name, definition) in defs {
        assert!(definition["description"].is_string(), "{name}");
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{key}");
        }
    }
}

#[test]
fn codes_are_kebab_case_and_stand_once() {
    let mut seen = BTreeSet::new();
    for (code, sentence) in codes() {
        assert!(seen.insert(code), "{code} stands twice");
        assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
        assert!(sentence.ends_with('.'), "{code}");
    }
}
