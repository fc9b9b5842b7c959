//! What each sync mode does with records that exist and with those that do not.

use serde_json::json;

use crate::world::{World, complete, record, state, stream};

fn loaded() -> World {
    let world = World::stocked();
    world.load(&json!({"records": {"contacts": [
        {"id": "101", "properties": {"email": "old1@example.com", "firstname": "one"}},
        {"id": "102", "properties": {"email": "old2@example.com", "firstname": "two"}},
    ], "companies": [{"properties": {"name": "kept", "retl_identifier": "r1"}}], "deals": [{"id": "201", "properties": {"dealname": "kept", "order_no": "o1"}}]}}));
    world
}

#[tokio::test(start_paused = true)]
async fn an_insert_makes_what_is_new_and_rejects_what_exists() {
    let world = loaded();
    let people = |key| stream("people", "CONTACT", "append", key, &["email", "firstname"]);
    let row = |email: &str| record("people", json!({"email": email, "firstname": "new"}));
    let told = world
        .write(
            vec![people("")],
            vec![
                row("a@example.com"),
                row("OLD1@example.com"),
                row("b@example.com"),
                state("people", 1),
                complete("people"),
            ],
        )
        .await
        .ok();
    assert_eq!((told.counts(), told.stats()), ([3, 2, 1], vec![[2, 1]]));
    assert!(told.says(&["OLD1@example.com", "rejected", "101"]), "{:?}", told.logs());
    assert_eq!(world.record("contacts", "email", "old1@example.com").await["properties"]["firstname"], "one");
    assert_eq!(world.records("contacts").await.len(), 4);

    // The same key twice: the first makes the record, the second finds it.
    let told = world
        .write(vec![people("email")], vec![row("c@example.com"), row("C@example.com"), complete("people")])
        .await
        .ok();
    assert_eq!(told.counts(), [2, 1, 1]);
    assert_eq!(world.records("contacts").await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_insert_without_any_key_makes_every_record() {
    let world = loaded();
    let firms = stream("firms", "COMPANY", "append", "", &["name", "city"]);
    let row = |name: &str| record("firms", json!({"name": name, "city": "Kraków"}));
    let told =
        world.write(vec![firms], vec![row("x"), row("x"), row("y"), state("firms", 1), complete("firms")]).await.ok();
    assert_eq!((told.counts(), told.stats()), ([3, 3, 0], vec![[3, 0]]));
    assert_eq!(world.values("companies", "name").await, ["kept", "x", "x", "y"]);
    // An implied key may be missing from a record.
    let keyed = stream("firms", "COMPANY", "append", "", &["name", "retl_identifier"]);
    let rows = vec![
        record("firms", json!({"name": "z", "retl_identifier": "r2"})),
        record("firms", json!({"name": "z"})),
        record("firms", json!({"name": "z", "retl_identifier": "r1"})),
        complete("firms"),
    ];
    let told = world.write(vec![keyed], rows).await.ok();
    assert_eq!(told.counts(), [3, 2, 1]);
    assert_eq!(told.reasons(), [("RECORD_EXISTS".to_owned(), 1)]);
    assert_eq!(world.values("companies", "name").await, ["kept", "x", "x", "y", "z", "z"]);
}

#[tokio::test(start_paused = true)]
async fn an_insert_that_lacks_what_hubspot_requires_is_rejected_before_it_is_sent() {
    let world = loaded();
    let deals = stream("orders", "DEAL", "append", "", &["dealname", "dealstage"]);
    let rows = vec![
        record("orders", json!({"dealname": "no stage"})),
        record("orders", json!({"dealname": "staged", "dealstage": "appointmentscheduled"})),
        state("orders", 1),
        complete("orders"),
    ];
    let told = world.write(vec![deals], rows).await.ok();
    assert_eq!((told.stats(), told.reasons()), (vec![[1, 1]], vec![("MISSING_REQUIRED_PROPERTY".to_owned(), 1)]));
    assert_eq!(world.values("deals", "dealname").await, ["kept", "staged"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_what_exists_and_rejects_what_does_not() {
    let world = loaded();
    let row = |email: &str| record("people", json!({"email": email, "firstname": "changed"}));
    let told = world
        .write(
            vec![stream("people", "CONTACT", "update", "email", &["email", "firstname"])],
            vec![row("old1@example.com"), row("nobody@example.com"), state("people", 1), complete("people")],
        )
        .await
        .ok();
    assert_eq!((told.counts(), told.stats()), ([2, 1, 1], vec![[1, 1]]));
    assert_eq!(told.reasons(), [("NO_RECORD".to_owned(), 1)]);
    assert_eq!(world.record("contacts", "email", "old1@example.com").await["properties"]["firstname"], "changed");
    assert_eq!(world.records("contacts").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_update_by_record_id_takes_numbers_and_texts() {
    let world = loaded();
    let row = |id: serde_json::Value| record("people", json!({"hs_object_id": id, "firstname": "by id"}));
    let told = world
        .write(
            vec![stream("people", "CONTACT", "update", "hs_object_id", &["hs_object_id", "firstname"])],
            vec![
                row(json!(101)),
                row(json!("102")),
                row(json!(999)),
                row(json!("x")),
                row(json!(null)),
                complete("people"),
            ],
        )
        .await
        .ok();
    assert_eq!(told.counts(), [5, 2, 3]);
    let reasons = told.reasons();
    assert_eq!(
        reasons.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["INVALID_RECORD_ID", "MISSING_KEY", "NO_RECORD"]
    );
    assert_eq!(world.values("contacts", "firstname").await, ["by id", "by id"]);
}

#[tokio::test(start_paused = true)]
async fn a_soft_delete_archives_and_what_is_gone_already_is_no_mistake() {
    let world = loaded();
    let row = |email: &str| record("people", json!({"email": email}));
    let told = world
        .write(
            vec![stream("people", "CONTACT", "soft_delete", "email", &["email"])],
            vec![
                row("old1@example.com"),
                row("nobody@example.com"),
                row("old1@example.com"),
                state("people", 1),
                complete("people"),
            ],
        )
        .await
        .ok();
    assert_eq!((told.counts(), told.stats()), ([3, 3, 0], vec![[3, 0]]));
    assert_eq!(told.written.streams[0].1.absent, 1);
    assert_eq!(world.values("contacts", "email").await, ["old2@example.com"]);
    let told = world
        .write(
            vec![stream("deals", "DEAL", "soft_delete", "hs_object_id", &["hs_object_id"])],
            vec![record("deals", json!({"hs_object_id": "201"})), complete("deals")],
        )
        .await
        .ok();
    assert_eq!(told.counts(), [1, 1, 0]);
    assert!(world.records("deals").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_with_blanks_around_it_is_the_same_key() {
    let world = World::stocked();
    world.load(&json!({"properties": {"contacts": [crate::world::unique("member_no")]}}));
    let begun =
        world.begin(vec![stream("people", "CONTACT", "append_dedup", "member_no", &["member_no", "firstname"])]);
    let row = |key: &str, name: &str| record("people", json!({"member_no": key, "firstname": name}));
    begun.send_at_once(&[row("m1", "first"), row("m1 ", "second"), row(" m1", "third")]);
    begun.send(&state("people", 1));
    begun.send(&complete("people"));
    let told = begun.end().await.ok();
    assert_eq!((told.counts(), told.stats()), ([3, 3, 0], vec![[3, 0]]), "{:?}", told.reasons());
    assert_eq!(world.values("contacts", "firstname").await, ["third"]);
}
