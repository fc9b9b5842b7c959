//! One list sync from query to report.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex};

use hubward_core::membership::{KnownList, Standing};
use hubward_core::spec::{ListMode, ListSync};
use hubward_core::{Outcome, OutcomeCounts};
use hubward_hubspot::requests::MEMBERSHIPS_MAX;
use hubward_store::{Ledger, LedgerMeta};
use tokio::time::Instant;

use crate::association::{AssociationCounts, Index};
use crate::corridor::Stopped;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::list::desk::Desk;
use crate::list::find::Finder;
use crate::list::operations::Operations;
use crate::list::prepare::Prepared;
use crate::list::ready::Ready;
use crate::list::resolve::Resolved;
use crate::list::rows::Rows;
use crate::list::target::{meta, remember};
use crate::progress::Phase;
use crate::ready::Depth;
use crate::report::{Changes, RequestCounts, Status, SyncReport};
use crate::run::{RunOptions, blocking, forget_removed, trouble_of};
use crate::scan::Scan;
use crate::strategy::MatchKind;
use crate::tally::Tally;

/// Pages of members that are read for `exclusive` at most, so that a cursor without an end has one: 25,000,000 members.
const MEMBER_PAGES_MAX: usize = 100_000;

impl Engine {
    /// Runs one list sync and says what became of every row. Never fails as a call: what went wrong is in the report.
    pub async fn run_list_sync(&self, job: &SyncJob<ListSync>, run: &str, options: &RunOptions) -> SyncReport {
        let began = Instant::now();
        let mut report = SyncReport {
            sync: job.sync.name.clone(),
            status: Status::Failed,
            changes: Changes::default(),
            outcomes: OutcomeCounts::default(),
            associations: AssociationCounts::default(),
            requests: RequestCounts::default(),
            seconds: 0.0,
            error: None,
            notes: Vec::new(),
            sent: false,
            interrupted: false,
        };
        if let Err(error) = Box::pin(self.carry_out_list(job, run, options, &mut report)).await {
            report.interrupted = options.cancel.is_set();
            report.status = Status::Failed;
            report.error = Some(error);
        }
        report.requests = self.recorder().counts(&job.sync.name);
        report.sent = self.recorder().may_have_written(&job.sync.name);
        report.seconds = began.elapsed().as_secs_f64();
        report
    }

    async fn carry_out_list(
        &self,
        job: &SyncJob<ListSync>,
        run: &str,
        options: &RunOptions,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let depth = Depth { dry: false, full: options.full, limit: options.limit, samples_max: 0 };
        let issues = Issues::new(self.config.db.clone(), run, &job.sync.name, Arc::clone(&self.config.wall))?;
        let ready = self.list_ready(job, depth, &options.cancel, Some(Arc::clone(&issues))).await?;
        catches(&ready, job, options)?;
        let (list, made) = match &ready.list {
            Some(found) => (found.clone(), false),
            None => self.make_list(&job.sync, &ready.prepared.object).await?,
        };
        if made {
            report.notes.push(format!("list {:?} was made: id {}", list.name, list.id));
        }
        report.changes = changes_of(&ready.scan, options.limit);

        let known = KnownList { id: list.id, name: list.name.clone() };
        let ledger_meta = ready.meta(self.account().portal_id);
        let Ready { prepared, mut scan, ledger, tally, .. } = ready;
        let (remembered, spill_rows) = (known.clone(), scan.spill.rows());
        let ledger = blocking(move || {
            let mut ledger = ledger;
            remember(&mut ledger, &remembered, ledger_meta)?;
            Ok(ledger)
        })
        .await?;
        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let indexes = if spill_rows > 0 { self.list_indexes(&prepared, &ledger, options).await } else { Vec::new() };
        let (writer, writing) = LedgerWriter::start(Arc::clone(&ledger));
        let sync: Arc<str> = Arc::from(job.sync.name.as_str());
        let client = self.config.client.clone();
        let finder =
            Finder { client: client.clone(), sync: Arc::clone(&sync), prepared: Arc::clone(&prepared), indexes };
        let desk = Arc::new(Desk {
            client,
            prepared: Arc::clone(&prepared),
            list: known,
            sync,
            finder,
            writer,
            ledger: Arc::clone(&ledger),
            tally: Arc::clone(&tally),
            issues: Arc::clone(&issues),
            cancel: options.cancel.clone(),
            progress: Arc::clone(&self.config.progress),
            ids_max: AtomicUsize::new(MEMBERSHIPS_MAX),
            refused_in_a_row: AtomicU32::new(0),
        });
        let done = self.both_passes(&desk, &mut scan, options, report).await;
        drop(desk);
        // The desk is gone and its writer with it; only now nobody else holds the ledger.
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        let mut trouble = match done {
            Ok(stopped) => trouble_of(stopped, report),
            Err(error) => Some(error),
        };
        if trouble.is_none() {
            let keeps = prepared.sync.mode != ListMode::Mirror && options.limit.is_none();
            let signature = options.limit.is_none().then(|| prepared.signature());
            let ledger = Arc::clone(&ledger);
            trouble = blocking(move || finish(&mut lock(&ledger), keeps, signature)).await.err();
            if keeps && trouble.is_none() {
                tally.many(Outcome::Skipped, report.changes.removed);
            }
            if options.limit.is_none() && trouble.is_none() {
                trouble = issues.keep_only_this_run().err();
            }
        }
        if trouble.is_some() {
            // Rows that the run did not come to.
            let total = report.changes.rows + report.changes.removed;
            tally.many(Outcome::Deferred, total.saturating_sub(tally.snapshot().total()));
        }
        let compacted = blocking(move || lock(&ledger).compact_if_due().map_err(EngineError::from)).await;
        trouble = trouble.or(compacted.err()).or_else(|| issues.failure());
        if issues.disproved() || trouble.as_ref().is_some_and(|error| error.code == "hubspot") {
            self.forget_metadata().await;
        }
        report.notes.extend(issues.deferred_reasons());
        conclude(report, &tally, trouble);
        Ok(())
    }

    /// What this sync's own ledger and that of an object sync know of records, so that they are not looked up.
    pub(crate) async fn list_indexes(
        &self,
        prepared: &Arc<Prepared>,
        own: &SharedLedger,
        options: &RunOptions,
    ) -> Vec<Index> {
        if prepared.kind == MatchKind::Id {
            return Vec::new();
        }
        let (ledger, matcher) = (Arc::clone(own), prepared.matcher);
        let own = blocking(move || Ok(Index::of_those(&lock(&ledger), |head| matcher.knows(head.mapped)))).await;
        let (object, property) = (&prepared.object, &prepared.sync.match_.property);
        let sibling = self.sibling_index(object, property, &options.siblings, &prepared.sync.name).await;
        own.ok().flatten().into_iter().chain(sibling).collect()
    }

    async fn both_passes(
        &self,
        desk: &Arc<Desk>,
        scan: &mut Scan,
        options: &RunOptions,
        report: &mut SyncReport,
    ) -> Result<Option<Stopped>, EngineError> {
        let sync = &desk.prepared.sync;
        let mut resolved = Resolved::default();
        if scan.spill.rows() > 0 {
            self.config.progress.phase(&sync.name, Phase::Checking, Some(scan.spill.rows()));
            let rows = Rows::new(&desk.prepared, scan)?;
            resolved = desk.resolve(rows).await;
            report.changes.changed = (report.changes.changed + resolved.differs).saturating_sub(resolved.same);
            report.changes.unchanged = (report.changes.unchanged + resolved.same).saturating_sub(resolved.differs);
        }
        if resolved.stopped.is_some() {
            return Ok(resolved.stopped);
        }
        let mirrors = sync.mode == ListMode::Mirror;
        let removed = mirrors && report.changes.removed > 0;
        let sweeps = sync.exclusive && mirrors && options.limit.is_none();
        let mut named = Arc::default();
        if removed || sweeps || !resolved.owed.is_empty() {
            let (ledger, limited) = (Arc::clone(&desk.ledger), options.limit.is_some());
            named = Arc::new(blocking(move || Ok(named_by_rows(&lock(&ledger), limited))).await?);
        }
        let mut strangers = Vec::new();
        if sweeps {
            match resolved.doubts.with_keyless(scan.invalid).told() {
                Some(why) => report.notes.push(why),
                None => strangers = self.strangers(desk, &named, &resolved.owed).await?,
            }
        }
        if resolved.going == 0 && !removed && strangers.is_empty() {
            return Ok(None);
        }
        let rows = resolved.going + if removed { report.changes.removed } else { 0 };
        self.config.progress.phase(&sync.name, Phase::Sending, Some(rows));
        let operations = Operations {
            mode: sync.mode,
            reader: if resolved.going > 0 { Some(scan.spill.read()?) } else { None },
            slots: resolved.slots,
            position: 0,
            named: Arc::clone(&named),
            removed,
            after: None,
            strangers: strangers.into_iter(),
            tally: Arc::clone(&desk.tally),
            ready: VecDeque::new(),
            ids: 0,
        };
        let sent = desk.send(operations).await;
        if sent.strangers > 0 {
            report.notes.push(format!("{} members that no row names were taken off the list", sent.strangers));
        }
        let mut stopped = sent.stopped;
        if stopped.is_some() {
            desk.tally.settle_handed(Outcome::Deferred, sent.again.len() as u64);
        } else if !sent.again.is_empty() {
            stopped = desk.send_again(sent.again, &named).await;
        }
        Ok(stopped)
    }

    /// Members of the list that no row names and that no row gives up: those are taken off in the row's name. Read before
    /// anything is added, a hundred records a request for those that may be strangers.
    async fn strangers(&self, desk: &Desk, named: &[u64], owed: &[u64]) -> Result<Vec<u64>, EngineError> {
        let ledger = Arc::clone(&desk.ledger);
        let mut leaving: HashSet<u64> = owed.iter().copied().collect();
        leaving.extend(
            blocking(move || {
                let ledger = lock(&ledger);
                let mut ids = Vec::new();
                for entry in ledger.unseen() {
                    ids.push(entry?.record_id);
                }
                Ok(ids)
            })
            .await?,
        );
        let meta = meta(&desk.prepared.sync);
        let mut strangers = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MEMBER_PAGES_MAX {
            let (ids, next) = desk.client.list_members(desk.list.id, after.as_deref(), &meta).await?;
            for id in ids {
                if named.binary_search(&id).is_err() && !leaving.contains(&id) {
                    strangers.push(id);
                }
            }
            after = next;
            if after.is_none() {
                return Ok(desk.without_survivors(strangers, named).await?);
            }
        }
        Err(EngineError::new("hubspot", "the pages of the list's members do not end; nothing was taken off"))
    }
}

/// What has to hold before anything is written.
fn catches(ready: &Ready, job: &SyncJob<ListSync>, options: &RunOptions) -> Result<(), EngineError> {
    // An exclusive list of somebody else's making can be emptied by the first run already.
    if ready.scan.rows == 0 && (!ready.ledger.is_empty() || job.sync.exclusive) && !options.allow_empty {
        let mut text = format!("model {:?} returns no rows", job.model.name);
        if !ready.ledger.is_empty() {
            text.push_str(&format!(" where it had {}", ready.ledger.len()));
        }
        // In the other modes rows that leave the model take nobody off.
        if job.sync.mode == ListMode::Mirror {
            text.push_str("; its list would be emptied");
        }
        return Err(EngineError::new("model-empty", text)
            .help("look at the query; if an empty model is right, run again with --allow-empty")
            .at(&job.model.at));
    }
    if let Some(expected) = options.expected_digest
        && expected != ready.digest()?
    {
        let text = format!("the plan of sync {:?} is out of date", job.sync.name);
        return Err(EngineError::new("plan-outdated", text)
            .help("the source, the ledger or the sync changed since the plan was made; plan again"));
    }
    Ok(())
}

pub(crate) fn changes_of(scan: &Scan, limit: Option<u64>) -> Changes {
    Changes {
        rows: scan.rows,
        added: scan.added,
        changed: scan.changed,
        removed: if limit.is_some() { 0 } else { scan.removed },
        unchanged: scan.unchanged,
    }
}

/// The records that rows of the model name, as far as they are or may be on the list, sorted: 8 bytes each. Where a limit
/// left rows out, those of all rows that the ledger knows.
pub(crate) fn named_by_rows(ledger: &Ledger, limited: bool) -> Vec<u64> {
    let mut named = Vec::new();
    let mut take = |head: &hubward_store::EntryHead| {
        if head.record_id != 0 && Standing::of(head.mapped).may_be_in() {
            named.push(head.record_id);
        }
    };
    if limited {
        ledger.for_each(&mut take)
    } else {
        ledger.for_each_seen(&mut take)
    }
    named.sort_unstable();
    named.dedup();
    named
}

/// What a run that reached its last row leaves in the ledger.
fn finish(ledger: &mut Ledger, forgets: bool, signature: Option<String>) -> Result<(), EngineError> {
    if forgets {
        forget_removed(ledger)?;
    }
    if let Some(signature) = signature
        && ledger.meta().mapping_signature != signature
    {
        let meta = LedgerMeta { mapping_signature: signature, ..ledger.meta().clone() };
        ledger.set_meta(meta)?;
    }
    Ok(())
}

/// The report's last lines; sums that do not agree are a fault of ours and said so.
fn conclude(report: &mut SyncReport, tally: &Tally, trouble: Option<EngineError>) {
    report.outcomes = tally.snapshot();
    report.status = match &trouble {
        Some(_) => Status::Failed,
        None if report.outcomes.unfinished() > 0 => Status::Partial,
        None => Status::Ok,
    };
    report.error = trouble;
    let total = report.changes.rows + report.changes.removed;
    if tally.lost() > 0 || report.outcomes.total() != total {
        report.status = Status::Failed;
        let came = report.outcomes.total();
        report.error.get_or_insert_with(|| {
            let text = format!("{total} rows went in and {came} outcomes came out; please report this");
            EngineError::new("internal", text)
        });
    }
}
