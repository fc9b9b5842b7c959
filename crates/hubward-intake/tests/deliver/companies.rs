//! Companies of group calls, and their contacts.

use std::sync::Arc;
use std::time::Duration;

use hubward_core::Outcome;
use hubward_core::spec::Action;
use hubward_intake::deliver::{Delivery, Options, UserMemory};
use serde_json::{Value, json};

use crate::harness::{World, active, associated, code, companies, contacts, group, identify, mapping, words};

#[tokio::test(start_paused = true)]
async fn identifies_and_groups_of_one_window_become_contacts_companies_and_their_associations() {
    let world = World::new();
    let delivery = world.delivery(vec![contacts(), companies()]).await;
    let mut events = Vec::new();
    for id in 0..120 {
        let user = format!("u{id}");
        // The group comes first, as it may.
        events.push(group(
            &user,
            &format!("g{}", id % 10),
            json!({"name": format!("Firm {}", id % 10), "employees": 5}),
        ));
        events.push(identify(&user, json!({"email": format!("p{id}@example.com")})));
    }
    let delivered = world.deliver(&delivery, events).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    let people = world.by("contacts", "email").await;
    let firms = world.by("companies", "segment_group_id").await;
    assert_eq!((people.len(), firms.len()), (120, 10));
    for id in 0..120 {
        let firm = &firms[&format!("g{}", id % 10)];
        assert_eq!(firm["properties"]["name"], json!(format!("Firm {}", id % 10)));
        let contact = &people[&format!("p{id}@example.com")];
        assert_eq!(associated(contact, "companies"), [firm["id"].as_str().expect("an id")]);
    }
    // Once more, in a window of groups alone: the users are remembered, and nothing is doubled.
    let again: Vec<Value> =
        (0..120).map(|id| group(&format!("u{id}"), &format!("g{}", id % 10), json!({"phone": "7"}))).collect();
    let delivered = world.deliver(&delivery, again).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    assert_eq!(world.records("companies").await.len(), 10);
    let made = world
        .requests()
        .await
        .into_iter()
        .filter(|request| request.starts_with("POST") && request.contains("/properties/companies"))
        .count();
    assert_eq!(made, 1, "the group's property is made once");
}

#[tokio::test(start_paused = true)]
async fn a_company_whose_contact_nobody_knows_is_rejected_and_not_written() {
    let world = World::new();
    world.load(&json!({"records": {"contacts": [{"properties": {"email": "known@example.com"}}]}}));
    let delivery = world.delivery(vec![contacts(), companies()]).await;
    let by_address = json!({"type": "group", "groupId": "g1", "anonymousId": "x", "traits": {"name": "Firm"}, "context": {"traits": {"email": "KNOWN@example.com"}}});
    let mut nobody = group("stranger", "g2", json!({"name": "No"}));
    nobody["context"] = json!({"traits": {"email": "nobody@example.com"}});
    let delivered = world.deliver(&delivery, vec![by_address, nobody, group("stranger", "g3", json!({}))]).await;
    let words: Vec<Outcome> = delivered.iter().map(|all| all[0].outcome).collect();
    assert_eq!(words, [Outcome::Applied, Outcome::Rejected, Outcome::Rejected], "{delivered:?}");
    assert_eq!(code(&delivered[1][0]), "MISSING_IDENTITY_CALL");
    let firms = world.by("companies", "segment_group_id").await;
    assert_eq!(firms.keys().collect::<Vec<_>>(), ["g1"]);
    assert_eq!(associated(&firms["g1"], "contacts").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_company_is_found_by_fields_that_all_must_fit_and_gets_its_group() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [
        {"properties": {"name": "Acme", "city": "Kraków"}},
        {"properties": {"name": "Acme", "city": "Gdańsk"}},
        {"properties": {"name": "Twin", "city": "Kraków"}},
        {"properties": {"name": "Twin", "city": "Kraków"}},
    ]}}));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let spec = |create: bool| {
        mapping(
            "companies",
            Action::UpsertCompany,
            "",
            json!({"associateContact": false, "createNewCompany": create,
                "companysearchfields": {"name": {"@path": "$.traits.name"}, "city": {"@path": "$.traits.address.city"}}}),
        )
    };
    let at = |id: &str, name: &str, city: &str| {
        group("u", id, json!({"name": name, "address": {"city": city}, "phone": "1"}))
    };
    let delivery = world.delivery(vec![spec(true)]).await;
    let events = vec![at("g1", "ACME", "kraków"), at("g2", "Twin", "Kraków"), at("g3", "New", "Łódź")];
    let delivered = world.deliver(&delivery, events.clone()).await;
    let words: Vec<Outcome> = delivered.iter().map(|all| all[0].outcome).collect();
    assert_eq!(words, [Outcome::Applied, Outcome::Rejected, Outcome::Applied], "{delivered:?}");
    assert_eq!(code(&delivered[1][0]), "SEARCH_CRITERIA_NOT_UNIQUE");
    let firms = world.by("companies", "segment_group_id").await;
    assert_eq!(firms.keys().collect::<Vec<_>>(), ["g1", "g3"]);
    assert_eq!(firms["g1"]["properties"]["city"], json!("kraków"));
    assert_eq!(world.records("companies").await.len(), 5);
    // Found by its group from now on, although the search does not show it yet.
    let again = world.deliver(&delivery, events).await;
    assert_eq!(again[0][0].record_id, delivered[0][0].record_id);
    assert_eq!(world.records("companies").await.len(), 5);
    drop(delivery);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let delivery = world.delivery(vec![spec(false)]).await;
    let delivered = world.deliver(&delivery, vec![at("g9", "Other", "Wrocław")]).await;
    assert_eq!((delivered[0][0].outcome, code(&delivered[0][0])), (Outcome::Skipped, "NO_RECORD"), "{delivered:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_a_company_moves_back() {
    let world = World::new();
    let spec = mapping(
        "companies",
        Action::UpsertCompany,
        "",
        json!({"associateContact": false, "lifecyclestage": {"@path": "$.traits.stage"}}),
    );
    let delivery = world.delivery(vec![spec]).await;
    for stage in ["customer", "lead", "opportunity"] {
        let delivered = world.deliver(&delivery, vec![group("u", "g", json!({"name": "Firm", "stage": stage}))]).await;
        assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{delivered:?}");
        assert_eq!(world.by("companies", "segment_group_id").await["g"]["properties"]["lifecyclestage"], json!(stage));
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_identify_comes_a_moment_later_waits_for_it_but_not_for_ever() {
    let world = World::new();
    let options = Options { contact_grace: Duration::from_secs(3), ..Options::default() };
    let memory = Arc::clone(&world.memory) as Arc<dyn UserMemory>;
    let delivery = Delivery::new(world.door().await, active(vec![contacts(), companies()]), memory, options);
    let groups = [
        world.input("a", group("u1", "g1", json!({"name": "Firm"}))),
        world.input("b", group("u2", "g2", json!({"name": "Lost"}))),
    ];
    let (delivered, stop) = delivery.window(&groups).await;
    assert_eq!((words(&delivered), stop), (vec![vec![Outcome::Deferred]; 2], None));
    assert!(world.records("companies").await.is_empty());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut window = groups.to_vec();
    window.push(world.input("c", identify("u1", json!({"email": "a@example.com"}))));
    let (delivered, _) = delivery.window(&window).await;
    assert_eq!(words(&delivered), [[Outcome::Applied], [Outcome::Deferred], [Outcome::Applied]], "{delivered:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (delivered, _) = delivery.window(&groups[1..]).await;
    assert_eq!((delivered[0][0].outcome, code(&delivered[0][0])), (Outcome::Rejected, "MISSING_IDENTITY_CALL"));
    let firms = world.by("companies", "segment_group_id").await;
    assert_eq!(firms.keys().collect::<Vec<_>>(), ["g1"]);
    assert_eq!(associated(&firms["g1"], "contacts").len(), 1);
}
