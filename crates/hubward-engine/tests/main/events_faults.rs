//! Event syncs under lost answers, throttling, refusals and kills: no event is lost, and none is there twice.

use std::time::Duration;

use hubward_core::spec::ModelQuery;
use hubward_engine::{RunOptions, Status};
use hubward_sandbox::Tier;
use serde_json::json;

use crate::events::{add, all_there, held, job, run, run_with, world, world_of};
use crate::harness::{INDEXED, World, copy_folder};

/// HubSpot's word on a uuid that it knows: recognised, or taken for a new event.
fn deduplicates(world: &World, does: bool) {
    world.load(&json!({"settings": {"events_deduplicate": does}}));
}

/// The scripted fault really struck, and as often as it was told to.
async fn struck(world: &World, times: usize) {
    let requests = world.requests().await;
    let hit = requests.iter().filter(|request| !request["fault"].is_null()).count();
    assert_eq!(hit, times, "the fault strikes as scripted");
}

#[tokio::test(start_paused = true)]
async fn lost_answers_and_throttling_lose_no_event_and_double_none_whether_or_not_hubspot_knows_a_uuid_again() {
    let faults = [
        json!({"status": 502}),
        json!({"status": 524, "applied": true}),
        json!({"status": 524}),
        json!({"reset": "after"}),
        json!({"reset": "before"}),
        json!({"status": 429, "policy": "SECONDLY"}),
        json!({"status": 423}),
    ];
    for knows_again in [true, false] {
        for fault in &faults {
            let world = world(1_200);
            deduplicates(&world, knows_again);
            world.fault(json!([{"match": {"kind": "event"}, "after": 1, "times": 2, "do": fault}])).await;
            let report = run(&world, &job(&world)).await;
            assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1_200), "{fault}: {report:?}");
            struck(&world, 2).await;
            all_there(&world, 1_200).await;
            let again = run(&world, &job(&world)).await;
            assert_eq!((again.outcomes.unchanged, again.requests.total), (1_200, 0), "{fault}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_hubspot_is_slow_to_show_is_waited_for() {
    let world = world(600);
    deduplicates(&world, false);
    world.load(&json!({"settings": {"event_lag_ms": [60_000, 100_000]}}));
    world
        .fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}]))
        .await;
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.event), (Status::Ok, 600, 2), "{report:?}");
    assert!(report.requests.read >= 20, "looked for twice: {report:?}");
    all_there(&world, 600).await;
}

#[tokio::test(start_paused = true)]
async fn where_occurrences_cannot_be_read_the_same_uuid_is_sent_again_with_a_note() {
    for lost in [json!({"status": 524, "applied": true}), json!({"reset": "before"})] {
        for hidden_by_edition in [true, false] {
            // Of editions below Enterprise the sandbox shows no occurrences.
            let world = if hidden_by_edition { world_of(Tier::Professional, 600) } else { world(600) };
            if !hidden_by_edition {
                world.script(|path, _| {
                    let reads = path.contains("/event-occurrences/") || path.contains("/events?");
                    reads.then(|| (404, json!({"status": "error", "message": "resource not found"})))
                });
            }
            world.fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": lost}])).await;
            let report = run(&world, &job(&world)).await;
            assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 600), "{lost}: {report:?}");
            assert!(report.notes.iter().any(|note| note.contains("same uuid")), "{:?}", report.notes);
            assert_eq!(report.requests.event, 3, "{report:?}");
            all_there(&world, 600).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_run_is_taken_up_where_it_was_killed() {
    for knows_again in [true, false] {
        for kill in 1..=3 {
            let world = world(1_400);
            deduplicates(&world, knows_again);
            let (state, kept) = (world.folder.path().join(".hubward"), world.folder.path().join("killed"));
            let (from, to) = (state.clone(), kept.clone());
            let mut sent = 0;
            // HubSpot takes the batch and the run dies; nothing that it would do from then on happens.
            world.script(move |path, _| {
                if path.contains("/send/") {
                    sent += 1;
                    if sent == kill {
                        copy_folder(&from, &to);
                    }
                }
                (sent > kill).then(|| (503, json!({"status": "error", "message": "killed"})))
            });
            run(&world, &job(&world)).await;
            world.end_script();
            std::fs::remove_dir_all(&state).expect("the state goes");
            std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
            let before = held(&world).await.len();
            assert_eq!(before, 500.min(1_400 - 500 * (kill - 1)) + 500 * (kill - 1), "HubSpot took {kill} batches");
            let report = run(&world, &job(&world)).await;
            assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{report:?}");
            all_there(&world, 1_400).await;
            assert_eq!(run(&world, &job(&world)).await.requests.total, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_in_its_middle_loses_nothing_and_doubles_nothing() {
    let world = world(3_000);
    deduplicates(&world, false);
    world.fault(json!([{"match": {"kind": "event"}, "after": 2, "times": 4, "do": {"delay_ms": 60_000}}])).await;
    let job = job(&world);
    {
        let engine = world.engine().await;
        let options = RunOptions::default();
        let running = engine.run_event_sync(&job, "dropped", &options);
        let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
        assert!(ended.is_err(), "it was to be dropped while it waits");
    }
    let before = held(&world).await.len();
    assert!(before >= 1_000, "{before} were sent");
    // What the dropped run was writing at that moment is written to its end, and holds the ledger until then.
    let mut report = run(&world, &job).await;
    for _ in 0..500 {
        if !report.error.as_ref().is_some_and(|error| error.message.contains("is locked by")) {
            break;
        }
        let waited = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(10))).await;
        waited.expect("nothing panics");
        report = run(&world, &job).await;
    }
    assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{report:?}");
    all_there(&world, 3_000).await;
}

#[tokio::test(start_paused = true)]
async fn what_left_the_model_after_a_kill_is_not_sent_twice_when_it_comes_back() {
    for applied in [true, false] {
        let world = world(40);
        deduplicates(&world, false);
        let lost = json!({"status": 524, "applied": applied});
        world.fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": lost}])).await;
        let mut job = job(&world);
        let cancel = RunOptions::default();
        let stop = cancel.cancel.clone();
        // Interrupted while it waits for HubSpot to show what it took.
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stop.set();
        };
        let (report, ()) = tokio::join!(run_with(&world, &job, &cancel), stopping);
        assert_eq!((report.interrupted, report.outcomes.deferred), (true, 40), "{report:?}");
        tokio::time::sleep(INDEXED * 4).await;
        let all = job.model.query.clone();
        job.model.query = ModelQuery::Sql("select * from orders where id > 1000".to_owned());
        let report = run(&world, &job).await;
        assert_eq!((report.status, report.changes.rows, report.requests.event), (Status::Ok, 0, 0), "{report:?}");
        job.model.query = all;
        let report = run(&world, &job).await;
        let expected = if applied { (0, 40) } else { (40, 0) };
        assert_eq!((report.outcomes.applied, report.outcomes.skipped), expected, "{report:?}");
        all_there(&world, 40).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_halved_until_the_guilty_row_is_alone() {
    let world = world(1_000);
    // A rule of the account that nobody can know.
    world.script(|path, body| {
        let inputs = body["inputs"].as_array().filter(|_| path.contains("/send/"))?;
        let bad = inputs.iter().any(|input| input["properties"]["amount"] == "613.5");
        bad.then(|| (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "613.5 is not lucky"})))
    });
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (999, 1), "{report:?}");
    assert!(report.requests.event <= 2 + 2 * 9, "{report:?}");
    let issues = world.issues("orders");
    let (key, (outcome, category, reason)) = issues.first_key_value().expect("one issue");
    assert_eq!((key.as_str(), outcome.as_str(), category.as_str()), ("613", "rejected", "VALIDATION_ERROR"));
    assert!(reason.contains("not lucky"), "{reason}");
    assert_eq!(held(&world).await.len(), 999);
    world.end_script();
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged, report.requests.read), (1, 999, 0), "{report:?}");
    all_there(&world, 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_a_person_must_mend_defers_the_rest_and_the_next_run_sends_it() {
    let refusals = [
        (401, json!({"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no"})),
        (403, json!({"status": "error", "category": "MISSING_SCOPES", "message": "no"})),
        (429, json!({"status": "error", "policyName": "DAILY", "message": "You have reached your daily limit."})),
        (429, json!({"status": "error", "message": "You have reached your monthly limit of event occurrences."})),
    ];
    for (status, body) in refusals {
        let world = world(1_500);
        let (mut sent, answer) = (0, body.clone());
        world.script(move |path, _| {
            sent += u32::from(path.contains("/send/"));
            (path.contains("/send/") && sent > 1).then(|| (status, answer.clone()))
        });
        let report = run(&world, &job(&world)).await;
        assert_eq!((report.status, report.outcomes.applied, report.outcomes.deferred), (Status::Failed, 500, 1_000));
        assert_eq!(report.error.as_ref().map(|error| error.code), Some("hubspot"), "{status} {body}");
        world.end_script();
        let report = run(&world, &job(&world)).await;
        assert_eq!(
            (report.status, report.outcomes.applied, report.requests.read),
            (Status::Ok, 1_000, 0),
            "{report:?}"
        );
        all_there(&world, 1_500).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_that_cannot_be_made_to_answer_ends_the_run_and_the_next_finds_out() {
    let world = world(2_000);
    deduplicates(&world, false);
    world
        .fault(json!([
            {"match": {"kind": "event"}, "after": 1, "times": 1, "do": {"status": 524, "applied": true}},
        ]))
        .await;
    let mut seen = 0;
    world.script(move |path, _| {
        seen += u32::from(path.contains("/send/"));
        (seen > 2 || !path.contains("/send/") && seen > 1).then(|| (503, json!({"status": "error", "message": "down"})))
    });
    let report = run(&world, &job(&world)).await;
    assert_eq!(
        (report.status, report.outcomes.applied, report.outcomes.deferred),
        (Status::Failed, 500, 1_500),
        "{report:?}"
    );
    world.end_script();
    tokio::time::sleep(INDEXED * 4).await;
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{report:?}");
    all_there(&world, 2_000).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_deferred_go_first_and_a_row_of_unknown_outcome_may_have_become_invalid() {
    let world = world(10);
    world.fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"status": 524}}])).await;
    let job = job(&world);
    let options = RunOptions::default();
    let stop = options.cancel.clone();
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.set();
    };
    let (report, ()) = tokio::join!(run_with(&world, &job, &options), stopping);
    assert_eq!(report.outcomes.deferred, 10, "{report:?}");
    world.sql("update orders set at = 'soon' where id = 4");
    add(&world, 11, 12);
    let mut reversed = job.clone();
    reversed.model.query = ModelQuery::Sql("select * from orders order by id desc".to_owned());
    let report = run(&world, &reversed).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (11, 1), "{report:?}");
    assert_eq!(world.issues("orders")["4"].1, "INVALID_TIME");
    world.sql("delete from orders");
    add(&world, 1, 12);
    assert_eq!(run(&world, &reversed).await.outcomes.applied, 1);
    all_there(&world, 12).await;
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_that_is_down_and_shows_no_occurrences_is_left_alone_after_some_sendings() {
    let world = world_of(Tier::Professional, 2_000);
    world.script(|path, _| path.contains("/send/").then(|| (503, json!({"status": "error", "message": "down"}))));
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Failed, 2_000), "{report:?}");
    assert!(report.requests.event <= 4 * 8, "{report:?}");
    world.end_script();
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2_000), "{report:?}");
    all_there(&world, 2_000).await;
}

/// HubSpot shows no occurrences, and answers sendings after the first with this.
fn hide_and_answer(world: &World, status: u16, body: serde_json::Value) {
    let mut sent = 0;
    world.script(move |path, _| {
        if path.contains("/event-occurrences/") || path.contains("/events?") {
            return Some((403, json!({"status": "error", "category": "MISSING_SCOPES", "message": "no"})));
        }
        sent += u32::from(path.contains("/send/"));
        (path.contains("/send/") && sent > 1).then(|| (status, body.clone()))
    });
}

#[tokio::test(start_paused = true)]
async fn an_event_that_hubspot_may_have_and_does_not_show_is_looked_for_by_the_next_run_however_this_one_ends() {
    let answers = [
        (403, json!({"status": "error", "category": "MISSING_SCOPES", "message": "no"})),
        (429, json!({"status": "error", "policyName": "SECONDLY", "message": "You have reached your secondly limit."})),
        (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not like this"})),
    ];
    for (status, body) in answers {
        let world = world(30);
        deduplicates(&world, false);
        world
            .fault(
                json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}]),
            )
            .await;
        hide_and_answer(&world, status, body);
        let report = run(&world, &job(&world)).await;
        assert_eq!((report.outcomes.applied, held(&world).await.len()), (0, 30), "{status}: {report:?}");
        assert!(report.requests.event >= 2, "{status}: {report:?}");
        world.end_script();
        tokio::time::sleep(INDEXED * 4).await;
        let report = run(&world, &job(&world)).await;
        assert_eq!(
            (report.status, report.outcomes.applied, report.requests.event),
            (Status::Ok, 30, 0),
            "{status}: {report:?}"
        );
        all_there(&world, 30).await;
    }
}

#[tokio::test(start_paused = true)]
async fn neither_a_row_that_became_invalid_nor_one_that_left_the_model_is_forgotten_while_hubspot_shows_nothing() {
    let world = world(30);
    deduplicates(&world, false);
    world
        .fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}]))
        .await;
    let refusal = json!({"status": "error", "category": "MISSING_SCOPES", "message": "no"});
    hide_and_answer(&world, 403, refusal.clone());
    let mut job = job(&world);
    assert_eq!(run(&world, &job).await.outcomes.deferred, 30);
    let all = job.model.query.clone();
    job.model.query =
        ModelQuery::Sql("select id, email, 'soon' as at, amount, plan from orders where id = 4".to_owned());
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.invalid, report.requests.event), (1, 0), "{report:?}");
    world.end_script();
    tokio::time::sleep(INDEXED * 4).await;
    job.model.query = all;
    let report = run(&world, &job).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.event), (Status::Ok, 30, 0), "{report:?}");
    all_there(&world, 30).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_intent_whose_batch_went_out_just_before_the_kill_is_waited_for() {
    let world = world(30);
    deduplicates(&world, false);
    let (state, kept) = (world.folder.path().join(".hubward"), world.folder.path().join("killed"));
    let (from, to) = (state.clone(), kept.clone());
    let mut sent = 0;
    world.script(move |path, _| {
        sent += u32::from(path.contains("/send/"));
        if sent == 1 && !to.exists() {
            copy_folder(&from, &to);
        }
        Some((403, json!({"status": "error", "category": "MISSING_SCOPES", "message": "no"})))
            .filter(|_| path.contains("/send/"))
    });
    assert_eq!(run(&world, &job(&world)).await.outcomes.deferred, 30);
    world.end_script();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    // What waited in the queue for an hour goes out, and its process is killed at once.
    world.load(&json!({"settings": {"event_lag_ms": [100_000, 100_000]}}));
    assert_eq!(run(&world, &job(&world)).await.outcomes.applied, 30);
    std::fs::remove_dir_all(&state).expect("the state goes");
    std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.event), (Status::Ok, 30, 0), "{report:?}");
    all_there(&world, 30).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_concerns_every_row_ends_the_run_after_some_rows() {
    let world = world(10_500);
    let mut sent = 0;
    world.script(move |path, _| {
        sent += u32::from(path.contains("/send/"));
        let gone = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no event of this name"});
        (path.contains("/send/") && sent > 1).then_some((400, gone))
    });
    let report = run(&world, &job(&world)).await;
    assert_eq!(
        (report.status, report.outcomes.applied, report.outcomes.rejected, report.outcomes.deferred),
        (Status::Failed, 500, 40, 9_960),
        "{report:?}"
    );
    let error = report.error.as_ref().expect("it says why");
    assert!(error.to_string().contains("no event of this name"), "{error:?}");
    assert!(report.requests.event <= 200, "{report:?}");
    world.end_script();
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 10_000), "{report:?}");
    all_there(&world, 10_500).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_sent_one_in_each_batch_do_not_end_the_run() {
    let world = world(25_000);
    world.script(|path, body| {
        let inputs = body["inputs"].as_array().filter(|_| path.contains("/send/"))?;
        let bad = inputs.iter().any(|input| {
            let amount = input["properties"]["amount"].as_str().unwrap_or_default();
            amount.ends_with("250.5") || amount.ends_with("750.5")
        });
        bad.then(|| (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not lucky"})))
    });
    let report = run(&world, &job(&world)).await;
    assert_eq!(
        (report.status, report.outcomes.applied, report.outcomes.rejected),
        (Status::Partial, 24_950, 50),
        "{report:?}"
    );
}
