//! Property definitions, groups and an admin's validation rules (api.md 5).

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, text, unique_property};

const CONTACTS: &str = "/crm/properties/2026-09/contacts";

fn number(name: &str) -> Value {
    json!({ "name": name, "label": name, "type": "number", "fieldType": "number", "groupName": "contactinformation" })
}

fn string(name: &str) -> Value {
    json!({ "name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "contactinformation" })
}

#[tokio::test]
async fn a_batch_of_properties_is_made_one_by_one_and_each_refusal_names_its_property() {
    let account = Account::unlimited();
    let mut unknown_group = string("lost");
    unknown_group["groupName"] = json!("nope");
    let inputs = json!([number("score"), string("firstname"), unknown_group, string("plan")]);
    let made = account.post(&format!("{CONTACTS}/batch/create"), json!({ "inputs": inputs })).await;
    assert_eq!((made.status, made.results().len(), made.errors().len()), (207, 2, 2));
    assert_eq!((&made.body["status"], &made.body["numErrors"]), (&json!("COMPLETE"), &json!(2)));
    let taken = made.errors().iter().find(|error| error["category"] == "OBJECT_ALREADY_EXISTS").expect("one is taken");
    assert_eq!(taken["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    assert_eq!(taken["context"]["name"], json!(["firstname"]));
    let read = json!({ "archived": false, "dataSensitivity": "non_sensitive", "inputs": [{ "name": "score" }, { "name": "plan" }] });
    let read = account.post(&format!("{CONTACTS}/batch/read"), read).await;
    assert_eq!((read.status, read.results().len()), (200, 2));
    let archive = json!({ "inputs": [{ "name": "score" }, { "name": "score" }, { "name": "never" }] });
    assert_eq!(account.post(&format!("{CONTACTS}/batch/archive"), archive).await.status, 204, "idempotent");
    assert_eq!(account.get(&format!("{CONTACTS}/score")).await.status, 404);
    let archived = account.get(&format!("{CONTACTS}?archived=true")).await;
    assert_eq!((archived.results().len(), &archived.results()[0]["name"]), (1, &json!("score")));
    assert_eq!(archived.results()[0]["archived"], true);
}

#[tokio::test]
async fn a_property_is_unique_from_its_creation_or_never() {
    let account = Account::unlimited();
    let base = "/crm/properties/2026-09/companies";
    let unique = |name: &str| {
        let mut property = unique_property(name);
        property["groupName"] = json!("companyinformation");
        property
    };
    assert_eq!(account.post(base, unique("ext")).await.body["hasUniqueValue"], true);
    let mut plain = unique("plain");
    plain["hasUniqueValue"] = json!(false);
    assert_eq!(account.post(base, plain).await.status, 201);
    let patched = account.patch(&format!("{base}/plain"), json!({ "hasUniqueValue": true, "label": "P" })).await;
    assert_eq!(
        (patched.status, &patched.body["hasUniqueValue"], &patched.body["label"]),
        (200, &json!(false), &json!("P"))
    );
    let input = |key: &str| json!({ "id": "1", "idProperty": key, "properties": { "name": "One" } });
    let upsert = async |key: &str| {
        account.post("/crm/objects/2026-09/companies/batch/upsert", json!({ "inputs": [input(key)] })).await.status
    };
    assert_eq!((upsert("plain").await, upsert("ext").await), (400, 200));
    for at in 1..10 {
        assert_eq!(account.post(base, unique(&format!("ext{at}"))).await.status, 201);
    }
    assert_eq!(account.post(base, unique("ext10")).await.status, 400, "at most ten of a type");
    assert_eq!(account.send("DELETE", &format!("{base}/ext9"), Value::Null).await.status, 204);
    assert_eq!(account.post(base, unique("ext10")).await.status, 201);
    let mut on_products = unique("ext");
    on_products["groupName"] = json!("products_information");
    assert_eq!(account.post("/crm/properties/2026-09/products", on_products).await.status, 400);
}

#[tokio::test]
async fn a_definition_that_does_not_hold_together_is_refused() {
    let account = Account::unlimited();
    let with = |field: &str, value: Value| {
        let mut property = string("fresh");
        property[field] = value;
        property
    };
    let option = |value: &str| json!({ "label": value, "value": value, "displayOrder": 0, "hidden": false });
    for bad in [
        with("name", json!("Fresh")),
        with("name", json!("1st")),
        with("fieldType", json!("number")),
        with("groupName", json!("nope")),
        with("label", Value::Null),
        with("dataSensitivity", json!("sensitive")),
        json!({ "name": "flag", "label": "F", "type": "bool", "fieldType": "booleancheckbox", "groupName": "contactinformation", "options": [option("true")] }),
        json!({ "name": "pick", "label": "P", "type": "enumeration", "fieldType": "select", "groupName": "contactinformation", "options": [option("a"), option("a")] }),
    ] {
        let refused = account.post(CONTACTS, bad.clone()).await;
        assert_eq!(refused.status, 400, "{bad}");
    }
    let good = with("numberDisplayHint", json!("percentage"));
    let made = account.post(CONTACTS, good).await;
    assert_eq!((made.status, &made.body["numberDisplayHint"]), (201, &json!("percentage")));
    assert!(made.header("location").is_some_and(|location| location.ends_with("/contacts/fresh")));
    assert_eq!(account.patch(&format!("{CONTACTS}/fresh"), json!({ "fieldType": "number" })).await.status, 400);
    assert_eq!(account.patch(&format!("{CONTACTS}/nope"), json!({ "label": "N" })).await.status, 404);
    assert_eq!(account.patch(&format!("{CONTACTS}/firstname"), json!({ "label": "N" })).await.status, 400);
    assert_eq!(account.send("DELETE", &format!("{CONTACTS}/firstname"), Value::Null).await.status, 400);
}

#[tokio::test]
async fn a_property_in_use_is_not_archived() {
    let account = Account::unlimited();
    account.load(json!({
        "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "properties": [unique_property("vin")] }],
        "properties": { "contacts": [{ "name": "plan" }] },
        "rules": [{ "object": "contacts", "property": "plan", "type": "REQUIRED_ON_CREATE" }],
    }));
    for path in ["/crm/properties/2026-09/car/vin", "/crm/v3/properties/contacts/plan"] {
        let refused = account.send("DELETE", path, Value::Null).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.body["subCategory"], "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE");
    }
}

#[tokio::test]
async fn sensitive_properties_are_listed_only_where_they_are_asked_for() {
    let account = Account::unlimited();
    let mut secret = string("diagnosis");
    secret["dataSensitivity"] = json!("sensitive");
    let refused = account.post(CONTACTS, secret.clone()).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (400, &json!("PORTAL_NOT_ENABLED_FOR_SENSITIVE_DATA")));
    account.load(json!({ "settings": { "sensitive_data": true } }));
    assert_eq!(account.post(CONTACTS, secret).await.status, 201);
    let named = |answer: &[Value]| answer.iter().any(|property| property["name"] == "diagnosis");
    assert!(!named(account.get(CONTACTS).await.results()));
    assert!(named(account.get(&format!("{CONTACTS}?dataSensitivity=sensitive")).await.results()));
    let read =
        |level: &str| json!({ "archived": false, "dataSensitivity": level, "inputs": [{ "name": "diagnosis" }] });
    assert_eq!(account.post(&format!("{CONTACTS}/batch/read"), read("non_sensitive")).await.status, 207);
    assert_eq!(account.post(&format!("{CONTACTS}/batch/read"), read("sensitive")).await.status, 200);
}

#[tokio::test]
async fn groups_are_made_changed_and_archived_when_empty() {
    let account = Account::unlimited();
    let groups = format!("{CONTACTS}/groups");
    let mine = json!({ "name": "mine", "label": "Mine", "displayOrder": 3 });
    let made = account.post(&groups, mine.clone()).await;
    assert_eq!((made.status, &made.body["archived"]), (201, &json!(false)));
    assert_eq!(account.post(&groups, mine).await.status, 409);
    let patched = account.patch(&format!("{groups}/mine"), json!({ "label": "Ours" })).await;
    assert_eq!(
        (patched.status, &patched.body["label"], &patched.body["displayOrder"]),
        (200, &json!("Ours"), &json!(3))
    );
    let mut inside = string("inside");
    inside["groupName"] = json!("mine");
    assert_eq!(account.post(CONTACTS, inside).await.status, 201);
    let refused = account.send("DELETE", &format!("{groups}/mine"), Value::Null).await;
    assert_eq!(
        (refused.status, &refused.body["subCategory"]),
        (400, &json!("PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"))
    );
    let nested: Value = serde_json::from_str(refused.message()).expect("an error is nested in the message");
    assert_eq!(nested["status"], "error");
    assert_eq!(account.send("DELETE", &format!("{CONTACTS}/inside"), Value::Null).await.status, 204);
    assert_eq!(account.send("DELETE", &format!("{groups}/mine"), Value::Null).await.status, 204);
    let mut late = string("late");
    late["groupName"] = json!("mine");
    assert_eq!(account.post(CONTACTS, late).await.status, 400, "an archived group takes no properties");
    for (method, path) in [("GET", "/mine"), ("PATCH", "/nope"), ("DELETE", "/mine")] {
        let missing = account.send(method, &format!("{groups}{path}"), json!({})).await;
        assert_eq!((missing.status, &missing.body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    }
}

#[tokio::test]
async fn validation_rules_are_set_read_and_kept_by_every_write() {
    let account = Account::unlimited();
    account.load(json!({ "properties": { "contacts": [number("age"), string("code"), { "name": "born", "type": "date" }, { "name": "call_at", "type": "datetime" }] } }));
    let rules = "/crm/property-validations/2026-09/0-1";
    let set = async |property: &str, rule: &str, arguments: Value| {
        let path = format!("{rules}/{property}/rule-type/{rule}");
        account.put(&path, json!({ "ruleArguments": arguments, "shouldApplyNormalization": false })).await.status
    };
    assert_eq!(set("age", "MIN_NUMBER", json!(["1"])).await, 204);
    assert_eq!(set("age", "MIN_NUMBER", json!(["18"])).await, 204, "a rule of the same type is replaced");
    assert_eq!(set("age", "MAX_NUMBER", json!(["120"])).await, 204);
    assert_eq!(set("age", "DECIMAL", json!(["1"])).await, 204);
    assert_eq!(set("code", "ALPHANUMERIC", json!(["NUMERIC_ONLY"])).await, 204);
    assert_eq!(set("code", "MAX_LENGTH", json!(["4"])).await, 204);
    assert_eq!(set("born", "END_DATE", json!(["2020-01-01"])).await, 204);
    assert_eq!(set("call_at", "AFTER_DATETIME_DURATION", json!(["P7D"])).await, 204);
    assert_eq!(set("call_at", "DAYS_OF_WEEK", json!(["MONDAY"])).await, 204);
    for (property, rule, arguments) in [
        ("age", "MIN_LENGTH", json!(["1"])),
        ("age", "MIN_NUMBER", json!(["many"])),
        ("code", "NO_SUCH_RULE", json!([])),
        ("code", "REGEX", json!(["("])),
    ] {
        assert_eq!(set(property, rule, arguments).await, 400, "{rule}");
    }
    let all = account.get(rules).await;
    assert_eq!(all.results().len(), 4);
    let age = account.get(&format!("{rules}/age")).await;
    assert_eq!(age.results().len(), 3);
    let one = account.get("/crm/v3/property-validations/contacts/age/rule-type/MIN_NUMBER").await;
    assert_eq!(
        one.body,
        json!({ "ruleType": "MIN_NUMBER", "ruleArguments": ["18"], "shouldApplyNormalization": false })
    );
    assert_eq!(account.get(&format!("{rules}/age/rule-type/REGEX")).await.status, 404);
    for (property, value, code) in [
        ("age", "17", "MIN_NUMBER"),
        ("age", "121", "MAX_NUMBER"),
        ("age", "20.25", "DECIMAL"),
        ("code", "12a", "ALPHANUMERIC"),
        ("code", "12345", "MAX_LENGTH"),
        ("born", "2020-01-02", "END_DATE"),
        ("call_at", "2026-11-29T11:59:00Z", "AFTER_DATETIME_DURATION"),
        ("call_at", "2026-12-01T12:00:00Z", "DAYS_OF_WEEK"),
    ] {
        let create = json!({ "properties": { "firstname": "A", property: value } });
        let refused = account.post("/crm/objects/2026-09/contacts", create).await;
        assert_eq!((refused.status, &refused.embedded()[0]["error"]), (400, &json!(code)), "{property}={value}");
        assert_eq!(refused.embedded()[0]["name"], json!(property));
    }
    let good = json!({ "firstname": "A", "age": "18.5", "code": "1234", "born": "2019-12-31", "call_at": "2026-11-30T12:00:00Z" });
    account.make("contacts", good).await;
    assert_eq!(account.count("contacts").await, 1);
}

#[tokio::test]
async fn text_rules_look_at_domains_addresses_and_patterns() {
    let account = Account::unlimited();
    account.load(
        json!({ "properties": { "contacts": [string("mail"), string("web"), string("tel"), string("pattern")] } }),
    );
    for (property, rule, arguments, good, bad) in [
        ("mail", "EMAIL_ALLOWED_DOMAINS", json!(["example.com"]), "a@mail.example.com", "a@example.org"),
        ("mail", "EMAIL_BLOCKED_DOMAINS", json!(["bad.example.com"]), "a@example.com", "a@bad.example.com"),
        ("web", "URL", json!([]), "https://example.com/x", "example"),
        ("web", "URL_BLOCKED_DOMAINS", json!(["evil.com"]), "http://good.com", "http://www.evil.com/x"),
        ("tel", "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE", json!([]), "+49 731 12345", "0731 12345"),
        ("pattern", "REGEX", json!(["[A-Z]{2}|x"]), "AB", "ABC"),
        ("pattern", "MIN_LENGTH", json!(["2"]), "AB", "x"),
    ] {
        let path = format!("/crm/property-validations/2026-03/0-1/{property}/rule-type/{rule}");
        assert_eq!(account.put(&path, json!({ "ruleArguments": arguments })).await.status, 204, "{rule}");
        let post = async |value: &str| {
            let create = json!({ "properties": { "firstname": "A", property: value } });
            account.post("/crm/v3/objects/contacts", create).await
        };
        assert_eq!(post(good).await.status, 201, "{rule} takes {good}");
        assert_eq!(post(bad).await.embedded()[0]["error"], json!(rule), "{rule} refuses {bad}");
    }
}

#[tokio::test]
async fn the_account_tells_how_much_of_its_ceilings_it_uses_and_keeps_them() {
    let account = Account::new(Tier::Enterprise);
    let many: Vec<Value> = (0..1_000).map(|at| string(&format!("p{at}"))).collect();
    account.load(json!({ "properties": { "contacts": many } }));
    let told = account.get("/crm/limits/2026-09/custom-properties").await;
    let contacts = told.body["byObjectType"].as_array().unwrap().iter().find(|entry| entry["objectTypeId"] == "0-1");
    let contacts = contacts.expect("contacts are among the types");
    assert_eq!(
        (&contacts["usage"], &contacts["limit"], &contacts["percentage"]),
        (&json!(1_000), &json!(1_000), &json!(1.0))
    );
    assert_eq!(told.body["overallUsage"], 1_000);
    assert_eq!(account.post(CONTACTS, string("one_more")).await.status, 400);
    let schema = |name: &str| {
        json!({ "name": name, "labels": { "singular": name, "plural": format!("{name}s") }, "primaryDisplayProperty": "title",
            "properties": [{ "name": "title", "label": "T", "type": "string", "fieldType": "text" }] })
    };
    for at in 0..10 {
        assert_eq!(account.post("/crm-object-schemas/v3/schemas", schema(&format!("thing{at}"))).await.status, 201);
    }
    assert_eq!(account.post("/crm-object-schemas/v3/schemas", schema("thing10")).await.status, 400);
    let told = account.get("/crm/limits/2026-09/custom-object-types").await;
    assert_eq!((text(&told.body["usage"]), text(&told.body["limit"])), ("10".to_owned(), "10".to_owned()));
}
