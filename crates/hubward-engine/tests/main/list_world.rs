//! What tests of list syncs share: contacts and lists of a world, runs, and who is in a list by e-mail.

use std::collections::{BTreeMap, BTreeSet};

use hubward_core::spec::{ListMode, ListSync, ListTarget, Location, Match};
use hubward_engine::{RunOptions, SyncJob, SyncReport};
use serde_json::{Value, json};

use crate::harness::{World, copy_folder};

pub(crate) type ListJob = SyncJob<ListSync>;

impl World {
    /// Contacts `1..=count` of the customers, in HubSpot.
    pub(crate) fn contacts(&self, count: u32) {
        self.contacts_of(1..=count);
    }

    /// Contacts of these customers, in HubSpot.
    pub(crate) fn contacts_of(&self, ids: std::ops::RangeInclusive<u32>) {
        let records: Vec<Value> = ids
            .map(|id| json!({"properties": {"email": format!("person{id}@example.com"), "lastname": format!("L{id}")}}))
            .collect();
        self.load(&json!({"records": {"contacts": records}}));
    }

    /// Customers become members of the list "Newsletter", by e-mail.
    pub(crate) fn list_job(&self) -> ListJob {
        let SyncJob { model, source, .. } = self.job();
        ListJob {
            sync: ListSync {
                name: "newsletter".to_owned(),
                model: "customers".to_owned(),
                list: ListTarget::Name("Newsletter".to_owned()),
                list_at: Location::default(),
                object: None,
                match_: Match::new("email", "email"),
                mode: ListMode::Mirror,
                create_missing: false,
                exclusive: false,
                after: Vec::new(),
                at: Location::default(),
            },
            model,
            source,
        }
    }

    pub(crate) async fn run_list(&self, job: &ListJob) -> SyncReport {
        self.run_list_with(job, &RunOptions::default()).await
    }

    pub(crate) async fn run_list_with(&self, job: &ListJob, options: &RunOptions) -> SyncReport {
        let engine = self.engine().await;
        let run = uuid::Uuid::now_v7().to_string();
        engine.recorder().set_run(&run);
        let report = engine.run_list_sync(job, &run, options).await;
        let total = report.changes.rows + report.changes.removed;
        assert_eq!(report.outcomes.total(), total, "every row has one outcome: {report:?}");
        report
    }

    /// A run that is killed while its `request`th request that may change or look up anything is on its way: HubSpot carries
    /// that one out, nothing after it is sent, and the state is as it was just before. Tells whether the run came so far.
    pub(crate) async fn run_list_killed_at(&self, job: &ListJob, request: u32) -> bool {
        let (state, kept) = (self.folder.path().join(".hubward"), self.folder.path().join("killed"));
        let (from, to) = (state.clone(), kept.clone());
        let mut sent = 0;
        self.script(move |path, body| {
            let makes_a_list = path.contains("/lists/") && body["processingType"].is_string();
            if !path.contains("/batch/") && !path.contains("/memberships/") && !makes_a_list {
                return None;
            }
            sent += 1;
            if sent == request {
                copy_folder(&from, &to);
            }
            (sent > request).then(|| (503, json!({"status": "error", "message": "killed"})))
        });
        self.run_list(job).await;
        self.end_script();
        if kept.exists() {
            std::fs::remove_dir_all(&state).expect("the state goes");
            std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
            return true;
        }
        false
    }

    /// The lists by name, each as the sandbox shows it.
    pub(crate) async fn lists(&self) -> BTreeMap<String, Value> {
        let answer = self.call("GET", "/_sandbox/lists", Value::Null).await;
        let lists = answer["results"].as_array().expect("a list").clone();
        lists.into_iter().map(|list| (list["name"].as_str().expect("a name").to_owned(), list)).collect()
    }

    /// Ids of the members of a list.
    pub(crate) async fn member_ids(&self, list: &str) -> BTreeSet<String> {
        let lists = self.lists().await;
        let members = lists.get(list).unwrap_or_else(|| panic!("no list {list}: {lists:?}"))["members"].clone();
        let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        members.as_array().expect("members").iter().map(text).collect()
    }

    /// The members of a list by one of their properties.
    pub(crate) async fn members_by(&self, list: &str, object: &str, property: &str) -> BTreeSet<String> {
        let ids = self.member_ids(list).await;
        let mut values = BTreeSet::new();
        for record in self.records(object).await {
            if ids.contains(record["id"].as_str().expect("an id")) {
                values.insert(record["properties"][property].as_str().unwrap_or_default().to_owned());
            }
        }
        assert_eq!(values.len(), ids.len(), "every member is a record with its own {property}");
        values
    }

    /// The e-mail addresses of the members of "Newsletter".
    pub(crate) async fn members(&self) -> BTreeSet<String> {
        self.members_by("Newsletter", "contacts", "email").await
    }

    /// The e-mail addresses in the source, as HubSpot writes them.
    pub(crate) fn addresses(&self) -> BTreeSet<String> {
        let connection = rusqlite::Connection::open(self.path()).expect("the source opens");
        let mut statement =
            connection.prepare("select lower(email) from customers where email is not null").expect("SQL");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        rows.map(|row| row.expect("a text")).collect()
    }

    /// The id of the contact with this address.
    pub(crate) async fn contact(&self, email: &str) -> String {
        self.by("contacts", "email").await[email]["id"].as_str().expect("an id").to_owned()
    }

    /// What a person does to the members of a list in HubSpot.
    pub(crate) async fn by_hand(&self, list: &str, op: &str, ids: &[String]) {
        let lists = self.lists().await;
        let id = lists[list]["listId"].as_str().map_or_else(|| lists[list]["listId"].to_string(), str::to_owned);
        self.call("PUT", &format!("/crm/v3/lists/{id}/memberships/{op}"), json!(ids)).await;
    }
}
