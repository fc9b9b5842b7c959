//! Everything that can be known to be wrong with a sync before a row is read.

use hubward_core::Pipeline;
use hubward_core::mapping::{Mapping, MappingProblem};
use hubward_core::spec::Location;

use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::object_type::ObjectType;
use crate::preflight::Preflight;
use crate::prepared::{match_kind, needs_owners};
use crate::ready::{located, source_error};
use crate::run::blocking;
use crate::scopes::{is_granted, needed};
use crate::sight::needs_pipelines;
use crate::strategy::MatchKind;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong, or deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub code: &'static str,
    pub at: Location,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn error(error: EngineError, fallback: &Location) -> Self {
        Self {
            severity: Severity::Error,
            code: error.code,
            at: error.at.unwrap_or_else(|| fallback.clone()),
            message: error.message,
            help: error.help,
        }
    }

    pub(crate) fn mapping(problem: MappingProblem) -> Self {
        let MappingProblem { code, at, message, help, .. } = problem;
        Self { severity: Severity::Error, code, at, message, help: Some(help) }
    }

    pub(crate) fn warning(code: &'static str, at: &Location, message: String, help: &str) -> Self {
        Self { severity: Severity::Warning, code, at: at.clone(), message, help: Some(help.to_owned()) }
    }
}

impl Engine {
    /// Every problem of one sync: the source and its columns, object type, properties, match
    /// property, mapping, scopes.
    pub async fn check_sync(&self, job: &SyncJob) -> Vec<Problem> {
        let mut problems = Vec::new();
        let at = &job.sync.at;
        let columns =
            self.check_source(job).await.map_err(|error| problems.push(Problem::error(error, &job.model.at))).ok();
        let object = match self.object_type(&job.sync.object).await {
            Ok(object) => Some(object),
            Err(error) => {
                problems.push(Problem::error(located(error, &job.sync.object_at), at));
                None
            }
        };
        let Some(object) = object else { return problems };
        let properties = match self.properties(&object).await {
            Ok(properties) => {
                let preflight = Preflight::new(&object, job.sync.mode, self.check_pipelines(job, &object).await);
                problems.extend(preflight.constant_problem(&job.sync));
                preflight.properties(properties)
            }
            Err(error) => {
                problems.push(Problem::error(located(error, &job.sync.object_at), at));
                return problems;
            }
        };
        match match_kind(&job.sync.match_, job.sync.mode, &object, &properties) {
            Ok(MatchKind::Search) => problems.push(Problem::warning(
                "match-not-unique",
                &job.sync.match_.at,
                format!("{} of {} is not unique in HubSpot", job.sync.match_.property, object.name),
                "records are found by search then: slow, behind by seconds, and a value that several records have is \
                 rejected; a property with unique values is better",
            )),
            Ok(_) => {}
            Err(error) => problems.push(Problem::error(error, &job.sync.match_.at)),
        }
        if let Some(columns) = &columns {
            let mapping =
                Mapping::compile(&job.sync.map, &job.sync.match_, job.sync.mode, job.sync.nulls, &properties, columns);
            if let Err(found) = mapping {
                problems.extend(found.into_iter().map(Problem::mapping));
            }
            for key in &job.model.primary_key {
                if columns.column_with_name(key).is_none() {
                    let error = crate::scan::unknown_columns(&job.model, std::slice::from_ref(key), columns);
                    problems.push(Problem::error(error, &job.model.at));
                }
            }
        }
        for required in &object.required {
            let given =
                job.sync.match_.property == *required || job.sync.map.iter().any(|entry| entry.property == *required);
            if !given && crate::run::creates(job.sync.mode) {
                problems.push(Problem::warning(
                    "required-property",
                    at,
                    format!(
                        "{} require {required} when a record is created, and the sync does not map it",
                        object.name
                    ),
                    "map it, or rows without a record are rejected",
                ));
            }
        }
        match self.associations(&job.sync, &object, Trust::Fresh).await {
            Ok((Some(associations), _)) => {
                for why in associations.unread_labels() {
                    problems.push(Problem::warning(
                        "association-labels",
                        at,
                        why,
                        "the token may lack a scope of the other object type; without labels only unlabelled associations work",
                    ));
                }
                let missing = columns.as_ref().map(|columns| associations.check_columns(columns));
                if let Some(Err(error)) = missing {
                    problems.push(Problem::error(error, at));
                }
            }
            Ok((None, _)) => {}
            Err(error) => problems.push(Problem::error(error, at)),
        }
        let owners = needs_owners(&job.sync, &properties);
        if let Ok(token) = self.client().token_info().await
            && !token.scopes.is_empty()
        {
            for scope in needed(&job.sync, Some(&object), owners) {
                if !is_granted(&scope, &token.scopes) {
                    problems.push(Problem::warning(
                        "missing-scope",
                        at,
                        format!("the token does not have the scope {scope}"),
                        "add it to the app or service key in HubSpot; some accounts grant its reading part by other scopes",
                    ));
                }
            }
        }
        problems
    }

    /// The pipelines of the object type, where the sync names one.
    async fn check_pipelines(&self, job: &SyncJob, object: &ObjectType) -> Option<Vec<Pipeline>> {
        if !needs_pipelines(&job.sync, object) {
            return None;
        }
        self.known_pipelines(object, Trust::Fresh).await.ok()?.value.as_ref().clone()
    }

    pub(crate) async fn check_source<S: Clone + Send + 'static>(
        &self,
        job: &SyncJob<S>,
    ) -> Result<arrow_schema::SchemaRef, EngineError> {
        let read = self.read_options(None);
        let job = job.clone();
        blocking(move || {
            let source = open_source(&job.source)?;
            source.columns(&job.model.query, &read).map_err(|error| source_error(error, &job))
        })
        .await
    }
}
