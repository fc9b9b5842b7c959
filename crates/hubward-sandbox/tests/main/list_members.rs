//! Who is in a list: requests, pages, records that go, come back or are merged, limits, faults, `load` (api.md 8).

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, text};
use crate::lists::{AT, contacts, list, members, part};

async fn pages(account: &Account, path: &str, limit: usize) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = account.get(&format!("{path}?limit={limit}{after}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.results().len() <= limit);
        seen.extend(page.results().iter().map(|member| text(&member["recordId"])));
        match page.body["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return seen,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn members_are_removed_and_those_who_were_none_are_passed_over() {
    let account = Account::unlimited();
    contacts(&account, 1, 4);
    let id = list(&account, "A", "0-1").await;
    account.put(&format!("{AT}/{id}/memberships/add"), json!(["1", "2", "3"])).await;
    let answer = account.put(&format!("{AT}/{id}/memberships/remove"), json!(["1", "4", "999"])).await;
    assert_eq!((answer.status, part(&answer, "recordIdsRemoved")), (200, vec!["1".to_owned()]));
    assert_eq!(part(&answer, "recordIdsMissing"), ["999"]);
    let both = json!({ "recordIdsToAdd": ["1", "3", "998"], "recordIdsToRemove": ["2", "4"] });
    let answer = account.put(&format!("{AT}/{id}/memberships/add-and-remove"), both.clone()).await;
    assert_eq!(part(&answer, "recordsIdsAdded"), ["1"]);
    assert_eq!(part(&answer, "recordIdsRemoved"), ["2"]);
    assert_eq!(part(&answer, "recordIdsMissing"), ["998"]);
    assert_eq!(members(&account, &id).await, ["1", "3"]);
    let again = account.put(&format!("{AT}/{id}/memberships/add-and-remove"), both).await;
    assert_eq!((part(&again, "recordsIdsAdded").len(), part(&again, "recordIdsRemoved").len()), (0, 0));
    let wrong = account.put(&format!("{AT}/{id}/memberships/add"), json!(["c1@example.com"])).await;
    assert_eq!(wrong.status, 400, "ids only");
    assert_eq!(account.put(&format!("{AT}/4711/memberships/add"), json!(["1"])).await.status, 404);
    account.load(json!({ "settings": { "list_answers_omit_empty": true } }));
    let answer = account.put(&format!("{AT}/{id}/memberships/remove"), json!(["1"])).await;
    assert_eq!(answer.body, json!({ "recordIdsRemoved": ["1"] }));
}

#[tokio::test(start_paused = true)]
async fn members_are_paged_by_id_and_by_when_they_came_both_ways() {
    let account = Account::unlimited();
    contacts(&account, 1, 9);
    let id = list(&account, "A", "0-1").await;
    for id_added in ["5", "9", "1", "3", "7", "2", "8"] {
        account.advance(1_000).await;
        account.put(&format!("{AT}/{id}/memberships/add"), json!([id_added])).await;
    }
    let by_id = format!("{AT}/{id}/memberships");
    let by_time = format!("{by_id}/join-order");
    for limit in [1, 3, 7, 250] {
        assert_eq!(pages(&account, &by_id, limit).await, ["1", "2", "3", "5", "7", "8", "9"]);
        assert_eq!(pages(&account, &by_time, limit).await, ["5", "9", "1", "3", "7", "2", "8"]);
    }
    let first = account.get(&format!("{by_id}?limit=3")).await;
    assert_eq!((&first.body["total"], first.body["paging"].get("prev")), (&json!(7), None));
    assert_eq!(first.results()[0]["membershipTimestamp"], "2026-11-22T12:00:03Z");
    let after = text(&first.body["paging"]["next"]["after"]);
    let second = account.get(&format!("{by_id}?limit=3&after={after}&before=0-0")).await;
    let before = text(&second.body["paging"]["prev"]["before"]);
    let back = account.get(&format!("{by_id}?limit=2&before={before}")).await;
    let ids: Vec<String> = back.results().iter().map(|member| text(&member["recordId"])).collect();
    assert_eq!(ids, ["3", "2"], "descending, and `after` went before `before` above");
    for wrong in ["limit=251", "limit=0", "after=x"] {
        assert_eq!(account.get(&format!("{by_id}?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_members_may_lag_behind_and_what_is_loaded_does_not() {
    let account = Account::unlimited();
    contacts(&account, 1, 3);
    let id = list(&account, "A", "0-1").await;
    let path = format!("{AT}/{id}/memberships");
    account.put(&format!("{path}/add"), json!(["1"])).await;
    account.load(json!({ "settings": { "list_lag_ms": 2_000 } }));
    account
        .put(&format!("{path}/add-and-remove"), json!({ "recordIdsToAdd": ["2"], "recordIdsToRemove": ["1"] }))
        .await;
    assert_eq!(
        (members(&account, &id).await, pages(&account, &path, 9).await),
        (vec!["2".to_owned()], vec!["1".to_owned()])
    );
    let again = account.put(&format!("{path}/add"), json!(["2"])).await;
    assert_eq!(part(&again, "recordsIdsAdded").len(), 0, "writes know what reads do not show");
    account.advance(1_999).await;
    assert_eq!(pages(&account, &path, 9).await, ["1"]);
    account.advance(1).await;
    assert_eq!(pages(&account, &path, 9).await, ["2"]);
    account.load(json!({ "lists": [{ "name": "B", "objectTypeId": "0-1", "members": [3], "listId": 50 }] }));
    assert_eq!(pages(&account, &format!("{AT}/50/memberships"), 9).await, ["3"]);
}

#[tokio::test(start_paused = true)]
async fn an_archived_record_leaves_its_lists_and_returns_with_its_record() {
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    let id = list(&account, "A", "0-1").await;
    let other = list(&account, "B", "0-1").await;
    account.put(&format!("{AT}/{id}/memberships/add"), json!(["1", "2"])).await;
    account.post("/crm/objects/2026-09/contacts/batch/archive", json!({ "inputs": [{ "id": "2" }] })).await;
    assert_eq!(members(&account, &id).await, ["1"]);
    assert_eq!(account.get(&format!("{AT}/{id}")).await.body["list"]["size"], 1);
    let add = account.put(&format!("{AT}/{id}/memberships/add"), json!(["2"])).await;
    assert_eq!(part(&add, "recordIdsMissing"), ["2"]);
    assert_eq!(account.get(&format!("{AT}/records/0-1/2/memberships")).await.status, 404);
    contacts(&account, 2, 1);
    assert_eq!(members(&account, &id).await, ["1", "2"], "restored");
    assert_eq!(members(&account, &other).await, Vec::<String>::new());
    account.post("/crm/objects/2026-09/contacts/gdpr-delete", json!({ "objectId": "2" })).await;
    contacts(&account, 2, 1);
    assert_eq!(members(&account, &id).await, ["1"], "what was deleted for good is another record when it comes again");
}

#[tokio::test(start_paused = true)]
async fn a_merge_moves_the_membership_to_the_survivor() {
    for keeps_id in [true, false] {
        let account = Account::unlimited();
        contacts(&account, 1, 4);
        account.load(json!({ "settings": { "merge_keeps_primary_id": keeps_id } }));
        let id = list(&account, "A", "0-1").await;
        account.put(&format!("{AT}/{id}/memberships/add"), json!(["2", "3", "4"])).await;
        let mut survivors = Vec::new();
        for (primary, other) in [("1", "2"), ("3", "4")] {
            let body = json!({ "primaryObjectId": primary, "objectIdToMerge": other });
            let merged = account.post("/crm/objects/2026-09/contacts/merge", body).await;
            survivors.push(text(&merged.body["id"]));
        }
        assert_eq!(members(&account, &id).await, survivors);
        let add = account.put(&format!("{AT}/{id}/memberships/add"), json!(["2"])).await;
        assert_eq!(part(&add, "recordIdsMissing"), ["2"]);
        account.load(json!({ "settings": { "list_resolves_merged_ids": true } }));
        let removed = account.put(&format!("{AT}/{id}/memberships/remove"), json!(["2"])).await;
        assert_eq!(part(&removed, "recordIdsRemoved"), [survivors[0].clone()]);
        let add = account.put(&format!("{AT}/{id}/memberships/add"), json!(["2", survivors[0]])).await;
        assert_eq!(part(&add, "recordsIdsAdded"), [survivors[0].clone()], "once");
        assert_eq!(members(&account, &id).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_holds_one_type_and_custom_objects_too() {
    let account = Account::new(Tier::Enterprise);
    contacts(&account, 1, 1);
    let schema = json!({ "name": "boat", "labels": { "singular": "Boat", "plural": "Boats" }, "objectTypeId": "2-77",
        "primaryDisplayProperty": "name", "properties": [{ "name": "name" }] });
    account.load(json!({ "schemas": [schema] }));
    account
        .load(json!({ "records": { "boats": [{ "id": 50 }], "companies": [{ "id": 60 }], "deals": [{ "id": 1 }] } }));
    for (type_id, own, foreign) in [("2-77", "50", "60"), ("0-2", "60", "50"), ("0-3", "1", "50"), ("0-1", "1", "60")] {
        let id = list(&account, type_id, type_id).await;
        let add = account.put(&format!("{AT}/{id}/memberships/add"), json!([own, foreign])).await;
        assert_eq!(
            (part(&add, "recordsIdsAdded"), part(&add, "recordIdsMissing")),
            (vec![own.to_owned()], vec![foreign.to_owned()])
        );
        let of = account.get(&format!("{AT}/records/{type_id}/{own}/memberships")).await;
        assert_eq!((of.results().len(), &of.results()[0]["listId"]), (1, &json!(id)));
    }
}

#[tokio::test(start_paused = true)]
async fn another_lists_members_are_added_and_all_are_removed_below_a_bound() {
    let account = Account::unlimited();
    contacts(&account, 1, 5);
    account.load(json!({ "records": { "companies": [{ "id": 60 }] }, "lists": [
        { "name": "D", "objectTypeId": "0-1", "processingType": "DYNAMIC", "members": [1, 2, 3], "listId": 1 },
        { "name": "C", "objectTypeId": "0-2", "members": [60], "listId": 2 }] }));
    let id = list(&account, "A", "0-1").await;
    account.put(&format!("{AT}/{id}/memberships/add"), json!(["3", "4"])).await;
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add-from/1"), Value::Null).await.status, 204);
    assert_eq!(members(&account, &id).await, ["1", "2", "3", "4"]);
    for wrong in ["2", id.as_str()] {
        assert_eq!(account.put(&format!("{AT}/{id}/memberships/add-from/{wrong}"), Value::Null).await.status, 400);
    }
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add-from/99"), Value::Null).await.status, 404);
    account.load(json!({ "settings": { "list_bulk_members": 3 } }));
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add-from/1"), Value::Null).await.status, 400);
    assert_eq!(account.send("DELETE", &format!("{AT}/{id}/memberships"), Value::Null).await.status, 400);
    account.load(json!({ "settings": { "list_bulk_members": 5 } }));
    assert_eq!(account.send("DELETE", &format!("{AT}/{id}/memberships"), Value::Null).await.status, 204);
    assert_eq!(members(&account, &id).await, Vec::<String>::new());
    assert_eq!(account.get(&format!("{AT}/{id}")).await.status, 200, "the list is still there");
}

#[tokio::test(start_paused = true)]
async fn a_record_tells_its_lists_and_since_when() {
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    let one = list(&account, "A", "0-1").await;
    let two = list(&account, "B", "0-1").await;
    for id in [&one, &two] {
        account.put(&format!("{AT}/{id}/memberships/add"), json!(["1"])).await;
    }
    account.advance(1_000).await;
    account.put(&format!("{AT}/{one}/memberships/remove"), json!(["1"])).await;
    account.advance(1_000).await;
    account.put(&format!("{AT}/{one}/memberships/add"), json!(["1"])).await;
    let of = account.get(&format!("{AT}/records/0-1/1/memberships")).await;
    assert_eq!((of.results().len(), &of.body["total"]), (2, &json!(2)));
    let first = &of.results()[0];
    assert_eq!((&first["listId"], &first["listVersion"]), (&json!(one), &json!(1)));
    assert_eq!(first["firstAddedTimestamp"], "2026-11-22T12:00:00Z");
    assert_eq!(first["lastAddedTimestamp"], "2026-11-22T12:00:02Z");
    let input = |id: &str| json!({ "objectTypeId": "0-1", "recordId": id });
    let path = format!("{AT}/records/memberships/batch/read");
    let good = account.post(&path, json!({ "inputs": [input("1"), input("2")] })).await;
    assert_eq!((good.status, good.results().len()), (200, 2));
    assert_eq!(good.results()[1]["recordListMemberships"], json!([]));
    let some = account.post(&path, json!({ "inputs": [input("1"), input("99"), input("98")] })).await;
    assert_eq!((some.status, some.results().len(), &some.body["numErrors"]), (207, 1, &json!(1)));
    assert_eq!(some.errors()[0]["context"]["ids"], json!(["99", "98"]));
    assert_eq!(account.post(&path, json!({ "inputs": vec![input("1"); 101] })).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn snapshot_lists_take_members_unless_the_setting_says_otherwise() {
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    account.load(json!({ "lists": [{ "name": "S", "objectTypeId": "0-1", "processingType": "SNAPSHOT", "members": [1], "listId": 8 }] }));
    assert_eq!(pages(&account, &format!("{AT}/8/memberships"), 10).await, ["1"]);
    assert_eq!(account.put(&format!("{AT}/8/memberships/add"), json!(["2"])).await.status, 200);
    account.load(json!({ "settings": { "snapshot_lists_take_members": false } }));
    assert_eq!(account.put(&format!("{AT}/8/memberships/remove"), json!(["1"])).await.status, 400);
    assert_eq!(members(&account, "8").await, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_with_more_ids_than_the_setting_is_refused_whole() {
    let account = Account::unlimited();
    contacts(&account, 1, 3);
    let id = list(&account, "A", "0-1").await;
    let many: Vec<String> = (1..=100_001).map(|id: u32| id.to_string()).collect();
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add"), json!(many)).await.status, 400);
    account.load(json!({ "settings": { "list_membership_ids": 2 } }));
    let both = json!({ "recordIdsToAdd": ["1", "2"], "recordIdsToRemove": ["3"] });
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add-and-remove"), both).await.status, 400);
    assert_eq!(members(&account, &id).await, Vec::<String>::new());
    account.load(json!({ "settings": { "list_membership_ids": null } }));
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add"), json!(many)).await.status, 200);
    assert_eq!(members(&account, &id).await, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn lists_draw_on_the_ordinary_limits_and_their_requests_stand_in_the_log() {
    let account = Account::new(Tier::Professional);
    contacts(&account, 1, 3);
    let id = list(&account, "A", "0-1").await;
    account.put("/_sandbox/limits", json!({ "burst": 4 })).await;
    let add = account.put(&format!("{AT}/{id}/memberships/add"), json!(["1", "2", "3"])).await;
    assert_eq!(add.header("x-hubspot-ratelimit-remaining"), Some("2"));
    let both = json!({ "recordIdsToAdd": ["1"], "recordIdsToRemove": ["2", "3"] });
    account.put(&format!("{AT}/{id}/memberships/add-and-remove"), both).await;
    account.get(&format!("{AT}/{id}/memberships")).await;
    let refused = account.get(&format!("{AT}/{id}")).await;
    assert_eq!((refused.status, &refused.body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    let log = account.get("/_sandbox/requests").await;
    let seen: Vec<(Value, Value)> =
        log.results().iter().map(|entry| (entry["kind"].clone(), entry["inputs"].clone())).collect();
    let expected = [1, 3, 3, 0, 0].map(|inputs| (json!("lists"), json!(inputs)));
    assert_eq!(seen, expected);
    assert_eq!(account.get("/_sandbox/stats").await.body["by_kind"]["lists"]["200"], 4);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_lists_by_either_word_and_a_lost_answer_may_have_done_its_work() {
    let account = Account::unlimited();
    contacts(&account, 1, 3);
    let id = list(&account, "A", "0-1").await;
    let path = format!("{AT}/{id}/memberships/add");
    for (at, kind) in ["list", "lists"].into_iter().enumerate() {
        let fault = json!([{ "match": { "kind": kind, "method": "PUT" }, "do": { "reset": "after" } }]);
        account.post("/_sandbox/faults", fault).await;
        let id = (at + 1).to_string();
        assert!(account.attempt("PUT", &path, &json!([id])).await.is_err(), "{kind}");
    }
    assert_eq!(members(&account, &id).await, ["1", "2"]);
    let applied = json!([{ "match": { "path_regex": "/memberships/add$" }, "do": { "status": 524, "applied": true } }]);
    account.post("/_sandbox/faults", applied).await;
    assert_eq!(account.put(&path, json!(["3"])).await.status, 524);
    let again = account.put(&path, json!(["3"])).await;
    assert_eq!((part(&again, "recordsIdsAdded").len(), part(&again, "recordIdsMissing").len()), (0, 0));
    assert_eq!(members(&account, &id).await, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn loading_a_list_again_replaces_it_by_id_or_else_by_name_and_reset_empties() {
    let account = Account::unlimited();
    contacts(&account, 1, 4);
    let id = list(&account, "A", "0-1").await;
    account.put(&format!("{AT}/{id}/memberships/add"), json!(["1", "2"])).await;
    account.load(json!({ "lists": [{ "name": "a", "objectTypeId": "0-1", "members": ["2", 3] }] }));
    assert_eq!(members(&account, &id).await, ["2", "3"]);
    account.load(json!({ "lists": [{ "name": "a", "objectTypeId": "0-1", "processingType": "DYNAMIC" }] }));
    let turned = account.get(&format!("{AT}/{id}?includeFilters=true")).await;
    assert_eq!(turned.body["list"]["processingType"], "DYNAMIC", "somebody turned it dynamic");
    assert_eq!(turned.body["list"]["filterBranch"]["filterBranchType"], "OR");
    assert_eq!(members(&account, &id).await, ["2", "3"], "members that are not named stay");
    account.load(json!({ "lists": [{ "name": "Renamed", "objectTypeId": "0-1", "listId": id }] }));
    assert_eq!(account.get(&format!("{AT}/{id}")).await.body["list"]["name"], "Renamed");
    let new = list(&account, "A", "0-1").await;
    assert_ne!(new, id, "the old name is free");
    for (wrong, field) in [
        (json!({ "name": "X", "objectTypeId": "0-1", "members": [99] }), "lists[0].members"),
        (json!({ "name": "X", "objectTypeId": "9-9" }), "lists[0].objectTypeId"),
        (json!({ "name": "", "objectTypeId": "0-1" }), "lists[0].name"),
        (json!({ "name": "A", "objectTypeId": "0-1", "listId": id }), "lists[0].listId"),
        (json!({ "name": "X", "objectTypeId": "0-1", "processingType": "STATIC" }), "lists[0]"),
        (json!({ "name": "X", "objectTypeId": "0-1", "filterBranch": {} }), "lists[0].filterBranch"),
        (json!({ "name": "X", "objectTypeId": "0-1", "extra": 1 }), "lists[0]"),
    ] {
        let refused = account.post("/_sandbox/load", json!({ "lists": [wrong] })).await;
        assert_eq!(refused.status, 400);
        assert!(refused.message().starts_with(&format!("{field}: ")), "{}", refused.message());
    }
    assert_eq!(account.post("/_sandbox/lists", Value::Null).await.status, 405);
    account.post("/_sandbox/reset", Value::Null).await;
    assert_eq!(account.get("/_sandbox/lists").await.results().len(), 0);
}
