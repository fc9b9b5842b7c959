//! One sync of any kind as the commands carry it: joined with its model and source, and handed to the engine by its kind.

use hubward_core::spec::{EventSync, ListSync, Model, ObjectSync, SourceSpec, SyncSpec};
use hubward_engine::{
    Cancel, Engine, EngineError, Problem, RequestPreview, RunOptions, SyncJob, SyncPlan, SyncReport, needed,
    needed_for_event, needed_for_list,
};
use hubward_project::Project;

use crate::exit::Failure;

/// A sync with what it reads from.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    Object(SyncJob),
    Event(SyncJob<EventSync>),
    List(SyncJob<ListSync>),
}

impl Job {
    /// Joins a sync with its model and source; a checked project has both.
    pub(crate) fn of(project: &Project, sync: &SyncSpec) -> Result<Self, Failure> {
        let missing =
            || Failure::new("unknown-model", format!("sync {:?} has no model {:?}", sync.name(), sync.model()));
        let model = project.model(sync.model()).ok_or_else(missing)?;
        let source = project.source(&model.source).ok_or_else(missing)?;
        Ok(Self::reading(sync, model.clone(), source.clone()))
    }

    /// The sync on the rows of another model than its own.
    pub(crate) fn reading(sync: &SyncSpec, model: Model, source: SourceSpec) -> Self {
        match sync {
            SyncSpec::Object(sync) => Self::Object(SyncJob { sync: sync.clone(), model, source }),
            SyncSpec::Event(sync) => Self::Event(SyncJob { sync: sync.clone(), model, source }),
            SyncSpec::List(sync) => Self::List(SyncJob { sync: sync.clone(), model, source }),
        }
    }

    pub(crate) async fn run(&self, engine: &Engine, run: &str, options: &RunOptions) -> SyncReport {
        match self {
            Self::Object(job) => engine.run_sync(job, run, options).await,
            Self::Event(job) => engine.run_event_sync(job, run, options).await,
            Self::List(job) => engine.run_list_sync(job, run, options).await,
        }
    }

    pub(crate) async fn plan(&self, engine: &Engine, full: bool, cancel: &Cancel) -> Result<SyncPlan, EngineError> {
        match self {
            Self::Object(job) => engine.plan_sync(job, full, cancel).await,
            Self::Event(job) => engine.plan_event_sync(job, full, cancel).await,
            Self::List(job) => engine.plan_list_sync(job, full, cancel).await,
        }
    }

    pub(crate) async fn check(&self, engine: &Engine) -> Vec<Problem> {
        match self {
            Self::Object(job) => engine.check_sync(job).await,
            Self::Event(job) => engine.check_event_sync(job).await,
            Self::List(job) => engine.check_list_sync(job).await,
        }
    }

    pub(crate) async fn preview(
        &self,
        engine: &Engine,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<RequestPreview, EngineError> {
        match self {
            Self::Object(job) => engine.preview_sync(job, limit, cancel).await,
            Self::Event(job) => engine.preview_event_sync(job, limit, cancel).await,
            Self::List(job) => engine.preview_list_sync(job, limit, cancel).await,
        }
    }
}

/// The scopes that a sync takes, as far as the project alone tells.
pub(crate) fn scopes(sync: &SyncSpec) -> Vec<String> {
    match sync {
        SyncSpec::Object(sync) => needed(sync, None, maps_owner(sync)),
        SyncSpec::Event(sync) => needed_for_event(sync),
        SyncSpec::List(sync) => needed_for_list(sync, None),
    }
}

/// Without the account only the usual owner property is known to be one.
fn maps_owner(sync: &ObjectSync) -> bool {
    sync.map.iter().any(|entry| entry.property == "hubspot_owner_id")
}

/// The object syncs of a project.
pub(crate) fn object_syncs(project: &Project) -> Vec<ObjectSync> {
    let object = |sync: &SyncSpec| match sync {
        SyncSpec::Object(sync) => Some(sync.clone()),
        _ => None,
    };
    project.syncs.iter().filter_map(object).collect()
}
