use super::*;
use crate::scripted::{Script, Step, client, token};

fn body_of(request: &ApiRequest) -> Value {
    serde_json::from_slice(request.body.as_deref().expect("a body")).expect("JSON")
}

fn plan() -> NewEventProperty {
    NewEventProperty {
        name: "plan".to_owned(),
        label: "Plan".to_owned(),
        type_: "enumeration".to_owned(),
        description: None,
        options: vec![NewOption { value: "pro".to_owned(), label: "Pro".to_owned() }],
    }
}

#[test]
fn a_definition_is_created_with_its_properties() {
    let definition = NewEventDefinition {
        name: "bought".to_owned(),
        label: "Bought".to_owned(),
        description: Some("An invoice".to_owned()),
        primary_object: Some("DEAL".to_owned()),
        properties: vec![plan()],
        include_default_properties: false,
    };
    let request = create_event_definition(ApiVersion::V2026_09, &definition);
    assert_eq!(
        body_of(&request),
        json!({
            "name": "bought", "label": "Bought", "description": "An invoice", "primaryObject": "DEAL",
            "includeDefaultProperties": false,
            "propertyDefinitions": [{
                "name": "plan", "label": "Plan", "type": "enumeration",
                "options": [{ "value": "pro", "label": "Pro", "displayOrder": 0, "hidden": false }],
            }],
        })
    );
    assert_eq!(request.path, "/events/2026-09/event-definitions");
    assert_eq!(request.kind, RequestKind::Metadata);
    let property = create_event_property(ApiVersion::V3, "bought", &plan());
    assert_eq!(property.path, "/events/v3/event-definitions/bought/property");
    assert_eq!(body_of(&property), body_of(&request)["propertyDefinitions"][0]);
}

#[tokio::test(start_paused = true)]
async fn definitions_are_read_to_the_last_page_without_what_is_archived() {
    let first = r#"{"total":3,"results":[
        {"id":"1","name":"bought","fullyQualifiedName":"pe1_bought","labels":{"singular":"Bought"},
         "primaryObject":"CONTACT","objectTypeId":"6-12","archived":false,
         "properties":[{"name":"amount","label":"Amount","type":"number"},
                       {"name":"old","type":"string","archived":true}]},
        {"id":"2","name":"gone","fullyQualifiedName":"pe1_gone","archived":true}],
        "paging":{"next":{"after":"2"}}}"#;
    let second = r#"{"results":[{"name":"walked","fullyQualifiedName":"pe1_walked","primaryObjectId":"2-7"}]}"#;
    let script = Script::of(vec![Step::Answer(200, &[], first), Step::Answer(200, &[], second)]);
    let (client, _) = client(&script, token("t"));
    let read = client.event_definitions(&CallMeta::default()).await.expect("read");
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].name.as_str(), read[0].full_name.as_str()), ("bought", "pe1_bought"));
    assert_eq!((read[0].label.as_str(), read[0].primary_object.as_str()), ("Bought", "CONTACT"));
    assert_eq!(read[0].object_type_id.as_deref(), Some("6-12"));
    let names: Vec<&str> = read[0].properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["amount"]);
    assert_eq!((read[1].label.as_str(), read[1].primary_object.as_str()), ("walked", "2-7"));
    assert_eq!(read[1].object_type_id, None);
    let after = script.seen(1, |request| request.url.clone());
    assert!(after.ends_with("/events/2026-09/event-definitions?includeProperties=true&limit=100&after=2"), "{after}");
}

#[tokio::test(start_paused = true)]
async fn what_was_created_is_told_and_a_definition_that_is_not_there_is_told_so() {
    let made = r#"{"name":"plan","label":"Plan","type":"enumeration","options":[{"value":"pro","label":"Pro"}]}"#;
    let none = r#"{"status":"error","message":"resource not found"}"#;
    let script = Script::of(vec![
        Step::Answer(201, &[], made),
        Step::Answer(404, &[], none),
        Step::Answer(404, &[], none),
        Step::Answer(409, &[], r#"{"message":"taken","category":"OBJECT_ALREADY_EXISTS"}"#),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    let property = client.create_event_property("bought", &plan(), &meta).await.expect("created");
    assert_eq!((property.name.as_str(), property.options.len()), ("plan", 1));
    let error = client.create_event_property("sold", &plan(), &meta).await.expect_err("no such definition");
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = client.create_event_definition(&NewEventDefinition::default(), &meta).await.expect_err("taken");
    assert_eq!(error.kind, ErrorKind::Conflict);
}
