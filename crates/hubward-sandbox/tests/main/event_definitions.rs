//! Definitions of custom events: what they are made of, how they change, and who may have them.

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::events::{account, event, held, login, send};
use crate::harness::Account;

const AT: &str = "/events/2026-03/event-definitions";

fn option(value: &str) -> Value {
    json!({ "label": value.to_uppercase(), "value": value, "displayOrder": 0, "hidden": false })
}

fn named(name: &str) -> Value {
    json!({ "name": name, "label": name, "includeDefaultProperties": false, "propertyDefinitions": [] })
}

fn names(answer: &Value) -> Vec<&str> {
    answer["properties"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_definition_is_created_read_by_both_names_and_sent_by_the_full_one() {
    let account = Account::new(Tier::Professional);
    let mut body = login();
    body["description"] = json!("who logs in");
    let made = account.post(AT, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = made.body;
    assert_eq!((&shown["name"], &shown["fullyQualifiedName"]), (&json!("login"), &json!("pe1234567_login")));
    assert_eq!((&shown["primaryObject"], &shown["primaryObjectId"]), (&json!("CONTACT"), &json!("0-1")));
    assert_eq!((&shown["labels"]["singular"], &shown["description"]), (&json!("Login"), &json!("who logs in")));
    assert_eq!((&shown["trackingType"], &shown["archived"]), (&json!("MANUAL"), &json!(false)));
    assert!(shown["objectTypeId"].as_str().unwrap().starts_with("6-"));
    let held = names(&shown);
    assert!(
        ["hs_city", "hs_page_url", "hs_touchpoint_source", "plan", "seats", "note"]
            .iter()
            .all(|one| held.contains(one))
    );
    for path in [AT, "/events/custom/2026-09/event-definitions", "/events/v3/event-definitions"] {
        for name in ["login", "pe1234567_login"] {
            assert_eq!(account.get(&format!("{path}/{name}")).await.body, shown);
        }
        assert_eq!(account.get(&format!("{path}/logout")).await.status, 404);
    }
    assert_eq!(send(&account, vec![event("ada@example.com", "1", json!({ "plan": "pro" }))]).await.status, 204);
}

#[tokio::test]
async fn a_name_is_made_of_the_label_and_default_properties_come_only_when_asked_for() {
    let account = Account::new(Tier::Professional);
    for (name, count) in [("signed_up", 0), ("signed_up_2", 0)] {
        let body = json!({ "label": "Signed up!", "includeDefaultProperties": false, "propertyDefinitions": [] });
        let made = account.post(AT, body).await;
        assert_eq!((&made.body["name"], names(&made.body).len()), (&json!(name), count));
    }
    let property = json!({ "label": "Plan name", "type": "string" });
    let made = account.post(&format!("{AT}/signed_up/property"), property).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!("plan_name")));
}

#[tokio::test]
async fn definitions_are_listed_in_pages_found_by_text_and_bare_unless_properties_are_asked_for() {
    let account = Account::new(Tier::Professional);
    let many: Vec<Value> = (0..25).map(|n| named(&format!("e{n:02}"))).collect();
    account.load(json!({ "event_definitions": many }));
    account.load(json!({ "event_definitions": [login()] }));
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = account.get(&format!("{AT}?limit=10{after}")).await;
        assert_eq!((page.status, &page.body["total"]), (200, &json!(26)));
        seen.extend(page.results().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        assert!(page.results().iter().all(|one| one["properties"] == json!([])));
        match page.body["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &sorted), (26, &seen));
    let found = account.get(&format!("{AT}?searchString=LOG&includeProperties=true")).await;
    assert_eq!((found.results().len(), names(&found.results()[0]).contains(&"plan")), (1, true));
    let last = account.get(&format!("{AT}?sortOrder=DESC&limit=1")).await;
    assert_eq!(last.results()[0]["name"], "login");
    for bad in ["limit=0", "limit=x", "after=x", "sortOrder=up"] {
        let answer = account.sandbox_get(&format!("{AT}?{bad}")).await;
        assert_eq!(answer, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_definition_that_does_not_hold_together_is_refused() {
    let account = Account::unlimited();
    account.load(json!({ "event_definitions": [login()] }));
    let with = |change: Value| {
        let mut body = named("good");
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let property = |name: &str, kind: &str| json!({ "name": name, "label": name, "type": kind });
    let many: Vec<Value> = (0..51).map(|n| property(&format!("p{n}"), "string")).collect();
    for (change, status, word) in [
        (json!({ "label": "" }), 400, "label"),
        (json!({ "label": "x".repeat(101) }), 400, "100"),
        (json!({ "name": "x".repeat(51) }), 400, "50 characters"),
        (json!({ "name": "Good" }), 400, "lower-case"),
        (json!({ "name": "2good" }), 400, "start with a letter"),
        (json!({ "name": "good-er" }), 400, "lower-case"),
        (json!({ "name": "login" }), 409, "already exists"),
        (json!({ "primaryObject": "LEAD" }), 400, "primaryObject"),
        (json!({ "propertyDefinitions": many }), 400, "at most 50"),
        (json!({ "propertyDefinitions": [property("a", "json")] }), 400, "type"),
        (json!({ "propertyDefinitions": [property("a", "text")] }), 400, "Invalid input JSON"),
        (json!({ "propertyDefinitions": [property("a", "enumeration")] }), 400, "options"),
        (json!({ "propertyDefinitions": [property("a", "string"), property("a", "number")] }), 409, "already exists"),
        (
            json!({ "propertyDefinitions": [property("hs_city", "string")], "includeDefaultProperties": true }),
            409,
            "hs_city",
        ),
        (
            json!({ "customMatchingId": { "primaryObjectRule": { "eventPropertyName": "a", "targetObjectPropertyName": "email" } } }),
            400,
            "customMatchingId",
        ),
        (
            json!({ "propertyDefinitions": [property("a", "string")],
            "customMatchingId": { "primaryObjectRule": { "eventPropertyName": "a", "targetObjectPropertyName": "city" } } }),
            400,
            "no unique property",
        ),
    ] {
        let answer = account.post(AT, with(change.clone())).await;
        assert_eq!(answer.status, status, "{change}");
        assert!(answer.message().contains(word), "{change}: {}", answer.message());
    }
    for kind in ["string", "number", "datetime", "bool", "date"] {
        let made = account.post(&format!("{AT}/login/property"), property(&format!("of_{kind}"), kind)).await;
        assert_eq!((made.status, &made.body["type"]), (201, &json!(kind)));
    }
    assert_eq!(account.get("/events/2026-03/event-definitions").await.body["total"], 1);
}

#[tokio::test]
async fn five_hundred_definitions_are_the_most_and_deleted_ones_do_not_count() {
    let account = Account::new(Tier::Enterprise);
    account.put("/_sandbox/limits", json!({ "burst": null })).await;
    let many: Vec<Value> = (0..500).map(|n| named(&format!("e{n}"))).collect();
    account.load(json!({ "event_definitions": many }));
    assert_eq!(account.post(AT, named("more")).await.status, 400);
    assert_eq!(account.send("DELETE", &format!("{AT}/e7"), Value::Null).await.status, 204);
    assert_eq!(account.post(AT, named("more")).await.status, 201);
}

#[tokio::test]
async fn a_deleted_event_is_gone_its_name_is_not_free_again_and_sends_are_refused() {
    let account = account(Tier::Professional);
    assert_eq!(send(&account, vec![event("ada@example.com", "1", json!({}))]).await.status, 204);
    assert_eq!(account.send("DELETE", &format!("{AT}/pe1234567_login"), Value::Null).await.status, 204);
    assert_eq!(account.get(&format!("{AT}/login")).await.status, 404);
    assert_eq!(account.send("DELETE", &format!("{AT}/login"), Value::Null).await.status, 404);
    assert_eq!(account.get(AT).await.body["total"], 0);
    let again = account.post(AT, login()).await;
    assert_eq!((again.status, again.message().contains("deleted")), (400, true));
    assert_eq!(send(&account, vec![event("ada@example.com", "2", json!({}))]).await.status, 400);
    assert_eq!(held(&account).await.len(), 1, "what occurred stays");
}

#[tokio::test]
async fn changes_answer_201_and_leave_name_and_object_alone() {
    let account = account(Tier::Professional);
    let patch = json!({ "label": "Signed in", "description": "d" });
    let patched = account.patch(&format!("{AT}/login"), patch).await;
    assert_eq!((patched.status, &patched.body["labels"]["singular"]), (201, &json!("Signed in")));
    assert_eq!((&patched.body["name"], &patched.body["description"]), (&json!("login"), &json!("d")));
    assert_eq!(account.patch(&format!("{AT}/login"), json!({ "label": "" })).await.status, 400);
    let v3 = "/events/v3/event-definitions/login";
    let ordered = account
        .patch(v3, json!({ "propertyOrder": [{ "name": "seats" }, { "name": "note", "displayOrder": 9 }] }))
        .await;
    let order = |name: &str| {
        let all = ordered.body["properties"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["displayOrder"].clone()
    };
    assert_eq!((order("seats"), order("note")), (json!(0), json!(9)));
    assert_eq!(account.patch(v3, json!({ "propertyOrder": [{ "name": "nope" }] })).await.status, 400);
    let property = format!("{AT}/login/property");
    let changed =
        account.patch(&format!("{property}/plan"), json!({ "label": "Tariff", "options": [option("gold")] })).await;
    assert_eq!((changed.status, &changed.body["label"]), (201, &json!("Tariff")));
    assert_eq!(changed.body["options"][0]["value"], "gold");
    assert_eq!(account.patch(&format!("{property}/plan"), json!({ "options": [] })).await.status, 400);
    assert_eq!(account.patch(&format!("{property}/hs_city"), json!({ "label": "x" })).await.status, 400);
    assert_eq!(account.patch(&format!("{property}/nope"), json!({ "label": "x" })).await.status, 404);
    send(&account, vec![event("ada@example.com", "1", json!({ "plan": "gold", "seats": "1" }))]).await;
    assert_eq!(account.send("DELETE", &format!("{property}/seats"), Value::Null).await.status, 204);
    assert_eq!(account.send("DELETE", &format!("{property}/seats"), Value::Null).await.status, 404);
    send(&account, vec![event("ada@example.com", "2", json!({ "plan": "pro", "seats": "1" }))]).await;
    let held = held(&account).await;
    assert_eq!(held[0]["properties"], json!({ "plan": "gold", "seats": "1" }));
    assert_eq!(held[1]["properties"], json!({}), "an option and a property that are gone are dropped");
    let again = account.post(&property, json!({ "name": "seats", "label": "Seats", "type": "string" })).await;
    assert_eq!((again.status, &again.body["type"]), (201, &json!("string")));
}

#[tokio::test]
async fn an_event_may_happen_to_a_custom_object() {
    let account = Account::new(Tier::Enterprise);
    account.load(json!({
        "schemas": [{ "name": "boats", "objectTypeId": "2-99", "labels": { "singular": "Boat", "plural": "Boats" }, "primaryDisplayProperty": "name",
            "properties": [{ "name": "name", "label": "Name", "type": "string", "fieldType": "text" }] }],
        "records": { "boats": [{ "id": 50, "properties": { "name": "Ark" } }] },
    }));
    let mut body = named("launched");
    body["primaryObject"] = json!("boats");
    let made = account.post(AT, body).await;
    assert_eq!(
        (made.status, &made.body["primaryObject"], &made.body["primaryObjectId"]),
        (201, &json!("boats"), &json!("2-99"))
    );
    let one = json!({ "eventName": "pe1234567_launched", "objectId": "50", "properties": {} });
    assert_eq!(send(&account, vec![one]).await.status, 204);
    assert_eq!(held(&account).await[0]["record"], "50");
}

#[tokio::test]
async fn load_keeps_a_full_name_replaces_by_name_and_names_what_is_wrong() {
    let account = account(Tier::Professional);
    send(&account, vec![event("ada@example.com", "1", json!({}))]).await;
    let mut other = named("login");
    other["fullyQualifiedName"] = json!("pe99_login_v2");
    account.load(json!({ "event_definitions": [other, { "name": "bare" }] }));
    let shown = account.get(&format!("{AT}/login")).await.body;
    assert_eq!((&shown["fullyQualifiedName"], names(&shown).len()), (&json!("pe99_login_v2"), 0));
    assert_eq!(send(&account, vec![event("ada@example.com", "2", json!({}))]).await.status, 400);
    assert_eq!(held(&account).await[0]["eventName"], "pe99_login_v2");
    let bad = json!({ "event_definitions": [named("fine"), { "name": "Not fine", "label": "x" }] });
    let error = account.sandbox.load(&bad).unwrap_err();
    assert!(error.to_string().starts_with("event_definitions[1]: "), "{error}");
    let error = account.sandbox.load(&json!({ "usertokens": { "t": "x" } })).unwrap_err();
    assert!(error.to_string().starts_with("usertokens.t"), "{error}");
}

#[tokio::test]
async fn editions_and_scopes_are_refused_with_403_in_different_words() {
    let free = account(Tier::Free);
    let send_one = |uuid: &str| vec![event("ada@example.com", uuid, json!({}))];
    let tier = |answer: &crate::harness::Answer| (answer.status, answer.body["subCategory"] == "SUBSCRIPTION_TIER");
    for answer in [send(&free, send_one("1")).await, free.get(AT).await, free.get("/events/v3/events").await] {
        assert_eq!(tier(&answer), (403, true));
    }
    assert!(held(&free).await.is_empty());
    let professional = account(Tier::Professional);
    assert_eq!(professional.get(AT).await.status, 200);
    assert_eq!(tier(&professional.get("/events/v3/events/event-types").await), (403, true));
    professional.load(json!({ "settings": { "events_need_enterprise": true, "event_reads_need_enterprise": false } }));
    assert_eq!(tier(&professional.get(AT).await), (403, true));
    assert_eq!(tier(&send(&professional, send_one("1")).await), (403, true));
    assert_eq!(professional.get("/events/v3/events/event-types").await.status, 200);
    let enterprise = account(Tier::Enterprise);
    enterprise.load(json!({ "settings": { "events_need_enterprise": true }, "tokens": [
        { "token": "sender", "kind": "private_app", "scopes": ["analytics.behavioral_events.send"] },
        { "token": "definer", "kind": "oauth", "scopes": ["behavioral_events.event_definitions.read_write"] }] }));
    let (sender, definer) = (enterprise.calling_as("sender"), enterprise.calling_as("definer"));
    assert_eq!(send(&sender, send_one("1")).await.status, 204);
    assert_eq!(definer.get(AT).await.status, 200);
    for (answer, scope) in [
        (sender.get(AT).await, "behavioral_events.event_definitions.read_write"),
        (send(&definer, send_one("2")).await, "analytics.behavioral_events.send"),
    ] {
        assert_eq!((answer.status, &answer.body["category"]), (403, &json!("MISSING_SCOPES")));
        assert_eq!(answer.errors()[0]["context"]["requiredGranularScopes"], json!([scope]));
    }
    assert_eq!(sender.get("/events/v3/events/event-types").await.status, 200, "reads need no scope but oauth");
}
