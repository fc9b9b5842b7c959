//! One event sync from query to report.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use hubward_core::event::EventIds;
use hubward_core::spec::EventSync;
use hubward_core::{Outcome, OutcomeCounts};
use hubward_hubspot::ApiVersion;
use tokio::time::Instant;

use crate::association::AssociationCounts;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::event::build::Builder;
use crate::event::corridor::{Ended, Flow};
use crate::event::feed::{Feed, met};
use crate::event::plan::outlook;
use crate::event::read::EventRead;
use crate::event::send::Sender;
use crate::event::unknown::unreadable_note;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::memory::Memory;
use crate::progress::Phase;
use crate::report::{Changes, RequestCounts, Status, SyncReport};
use crate::run::{RunOptions, blocking, trouble_of};
use crate::scan::Scan;
use crate::tally::Tally;

impl Engine {
    /// Runs one event sync and says what became of every row. Never fails as a call: what went wrong is in the report.
    ///
    /// A key that was sent is never sent again, whatever `options.full` says; rows that left the model are not forgotten.
    pub async fn run_event_sync(&self, job: &SyncJob<EventSync>, run: &str, options: &RunOptions) -> SyncReport {
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
        if let Err(error) = Box::pin(self.carry_out_events(job, run, options, &mut report)).await {
            report.interrupted = options.cancel.is_set();
            report.status = Status::Failed;
            report.error = Some(error);
        }
        report.requests = self.recorder().counts(&job.sync.name);
        report.sent = self.recorder().may_have_written(&job.sync.name);
        report.seconds = began.elapsed().as_secs_f64();
        report
    }

    async fn carry_out_events(
        &self,
        job: &SyncJob<EventSync>,
        run: &str,
        options: &RunOptions,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let issues = Issues::new(self.config.db.clone(), run, &job.sync.name, Arc::clone(&self.config.wall))?;
        let mut read = self.read_events(job, options.limit, &options.cancel, Some(Arc::clone(&issues))).await?;
        if let Some(expected) = options.expected_digest {
            // Only a saved plan costs a second look at the rows.
            let (back, outlook) =
                outlook(read, job.clone(), self.normalises_dates(), 0, options.cancel.clone()).await?;
            read = back;
            if outlook.digest != expected {
                return Err(EngineError::new(
                    "plan-outdated",
                    format!("the plan of sync {:?} is out of date", job.sync.name),
                )
                .help("the source, the ledger or the mapping changed since the plan was made; plan again"));
            }
        }
        read.note_meta(self.account().portal_id)?;
        let EventRead { mapping, scan, ledger, tally } = read;
        report.changes = changes_of(&scan);
        let first = Arc::new(crate::deferred::read(ledger.dir()));
        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let intents = lock(&ledger).intents()?;
        let now_ms = self.config.wall.now().as_millisecond();
        let doubtful: Arc<HashSet<u128>> = Arc::new(intents.iter().map(|intent| intent.key).collect());
        let settles_at_ms = self.settles_at_ms(now_ms);
        let Scan { spill, duplicates, .. } = scan;
        let spilled = spill.again()?;
        let builder =
            Arc::new(Builder::new(job.model.clone(), mapping, &job.sync.name, duplicates, self.normalises_dates()));
        self.config.progress.phase(&job.sync.name, Phase::Sending, Some(spill.rows()));
        let (writer, writing) = LedgerWriter::start(Arc::clone(&ledger));
        let sender = Arc::new(Sender {
            client: self.config.client.clone(),
            sync: Arc::from(job.sync.name.as_str()),
            ids: EventIds::new(&job.sync.name),
            memory: Memory::Whole { ledger: Arc::clone(&ledger), writer },
            cancel: options.cancel.clone(),
            wall: Arc::clone(&self.config.wall),
            settles_after: self.config.events_settle_after,
            unreadable: AtomicBool::new(false),
            tells_applied: issues.knew_any(),
        });
        let month = self.month().await;
        let mut flow = Flow::new(self, Arc::clone(&sender), Arc::clone(&issues), Arc::clone(&tally), month);
        let feed = Feed::new(spill, first, Arc::clone(&doubtful), Arc::clone(&builder), Arc::clone(&tally));
        flow.run(feed, settles_at_ms).await;
        if flow.stopped.is_none() && !flow.full {
            uncount_doubles(&flow.doubles, &builder, &tally);
        }
        if flow.stopped.is_none() && options.limit.is_none() && !intents.is_empty() {
            let wanted = Arc::clone(&doubtful);
            let met = blocking(move || met(&spilled, &wanted)).await?;
            let left = intents.into_iter().filter(|intent| !met.contains(&intent.key)).collect();
            flow.settle_left(left, EventIds::new(&job.sync.name), settles_at_ms).await;
        }
        let Ended { stopped, deferred, sent_before, over_month } = flow.end();
        let unreadable = sender.is_unreadable();
        // With its last owner the writer ends, and only then nobody else holds the ledger.
        drop(sender);
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        let mut trouble = trouble_of(stopped, report);
        if trouble.is_none() && options.limit.is_none() && over_month == 0 {
            trouble = issues.keep_only_this_run().err();
        }
        if let Err(error) = crate::deferred::write(lock(&ledger).dir(), &deferred) {
            tracing::warn!(%error, "which rows were deferred could not be kept; they go in the model's order next time");
        }
        let compacting = Arc::clone(&ledger);
        let compacted = blocking(move || lock(&compacting).compact_if_due().map_err(EngineError::from)).await;
        trouble = trouble.or(compacted.err()).or_else(|| issues.failure());
        report.outcomes = tally.snapshot();
        report.notes = issues.deferred_reasons();
        if sent_before > 0 {
            report.notes.push(format!(
                "{sent_before} rows changed after their event was sent and were skipped: HubSpot lets nobody change an \
                 occurrence"
            ));
        }
        if unreadable {
            report.notes.push(unreadable_note(&job.sync.name));
        }
        report.status = match &trouble {
            Some(_) => Status::Failed,
            None if report.outcomes.unfinished() > 0 => Status::Partial,
            None => Status::Ok,
        };
        report.error = trouble;
        if tally.lost() > 0 || report.outcomes.total() != report.changes.rows {
            report.status = Status::Failed;
            let (rows, outcomes) = (report.changes.rows, report.outcomes.total());
            report.error.get_or_insert_with(|| {
                let text = format!("{rows} rows went in and {outcomes} outcomes came out; please report this");
                EngineError::new("internal", text)
            });
        }
        Ok(())
    }

    pub(crate) fn normalises_dates(&self) -> bool {
        self.config.version == ApiVersion::V2026_09
    }

    /// When HubSpot is trusted to show what earlier runs sent, in milliseconds since the epoch, for a run that starts now.
    /// When it was really sent is not known, only that it was before now: a batch waits in the client's queue after its
    /// intent, and a machine may have slept in between.
    fn settles_at_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(i64::try_from(self.config.events_settle_after.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The first row of a key that was counted as unchanged before its double turned up is no more valid than the others.
fn uncount_doubles(doubles: &[u128], builder: &Builder, tally: &Tally) {
    let mut met: HashMap<u128, u64> = HashMap::new();
    for key in doubles {
        *met.entry(*key).or_default() += 1;
    }
    for (key, duplicate) in &builder.duplicates {
        let met = met.get(key).copied().unwrap_or_default();
        if duplicate.in_ledger && met == duplicate.ordinals.len() as u64 {
            tally.uncount_unchanged(1);
            tally.many(Outcome::Invalid, 1);
        }
    }
}

/// Rows that leave the model are not missed: it may be a window that moves on.
pub(crate) fn changes_of(scan: &Scan) -> Changes {
    Changes { rows: scan.rows, added: scan.added, changed: scan.changed, removed: 0, unchanged: scan.unchanged }
}
