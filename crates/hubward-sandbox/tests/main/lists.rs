//! Lists: item 38, definitions, finding them, conversion (api.md 8). Who is in them is `list_members`' matter.

use serde_json::{Value, json};

use crate::harness::{Account, Answer, text};

pub(crate) const AT: &str = "/crm/lists/2026-09";

/// Creates a list and answers with its id.
pub(crate) async fn list(account: &Account, name: &str, type_id: &str) -> String {
    let body = json!({ "name": name, "objectTypeId": type_id, "processingType": "MANUAL" });
    let answer = account.post(AT, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.body["list"]["listId"])
}

/// So many contacts, loaded, with ids from `first` on.
pub(crate) fn contacts(account: &Account, first: u64, number: u64) -> Vec<String> {
    let ids: Vec<u64> = (first..first + number).collect();
    let records: Vec<Value> =
        ids.iter().map(|id| json!({ "id": id, "properties": { "email": format!("c{id}@example.com") } })).collect();
    account.load(json!({ "records": { "contacts": records } }));
    ids.iter().map(u64::to_string).collect()
}

/// Who is in a list by the account's own word.
pub(crate) async fn members(account: &Account, id: &str) -> Vec<String> {
    let all = account.get("/_sandbox/lists").await;
    let list = all.results().iter().find(|list| list["listId"] == id).expect("the list is there");
    list["members"].as_array().expect("members").iter().map(text).collect()
}

/// The ids of one part of a membership answer, sorted.
pub(crate) fn part(answer: &Answer, name: &str) -> Vec<String> {
    let mut ids: Vec<String> = answer.body[name].as_array().expect("the part is there").iter().map(text).collect();
    ids.sort();
    ids
}

fn branch(city: &str) -> Value {
    let operation = json!({ "operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": [city], "includeObjectsWithNoValueSet": false });
    let filter = json!({ "filterType": "PROPERTY", "property": "city", "operation": operation });
    let inner =
        json!({ "filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": [filter] });
    json!({ "filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [inner], "filters": [] })
}

fn search(more: &Value) -> Value {
    let mut body = json!({ "additionalProperties": [], "listIds": [], "processingTypes": [], "offset": 0 });
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn names(lists: &Value) -> Vec<String> {
    lists.as_array().expect("lists").iter().map(|list| text(&list["name"])).collect()
}

#[tokio::test(start_paused = true)]
async fn item_38_an_add_names_added_and_missing_ignores_members_and_is_400_on_dynamic_lists() {
    let account = Account::unlimited();
    let ids = contacts(&account, 1, 4);
    account.send("DELETE", "/crm/v3/objects/contacts/4", Value::Null).await;
    for base in ["/crm/v3/lists", "/crm/lists/2026-03", AT] {
        let id = list(&account, base, "0-1").await;
        let first = account.put(&format!("{base}/{id}/memberships/add"), json!(["1"])).await;
        assert_eq!((first.status, part(&first, "recordsIdsAdded")), (200, vec!["1".to_owned()]));
        let add = account.put(&format!("{base}/{id}/memberships/add"), json!(["1", "2", "3", "3", "4", "999"])).await;
        assert_eq!((add.status, part(&add, "recordsIdsAdded")), (200, vec!["2".to_owned(), "3".to_owned()]));
        assert_eq!(part(&add, "recordIdsMissing"), ["4", "999"], "an archived and an unknown one");
        assert_eq!(part(&add, "recordIdsRemoved"), Vec::<String>::new());
        assert_eq!(members(&account, &id).await, ids[..3]);
    }
    account.load(json!({ "lists": [{ "name": "D", "objectTypeId": "0-1", "processingType": "DYNAMIC", "members": ["1"], "listId": 77 }] }));
    for path in ["add", "remove"] {
        let refused = account.put(&format!("{AT}/77/memberships/{path}"), json!(["1", "2"])).await;
        assert_eq!((refused.status, &refused.body["category"]), (400, &json!("VALIDATION_ERROR")));
    }
    let both = json!({ "recordIdsToAdd": ["2"], "recordIdsToRemove": ["1"] });
    assert_eq!(account.put(&format!("{AT}/77/memberships/add-and-remove"), both).await.status, 400);
    assert_eq!(account.send("DELETE", &format!("{AT}/77/memberships"), Value::Null).await.status, 400);
    let source = list(&account, "source", "0-1").await;
    assert_eq!(account.put(&format!("{AT}/77/memberships/add-from/{source}"), Value::Null).await.status, 400);
    assert_eq!(members(&account, "77").await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_created_and_read_by_id_by_name_and_with_others() {
    let account = Account::unlimited();
    let body = json!({ "name": "VIPs", "objectTypeId": "0-1", "processingType": "MANUAL",
        "listPermissions": { "usersWithEditAccess": [7], "teamsWithEditAccess": [] }, "membershipSettings": { "includeUnassigned": true } });
    let made = account.post(AT, body).await;
    assert_eq!(made.status, 200);
    let made = &made.body["list"];
    let id = text(&made["listId"]);
    assert_eq!((&made["processingType"], &made["processingStatus"]), (&json!("MANUAL"), &json!("COMPLETE")));
    assert_eq!((&made["listVersion"], &made["size"], &made["createdAt"]), (&json!(1), &json!(0), &made["updatedAt"]));
    assert_eq!(made["listPermissions"]["usersWithEditAccess"], json!([7]));
    for base in ["/crm/v3/lists", "/crm/lists/2026-03", AT] {
        assert_eq!(&account.get(&format!("{base}/{id}")).await.body["list"], made);
        let by_name = account.get(&format!("{base}/object-type-id/0-1/name/vips")).await;
        assert_eq!(&by_name.body["list"], made, "the case of letters does not matter");
    }
    let other = list(&account, "a/b & c", "0-2").await;
    let by_name = account.get(&format!("{AT}/object-type-id/0-2/name/a%2Fb%20%26%20c")).await;
    assert_eq!(by_name.body["list"]["listId"], json!(other));
    for path in ["object-type-id/0-1/name/nobody", "object-type-id/0-2/name/VIPs", "4711", "nothing"] {
        let missing = account.get(&format!("{AT}/{path}")).await;
        assert_eq!((missing.status, &missing.body["category"]), (404, &json!("OBJECT_NOT_FOUND")), "{path}");
    }
    let several = account.get(&format!("{AT}?listIds={id}&listIds={other}&listIds=99")).await;
    assert_eq!(names(&several.body["lists"]), ["VIPs", "a/b & c"]);
    assert_eq!(account.get(&format!("{AT}/folders")).await.status, 404, "folders are not part of this account");
    assert_eq!(account.post("/crm/v3/lists/all", json!({})).await.status, 405, "a cursor is new in 2026-09");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_only_once_in_the_account_whatever_the_type_and_the_case_of_letters() {
    let account = Account::unlimited();
    let id = list(&account, "Customers", "0-1").await;
    let other = list(&account, "Others", "0-1").await;
    let body = json!({ "name": "CUSTOMERS", "objectTypeId": "0-2", "processingType": "MANUAL" });
    let taken = account.post(AT, body.clone()).await;
    assert_eq!((taken.status, &taken.body["subCategory"]), (400, &json!("ILS.DUPLICATE_LIST_NAMES")));
    let renamed = account.put(&format!("{AT}/{other}/update-list-name?listName=customers"), Value::Null).await;
    assert_eq!((renamed.status, &renamed.body["subCategory"]), (400, &json!("ILS.DUPLICATE_LIST_NAMES")));
    let renamed = account.put(&format!("{AT}/{id}/update-list-name?listName=customers"), Value::Null).await;
    assert_eq!((renamed.status, &renamed.body["updatedList"]["name"]), (200, &json!("customers")), "its own name");
    assert_eq!(renamed.body["updatedList"]["listVersion"], 2);
    account.put(&format!("{AT}/{id}/update-list-name?listName=Clients"), Value::Null).await;
    assert_eq!(account.post(AT, body).await.status, 200, "the old name is free");
    assert_eq!(account.get(&format!("{AT}/{id}")).await.body["list"]["name"], "Clients", "its id is the same");
    for wrong in [
        json!({ "name": " ", "objectTypeId": "0-1", "processingType": "MANUAL" }),
        json!({ "name": "X", "objectTypeId": "0-1", "processingType": "STATIC" }),
        json!({ "name": "X", "objectTypeId": "0-1" }),
    ] {
        assert_eq!(account.post(AT, wrong).await.status, 400);
    }
    let unknown = json!({ "name": "X", "objectTypeId": "contacts", "processingType": "MANUAL" });
    let unknown = account.post(AT, unknown).await;
    assert_eq!((unknown.status, &unknown.body["subCategory"]), (400, &json!("ListError.INVALID_OBJECT_TYPE_FOR_LIST")));
}

#[tokio::test(start_paused = true)]
async fn filters_are_needed_kept_and_given_back_only_when_asked_for() {
    let account = Account::unlimited();
    for word in ["DYNAMIC", "SNAPSHOT"] {
        let bare = json!({ "name": word, "objectTypeId": "0-1", "processingType": word });
        assert_eq!(account.post(AT, bare).await.status, 400, "{word} needs a filterBranch");
        let body =
            json!({ "name": word, "objectTypeId": "0-1", "processingType": word, "filterBranch": branch("Ulm") });
        let made = account.post(AT, body).await;
        assert_eq!((made.status, &made.body["list"]["filterBranch"]), (200, &branch("Ulm")));
        let id = text(&made.body["list"]["listId"]);
        assert_eq!(account.get(&format!("{AT}/{id}")).await.body["list"].get("filterBranch"), None);
        for path in [
            format!("{AT}/{id}?includeFilters=true"),
            format!("{AT}/object-type-id/0-1/name/{word}?includeFilters=true"),
        ] {
            assert_eq!(account.get(&path).await.body["list"]["filterBranch"], branch("Ulm"));
        }
        account.advance(1_000).await;
        let new = json!({ "filterBranch": branch("Bern") });
        let changed = account.put(&format!("{AT}/{id}/update-list-filters"), new).await;
        if word == "DYNAMIC" {
            let list = &changed.body["updatedList"];
            assert_eq!(
                (changed.status, &list["filterBranch"], &list["listVersion"]),
                (200, &branch("Bern"), &json!(2))
            );
            assert_ne!(list["filtersUpdatedAt"], list["createdAt"]);
        } else {
            assert_eq!(changed.status, 400, "only the filters of a DYNAMIC list can change");
        }
    }
    let manual =
        json!({ "name": "M", "objectTypeId": "0-1", "processingType": "MANUAL", "filterBranch": branch("Ulm") });
    assert_eq!(account.post(AT, manual).await.status, 400);
    let wrong = json!({ "name": "W", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": { "filterBranchType": "MAYBE" } });
    assert_eq!(account.post(AT, wrong).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_list_is_gone_and_comes_back_with_its_members_within_ninety_days() {
    const DAY_MS: i64 = 86_400_000;
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    let id = list(&account, "A", "0-1").await;
    account.put(&format!("{AT}/{id}/memberships/add"), json!(["1", "2"])).await;
    assert_eq!(account.send("DELETE", &format!("{AT}/{id}"), Value::Null).await.status, 204);
    for path in [format!("{AT}/{id}"), format!("{AT}/{id}/memberships"), format!("{AT}/object-type-id/0-1/name/A")] {
        assert_eq!(account.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(account.put(&format!("{AT}/{id}/memberships/add"), json!(["1"])).await.status, 404);
    assert_eq!(account.send("DELETE", &format!("{AT}/{id}"), Value::Null).await.status, 404);
    assert_eq!(account.post(&format!("{AT}/search"), search(&json!({}))).await.body["total"], 0);
    assert_eq!(account.get("/_sandbox/lists").await.results().len(), 0);
    account.load(json!({ "settings": { "deleted_lists_readable": true } }));
    assert!(account.get(&format!("{AT}/{id}")).await.body["list"]["deletedAt"].is_string());
    account.send("DELETE", "/crm/v3/objects/contacts/2", Value::Null).await;
    let other = list(&account, "a", "0-1").await;
    let taken = account.put(&format!("{AT}/{id}/restore"), Value::Null).await;
    assert_eq!((taken.status, &taken.body["subCategory"]), (400, &json!("ILS.DUPLICATE_LIST_NAMES")));
    account.send("DELETE", &format!("{AT}/{other}"), Value::Null).await;
    account.advance(90 * DAY_MS - 1_000).await;
    assert_eq!(account.put(&format!("{AT}/{id}/restore"), Value::Null).await.status, 204);
    assert_eq!(members(&account, &id).await, ["1"], "the other's record went meanwhile");
    account.advance(1_000).await;
    assert_eq!(account.put(&format!("{AT}/{other}/restore"), Value::Null).await.status, 404, "too late");
}

#[tokio::test(start_paused = true)]
async fn lists_are_found_by_words_types_and_ids_page_by_page() {
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    for at in 0..23 {
        list(&account, &format!("Big list {at}"), "0-1").await;
    }
    let companies = list(&account, "Big companies", "0-2").await;
    account.load(json!({ "lists": [{ "name": "Active", "objectTypeId": "0-1", "processingType": "DYNAMIC", "members": [1, 2] }] }));
    let path = format!("{AT}/search");
    let first = account.post(&path, search(&json!({ "query": "BIG list" }))).await;
    assert_eq!(
        (&first.body["total"], &first.body["hasMore"], &first.body["offset"]),
        (&json!(23), &json!(true), &json!(20))
    );
    let second = account.post(&path, search(&json!({ "query": "BIG list", "offset": 20 }))).await;
    assert_eq!((&second.body["hasMore"], &second.body["offset"]), (&json!(false), &json!(23)));
    assert_eq!(names(&second.body["lists"]), ["Big list 20", "Big list 21", "Big list 22"]);
    let by_type = account.post(&path, search(&json!({ "objectTypeId": "0-2" }))).await;
    assert_eq!(names(&by_type.body["lists"]), ["Big companies"]);
    let by_id = account.post(&path, search(&json!({ "listIds": [companies, "999"] }))).await;
    assert_eq!(names(&by_id.body["lists"]), ["Big companies"]);
    let dynamic = json!({ "processingTypes": ["DYNAMIC"], "additionalProperties": ["nothing"] });
    let dynamic = account.post(&path, search(&dynamic)).await;
    assert_eq!(names(&dynamic.body["lists"]), ["Active"]);
    let more = &dynamic.body["lists"][0]["additionalProperties"];
    assert_eq!((&more["hs_list_size"], more.get("nothing")), (&json!("2"), None));
    assert_eq!(account.post(&path, search(&json!({ "processingTypes": ["STATIC"] }))).await.status, 400);
    assert_eq!(account.post(&path, search(&json!({ "count": 501 }))).await.status, 400);
    assert_eq!(
        account.post("/crm/v3/lists/search", json!({ "additionalProperties": [], "offset": 0 })).await.status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn the_cursor_of_2026_09_goes_through_all_lists_once() {
    let account = Account::unlimited();
    for at in 0..7 {
        list(&account, &format!("L{at}"), "0-1").await;
    }
    let body = |after: &Value| {
        let mut body =
            json!({ "additionalProperties": [], "processingTypes": ["MANUAL"], "objectTypeId": "0-1", "count": 3 });
        if after.is_string() {
            body["after"] = after.clone();
        }
        body
    };
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = account.post(&format!("{AT}/all"), body(&after)).await;
        assert_eq!((page.status, &page.body["total"]), (200, &json!(7)));
        seen.extend(names(&page.body["results"]));
        after = page.body["paging"]["next"]["after"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen, ["L0", "L1", "L2", "L3", "L4", "L5", "L6"]);
    let refused = account.post(&format!("{AT}/all"), body(&json!("20"))).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (400, &json!("INVALID_CURSOR")));
    let refused = json!({ "additionalProperties": [], "processingTypes": ["STATIC"] });
    let refused = account.post(&format!("{AT}/all"), refused).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (400, &json!("INVALID_PROCESSING_TYPE")));
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_list_becomes_manual_when_the_clock_gets_there() {
    const DAY_MS: i64 = 86_400_000;
    let account = Account::unlimited();
    contacts(&account, 1, 2);
    let lists = json!([{ "name": "Date", "objectTypeId": "0-1", "processingType": "DYNAMIC", "members": [1], "listId": 1 },
        { "name": "Silence", "objectTypeId": "0-1", "processingType": "DYNAMIC", "members": [1, 2], "listId": 2 }]);
    account.load(json!({ "lists": lists }));
    let at = |id: u64| format!("{AT}/{id}/schedule-conversion");
    assert_eq!(account.get(&at(1)).await.status, 404, "nothing is scheduled");
    assert_eq!(account.send("DELETE", &at(1), Value::Null).await.status, 404);
    let date = |year| json!({ "conversionType": "CONVERSION_DATE", "year": year, "month": 11, "day": 24 });
    assert_eq!(account.put(&at(1), date(2020)).await.status, 400, "that day is over");
    let set = account.put(&at(1), date(2026)).await;
    assert_eq!((set.status, &set.body["requestedConversionTime"]), (200, &date(2026)));
    let silence = json!({ "conversionType": "INACTIVITY", "offset": 3, "timeUnit": "DAY" });
    account.put(&at(2), silence.clone()).await;
    assert_eq!(account.send("DELETE", &at(2), Value::Null).await.status, 204);
    assert_eq!(account.get(&at(2)).await.status, 404);
    account.put(&at(2), silence.clone()).await;
    assert_eq!(account.put(&format!("{AT}/1/memberships/add"), json!(["2"])).await.status, 400);
    // the account began on 22 November at noon UTC; its own day begins at five
    account.advance(DAY_MS + DAY_MS / 2).await;
    account.send("DELETE", "/crm/v3/objects/contacts/2", Value::Null).await;
    assert_eq!(account.get(&format!("{AT}/1")).await.body["list"]["processingType"], "DYNAMIC");
    account.advance(DAY_MS / 2).await;
    assert_eq!(account.get(&format!("{AT}/1")).await.body["list"]["processingType"], "MANUAL");
    assert_eq!(account.get(&at(1)).await.body["convertedAt"], "2026-11-24T05:00:00Z");
    contacts(&account, 3, 1);
    assert_eq!(account.put(&format!("{AT}/1/memberships/add"), json!(["3"])).await.status, 200);
    assert_eq!(members(&account, "1").await, ["1", "3"]);
    assert_eq!(account.put(&at(1), date(2030)).await.status, 400, "it is MANUAL already");
    // one left the second list a day and a half after the beginning, so that three days end after four and a half
    account.advance(DAY_MS * 2).await;
    assert_eq!(account.get(&format!("{AT}/2")).await.body["list"]["processingType"], "DYNAMIC");
    account.advance(DAY_MS / 2).await;
    assert_eq!(account.get(&format!("{AT}/2")).await.body["list"]["processingType"], "MANUAL");
    assert_eq!(account.get(&at(2)).await.body["requestedConversionTime"], silence);
}

#[tokio::test(start_paused = true)]
async fn a_legacy_id_leads_to_the_list_that_has_it() {
    let account = Account::unlimited();
    account
        .load(json!({ "lists": [{ "name": "Old", "objectTypeId": "contacts", "legacyListId": 5, "listId": "90" }] }));
    let one = account.get(&format!("{AT}/idmapping?legacyListId=5")).await;
    assert_eq!((one.status, &one.body["listId"], &one.body["legacyListId"]), (200, &json!("90"), &json!("5")));
    assert_eq!(account.get(&format!("{AT}/idmapping?legacyListId=90")).await.status, 404);
    let both = account.post(&format!("{AT}/idmapping"), json!(["5", "6"])).await;
    assert_eq!(both.body["legacyListIdsToIdsMapping"], json!([{ "legacyListId": "5", "listId": "90" }]));
    assert_eq!(both.body["missingLegacyListIds"], json!(["6"]));
    let many: Vec<String> = (0..10_001).map(|id| id.to_string()).collect();
    assert_eq!(account.post(&format!("{AT}/idmapping"), json!(many)).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn reading_needs_the_read_scope_and_writing_both() {
    let account = Account::unlimited();
    contacts(&account, 1, 1);
    let id = list(&account, "A", "0-1").await;
    let token = |name: &str, scopes: &[&str]| json!({ "token": name, "kind": "private_app", "scopes": scopes });
    let tokens = [
        token("reader", &["crm.lists.read"]),
        token("writer", &["crm.lists.write"]),
        token("both", &["crm.lists.read", "crm.lists.write"]),
        token("none", &["crm.objects.contacts.read", "crm.objects.contacts.write"]),
    ];
    account.load(json!({ "tokens": tokens }));
    for (name, read, add) in [("reader", 200, 403), ("writer", 403, 403), ("both", 200, 200), ("none", 403, 403)] {
        let caller = account.calling_as(name);
        let answer = caller.get(&format!("{AT}/{id}")).await;
        assert_eq!(answer.status, read, "{name}");
        let answer = caller.put(&format!("{AT}/{id}/memberships/add"), json!(["1"])).await;
        assert_eq!(answer.status, add, "{name}");
        if add == 403 {
            assert_eq!(answer.body["category"], "MISSING_SCOPES");
        }
    }
    let body = json!({ "name": "B", "objectTypeId": "0-1", "processingType": "MANUAL" });
    assert_eq!(account.calling_as("writer").post(AT, body).await.status, 200, "creating asks for no more");
    let refused = account.calling_as("none").get(&format!("{AT}/{id}")).await;
    assert_eq!(refused.errors()[0]["context"]["requiredGranularScopes"], json!(["crm.lists.read"]));
}
