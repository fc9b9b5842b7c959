//! Doors without a model: rows handed in call by call. After each call the sandbox's records are compared with what was
//! handed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use hubward_core::spec::Mode;
use hubward_core::{Outcome, Reason};
use hubward_engine::Cancel;
use hubward_engine::door::{Answered, Door, DoorMemory, Found, Match, Pause, Record, Settled, Target};
use serde_json::{Value, json};

use crate::harness::{INDEXED, World, property};

pub(crate) async fn door(world: &World) -> Door {
    open(world, DoorMemory::None, &Cancel::new()).await
}

pub(crate) async fn open(world: &World, memory: DoorMemory, cancel: &Cancel) -> Door {
    let engine = Arc::new(world.engine().await);
    engine.door("door", memory, cancel.clone()).await.expect("the door opens")
}

pub(crate) fn intents(world: &World) -> DoorMemory {
    DoorMemory::Intents(world.folder.path().join(".hubward/door"))
}

pub(crate) async fn target(door: &Door, object: &str, match_: Match, mode: Mode) -> Target {
    door.catalogue(object).await.expect("the type is there").target(match_, mode).expect("a target")
}

pub(crate) fn by(name: &str) -> Match {
    Match::Property(name.to_owned())
}

/// People `1..=count`, as they are handed in.
pub(crate) fn people(count: u32) -> Vec<Record> {
    (1..=count).map(person).collect()
}

fn person(id: u32) -> Record {
    let mut record = Record::new(format!("k{id}"), format!(" Person{id}@Example.com "));
    record.set("firstname", format!("Zoë {id}"));
    record
}

/// Firms `1..=count`, each known by its domain.
pub(crate) fn firms(count: u32) -> Vec<Record> {
    (1..=count)
        .map(|id| {
            let mut record = Record::new(format!("f{id}"), format!("firm{id}.example"));
            record.set("name", format!("Firm {id}"));
            record
        })
        .collect()
}

pub(crate) fn codes(answered: &Answered) -> Vec<(Outcome, String)> {
    let code = |reason: &Option<Reason>| reason.as_ref().and_then(|reason| reason.category.clone()).unwrap_or_default();
    answered.outcomes.iter().map(|settled| (settled.outcome, code(&settled.reason))).collect()
}

pub(crate) fn all(answered: &Answered, outcome: Outcome) -> bool {
    answered.stop.is_none() && answered.outcomes.iter().all(|settled| settled.outcome == outcome)
}

pub(crate) async fn values(world: &World, object: &str, name: &str, value: &str) -> BTreeMap<String, String> {
    let text = |record: &Value| record["properties"][value].as_str().unwrap_or_default().to_owned();
    world.by(object, name).await.iter().map(|(key, record)| (key.clone(), text(record))).collect()
}

/// Every input's record id is that of the record that holds its values.
async fn ids_are_right(world: &World, answered: &Answered) {
    let contacts = world.by("contacts", "email").await;
    for (at, settled) in answered.outcomes.iter().enumerate() {
        let contact = &contacts[&format!("person{}@example.com", at + 1)];
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {}", at + 1)));
        let id = contact["id"].as_str().and_then(|id| id.parse().ok());
        assert_eq!(settled.record_id, id, "{settled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn upserts_answer_in_order_with_record_ids_and_whether_they_were_made() {
    let world = World::new();
    let door = door(&world).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    let first = door.write(&contacts, people(120)).await;
    assert!(all(&first, Outcome::Applied), "{first:?}");
    assert!(first.outcomes.iter().all(|settled| settled.created == Some(true)));
    ids_are_right(&world, &first).await;
    let second = door.write(&contacts, people(250)).await;
    assert!(all(&second, Outcome::Applied), "{second:?}");
    let made: Vec<bool> = second.outcomes.iter().map(|settled| settled.created == Some(true)).collect();
    assert!(made[..120].iter().all(|made| !made) && made[120..].iter().all(|made| *made));
    ids_are_right(&world, &second).await;
    let writes = world.requests().await;
    let writes = writes.iter().filter(|request| {
        request["method"] == "POST" && request["path"].as_str().is_some_and(|path| path.contains("/batch/"))
    });
    assert_eq!(writes.count(), 2 + 3, "full batches, and nothing beside them");
}

#[tokio::test(start_paused = true)]
async fn duplicates_of_a_call_and_inputs_without_a_name_are_invalid_and_the_others_go_on() {
    let world = World::new();
    let door = door(&world).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    let mut records = people(4);
    records[1].match_value = "PERSON1@example.com".to_owned();
    records[2].key = "k1".to_owned();
    records.push(Record::new("k9", "  "));
    let answered = door.write(&contacts, records).await;
    let expected = [
        (Outcome::Applied, ""),
        (Outcome::Invalid, "DUPLICATE_MATCH"),
        (Outcome::Invalid, "DUPLICATE_KEY"),
        (Outcome::Applied, ""),
        (Outcome::Invalid, "MISSING_MATCH"),
    ];
    assert_eq!(codes(&answered), expected.map(|(outcome, code)| (outcome, code.to_owned())));
    let held = values(&world, "contacts", "email", "firstname").await;
    assert_eq!(held.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn modes_and_matches_do_what_they_say() {
    let world = World::new();
    let door = door(&world).await;
    let update = target(&door, "contacts", by("email"), Mode::Update).await;
    let none = door.write(&update, people(2)).await;
    assert_eq!(codes(&none), vec![(Outcome::Skipped, "NO_RECORD".to_owned()); 2]);
    let insert = target(&door, "contacts", by("email"), Mode::Insert).await;
    let made = door.write(&insert, people(2)).await;
    assert!(all(&made, Outcome::Applied), "{made:?}");
    let mut changed = people(3);
    changed[0].properties[0].1 = "Other".to_owned();
    let again = door.write(&insert, changed.clone()).await;
    let words: Vec<Outcome> = again.outcomes.iter().map(|settled| settled.outcome).collect();
    assert_eq!(words, [Outcome::Skipped, Outcome::Skipped, Outcome::Applied], "{again:?}");
    assert_eq!(again.outcomes[0].record_id, made.outcomes[0].record_id, "the record that is there is named");
    let updated = door.write(&update, changed).await;
    assert!(all(&updated, Outcome::Applied), "{updated:?}");
    assert_eq!(values(&world, "contacts", "email", "firstname").await["person1@example.com"], "Other");

    let by_id = target(&door, "contacts", Match::Id, Mode::Upsert).await;
    let id = made.outcomes[1].record_id.expect("an id");
    let mut known = Record::of_id("a", id);
    known.set("firstname", "By id");
    let mut unknown = Record::of_id("b", 999_999_999);
    unknown.set("firstname", "Nobody");
    let answered = door.write(&by_id, vec![known, unknown]).await;
    assert_eq!(answered.outcomes[0].outcome, Outcome::Applied);
    assert_eq!(answered.outcomes[1].outcome, Outcome::Rejected, "{answered:?}");
    assert_eq!(values(&world, "contacts", "email", "firstname").await["person2@example.com"], "By id");
}

#[tokio::test(start_paused = true)]
async fn a_property_that_is_not_unique_is_searched_for_and_several_records_are_told() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [
        {"properties": {"domain": "firm1.example", "name": "Old"}},
        {"properties": {"domain": "firm2.example", "name": "One"}},
        {"properties": {"domain": "firm2.example", "name": "Two"}},
    ]}}));
    tokio::time::sleep(INDEXED).await;
    let door = door(&world).await;
    let companies = target(&door, "companies", by("domain"), Mode::Upsert).await;
    let answered = door.write(&companies, firms(3)).await;
    let expected = [(Outcome::Applied, ""), (Outcome::Rejected, "AMBIGUOUS_MATCH"), (Outcome::Applied, "")];
    assert_eq!(codes(&answered), expected.map(|(outcome, code)| (outcome, code.to_owned())));
    let made: Vec<Option<bool>> = answered.outcomes.iter().map(|settled| settled.created).collect();
    assert_eq!(made, [Some(false), None, Some(true)]);
    let records = world.records("companies").await;
    let names = |domain: &str| -> Vec<String> {
        let of = records.iter().filter(|record| record["properties"]["domain"] == domain);
        of.map(|record| record["properties"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names("firm1.example"), ["Firm 1"]);
    assert_eq!(names("firm2.example"), ["One", "Two"]);
    assert_eq!(names("firm3.example"), ["Firm 3"]);
}

fn both(name: &str, city: &str) -> Vec<(Arc<str>, String)> {
    vec![(Arc::from("name"), name.to_owned()), (Arc::from("city"), city.to_owned())]
}

#[tokio::test(start_paused = true)]
async fn several_fields_must_all_fit_five_inputs_a_search_and_what_is_not_there_is_made_with_them() {
    let world = World::new();
    let mut records: Vec<Value> =
        (1..=12).map(|id| json!({"properties": {"name": format!("Firm {id}"), "city": "Kraków"}})).collect();
    records.push(json!({"properties": {"name": "Firm 1", "city": "Gdańsk"}}));
    records.push(json!({"properties": {"name": "Twice", "city": "Kraków"}}));
    records.push(json!({"properties": {"name": "Twice", "city": "Kraków"}}));
    world.load(&json!({"records": {"companies": records}}));
    tokio::time::sleep(INDEXED).await;
    let door = door(&world).await;
    let companies = target(&door, "companies", Match::Fields, Mode::Upsert).await;
    let mut inputs: Vec<Record> =
        (1..=12).map(|id| Record::of_fields(format!("f{id}"), both(&format!("FIRM {id}"), "kraków"))).collect();
    inputs.push(Record::of_fields("twice", both("Twice", "Kraków")));
    inputs.push(Record::of_fields("new", both("New", "Łódź")));
    inputs.push(Record::of_fields("none", both("New", "")));
    let found = door.find(&companies, &inputs).await;
    assert!(found.stop.is_none());
    assert!(found.outcomes[..12].iter().all(|found| matches!(found, Found::Record(_))), "{found:?}");
    assert!(matches!(&found.outcomes[12], Found::Rejected(reason) if reason.text.contains("2 records")), "{found:?}");
    assert_eq!(found.outcomes[13], Found::Missing { sure: false });
    assert!(matches!(found.outcomes[14], Found::Invalid(_)));
    let searches = world
        .requests()
        .await
        .iter()
        .filter(|request| request["path"].as_str().is_some_and(|path| path.ends_with("/search")))
        .count();
    assert_eq!(searches, 3, "five inputs in each");

    for input in &mut inputs {
        input.set("phone", "1");
    }
    let written = door.write(&companies, inputs).await;
    let words: Vec<Outcome> = written.outcomes.iter().map(|settled| settled.outcome).collect();
    assert!(words[..12].iter().all(|word| *word == Outcome::Applied), "{written:?}");
    assert_eq!(words[12..], [Outcome::Rejected, Outcome::Applied, Outcome::Invalid]);
    let after = world.records("companies").await;
    assert_eq!(after.len(), 16);
    let phoned: Vec<&Value> = after.iter().filter(|record| record["properties"]["phone"] == "1").collect();
    assert_eq!(phoned.len(), 13, "twelve found and one made");
    assert!(
        phoned.iter().any(|record| record["properties"]["name"] == "New" && record["properties"]["city"] == "Łódź")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stage_moves_back_where_it_is_forced_for_contacts_and_for_companies() {
    for (object, name, who) in [("contacts", "email", "p@example.com"), ("companies", "domain", "p.example")] {
        let world = World::new();
        world.load(&json!({"records": {object: [{"properties": {name: who, "lifecyclestage": "customer"}}]}}));
        tokio::time::sleep(INDEXED).await;
        let door = door(&world).await;
        let mut target = target(&door, object, by(name), Mode::Upsert).await;
        let staged = |stage: &str, key: &str, value: &str| {
            let mut record = Record::new(key, value);
            record.set("lifecyclestage", stage);
            record
        };
        let stage = || async { world.by(object, name).await[who]["properties"]["lifecyclestage"].clone() };
        let _ = door.write(&target, vec![staged("lead", "1", who)]).await;
        assert_eq!(stage().await, json!("customer"), "HubSpot moves {object} forward only");
        target.force_stage = true;
        let made = if object == "contacts" { "new@example.com" } else { "new.example" };
        let answered = door.write(&target, vec![staged("lead", "1", who), staged("lead", "2", made)]).await;
        assert!(all(&answered, Outcome::Applied), "{answered:?}");
        assert_eq!(stage().await, json!("lead"), "{object}");
        tokio::time::sleep(INDEXED).await;
        let answered = door.write(&target, vec![staged("opportunity", "1", who)]).await;
        assert!(all(&answered, Outcome::Applied), "{answered:?}");
        assert_eq!(stage().await, json!("opportunity"), "{object}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_are_archived_by_id_and_by_e_mail_and_who_is_not_there_is_skipped() {
    let world = World::new();
    let door = door(&world).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    let made = door.write(&contacts, people(150)).await;
    let ids: Vec<u64> = made.outcomes.iter().filter_map(|settled| settled.record_id).collect();
    let mut first: Vec<Record> = people(120);
    first.push(Record::new("nobody", "nobody@example.com"));
    first.push(Record::new("again", "PERSON1@example.com"));
    let answered = door.archive(&contacts, first).await;
    assert!(answered.stop.is_none());
    assert!(answered.outcomes[..120].iter().all(|settled| settled.outcome == Outcome::Applied), "{answered:?}");
    assert_eq!(codes(&answered)[120], (Outcome::Skipped, "NO_RECORD".to_owned()));
    assert_eq!(answered.outcomes[121].record_id, Some(ids[0]), "two inputs may name one record");
    assert_eq!(world.records("contacts").await.len(), 30);
    let by_id = target(&door, "contacts", Match::Id, Mode::Update).await;
    let inputs = vec![Record::of_id("a", ids[130]), Record::of_id("b", ids[0]), Record::of_id("c", 77)];
    let answered = door.archive(&by_id, inputs).await;
    let words: Vec<Outcome> = answered.outcomes.iter().map(|settled| settled.outcome).collect();
    assert_eq!(words, [Outcome::Applied, Outcome::Skipped, Outcome::Skipped], "{answered:?}");
    assert_eq!(world.records("contacts").await.len(), 29);
}

#[tokio::test(start_paused = true)]
async fn values_become_what_their_properties_accept_and_an_unknown_property_is_read_for_anew() {
    let world = World::new();
    let tags = json!({"name": "tags", "label": "Tags", "type": "enumeration", "fieldType": "checkbox", "groupName": "contactinformation",
        "options": [{"label": "Red", "value": "r", "displayOrder": 0, "hidden": false}, {"label": "Blue", "value": "b", "displayOrder": 1, "hidden": false}]});
    world.load(&json!({
        "properties": {"contacts": [tags, property("score", "number", "number"), property("vip", "bool", "booleancheckbox"),
            property("born", "date", "date"), property("seen", "datetime", "date"), property("note", "string", "text")]},
        "owners": [{"id": "77", "email": "owner@example.com", "firstName": "O", "lastName": "W"}],
    }));
    let door = door(&world).await;
    let catalogue = door.catalogue("contacts").await.expect("read");
    let good = [
        ("tags", json!(["r", "b"]), Some("r;b")),
        ("score", json!(12.50), Some("12.5")),
        ("score", json!(3), Some("3")),
        ("vip", json!(true), Some("true")),
        ("vip", json!("no"), Some("false")),
        ("born", json!("2020-02-03T10:00:00Z"), Some("2020-02-03")),
        ("note", json!({"a": 1}), Some("{\"a\":1}")),
        ("note", json!(["x", 2]), Some("[\"x\",2]")),
        ("note", json!(false), Some("false")),
        ("hubspot_owner_id", json!("Owner@example.com"), Some("77")),
        ("note", json!(null), None),
        ("score", json!(""), Some("")),
    ];
    for (name, value, text) in good {
        assert_eq!(catalogue.convert(name, &value), Ok(text.map(str::to_owned)), "{name} {value}");
    }
    let bad = [
        ("tags", json!("green"), "INVALID_OPTION"),
        ("score", json!("twelve"), "INVALID_NUMBER"),
        ("born", json!("soon"), "INVALID_DATE"),
        ("nowhere", json!(1), "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", json!(1), "READ_ONLY_VALUE"),
    ];
    for (name, value, code) in bad {
        let reason = catalogue.convert(name, &value).expect_err("refused");
        assert_eq!(reason.category.as_deref(), Some(code), "{name} {value}");
    }
    world.load(&json!({"properties": {"contacts": [property("nowhere", "string", "text")]}}));
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    let catalogue = door.refresh("contacts").await.expect("read anew");
    assert_eq!(catalogue.convert("nowhere", &json!(1)), Ok(Some("1".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn what_stops_a_call_is_told_beside_its_outcomes_and_the_rest_is_deferred() {
    let stops = [
        (json!({"status": 401}), Pause::Grant),
        (json!({"status": 403}), Pause::Permission),
        (json!({"status": 429, "policy": "DAILY"}), Pause::Limit),
    ];
    for (fault, pause) in stops {
        let world = World::new();
        let door = door(&world).await;
        let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
        world.fault(json!([{"match": {"kind": "upsert"}, "after": 0, "times": 1_000, "do": fault}])).await;
        let answered = door.write(&contacts, people(250)).await;
        let stop = answered.stop.as_ref().expect("it stopped");
        assert_eq!(stop.pause(), pause, "{fault}: {stop:?}");
        assert!(answered.outcomes.iter().all(|settled| settled.outcome == Outcome::Deferred), "{fault}");
        world.fault(json!([])).await;
        assert!(world.records("contacts").await.is_empty());
    }
    let world = World::new();
    let cancel = Cancel::new();
    let door = open(&world, DoorMemory::None, &cancel).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    cancel.set();
    let answered = door.write(&contacts, people(3)).await;
    assert_eq!(answered.stop.map(|stop| stop.pause()), Some(Pause::Interrupted));
    assert!(answered.outcomes.iter().all(|settled: &Settled| settled.outcome == Outcome::Deferred));
}
