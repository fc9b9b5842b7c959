//! The engine's side of the stage: what it is made of, and the second try of rows whose targets were written later in the
//! same run.

use std::sync::{Arc, Mutex};

use hubward_core::spec::ObjectSync;
use hubward_store::{Ledger, LedgerOptions};

use crate::association::targets::Targets;
use crate::association::{Index, Open, Stage, Staged, Stand, State};
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::object_type::ObjectType;
use crate::prepared::Prepared;
use crate::progress::Phase;
use crate::report::{Status, SyncReport};
use crate::run::{RunOptions, blocking};
use crate::spill::Spill;
use crate::strategy::MatchKind;
use crate::tally::Tally;

/// What a sync's first part leaves to the stage.
pub(crate) struct Rest {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) spill: Spill,
    pub(crate) open: Arc<Open>,
    pub(crate) tally: Arc<Tally>,
    /// Missing targets of rows that are not tried again in this run.
    pub(crate) settled_missing: u64,
}

impl Engine {
    /// Carries the rows that stand as `wanted` through their associations.
    pub(crate) async fn associate(
        &self,
        rest: &Rest,
        ledger: &SharedLedger,
        issues: &Arc<Issues>,
        run: &str,
        options: &RunOptions,
        wanted: fn(Stand) -> bool,
    ) -> Staged {
        let rows = rest.open.count(wanted);
        let Some(associations) = rest.prepared.associations.as_ref().filter(|_| rows > 0) else {
            return Staged::default();
        };
        let prepared = &rest.prepared;
        self.config.progress.phase(&prepared.sync.name, Phase::Sending, Some(rows));
        let sync: Arc<str> = Arc::from(prepared.sync.name.as_str());
        let indexes = self.indexes(prepared, ledger, &options.siblings).await;
        let client = self.config.client.clone();
        let targets = Targets::new(client.clone(), Arc::clone(&sync), Arc::clone(associations), indexes);
        let (writer, writing) = LedgerWriter::start(Arc::clone(ledger));
        let stage = Arc::new(Stage {
            client,
            sync,
            run: run.to_owned(),
            from: prepared.object.clone(),
            kind: prepared.kind,
            prepared: Arc::clone(prepared),
            associations: Arc::clone(associations),
            ledger: Arc::clone(ledger),
            writer,
            open: Arc::clone(&rest.open),
            tally: Arc::clone(&rest.tally),
            issues: Arc::clone(issues),
            db: self.config.db.clone(),
            wall: Arc::clone(&self.config.wall),
            progress: Arc::clone(&self.config.progress),
            cancel: options.cancel.clone(),
            targets: tokio::sync::Mutex::new(targets),
            state: Mutex::new(State::default()),
        });
        let staged = stage.carry_out(&rest.spill, wanted).await;
        // The stage is gone and its writer with it; only now nobody else holds the ledger.
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        staged
    }

    /// Tries rows of a sync once more whose targets were missing when it ran. For the end of a run in which later syncs have
    /// written records; the report then says how the rows stand after this.
    pub async fn retry_missing_targets(&self, job: &SyncJob, run: &str, options: &RunOptions, report: &mut SyncReport) {
        let Some(rest) = self.left_over().remove(&job.sync.name) else { return };
        if let Err(error) = Box::pin(self.retry(&rest, job, run, options, report)).await {
            report.error.get_or_insert(error);
        }
        report.outcomes = rest.tally.snapshot();
        report.interrupted |= options.cancel.is_set();
        report.requests = self.recorder().counts(&job.sync.name);
        report.sent = self.recorder().may_have_written(&job.sync.name);
        report.status = match &report.error {
            Some(_) => Status::Failed,
            None if report.outcomes.unfinished() > 0 => Status::Partial,
            None => Status::Ok,
        };
    }

    async fn retry(
        &self,
        rest: &Rest,
        job: &SyncJob,
        run: &str,
        options: &RunOptions,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let dir = self.ledger_dir(&job.sync.name);
        let ledger = blocking(move || Ok(Ledger::open(&dir, LedgerOptions::default())?)).await?;
        let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
        let issues = Issues::new(self.config.db.clone(), run, &job.sync.name, Arc::clone(&self.config.wall))?;
        let staged = self.associate(rest, &ledger, &issues, run, options, Stand::is_waiting).await;
        report.associations.created += staged.counts.created;
        report.associations.removed += staged.counts.removed;
        report.associations.missing_target =
            rest.settled_missing + staged.counts.missing_target + staged.untried_missing;
        let stopped = staged.stopped.and_then(|stopped| crate::run::trouble_of(Some(stopped), report));
        match stopped.or(staged.failed).or_else(|| issues.failure()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The ledgers that know records of the object types that this sync names.
    async fn indexes(&self, prepared: &Prepared, own: &SharedLedger, siblings: &[ObjectSync]) -> Vec<Option<Index>> {
        let Some(associations) = &prepared.associations else { return Vec::new() };
        let mut indexes = Vec::with_capacity(associations.declarations.len());
        for (at, declaration) in associations.declarations.iter().enumerate() {
            if declaration.look_up != at || declaration.way == MatchKind::Id {
                indexes.push(None);
                continue;
            }
            let object = &associations.groups[declaration.group].object;
            if object.path == prepared.object.path && declaration.property == prepared.sync.match_.property {
                let ledger = Arc::clone(own);
                indexes.push(blocking(move || Ok(Index::of(&lock(&ledger)))).await.ok().flatten());
                continue;
            }
            indexes.push(self.sibling_index(object, &declaration.property, siblings, &prepared.sync.name).await);
        }
        indexes
    }

    /// The ledger of an object sync, another one than `but`, that has found or made records of this type by this property.
    pub(crate) async fn sibling_index(
        &self,
        object: &ObjectType,
        property: &str,
        siblings: &[ObjectSync],
        but: &str,
    ) -> Option<Index> {
        for sibling in siblings.iter().filter(|sibling| sibling.match_.property == property && sibling.name != but) {
            let same = self.object_type(&sibling.object).await.is_ok_and(|known| known.path == object.path);
            if same
                && self.has_ledger(&sibling.name)
                && let Some(index) = self.index_of(&sibling.name, &object.id).await
            {
                return Some(index);
            }
        }
        None
    }

    /// Another sync's ledger; a ledger that cannot be opened costs look-ups, nothing else.
    async fn index_of(&self, sync: &str, object_id: &str) -> Option<Index> {
        let (dir, object_id) = (self.ledger_dir(sync), object_id.to_owned());
        let read = blocking(move || {
            let ledger = Ledger::open(&dir, LedgerOptions::default())?;
            let known = &ledger.meta().object_type;
            Ok(if *known == object_id { Index::of(&ledger) } else { None })
        });
        match read.await {
            Ok(index) => index,
            Err(error) => {
                tracing::warn!(%error, sync, "its ledger cannot be read; the records it knows are looked up");
                None
            }
        }
    }
}
