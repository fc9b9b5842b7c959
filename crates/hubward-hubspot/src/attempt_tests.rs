use std::sync::Arc;

use hubward_core::SecretString;

use super::*;
use crate::config::ClientConfig;
use crate::requests::Input;
use crate::scripted::{Noon, Script, Step, client, token};
use crate::transport::Transport;

fn oauth() -> Auth {
    Auth::OAuth {
        client_id: "app".to_owned(),
        client_secret: SecretString::from("s3cret-of-the-app"),
        refresh_token: SecretString::from("r3fresh-token"),
    }
}

const EMPTY: &str = r#"{"results":[]}"#;
const INPUT: Input<'static> = Input { id: Some("a@example.com"), properties: &[], trace_id: Some("0") };

async fn upsert(client: &Client) -> Result<crate::BatchReply, ApiError> {
    client.batch_upsert("contacts", Some("email"), &[INPUT], &CallMeta::default()).await
}

async fn create(client: &Client) -> Result<crate::BatchReply, ApiError> {
    client.batch_create("contacts", &[INPUT], &CallMeta::default()).await
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_write_is_repeated_after_faults_that_may_have_carried_it_out() {
    let script = Script::of(vec![
        Step::Answer(502, &[], "<html>"),
        Step::Broken(TransportErrorKind::Lost),
        Step::Broken(TransportErrorKind::TimedOut),
        Step::Answer(524, &[], ""),
        Step::Answer(200, &[], "cut sho"),
        Step::Answer(200, &[("x-hubspot-correlation-id", "c-9")], EMPTY),
    ]);
    let (client, log) = client(&script, token("t"));
    let reply = upsert(&client).await.expect("the last answer stands");
    assert_eq!(reply.attempts, 6);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.correlation_id.as_deref(), Some("c-9"));
    let outcomes: Vec<AttemptOutcome> = log.entries().iter().map(|entry| entry.1).collect();
    assert_eq!(outcomes[..5], [AttemptOutcome::Retried; 5]);
    assert_eq!(outcomes[5], AttemptOutcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_create_is_never_repeated_when_it_may_have_happened() {
    for step in [
        Step::Answer(500, &[], ""),
        Step::Answer(524, &[], ""),
        Step::Answer(201, &[], "cut sho"),
        Step::Broken(TransportErrorKind::Lost),
        Step::Broken(TransportErrorKind::TimedOut),
    ] {
        let script = Script::of(vec![step]);
        let (client, log) = client(&script, token("t"));
        let error = create(&client).await.expect_err("unknown");
        assert_eq!(error.kind, ErrorKind::Unknown, "{error}");
        assert_eq!(error.attempts, 1);
        assert_eq!(log.entries()[0].1, AttemptOutcome::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_when_it_certainly_did_not_happen() {
    let script = Script::of(vec![
        Step::Broken(TransportErrorKind::NotSent),
        Step::Answer(423, &[], "{}"),
        Step::Answer(429, &[], r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
        Step::Answer(201, &[], EMPTY),
    ]);
    let (client, log) = client(&script, token("t"));
    let began = Instant::now();
    let reply = create(&client).await.expect("created at last");
    assert_eq!(reply.attempts, 4);
    assert!(began.elapsed() >= Duration::from_secs(2), "a lock lasts two seconds");
    assert_eq!(log.entries()[2].1, AttemptOutcome::Throttled);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_tells_what_was_wrong() {
    let body = r#"{"message":"Property values were not valid: [{\"message\":\"x was not a valid number\",\"error\":\"INVALID_INTEGER\",\"name\":\"amount\"}]","category":"VALIDATION_ERROR"}"#;
    let script = Script::of(vec![Step::Answer(400, &[], body)]);
    let (client, _) = client(&script, token("t"));
    let error = upsert(&client).await.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.issues[0].value.as_deref(), Some("x"));
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let script = Script::of((0..8).map(|_| Step::Answer(503, &[], "")).collect());
    let (client, _) = client(&script, token("t"));
    let error = upsert(&client).await.expect_err("given up");
    assert_eq!((error.kind, error.attempts), (ErrorKind::Server, 8));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_request_outlives_the_bound_of_attempts() {
    let refused = r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#;
    let mut steps: Vec<Step> = (0..12).map(|_| Step::Answer(429, &[], refused)).collect();
    steps.push(Step::Answer(200, &[], EMPTY));
    let script = Script::of(steps);
    let (client, _) = client(&script, token("t"));
    assert_eq!(upsert(&client).await.expect("through").attempts, 13);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_ends_after_ten_minutes() {
    let refused = r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#;
    let script = Script::of((0..500).map(|_| Step::Answer(429, &[], refused)).collect());
    let (client, _) = client(&script, token("t"));
    let began = Instant::now();
    let error = upsert(&client).await.expect_err("given up");
    assert_eq!(error.kind, ErrorKind::BurstLimit);
    assert!(began.elapsed() <= Duration::from_secs(11 * 60));
    assert!(began.elapsed() >= Duration::from_secs(9 * 60));
}

#[tokio::test(start_paused = true)]
async fn the_time_that_hubspot_asks_for_is_given() {
    let script = Script::of(vec![
        Step::Answer(503, &[("retry-after", "40")], ""),
        Step::Answer(477, &[("retry-after", "20")], ""),
        Step::Answer(200, &[], EMPTY),
    ]);
    let (client, _) = client(&script, token("t"));
    let began = Instant::now();
    upsert(&client).await.expect("through");
    assert!(began.elapsed() >= Duration::from_secs(60));

    let script = Script::of(vec![Step::Answer(477, &[("retry-after", "7200")], "")]);
    let (client, _) = super::tests::client(&script, token("t"));
    let error = upsert(&client).await.expect_err("too long");
    assert_eq!(error.kind, ErrorKind::Migrating);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_day_stops_at_once_and_then_sends_nothing() {
    let script = Script::of(vec![Step::Answer(429, &[], r#"{"policyName":"DAILY"}"#)]);
    let (client, _) = client(&script, token("t"));
    for attempts in [1, 0] {
        let error = upsert(&client).await.expect_err("no day left");
        assert_eq!((error.kind, error.attempts), (ErrorKind::DailyLimit, attempts));
    }
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_oauth_token_is_fetched_once_and_renewed_once_after_a_401() {
    let script = Script::of(vec![
        Step::Answer(200, &[], r#"{"access_token":"first-access","expires_in":1800}"#),
        Step::Answer(401, &[], r#"{"category":"EXPIRED_AUTHENTICATION"}"#),
        Step::Answer(
            200,
            &[],
            r#"{"access_token":"second-access","refresh_token":"rotated-refresh","expires_in":1800}"#,
        ),
        Step::Answer(200, &[], EMPTY),
        Step::Answer(200, &[], EMPTY),
    ]);
    let (client, log) = client(&script, oauth());
    upsert(&client).await.expect("renewed");
    upsert(&client).await.expect("still fresh");
    assert_eq!(script.authorization(1), "Bearer first-access");
    assert_eq!(script.authorization(3), "Bearer second-access");
    assert_eq!(script.authorization(4), "Bearer second-access");
    assert_eq!(script.seen(0, |request| request.url.clone()), "https://api.hubapi.com/oauth/2026-09/token");
    let form = script.seen(0, |request| String::from_utf8_lossy(&request.body).into_owned());
    assert!(form.contains("grant_type=refresh_token"), "{form}");
    assert!(form.contains("refresh_token=r3fresh-token"), "{form}");
    for (_, _, shown) in log.entries() {
        for secret in ["s3cret", "r3fresh", "first-access", "second-access", "rotated"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let shown = format!("{:?}", client.inner.config);
    assert!(!shown.contains("s3cret") && !shown.contains("r3fresh"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn an_access_token_is_renewed_before_it_runs_out() {
    let script = Script::of(vec![
        Step::Answer(200, &[], r#"{"access_token":"first","expires_in":1800}"#),
        Step::Answer(200, &[], EMPTY),
        Step::Answer(200, &[], r#"{"access_token":"second","expires_in":1800}"#),
        Step::Answer(200, &[], EMPTY),
    ]);
    let (client, _) = client(&script, oauth());
    upsert(&client).await.expect("fetched");
    tokio::time::advance(Duration::from_secs(1_790)).await;
    upsert(&client).await.expect("renewed");
    assert_eq!(script.authorization(3), "Bearer second");
}

#[tokio::test(start_paused = true)]
async fn a_revoked_refresh_token_needs_a_person_and_names_no_secret() {
    let body = r#"{"status":"BAD_REFRESH_TOKEN","message":"refresh token is invalid, expired or revoked","error":"invalid_grant"}"#;
    let script = Script::of(vec![Step::Answer(400, &[], body)]);
    let (client, _) = client(&script, oauth());
    let error = upsert(&client).await.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::GrantRefused);
    let remedy = error.remedy().expect("a person must act");
    assert!(remedy.contains("refresh_token"), "{remedy}");
    assert!(!format!("{error:?}{error}{remedy}").contains("r3fresh"));
}

#[tokio::test(start_paused = true)]
async fn many_tasks_share_one_renewal() {
    let mut steps = vec![Step::Answer(200, &[], r#"{"access_token":"first","expires_in":1800}"#)];
    steps.extend((0..10).map(|_| Step::Answer(200, &[], EMPTY)));
    let script = Script::of(steps);
    let (client, _) = client(&script, oauth());
    let mut tasks = Vec::new();
    for _ in 0..10 {
        let client = client.clone();
        tasks.push(tokio::spawn(async move { upsert(&client).await.is_ok() }));
    }
    for task in tasks {
        assert!(task.await.expect("no panic"));
    }
    assert_eq!(script.sent(), 11);
}

#[tokio::test(start_paused = true)]
async fn an_eu_token_finds_its_host_once_and_keeps_it() {
    let script = Script::of(vec![
        Step::Answer(401, &[], r#"{"category":"INVALID_AUTHENTICATION"}"#),
        Step::Answer(200, &[], EMPTY),
        Step::Answer(200, &[], EMPTY),
    ]);
    let (client, _) = client(&script, token("pat-eu1-0000-1111"));
    upsert(&client).await.expect("found");
    upsert(&client).await.expect("kept");
    let host = |index| script.seen(index, |request| request.url.starts_with("https://api-eu1.hubapi.com/"));
    assert_eq!([host(0), host(1), host(2)], [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_is_refused_once_and_a_given_host_is_never_left() {
    let refused = r#"{"message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}"#;
    let script = Script::of(vec![Step::Answer(401, &[], refused)]);
    let mut config = ClientConfig::new(token("pat-eu1-0000-1111"));
    config.base_url = "http://127.0.0.1:8089".to_owned();
    let transport: Arc<dyn Transport> = Arc::<Script>::clone(&script);
    let client = Client::new(config, transport, Arc::new(Noon), None);
    let error = upsert(&client).await.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::InvalidToken);
    assert_eq!(script.sent(), 1);
    assert!(!format!("{error:?}").contains("0000-1111"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_no_header_is_refused_before_sending() {
    let script = Script::of(Vec::new());
    let (client, _) = client(&script, token("pat-na1-\n"));
    let error = upsert(&client).await.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::InvalidToken);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_there_is_none() {
    let script = Script::of(vec![
        Step::Answer(404, &[], r#"{"status":"error","message":"resource not found"}"#),
        Step::Answer(404, &[], "<html>"),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    let none = client.read_record("contacts", "1", None, &[], &meta).await;
    assert_eq!(none.expect("an answer"), None);
    let error = client.read_record("contacts", "1", None, &[], &meta).await.expect_err("no path");
    assert_eq!(error.kind, ErrorKind::NoSuchPath);
}

#[tokio::test(start_paused = true)]
async fn owners_are_read_to_the_last_page_and_scopes_without_showing_the_token() {
    let script = Script::of(vec![
        Step::Answer(
            200,
            &[],
            r#"{"results":[{"id":"1","email":"a@example.com","firstName":"A","lastName":"B","userId":7}],"paging":{"next":{"after":"100"}}}"#,
        ),
        Step::Answer(200, &[], r#"{"results":[{"id":"2","archived":true,"userId":null}]}"#),
        Step::Answer(
            200,
            &[],
            r#"{"hubId":1234567,"userId":42,"appId":9,"scopes":["oauth","crm.objects.contacts.read"]}"#,
        ),
    ]);
    let (client, log) = client(&script, token("pat-na1-hidden"));
    let owners = client.owners().await.expect("owners");
    assert_eq!(owners.len(), 2);
    assert_eq!(owners[0].user_id, Some(7));
    assert!(script.seen(1, |request| request.url.ends_with("?limit=100&after=100")));
    let info = client.token_info().await.expect("scopes");
    assert_eq!(info.hub_id, Some(1_234_567));
    assert_eq!(info.scopes.len(), 2);
    for (_, _, shown) in log.entries() {
        assert!(!shown.contains("hidden"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answered_is_given_up_within_seconds_and_a_known_one_is_not() {
    let broken = || Step::Broken(TransportErrorKind::NotSent);
    let script = Script::of((0..3).map(|_| broken()).collect());
    let (stranger, _) = client(&script, token("t"));
    let began = Instant::now();
    let error = upsert(&stranger).await.expect_err("nobody there");
    assert_eq!((error.kind, error.attempts), (ErrorKind::NotSent, 3));
    assert!(began.elapsed() < Duration::from_secs(5));

    let mut steps = vec![Step::Answer(200, &[], EMPTY)];
    steps.extend((0..6).map(|_| broken()));
    steps.push(Step::Answer(200, &[], EMPTY));
    let script = Script::of(steps);
    let (known, _) = client(&script, token("t"));
    upsert(&known).await.expect("there");
    assert_eq!(upsert(&known).await.expect("back again").attempts, 7);
}

#[tokio::test(start_paused = true)]
async fn absurd_times_in_headers_and_tokens_do_no_harm() {
    let forever = &[("retry-after", "18446744073709551615")];
    let script = Script::of(vec![
        Step::Answer(200, &[], r#"{"access_token":"a","expires_in":18446744073709551615}"#),
        Step::Answer(429, forever, r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
        Step::Answer(503, forever, ""),
        Step::Answer(
            200,
            &[
                ("x-hubspot-ratelimit-max", "4294967295"),
                ("x-hubspot-ratelimit-remaining", "0"),
                ("x-hubspot-ratelimit-interval-milliseconds", "18446744073709551615"),
            ],
            EMPTY,
        ),
    ]);
    let (client, _) = client(&script, oauth());
    let error = upsert(&client).await.expect_err("no one waits that long");
    assert_eq!(error.kind, ErrorKind::BurstLimit);
    let error = upsert(&client).await.expect_err("no one waits that long");
    assert_eq!(error.kind, ErrorKind::Server);
    upsert(&client).await.expect("an answer");
    let burst = client.limiter().snapshot().burst;
    assert_eq!(burst.interval, Duration::from_secs(10));
    assert_eq!(burst.remaining, 0);
}
