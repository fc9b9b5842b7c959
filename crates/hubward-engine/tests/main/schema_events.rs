//! `apply-schema` for custom events: afterwards the sandbox's own definitions are compared with the declaration.

use hubward_core::PropertyType;
use hubward_core::declared::{DeclaredEvent, DeclaredEventProperty, DeclaredOption, DeclaredSchema};
use hubward_core::spec::{EventName, EventSubject, EventSync, Location};
use hubward_engine::{Applied, Cancel, Ending, EngineError, Proposal, SyncJob};
use hubward_hubspot::ApiVersion;
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{World, column};
use crate::schema::{custom, endings, schema};

const DEFINITIONS: &str = "/events/2026-09/event-definitions";

fn at(line: u32) -> Location {
    Location { file: "hubward.yml".to_owned(), line, column: 5 }
}

fn property(name: &str, type_: &str, options: &[&str]) -> DeclaredEventProperty {
    let option = |value: &&str| DeclaredOption { value: (*value).to_owned(), label: value.to_uppercase(), at: at(7) };
    DeclaredEventProperty {
        name: name.to_owned(),
        label: format!("The {name}"),
        type_: PropertyType::from_name(type_),
        description: Some(format!("about {name}")),
        options: options.iter().map(option).collect(),
        at: at(6),
    }
}

/// An event with a property of every type.
fn ordered() -> DeclaredEvent {
    let mut properties: Vec<DeclaredEventProperty> = ["string", "number", "bool", "date", "datetime"]
        .map(|type_| property(&format!("my_{type_}"), type_, &[]))
        .into();
    properties.push(property("channel", "enumeration", &["web", "shop"]));
    DeclaredEvent {
        name: "ordered".to_owned(),
        label: "Ordered something".to_owned(),
        description: Some("Bought it".to_owned()),
        object: "contacts".to_owned(),
        object_at: at(4),
        properties,
        default_properties: false,
        at: at(3),
    }
}

fn events(events: &[DeclaredEvent]) -> DeclaredSchema {
    DeclaredSchema { events: events.to_vec(), ..DeclaredSchema::default() }
}

/// Compares and makes; then compares again, which must find nothing if everything was made.
async fn apply(world: &World, declared: &DeclaredSchema) -> Vec<Applied> {
    let engine = world.engine().await;
    let plan = engine.compare_schema(declared).await.expect("the account tells what it has");
    assert_eq!(plan.problems, []);
    let applied = engine.apply_schema(&plan, &Cancel::new()).await;
    assert_eq!(applied.len(), plan.changes.len());
    if applied.iter().all(|one| one.ending == Ending::Made) {
        let again = engine.compare_schema(declared).await.expect("the account tells what it has");
        assert_eq!(again.changes, [], "a second call has nothing to do");
        assert_eq!(again.notes, [""; 0]);
    }
    applied
}

fn failure(applied: &[Applied]) -> &EngineError {
    let Ending::Failed(error) = &applied[0].ending else { panic!("{:?}", endings(applied)) };
    error
}

/// The definition as the account has it now.
async fn held(world: &World, name: &str) -> Value {
    world.call("GET", &format!("{DEFINITIONS}/{name}"), Value::Null).await
}

async fn assert_held(world: &World, declared: &DeclaredEvent) {
    let found = held(world, &declared.name).await;
    let full = format!("pe{}_{}", 1_234_567, declared.name);
    assert_eq!((&found["fullyQualifiedName"], &found["labels"]["singular"]), (&json!(full), &json!(declared.label)));
    assert_eq!(found["description"], json!(declared.description));
    let properties: Vec<&Value> = found["properties"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|held| !held["name"].as_str().unwrap_or_default().starts_with("hs_"))
        .collect();
    assert_eq!(properties.len(), declared.properties.len());
    for wanted in &declared.properties {
        let held = properties.iter().find(|held| held["name"] == wanted.name.as_str()).expect("it was made");
        assert_eq!(
            (&held["label"], &held["type"], &held["description"]),
            (&json!(wanted.label), &json!(wanted.type_.name()), &json!(wanted.description)),
        );
        let options: Vec<(&Value, &Value)> = held["options"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|option| (&option["value"], &option["label"]))
            .collect();
        let declared: Vec<(Value, Value)> =
            wanted.options.iter().map(|option| (json!(option.value), json!(option.label))).collect();
        assert_eq!(
            options,
            declared.iter().map(|(value, label)| (value, label)).collect::<Vec<_>>(),
            "{}",
            wanted.name
        );
    }
}

/// Requests that changed, or tried to change, event definitions.
async fn writes(world: &World) -> Vec<String> {
    let requests = world.requests().await;
    requests
        .iter()
        .filter(|request| request["method"] != "GET")
        .filter(|request| request["path"].as_str().is_some_and(|path| path.contains("event-definitions")))
        .map(|request| {
            let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("method"), text("path"), request["status"])
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_with_properties_of_every_type_is_made_in_one_request_and_then_there_is_nothing_to_do() {
    let world = World::new();
    let applied = apply(&world, &events(&[ordered()])).await;
    assert_eq!(endings(&applied), ["event contacts.ordered made"]);
    assert_held(&world, &ordered()).await;
    assert_eq!(held(&world, "ordered").await["primaryObject"], "CONTACT");
    assert_eq!(writes(&world).await, ["POST /events/2026-09/event-definitions 201"]);

    let with_defaults = DeclaredEvent { name: "seen".to_owned(), default_properties: true, ..ordered() };
    apply(&world, &events(std::slice::from_ref(&with_defaults))).await;
    assert_held(&world, &with_defaults).await;
    let found = held(&world, "seen").await;
    assert!(found["properties"].as_array().expect("a list").iter().any(|held| held["name"] == "hs_city"));
}

#[tokio::test(start_paused = true)]
async fn every_version_and_either_path_of_the_definitions_does() {
    for (version, base) in
        [(ApiVersion::V3, "/events/v3/event-definitions"), (ApiVersion::V2026_03, "/events/2026-03/event-definitions")]
    {
        let mut world = World::new();
        world.version = version;
        apply(&world, &events(&[ordered()])).await;
        assert_eq!(writes(&world).await, [format!("POST {base} 201")]);
        assert_held(&world, &ordered()).await;
    }

    let world = World::new();
    world.script(|path, _| {
        path.starts_with("/events/2026-09/")
            .then(|| (404, json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "no such path"})))
    });
    let mut short = ordered();
    short.properties.truncate(5);
    apply(&world, &events(&[short])).await;
    let mut more = ordered();
    more.properties[4].options.clear();
    apply(&world, &events(&[more.clone()])).await;
    more.properties[5].options.push(DeclaredOption { value: "fair".to_owned(), label: "Fair".to_owned(), at: at(8) });
    apply(&world, &events(&[more.clone()])).await;
    world.end_script();
    assert_held(&world, &more).await;
    assert_eq!(
        writes(&world).await,
        [
            "POST /events/custom/2026-09/event-definitions 201",
            "POST /events/custom/2026-09/event-definitions/ordered/property 201",
            "PATCH /events/custom/2026-09/event-definitions/ordered/property/channel 201",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn missing_properties_and_options_are_added_and_those_that_are_there_stay_as_they_are() {
    let world = World::new();
    let body = json!({"name": "ordered", "label": "Bought", "primaryObject": "CONTACT", "includeDefaultProperties": false,
    "propertyDefinitions": [
        {"name": "channel", "label": "Old label", "type": "enumeration", "options": [
            {"label": "Fax", "value": "fax", "displayOrder": 0, "hidden": true},
            {"label": "WEB", "value": "web", "displayOrder": 4, "hidden": false}]},
        {"name": "theirs", "label": "Theirs", "type": "string"},
    ]});
    world.call("POST", DEFINITIONS, body).await;
    let engine = world.engine().await;
    let plan = engine.compare_schema(&events(&[ordered()])).await.expect("the account tells what it has");
    assert_eq!(plan.notes, ["event ordered: it has the label \"Bought\" in the account; left as it is"]);
    let applied = engine.apply_schema(&plan, &Cancel::new()).await;
    let mut told = endings(&applied);
    assert_eq!(told.pop().as_deref(), Some("event_options ordered.channel made"));
    assert_eq!(told.len(), 5);
    assert!(
        told.iter().all(|line| line.starts_with("event_property ordered.my_") && line.ends_with(" made")),
        "{told:?}"
    );

    let found = held(&world, "ordered").await;
    assert_eq!(found["labels"]["singular"], "Bought");
    let of = |name: &str| {
        found["properties"].as_array().expect("a list").iter().find(|held| held["name"] == name).cloned().expect(name)
    };
    assert_eq!(of("theirs")["label"], "Theirs");
    let channel = of("channel");
    assert_eq!(channel["label"], "Old label");
    let options: Vec<(Value, Value)> = channel["options"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|option| (option["value"].clone(), option["hidden"].clone()))
        .collect();
    assert_eq!(options, [(json!("fax"), json!(true)), (json!("web"), json!(false)), (json!("shop"), json!(false))]);
    let again = engine.compare_schema(&events(&[ordered()])).await.expect("the account tells what it has");
    assert_eq!(again.changes, []);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_custom_type_is_made_after_the_type() {
    let world = World::with(|config| config.tier = Tier::Enterprise);
    let mut declared = schema(&[custom("machine", &[])]);
    declared.events = vec![DeclaredEvent { object: "Machine many".to_owned(), ..ordered() }];
    let applied = apply(&world, &declared).await;
    let told = endings(&applied);
    assert_eq!(told.last().map(String::as_str), Some("event machine.ordered made"), "{told:?}");
    let type_id = held(&world, "ordered").await["primaryObjectId"].clone();
    assert!(type_id.as_str().is_some_and(|id| id.starts_with("2-")), "{type_id}");

    // The type is refused, so its event is not tried.
    let world = World::new();
    let applied = apply(&world, &declared).await;
    let told = endings(&applied);
    assert_eq!(
        told.last().map(String::as_str),
        Some("event machine.ordered not tried: the object type machine was not made"),
        "{told:?}"
    );
    assert_eq!(writes(&world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_answer_is_lost_is_looked_for_and_stands_once() {
    for fault in [json!({"reset": "after"}), json!({"status": 502}), json!({"status": 524, "applied": true})] {
        let world = World::new();
        let rule = json!([{"match": {"method": "POST", "path_regex": "event-definitions$"}, "times": 1, "do": fault}]);
        world.fault(rule).await;
        let applied = apply(&world, &events(&[ordered()])).await;
        assert_eq!(endings(&applied), ["event contacts.ordered made"], "{fault}");
        assert_held(&world, &ordered()).await;
    }
    for (path, what) in
        [("/property$", "event_property ordered.extra"), ("/property/channel$", "event_options ordered.channel")]
    {
        let world = World::new();
        apply(&world, &events(&[ordered()])).await;
        let mut more = ordered();
        if path == "/property$" {
            more.properties.push(property("extra", "string", &[]));
        } else {
            more.properties[5] = property("channel", "enumeration", &["web", "shop", "fair"]);
        }
        let rule =
            json!([{"match": {"method": "POST|PATCH", "path_regex": path}, "times": 1, "do": {"reset": "after"}}]);
        world.fault(rule).await;
        let applied = apply(&world, &events(std::slice::from_ref(&more))).await;
        assert_eq!(endings(&applied), [format!("{what} made")]);
        assert_held(&world, &more).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_leaves_a_property_out_is_no_success() {
    let world = World::new();
    world.script(|path, body| {
        let asked = path.ends_with("/event-definitions") && body["name"] == "ordered";
        asked.then(|| {
            let answer = json!({"name": "ordered", "fullyQualifiedName": "pe1234567_ordered", "primaryObject": "CONTACT",
                "labels": {"singular": "Ordered something"}, "properties": [], "archived": false});
            (201, answer)
        })
    });
    let applied = apply(&world, &events(&[ordered()])).await;
    assert!(failure(&applied).message.contains("without the property \"my_string\""), "{:?}", endings(&applied));
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_deleted_event_cannot_be_used_again_and_that_is_said() {
    let world = World::new();
    apply(&world, &events(&[ordered()])).await;
    world.call("DELETE", &format!("{DEFINITIONS}/ordered"), Value::Null).await;
    let applied = apply(&world, &events(&[ordered()])).await;
    let error = failure(&applied);
    assert_eq!((error.code, error.at.as_ref().map(|at| at.line)), ("schema-refused", Some(3)));
    assert!(error.help.as_deref().is_some_and(|help| help.contains("choose another name")), "{error:?}");

    // The same with a conflict instead of a refusal of the value.
    let world = World::new();
    world.script(|path, body| {
        (path.ends_with("/event-definitions") && !body.is_null())
            .then(|| (409, json!({"status": "error", "category": "CONFLICT", "message": "this name is taken"})))
    });
    let applied = apply(&world, &events(&[ordered()])).await;
    let help = failure(&applied).help.clone().unwrap_or_default();
    assert!(help.contains("deleted event") && help.contains("choose another name"), "{help}");
}

#[tokio::test(start_paused = true)]
async fn an_account_without_custom_events_is_told_what_to_do_at_the_first_event() {
    let world = World::with(|config| config.tier = Tier::Free);
    let engine = world.engine().await;
    let error = engine.compare_schema(&events(&[ordered()])).await.expect_err("a free account has none");
    assert!(error.message.contains("require a Professional or Enterprise"), "{error}");
    assert!(error.help.as_deref().is_some_and(|help| help.contains("upgrade it")), "{error:?}");
    assert_eq!(error.at.map(|at| at.line), Some(3));

    let world = World::new();
    world.script(|path, body| {
        (path.ends_with("/event-definitions") && !body.is_null()).then(|| {
            let refusal =
                json!({"status": "error", "category": "MISSING_SCOPES", "message": "no", "correlationId": "c-1"});
            (403, refusal)
        })
    });
    let applied = apply(&world, &events(&[ordered()])).await;
    let error = failure(&applied);
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    let help = error.help.as_deref().unwrap_or_default();
    assert!(help.contains("behavioral_events.event_definitions.read_write"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_contradiction_makes_nothing() {
    let world = World::new();
    apply(&world, &events(&[ordered()])).await;
    let mut other = ordered();
    other.object = "deals".to_owned();
    let fresh = DeclaredEvent { name: "fresh".to_owned(), ..ordered() };
    let engine = world.engine().await;
    let plan = engine.compare_schema(&events(&[other, fresh])).await.expect("the account tells what it has");
    assert!(!plan.is_sound());
    assert!(plan.problems[0].message.contains("happens to contacts in the account"), "{:?}", plan.problems);
    let applied = engine.apply_schema(&plan, &Cancel::new()).await;
    assert!(applied.iter().all(|one| matches!(one.ending, Ending::NotTried(_))));
    assert_eq!(writes(&world).await.len(), 1, "only the first one");
}

fn sync(world: &World, event: &str, subject: EventSubject) -> SyncJob<EventSync> {
    let job = world.job();
    let sync = EventSync {
        name: "orders".to_owned(),
        model: "customers".to_owned(),
        event: EventName::Name { name: event.to_owned(), at: at(3) },
        occurred_at: None,
        subject,
        map: vec![column("amount", "total"), column("my_string", "note"), column("hs_city", "note")],
        after: Vec::new(),
        at: at(1),
    };
    SyncJob { sync, model: job.model, source: job.source }
}

#[tokio::test(start_paused = true)]
async fn what_event_syncs_name_and_nobody_declares_is_proposed_and_never_made() {
    let world = World::new();
    world.sql("create table customers (id integer primary key, email text, total real, note text)");
    let deal = || EventSubject::Record { object: "Deal".to_owned(), column: "id".to_owned(), at: at(5) };
    let engine = world.engine().await;
    let mut proposal = Proposal::default();
    let jobs = [sync(&world, "pe1234567_shipped", deal()), sync(&world, "ordered", deal())];
    engine.propose_events(&events(&[ordered()]), &jobs, &mut proposal).await.expect("the account tells what it has");
    assert_eq!(
        proposal.yaml(),
        "schema:\n  events:\n    shipped:\n      object: deals\n      properties:\n        \
         amount: { type: number }  # from column total\n        my_string: { type: string }  # from column note\n    \
         ordered:\n      properties:\n        amount: { type: number }  # from column total\n        \
         hs_city: { type: string }  # from column note\n"
    );
    assert_eq!(writes(&world).await, [""; 0], "what is guessed is never made");

    // What the account has is not proposed, by whichever name a sync knows it.
    let mut all = ordered();
    all.default_properties = true;
    all.properties.push(property("amount", "number", &[]));
    apply(&world, &events(std::slice::from_ref(&all))).await;
    for name in ["ordered", "pe1234567_ordered", "Ordered Something"] {
        let mut proposal = Proposal::default();
        let jobs = [sync(&world, name, deal())];
        engine.propose_events(&DeclaredSchema::default(), &jobs, &mut proposal).await.expect("the account tells");
        assert!(proposal.is_empty(), "{name}: {proposal:?}");
    }
}
