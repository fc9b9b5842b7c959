//! Every request and answer on its way into the request log and the counts of its sync.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use hubward_hubspot::{Attempt, AttemptOutcome, Observer, RequestKind};
use hubward_store::{RequestRow, StateDb};

use crate::report::RequestCounts;

/// Observes a client. Requests without a sync (account, properties, owners) are counted under the empty name.
pub struct Recorder {
    db: Option<StateDb>,
    run: Mutex<String>,
    counts: Mutex<HashMap<String, RequestCounts>>,
    /// Syncs of the run that HubSpot may have written something for.
    wrote: Mutex<HashSet<String>>,
}

impl Recorder {
    /// Without a database nothing is kept but the counts.
    #[must_use]
    pub fn new(db: Option<StateDb>) -> Arc<Self> {
        Arc::new(Self { db, run: Mutex::default(), counts: Mutex::default(), wrote: Mutex::default() })
    }

    /// Requests from now on belong to this run.
    pub fn set_run(&self, run: &str) {
        run.clone_into(&mut hold(&self.run));
        hold(&self.counts).clear();
        hold(&self.wrote).clear();
    }

    /// The requests of a sync in this run; the empty name gives those that belong to no sync.
    #[must_use]
    pub fn counts(&self, sync: &str) -> RequestCounts {
        hold(&self.counts).get(sync).copied().unwrap_or_default()
    }

    /// Whether HubSpot wrote something for this sync in this run, or may have: every write that was not refused whole by a
    /// status below 500. A lost answer may hide a write.
    #[must_use]
    pub fn may_have_written(&self, sync: &str) -> bool {
        hold(&self.wrote).contains(sync)
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

impl Observer for Recorder {
    fn attempt(&self, attempt: &Attempt<'_>) {
        let sync = attempt.meta.sync.as_deref().unwrap_or_default();
        {
            let mut counts = hold(&self.counts);
            let counts = counts.entry(sync.to_owned()).or_default();
            counts.total += 1;
            match attempt.kind {
                RequestKind::Upsert => counts.upsert += 1,
                RequestKind::Create => counts.create += 1,
                RequestKind::Update => counts.update += 1,
                RequestKind::Read => counts.read += 1,
                RequestKind::Search => counts.search += 1,
                RequestKind::Archive => counts.archive += 1,
                RequestKind::Associate | RequestKind::AssociationRead => counts.associate += 1,
                RequestKind::Event => counts.event += 1,
                RequestKind::List => counts.list += 1,
                _ => {}
            }
            if attempt.attempt > 1 {
                counts.retried += 1;
            }
            if attempt.status == Some(429) {
                counts.throttled += 1;
            }
        }
        let writes = matches!(
            attempt.kind,
            RequestKind::Upsert
                | RequestKind::Create
                | RequestKind::Update
                | RequestKind::Archive
                | RequestKind::Associate
                | RequestKind::Event
                | RequestKind::List
        );
        let refused = attempt.status.is_some_and(|status| (400..500).contains(&status));
        if writes && !refused && !hold(&self.wrote).contains(sync) {
            hold(&self.wrote).insert(sync.to_owned());
        }
        if let Some(db) = &self.db {
            let row = RequestRow {
                run: hold(&self.run).clone(),
                sync: sync.to_owned(),
                at: attempt.started_at,
                ms: attempt.ms,
                method: attempt.method.to_string(),
                path: attempt.path.to_owned(),
                status: attempt.status.unwrap_or_default(),
                attempt: attempt.attempt,
                rows: attempt.meta.rows.clone(),
                request: attempt.request.cloned().unwrap_or_default(),
                response: attempt.response.clone(),
                failed: attempt.outcome != AttemptOutcome::Ok,
            };
            if let Err(error) = db.log_request(row) {
                tracing::warn!(%error, "the request log could not be written");
            }
        }
    }
}
