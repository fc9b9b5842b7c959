//! What the sandbox answers otherwise than HubSpot's OpenAPI documents say, and takes although they do not, is what the
//! table of exceptions lists: nothing beyond it, which every test's harness sees to, and nothing less.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use hubward_conformance::{Part, SKIPPED, documents_present, unused};
use hubward_sandbox::{TOKEN, Tier};
use serde_json::{Value, json};

use crate::harness::{Account, Answer, unique_property};

async fn form(account: &Account, path: &str, form: &'static str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    account.try_raw("POST", path, headers, Bytes::from_static(form.as_bytes())).await.expect("no fault")
}

async fn objects(account: &Account) {
    const AT: &str = "/crm/objects/2026-09/contacts";
    account.load(json!({ "properties": { "contacts": [unique_property("key")] } }));
    let contact = account.make("contacts", json!({ "email": "a@example.com", "firstname": 12 })).await;
    let company = account.make("companies", json!({ "name": "A" })).await;
    let sorts = json!([{ "propertyName": "createdate", "direction": "ASCENDING" }]);
    account.post(&format!("{AT}/search"), json!({ "sorts": sorts })).await;
    account.get(&format!("{AT}/{contact}?properties=city")).await;
    account.get(&format!("{AT}/1")).await;
    account.post(&format!("{AT}/batch/read"), json!({ "inputs": [{ "id": contact }, { "id": "1" }] })).await;
    let pair = json!({ "inputs": [{ "from": { "id": contact }, "to": { "id": company },
        "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279 }] }] });
    let bad = json!({ "inputs": [{ "from": { "id": 1 }, "to": { "id": company } }] });
    account.post("/crm/associations/2026-09/contacts/companies/batch/create", pair).await;
    account.post("/crm/associations/2026-09/contacts/companies/batch/associate/default", bad).await;
    let itself = json!({ "inputs": [{ "from": { "id": contact }, "to": { "id": contact } }] });
    account.post("/crm/associations/2026-09/contacts/contacts/batch/associate/default", itself).await;
    account.get("/crm/v3/objects/contacts?archived=True").await;
    account.get(&format!("{AT}/{contact}/associations/companies")).await;
}

async fn definitions(account: &Account) {
    const PROPERTIES: &str = "/crm/properties/2026-09/contacts";
    account.load(json!({ "owners": [{ "id": 1, "email": "o@example.com", "archived": true }] }));
    account.get("/crm/owners/2026-09?archived=true").await;
    let property = json!({ "name": "size", "label": "Size", "type": "enumeration", "fieldType": "select",
        "groupName": "contactinformation", "numberDisplayHint": "percentage", "options": [{ "label": "S", "value": "s" }] });
    account.post(PROPERTIES, property).await;
    account.patch(&format!("{PROPERTIES}/size"), json!({ "hasUniqueValue": true })).await;
    let inputs = json!([{ "name": "size" }, { "name": "nothing" }]);
    account.post(&format!("{PROPERTIES}/batch/read"), json!({ "archived": false, "inputs": inputs })).await;
    let stages = json!([{ "label": "Open", "metadata": { "probability": 0.5 } }, { "label": "Won", "metadata": { "probability": 1 } }]);
    account.post("/crm/pipelines/2026-09/deals", json!({ "label": "P", "displayOrder": 1, "stages": stages })).await;
    let schema = json!({ "name": "boats", "labels": { "singular": "Boat", "plural": "Boats" },
        "primaryDisplayProperty": "name", "requiredProperties": ["name"],
        "properties": [{ "name": "name", "label": "Name", "type": "string", "fieldType": "text" }] });
    account.post("/crm-object-schemas/2026-09/schemas", schema).await;
}

async fn lists(account: &Account) {
    const AT: &str = "/crm/lists/2026-09";
    account.load(json!({ "settings": { "list_answers_omit_empty": true }, "lists": [{ "name": "L", "objectTypeId": "0-1", "listId": 1 }] }));
    account.put(&format!("{AT}/1/memberships/add"), json!(["1"])).await;
}

async fn tokens(account: &Account) {
    const GOOD: &str =
        "grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret&refresh_token=sandbox-refresh";
    form(account, "/oauth/2026-09/token", GOOD).await;
    form(account, "/oauth/2026-09/token", "grant_type=refresh_token&client_id=nobody").await;
    form(account, "/oauth/v1/token", GOOD).await;
    account.post("/oauth/v2/private-apps/get/access-token-info", json!({ "tokenKey": TOKEN })).await;
    const NOBODYS: &str = "client_id=sandbox-client&client_secret=sandbox-secret&token=x";
    form(account, "/oauth/v3/token/introspect", NOBODYS).await;
    const OWN: &str = "client_id=sandbox-client&client_secret=sandbox-secret&token=sandbox-refresh";
    form(account, "/oauth/2026-09/token/introspect", OWN).await;
    account.get("/oauth/authorize?client_id=sandbox-client&redirect_uri=https%3A%2F%2Fa.example&scope=oauth").await;
    let granted = form(account, "/oauth/2026-09/token", GOOD).await;
    let holder = account.calling_as(granted.body["access_token"].as_str().expect("a token"));
    holder.send("DELETE", "/appinstalls/2026-09/external-install", Value::Null).await;
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
async fn every_exception_to_hubspots_documents_is_still_needed() {
    if !documents_present() {
        println!("{SKIPPED}");
        return;
    }
    let account = Account::with(Tier::Enterprise, Duration::ZERO);
    objects(&account).await;
    definitions(&account).await;
    lists(&account).await;
    tokens(&account).await;
    let daily = json!([{ "match": { "method": "GET" }, "do": { "status": 429, "policy": "DAILY" } }]);
    account.post("/_sandbox/faults", daily).await;
    assert_eq!(account.get("/crm/v3/objects/contacts").await.status, 429);
    for part in [Part::Taken, Part::Answer] {
        let unused = unused(part, &account.excused());
        assert!(unused.is_empty(), "these exceptions cover nothing; take them out of the table: {unused:#?}");
    }
}
