//! Runs of an app that is let in by OAuth: longer than its tokens live, and cut off in the middle.

use std::time::Duration;

use hubward_core::SecretString;
use hubward_engine::Status;
use hubward_hubspot::Auth;
use serde_json::{Value, json};

use crate::harness::World;

fn oauth() -> Auth {
    Auth::OAuth {
        client_id: "sandbox-client".to_owned(),
        client_secret: SecretString::from("sandbox-secret"),
        refresh_token: SecretString::from("sandbox-refresh"),
    }
}

/// The token calls by status, and how many other requests were refused with 401.
async fn token_calls(world: &World) -> (Vec<u64>, usize) {
    let requests = world.requests().await;
    let is_token = |request: &&Value| request["path"].as_str().expect("a path").ends_with("/token");
    let statuses = requests.iter().filter(is_token).filter_map(|request| request["status"].as_u64()).collect();
    (statuses, requests.iter().filter(|request| request["status"] == 401).count())
}

async fn all_there(world: &World, rows: usize) {
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), rows, "no record is missing, none is there twice");
}

#[tokio::test(start_paused = true)]
async fn a_run_of_many_hours_renews_its_token_again_and_again_and_loses_no_row() {
    const ROWS: u32 = 24_000;
    let mut world = World::new();
    world.auth = oauth();
    world.load(&json!({ "settings": { "rotate_refresh_tokens": true } }));
    world.customers(ROWS);
    // a hundred rows a minute
    world.call("PUT", "/_sandbox/limits", json!({ "oauth_burst": 1, "burst_window_ms": 60_000 })).await;
    let began = tokio::time::Instant::now();
    let report = world.run(&world.job()).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, u64::from(ROWS)), "{report:?}");
    let hours = began.elapsed().as_secs_f64() / 3600.0;
    assert!(hours > 3.5, "{hours}");
    all_there(&world, ROWS as usize).await;
    let (statuses, unauthorised) = token_calls(&world).await;
    // one for each 29 minutes, a minute before the token runs out
    let least = (began.elapsed().as_secs() / (30 * 60)) as usize;
    assert!(statuses.len() > least && statuses.len() <= least + 3, "{} renewals in {hours} h", statuses.len());
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(unauthorised, 0, "no request carries a token that has run out");
}

#[tokio::test(start_paused = true)]
async fn twenty_requests_whose_token_runs_out_renew_it_once() {
    for known in [true, false] {
        let mut world = World::with(|config| config.latency = Duration::from_millis(300));
        world.auth = oauth();
        let engine = world.engine().await;
        assert_eq!(token_calls(&world).await, (vec![200], 0));
        if known {
            tokio::time::advance(Duration::from_secs(31 * 60)).await;
        } else {
            // HubSpot's clock, and not ours: only the refusals tell
            world.call("PUT", "/_sandbox/clock", json!({ "advance_ms": 31 * 60 * 1000 })).await;
        }
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let client = engine.client().clone();
                tokio::spawn(async move { client.account().await.map(|account| account.portal_id) })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic").expect("let in again"), 1_234_567);
        }
        let (statuses, refused) = token_calls(&world).await;
        assert_eq!(statuses, [200, 200], "{known}");
        // Those that wait for a place in flight take the new token at once.
        let expected = if known { 0..=0 } else { 2..=20 };
        assert!(expected.contains(&refused), "{refused} of twenty were refused");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_taken_out_in_the_middle_defers_rows_rejects_none_and_the_next_run_has_them() {
    const ROWS: u32 = 3_000;
    let mut world = World::with(|config| config.latency = Duration::from_millis(900));
    world.auth = oauth();
    world.customers(ROWS);
    let sandbox = world.sandbox.clone();
    let mut seen = 0;
    let (taken_out, taken) = tokio::sync::oneshot::channel::<()>();
    let mut taken_out = Some(taken_out);
    world.script(move |path, _| {
        seen += usize::from(path.ends_with("/batch/upsert"));
        if seen == 8
            && let Some(now) = taken_out.take()
        {
            let _ = now.send(());
        }
        None
    });
    let uninstall = tokio::spawn(async move {
        taken.await.expect("the run comes so far");
        let body = json!({ "client_id": "sandbox-client" }).to_string();
        let (method, headers) = (http::Method::POST, http::HeaderMap::new());
        sandbox.handle(&method, "/_sandbox/uninstall", &headers, body.into()).await.expect("control is never cut");
    });
    let report = world.run(&world.job()).await;
    uninstall.await.expect("no panic");
    world.end_script();
    let error = report.error.as_ref().expect("a person must act");
    assert_eq!((report.status, error.code), (Status::Failed, "grant-refused"), "{report:?}");
    assert!(error.help.as_ref().expect("what to do").contains("install the app again"));
    assert_eq!((report.outcomes.rejected, report.outcomes.invalid), (0, 0), "{report:?}");
    assert!(report.outcomes.deferred > 0 && report.outcomes.applied > 0, "{report:?}");
    let records = world.records("contacts").await.len() as u64;
    assert_eq!(records, report.outcomes.applied, "what is reported is what HubSpot holds");
    let (statuses, _) = token_calls(&world).await;
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 1, "it is asked once: {statuses:?}");

    let again =
        json!({ "client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh" });
    world.call("POST", "/_sandbox/apps", again).await;
    let report = world.run(&world.job()).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Ok, 0), "{report:?}");
    all_there(&world, ROWS as usize).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_scope_of_an_installed_app_stops_the_run_and_is_named() {
    let mut world = World::new();
    world.auth = oauth();
    let narrow = json!({ "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh", "scopes": ["oauth", "crm.objects.contacts.read", "crm.schemas.contacts.read"] });
    world.call("POST", "/_sandbox/apps", narrow).await;
    world.customers(10);
    let report = world.run(&world.job()).await;
    assert_eq!(
        (report.status, report.outcomes.deferred, report.outcomes.rejected),
        (Status::Failed, 10, 0),
        "{report:?}"
    );
    let help = report.error.expect("a person must act").help.expect("what to do");
    assert!(help.contains("crm.objects.contacts.write"), "{help}");
    let engine = world.engine().await;
    let problems = engine.check_sync(&world.job()).await;
    let told = problems.iter().any(|problem| problem.message.contains("crm.objects.contacts.write"));
    assert!(told, "introspection tells it beforehand: {problems:?}");
    assert_eq!(engine.client().token_info().await.expect("told").scopes.len(), 3);
}
