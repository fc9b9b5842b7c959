//! One sync from query to report.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::Outcome;
use hubward_core::spec::{Mode, ObjectSync};
use hubward_store::{Change, Ledger, LedgerMeta};
use tokio::time::Instant;

use crate::analyze::{Analysis, Fate};
use crate::association::{AssociationCounts, Open, Rest, Stand, defer_due};
use crate::cancel::Cancel;
use crate::compare::Comparison;
use crate::corridor::{Corridor, Stopped};
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::feed::Feed;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::memory::Memory;
use crate::progress::Phase;
use crate::ready::{Depth, Ready};
use crate::removal_catch;
use crate::report::{Changes, RequestCounts, Status, SyncReport};
use crate::sought::Sought;
use crate::spill::Spill;
use crate::spilled::{OpenIntent, Spilled, Turns};
use crate::words::Words;
use crate::written::Written;

/// Rows whose removal is recorded in one frame of the ledger.
const REMOVALS_A_FRAME: usize = 10_000;

/// A create is sent this long after its intent at the latest: the client's patience with limits and failures, and some.
pub(crate) const SENT_AFTER_INTENT_MAX: Duration = Duration::from_secs(20 * 60);

/// What `run` was asked for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Disregard fingerprints: send every row.
    pub full: bool,
    /// Read no more than this many rows of each model; removed rows are then not looked for.
    pub limit: Option<u64>,
    /// A model that returns nothing where the ledger holds rows is meant so.
    pub allow_empty: bool,
    /// So many rows may leave the model and have their records cleared or deleted.
    pub allow_removals: bool,
    /// The digest that a saved plan showed; another one refuses the run.
    pub expected_digest: Option<u64>,
    /// The project's syncs: records that one of them has written are not looked up for the associations of another.
    pub siblings: Vec<ObjectSync>,
    pub cancel: Cancel,
}

impl Engine {
    /// Runs one sync and says what became of every row. Never fails as a call: what went wrong is in the report.
    pub async fn run_sync(&self, job: &SyncJob, run: &str, options: &RunOptions) -> SyncReport {
        let began = Instant::now();
        self.left_over().remove(&job.sync.name);
        let mut report = SyncReport {
            sync: job.sync.name.clone(),
            status: Status::Failed,
            changes: Changes::default(),
            outcomes: hubward_core::OutcomeCounts::default(),
            associations: AssociationCounts::default(),
            requests: RequestCounts::default(),
            seconds: 0.0,
            error: None,
            notes: Vec::new(),
            sent: false,
            interrupted: false,
        };
        if let Err(error) = Box::pin(self.carry_out(job, run, options, &mut report)).await {
            report.interrupted = options.cancel.is_set();
            report.status = Status::Failed;
            report.error = Some(error);
        }
        report.requests = self.recorder().counts(&job.sync.name);
        report.sent = self.recorder().may_have_written(&job.sync.name);
        report.seconds = began.elapsed().as_secs_f64();
        report
    }

    async fn carry_out(
        &self,
        job: &SyncJob,
        run: &str,
        options: &RunOptions,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let depth = Depth { dry: false, full: options.full, limit: options.limit, samples_max: 0 };
        let issues = Issues::new(self.config.db.clone(), run, &job.sync.name, Arc::clone(&self.config.wall))?;
        let ready = self.ready(job, depth, &options.cancel, Some(Arc::clone(&issues))).await?;
        report.changes = changes_of(&ready, options.limit);
        if ready.scan.rows == 0 && !ready.ledger.is_empty() && !options.allow_empty {
            let rows = ready.ledger.len();
            report.changes = Changes::default();
            return Err(EngineError::new(
                "model-empty",
                format!("model {:?} returns no rows where it had {rows}", job.model.name),
            )
            .help("look at the query; if an empty model is right, run again with --allow-empty")
            .at(&job.model.at));
        }
        if let Some(expected) = options.expected_digest
            && expected != digest(&ready)
        {
            report.changes = Changes::default();
            return Err(EngineError::new(
                "plan-outdated",
                format!("the plan of sync {:?} is out of date", job.sync.name),
            )
            .help("the source, the ledger or the mapping changed since the plan was made; plan again"));
        }

        if options.limit.is_none()
            && !options.allow_removals
            && let Err(error) = removal_catch::within(&ready, job)
        {
            report.changes = Changes::default();
            return Err(error);
        }

        let short_of_calls = self.short_of_calls(&ready);
        if let Some(note) = &short_of_calls {
            self.config.progress.note(note);
        }

        let Ready { prepared, scan, mut analysis, ledger, written, tally } = ready;
        let removed = report.changes.removed;
        let touches = removed > 0 && removal_catch::touches(prepared.sync.on_removed);
        let wanted = std::mem::take(&mut analysis.without_record);
        let held_up = if touches { removal_catch::held_up(removed, analysis.nameless) } else { None };
        let signature = prepared.signature();
        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let spilled = if prepared.associations.is_some() { scan.spill.rows() } else { 0 };
        let mut rest = Rest {
            prepared: Arc::clone(&prepared),
            spill: scan.spill.again()?,
            open: Arc::new(Open::new(spilled, &analysis.associate)),
            tally: Arc::clone(&tally),
            settled_missing: 0,
        };
        let sent = self.send(&rest, scan.spill, analysis, &ledger, written, &issues, &options.cancel).await?;
        // From here on rows have their outcomes: whatever fails is told beside them, never instead of them.
        let mut trouble = trouble_of(sent.stopped, report);
        let mut removed_open = removed;
        let mut notes = Vec::new();
        if let Some(note) = &held_up {
            notes.push(note.clone());
        } else if trouble.is_none() && touches {
            let removing = self.remove(&prepared, removed, wanted, &ledger, &tally, &issues, &options.cancel).await;
            removed_open = removed.saturating_sub(removing.finished);
            notes.extend(removing.note());
            trouble = trouble_of(removing.stopped, report);
        }
        if trouble.is_none() {
            let staged = self.associate(&rest, &ledger, &issues, run, options, Stand::is_due).await;
            report.associations = staged.counts;
            rest.settled_missing = staged.settled_missing;
            trouble = trouble_of(staged.stopped, report).or(staged.failed);
        } else {
            defer_due(&rest.open, &tally);
        }
        if trouble.is_none() {
            let finishing = Finishing {
                removed: removed > 0 && !touches,
                // Rows that a limit left out have not been looked at under this mapping.
                signature: options.limit.is_none().then_some(signature),
            };
            let ledger = Arc::clone(&ledger);
            trouble = blocking(move || finish(&mut lock(&ledger), &finishing)).await.err();
            if options.limit.is_none() && trouble.is_none() {
                trouble = issues.keep_only_this_run().err();
                if rest.open.count(Stand::is_waiting) > 0 {
                    self.left_over().insert(job.sync.name.clone(), rest);
                }
            }
        }
        let gone = if trouble.is_none() && held_up.is_none() { Outcome::Skipped } else { Outcome::Deferred };
        tally.many(gone, removed_open);
        if let Err(error) = crate::deferred::write(lock(&ledger).dir(), &sent.deferred) {
            tracing::warn!(%error, "which rows were deferred could not be kept; they go in the model's order next time");
        }
        let compacting = Arc::clone(&ledger);
        let compacted = blocking(move || lock(&compacting).compact_if_due().map_err(EngineError::from)).await;
        trouble = trouble.or(compacted.err()).or_else(|| issues.failure());

        report.outcomes = tally.snapshot();
        report.notes = short_of_calls.into_iter().chain(issues.deferred_reasons()).collect();
        if issues.disproved() || trouble.as_ref().is_some_and(|error| error.code == "hubspot") {
            self.forget_metadata().await;
        }
        report.notes.extend(notes);
        report.status = match &trouble {
            Some(_) => Status::Failed,
            None if report.outcomes.unfinished() > 0 => Status::Partial,
            None => Status::Ok,
        };
        report.error = trouble;
        let total = report.changes.rows + report.changes.removed;
        if tally.lost() > 0 || report.outcomes.total() != total {
            report.status = Status::Failed;
            report.error.get_or_insert_with(|| {
                EngineError::new(
                    "internal",
                    format!(
                        "{total} rows went in and {} outcomes came out; please report this",
                        tally.snapshot().total()
                    ),
                )
            });
        }
        Ok(())
    }

    /// Sends what the analysis says is to be sent.
    #[expect(clippy::too_many_arguments, reason = "the parts of `Ready`, which is taken apart by its one caller")]
    async fn send(
        &self,
        rest: &Rest,
        spill: Spill,
        analysis: Analysis,
        ledger: &SharedLedger,
        written: Written,
        issues: &Arc<Issues>,
        cancel: &Cancel,
    ) -> Result<Sent, EngineError> {
        let (prepared, tally) = (&rest.prepared, &rest.tally);
        let remaining = analysis.fates.iter().filter(|fate| **fate != Fate::Finished).count() as u64;
        if remaining == 0 {
            return Ok(Sent::default());
        }
        self.config.progress.phase(&prepared.sync.name, Phase::Sending, Some(remaining));
        let written = Arc::new(written);
        let comparison = Comparison::of(prepared, &written);
        let feed = Feed::Spilled(Box::new(Spilled {
            prepared: Arc::clone(prepared),
            spill,
            fates: analysis.fates,
            ledger: Arc::clone(ledger),
            written,
            intents: self.open_intents(ledger)?,
            given_up: analysis.given_up,
            tally: Arc::clone(tally),
            turns: Turns::default(),
        }));
        let deferred: Arc<Mutex<Vec<u128>>> = Arc::default();
        let (writer, writing) = LedgerWriter::start(Arc::clone(ledger));
        let corridor = Arc::new(Corridor {
            client: self.config.client.clone(),
            object: prepared.object.path.clone(),
            sync: Arc::from(prepared.sync.name.as_str()),
            mode: prepared.sync.mode,
            kind: prepared.kind,
            match_property: Arc::from(prepared.sync.match_.property.as_str()),
            sought: Sought::ByProperty,
            folding: prepared.folding.clone(),
            split_retries: prepared.sync.split_retries,
            on_conflict: prepared.sync.on_conflict,
            comparison,
            memory: Memory::Whole { ledger: Arc::clone(ledger), writer },
            replaced: tokio::sync::OnceCell::new(),
            cancel: cancel.clone(),
            deferred: Arc::clone(&deferred),
            words: Words::Issues(Arc::clone(issues)),
            open: Arc::clone(&rest.open),
            wall: Arc::clone(&self.config.wall),
            progress: Arc::clone(&self.config.progress),
            search_settles_after: self.config.search_settles_after,
            sharing: tokio::sync::Mutex::default(),
        });
        let stopped = corridor.run(feed, tally).await;
        // The corridor is gone and its writer with it; only now nobody else holds the ledger.
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        let deferred = deferred.lock().map(|keys| keys.clone()).unwrap_or_default();
        Ok(Sent { stopped, deferred })
    }

    /// Creates of earlier runs whose outcome is unknown.
    fn open_intents(&self, ledger: &SharedLedger) -> Result<HashMap<u128, OpenIntent>, EngineError> {
        let now_ms = self.config.wall.now().as_millisecond();
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let open = |intent: hubward_store::Intent| {
            // When it was really sent is not known, only that it was after the intent and before this run.
            let sent_ms = now_ms.min(intent.at_ms.saturating_add(milliseconds(SENT_AFTER_INTENT_MAX)));
            let settles_at_ms = sent_ms.saturating_add(milliseconds(self.config.search_settles_after));
            let open = OpenIntent { since_ms: intent.at_ms, settles_at_ms, match_value: intent.match_value };
            (intent.key, open)
        };
        Ok(lock(ledger).intents()?.into_iter().map(open).collect())
    }
}

pub(crate) fn trouble_of(stopped: Option<Stopped>, report: &mut SyncReport) -> Option<EngineError> {
    match stopped? {
        Stopped::Failed(error) => Some(error),
        Stopped::Interrupted => {
            report.interrupted = true;
            Some(EngineError::new("interrupted", "interrupted; what HubSpot confirmed is recorded"))
        }
    }
}

/// What sending came to.
#[derive(Default)]
struct Sent {
    /// Why it ended before its last row.
    stopped: Option<Stopped>,
    /// Keys of rows that were deferred.
    deferred: Vec<u128>,
}

/// What a run that reached its last row leaves in the ledger.
struct Finishing {
    /// There are rows that left the model.
    removed: bool,
    /// Every row has been seen under this mapping.
    signature: Option<String>,
}

fn finish(ledger: &mut Ledger, finishing: &Finishing) -> Result<(), EngineError> {
    if finishing.removed {
        forget_removed(ledger)?;
    }
    if let Some(signature) = &finishing.signature
        && ledger.meta().mapping_signature != *signature
    {
        let meta = LedgerMeta { mapping_signature: signature.clone(), ..ledger.meta().clone() };
        ledger.set_meta(meta)?;
    }
    Ok(())
}

/// Runs blocking work off the async threads; a panic there is a panic here.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

pub(crate) fn changes_of(ready: &Ready, limit: Option<u64>) -> Changes {
    let (same, differs) = (ready.analysis.same_after_mapping, ready.analysis.differs_after_mapping);
    Changes {
        rows: ready.scan.rows,
        added: ready.scan.added,
        changed: ready.scan.changed - same + differs,
        removed: if limit.is_some() { 0 } else { ready.scan.removed },
        unchanged: ready.scan.unchanged + same - differs,
    }
}

/// What a plan promises: what is to be sent, by which mapping, and what left the model.
pub(crate) fn digest(ready: &Ready) -> u64 {
    let mapping = xxhash_rust::xxh3::xxh3_64(ready.prepared.signature().as_bytes());
    ready.analysis.digest ^ mapping ^ ready.scan.removed.rotate_left(32) ^ (ready.prepared.sync.on_removed as u64) << 60
}

/// Rows that left the model and whose records are kept: the ledger forgets them, so that each is reported once.
pub(crate) fn forget_removed(ledger: &mut Ledger) -> Result<(), EngineError> {
    loop {
        let mut changes = Vec::new();
        for entry in ledger.unseen().take(REMOVALS_A_FRAME) {
            changes.push(Change::Removed { key: entry?.key });
        }
        if changes.is_empty() {
            return Ok(());
        }
        ledger.append(&changes)?;
    }
}

/// Whether the mode makes records.
pub(crate) fn creates(mode: Mode) -> bool {
    mode != Mode::Update
}

/// Mode `insert` leaves records alone that exist; the other modes write them.
pub(crate) fn writes_existing(mode: Mode) -> bool {
    mode != Mode::Insert
}
