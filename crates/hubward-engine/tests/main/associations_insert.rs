//! Mode `insert` and associations whose other end is not there yet.

use serde_json::json;

use hubward_core::spec::Mode;
use hubward_engine::RunOptions;

use crate::associations::{associated, to, with_codes};
use crate::harness::World;

#[tokio::test(start_paused = true)]
async fn an_open_association_of_an_inserted_record_outlives_a_change_of_its_row() {
    for full in [false, true] {
        let world = World::new();
        with_codes(&world);
        world.customers(2);
        world.sql("alter table customers add column company text; update customers set company = 'c' || id");
        let mut job = world.job();
        job.sync.mode = Mode::Insert;
        job.sync.associations = vec![to("companies", "company", "code")];
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.applied, report.associations.missing_target), (2, 2), "{report:?}");
        world.sql("update customers set city = 'neu' where id = 1");
        let report = world.run_with(&job, &RunOptions { full, ..RunOptions::default() }).await;
        assert_eq!((report.outcomes.unfinished(), report.associations.missing_target), (0, 2), "{report:?}");
        world.load(&json!({"records": {"companies": [
            {"id": "801", "properties": {"code": "c1"}}, {"id": "802", "properties": {"code": "c2"}}]}}));
        world.run(&job).await;
        let found = associated(&world, ("contacts", "email"), ("companies", "code")).await;
        assert_eq!(found.len(), 2, "{full} {found:?}");
        let contacts = world.by("contacts", "email").await;
        assert_eq!(
            contacts["person1@example.com"]["properties"]["city"],
            json!("Kraków 1"),
            "insert writes no record twice"
        );
        assert_eq!(world.run(&job).await.requests.total, 0);
    }
}
