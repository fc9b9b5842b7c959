//! The current invalid and rejected rows of a sync, kept in the state database.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hubward_core::{Outcome, WallClock};
use hubward_store::{Issue, StateDb};

use crate::error::EngineError;
use crate::metadata::disproves;
use crate::row::Verdict;

/// First reasons of deferred rows that a report shows.
const DEFERRED_REASONS_MAX: usize = 3;
/// Verdicts that wait in memory until they are recorded together.
const WAITING_VERDICTS_MAX: usize = 5_000;

/// Earlier issues that are told apart, in 16 MB.
const PREVIOUS_MAX: usize = 1_000_000;

/// Rows that had an issue before this run, so that one that is well again is taken off: hashes of their keys. Where there
/// are too many, the database is asked to take off every row that is well.
#[derive(Default)]
struct Previous {
    hashes: HashSet<u64>,
    too_many: bool,
}

impl Previous {
    fn note(&mut self, key: &str) {
        if self.hashes.len() < PREVIOUS_MAX {
            self.hashes.insert(xxhash_rust::xxh3::xxh3_64(key.as_bytes()));
        } else {
            self.too_many = true;
        }
    }

    /// Whether the database may hold an issue of this row; taking off what is not there does no harm.
    fn may_have(&self, key: &str) -> bool {
        self.too_many || (!self.hashes.is_empty() && self.hashes.contains(&xxhash_rust::xxh3::xxh3_64(key.as_bytes())))
    }
}

/// Receives the final words of rows. Without a database (a plan, a test) only the deferred reasons are kept.
pub(crate) struct Issues {
    db: Option<StateDb>,
    run: String,
    sync: String,
    wall: Arc<dyn WallClock>,
    previous: Previous,
    deferred: Mutex<Vec<String>>,
    failed: Mutex<Option<EngineError>>,
    /// HubSpot has refused a row by what the account's metadata allowed.
    disproved: AtomicBool,
}

/// Takes verdicts while a model is read and checked, a bounded number at a time. Without issues (a plan) it forgets them.
pub(crate) struct Sink<'a> {
    issues: Option<&'a Issues>,
    waiting: Vec<Verdict>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(issues: Option<&'a Issues>) -> Self {
        Self { issues, waiting: Vec::new() }
    }

    pub(crate) fn push(&mut self, verdict: Verdict) {
        if self.issues.is_some() {
            self.waiting.push(verdict);
            if self.waiting.len() >= WAITING_VERDICTS_MAX {
                self.flush();
            }
        }
    }

    /// Records what is waiting. Blocking.
    pub(crate) fn flush(&mut self) {
        if let Some(issues) = self.issues
            && !self.waiting.is_empty()
        {
            issues.settle_blocking(std::mem::take(&mut self.waiting));
        }
    }
}

impl Issues {
    pub(crate) fn new(
        db: Option<StateDb>,
        run: &str,
        sync: &str,
        wall: Arc<dyn WallClock>,
    ) -> Result<Arc<Self>, EngineError> {
        let mut previous = Previous::default();
        if let Some(db) = &db {
            db.for_each_issue(Some(sync), |issue| previous.note(&issue.key))?;
        }
        Ok(Arc::new(Self {
            db,
            run: run.to_owned(),
            sync: sync.to_owned(),
            wall,
            previous,
            deferred: Mutex::default(),
            failed: Mutex::default(),
            disproved: AtomicBool::new(false),
        }))
    }

    /// Whether any row of the sync had an issue before this run, so that words about rows that are well are wanted.
    pub(crate) fn knew_any(&self) -> bool {
        !self.previous.hashes.is_empty()
    }

    /// Records verdicts. A database that fails does not stop rows that HubSpot has confirmed; the report says it.
    pub(crate) async fn settle(self: &Arc<Self>, verdicts: Vec<Verdict>) {
        if verdicts.is_empty() {
            return;
        }
        let issues = Arc::clone(self);
        let finished = tokio::task::spawn_blocking(move || issues.settle_blocking(verdicts)).await;
        if let Err(panic) = finished {
            std::panic::resume_unwind(panic.into_panic());
        }
    }

    pub(crate) fn settle_blocking(&self, verdicts: Vec<Verdict>) {
        let mut bad = Vec::new();
        let mut well = Vec::new();
        for verdict in verdicts {
            let reason = verdict.reason.as_ref();
            let category = reason.and_then(|reason| reason.category.as_deref());
            // A refused association may be one whose label has gone since it was read.
            let associates =
                reason.and_then(|reason| reason.property.as_deref()).is_some_and(|p| p.starts_with("associations."));
            if verdict.outcome == Outcome::Rejected && (associates || category.is_some_and(disproves)) {
                self.disproved.store(true, Ordering::Relaxed);
            }
            match verdict.outcome {
                Outcome::Invalid | Outcome::Rejected => bad.push(Issue {
                    key: verdict.key_text,
                    outcome: verdict.outcome,
                    reason: verdict.reason.unwrap_or_default(),
                    attempts: verdict.attempts,
                }),
                Outcome::Deferred => {
                    let reason = verdict.reason.unwrap_or_default().text;
                    if let Ok(mut deferred) = self.deferred.lock()
                        && deferred.len() < DEFERRED_REASONS_MAX
                        && !deferred.contains(&reason)
                    {
                        deferred.push(reason);
                    }
                }
                Outcome::Applied | Outcome::Unchanged | Outcome::Skipped => {
                    if self.previous.may_have(&verdict.key_text) {
                        well.push(verdict.key_text);
                    }
                }
            }
        }
        let Some(db) = &self.db else { return };
        let mut result = Ok(());
        if !bad.is_empty() {
            result = db.record_issues(&self.run, &self.sync, self.wall.now(), &bad);
        }
        if result.is_ok() && !well.is_empty() {
            result = db.clear_issues(&self.sync, &well);
        }
        if let (Err(error), Ok(mut failed)) = (result, self.failed.lock()) {
            failed.get_or_insert_with(|| error.into());
        }
    }

    /// After a whole model was seen: issues of rows that this run did not meet again are gone.
    pub(crate) fn keep_only_this_run(&self) -> Result<(), EngineError> {
        if let Some(db) = &self.db {
            db.keep_only(&self.sync, &self.run)?;
            db.keep_only_waiting(&self.sync, &self.run)?;
        }
        Ok(())
    }

    /// The first reasons why rows were deferred.
    pub(crate) fn deferred_reasons(&self) -> Vec<String> {
        self.deferred.lock().map(|reasons| reasons.clone()).unwrap_or_default()
    }

    /// Whether HubSpot has refused a row by what the account's metadata allowed.
    pub(crate) fn disproved(&self) -> bool {
        self.disproved.load(Ordering::Relaxed)
    }

    /// The database's first failure, if it failed.
    pub(crate) fn failure(&self) -> Option<EngineError> {
        self.failed.lock().ok().and_then(|failed| failed.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_issues_are_known_by_their_keys_and_any_row_may_have_one_where_they_are_too_many() {
        let mut previous = Previous::default();
        assert!(!previous.may_have("1"));
        for key in 0..PREVIOUS_MAX {
            previous.note(&key.to_string());
        }
        assert!(previous.may_have("7") && !previous.may_have("no such row"));
        previous.note("one more");
        assert!(previous.may_have("one more") && previous.hashes.len() == PREVIOUS_MAX);
    }
}
