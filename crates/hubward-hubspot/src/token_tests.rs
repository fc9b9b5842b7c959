use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::{ErrorKind, ExposeSecret as _, SecretString};

use super::GrantKeeper;
use crate::client::Client;
use crate::config::Auth;
use crate::error::ApiError;
use crate::scripted::{Script, Step, client};
use crate::transport::TransportErrorKind;

const DETAILS: &str = r#"{"portalId":1}"#;
const GRANTED: &str = r#"{"access_token":"first-access","refresh_token":"r3fresh-token","expires_in":1800}"#;
const ROTATED: &str = r#"{"access_token":"second-access","refresh_token":"rotated-1","expires_in":1800}"#;
const REVOKED: &str =
    r#"{"status":"BAD_REFRESH_TOKEN","message":"refresh token r3fresh-token is revoked","error":"invalid_grant"}"#;

fn oauth() -> Auth {
    Auth::OAuth {
        client_id: "app".to_owned(),
        client_secret: SecretString::from("s3cret-of-app".to_owned()),
        refresh_token: SecretString::from("r3fresh-token".to_owned()),
    }
}

async fn ask(client: &Client) -> Result<(), ApiError> {
    client.account().await.map(|_| ())
}

/// Remembers what was rotated, and says what it was told to say.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl GrantKeeper for Kept {
    fn current(&self) -> Option<SecretString> {
        self.0.lock().expect("no panic").last().map(|token| SecretString::from(token.clone()))
    }

    fn rotated(&self, token: &SecretString) {
        self.0.lock().expect("no panic").push(token.expose_secret().to_owned());
    }
}

fn form(script: &Script, index: usize) -> String {
    script.seen(index, |request| String::from_utf8_lossy(&request.body).into_owned())
}

fn path(script: &Script, index: usize) -> String {
    script.seen(index, |request| request.url.clone())
}

#[tokio::test(start_paused = true)]
async fn a_rotated_refresh_token_is_handed_over_before_it_is_used_and_used_from_then_on() {
    let script = Script::of(vec![
        Step::Answer(200, &[], ROTATED),
        Step::Answer(200, &[], DETAILS),
        Step::Answer(200, &[], r#"{"access_token":"third","refresh_token":"rotated-2","expires_in":1800}"#),
        Step::Answer(200, &[], DETAILS),
    ]);
    let (client, _) = client(&script, oauth());
    let kept = Arc::new(Kept::default());
    client.keep_grants(Arc::<Kept>::clone(&kept));
    ask(&client).await.expect("granted");
    assert_eq!(*kept.0.lock().expect("no panic"), ["rotated-1"]);
    tokio::time::advance(Duration::from_secs(1_790)).await;
    ask(&client).await.expect("renewed");
    assert!(form(&script, 2).contains("refresh_token=rotated-1"));
    assert_eq!(*kept.0.lock().expect("no panic"), ["rotated-1", "rotated-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_stays_the_same_is_handed_to_nobody() {
    let script = Script::of(vec![Step::Answer(200, &[], GRANTED), Step::Answer(200, &[], DETAILS)]);
    let (client, _) = client(&script, oauth());
    let kept = Arc::new(Kept::default());
    client.keep_grants(Arc::<Kept>::clone(&kept));
    ask(&client).await.expect("granted");
    assert!(kept.0.lock().expect("no panic").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kept_token_that_is_refused_gives_way_to_the_configured_one() {
    let script = Script::of(vec![
        Step::Answer(400, &[], REVOKED),
        Step::Answer(200, &[], GRANTED),
        Step::Answer(200, &[], DETAILS),
    ]);
    let (client, _) = client(&script, oauth());
    let kept = Arc::new(Kept::default());
    kept.rotated(&SecretString::from("outlived".to_owned()));
    client.keep_grants(kept);
    ask(&client).await.expect("the configured one still works");
    assert!(form(&script, 0).contains("refresh_token=outlived"));
    assert!(form(&script, 1).contains("refresh_token=r3fresh-token"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_shared_by_all_who_wait_and_asked_for_again_later() {
    let script = Script::of(vec![
        Step::Answer(400, &[], REVOKED),
        Step::Answer(200, &[], GRANTED),
        Step::Answer(200, &[], DETAILS),
    ]);
    let (client, log) = client(&script, oauth());
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let client = client.clone();
        tasks.push(tokio::spawn(async move { ask(&client).await }));
    }
    for task in tasks {
        let error = task.await.expect("no panic").expect_err("refused");
        assert_eq!(error.kind, ErrorKind::GrantRefused);
        assert!(error.needs_authorisation());
        assert!(error.remedy().expect("a person must act").contains("install the app again"));
        assert!(!format!("{error:?}").contains("r3fresh"), "HubSpot quoted the token: {error:?}");
    }
    assert_eq!(script.sent(), 1);
    for (_, _, shown) in log.entries() {
        assert!(!shown.contains("r3fresh"), "{shown}");
    }
    tokio::time::advance(Duration::from_secs(31)).await;
    ask(&client).await.expect("authorised again");
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_the_token_endpoint_has_its_own_remedy() {
    for (body, words) in [
        (r#"{"status":"BAD_CLIENT_ID","message":"missing or unknown client id"}"#, "client_id"),
        (r#"{"status":"BAD_CLIENT_SECRET","message":"no"}"#, "client_secret is not"),
        (r#"{"error":"invalid_request"}"#, "check client_id, client_secret and refresh_token"),
    ] {
        let script = Script::of(vec![Step::Answer(400, &[], body)]);
        let (client, _) = client(&script, oauth());
        let error = ask(&client).await.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::GrantRefused, "{body}");
        let remedy = error.remedy().expect("a person must act");
        assert!(remedy.contains(words), "{remedy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_is_gone_gives_way_to_another_which_is_remembered() {
    let script = Script::of(vec![
        Step::Answer(404, &[], "<html>"),
        Step::Answer(410, &[], r#"{"message":"gone"}"#),
        Step::Answer(200, &[], GRANTED),
        Step::Answer(200, &[], DETAILS),
        Step::Answer(200, &[], GRANTED),
        Step::Answer(200, &[], DETAILS),
    ]);
    let (client, _) = client(&script, oauth());
    ask(&client).await.expect("the third path answers");
    assert!(path(&script, 0).ends_with("/oauth/2026-09/token"));
    assert!(path(&script, 1).ends_with("/oauth/2026-03/token"));
    assert!(path(&script, 2).ends_with("/oauth/v3/token"));
    tokio::time::advance(Duration::from_secs(1_790)).await;
    ask(&client).await.expect("renewed");
    assert!(path(&script, 4).ends_with("/oauth/v3/token"));
}

#[tokio::test(start_paused = true)]
async fn a_host_without_any_token_endpoint_is_a_wrong_host() {
    let script = Script::of((0..4).map(|_| Step::Answer(404, &[], "<html>")).collect());
    let (client, _) = client(&script, oauth());
    let error = ask(&client).await.expect_err("nothing there");
    assert_eq!((error.kind, script.sent()), (ErrorKind::NoSuchPath, 4));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_is_not_taken_for_a_request_without_one() {
    let mut steps = vec![Step::Answer(200, &[], GRANTED), Step::Answer(200, &[], DETAILS)];
    steps.extend((0..8).map(|_| Step::Broken(TransportErrorKind::Lost)));
    let script = Script::of(steps);
    let (client, _) = client(&script, oauth());
    ask(&client).await.expect("granted");
    tokio::time::advance(Duration::from_secs(1_799)).await;
    let error = ask(&client).await.expect_err("the old one has run out meanwhile");
    assert_eq!(error.kind, ErrorKind::NotSent, "nothing but the renewal was sent");
}

#[tokio::test(start_paused = true)]
async fn an_access_token_is_used_to_its_end_when_it_cannot_be_renewed_before() {
    let script = Script::of(vec![
        Step::Answer(200, &[], GRANTED),
        Step::Answer(200, &[], DETAILS),
        Step::Answer(429, &[], r#"{"policyName":"DAILY","message":"You have reached your daily limit."}"#),
        Step::Answer(200, &[], DETAILS),
    ]);
    let (client, _) = client(&script, oauth());
    ask(&client).await.expect("granted");
    tokio::time::advance(Duration::from_secs(1_750)).await;
    ask(&client).await.expect("it lives another fifty seconds");
    assert_eq!(script.authorization(3), "Bearer first-access");
}
