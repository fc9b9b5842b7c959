//! List syncs: the list is what the model says, run after run.

use hubward_core::spec::{ListMode, ListTarget, Match};
use hubward_engine::{RunOptions, Status};
use serde_json::json;

use crate::harness::World;

#[tokio::test(start_paused = true)]
async fn a_list_is_made_filled_and_follows_gains_and_losses() {
    let world = World::new();
    world.customers(250);
    world.contacts(300);
    let job = world.list_job();
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.changes.added), (Status::Ok, 250, 250), "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("\"Newsletter\" was made")), "{report:?}");
    // One to make it, one for all members; three look-ups of a hundred.
    assert_eq!((report.requests.list, report.requests.read), (2, 3), "{report:?}");
    assert_eq!(world.members().await, world.addresses());

    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.list, report.requests.read), (250, 0, 0), "{report:?}");
    assert!(!report.sent);

    // Three leave, five join, one now names somebody else.
    world.sql("delete from customers where id in (3, 4, 5)");
    world.sql(
        "insert into customers (id, email) select id + 1000, 'PERSON' || (id + 270) || '@example.com' from customers where id <= 8",
    );
    world.sql("update customers set email = 'person290@example.com' where id = 9");
    let report = world.run_list(&job).await;
    let (outcomes, changes) = (report.outcomes, report.changes);
    assert_eq!((changes.added, changes.changed, changes.removed), (5, 1, 3), "{report:?}");
    assert_eq!((outcomes.applied, outcomes.unchanged, outcomes.total()), (9, 246, 255), "{report:?}");
    // Joins and leaves travel together.
    assert_eq!((report.requests.list, report.requests.read), (1, 1), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.requests.list), (Status::Ok, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn members_added_by_hand_stay_unless_the_list_is_exclusive() {
    let world = World::new();
    world.customers(5);
    world.contacts(10);
    let mut job = world.list_job();
    world.run_list(&job).await;
    let guests = [world.contact("person8@example.com").await, world.contact("person9@example.com").await];
    world.by_hand("Newsletter", "add", &guests).await;
    world.sql("delete from customers where id = 1");
    world.run_list(&job).await;
    let mut wanted = world.addresses();
    wanted.extend(["person8@example.com".to_owned(), "person9@example.com".to_owned()]);
    assert_eq!(world.members().await, wanted);

    job.sync.exclusive = true;
    world.sql("delete from customers where id = 2");
    let report = world.run_list(&job).await;
    assert_eq!(world.members().await, world.addresses());
    assert_eq!((report.status, report.outcomes.applied, report.changes.removed), (Status::Ok, 1, 1), "{report:?}");
    assert!(report.notes.iter().any(|note| note.starts_with("2 members that no row names")), "{report:?}");
    let report = world.run_list(&job).await;
    assert_eq!((report.requests.list, report.outcomes.unchanged), (0, 3), "{report:?}");
    assert!(report.notes.is_empty(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_another_row_still_names_stays() {
    let world = World::new();
    world.customers(4);
    world.contacts(6);
    world.sql("update customers set email = 'person1@example.com' where id = 2");
    let job = world.list_job();
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 4), "{report:?}");
    assert_eq!(world.members().await, world.addresses());

    world.sql("delete from customers where id = 1");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.skipped, report.requests.list), (1, 0), "{report:?}");
    assert_eq!(world.members().await, world.addresses());

    // Two rows swap their records: nobody leaves.
    world.sql("update customers set email = case id when 3 then 'person4@example.com' else 'person3@example.com' end where id in (3, 4)");
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.changes.changed), (Status::Ok, 2), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
    world.sql("delete from customers where id = 3");
    world.run_list(&job).await;
    assert_eq!(world.members().await, world.addresses());
}

#[tokio::test(start_paused = true)]
async fn rows_without_a_record_are_rejected_and_join_once_they_have_one() {
    let world = World::new();
    world.customers(6);
    world.contacts(4);
    world.sql("update customers set email = null where id = 1; update customers set email = 'no address' where id = 2");
    let job = world.list_job();
    let report = world.run_list(&job).await;
    assert_eq!(report.status, Status::Partial);
    assert_eq!((report.outcomes.applied, report.outcomes.rejected, report.outcomes.invalid), (2, 2, 2), "{report:?}");
    let issues = world.issues("newsletter");
    assert_eq!((issues["5"].0.as_str(), issues["5"].1.as_str()), ("rejected", "NO_RECORD"), "{issues:?}");
    assert!(issues["5"].2.contains("create_missing"), "{issues:?}");
    assert_eq!((issues["1"].1.as_str(), issues["2"].1.as_str()), ("MISSING_MATCH", "INVALID_EMAIL"), "{issues:?}");

    world.contacts_of(5..=6);
    world.sql("update customers set email = 'person' || id || '@example.com'");
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 4, 2), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
    assert!(world.issues("newsletter").is_empty());

    // A row that stops naming a record gives its place up.
    world.sql("update customers set email = null where id = 3; update customers set email = 'nobody@example.com' where id = 4");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.rejected, report.requests.list), (1, 1, 1), "{report:?}");
    let named = ["person1@example.com", "person2@example.com", "person5@example.com", "person6@example.com"];
    assert_eq!(world.members().await, named.map(str::to_owned).into());
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.rejected, report.requests.list), (1, 1, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn missing_records_are_made_where_the_sync_says_so() {
    let world = World::new();
    world.customers(250);
    world.contacts(100);
    let mut job = world.list_job();
    job.sync.create_missing = true;
    let report = world.run_list(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 250), "{report:?}");
    assert_eq!((report.requests.upsert, report.requests.list), (2, 2), "{report:?}");
    assert_eq!(world.members().await, world.addresses());
    assert_eq!(world.records("contacts").await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn rows_by_record_id_need_no_look_up_and_an_unknown_id_is_rejected() {
    let world = World::new();
    world.customers(20);
    world.contacts(20);
    for (email, record) in world.by("contacts", "email").await {
        let id = record["id"].as_str().expect("an id");
        world.sql(&format!("update customers set plan = '{id}' where lower(email) = '{email}'"));
    }
    world.sql("update customers set plan = '99999999' where id = 3; update customers set plan = 'x7' where id = 4");
    let mut job = world.list_job();
    job.sync.match_ = Match::new("plan", "id");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected, report.outcomes.invalid), (18, 1, 1), "{report:?}");
    assert_eq!((report.requests.read, report.requests.search, report.requests.list), (0, 0, 2), "{report:?}");
    let issues = world.issues("newsletter");
    assert!(issues["3"].2.contains("99999999") && issues["4"].1 == "INVALID_ID", "{issues:?}");
    let mut wanted = world.addresses();
    wanted.retain(|email| email != "person3@example.com" && email != "person4@example.com");
    assert_eq!(world.members().await, wanted);
}

#[tokio::test(start_paused = true)]
async fn mode_add_lets_nobody_go_and_mode_remove_takes_the_models_rows_off() {
    let world = World::new();
    world.customers(6);
    world.contacts(8);
    let mut job = world.list_job();
    job.sync.mode = ListMode::Add;
    world.run_list(&job).await;
    let all = world.addresses();
    world.sql("delete from customers where id <= 2; update customers set email = 'person7@example.com' where id = 3");
    let report = world.run_list(&job).await;
    assert_eq!((report.outcomes.skipped, report.outcomes.applied, report.changes.removed), (2, 1, 2), "{report:?}");
    let mut wanted = all.clone();
    wanted.insert("person7@example.com".to_owned());
    assert_eq!(world.members().await, wanted);
    assert_eq!(world.run_list(&job).await.changes.removed, 0);

    let mut off = world.list_job();
    off.sync.mode = ListMode::Remove;
    off.sync.name = "unsubscribed".to_owned();
    world.sql("insert into customers (id, email) values (50, 'person8@example.com'), (51, 'nobody@example.com')");
    let report = world.run_list(&off).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged, report.outcomes.skipped), (4, 1, 1), "{report:?}");
    let left = ["person1@example.com", "person2@example.com", "person3@example.com"];
    assert_eq!(world.members().await, left.map(str::to_owned).into());
    // Once each; a person may put them back, and rows that leave the model mean nothing.
    let guest = world.contact("person4@example.com").await;
    world.by_hand("Newsletter", "add", &[guest]).await;
    world.sql("delete from customers where id > 4");
    let report = world.run_list(&off).await;
    assert_eq!((report.requests.list, report.outcomes.skipped), (0, 3), "{report:?}");
    assert_eq!(world.members().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_full_run_puts_right_what_people_have_changed() {
    let world = World::new();
    world.customers(30);
    world.contacts(30);
    let job = world.list_job();
    world.run_list(&job).await;
    let taken_off = world.contact("person3@example.com").await;
    world.by_hand("Newsletter", "remove", &[taken_off]).await;
    let deleted = world.contact("person4@example.com").await;
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{deleted}"), json!(null)).await;
    let made = json!({"properties": {"email": "person4@example.com"}});
    world.call("POST", "/crm/v3/objects/contacts", made).await;
    let report = world.run_list(&job).await;
    assert_eq!((report.requests.list, report.outcomes.unchanged), (0, 30), "{report:?}");

    let report = world.run_list_with(&job, &RunOptions { full: true, ..RunOptions::default() }).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 2, 28), "{report:?}");
    assert_eq!((report.requests.list, report.requests.read), (2, 1), "one more for the record that was made anew");
    assert_eq!(world.members().await, world.addresses());
    assert_eq!(world.run_list(&job).await.requests.list, 0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_model_does_not_empty_the_list_unless_it_is_meant() {
    let world = World::new();
    world.customers(3);
    world.contacts(3);
    let mut job = world.list_job();
    world.run_list(&job).await;
    let before = world.members().await;
    world.sql("delete from customers");
    for (mode, empties) in [(ListMode::Add, false), (ListMode::Remove, false), (ListMode::Mirror, true)] {
        job.sync.mode = mode;
        let error = world.run_list(&job).await.error.expect("an empty model stops the run");
        assert_eq!((error.code, error.message.contains("would be emptied")), ("model-empty", empties), "{error:?}");
        assert_eq!(world.members().await, before);
    }
    let report = world.run_list_with(&job, &RunOptions { allow_empty: true, ..RunOptions::default() }).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?}");
    assert!(world.members().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_existing_list_is_used_by_name_and_by_id() {
    let world = World::new();
    world.customers(3);
    world.contacts(5);
    world.load(&json!({"lists": [{"name": "Newsletter", "objectTypeId": "0-1", "processingType": "MANUAL"}]}));
    let guest = world.contact("person5@example.com").await;
    world.by_hand("Newsletter", "add", &[guest]).await;
    let mut job = world.list_job();
    let report = world.run_list(&job).await;
    assert_eq!((report.requests.list, report.outcomes.applied), (1, 3), "{report:?}");
    assert!(report.notes.is_empty(), "{report:?}");
    let lists = world.lists().await;
    assert_eq!(lists.len(), 1);
    let id: u64 = lists["Newsletter"]["listId"].as_str().expect("an id").parse().expect("a number");
    job.sync.list = ListTarget::Id(id);
    world.sql("delete from customers where id = 1");
    let report = world.run_list(&job).await;
    assert_eq!((report.requests.list, report.outcomes.applied, report.outcomes.unchanged), (1, 1, 2), "{report:?}");
    let left = ["person2@example.com", "person3@example.com", "person5@example.com"];
    assert_eq!(world.members().await, left.map(str::to_owned).into());
}
