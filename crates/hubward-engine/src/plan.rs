//! What a run would do, without doing it.

use hubward_core::spec::{Compare, Mode, OnRemoved};
use hubward_hubspot::BudgetSnapshot;

use crate::analyze::Sample;
use crate::cancel::Cancel;
use crate::compare::reads_records;
use crate::corridor::BATCH_ROWS_MAX;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::ready::{Depth, Ready};
use crate::report::RequestCounts;
use crate::run::{changes_of, digest, writes_existing};
use crate::strategy::MatchKind;

/// Rows that a plan shows in full.
pub(crate) const SAMPLES_MAX: usize = 10;

/// One sync's part of a plan.
#[derive(Clone, Debug)]
pub struct SyncPlan {
    pub sync: String,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
    pub invalid: u64,
    /// Requests when nothing fails. For rows whose record is not known yet, look-ups are counted as if
    /// every row were sent.
    pub requests: RequestCounts,
    /// Time that the account's limits allow these requests at the least, in seconds.
    pub seconds_at_limit: f64,
    /// Part of the account's daily requests, 0 to 1; none where HubSpot does not tell the daily limit.
    pub daily_share: Option<f64>,
    /// Part of the account's event occurrences of this calendar month that this project will have used after the run, 0 to
    /// 1 and above; none for syncs that send no events.
    pub monthly_share: Option<f64>,
    pub samples: Vec<Sample>,
    /// Changes with whatever would change what a run sends.
    pub digest: u64,
    /// What would stop a run, or deserves a look before one.
    pub warnings: Vec<String>,
    pub error: Option<EngineError>,
}

impl Engine {
    /// Reads source and ledger and tells what a run would send. Writes nothing.
    ///
    /// # Errors
    /// Whatever would stop the run before its first request.
    pub async fn plan_sync(&self, job: &SyncJob, full: bool, cancel: &Cancel) -> Result<SyncPlan, EngineError> {
        let depth = Depth { dry: true, full, limit: None, samples_max: SAMPLES_MAX };
        let ready = self.ready(job, depth, cancel, None).await?;
        let requests = estimate(&ready, job.sync.mode);
        let limits = self.client().limiter().snapshot();
        // Associations draw from a budget of their own (api.md 7.4).
        let burst = requests.total - requests.search - requests.associate;
        let seconds_at_limit = least_seconds(burst, &limits.burst)
            .max(least_seconds(requests.search, &limits.search))
            .max(least_seconds(requests.associate, &limits.associations));
        let daily_share =
            limits.daily.limit.filter(|limit| *limit > 0).map(|limit| requests.total as f64 / limit as f64);
        let changes = changes_of(&ready, None);
        let mut warnings = Vec::new();
        if let Err(caught) = crate::removal_catch::within(&ready, job) {
            warnings.push(format!("a run will stop before anything is sent: {}", caught.message));
            warnings.extend(caught.help);
        }
        if crate::removal_catch::touches(job.sync.on_removed) {
            warnings.extend(crate::removal_catch::held_up(ready.scan.removed, ready.analysis.nameless));
        }
        Ok(SyncPlan {
            sync: job.sync.name.clone(),
            added: changes.added,
            changed: changes.changed,
            removed: changes.removed,
            unchanged: changes.unchanged,
            invalid: ready.analysis.invalid + ready.scan.invalid,
            requests,
            seconds_at_limit,
            daily_share,
            monthly_share: None,
            digest: digest(&ready),
            samples: ready.analysis.samples,
            warnings,
            error: None,
        })
    }
}

/// The least time a rolling window allows: whole windows wait for the requests that do not fit into the first.
pub(crate) fn least_seconds(requests: u64, budget: &BudgetSnapshot) -> f64 {
    let windows = requests.saturating_sub(1) / u64::from(budget.allowed.max(1));
    windows as f64 * budget.interval.as_secs_f64()
}

/// Requests of a run in which nothing fails.
pub(crate) fn estimate(ready: &Ready, mode: Mode) -> RequestCounts {
    let batches = |rows: u64| rows.div_ceil(BATCH_ROWS_MAX as u64);
    let compares_all = ready.prepared.sync.compare == Compare::HubSpot && mode != Mode::Insert;
    let (known_read, unknown) = (ready.analysis.known, ready.analysis.unknown);
    // Where every row is compared, only those that changed are expected to differ.
    let known = if compares_all { known_read.saturating_sub(ready.scan.unchanged) } else { known_read };
    let mut counts = RequestCounts::default();
    match ready.prepared.kind {
        MatchKind::Id => counts.update = batches(known + unknown),
        MatchKind::Unique => match mode {
            Mode::Upsert => {
                counts.update = batches(known);
                counts.upsert = batches(unknown);
            }
            Mode::Update => {
                counts.read = batches(unknown);
                counts.update = batches(known + unknown);
            }
            Mode::Insert => counts.create = batches(unknown),
        },
        MatchKind::Search => {
            counts.search = batches(unknown);
            match mode {
                Mode::Upsert => {
                    counts.update = batches(known);
                    counts.create = batches(unknown);
                }
                Mode::Update => counts.update = batches(known + unknown),
                Mode::Insert => counts.create = batches(unknown),
            }
        }
    }
    if reads_records(&ready.prepared.sync) {
        counts.read += batches(known_read);
        // In mode update a unique match property is looked up anyway, and the look-up reads along.
        if ready.prepared.kind == MatchKind::Search || mode == Mode::Upsert {
            counts.read += batches(unknown);
        }
    }
    // The records of removed rows are read before they are touched.
    let removed = if ready.analysis.nameless > 0 { 0 } else { ready.scan.removed };
    match ready.prepared.sync.on_removed {
        OnRemoved::Keep => {}
        OnRemoved::Clear => {
            counts.read += batches(removed);
            counts.update += batches(removed);
        }
        OnRemoved::Delete => {
            counts.read += batches(removed);
            counts.archive += batches(removed);
        }
    }
    debug_assert!(writes_existing(mode) || counts.update == 0 || ready.prepared.kind == MatchKind::Id);
    ready.analysis.links.add_to(&mut counts);
    counts.total =
        counts.update + counts.upsert + counts.create + counts.read + counts.search + counts.archive + counts.associate;
    counts
}
