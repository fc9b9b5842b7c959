//! Runs, rejected rows, the request log and cached metadata.

use hubward_core::{Outcome, Reason};
use hubward_store::{Issue, RequestFilter, RequestRow, RunStart, StateDb, StateOptions, StoreError, Waiting};
use jiff::Timestamp;
use serde_json::{Value, json};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

fn start(id: &str, ms: i64) -> RunStart {
    RunStart { id: id.to_owned(), started_at: at(ms), account: 1_234_567, command: "hubward run".to_owned() }
}

fn issue(key: &str, category: &str, property: &str) -> Issue {
    Issue {
        key: key.to_owned(),
        outcome: Outcome::Rejected,
        reason: Reason::new(category, "no such option").on(property, Some("blau".to_owned())),
        attempts: 2,
    }
}

fn request(run: &str, ms: i64, rows: &[&str]) -> RequestRow {
    RequestRow {
        run: run.to_owned(),
        sync: "customers".to_owned(),
        at: at(ms),
        ms: 12,
        method: "POST".to_owned(),
        path: "/crm/v3/objects/contacts/batch/upsert".to_owned(),
        status: 207,
        attempt: 1,
        rows: rows.iter().collect(),
        request: vec![0, 1, 2, 255].into(),
        response: b"{}".to_vec().into(),
        failed: rows.contains(&"bad"),
    }
}

fn db() -> (tempfile::TempDir, StateDb) {
    let dir = tempfile::tempdir().unwrap();
    let db = StateDb::open(&dir.path().join("state.sqlite")).unwrap();
    (dir, db)
}

#[test]
fn a_run_is_shown_with_its_syncs_and_one_without_an_end_as_interrupted() {
    let (_dir, db) = db();
    db.start_run(&start("a", 0)).unwrap();
    db.start_run(&start("b", 10)).unwrap();
    db.finish_sync("b", "orders", "ok", &json!({"n": 1}), at(20)).unwrap();
    db.finish_sync("b", "customers", "partial", &json!({"n": 2}), at(30)).unwrap();
    db.finish_run("b", "partial", &json!({"syncs": []}), at(40)).unwrap();

    let runs = db.runs(10).unwrap();
    let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    let [b, a] = &runs[..] else { panic!() };
    assert_eq!((b.status.as_str(), b.ended_at), ("partial", Some(at(40))));
    assert_eq!(b.report, json!({"syncs": []}));
    let syncs: Vec<&str> = b.syncs.iter().map(|sync| sync.sync.as_str()).collect();
    assert_eq!(syncs, ["orders", "customers"]);
    assert_eq!((a.status.as_str(), a.ended_at, &a.report), ("interrupted", None, &Value::Null));
    assert_eq!(db.runs(1).unwrap().len(), 1);
    assert_eq!(db.run("b").unwrap().as_ref(), Some(b));
    assert_eq!(db.run("c").unwrap(), None);
    assert!(db.finish_run("c", "ok", &Value::Null, at(0)).is_err());
    assert!(db.finish_sync("c", "orders", "ok", &Value::Null, at(0)).is_err());
}

#[test]
fn the_last_run_of_each_sync_is_the_one_that_ended_last() {
    let (_dir, db) = db();
    for (run, ms) in [("a", 0), ("b", 10)] {
        db.start_run(&start(run, ms)).unwrap();
        db.finish_sync(run, "customers", "ok", &json!(run), at(ms)).unwrap();
    }
    db.start_run(&start("c", 20)).unwrap();
    db.finish_sync("c", "orders", "failed", &json!("c"), at(20)).unwrap();
    let last: Vec<(String, Value)> =
        db.last_sync_runs().unwrap().into_iter().map(|sync| (sync.sync, sync.report)).collect();
    assert_eq!(last, [("customers".to_owned(), json!("b")), ("orders".to_owned(), json!("c"))]);
}

#[test]
fn an_issue_keeps_its_first_time_until_its_category_or_property_changes() {
    let (_dir, db) = db();
    let since = |db: &StateDb| db.issues(Some("s")).unwrap()[0].since;
    let steps = [
        (issue("1", "INVALID_OPTION", "color"), 0, 0),
        (issue("1", "INVALID_OPTION", "color"), 10, 0),
        (issue("1", "INVALID_OPTION", "size"), 20, 20),
        (issue("1", "READ_ONLY", "size"), 30, 30),
        (issue("1", "READ_ONLY", "size"), 40, 30),
    ];
    for (issue, now, expected) in steps {
        db.record_issues("run", "s", at(now), &[issue]).unwrap();
        assert_eq!(since(&db), at(expected));
    }
    let mut bare = issue("1", "", "");
    bare.reason.category = None;
    bare.reason.property = None;
    for (now, expected) in [(50, 50), (60, 50)] {
        db.record_issues("run", "s", at(now), std::slice::from_ref(&bare)).unwrap();
        assert_eq!(since(&db), at(expected), "absent category and property are the same as absent ones");
    }
}

#[test]
fn a_missing_target_keeps_its_first_time_and_goes_once_it_is_found_or_no_longer_missed() {
    let (_dir, db) = db();
    let missed = |key: &str| Waiting {
        key: key.to_owned(),
        object: "companies".to_owned(),
        property: "domain".to_owned(),
        value: "acme.example".to_owned(),
        label: None,
    };
    let shown = |sync: Option<&str>| -> Vec<(String, jiff::Timestamp)> {
        let mut all = Vec::new();
        db.for_each_waiting(sync, |row| all.push((format!("{}/{}", row.sync, row.waiting.key), row.since))).unwrap();
        all
    };
    db.record_waiting("a", "s", at(0), &[missed("1"), missed("2"), missed("3")]).unwrap();
    db.record_waiting("a", "t", at(0), &[missed("1")]).unwrap();
    db.record_waiting("b", "s", at(5), &[missed("1"), missed("2")]).unwrap();
    db.keep_only_waiting("s", "b").unwrap();
    db.clear_waiting("s", &[missed("2")]).unwrap();
    assert_eq!(shown(None), [("s/1".to_owned(), at(0)), ("t/1".to_owned(), at(0))]);
    assert_eq!(shown(Some("t")).len(), 1);
}

#[test]
fn issues_are_the_current_set_of_each_sync() {
    let (_dir, db) = db();
    let keys = |sync: Option<&str>| -> Vec<String> {
        let issues = db.issues(sync).unwrap();
        issues.into_iter().map(|issue| format!("{}/{}", issue.sync, issue.key)).collect()
    };
    let three = ["1", "2", "3"].map(|key| issue(key, "X", "p"));
    db.record_issues("a", "s", at(0), &three).unwrap();
    db.record_issues("a", "t", at(0), &three[..1]).unwrap();
    db.clear_issues("s", &["2"]).unwrap();
    assert_eq!(keys(Some("s")), ["s/1", "s/3"]);
    db.record_issues("b", "s", at(1), &three[2..]).unwrap();
    assert_eq!(db.keep_only("s", "b").unwrap(), 1);
    assert_eq!(keys(None), ["s/3", "t/1"]);
    let row = db.issues(Some("s")).unwrap().remove(0);
    assert_eq!((row.outcome, row.attempts, row.run.as_str()), (Outcome::Rejected, 2, "b"));
    assert_eq!((row.property.as_deref(), row.value.as_deref()), (Some("p"), Some("blau")));
}

#[test]
fn requests_are_found_by_run_by_key_by_failure_and_page_by_page() {
    let (_dir, db) = db();
    let logged =
        [request("a", 0, &["1", "2"]), request("a", 1, &["2", "bad"]), request("b", 2, &["bad"]), request("b", 3, &[])];
    for row in &logged {
        db.log_request(row.clone()).unwrap();
    }
    db.flush().unwrap();
    let find = |filter: RequestFilter| -> Vec<i64> {
        let records = db.requests(&filter).unwrap();
        records.iter().map(|record| record.request.at.duration_since(at(0)).as_millis() as i64).collect()
    };
    let run = |run: &str| Some(run.to_owned());
    let all = db.requests(&RequestFilter::default()).unwrap();
    assert!(all.iter().map(|record| &record.request).eq(&logged), "{all:?}");
    assert_eq!(find(RequestFilter { run: run("b"), ..Default::default() }), [2, 3]);
    assert_eq!(find(RequestFilter { key: Some("2".to_owned()), ..Default::default() }), [0, 1]);
    assert_eq!(find(RequestFilter { failed_only: true, ..Default::default() }), [1, 2]);
    let both = RequestFilter { failed_only: true, run: run("b"), key: Some("bad".to_owned()), ..Default::default() };
    assert_eq!(find(both), [2]);
    let page = RequestFilter { after: Some(all[0].seq), limit: Some(2), ..Default::default() };
    assert_eq!(find(page), [1, 2]);
}

/// Keys of any form are told apart, and long bodies come back as they were.
#[test]
fn a_request_is_kept_whole_whatever_its_keys_and_bodies_are() {
    let (_dir, db) = db();
    let keys = ["1", "11", ",", "a|b", "\"", "\\", "Köln", "", "line\nbreak"];
    let long: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let repeated = "customer@example.com ".repeat(10_000).into_bytes();
    let mut logged = Vec::new();
    for (at, (key, body)) in keys.iter().zip([&long, &repeated].into_iter().cycle()).enumerate() {
        let mut row = request("a", at as i64, &[key, "every"]);
        (row.request, row.response) = (body.clone().into(), long[..at].to_vec().into());
        logged.push(row);
    }
    for row in &logged {
        db.log_request(row.clone()).unwrap();
    }
    db.flush().unwrap();
    let find = |key: &str| db.requests(&RequestFilter { key: Some(key.to_owned()), ..Default::default() }).unwrap();
    assert!(find("every").iter().map(|record| &record.request).eq(&logged));
    for (key, row) in keys.iter().zip(&logged) {
        let found: Vec<RequestRow> = find(key).into_iter().map(|record| record.request).collect();
        assert_eq!(found.len(), 1, "{key:?}");
        assert!(found[0] == *row, "{key:?}");
    }
    assert!(find("no such key").is_empty());
}

#[test]
fn nothing_queued_is_lost_when_the_last_handle_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    // A request has six bytes: two wait for the disk at most.
    let options = StateOptions { max_queued_requests: 4, max_queued_bytes: 13, ..StateOptions::default() };
    let db = StateDb::open_with(&path, options).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let db = db.clone();
            std::thread::spawn(move || {
                for i in 0..300 {
                    db.log_request(request("a", thread * 1000 + i, &["1"])).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drop(db);
    let db = StateDb::open(&path).unwrap();
    assert_eq!(db.requests(&RequestFilter::default()).unwrap().len(), 1200);
}

#[test]
fn old_requests_go_by_age_and_by_bytes_and_their_numbers_never_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let options = StateOptions { max_request_age_ms: 100, max_request_bytes: 18, ..StateOptions::default() };
    let db = StateDb::open_with(&path, options).unwrap();
    let left = |db: &StateDb| -> Vec<u64> {
        let records = db.requests(&RequestFilter::default()).unwrap();
        records.iter().map(|record| record.seq).collect()
    };
    db.log_request(request("a", 0, &["1"])).unwrap();
    db.log_request(request("a", 50, &["1"])).unwrap();
    db.log_request(request("a", 120, &["1"])).unwrap();
    db.flush().unwrap();
    assert_eq!(left(&db), [2, 3], "the first is older than 100 ms");
    for i in 0..3 {
        db.log_request(request("a", 121 + i, &["1"])).unwrap();
    }
    db.flush().unwrap();
    assert_eq!(left(&db), [4, 5, 6], "each has 6 bytes, 18 are allowed");
    let by_key = RequestFilter { key: Some("1".to_owned()), ..Default::default() };
    assert_eq!(db.requests(&by_key).unwrap().len(), 3);
}

#[test]
fn metadata_is_kept_by_account_and_key() {
    let (_dir, db) = db();
    db.put_metadata(1, "properties/contacts", &json!({"a": 1}), at(0)).unwrap();
    db.put_metadata(1, "properties/contacts", &json!({"a": 2}), at(5)).unwrap();
    db.put_metadata(u64::MAX, "properties/contacts", &json!([]), at(6)).unwrap();
    let found = db.metadata(1, "properties/contacts").unwrap().unwrap();
    assert_eq!((found.json, found.at), (json!({"a": 2}), at(5)));
    assert_eq!(db.metadata(u64::MAX, "properties/contacts").unwrap().unwrap().json, json!([]));
    assert!(db.metadata(1, "owners").unwrap().is_none());
}

#[test]
fn metadata_is_forgotten_by_account_and_beginning() {
    let (_dir, db) = db();
    for (account, key) in [(1, "form%1/owners"), (1, "form%1/schemas"), (1, "form_1/owners"), (2, "form%1/owners")] {
        db.put_metadata(account, key, &json!([]), at(0)).unwrap();
    }
    db.forget_metadata(1, "form%1/").unwrap();
    assert!(db.metadata(1, "form%1/owners").unwrap().is_none() && db.metadata(1, "form%1/schemas").unwrap().is_none());
    assert!(db.metadata(1, "form_1/owners").unwrap().is_some() && db.metadata(2, "form%1/owners").unwrap().is_some());
}

#[test]
fn two_openers_write_to_one_file() {
    let (dir, first) = db();
    let second = StateDb::open(&dir.path().join("state.sqlite")).unwrap();
    first.start_run(&start("a", 0)).unwrap();
    second.finish_run("a", "ok", &Value::Null, at(1)).unwrap();
    assert_eq!(first.run("a").unwrap().unwrap().status, "ok");
}

#[test]
fn a_file_that_is_no_database_is_named_as_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    std::fs::write(&path, "not a database, but long enough to look like one".repeat(100)).unwrap();
    match StateDb::open(&path) {
        Err(StoreError::Corrupt { path: named, .. }) => assert_eq!(named, path),
        other => panic!("expected damage, got {other:?}"),
    }
}

#[test]
fn a_count_grows_and_belongs_to_its_account_and_key() {
    let (_dir, db) = db();
    assert_eq!(db.count(7, "events/2026-11").unwrap(), 0);
    assert_eq!(db.add_to_count(7, "events/2026-11", 500, at(0)).unwrap(), 500);
    assert_eq!(db.add_to_count(7, "events/2026-11", 29_999_999_999, at(5)).unwrap(), 30_000_000_499);
    assert_eq!(db.add_to_count(7, "events/2026-12", 1, at(6)).unwrap(), 1);
    assert_eq!(db.add_to_count(8, "events/2026-11", 2, at(6)).unwrap(), 2);
    assert_eq!(db.count(7, "events/2026-11").unwrap(), 30_000_000_499);
}

fn rejected_event(mapping: &str, id: &str, received_at_ms: i64) -> hubward_store::RejectedEvent {
    hubward_store::RejectedEvent {
        mapping: mapping.to_owned(),
        issue: hubward_store::Issue {
            key: id.to_owned(),
            outcome: hubward_core::Outcome::Invalid,
            reason: hubward_core::Reason::new("INVALID_EMAIL", "no address"),
            attempts: 1,
        },
        source: "web".to_owned(),
        order_key: "u".to_owned(),
        received_at_ms,
        payload: format!("{{\"id\":{id:?}}}").into(),
    }
}

#[test]
fn rejected_events_are_kept_whole_paged_and_forgotten_and_a_sync_of_the_same_name_leaves_them_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = StateDb::open(&folder.path().join("state.sqlite")).expect("opened");
    let at: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().expect("an instant");
    let later: jiff::Timestamp = "2026-11-23T10:00:00Z".parse().expect("an instant");
    let events: Vec<_> = (0..5).map(|n| rejected_event("contacts", &format!("m{n}"), 100 - n)).collect();
    db.record_rejected_events("run1", at, &events).expect("recorded");
    db.record_rejected_events("run2", later, &[rejected_event("companies", "m0", 7)]).expect("recorded");
    let first = db.rejected_events(Some("contacts"), None, None, 3).expect("read");
    let ids = |rows: &[hubward_store::RejectedEventRow]| -> Vec<String> {
        rows.iter().map(|row| row.message_id.clone()).collect()
    };
    assert_eq!(ids(&first), ["m4", "m3", "m2"], "in the order of reception");
    assert_eq!(first[0].payload.as_ref(), b"{\"id\":\"m4\"}");
    let last = &first[2];
    let after = Some((last.received_at_ms, last.message_id.as_str(), last.mapping.as_str()));
    assert_eq!(ids(&db.rejected_events(Some("contacts"), None, after, 3).expect("read")), ["m1", "m0"]);
    assert_eq!(ids(&db.rejected_events(None, Some(later), None, 9).expect("read")), ["m0"]);
    // A run of a sync called `contacts` that met no issue.
    assert_eq!(db.keep_only("contacts", "run9").expect("cleared"), 0);
    assert_eq!(db.issues(Some("contacts")).expect("read").len(), 5);
    db.clear_rejected_events(&[("contacts".to_owned(), "m1".to_owned())]).expect("cleared");
    assert_eq!(db.rejected_events(Some("contacts"), None, None, 9).expect("read").len(), 4);
    assert_eq!(db.issues(Some("contacts")).expect("read").len(), 4);
}
