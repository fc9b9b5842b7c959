//! Items 29 to 31 and 33: limits over time, tokens that expire.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, Answer, text};

const READ: &str = "/crm/v3/objects/contacts";

#[tokio::test(start_paused = true)]
async fn item_29_the_burst_limit_rolls_over_ten_seconds_for_each_app() {
    let account = Account::new(Tier::Professional);
    account.load(json!({ "tokens": [{ "token": "other", "kind": "private_app" }] }));
    for at in 0..190_u32 {
        if at == 100 {
            tokio::time::advance(Duration::from_secs(6)).await;
        }
        let answer = account.get(READ).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-hubspot-ratelimit-max"), Some("190"));
        assert_eq!(answer.header("x-hubspot-ratelimit-remaining"), Some(&*(189 - at).to_string()));
        assert_eq!(answer.header("x-hubspot-ratelimit-interval-milliseconds"), Some("10000"));
    }
    let refused = account.get(READ).await;
    assert_eq!((refused.status, &refused.body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    assert_eq!(refused.message(), "You have reached your ten_secondly_rolling limit.");
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(account.calling_as("other").get(READ).await.status, 200, "another app has its own window");
    tokio::time::advance(Duration::from_millis(3_999)).await;
    assert_eq!(account.get(READ).await.status, 429, "the window is not over yet");
    tokio::time::advance(Duration::from_millis(1)).await;
    // the first hundred have left the window, the other ninety have not
    let mut passed = 0;
    while account.get(READ).await.status == 200 {
        passed += 1;
    }
    assert_eq!(passed, 100);
}

#[tokio::test(start_paused = true)]
async fn item_30_the_daily_limit_is_the_accounts_and_ends_at_its_midnight() {
    let account = Account::unlimited();
    account.load(
        json!({ "tokens": [{ "token": "other", "kind": "service_key" }, { "token": "oauth", "kind": "oauth" }] }),
    );
    account.put("/_sandbox/limits", json!({ "daily": 3 })).await;
    let first = account.get(READ).await;
    assert_eq!(
        (first.header("x-hubspot-ratelimit-daily"), first.header("x-hubspot-ratelimit-daily-remaining")),
        (Some("3"), Some("2"))
    );
    assert_eq!(account.calling_as("other").get(READ).await.header("x-hubspot-ratelimit-daily-remaining"), Some("1"));
    assert_eq!(account.get(READ).await.status, 200);
    let refused = account.calling_as("other").get(READ).await;
    assert_eq!(
        (refused.status, &refused.body["policyName"], refused.message()),
        (429, &json!("DAILY"), "You have reached your daily limit.")
    );
    let oauth = account.calling_as("oauth").get(READ).await;
    assert_eq!((oauth.status, oauth.header("x-hubspot-ratelimit-daily")), (200, None));
    // it is 07:00 in US/Eastern: seventeen hours until midnight
    account.advance(17 * 3_600_000 - 1_000).await;
    assert_eq!(account.get(READ).await.status, 429);
    account.advance(1_000).await;
    assert_eq!(account.get(READ).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn item_31_associations_do_not_draw_from_the_ten_second_budget() {
    let account = Account::new(Tier::Professional);
    account.put("/_sandbox/limits", json!({ "burst": 2, "association_burst": 3 })).await;
    let path = "/crm/associations/2026-09/contacts/companies/batch/read";
    for _ in 0..3 {
        let answer = account.post(path, json!({ "inputs": [] })).await;
        assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-max")), (200, None));
    }
    assert_eq!(account.post(path, json!({ "inputs": [] })).await.status, 429);
    assert_eq!(account.get(READ).await.header("x-hubspot-ratelimit-remaining"), Some("1"));
    assert_eq!(account.get(READ).await.status, 200);
    assert_eq!(account.get(READ).await.status, 429);
}

async fn token(account: &Account, path: &str, form: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    account.try_raw("POST", path, headers, Bytes::from(form.to_owned())).await.expect("no fault")
}

#[tokio::test(start_paused = true)]
async fn item_33_an_access_token_expires_and_a_revoked_refresh_token_is_refused() {
    let account = Account::new(Tier::Professional);
    let client = "client_id=sandbox-client&client_secret=sandbox-secret";
    let refresh = format!("grant_type=refresh_token&{client}&refresh_token=sandbox-refresh");
    let answer = token(&account, "/oauth/2026-09/token", &refresh).await;
    assert_eq!(
        (answer.status, &answer.body["expires_in"], &answer.body["hub_id"]),
        (200, &json!(1800), &json!(1_234_567))
    );
    let holder = account.calling_as(&text(&answer.body["access_token"]));
    assert_eq!(holder.get(READ).await.status, 200);
    account.advance(30 * 60 * 1000).await;
    let expired = holder.get(READ).await;
    assert_eq!((expired.status, &expired.body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    let again = token(&account, "/oauth/v1/token", &refresh).await;
    assert_eq!((again.status, again.body.get("hub_id")), (200, None));
    assert_eq!(account.calling_as(&text(&again.body["access_token"])).get(READ).await.status, 200);
    assert_eq!(token(&account, "/oauth/v3/token/revoke", &format!("{client}&token=sandbox-refresh")).await.status, 204);
    let refused = token(&account, "/oauth/2026-03/token", &refresh).await;
    assert_eq!(
        (refused.status, &refused.body["status"], &refused.body["error"]),
        (400, &json!("BAD_REFRESH_TOKEN"), &json!("invalid_grant"))
    );
    let query = format!("/oauth/2026-09/token?{refresh}");
    assert_eq!(token(&account, &query, "").await.body["status"], "BAD_CLIENT_ID", "dated versions take the body only");
}

#[tokio::test(start_paused = true)]
async fn latency_is_added_to_every_answer_but_the_controls() {
    let account = Account::with(Tier::Professional, Duration::from_millis(400));
    let before = tokio::time::Instant::now();
    account.get(READ).await;
    assert_eq!(before.elapsed(), Duration::from_millis(400));
    account.get("/_sandbox/stats").await;
    assert_eq!(before.elapsed(), Duration::from_millis(400));
}

#[tokio::test]
async fn each_tier_has_its_own_limits() {
    for (tier, burst, daily) in [
        (Tier::Free, Some("100"), Some("250000")),
        (Tier::Professional, Some("190"), Some("625000")),
        (Tier::Enterprise, Some("190"), Some("1000000")),
        (Tier::Addon, Some("250"), Some("2000000")),
        (Tier::OAuth, Some("110"), None),
        (Tier::Unlimited, None, None),
    ] {
        let answer = Account::new(tier).get(READ).await;
        assert_eq!(
            (answer.header("x-hubspot-ratelimit-max"), answer.header("x-hubspot-ratelimit-daily")),
            (burst, daily),
            "{tier}"
        );
        assert_eq!(tier.to_string().parse::<Tier>().unwrap(), tier);
    }
    assert!("Free".parse::<Tier>().is_err());
    let usage = Account::new(Tier::Professional).get("/account-info/2026-03/api-usage/daily/private-apps").await;
    assert_eq!(usage.body["results"][0]["usageLimit"], json!(625_000));
    let _: &Value = &usage.body;
}
