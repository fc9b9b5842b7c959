//! OAuth as HubSpot has it: the page of consent, codes, refresh tokens, what is told of tokens, the end of a grant.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue};
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, Answer, text};

const READ: &str = "/crm/v3/objects/contacts";
const CLIENT: &str = "client_id=shop&client_secret=s3cret";
const LINK: &str =
    "client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1&scope=crm.objects.contacts.read";

fn shop() -> Account {
    let account = Account::new(Tier::Professional);
    account.load(json!({ "apps": [{ "client_id": "shop", "client_secret": "s3cret",
        "redirect_uris": ["https://shop.example/back?a=1"],
        "scopes": ["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.lists.read"] }] }));
    account
}

async fn form(account: &Account, path: &str, form: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    account.try_raw("POST", path, headers, Bytes::from(form.to_owned())).await.expect("no fault")
}

/// Where the page's form leads, and the code in it.
async fn press(account: &Account, fields: &str) -> (String, String) {
    let answer = form(account, "/oauth/authorize", fields).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.headers[LOCATION].to_str().expect("text").to_owned();
    let code = location.split("code=").nth(1).unwrap_or_default().split('&').next().unwrap_or_default().to_owned();
    (location, code)
}

fn exchange(code: &str, more: &str) -> String {
    format!(
        "grant_type=authorization_code&{CLIENT}&code={code}&redirect_uri=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1{more}"
    )
}

#[tokio::test(start_paused = true)]
async fn a_consent_leads_back_with_a_code_that_works_once() {
    let account = shop();
    let (location, code) = press(&account, &format!("{LINK}&optional_scope=crm.lists.read&state=a%20b%26c")).await;
    assert_eq!(location, format!("https://shop.example/back?a=1&code={code}&state=a%20b%26c"));
    let answer = form(&account, "/oauth/2026-09/token", &exchange(&code, "")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["scopes"], json!(["crm.lists.read", "crm.objects.contacts.read", "oauth"]));
    let holder = account.calling_as(&text(&answer.body["access_token"]));
    assert_eq!(holder.get(READ).await.status, 200);
    let refused = holder.post(READ, json!({ "properties": {} })).await;
    assert_eq!((refused.status, &refused.body["category"]), (403, &json!("MISSING_SCOPES")));
    let again = form(&account, "/oauth/2026-09/token", &exchange(&code, "")).await;
    assert_eq!((again.status, &again.body["status"]), (400, &json!("BAD_AUTH_CODE")));
    let (location, _) = press(&account, &format!("{LINK}&decision=deny&state=x")).await;
    assert!(location.contains("error=access_denied") && location.ends_with("state=x"), "{location}");
}

#[tokio::test(start_paused = true)]
async fn a_code_runs_out_and_is_bound_to_its_address_and_verifier() {
    let account = shop();
    let (_, code) = press(&account, LINK).await;
    account.advance(11 * 60 * 1000).await;
    assert_eq!(form(&account, "/oauth/v1/token", &exchange(&code, "")).await.body["status"], "BAD_AUTH_CODE");
    let (_, code) = press(&account, LINK).await;
    let elsewhere = exchange(&code, "").replace("shop.example", "other.example");
    assert_eq!(form(&account, "/oauth/v3/token", &elsewhere).await.body["status"], "BAD_REDIRECT_URI");
    let challenged =
        format!("{LINK}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");
    let (_, code) = press(&account, &challenged).await;
    assert_eq!(form(&account, "/oauth/v3/token", &exchange(&code, "")).await.body["status"], "BAD_CODE_VERIFIER");
    let (_, code) = press(&account, &challenged).await;
    let verifier = "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(form(&account, "/oauth/2026-03/token", &exchange(&code, verifier)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_link_shows_its_trouble_and_never_leads_back() {
    let account = shop();
    let good = account.sandbox.clone();
    let page = async |query: &str| {
        let path = format!("/oauth/authorize?{query}");
        let answer = good.handle(&http::Method::GET, &path, &HeaderMap::new(), Bytes::new()).await.expect("no fault");
        assert!(answer.headers()[CONTENT_TYPE].to_str().expect("text").starts_with("text/html"));
        assert!(!answer.headers().contains_key(LOCATION));
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).expect("text"))
    };
    let (status, shown) = page(&format!("{LINK}&state=%22%3E%3Cscript%3E")).await;
    assert_eq!(status, 200);
    assert!(shown.contains("Connect app") && !shown.contains("<script>"), "{shown}");
    for (query, words) in [
        (LINK.replace("=shop&", "=nobody&"), "Unknown client_id"),
        (LINK.replace("shop.example", "evil.example"), "match the registered redirect URL"),
        (format!("{LINK}&optional_scope=crm.objects.contacts.read"), "both scope and optional_scope"),
        (format!("{LINK}%20crm.objects.deals.read"), "scope mismatch"),
        (format!("{LINK}%20crm.objects.contacts"), "An invalid scope name was provided"),
        ("client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1".to_owned(), "Missing scope"),
    ] {
        let (status, shown) = page(&query).await;
        assert_eq!(status, 400, "{query}");
        assert!(shown.contains(words), "{query}: {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_tokens_rotate_where_the_account_is_set_so() {
    let account = Account::new(Tier::Professional);
    account.load(json!({ "settings": { "rotate_refresh_tokens": true } }));
    let refresh = |token: &str| {
        format!("grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret&refresh_token={token}")
    };
    let first = form(&account, "/oauth/2026-09/token", &refresh("sandbox-refresh")).await;
    let rotated = text(&first.body["refresh_token"]);
    assert_ne!(rotated, "sandbox-refresh");
    let old = form(&account, "/oauth/2026-09/token", &refresh("sandbox-refresh")).await;
    assert_eq!(old.body["status"], "BAD_REFRESH_TOKEN");
    assert_eq!(form(&account, "/oauth/v1/token", &refresh(&rotated)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_described_while_it_lives() {
    let account = Account::new(Tier::Professional);
    let client = "client_id=sandbox-client&client_secret=sandbox-secret";
    let answer =
        form(&account, "/oauth/v3/token", &format!("grant_type=refresh_token&{client}&refresh_token=sandbox-refresh"))
            .await;
    let access = text(&answer.body["access_token"]);
    account.advance(60_000).await;
    for version in ["v3", "2026-03", "2026-09"] {
        let path = format!("/oauth/{version}/token/introspect");
        let told = form(&account, &path, &format!("{client}&token_type_hint=access_token&token={access}")).await;
        assert_eq!((&told.body["active"], &told.body["expires_in"]), (&json!(true), &json!(1740)), "{version}");
        assert_eq!(told.body["signed_access_token"]["hublet"], "na1");
        let told = form(&account, &path, &format!("{client}&token=sandbox-refresh")).await;
        assert_eq!((&told.body["active"], &told.body["token_use"]), (&json!(true), &json!("refresh_token")));
        assert_eq!(form(&account, &path, &format!("{client}&token=x")).await.body, json!({ "active": false }));
        assert_eq!(form(&account, &path, "client_id=x&token=x").await.body["status"], "BAD_CLIENT_ID");
    }
    let told = account.get(&format!("/oauth/v1/access-tokens/{access}")).await;
    assert_eq!((told.status, &told.body["hub_id"]), (200, &json!(1_234_567)));
    assert_eq!(account.get("/oauth/v1/refresh-tokens/sandbox-refresh").await.body["client_id"], "sandbox-client");
    account.advance(29 * 60_000).await;
    assert_eq!(account.get(&format!("/oauth/v1/access-tokens/{access}")).await.status, 404);
    assert_eq!(account.send("DELETE", "/oauth/v1/refresh-tokens/sandbox-refresh", Value::Null).await.status, 204);
    assert_eq!(account.get("/oauth/v1/refresh-tokens/sandbox-refresh").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn an_uninstalled_app_is_shut_out_at_once_and_a_revoked_refresh_token_is_not() {
    let refresh =
        "grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret&refresh_token=sandbox-refresh";
    let holder_of = async |account: &Account| {
        let answer = form(account, "/oauth/v3/token", refresh).await;
        account.calling_as(&text(&answer.body["access_token"]))
    };
    let account = Account::new(Tier::Professional);
    let holder = holder_of(&account).await;
    account.send("DELETE", "/oauth/v1/refresh-tokens/sandbox-refresh", Value::Null).await;
    assert_eq!(holder.get(READ).await.status, 200, "it lives until it runs out");
    for by_hand in [false, true] {
        let account = Account::new(Tier::Professional);
        let holder = holder_of(&account).await;
        if by_hand {
            account.post("/_sandbox/uninstall", json!({ "client_id": "sandbox-client" })).await;
        } else {
            let by_token = account.send("DELETE", "/appinstalls/2026-09/external-install", Value::Null).await;
            assert_eq!(by_token.status, 403, "a private app's token uninstalls nothing");
            assert_eq!(holder.send("DELETE", "/appinstalls/2026-09/external-install", Value::Null).await.status, 204);
        }
        assert_eq!(holder.get(READ).await.status, 401);
        assert_eq!(form(&account, "/oauth/v3/token", refresh).await.body["status"], "BAD_REFRESH_TOKEN");
    }
}

#[tokio::test]
async fn apps_and_tokens_are_made_by_the_control_paths_too() {
    let account = Account::unlimited();
    let app = json!({ "client_id": "a", "client_secret": "b", "refresh_token": "c", "scopes": ["crm.lists.read"] });
    let told = account.post("/_sandbox/apps", app).await;
    assert_eq!((told.status, &told.results()[1]["installs"][0]["refresh_token"]), (200, &json!("c")));
    assert_eq!(account.get("/_sandbox/apps").await.body, told.body);
    let token = json!({ "token": "lister", "kind": "service_key", "scopes": ["crm.lists.read"] });
    assert_eq!(account.post("/_sandbox/tokens", token).await.status, 200);
    let lister = account.calling_as("lister");
    assert_eq!(lister.get("/crm/v3/lists").await.status, 200);
    assert_eq!(lister.get(READ).await.status, 403);
    assert_eq!(account.post("/_sandbox/apps", json!({ "client_id": "a" })).await.status, 400);
    assert_eq!(account.post("/_sandbox/uninstall", json!({ "client_id": "x" })).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn the_request_log_holds_no_secret_of_a_token_call() {
    let account = Account::new(Tier::Professional);
    let client = "client_id=sandbox-client&client_secret=sandbox-secret";
    let refresh = format!("grant_type=refresh_token&{client}&refresh_token=sandbox-refresh");
    let answer = form(&account, "/oauth/2026-09/token", &refresh).await;
    let access = text(&answer.body["access_token"]);
    let in_query = "/oauth/v1/token?client_secret=sandbox-secret&refresh_token=sandbox-refresh";
    let answer = form(&account, in_query, "grant_type=refresh_token&client_id=sandbox-client").await;
    assert_eq!(answer.status, 200, "v1 takes its secrets in the query too");
    form(&account, "/oauth/v4/token", &refresh).await;
    form(&account, "/oauth/v3/token/introspect", &format!("{client}&token={access}")).await;
    account.get(&format!("/oauth/v1/access-tokens/{access}")).await;
    account.get("/oauth/v1/refresh-tokens/sandbox-refresh").await;
    let info = json!({ "tokenKey": hubward_sandbox::TOKEN });
    account.post("/oauth/v2/private-apps/get/access-token-info", info).await;
    let log = account.get("/_sandbox/requests").await.body.to_string();
    for secret in ["sandbox-secret", "sandbox-refresh", &access, "sandbox-access", hubward_sandbox::TOKEN] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(log.contains("grant_type=refresh_token"), "{log}");
}

#[tokio::test]
async fn each_area_asks_for_its_scope_by_name() {
    let account = Account::new(Tier::Enterprise);
    account.load(json!({ "tokens": [
        { "token": "none", "kind": "oauth", "scopes": ["oauth"] },
        { "token": "contacts", "kind": "oauth", "scopes": ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"] }],
        "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "objectTypeId": "2-1",
            "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] }] }));
    let pair = json!({ "inputs": [{ "from": { "id": "1" }, "to": { "id": "2" } }] });
    let none = account.calling_as("none");
    for (method, path, body, scope) in [
        ("GET", "/crm/v3/objects/contacts", Value::Null, "crm.objects.contacts.read"),
        ("POST", "/crm/objects/2026-09/deals/batch/upsert", json!({ "inputs": [] }), "crm.objects.deals.write"),
        ("DELETE", "/crm/objects/2026-03/companies/1", Value::Null, "crm.objects.companies.write"),
        ("POST", "/crm/v3/objects/line_items/search", json!({}), "crm.objects.line_items.read"),
        ("GET", "/crm/v3/objects/2-1", Value::Null, "crm.objects.custom.read"),
        ("GET", "/crm/v3/properties/contacts", Value::Null, "crm.schemas.contacts.read"),
        ("POST", "/crm/v3/properties/contacts", json!({}), "crm.schemas.contacts.write"),
        ("GET", "/crm/v3/pipelines/deals", Value::Null, "crm.schemas.deals.read"),
        ("GET", "/crm/v3/property-validations/0-1", Value::Null, "crm.schemas.contacts.read"),
        ("GET", "/crm-object-schemas/v3/schemas", Value::Null, "crm.schemas.custom.read"),
        ("POST", "/crm-object-schemas/v3/schemas", json!({}), "crm.schemas.custom.write"),
        ("POST", "/crm/v4/associations/contacts/companies/batch/create", pair.clone(), "crm.objects.contacts.write"),
        ("POST", "/crm/v4/associations/contacts/companies/batch/read", pair.clone(), "crm.objects.contacts.read"),
        ("GET", "/crm/v4/associations/contacts/companies/labels", Value::Null, "crm.objects.contacts.read"),
        ("GET", "/crm/v3/lists", Value::Null, "crm.lists.read"),
        ("POST", "/crm/v3/lists", json!({}), "crm.lists.write"),
        ("PUT", "/crm/v3/lists/1/memberships/add", json!([]), "crm.lists.write"),
        ("POST", "/events/v3/send/batch", json!({ "inputs": [] }), "analytics.behavioral_events.send"),
        ("GET", "/events/v3/event-definitions", Value::Null, "behavioral_events.event_definitions.read_write"),
        ("GET", "/crm/v3/owners", Value::Null, "crm.objects.owners.read"),
        ("GET", "/crm/v3/limits/custom-object-types", Value::Null, "crm.objects.custom.read"),
        ("GET", "/crm/v3/limits/custom-properties", Value::Null, "crm.objects.contacts.read"),
    ] {
        let answer = none.send(method, path, body).await;
        assert_eq!((answer.status, &answer.body["category"]), (403, &json!("MISSING_SCOPES")), "{path}: {answer:?}");
        let named = answer.body.to_string();
        assert!(named.contains("requiredGranularScopes") && named.contains(scope), "{path}: {named}");
    }
    assert_eq!(none.get("/account-info/v3/details").await.status, 200, "whose account it is needs no scope");
    // an association is written to both records
    let contacts = account.calling_as("contacts");
    let refused = contacts.post("/crm/v4/associations/contacts/companies/batch/create", pair.clone()).await;
    assert_eq!(
        refused.errors()[0]["context"]["requiredGranularScopes"],
        json!(["crm.objects.companies.write"]),
        "{refused:?}"
    );
    let one = contacts.put("/crm/v4/objects/contacts/1/associations/default/companies/2", Value::Null).await;
    assert_eq!(one.status, 403, "{one:?}");
}
