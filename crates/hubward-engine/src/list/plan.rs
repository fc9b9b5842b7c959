//! What a run of a list sync would do, without doing it.

use std::sync::{Arc, Mutex};

use hubward_core::membership::{Standing, owed_ids, owes};
use hubward_core::spec::{ListMode, ListSync, ListTarget};
use hubward_hubspot::requests::MEMBERSHIPS_MAX;

use crate::analyze::Sample;
use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::ledger_writer::{SharedLedger, lock};
use crate::list::find::VALUES_MAX;
use crate::list::prepare::{Prepared, record_id};
use crate::list::ready::Ready;
use crate::list::rows::{Candidate, Rows};
use crate::list::run::{changes_of, named_by_rows};
use crate::plan::{SAMPLES_MAX, SyncPlan, least_seconds};
use crate::ready::Depth;
use crate::report::RequestCounts;
use crate::run::{RunOptions, blocking};
use crate::spill::Kind;
use crate::strategy::MatchKind;

/// What the rows of a plan come to.
#[derive(Default)]
struct Counted {
    invalid: u64,
    /// Ids that a run would send.
    changes: u64,
    /// Rows whose record has to be asked for.
    unknown: u64,
    same: u64,
    differs: u64,
    samples: Vec<Sample>,
}

impl Engine {
    /// Reads source, ledger and list and tells what a run would send. Writes nothing. Records that are not known are not
    /// looked up: each is counted as one that joins, and with `create_missing` as one that is made.
    ///
    /// # Errors
    /// Whatever would stop the run before its first request.
    pub async fn plan_list_sync(
        &self,
        job: &SyncJob<ListSync>,
        full: bool,
        cancel: &Cancel,
    ) -> Result<SyncPlan, EngineError> {
        let depth = Depth { dry: true, full, limit: None, samples_max: SAMPLES_MAX };
        let ready = self.list_ready(job, depth, cancel, None).await?;
        let digest = ready.digest()?;
        let mut warnings = Vec::new();
        if let (None, ListTarget::Name(name)) = (&ready.list, &job.sync.list) {
            warnings.push(format!("list {name:?} does not exist yet; a run makes it"));
        }
        if ready.scan.rows == 0 && !ready.ledger.is_empty() {
            warnings.push("a run will stop before anything is sent: the model returns no rows".to_owned());
        }
        let mut changes = changes_of(&ready.scan, None);
        let makes = ready.list.is_none();
        let Ready { prepared, mut scan, ledger, .. } = ready;
        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let indexes = self.list_indexes(&prepared, &ledger, &RunOptions::default()).await;
        let (rules, missing_keys) = (Arc::clone(&prepared), scan.invalid);
        let counted = blocking(move || {
            let ledger = lock(&ledger);
            let mut counted = Counted { invalid: missing_keys, ..Counted::default() };
            let mut rows = Rows::new(&rules, &mut scan)?;
            loop {
                let block = rows.next_block(&ledger)?;
                if block.is_empty() {
                    break;
                }
                for row in block {
                    count(&mut counted, &rules, &row, |named| {
                        record_id(&named.folded)
                            .filter(|_| rules.kind == MatchKind::Id)
                            .or_else(|| indexes.iter().find_map(|index| index.get(named.hash)))
                            .is_some()
                    });
                }
            }
            if rules.sync.mode == ListMode::Mirror && scan.removed > 0 {
                let named = named_by_rows(&ledger, false);
                let mut leaving = Vec::new();
                for entry in ledger.unseen() {
                    let entry = entry?;
                    leaving.extend(owed_ids(&entry.payload.written));
                    if Standing::of(entry.mapped).may_be_in() {
                        leaving.push(entry.record_id);
                    }
                }
                leaving.sort_unstable();
                leaving.dedup();
                leaving.retain(|id| named.binary_search(id).is_err());
                counted.changes += leaving.len() as u64;
            }
            Ok(counted)
        })
        .await?;
        changes.changed = (changes.changed + counted.differs).saturating_sub(counted.same);
        changes.unchanged = (changes.unchanged + counted.same).saturating_sub(counted.differs);
        let requests = requests(&prepared, &counted, makes);
        let limits = self.client().limiter().snapshot();
        let burst = requests.total - requests.search;
        Ok(SyncPlan {
            sync: job.sync.name.clone(),
            added: changes.added,
            changed: changes.changed,
            removed: changes.removed,
            unchanged: changes.unchanged,
            invalid: counted.invalid,
            requests,
            seconds_at_limit: least_seconds(burst, &limits.burst).max(least_seconds(requests.search, &limits.search)),
            monthly_share: None,
            daily_share: limits
                .daily
                .limit
                .filter(|limit| *limit > 0)
                .map(|limit| requests.total as f64 / limit as f64),
            samples: counted.samples,
            digest,
            warnings,
            error: None,
        })
    }
}

fn count(
    counted: &mut Counted,
    prepared: &Prepared,
    row: &Candidate,
    at_hand: impl Fn(&crate::list::prepare::Named) -> bool,
) {
    let mode = prepared.sync.mode;
    let before = row.before();
    let Ok(named) = &row.named else {
        counted.invalid += 1;
        counted.changes += owes(mode, before.as_ref(), None).len() as u64;
        return;
    };
    let entry = row.entry.as_ref();
    let remembered = entry
        .filter(|entry| prepared.matcher.knows(entry.mapped) && entry.match_hash == named.hash && entry.record_id != 0);
    let owed = owes(mode, before.as_ref(), remembered.map(|entry| entry.record_id));
    if let Some(entry) = remembered
        && Standing::of(entry.mapped) == Standing::wanted(mode)
        && owed.is_empty()
        && row.kind != Kind::Full
    {
        counted.same += u64::from(row.kind == Kind::Changed);
        return;
    }
    counted.differs += u64::from(row.kind == Kind::Recheck);
    counted.changes += 1 + owed.len() as u64;
    counted.unknown += u64::from(remembered.is_none() && !at_hand(named));
    if counted.samples.len() < SAMPLES_MAX {
        let change = if entry.is_some() { "changed" } else { "added" };
        let property = prepared.sync.match_.property.clone();
        let properties = vec![(property, named.value.clone())];
        counted.samples.push(Sample { key: row.key_text.clone(), change, properties });
    }
}

/// Requests of a run in which nothing fails.
fn requests(prepared: &Prepared, counted: &Counted, makes: bool) -> RequestCounts {
    let batches = |values: u64| values.div_ceil(VALUES_MAX as u64);
    let mut counts = RequestCounts::default();
    match prepared.kind {
        MatchKind::Id => {}
        MatchKind::Unique => counts.read = batches(counted.unknown),
        MatchKind::Search => counts.search = batches(counted.unknown),
    }
    if prepared.sync.create_missing {
        counts.upsert = batches(counted.unknown);
    }
    counts.list = counted.changes.div_ceil(MEMBERSHIPS_MAX as u64) + u64::from(makes);
    // One asks for the list itself, which is counted in the sum alone, as in a run.
    counts.total = 1 + counts.read + counts.search + counts.upsert + counts.list;
    counts
}
