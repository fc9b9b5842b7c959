//! `apply-schema` against the sandbox: afterwards the account's own definitions are compared with the declaration.

use hubward_core::PropertyType;
use hubward_core::declared::{
    DeclaredGroup, DeclaredLabel, DeclaredObject, DeclaredOption, DeclaredProperty, DeclaredSchema, DeclaredType,
    fields_of,
};
use hubward_core::spec::Location;
use hubward_engine::{Applied, Cancel, Ending};
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{World, column};

fn at(line: u32) -> Location {
    Location { file: "hubward.yml".to_owned(), line, column: 3 }
}

fn property(name: &str, type_: &str) -> DeclaredProperty {
    let options = if type_ == "bool" { vec![option("true", "Yes"), option("false", "No")] } else { Vec::new() };
    DeclaredProperty {
        name: name.to_owned(),
        label: format!("The {name}"),
        type_: PropertyType::from_name(type_),
        field_type: fields_of(type_)[0].to_owned(),
        group: None,
        description: None,
        options,
        unique: false,
        at: at(5),
    }
}

fn option(value: &str, label: &str) -> DeclaredOption {
    DeclaredOption { value: value.to_owned(), label: label.to_owned(), at: at(6) }
}

pub(crate) fn schema(types: &[DeclaredType]) -> DeclaredSchema {
    DeclaredSchema { types: types.to_vec(), ..DeclaredSchema::default() }
}

fn section(name: &str) -> DeclaredType {
    DeclaredType {
        name: name.to_owned(),
        object: None,
        groups: Vec::new(),
        properties: Vec::new(),
        labels: Vec::new(),
        at: at(2),
    }
}

/// Contacts with a group, a property of every type, a unique one and one with options.
fn contacts() -> DeclaredType {
    let mut properties: Vec<DeclaredProperty> = ["string", "number", "bool", "date", "datetime"]
        .iter()
        .map(|type_| property(&format!("my_{type_}"), type_))
        .collect();
    properties.push(DeclaredProperty { unique: true, ..property("customer_no", "string") });
    properties.push(DeclaredProperty {
        options: vec![option("gold", "Gold"), option("silver", "Silver")],
        group: Some("shop".to_owned()),
        description: Some("What they pay for".to_owned()),
        field_type: "radio".to_owned(),
        ..property("plan", "enumeration")
    });
    DeclaredType {
        groups: vec![DeclaredGroup { name: "shop".to_owned(), label: "Shop".to_owned(), at: at(3) }],
        properties,
        ..section("contacts")
    }
}

pub(crate) fn custom(name: &str, associated: &[&str]) -> DeclaredType {
    let object = DeclaredObject {
        singular: format!("{name} one"),
        plural: format!("{name} many"),
        description: None,
        primary: "serial".to_owned(),
        secondary: Vec::new(),
        required: vec!["serial".to_owned()],
        searchable: vec!["serial".to_owned()],
        associated: associated.iter().map(|name| ((*name).to_owned(), at(8))).collect(),
        at: at(7),
    };
    let serial = DeclaredProperty { unique: true, ..property("serial", "string") };
    let power = DeclaredProperty { group: Some("works".to_owned()), ..property("power", "number") };
    DeclaredType {
        object: Some(object),
        groups: vec![DeclaredGroup { name: "works".to_owned(), label: "Works".to_owned(), at: at(3) }],
        properties: vec![serial, power],
        ..section(name)
    }
}

fn enterprise() -> World {
    World::with(|config| config.tier = Tier::Enterprise)
}

/// Compares and makes; then compares again, which must find nothing if everything was made.
async fn apply(world: &World, declared: &[DeclaredType]) -> Vec<Applied> {
    let engine = world.engine().await;
    let plan = engine.compare_schema(&schema(declared)).await.expect("the account tells what it has");
    assert_eq!(plan.problems, []);
    let applied = engine.apply_schema(&plan, &Cancel::new()).await;
    assert_eq!(applied.len(), plan.changes.len());
    if applied.iter().all(|one| one.ending == Ending::Made) {
        let again = engine.compare_schema(&schema(declared)).await.expect("the account tells what it has");
        assert_eq!(again.changes, [], "a second call has nothing to do");
    }
    applied
}

pub(crate) fn endings(applied: &[Applied]) -> Vec<String> {
    applied
        .iter()
        .map(|one| {
            let ending = match &one.ending {
                Ending::Made => "made".to_owned(),
                Ending::Failed(error) => format!("failed: {error}"),
                Ending::NotTried(why) => format!("not tried: {why}"),
            };
            format!("{} {}.{} {ending}", one.change.kind().name(), one.change.object(), one.change.name())
        })
        .collect()
}

/// A property as the account has it now.
async fn held(world: &World, object: &str, name: &str) -> Value {
    world.call("GET", &format!("/crm/properties/2026-09/{object}/{name}"), Value::Null).await
}

/// Every declared property stands in the account as it was declared.
async fn assert_properties(world: &World, object: &str, declared: &DeclaredType) {
    for property in &declared.properties {
        let found = held(world, object, &property.name).await;
        let told = (&found["label"], &found["type"], &found["fieldType"], &found["hasUniqueValue"]);
        let wanted = (
            &json!(property.label),
            &json!(property.type_.name()),
            &json!(property.field_type),
            &json!(property.unique),
        );
        assert_eq!(told, wanted, "{}", property.name);
        let options: Vec<(&str, &str)> = found["options"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (one["value"].as_str().unwrap_or_default(), one["label"].as_str().unwrap_or_default()))
            .collect();
        let wanted: Vec<(&str, &str)> =
            property.options.iter().map(|one| (one.value.as_str(), one.label.as_str())).collect();
        assert_eq!(options, wanted, "{}", property.name);
        if let Some(group) = &property.group {
            assert_eq!(found["groupName"], json!(group), "{}", property.name);
        }
        if let Some(description) = &property.description {
            assert_eq!(found["description"], json!(description), "{}", property.name);
        }
    }
}

async fn writes(world: &World) -> Vec<(String, String, u64)> {
    let requests = world.requests().await;
    requests
        .iter()
        .filter(|request| request["method"] != "GET" && !request["path"].as_str().unwrap_or_default().contains("oauth"))
        .map(|request| {
            let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            (text("method"), text("path"), request["status"].as_u64().unwrap_or_default())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_and_properties_of_every_type_are_made_in_one_batch_and_then_written_to() {
    let world = World::new();
    let declared = [contacts()];
    let applied = apply(&world, &declared).await;
    assert!(applied.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&applied));
    assert_properties(&world, "contacts", &declared[0]).await;
    assert_eq!(held(&world, "contacts", "my_string").await["groupName"], json!("contactinformation"));
    let sent: Vec<String> = writes(&world).await.into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(
        sent,
        ["/crm/properties/2026-09/contacts/groups", "/crm/properties/2026-09/contacts/batch/create"],
        "one batch for all properties, and nothing by the second comparison"
    );

    world.customers(3);
    let mut job = world.job();
    job.sync.map.push(column("plan", "plan"));
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 3, "{report:?}");
    assert!(world.records("contacts").await.iter().all(|record| record["properties"]["plan"] == "gold"));
}

#[tokio::test(start_paused = true)]
async fn the_engine_that_made_a_property_sees_it() {
    let world = World::new();
    world.customers(1);
    let mut job = world.job();
    job.sync.map.push(column("plan", "plan"));
    let engine = world.engine().await;
    let before = engine.run_sync(&job, "run", &hubward_engine::RunOptions::default()).await;
    assert_eq!(before.error.map(|error| error.code), Some("unknown-property"));
    let plan = engine.compare_schema(&schema(&[contacts()])).await.expect("the account tells what it has");
    engine.apply_schema(&plan, &Cancel::new()).await;
    let after = engine.run_sync(&job, "run", &hubward_engine::RunOptions::default()).await;
    assert_eq!(after.outcomes.applied, 1, "{:?}", after.error);
}

#[tokio::test(start_paused = true)]
async fn options_are_added_after_those_that_are_there_and_none_is_removed_or_renamed() {
    let world = World::new();
    world
        .call(
            "POST",
            "/crm/properties/2026-09/contacts",
            json!({"name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "radio", "groupName": "contactinformation",
                "options": [
                    {"label": "Free", "value": "free", "displayOrder": 0, "hidden": true, "description": "once"},
                    {"label": "GOLD", "value": "gold", "displayOrder": 4, "hidden": false},
                ]}),
        )
        .await;
    let mut declared = contacts();
    declared.properties.retain(|property| property.name == "plan");
    declared.groups.clear();
    let engine = world.engine().await;
    let plan =
        engine.compare_schema(&schema(std::slice::from_ref(&declared))).await.expect("the account tells what it has");
    assert_eq!(plan.changes.iter().map(|change| change.detail()).collect::<Vec<_>>(), ["add silver (\"Silver\")"]);
    assert!(plan.notes.iter().any(|note| note.contains("the option gold of plan has the label \"GOLD\"")));
    let applied = apply(&world, &[declared]).await;
    assert_eq!(endings(&applied), ["options contacts.plan made"]);
    let options = held(&world, "contacts", "plan").await["options"].clone();
    let told: Vec<Value> = options
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| json!([one["value"], one["label"], one["hidden"], one["displayOrder"]]))
        .collect();
    assert_eq!(
        told,
        [json!(["free", "Free", true, 0]), json!(["gold", "GOLD", false, 4]), json!(["silver", "Silver", false, 5])]
    );
    assert_eq!(options[0]["description"], json!("once"));
}

#[tokio::test(start_paused = true)]
async fn custom_types_are_made_with_their_groups_and_properties_and_can_be_written_to() {
    let world = enterprise();
    let declared = [custom("visit", &["contacts", "machine"]), custom("machine", &[])];
    let applied = apply(&world, &declared).await;
    assert_eq!(
        endings(&applied),
        [
            "group visit.works made",
            "group machine.works made",
            "object machine.machine made",
            "object visit.visit made",
            "property visit.power made",
            "property machine.power made",
        ]
    );
    for (declared, name) in [(&declared[0], "visit"), (&declared[1], "machine")] {
        let schema = world.call("GET", &format!("/crm-object-schemas/2026-09/schemas/{name}"), Value::Null).await;
        assert_eq!(schema["labels"], json!({ "singular": format!("{name} one"), "plural": format!("{name} many") }));
        assert_eq!(schema["primaryDisplayProperty"], json!("serial"));
        assert_eq!(schema["requiredProperties"], json!(["serial"]));
        assert_eq!(schema["searchableProperties"], json!(["serial"]));
        assert_properties(&world, name, declared).await;
    }
    let record = json!({"properties": {"serial": "A1", "power": "7"}});
    let made = world.call("POST", "/crm/objects/2026-09/machine", record).await;
    assert_eq!(made["properties"]["power"], json!("7"));
}

#[tokio::test(start_paused = true)]
async fn answers_that_get_lost_make_nothing_twice_and_lose_nothing() {
    let world = enterprise();
    // Every write is carried out and its answer is lost, once.
    for path in ["groups", "schemas$", "batch/create"] {
        let rule = json!([{"match": {"method": "POST", "path_regex": path}, "times": 1, "do": {"reset": "after"}}]);
        world.fault(rule).await;
    }
    let declared = [contacts(), custom("machine", &["contacts"])];
    let applied = apply(&world, &declared).await;
    assert!(applied.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&applied));
    assert_properties(&world, "contacts", &declared[0]).await;
    assert_properties(&world, "machine", &declared[1]).await;
    let cut = world.requests().await.iter().filter(|request| request["fault"].is_string()).count();
    assert_eq!(cut, 3, "each of the faults struck");
}

#[tokio::test(start_paused = true)]
async fn limits_locks_and_outages_are_waited_for() {
    let world = World::new();
    let rules = json!([
        {"match": {"path_regex": "/groups"}, "times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}},
        {"match": {"method": "POST", "path_regex": "batch/create"}, "times": 2, "do": {"status": 502}},
        {"match": {"path_regex": "contacts$"}, "times": 1, "do": {"status": 423}},
    ]);
    world.fault(rules).await;
    let declared = [contacts()];
    let applied = apply(&world, &declared).await;
    assert!(applied.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&applied));
    assert_properties(&world, "contacts", &declared[0]).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_the_middle_ends_the_work_and_the_next_call_goes_on_from_there() {
    let world = World::new();
    let rule =
        json!([{"match": {"method": "POST", "path_regex": "batch/create"}, "times": 1000, "do": {"status": 503}}]);
    world.fault(rule).await;
    let mut companies = section("companies");
    companies.properties = vec![property("size_class", "string")];
    let declared = [contacts(), companies];
    let first = apply(&world, &declared).await;
    let told = endings(&first);
    assert_eq!(told[0], "group contacts.shop made");
    let Ending::Failed(error) = &first[1].ending else { panic!("{told:?}") };
    assert_eq!(error.code, "schema-unknown", "a request without an answer may have been carried out");
    assert_eq!(told[8], "property companies.size_class not tried: HubSpot did not answer");

    world.call("POST", "/_sandbox/faults", json!([])).await;
    let second = apply(&world, &declared).await;
    assert_eq!(second.len(), 8, "the group is there: {:?}", endings(&second));
    assert!(second.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&second));
    assert_properties(&world, "contacts", &declared[0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_property_leaves_the_others_alone_and_is_told_in_hubspots_words() {
    let world = World::new();
    let mut declared = section("contacts");
    // HubSpot allows ten unique properties (api.md 5.4).
    declared.properties =
        (0..12).map(|n| DeclaredProperty { unique: true, ..property(&format!("key_{n:02}"), "string") }).collect();
    declared.properties.push(property("plain", "string"));
    let applied = apply(&world, &[declared]).await;
    let failed: Vec<&Applied> = applied.iter().filter(|one| one.ending != Ending::Made).collect();
    assert_eq!(failed.iter().map(|one| one.change.name()).collect::<Vec<_>>(), ["key_10", "key_11"]);
    let Ending::Failed(error) = &failed[0].ending else { panic!("it was tried") };
    assert!(error.message.contains("at most 10 unique"), "{error}");
    assert!(error.help.as_deref().unwrap_or_default().contains("10 unique"), "{error:?}");
    assert_eq!((error.code, error.at.as_ref().map(|at| at.line)), ("schema-refused", Some(5)));
    held(&world, "contacts", "plain").await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_whole_is_divided_until_the_guilty_property_is_alone() {
    let world = World::new();
    world.script(|path, body| {
        let guilty = body["inputs"].as_array().is_some_and(|inputs| inputs.iter().any(|input| input["name"] == "p05"));
        (path.ends_with("/batch/create") && guilty).then(|| {
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no such property, please"}))
        })
    });
    let mut declared = section("contacts");
    declared.properties = (0..9).map(|n| property(&format!("p{n:02}"), "string")).collect();
    let applied = apply(&world, &[declared.clone()]).await;
    let failed: Vec<String> = endings(&applied)
        .into_iter()
        .filter(|line| !line.ends_with(" made") || line.contains(" not tried: "))
        .collect();
    assert_eq!(failed, ["property contacts.p05 failed: no such property, please"]);
    world.end_script();
    let again = apply(&world, &[declared]).await;
    assert_eq!(endings(&again), ["property contacts.p05 made"]);
}

#[tokio::test(start_paused = true)]
async fn properties_stand_in_no_group_that_could_not_be_made() {
    let world = World::new();
    world.script(|path, body| {
        (path.ends_with("/groups") && !body.is_null())
            .then(|| (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not this group"})))
    });
    let applied = apply(&world, &[contacts()]).await;
    let told: Vec<String> = endings(&applied)
        .into_iter()
        .filter(|line| !line.ends_with(" made") || line.contains(" not tried: "))
        .collect();
    assert_eq!(
        told,
        ["group contacts.shop failed: not this group", "property contacts.plan not tried: its group shop was not made",]
    );
}

#[tokio::test(start_paused = true)]
async fn an_edition_without_custom_types_is_told_so_and_the_rest_is_made() {
    let world = World::new();
    let applied = apply(&world, &[custom("machine", &[]), contacts()]).await;
    let told: Vec<String> = endings(&applied)
        .into_iter()
        .filter(|line| !line.ends_with(" made") || line.contains(" not tried: "))
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("group machine.works not tried: the object type machine was not made"), "{told:?}");
    assert!(told[1].contains("require an Enterprise subscription"), "{told:?}");
    assert!(told[2].starts_with("property machine.power not tried"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_of_a_declaration_that_contradicts_the_account() {
    let world = World::new();
    let engine = world.engine().await;
    let mut declared = contacts();
    declared.properties.push(property("firstname", "number"));
    let plan = engine.compare_schema(&schema(&[declared])).await.expect("the account tells what it has");
    assert_eq!(plan.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["schema-conflict"]);
    assert!(!plan.is_sound());
    let applied = engine.apply_schema(&plan, &Cancel::new()).await;
    assert!(applied.iter().all(|one| matches!(one.ending, Ending::NotTried(_))));
    assert_eq!(writes(&world).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_syncs_map_and_nobody_declares_is_proposed_with_the_columns_type() {
    let world = World::new();
    world.sql("create table customers (id integer primary key, email text, size real, vip boolean, born date)");
    let mut job = world.job();
    job.sync.match_.property = "customer_no".to_owned();
    job.sync.match_.column = "id".to_owned();
    job.sync.map = vec![
        column("shoe_size", "size"),
        column("Not-A-Name", "size"),
        column("firstname", "email"),
        column("vip", "vip"),
    ];
    let engine = world.engine().await;
    let mut declared = section("contacts");
    declared.properties = vec![property("vip", "bool")];
    let proposal = engine.propose_schema(&schema(&[declared]), &[job]).await.expect("the account tells what it has");
    assert_eq!(
        proposal.yaml(),
        "schema:\n  contacts:\n    properties:\n      shoe_size: { type: number }  # from column size\n      \
         customer_no: { type: number, unique: true }  # rows are matched by it, from column id\n"
    );
    assert_eq!(writes(&world).await, [], "what is guessed is never made");
}

fn label(to: &str, name: &str, text: &str, inverse: Option<&str>) -> DeclaredLabel {
    DeclaredLabel {
        to: to.to_owned(),
        name: name.to_owned(),
        label: text.to_owned(),
        inverse: inverse.map(str::to_owned),
        at: at(9),
    }
}

/// The labels of our own between two types, as the account tells them.
async fn labels(world: &World, from: &str, to: &str) -> Vec<String> {
    let told = world.call("GET", &format!("/crm/associations/2026-09/{from}/{to}/labels"), Value::Null).await;
    let mut own: Vec<String> = told["results"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|label| label["category"] == "USER_DEFINED")
        .filter_map(|label| label["label"].as_str().map(str::to_owned))
        .collect();
    own.sort();
    own
}

#[tokio::test(start_paused = true)]
async fn labels_are_made_once_in_both_directions_and_paired_ones_with_their_inverse() {
    let world = enterprise();
    let mut contacts = section("contacts");
    contacts.labels = vec![
        label("companies", "payer", "Payer", Some("Paid by")),
        label("0-2", "buyer", "Buyer", None),
        label("machine", "owner", "Owner", Some("Owned by")),
        label("contact", "boss", "Boss", Some("Report")),
    ];
    let mut companies = section("companies");
    companies.labels = vec![label("contacts", "paid_by", "Paid by", Some("Payer"))];
    let applied = apply(&world, &[contacts, companies, custom("machine", &["contacts"])]).await;
    assert!(applied.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&applied));
    assert_eq!(applied.iter().filter(|one| one.change.kind().name() == "label").count(), 4);
    assert_eq!(labels(&world, "contacts", "companies").await, ["Buyer", "Payer"]);
    assert_eq!(labels(&world, "companies", "contacts").await, ["Buyer", "Paid by"]);
    assert_eq!(labels(&world, "contacts", "machine").await, ["Owner"]);
    assert_eq!(labels(&world, "machine", "contacts").await, ["Owned by"]);
    assert_eq!(labels(&world, "contacts", "contacts").await, ["Boss", "Report"]);
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_answer_is_lost_is_looked_for_and_never_asked_for_twice() {
    let world = World::new();
    let rules = json!([{"match": {"method": "POST", "path_regex": "labels$"}, "times": 1, "do": {"reset": "after"}}]);
    world.fault(rules).await;
    let mut contacts = section("contacts");
    contacts.labels = vec![label("companies", "payer", "Payer", Some("Paid by"))];
    let applied = apply(&world, &[contacts.clone()]).await;
    assert_eq!(endings(&applied), ["label contacts.payer made"]);
    assert_eq!(labels(&world, "contacts", "companies").await, ["Payer"]);

    // Cut before it is carried out: nothing is there, nobody knows that for sure, so the next call makes it.
    let rules = json!([{"match": {"method": "POST", "path_regex": "labels$"}, "times": 1, "do": {"reset": "before"}}]);
    world.fault(rules).await;
    contacts.labels.push(label("companies", "buyer", "Buyer", None));
    let applied = apply(&world, &[contacts.clone()]).await;
    let Ending::Failed(error) = &applied[0].ending else { panic!("{:?}", endings(&applied)) };
    assert_eq!(error.code, "schema-unknown");
    assert_eq!(labels(&world, "contacts", "companies").await, ["Payer"]);
    let applied = apply(&world, &[contacts]).await;
    assert_eq!(endings(&applied), ["label contacts.buyer made"]);
    assert_eq!(labels(&world, "contacts", "companies").await, ["Buyer", "Payer"]);
}

#[tokio::test(start_paused = true)]
async fn too_many_labels_of_a_pair_are_told_with_what_to_do() {
    let world = World::new();
    let mut contacts = section("contacts");
    contacts.labels = (0..51).map(|n| label("companies", &format!("l{n}"), &format!("Label {n:02}"), None)).collect();
    let applied = apply(&world, &[contacts]).await;
    let failed: Vec<&Applied> = applied.iter().filter(|one| one.ending != Ending::Made).collect();
    assert_eq!(failed.iter().map(|one| one.change.name()).collect::<Vec<_>>(), ["l50"]);
    let Ending::Failed(error) = &failed[0].ending else { panic!("it was tried") };
    assert!(error.help.as_deref().unwrap_or_default().contains("remove one in HubSpot"), "{error:?}");
    assert_eq!(labels(&world, "contacts", "companies").await.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_property_that_the_answer_leaves_out_is_read_back() {
    let world = World::new();
    let rule =
        json!([{"match": {"method": "POST", "path_regex": "batch/create"}, "times": 1, "do": {"drop_result": 2}}]);
    world.fault(rule).await;
    let declared = [contacts()];
    let applied = apply(&world, &declared).await;
    assert!(applied.iter().all(|one| one.ending == Ending::Made), "{:?}", endings(&applied));
    assert_properties(&world, "contacts", &declared[0]).await;
    assert_eq!(world.requests().await.iter().filter(|request| request["fault"].is_string()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_names_no_property_is_told_of_the_one_it_is_about() {
    let world = World::new();
    world.script(|path, body| {
        let inputs = body["inputs"].as_array().filter(|_| path.ends_with("/batch/create"))?;
        let guilty = inputs.iter().any(|input| input["name"] == "p1");
        guilty.then(|| {
            let errors = json!([{"status": "error", "category": "VALIDATION_ERROR", "message": "one of them is bad"}]);
            (207, json!({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": errors}))
        })
    });
    let mut declared = section("contacts");
    declared.properties = (0..3).map(|n| property(&format!("p{n}"), "string")).collect();
    let applied = apply(&world, &[declared]).await;
    assert_eq!(
        endings(&applied),
        ["property contacts.p0 made", "property contacts.p1 failed: one of them is bad", "property contacts.p2 made",]
    );
    held(&world, "contacts", "p0").await;
    held(&world, "contacts", "p2").await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_call_makes_nothing_more() {
    let world = World::new();
    let engine = world.engine().await;
    let plan = engine.compare_schema(&schema(&[contacts()])).await.expect("the account tells what it has");
    let cancel = Cancel::new();
    cancel.set();
    let applied = engine.apply_schema(&plan, &cancel).await;
    assert!(applied.iter().all(|one| one.ending == Ending::NotTried("interrupted".to_owned())));
    assert_eq!(writes(&world).await, []);
}
