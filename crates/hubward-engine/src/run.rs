//! One sync from query to report.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hubward_core::Outcome;
use hubward_core::mapping::Mapping;
use hubward_core::spec::{Compare, Mode, ObjectSync, OnRemoved, WriteRule};
use hubward_hubspot::ApiVersion;
use hubward_store::{Change, Ledger, LedgerMeta};
use tokio::time::Instant;

use crate::analyze::{Analysis, Fate, analyze};
use crate::cancel::Cancel;
use crate::corridor::{Corridor, Stopped};
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::feed::Feed;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::object_type::ObjectType;
use crate::prepared::{Folding, Prepared, match_kind, needs_owners};
use crate::progress::Phase;
use crate::report::{Changes, RequestCounts, Status, SyncReport};
use crate::scan::{Scan, ScanOrder, scan};
use crate::tally::Tally;
use crate::written::Written;

/// Rows whose removal is recorded in one frame of the ledger.
const REMOVALS_A_FRAME: usize = 10_000;

/// What `run` was asked for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Disregard fingerprints: send every row.
    pub full: bool,
    /// Read no more than this many rows of each model; removed rows are then not looked for.
    pub limit: Option<u64>,
    /// A model that returns nothing where the ledger holds rows is meant so.
    pub allow_empty: bool,
    /// The digest that a saved plan showed; another one refuses the run.
    pub expected_digest: Option<u64>,
    pub cancel: Cancel,
}

/// A scan and its analysis, with all that sending needs.
pub(crate) struct Ready {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) scan: Scan,
    pub(crate) analysis: Analysis,
    pub(crate) ledger: Ledger,
    pub(crate) written: Written,
    pub(crate) tally: Arc<Tally>,
}

/// How far [`Engine::ready`] goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Nothing is written to the ledger.
    pub(crate) dry: bool,
    pub(crate) full: bool,
    pub(crate) limit: Option<u64>,
    pub(crate) samples_max: usize,
}

impl Engine {
    /// Runs one sync and says what became of every row. Never fails as a call: what went wrong is in the report.
    pub async fn run_sync(&self, job: &SyncJob, run: &str, options: &RunOptions) -> SyncReport {
        let began = Instant::now();
        let mut report = SyncReport {
            sync: job.sync.name.clone(),
            status: Status::Failed,
            changes: Changes::default(),
            outcomes: hubward_core::OutcomeCounts::default(),
            requests: RequestCounts::default(),
            seconds: 0.0,
            error: None,
            notes: Vec::new(),
            sent: false,
            interrupted: false,
        };
        if let Err(error) = self.carry_out(job, run, options, &mut report).await {
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
        let ready = self.ready(job, depth, &options.cancel).await?;
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

        let issues = Issues::new(self.config.db.clone(), run, &job.sync.name, Arc::clone(&self.config.wall))?;
        let Ready { prepared, mut scan, mut analysis, ledger, written, tally } = ready;
        let removed = report.changes.removed;
        let mut verdicts = std::mem::take(&mut scan.verdicts);
        verdicts.append(&mut analysis.verdicts);
        issues.settle(verdicts).await;

        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let stopped = self.send(&prepared, &scan, analysis, &ledger, written, &tally, &issues, &options.cancel).await?;
        if stopped.is_none() {
            if removed > 0 {
                let ledger = Arc::clone(&ledger);
                blocking(move || forget_removed(&mut lock(&ledger))).await?;
                tally.many(Outcome::Skipped, removed);
            }
            if options.limit.is_none() {
                issues.keep_only_this_run()?;
            }
        } else {
            tally.many(Outcome::Deferred, removed);
        }
        let compacting = Arc::clone(&ledger);
        blocking(move || lock(&compacting).compact_if_due().map_err(EngineError::from)).await?;

        report.outcomes = tally.snapshot();
        report.notes = issues.deferred_reasons();
        report.status = if report.outcomes.unfinished() > 0 { Status::Partial } else { Status::Ok };
        match stopped {
            Some(Stopped::Failed(error)) => {
                report.status = Status::Failed;
                report.error = Some(error);
            }
            Some(Stopped::Interrupted) => {
                report.status = Status::Failed;
                report.interrupted = true;
                report.error = Some(EngineError::new("interrupted", "interrupted; what HubSpot confirmed is recorded"));
            }
            None => {}
        }
        if let Some(error) = issues.failure() {
            report.status = Status::Failed;
            report.error.get_or_insert(error);
        }
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

    /// Reads the model, compares it with the ledger, maps and checks what differs.
    pub(crate) async fn ready(&self, job: &SyncJob, depth: Depth, cancel: &Cancel) -> Result<Ready, EngineError> {
        supported(&job.sync)?;
        let object = self.object_type(&job.sync.object).await.map_err(|error| located(error, &job.sync.object_at))?;
        let properties = self.properties(&object).await?;
        let kind = match_kind(&job.sync.match_, job.sync.mode, &object, &properties)?;
        let owners = if needs_owners(&job.sync, &properties) {
            self.owners().await?
        } else {
            hubward_core::convert::Owners::unknown()
        };
        let normalises_dates = self.config.version == ApiVersion::V2026_09;
        let mut read = self.read_options(depth.limit);
        read.cancel = cancel.reading();
        let ledger_dir = self.ledger_dir(&job.sync.name);
        let spill_folder = self.spill_dir();
        let progress = Arc::clone(&self.config.progress);
        let portal_id = self.account().portal_id;
        let job = job.clone();
        blocking(move || {
            let source = open_source(&job.source)?;
            progress.phase(&job.sync.name, Phase::Reading, None);
            let mut stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let mapping = compile(&job.sync, &object, &properties, &stream.schema())?;
            let prepared = Arc::new(Prepared {
                sync: job.sync.clone(),
                model: job.model.clone(),
                object,
                kind,
                folding: Folding::new(&job.sync.match_.property, &properties, kind),
                mapping,
                owners,
                normalises_dates,
            });
            let mut ledger = Ledger::open(&ledger_dir, hubward_store::LedgerOptions::default())?;
            let signature = prepared.mapping.signature();
            let known_mapping = ledger.meta().mapping_signature.clone();
            let tally = Tally::new();
            let columns = prepared.mapping.columns();
            let order = ScanOrder {
                model: &prepared.model,
                mapped_columns: &columns,
                full: depth.full,
                recheck: !ledger.is_empty() && known_mapping != signature,
                spill_folder,
            };
            let scan = scan(&order, stream.as_mut(), &mut ledger, &tally, progress.as_ref())
                .map_err(|error| if error.at.is_none() { located(error, &job.model.at) } else { error })?;
            drop(stream);

            let mut written = Written::new(&ledger.meta().properties);
            for name in prepared.mapping.property_names() {
                written.add(&name);
            }
            progress.phase(&job.sync.name, Phase::Checking, Some(scan.spill.rows()));
            let rules = prepared.rules();
            let analysis =
                analyze(&rules, &scan, &mut ledger, &written, &tally, progress.as_ref(), depth.samples_max, depth.dry)?;
            if !depth.dry {
                let meta = LedgerMeta {
                    mapping_signature: signature,
                    properties: written.names().to_vec(),
                    object_type: prepared.object.id.clone(),
                    portal_id,
                    hash_version: hubward_core::fingerprint::HASH_VERSION,
                    extra: ledger.meta().extra.clone(),
                };
                if *ledger.meta() != meta {
                    ledger.set_meta(meta)?;
                }
            }
            Ok(Ready { prepared, scan, analysis, ledger, written, tally })
        })
        .await
    }

    /// Sends what the analysis says is to be sent.
    #[expect(clippy::too_many_arguments, reason = "the parts of `Ready`, which is taken apart by its one caller")]
    async fn send(
        &self,
        prepared: &Arc<Prepared>,
        scan: &Scan,
        analysis: Analysis,
        ledger: &SharedLedger,
        written: Written,
        tally: &Arc<Tally>,
        issues: &Arc<Issues>,
        cancel: &Cancel,
    ) -> Result<Option<Stopped>, EngineError> {
        let remaining = analysis.fates.iter().filter(|fate| **fate == Fate::Send).count() as u64;
        if remaining == 0 {
            return Ok(None);
        }
        self.config.progress.phase(&prepared.sync.name, Phase::Sending, Some(remaining));
        let intents: HashMap<u128, i64> =
            lock(ledger).intents().into_iter().map(|intent| (intent.key, intent.at_ms)).collect();
        let feed = Feed {
            prepared: Arc::clone(prepared),
            reader: scan.spill.read()?,
            fates: analysis.fates,
            position: 0,
            remaining,
            ledger: Arc::clone(ledger),
            written: Arc::new(written),
            intents,
            tally: Arc::clone(tally),
        };
        let (writer, writing) = LedgerWriter::start(Arc::clone(ledger));
        let corridor = Arc::new(Corridor {
            client: self.config.client.clone(),
            object: prepared.object.path.clone(),
            sync: Arc::from(prepared.sync.name.as_str()),
            mode: prepared.sync.mode,
            kind: prepared.kind,
            match_property: Arc::from(prepared.sync.match_.property.as_str()),
            folding: prepared.folding.clone(),
            split_retries: prepared.sync.split_retries,
            on_conflict: prepared.sync.on_conflict,
            writer,
            issues: Arc::clone(issues),
            wall: Arc::clone(&self.config.wall),
            progress: Arc::clone(&self.config.progress),
            search_settles_after: self.config.search_settles_after,
        });
        let stopped = corridor.run(feed, tally, cancel).await;
        // The corridor is gone and its writer with it; only now nobody else holds the ledger.
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        Ok(stopped)
    }
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

/// The compiled mapping, or every problem of it in one error.
pub(crate) fn compile(
    sync: &ObjectSync,
    object: &ObjectType,
    properties: &[hubward_core::PropertyDef],
    schema: &arrow_schema::Schema,
) -> Result<Mapping, EngineError> {
    Mapping::compile(&sync.map, &sync.match_, sync.mode, sync.nulls, properties, schema).map_err(|problems| {
        let mut problems = problems.into_iter();
        let Some(first) = problems.next() else {
            return EngineError::new("mapping", format!("the mapping to {} cannot be compiled", object.name));
        };
        let mut error = EngineError::new(first.code, first.message).at(&first.at);
        error.help = Some(first.help);
        for other in problems {
            error.message.push_str(&format!("; {} ({}:{})", other.message, other.at.file, other.at.line));
        }
        error
    })
}

/// What the project may declare and this version does not do yet, refused before anything is read.
///
/// # Errors
/// The first key of the sync that this version does not do.
pub fn supported(sync: &ObjectSync) -> Result<(), EngineError> {
    let unsupported = |what: &str, at| {
        Err(EngineError::new("unsupported", format!("sync {:?}: {what} is not supported by this version", sync.name))
            .help("take it out of the sync; nothing was sent")
            .at(at))
    };
    if let Some(association) = sync.associations.first() {
        return unsupported("`associations`", &association.at);
    }
    if sync.on_removed != OnRemoved::Keep {
        return unsupported("`on_removed: clear` and `on_removed: delete`", &sync.at);
    }
    if sync.compare != Compare::Ledger {
        return unsupported("`compare: hubspot`", &sync.at);
    }
    for entry in &sync.map {
        if entry.write != WriteRule::Always {
            return unsupported("`write: if_empty` and `write: append`", &entry.at);
        }
        if entry.force {
            return unsupported("`force: true`", &entry.at);
        }
    }
    Ok(())
}

pub(crate) fn located(error: EngineError, at: &hubward_core::spec::Location) -> EngineError {
    if error.at.is_some() { error } else { error.at(at) }
}

pub(crate) fn source_error(error: hubward_sources::SourceError, job: &SyncJob) -> EngineError {
    let mut text = format!("model {:?}: {error}", job.model.name);
    if let Some(position) = error.position {
        text.push_str(&format!(" (line {}, column {} of its SQL)", position.line, position.column));
    }
    let mut located = EngineError::new("source", text).at(&job.model.at);
    located.help = error.help;
    located
}

fn changes_of(ready: &Ready, limit: Option<u64>) -> Changes {
    Changes {
        rows: ready.scan.rows,
        added: ready.scan.added,
        changed: ready.scan.changed.saturating_sub(ready.analysis.same_after_mapping),
        removed: if limit.is_some() { 0 } else { ready.scan.removed },
        unchanged: ready.scan.unchanged + ready.analysis.same_after_mapping.min(ready.scan.changed),
    }
}

/// What a plan promises: what is to be sent, by which mapping, and what left the model.
pub(crate) fn digest(ready: &Ready) -> u64 {
    let mapping = xxhash_rust::xxh3::xxh3_64(ready.prepared.mapping.signature().as_bytes());
    ready.analysis.digest ^ mapping ^ ready.scan.removed.rotate_left(32)
}

/// Rows that left the model and whose records are kept: the ledger forgets them, so that each is reported once.
fn forget_removed(ledger: &mut Ledger) -> Result<(), EngineError> {
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
