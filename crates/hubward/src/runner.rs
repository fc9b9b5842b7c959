//! A run: several syncs, one after the other, each recorded with its report. `run` and `demo` share it.

use std::collections::{HashMap, HashSet};

use hubward_core::WallClock as _;
use hubward_core::spec::SyncSpec;
use hubward_engine::{Engine, EngineError, RunOptions, Status, SyncReport};
use hubward_project::Project;
use hubward_store::{RunStart, StateDb};

use crate::clock::SystemClock;
use crate::declared;
use crate::exit::Failure;
use crate::jobs::{Job, object_syncs};
use crate::project_files::unknown;
use crate::report::{RunReport, failed_sync, status_name, sync_json};

/// What a run is made of.
pub(crate) struct Run<'a> {
    pub(crate) id: String,
    /// The command as it is remembered; without secrets.
    pub(crate) command: String,
    pub(crate) engine: &'a Engine,
    pub(crate) db: &'a StateDb,
    pub(crate) project: &'a Project,
    /// In the order in which they run.
    pub(crate) syncs: Vec<&'a SyncSpec>,
    pub(crate) options: RunOptions,
    /// The digest that a saved plan shows for each sync.
    pub(crate) digests: HashMap<String, u64>,
}

/// A fresh run id: later ones sort after earlier ones.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The syncs of these names, or all, in dependency order.
pub(crate) fn choose<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a SyncSpec>, Failure> {
    let known: Vec<&str> = project.syncs.iter().map(SyncSpec::name).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            return Err(unknown("sync", name, &known));
        }
    }
    let order = project.run_order().into_iter().map(|position| &project.syncs[position]);
    let chosen: Vec<&SyncSpec> =
        order.filter(|sync| names.is_empty() || names.iter().any(|name| name == sync.name())).collect();
    if chosen.is_empty() {
        return Err(Failure::new("no-syncs", "the project declares no sync").help("write one into syncs/NAME.yml"));
    }
    Ok(chosen)
}

impl Run<'_> {
    /// Runs every sync and remembers it. A failed sync does not stop the others, except those that come `after` it.
    pub(crate) async fn carry_out(self) -> Result<RunReport, Failure> {
        let account = self.engine.account().portal_id;
        self.db.start_run(&RunStart {
            id: self.id.clone(),
            started_at: SystemClock.now(),
            account,
            command: self.command.clone(),
        })?;
        let mut report = RunReport { run: Some(self.id.clone()), account: Some(account), ..RunReport::default() };
        let outdated = self.outdated().await;
        let mut failed: HashSet<&str> = HashSet::new();
        for sync in &self.syncs {
            let done = self.one(sync, &failed, outdated.as_ref()).await?;
            if done.status == Status::Failed {
                failed.insert(sync.name());
            }
            let (word, document) = (status_name(done.status), sync_json(&done));
            let remembered = self.db.finish_sync(&self.id, &done.sync, word, &document, SystemClock.now());
            report.syncs.push(done);
            report.remember(remembered);
        }
        self.retry_missing_targets(&mut report).await?;
        let remembered = self.db.finish_run(&self.id, report.status(), &report.to_json(), SystemClock.now());
        report.remember(remembered.and_then(|()| self.db.flush()));
        Ok(report)
    }

    async fn one(
        &self,
        sync: &SyncSpec,
        failed: &HashSet<&str>,
        outdated: Option<&EngineError>,
    ) -> Result<SyncReport, Failure> {
        if let Some(error) = outdated {
            return Ok(failed_sync(sync.name(), error.clone()));
        }
        if self.options.cancel.is_set() {
            let error = Failure::new("interrupted", "interrupted before this sync began");
            let stopped = failed_sync(sync.name(), error.to_engine_error());
            return Ok(SyncReport { interrupted: true, ..stopped });
        }
        if let Some(cause) = sync.after().iter().find(|name| failed.contains(name.as_str())) {
            let error = Failure::new("after-failed", format!("sync {cause:?}, which this one comes after, has failed"))
                .help("mend that one; both run again next time")
                .at(sync.at());
            return Ok(failed_sync(sync.name(), error.to_engine_error()));
        }
        let job = Job::of(self.project, sync)?;
        let mut report = job.run(self.engine, &self.id, &self.options_of(sync)).await;
        report.error = report.error.map(|error| declared::explained(self.project, sync, error));
        Ok(report)
    }

    /// Rows that named records which later syncs of this run have written get another try; syncs may name each other's.
    async fn retry_missing_targets(&self, report: &mut RunReport) -> Result<(), Failure> {
        for at in 0..report.syncs.len() {
            let later = report.syncs[at + 1..].iter().any(|later| later.outcomes.applied > 0);
            if report.syncs[at].associations.missing_target == 0 || !later {
                continue;
            }
            let Job::Object(job) = Job::of(self.project, self.syncs[at])? else { continue };
            let options = self.options_of(self.syncs[at]);
            let done = &mut report.syncs[at];
            self.engine.retry_missing_targets(&job, &self.id, &options, done).await;
            let (word, document) = (status_name(done.status), sync_json(done));
            let remembered = self.db.finish_sync(&self.id, &done.sync, word, &document, SystemClock.now());
            report.remember(remembered);
        }
        Ok(())
    }

    fn options_of(&self, sync: &SyncSpec) -> RunOptions {
        let mut options = self.options.clone();
        options.expected_digest = self.digests.get(sync.name()).copied();
        options.siblings = object_syncs(self.project);
        options
    }

    /// Whether a plan of several syncs no longer holds. Each sync would find that out by itself, but only after those
    /// before it had sent their rows; a single one needs no second look.
    async fn outdated(&self) -> Option<EngineError> {
        if self.digests.len() < 2 {
            return None;
        }
        for sync in &self.syncs {
            let expected = self.digests.get(sync.name())?;
            let job = Job::of(self.project, sync).ok()?;
            // What fails here fails in the run of the sync too, with all that belongs to its report.
            let plan = job.plan(self.engine, self.options.full, &self.options.cancel).await.ok()?;
            if plan.digest != *expected {
                let error = Failure::new("plan-outdated", format!("the plan of sync {:?} is out of date", sync.name()))
                    .help("the source, the ledger or the mapping changed since the plan was made; plan again");
                return Some(error.to_engine_error());
            }
        }
        None
    }
}
